//! What goes wrong with the line itself: names, connections, TLS, and answers that make no sense.

use std::io;

use rustls::CertificateError;

use super::Retried::{AfterChange, Later};
use super::{Entry, entry, sasl, smtp};
use crate::transport_error::{Cause, Phase};

const HOST_UNKNOWN: Entry = entry(
    "network.host_unknown",
    Later,
    "the lookup of the host name failed or gave no address",
    "The server's host name could not be resolved.",
    "Check the spelling of the host name, and that this machine can resolve names.",
);
const HOST_INVALID: Entry = entry(
    "network.host_invalid",
    AfterChange,
    "a host that is neither a DNS name nor an IP address",
    "What was entered as the server is no host name.",
    "Check the spelling of the host name: no blanks, no protocol in front, no path behind.",
);
const DESTINATION_CLOSED: Entry = entry(
    "network.destination_closed",
    AfterChange,
    "a host with an address of a cloud's own services, or in a private network that the settings close",
    "The host leads to an address that is not connected to.",
    "Check the host name. If the server is in your own network, start Postern without --private-networks=false.",
);
const CONNECTION_REFUSED: Entry = entry(
    "network.connection_refused",
    Later,
    "the connection was refused",
    "The machine answers, but takes no connection at this port.",
    "Nothing listens there: check the port, and that the server is running.",
);
const UNREACHABLE: Entry = entry(
    "network.unreachable",
    Later,
    "no connection, or no answer to the attempt to connect",
    "The server cannot be reached from this machine.",
    "Check the host and the port, and that no firewall swallows the connection; many hosting providers block port 25.",
);
const SILENT: Entry = entry(
    "network.silent",
    Later,
    "no greeting in time",
    "The connection was made, but the server says nothing.",
    "A port that expects TLS from the first byte stays silent to others: try SSL/TLS, or another port.",
);
const TIMEOUT: Entry = entry(
    "network.timeout",
    Later,
    "no answer to a command in time",
    "The server took too long to answer.",
    "Nothing needs to be done: it is tried again later.",
);
const INTERRUPTED: Entry = entry(
    "network.interrupted",
    Later,
    "the server hung up, or the line broke",
    "The connection ended in the middle of the conversation.",
    "Nothing needs to be done unless it lasts: then look into the server's log, and at firewalls in between.",
);
const GARBLED: Entry = entry(
    "network.garbled",
    Later,
    "an answer that follows no rule of the protocol",
    "What answers there does not speak the protocol that was expected.",
    "Check that the port belongs to the protocol: 25, 465 and 587 for SMTP, 143 and 993 for IMAP, 110 and 995 for POP3.",
);
const TLS_UNTRUSTED: Entry = entry(
    "tls.untrusted",
    AfterChange,
    "a certificate of an unknown authority",
    "The server's certificate comes from an authority that is not trusted here.",
    "If the authority is a private one, add its certificate to the trusted ones (--tls-ca).",
);
const TLS_WRONG_NAME: Entry = entry(
    "tls.wrong_name",
    AfterChange,
    "a certificate for another name",
    "The server's certificate is for another name than the one that was entered.",
    "Enter the name that stands in the certificate as the host name.",
);
const TLS_OUT_OF_TIME: Entry = entry(
    "tls.out_of_time",
    AfterChange,
    "a certificate that has expired or is not valid yet",
    "The server's certificate is out of its time.",
    "Renew the certificate on the server, or correct this machine's clock.",
);
const TLS_CERTIFICATE_REFUSED: Entry = entry(
    "tls.certificate_refused",
    AfterChange,
    "a certificate that is wrong in another way",
    "The server's certificate cannot be accepted.",
    "Have the server's certificate replaced by a valid one.",
);
const TLS_NOT_SPOKEN: Entry = entry(
    "tls.not_spoken",
    AfterChange,
    "an answer to the handshake that is no TLS",
    "The other end does not speak TLS from the first byte.",
    "Choose STARTTLS, or the port for SSL/TLS (465 for SMTP, 993 for IMAP, 995 for POP3).",
);
const TLS_INCOMPATIBLE: Entry = entry(
    "tls.incompatible",
    AfterChange,
    "no TLS version or method in common",
    "The server and Postern have no way of encryption in common: the server may speak TLS 1.1 or older only.",
    "Have TLS 1.2 or 1.3 switched on at the server.",
);
const TLS_FAILED: Entry = entry(
    "tls.failed",
    Later,
    "the handshake failed in another way",
    "The encrypted connection could not be made.",
    "Look into the server's log for the handshake; a proxy or firewall in between may break it.",
);
const TLS_CLIENT_CERTIFICATE: Entry = entry(
    "tls.client_certificate",
    AfterChange,
    "a client certificate that cannot be used",
    "The certificate to show to the server and its private key cannot be used.",
    "Enter a certificate and the unencrypted key that belongs to it, both as PEM.",
);
const STARTTLS_MISSING: Entry = entry(
    "tls.starttls_missing",
    AfterChange,
    "the server does not offer STARTTLS",
    "The server offers no encryption at this port, and the connection is not continued unprotected.",
    "Choose SSL/TLS with the port for it, or ask the server's administrator to offer STARTTLS.",
);
const STARTTLS_INJECTION: Entry = entry(
    "tls.starttls_injection",
    Later,
    "more than a consent before the handshake of STARTTLS",
    "Something was sent between the consent to STARTTLS and the handshake, as somebody in between would do to forge answers.",
    "If it lasts, find out what stands between this machine and the server, and prefer SSL/TLS from the first byte.",
);

