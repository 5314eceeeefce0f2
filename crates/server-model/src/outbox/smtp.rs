//! Sessions with outgoing servers: what a server's row says, turned into a connection that is signed in.

use std::sync::Arc;
use std::time::Duration;

use mail::sasl::Credentials;
use mail::server::{Encryption, Server, Timeouts};
use mail::smtp::{SmtpConnection, SmtpServer};
use mail::tls::ClientIdentity;
use mail::transport_error::TransportError;
use secrecy::SecretString;

use words::{Text, say};

use super::choose::Carrier;
use super::own_server::OwnServer;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::ir_mail_server::{self, Model as MailServer};
use crate::oauth_flow::{self, Service};
use crate::orm::convert::stored_bytes;
use crate::orm::{access, write};
use crate::registry::entry;
use crate::schema::{Operation, OutsideCall};
use crate::unverified::{self, Line, Unverified};
use crate::value::{AnyValue, Id, Map, map};

/// How long a person who tests a connection waits for each step.
const TEST_PATIENCE: Duration = Duration::from_secs(20);
const MEBIBYTE: f64 = 1024.0 * 1024.0;

/// What the program's own server is called where servers have names.
pub const OWN_NAME: &str = "The server of the configuration";

/// Why there is no session.
#[derive(Debug)]
pub enum Failure {
    /// What happened at the server of this name.
    Session(String, TransportError),
    /// Something before it: the row, the token, the database.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Other(error)
    }
}

/// What a failed step says to the person: where it failed, the server's words, and what to do.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Error {
        match failure {
            Failure::Session(name, error) => Error::Outside {
                code: error.entry().code,
                message: say!("transport-of-server", server = name, problem = error.text()),
            },
            Failure::Other(error) => error,
        }
    }
}

/// Connects to the server and signs in. A token that the server refuses is renewed once.
///
/// # Errors
/// [`Failure`] that says at which step it failed and what to do.
pub async fn connect(
    caller: &Caller,
    carrier: &Carrier,
    timeouts: Timeouts,
) -> Result<SmtpConnection, Failure> {
    let target = target_of(caller, carrier, timeouts)?;
    let mut refused: Option<SecretString> = None;
    loop {
        let credentials = credentials(caller, carrier, refused.as_ref()).await?;
        let mut connection = dial(caller, carrier, &target).await?;
        let Some(credentials) = credentials else {
            return Ok(connection);
        };
        match connection.authenticate(&credentials).await {
            Ok(()) => return Ok(connection),
            Err(error) => match (&credentials, &refused) {
                (Credentials::OAuth { token, .. }, None) if error.is_auth_refused() => {
                    refused = Some(token.clone());
                }
                _ => return Err(Failure::Session(carrier.name().to_owned(), error)),
            },
        }
    }
}

/// The row that says where to connect; none where the program's configuration does.
fn row_of(carrier: &Carrier) -> Option<&MailServer> {
    carrier
        .server()
        .map(Arc::as_ref)
        .filter(|server| server.smtp_authentication != "cli")
}

/// The token to sign in with at a server that wants one, renewed when it is about to end; `None` for
/// other servers.
///
/// # Errors
/// When it cannot be renewed.
pub async fn token(caller: &Caller, carrier: &Carrier) -> Result<Option<SecretString>> {
    let Some(server) = carrier.server() else {
        return Ok(None);
    };
    let Some(service) = Service::of(&server.smtp_authentication) else {
        return Ok(None);
    };
    oauth_flow::access_token(caller, service, "ir.mail_server", server.id, None)
        .await
        .map(Some)
}

/// Connects to the server without signing in.
///
/// # Errors
/// [`Failure`] that says at which step it failed and what to do.
pub(crate) async fn dial(
    caller: &Caller,
    carrier: &Carrier,
    target: &SmtpServer,
) -> Result<SmtpConnection, Failure> {
    let line = Line {
        host: &target.server.host,
        port: target.server.port,
        encrypted: target.server.encryption != Encryption::None,
        by_token: row_of(carrier)
            .is_some_and(|server| Service::of(&server.smtp_authentication).is_some()),
    };
    let trust = unverified::trust_for(caller, line).await?;
    SmtpConnection::connect(target, &trust)
        .await
        .map_err(|error| Failure::Session(carrier.name().to_owned(), error))
}

