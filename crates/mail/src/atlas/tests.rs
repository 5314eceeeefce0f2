//! What servers answer, and where the atlas has it.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;
use crate::sasl::Challenge;
use crate::transport_error::{Peer, TransportError};

fn failure(protocol: &'static str, phase: Phase, cause: Cause) -> TransportError {
    let peer = Peer {
        protocol,
        host: "mx.example.test".to_owned(),
        port: 1,
    };
    TransportError::new(&peer, phase, cause)
}

fn smtp(phase: Phase, code: u16, enhanced: &str, text: &str) -> TransportError {
    let enhanced = Some(enhanced).filter(|code| !code.is_empty());
    let reply = Reply::smtp(code, enhanced, text);
    failure("SMTP", phase, Cause::Refused(reply))
}

fn imap(phase: Phase, status: &str, text: &str) -> TransportError {
    let reply = Reply::tagged(status, text);
    failure("IMAP", phase, Cause::Refused(reply))
}

/// What the class of an entry promises is what the rest of the program does by the severity.
#[track_caller]
fn assert_found(error: &TransportError, code: &str) {
    let entry = error.entry();
    assert_eq!(entry.code, code, "{error}");
    let severity = match entry.retried {
        Retried::Later => Severity::Transient,
        Retried::AfterChange | Retried::Never => Severity::Permanent,
        Retried::Doubtful => Severity::Ambiguous,
    };
    assert_eq!(error.severity(), severity, "{error}");
    assert!(error.to_string().ends_with(&format!("[{code}]")), "{error}");
}

#[test]
fn every_code_stands_once_and_is_a_name() {
    let mut codes = BTreeSet::new();
    for entry in entries() {
        assert!(codes.insert(entry.code), "{}", entry.code);
        let (family, name) = entry.code.split_once('.').expect(entry.code);
        let families = ["network", "tls", "sasl", "smtp", "imap", "pop3", "mailbox"];
        assert!(families.contains(&family), "{family}");
        let plain = |b: u8| b.is_ascii_lowercase() || b == b'_';
        assert!(name.bytes().all(plain), "{name}");
    }
}

#[test]
fn all_texts_are_whole_sentences() {
    for entry in entries() {
        for text in [entry.what(), words::atlas::remedy(entry.code)].map(|text| text.to_string()) {
            assert!(text.starts_with(char::is_uppercase), "{text}");
            assert!(text.ends_with(['.', ')']) && !text.contains("  "), "{text}");
        }
        assert!(!entry.sign.is_empty(), "{}", entry.code);
    }
}

#[test]
fn exchange_tells_who_switched_smtp_auth_off() {
    for (text, code) in [
        (
            "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit https://aka.ms/smtp_auth_disabled",
            "smtp.auth_disabled_tenant",
        ),
        (
            "Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.",
            "smtp.auth_disabled_mailbox",
        ),
        ("Authentication unsuccessful", "smtp.auth_disabled"),
        (
            "Authentication unsuccessful, the user credentials were incorrect.",
            "smtp.auth_unsuccessful",
        ),
        (
            "Authentication unsuccessful, user is locked by your organization's security defaults policy.",
            "smtp.auth_blocked_by_policy",
        ),
    ] {
        assert_found(&smtp(Phase::Auth, 535, "5.7.139", text), code);
    }
    let mailbox = smtp(Phase::Auth, 535, "5.7.139", "disabled for the Mailbox");
    assert!(
        mailbox.to_string().contains(
            "Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false"
        ),
        "{mailbox}"
    );
    let tenant = smtp(Phase::Auth, 535, "5.7.139", "disabled for the Tenant");
    assert!(
        tenant
            .to_string()
            .contains("Set-TransportConfig -SmtpClientAuthenticationDisabled $false"),
        "{tenant}"
    );
}

