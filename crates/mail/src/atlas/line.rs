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
);
const HOST_INVALID: Entry = entry(
    "network.host_invalid",
    AfterChange,
    "a host that is neither a DNS name nor an IP address",
);
const DESTINATION_CLOSED: Entry = entry(
    "network.destination_closed",
    AfterChange,
    "a host with an address of a cloud's own services, or in a private network that the settings close",
);
const CONNECTION_REFUSED: Entry = entry(
    "network.connection_refused",
    Later,
    "the connection was refused",
);
const UNREACHABLE: Entry = entry(
    "network.unreachable",
    Later,
    "no connection, or no answer to the attempt to connect",
);
const SILENT: Entry = entry("network.silent", Later, "no greeting in time");
const TIMEOUT: Entry = entry("network.timeout", Later, "no answer to a command in time");
const INTERRUPTED: Entry = entry(
    "network.interrupted",
    Later,
    "the server hung up, or the line broke",
);
const GARBLED: Entry = entry(
    "network.garbled",
    Later,
    "an answer that follows no rule of the protocol",
);
const TLS_UNTRUSTED: Entry = entry(
    "tls.untrusted",
    AfterChange,
    "a certificate of an unknown authority",
);
const TLS_WRONG_NAME: Entry = entry(
    "tls.wrong_name",
    AfterChange,
    "a certificate for another name",
);
const TLS_OUT_OF_TIME: Entry = entry(
    "tls.out_of_time",
    AfterChange,
    "a certificate that has expired or is not valid yet",
);
const TLS_CERTIFICATE_REFUSED: Entry = entry(
    "tls.certificate_refused",
    AfterChange,
    "a certificate that is wrong in another way",
);
const TLS_NOT_SPOKEN: Entry = entry(
    "tls.not_spoken",
    AfterChange,
    "an answer to the handshake that is no TLS",
);
const TLS_INCOMPATIBLE: Entry = entry(
    "tls.incompatible",
    AfterChange,
    "no TLS version or method in common",
);
const TLS_FAILED: Entry = entry("tls.failed", Later, "the handshake failed in another way");
const TLS_CLIENT_CERTIFICATE: Entry = entry(
    "tls.client_certificate",
    AfterChange,
    "a client certificate that cannot be used",
);
const STARTTLS_MISSING: Entry = entry(
    "tls.starttls_missing",
    AfterChange,
    "the server does not offer STARTTLS",
);
const STARTTLS_INJECTION: Entry = entry(
    "tls.starttls_injection",
    Later,
    "more than a consent before the handshake of STARTTLS",
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