/// Where to connect, and how.
///
/// # Errors
/// [`Error::User`] when what was entered does not suffice.
pub(crate) fn target_of(
    caller: &Caller,
    carrier: &Carrier,
    timeouts: Timeouts,
) -> Result<SmtpServer> {
    match row_of(carrier) {
        Some(server) => target(server, timeouts),
        None => own_target(caller.backend().own_server(), timeouts),
    }
}

/// The server that the program's configuration names.
fn own_target(own: &OwnServer, timeouts: Timeouts) -> Result<SmtpServer> {
    let host = own.host.as_deref().unwrap_or_default();
    if host.is_empty() {
        return Err(Error::User(say!("error-no-server")));
    }
    let mut target =
        SmtpServer::new(Server::new(host, own.port, own.encryption).with_timeouts(timeouts));
    target.identity = own.identity.clone();
    Ok(target)
}

fn target(server: &MailServer, timeouts: Timeouts) -> Result<SmtpServer> {
    let host = server
        .smtp_host
        .as_deref()
        .map(str::trim)
        .unwrap_or_default();
    if host.is_empty() {
        return Err(Error::User(
            say!("error-server-no-host", server = %server.name).about("smtp_host"),
        ));
    }
    let port = tcp_port(&server.name, server.smtp_port.unwrap_or(25))?;
    let encryption = match server.smtp_encryption.as_str() {
        "ssl" => Encryption::Tls,
        "starttls" => Encryption::StartTls,
        _ => Encryption::None,
    };
    let mut target = SmtpServer::new(Server::new(host, port, encryption).with_timeouts(timeouts));
    if let (Some(certificate), Some(key), "certificate") = (
        &server.smtp_ssl_certificate,
        &server.smtp_ssl_private_key,
        server.smtp_authentication.as_str(),
    ) {
        let (certificate, key) = (stored_bytes(certificate), stored_bytes(key));
        let identity = ClientIdentity::from_pem(&certificate, &key).map_err(|error| {
            Error::User(say!(
                "transport-of-server",
                server = &server.name,
                problem = error.text()
            ))
        })?;
        target.identity = Some(identity);
    }
    Ok(target)
}

fn tcp_port(name: &str, port: i32) -> Result<u16> {
    u16::try_from(port)
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| Error::User(say!("error-port", %name, %port).about("smtp_port")))
}

/// What to sign in with; `None` where nobody signs in. `refused` is a token that the server just turned down.
///
/// # Errors
/// When a token cannot be had.
pub(crate) async fn credentials(
    caller: &Caller,
    carrier: &Carrier,
    refused: Option<&SecretString>,
) -> Result<Option<Credentials>> {
    let Some(server) = row_of(carrier) else {
        let own = caller.backend().own_server();
        let user = own.user.as_deref().filter(|user| !user.is_empty());
        return Ok(
            user.map(|user| Credentials::password(user, own.password.clone().unwrap_or_default()))
        );
    };
    let user = server.smtp_user.clone().unwrap_or_default();
    if let Some(service) = Service::of(&server.smtp_authentication) {
        let token =
            oauth_flow::access_token(caller, service, "ir.mail_server", server.id, refused).await?;
        return Ok(Some(Credentials::oauth(user, token)));
    }
    if user.is_empty() || server.smtp_authentication != "login" {
        return Ok(None);
    }
    let password = SecretString::from(server.smtp_pass.clone().unwrap_or_default());
    Ok(Some(Credentials::password(user, password)))
}

