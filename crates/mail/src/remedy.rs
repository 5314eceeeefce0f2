//! What an administrator can do about a failed connection: one sentence for each failure we know.
//!
//! Sources: Microsoft's pages on SMTP AUTH and Exchange Online limits, RFC 3463, RFC 5530, and
//! what real servers answered.

use std::io;

use rustls::CertificateError;

use crate::transport_error::{Cause, Phase, Reply};

/// The remedy for a cause, if we know one. `token` tells that the server commented on an OAuth token.
pub(crate) fn remedy(phase: Phase, cause: &Cause, token: bool) -> Option<&'static str> {
    match cause {
        Cause::Lookup(_) | Cause::NoAddress | Cause::HostName => {
            Some("Check the spelling of the host name, and that this machine can resolve names.")
        }
        Cause::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Some("Nothing listens there: check the port, and that the server is running.")
        }
        Cause::Connect(_) => {
            Some("Check the host and the port, and that no firewall stands in between.")
        }
        Cause::TimedOut(_) => match phase {
            Phase::Connect => Some("Check the port, and that no firewall swallows the connection."),
            Phase::Greeting => Some(
                "A port that expects TLS from the first byte stays silent to others: try SSL/TLS, or another port.",
            ),
            _ => None,
        },
        Cause::Tls(error) => tls_remedy(error),
        Cause::StartTlsNotOffered => Some(
            "Choose SSL/TLS with the port for it, or ask the server's administrator to offer STARTTLS; \
             the connection is not continued unprotected.",
        ),
        Cause::NoMechanism { .. } => Some(
            "Choose another kind of authentication, or another encryption: many servers offer it only over TLS.",
        ),
        Cause::TokenInClear => Some("Choose STARTTLS or SSL/TLS for this server."),
        Cause::Refused(reply) => refusal_remedy(phase, reply, token),
        Cause::Bye(text) if text.contains("AccessTokenExpired") => {
            Some("The access token ran out; a new connection with a new token goes on.")
        }
        _ => None,
    }
}

fn tls_remedy(error: &io::Error) -> Option<&'static str> {
    let rustls_error = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    match rustls_error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => Some(
            "The certificate comes from an authority that is not trusted here. \
             If it is a private one, add its certificate to the trusted ones (--tls-ca).",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => Some("The certificate is for another name: use the name that stands in it."),
        rustls::Error::InvalidCertificate(
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. },
        ) => Some("The certificate is out of its time: renew it, or correct the clock."),
        rustls::Error::InvalidMessage(_) => Some(
            "The other end does not speak TLS from the first byte: choose STARTTLS, or the port for SSL/TLS.",
        ),
        _ => None,
    }
}

fn refusal_remedy(phase: Phase, reply: &Reply, token: bool) -> Option<&'static str> {
    if let Some(known) = microsoft_remedy(reply) {
        return Some(known);
    }
    match (reply.code, phase) {
        (Some(530), _) if reply.text.to_ascii_uppercase().contains("STARTTLS") => {
            Some("Choose STARTTLS as the encryption.")
        }
        (Some(530), _) => Some("The server wants a user to sign in before it takes mail."),
        (Some(454), Phase::Auth) => {
            Some("The server cannot check credentials right now: try again later.")
        }
        (_, Phase::Auth) if token => Some(
            "The token was not accepted: the user name must be the account that was connected (or, for IMAP, \
             a mailbox it may open), and the consent must cover mail. Connect the account again.",
        ),
        (Some(534 | 535), Phase::Auth) => {
            Some("Check the user name and the password, or connect the account again.")
        }
        (None, Phase::Auth) => auth_code_remedy(reply.enhanced.as_deref()),
        (Some(552), _) => Some("The message is larger than the server accepts."),
        _ => None,
    }
}

fn auth_code_remedy(code: Option<&str>) -> Option<&'static str> {
    match code {
        Some("UNAVAILABLE" | "SYS/TEMP" | "IN-USE" | "LOGIN-DELAY") => {
            Some("The server cannot sign this user in right now: try again later.")
        }
        _ => Some("Check the user name and the password, or connect the account again."),
    }
}

/// What Exchange Online and outlook.com say, by enhanced status code.
fn microsoft_remedy(reply: &Reply) -> Option<&'static str> {
    let text = reply.text.as_str();
    if text.contains("authenticated but not connected") {
        return Some(
            "The token belongs to another account than the mailbox, or the account may not open it, \
             or the service is busy: check which account was connected.",
        );
    }
    match (reply.code?, reply.enhanced.as_deref()?) {
        (535, "5.7.139") => Some(
            "SMTP AUTH is switched off for the mailbox or the whole tenant, which blocks OAuth too: an Exchange \
             administrator can allow it with Set-CASMailbox -SmtpClientAuthenticationDisabled $false.",
        ),
        (550, "5.7.30") => {
            Some("The service no longer takes passwords for SMTP: connect the account by OAuth.")
        }
        (530, "5.7.57") => {
            Some("The session is not signed in: set up the authentication of this server.")
        }
        (432, _) => {
            Some("Too many connections of this mailbox at once: wait, or use fewer connections.")
        }
        (550 | 554, "5.7.60") => Some(
            "The account may not send as this address: grant it Send As, or send from its own address.",
        ),
        (554, "5.2.252") => Some(
            "The account may not send as this address: grant it Send As, or send from its own address.",
        ),
        (554, "5.2.0") if text.contains("SendAsDenied") => Some(
            "The account may not send as this address: grant it Send As, or send from its own address.",
        ),
        (554, "5.2.0") => {
            Some("The mailbox may have reached its daily limit of recipients: try again tomorrow.")
        }
        (554, "5.2.2") => {
            Some("The sender's own mailbox is full (sent mail counts): make room in it.")
        }
        _ => None,
    }
}