#[test]
fn the_answers_of_exchange_and_gmail_over_smtp_are_known() {
    use Phase::{Auth, Body, Greeting, Mail, Rcpt, StartTls};
    for (phase, code, enhanced, text, found) in [
        (
            Auth,
            535,
            "5.7.3",
            "Authentication unsuccessful",
            "auth_unsuccessful",
        ),
        (
            Auth,
            550,
            "5.7.30",
            "Basic authentication",
            "passwords_retired",
        ),
        (
            Mail,
            530,
            "5.7.57",
            "Client not authenticated",
            "not_signed_in",
        ),
        (
            Mail,
            530,
            "5.7.0",
            "Must issue a STARTTLS command first",
            "starttls_required",
        ),
        (
            Mail,
            530,
            "5.7.0",
            "Authentication Required",
            "sign_in_required",
        ),
        (
            Auth,
            432,
            "4.3.2",
            "Concurrent connections limit exceeded",
            "too_many_connections",
        ),
        (
            Greeting,
            421,
            "4.3.2",
            "Service not active",
            "too_many_connections",
        ),
        (
            Mail,
            421,
            "4.7.0",
            "Try again later, closing connection",
            "closing",
        ),
        (
            StartTls,
            454,
            "4.7.0",
            "TLS not available",
            "tls_unavailable",
        ),
        (
            Body,
            554,
            "5.2.0",
            "STOREDRV.Submission.Exception:SendAsDeniedException",
            "send_as_denied",
        ),
        (Body, 554, "5.2.252", "SendAsDenied", "send_as_denied"),
        (
            Body,
            550,
            "5.7.60",
            "Client does not have permissions to send as this sender",
            "send_as_denied",
        ),
        (
            Body,
            554,
            "5.2.0",
            "RecipientRateLimitExceeded",
            "recipient_limit",
        ),
        (
            Body,
            550,
            "5.4.5",
            "Daily user sending limit exceeded",
            "recipient_limit",
        ),
        (Body, 554, "5.2.2", "mailbox full", "own_mailbox_full"),
        (Rcpt, 552, "5.2.2", "over quota", "recipient_full"),
        (
            Mail,
            550,
            "5.1.8",
            "Access denied, bad outbound sender",
            "sender_blocked",
        ),
        (Rcpt, 550, "5.1.1", "User unknown", "recipient_unknown"),
        (Rcpt, 554, "5.7.1", "Relay access denied", "relay_denied"),
        (Mail, 552, "5.3.4", "too big", "too_large"),
        (
            Auth,
            534,
            "5.7.9",
            "Application-specific password required",
            "app_password_needed",
        ),
        (
            Auth,
            535,
            "5.7.8",
            "Username and Password not accepted. gsmtp",
            "gmail_refused",
        ),
        (Mail, 503, "5.5.1", "nested MAIL command", "out_of_step"),
        (Rcpt, 451, "4.7.1", "greylisted", "refused_for_now"),
        (Rcpt, 550, "5.7.1", "rejected", "refused"),
        (Greeting, 554, "", "no service", "not_served"),
    ] {
        assert_found(&smtp(phase, code, enhanced, text), &format!("smtp.{found}"));
    }
}

#[test]
fn signing_in_fails_in_the_same_words_everywhere() {
    assert_found(
        &smtp(Phase::Auth, 535, "5.7.8", "authentication failed"),
        "sasl.password_refused",
    );
    assert_found(
        &smtp(
            Phase::Auth,
            454,
            "4.7.0",
            "Temporary authentication failure",
        ),
        "sasl.unavailable",
    );
    assert_found(&smtp(Phase::Auth, 503, "", "lost"), "sasl.unavailable");
    assert_found(
        &imap(Phase::Auth, "NO", "[AUTHENTICATIONFAILED] no"),
        "sasl.password_refused",
    );
    assert_found(
        &imap(Phase::Auth, "NO", "[UNAVAILABLE] later"),
        "sasl.unavailable",
    );
    let challenge = Challenge::decode("eyJzdGF0dXMiOiI0MDEifQ==");
    let commented = smtp(Phase::Auth, 535, "5.7.8", "failed").with_challenge(challenge);
    assert_found(&commented, "sasl.token_refused");
    let missing = Cause::NoMechanism {
        wanted: "XOAUTH2",
        offered: Vec::new(),
    };
    assert_found(
        &failure("POP3", Phase::Auth, missing),
        "sasl.mechanism_missing",
    );
    assert_found(
        &failure("IMAP", Phase::Auth, Cause::TokenInClear),
        "sasl.token_in_clear",
    );
}