pub(super) static ENTRIES: &[&Entry] = &[
    &HOST_UNKNOWN,
    &HOST_INVALID,
    &DESTINATION_CLOSED,
    &CONNECTION_REFUSED,
    &UNREACHABLE,
    &SILENT,
    &TIMEOUT,
    &INTERRUPTED,
    &GARBLED,
    &TLS_UNTRUSTED,
    &TLS_WRONG_NAME,
    &TLS_OUT_OF_TIME,
    &TLS_CERTIFICATE_REFUSED,
    &TLS_NOT_SPOKEN,
    &TLS_INCOMPATIBLE,
    &TLS_FAILED,
    &TLS_CLIENT_CERTIFICATE,
    &STARTTLS_MISSING,
    &STARTTLS_INJECTION,
];

/// The entry for what is no answer of the server.
pub(super) fn of_cause(phase: Phase, cause: &Cause) -> &'static Entry {
    match cause {
        Cause::Lookup(_) | Cause::NoAddress => &HOST_UNKNOWN,
        Cause::HostName => &HOST_INVALID,
        Cause::Forbidden(_) => &DESTINATION_CLOSED,
        Cause::Connect(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            &CONNECTION_REFUSED
        }
        Cause::Connect(_) => &UNREACHABLE,
        Cause::TimedOut(_) => match phase {
            Phase::Resolve => &HOST_UNKNOWN,
            Phase::Connect => &UNREACHABLE,
            Phase::Greeting => &SILENT,
            _ => &TIMEOUT,
        },
        Cause::Tls(error) => of_tls(error),
        Cause::StartTlsNotOffered => &STARTTLS_MISSING,
        Cause::StartTlsInjection => &STARTTLS_INJECTION,
        Cause::NoMechanism { .. } => &sasl::MECHANISM_MISSING,
        Cause::TokenInClear => &sasl::TOKEN_IN_CLEAR,
        Cause::InvalidInput(_) => match phase {
            Phase::Tls => &TLS_CLIENT_CERTIFICATE,
            Phase::Auth => &sasl::CREDENTIALS_INVALID,
            _ => &smtp::INPUT_INVALID,
        },
        Cause::TooLarge { .. } => &smtp::TOO_LARGE,
        Cause::SmtpUtf8NotOffered => &smtp::UNICODE_MISSING,
        Cause::EightBitNotOffered => &smtp::EIGHT_BIT_MISSING,
        Cause::Garbled(_) => &GARBLED,
        Cause::Closed | Cause::Io(_) | Cause::Unusable | Cause::Bye(_) | Cause::Refused(_) => {
            &INTERRUPTED
        }
    }
}

fn of_tls(error: &io::Error) -> &'static Entry {
    let Some(error) = error.get_ref().and_then(|e| e.downcast_ref()) else {
        return &TLS_FAILED;
    };
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::UnknownIssuer => &TLS_UNTRUSTED,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                &TLS_WRONG_NAME
            }
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => &TLS_OUT_OF_TIME,
            _ => &TLS_CERTIFICATE_REFUSED,
        },
        rustls::Error::InvalidMessage(_) => &TLS_NOT_SPOKEN,
        rustls::Error::NoCertificatesPresented => &TLS_CERTIFICATE_REFUSED,
        rustls::Error::PeerIncompatible(_) => &TLS_INCOMPATIBLE,
        _ => &TLS_FAILED,
    }
}