/// `test_smtp_connection`: signs in, names a sender and a recipient and begins a message, without
/// sending one. With `autodetect`, the size that the server announces becomes the limit of the row.
///
/// # Errors
/// [`Error::User`] that says at which step it failed.
pub async fn test_connection(call: &OutsideCall<'_>, autodetect: bool) -> Result<AnyValue> {
    let env = call.caller.begin(Intent::Read).await?;
    let loaded = async {
        may_test(&env, call).await?;
        let servers = ir_mail_server::rows(&env, &call.ids).await?;
        let user = env.user().await?;
        let unverified = Unverified::read(&env).await?;
        Ok::<_, Error>((servers, user.email.clone(), unverified))
    }
    .await;
    env.rollback().await?;
    let (servers, user_email, unverified) = loaded?;
    let mut warnings = Vec::new();
    for id in &call.ids {
        let Some(server) = servers.iter().find(|server| server.id == *id) else {
            return Err(write::missing(call.model, *id));
        };
        warnings.extend(warning_of(
            call.caller.backend().own_server(),
            server,
            &unverified,
        ));
        let carrier = Carrier::Server(Arc::new(server.clone()));
        let timeouts = Timeouts::all(TEST_PATIENCE);
        let mut connection = connect(call.caller, &carrier, timeouts).await?;
        if autodetect {
            let size = connection.max_size().filter(|size| *size > 0);
            connection.quit().await.ok();
            keep_size(call.caller, server, size).await?;
            continue;
        }
        let address = test_address(server, user_email.as_deref())?;
        // The sender's own mailbox is asked for: no foreign server is bothered by a test.
        connection.reset().await.ok();
        connection
            .probe(&address, &address)
            .await
            .map_err(|error| Failure::Session(server.name.clone(), error))?;
    }
    let done = if autodetect {
        say!("told-size-noted")
    } else {
        say!("told-connection-works")
    };
    let lang = call.caller.reader().await?;
    Ok(if warnings.is_empty() {
        notification("success", done.in_lang(lang))
    } else {
        let told = say!(
            "told-with-warnings",
            done,
            warnings = Text::sentences(warnings)
        );
        notification("warning", told.in_lang(lang))
    })
}

/// What is to be said of a server whose certificate nobody verifies.
pub fn warning_of(own: &OwnServer, server: &MailServer, unverified: &Unverified) -> Option<Text> {
    let line = if server.smtp_authentication == "cli" {
        Line {
            host: own.host.as_deref().unwrap_or_default(),
            port: own.port,
            encrypted: own.encryption != Encryption::None,
            by_token: false,
        }
    } else {
        Line {
            host: server.smtp_host.as_deref().unwrap_or_default(),
            port: u16::try_from(server.smtp_port.unwrap_or(25)).unwrap_or_default(),
            encrypted: server.smtp_encryption != "none",
            by_token: Service::of(&server.smtp_authentication).is_some(),
        }
    };
    line.warning(unverified)
}

/// A test that somebody may not make is refused like one that fails, as Odoo does it: clients show
/// the sentence and nothing else.
async fn may_test(env: &Env, call: &OutsideCall<'_>) -> Result<()> {
    match access::check_records(env, call.model, &call.ids, Operation::Write).await {
        Err(Error::Access(sentence)) => Err(Error::User(sentence)),
        outcome => outcome,
    }
}

/// The address the test sends from: what the FROM filter allows, else the user's own.
fn test_address(server: &MailServer, user_email: Option<&str>) -> Result<String> {
    let filter = server.from_filter.as_deref().unwrap_or_default();
    let allowed = mail::address::from_filter_parts(filter)
        .next()
        .map(str::to_owned);
    let address = match allowed {
        Some(address) if address.contains('@') => Some(address),
        Some(domain) => Some(format!("noreply@{domain}")),
        None => user_email.and_then(mail::address::email_normalize),
    };
    address.ok_or_else(|| Error::User(say!("error-test-no-address").about("from_filter")))
}

async fn keep_size(caller: &Caller, server: &MailServer, size: Option<u64>) -> Result<()> {
    let Some(size) = size else {
        return Err(Error::User(
            say!("error-size-unknown", server = %server.name),
        ));
    };
    let env = caller.begin(Intent::Write).await?;
    let values: Map = map([("max_email_size", (size as f64 / MEBIBYTE).into())]);
    let ids: [Id; 1] = [server.id];
    write::records(&env, entry("ir.mail_server")?, &ids, values).await?;
    env.commit().await
}

fn notification(kind: &'static str, message: String) -> AnyValue {
    map([
        ("type", "ir.actions.client".into()),
        ("tag", "display_notification".into()),
        (
            "params",
            map([
                ("message", message.into()),
                ("type", kind.into()),
                ("sticky", false.into()),
                (
                    "next",
                    map([("type", "ir.actions.act_window_close".into())]).into(),
                ),
            ])
            .into(),
        ),
    ])
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_go_from_1_to_65535() {
        for port in [1, 25, 65_535] {
            assert_eq!(tcp_port("Office", port).ok(), u16::try_from(port).ok());
        }
        for port in [i32::MIN, -1, 0, 65_536] {
            let refused = tcp_port("Office", port).expect_err("no port").to_string();
            assert!(refused.contains(&port.to_string()), "{refused}");
        }
    }
}
