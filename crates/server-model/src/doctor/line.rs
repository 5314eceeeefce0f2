//! The way to a server: its name, the connection, the encryption. All three come from one attempt to connect, which says
//! at which step it ended.

use std::net::SocketAddr;

use mail::Certificate;
use mail::server::{Encryption, Server};
use mail::transport_error::{Phase, TransportError};

use words::{Text, say};

use super::report::Report;
use crate::atlas::{CERTIFICATE_ENDS, CERTIFICATE_UNVERIFIED, NO_ENCRYPTION};
use crate::env::Caller;
use crate::unverified::{Line, Unverified};

const NAME: &str = "name_resolution";
const CONNECTION: &str = "connection";
const TLS: &str = "tls";
/// A certificate with fewer days left is worth a word.
const FEW_DAYS: i64 = 14;

/// The steps, for where nothing of it could be tried.
pub(super) const STEPS: [&str; 3] = [NAME, CONNECTION, TLS];

/// What a connection that was made tells.
pub(super) struct Made {
    pub(super) remote: Option<SocketAddr>,
    pub(super) certificate: Option<Certificate>,
    /// Whether a token is shown to the server: then its certificate is verified in any case.
    pub(super) by_token: bool,
}

/// Writes down a connection that was made.
pub(super) async fn works(caller: &Caller, server: &Server, made: Made, report: &mut Report) {
    let host = server.host.as_str();
    report.pass(
        NAME,
        match made.remote {
            Some(remote) => say!("doctor-is", host, address = %remote.ip()),
            None => Text::quote(host),
        },
    );
    report.pass(CONNECTION, say!("doctor-answers", port = %server.port));
    let line = Line {
        host: &server.host,
        port: server.port,
        encrypted: server.encryption != Encryption::None,
        by_token: made.by_token,
    };
    let unverified = Unverified::of(caller.backend()).await.unwrap_or_default();
    if !line.encrypted {
        report.remark(TLS, &say!("doctor-unencrypted"), &NO_ENCRYPTION);
    } else if let Some(warning) = line.warning(&unverified) {
        report.remark(TLS, &warning, &CERTIFICATE_UNVERIFIED);
    } else if let Some(certificate) = made.certificate {
        let days = certificate.days_left(caller.backend().now().and_utc());
        let message = say!("doctor-certificate", issuer = &certificate.issuer, days);
        if days < FEW_DAYS {
            report.remark(TLS, &message, &CERTIFICATE_ENDS);
        } else {
            report.pass(TLS, message);
        }
    } else {
        report.pass(TLS, say!("doctor-encrypted"));
    }
}

/// Writes down a connection that was not made.
pub(super) fn fails(server: &Server, error: &TransportError, report: &mut Report) {
    let named =
        |report: &mut Report| report.pass(NAME, say!("doctor-has-address", host = %server.host));
    match error.phase() {
        Phase::Resolve => {
            report.fail(NAME, error);
            report.skip_all(&[CONNECTION, TLS], &say!("doctor-no-address"));
        }
        Phase::Tls | Phase::StartTls => {
            named(report);
            report.pass(CONNECTION, say!("doctor-answers", port = %server.port));
            report.fail(TLS, error);
        }
        _ => {
            named(report);
            report.fail(CONNECTION, error);
            report.skip(TLS, &say!("doctor-no-connection"));
        }
    }
}