#[test]
fn the_answers_of_exchange_and_gmail_over_imap_are_known() {
    for (status, text, found) in [
        (
            "BAD",
            "User is authenticated but not connected.",
            "not_connected",
        ),
        ("NO", "AUTHENTICATE failed.", "authenticate_failed"),
        (
            "NO",
            "[ALERT] Application-specific password required: https://support.google.com",
            "app_password_needed",
        ),
        (
            "NO",
            "[ALERT] Please log in via your web browser",
            "web_login_needed",
        ),
        (
            "NO",
            "[WEBALERT https://accounts.google.com/x] Web login required.",
            "web_login_needed",
        ),
        (
            "NO",
            "[ALERT] Your account is not enabled for IMAP use.",
            "disabled",
        ),
        (
            "NO",
            "[ALERT] Too many simultaneous connections. (Failure)",
            "too_many_connections",
        ),
        (
            "NO",
            "[OVERQUOTA] Account exceeded command or bandwidth limits.",
            "over_limit",
        ),
        ("NO", "[NONEXISTENT] no such mailbox", "mailbox_missing"),
    ] {
        assert_found(&imap(Phase::Auth, status, text), &format!("imap.{found}"));
    }
    let expired = "Session invalidated - AccessTokenExpired".to_owned();
    assert_found(
        &failure("IMAP", Phase::Idle, Cause::Bye(expired)),
        "imap.token_expired",
    );
    assert_found(
        &failure("IMAP", Phase::Idle, Cause::Bye("restart".into())),
        "imap.session_ended",
    );
    assert_found(
        &imap(Phase::Select, "NO", "no such folder"),
        "mailbox.refused",
    );
    assert_found(
        &imap(Phase::Fetch, "NO", "try later"),
        "mailbox.refused_for_now",
    );
    let busy = Reply::tagged("-ERR", "[IN-USE] locked");
    assert_found(
        &failure("POP3", Phase::Auth, Cause::Refused(busy)),
        "pop3.in_use",
    );
    let large = Cause::TooLarge {
        size: None,
        limit: 1,
    };
    assert_found(
        &failure("IMAP", Phase::Fetch, large),
        "mailbox.message_too_large",
    );
}

#[test]
fn what_happens_to_the_line_is_known() {
    use std::io::{Error, ErrorKind};
    let refused = Error::from(ErrorKind::ConnectionRefused);
    let second = Duration::from_secs(1);
    for (phase, cause, found) in [
        (Phase::Resolve, Cause::NoAddress, "network.host_unknown"),
        (Phase::Resolve, Cause::HostName, "network.host_invalid"),
        (
            Phase::Connect,
            Cause::Connect(refused),
            "network.connection_refused",
        ),
        (
            Phase::Connect,
            Cause::TimedOut(second),
            "network.unreachable",
        ),
        (Phase::Greeting, Cause::TimedOut(second), "network.silent"),
        (Phase::Rcpt, Cause::TimedOut(second), "network.timeout"),
        (Phase::Data, Cause::Closed, "network.interrupted"),
        (Phase::Body, Cause::Closed, "smtp.fate_unknown"),
        (Phase::Body, Cause::TimedOut(second), "smtp.fate_unknown"),
        (
            Phase::Ehlo,
            Cause::Garbled("HTTP".into()),
            "network.garbled",
        ),
        (
            Phase::StartTls,
            Cause::StartTlsNotOffered,
            "tls.starttls_missing",
        ),
        (
            Phase::Tls,
            Cause::InvalidInput(words::Text::quote("key")),
            "tls.client_certificate",
        ),
        (
            Phase::Mail,
            Cause::InvalidInput(words::Text::quote("<>")),
            "smtp.input_invalid",
        ),
        (
            Phase::Mail,
            Cause::SmtpUtf8NotOffered,
            "smtp.unicode_missing",
        ),
        (
            Phase::Mail,
            Cause::EightBitNotOffered,
            "smtp.eight_bit_missing",
        ),
    ] {
        assert_found(&failure("SMTP", phase, cause), found);
    }
}

#[test]
fn a_certificate_is_refused_for_one_of_several_reasons() {
    use rustls::{CertificateError, InvalidMessage};
    for (error, found) in [
        (CertificateError::UnknownIssuer.into(), "tls.untrusted"),
        (CertificateError::NotValidForName.into(), "tls.wrong_name"),
        (CertificateError::Expired.into(), "tls.out_of_time"),
        (CertificateError::Revoked.into(), "tls.certificate_refused"),
        (InvalidMessage::InvalidContentType.into(), "tls.not_spoken"),
        (rustls::Error::DecryptError, "tls.failed"),
    ] {
        let error: rustls::Error = error;
        let cause = Cause::Tls(std::io::Error::other(error));
        assert_found(&failure("SMTP", Phase::Tls, cause), found);
    }
}
