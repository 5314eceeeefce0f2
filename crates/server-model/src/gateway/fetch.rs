//! `fetch_mail` and `button_confirm_login`: from a server's row to its mailbox and back.

use std::sync::Arc;
use std::time::Duration;

use mail::sasl::Credentials;
use mail::server::{Encryption, Server, Timeouts};
use mail::transport_error::TransportError;
use secrecy::SecretString;
use tokio_util::sync::CancellationToken;

use super::{imap, pop};
use crate::backend::Backend;
use crate::database::Intent;
use crate::domain::Domain;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::fetchmail_server::{self, Model as FetchServer};
use crate::oauth_flow::{self, Service};
use crate::orm::{access, search, write};
use crate::registry::entry;
use crate::schema::{Operation, OutsideCall};
use crate::value::{AnyValue, Id, datetime_text, map};

/// How often the mailboxes are fetched, as Odoo's job does it.
const EVERY: Duration = Duration::from_secs(300);
/// How long a person who confirms a login waits for each step.
const TEST_PATIENCE: Duration = Duration::from_secs(20);

/// Where a message was found. For POP3, which has no such numbers, they are zero and a count.
pub struct Origin<'a> {
    /// The folder.
    pub folder: &'a str,
    /// The UIDVALIDITY of the folder (RFC 3501 section 2.3.1.1).
    pub uidvalidity: i64,
    /// The UID of the message.
    pub uid: i64,
}

async fn load(call: &OutsideCall<'_>, operation: Operation) -> Result<Vec<FetchServer>> {
    let env = call.caller.begin(Intent::Read).await?;
    let loaded = async {
        access::check_records(&env, call.model, &call.ids, operation).await?;
        fetchmail_server::rows(&env, &call.ids).await
    }
    .await;
    env.rollback().await?;
    let mut servers = loaded?;
    servers.sort_by_key(|server| call.ids.iter().position(|id| *id == server.id));
    Ok(servers)
}

/// `button_confirm_login`: signs in, and marks the server as confirmed when that worked.
///
/// # Errors
/// [`Error::User`] that says at which step it failed; the server stays as it was.
pub async fn confirm_login(call: &OutsideCall<'_>) -> Result<AnyValue> {
    for server in load(call, Operation::Write).await? {
        let timeouts = Timeouts::all(TEST_PATIENCE);
        match protocol(&server)? {
            Protocol::Imap => {
                imap::open(call.caller, &server, timeouts)
                    .await?
                    .logout()
                    .await
            }
            Protocol::Pop => {
                pop::open(call.caller, &server, timeouts)
                    .await?
                    .quit()
                    .await
                    .ok();
            }
        }
        let env = call.caller.begin(Intent::Write).await?;
        write::records(
            &env,
            call.model,
            &[server.id],
            map([("state", "done".into())]),
        )
        .await?;
        env.commit().await?;
    }
    Ok(true.into())
}

/// `fetch_mail`: fetches what is new. With `quiet`, a failure is logged instead of answered.
///
/// # Errors
/// [`Error::Validation`] for an archived server, [`Error::User`] for what failed.
pub async fn fetch_mail(call: &OutsideCall<'_>, quiet: bool) -> Result<AnyValue> {
    for server in load(call, Operation::Write).await? {
        if !server.active.unwrap_or(false) {
            return Err(Error::Validation(format!(
                "{}: the server is archived, so nothing is fetched from it. Activate it first.",
                server.name
            )));
        }
        match fetch(call.caller, &server).await {
            Err(error) if !quiet => return Err(error),
            Err(error) => tracing::warn!(server = server.id, %error, "mail could not be fetched"),
            Ok(()) => {}
        }
    }
    Ok(true.into())
}

async fn fetch(caller: &Caller, server: &FetchServer) -> Result<()> {
    let _alone = caller
        .backend()
        .mail_tasks()
        .lock(("fetchmail.server fetch", server.id))
        .await;
    let superuser = Caller::superuser(Arc::clone(caller.backend()));
    let timeouts = Timeouts::default();
    let fetched = match protocol(server)? {
        Protocol::Imap => imap::fetch(&superuser, server, timeouts).await,
        Protocol::Pop => pop::fetch(&superuser, server, timeouts).await,
    };
    let env = superuser.begin(Intent::Write).await?;
    let date = datetime_text(&env.now());
    let values = map([("date", date.into())]);
    write::update(&env, entry("fetchmail.server")?, &[server.id], &values).await?;
    env.commit().await?;
    let count = fetched?;
    if count > 0 {
        tracing::info!(server = server.id, count, "mail fetched");
    }
    Ok(())
}

/// How a mailbox is read.
pub enum Protocol {
    /// RFC 3501.
    Imap,
    /// RFC 1939.
    Pop,
}

fn protocol(server: &FetchServer) -> Result<Protocol> {
    match server.server_type.as_str() {
        "imap" | "outlook" | "gmail" => Ok(Protocol::Imap),
        "pop" => Ok(Protocol::Pop),
        _ => Err(Error::User(format!(
            "{}: a local server has no mailbox to sign in to; mail is handed in by a program on this machine.",
            server.name
        ))),
    }
}

/// The address of the mailbox's server.
///
/// # Errors
/// [`Error::User`] when host or port are missing.
pub fn endpoint(server: &FetchServer, timeouts: Timeouts) -> Result<Server> {
    let host = server.server.as_deref().map(str::trim).unwrap_or_default();
    if host.is_empty() {
        return Err(Error::User(format!(
            "{}: the mailbox has no server name. Enter one in the form.",
            server.name
        )));
    }
    let port = u16::try_from(server.port.unwrap_or(0))
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| {
            Error::User(format!(
                "{}: enter the TCP port, usually 993 for IMAP and 995 for POP3 over SSL/TLS.",
                server.name
            ))
        })?;
    let encryption = if server.is_ssl.unwrap_or(false) {
        Encryption::Tls
    } else {
        Encryption::None
    };
    Ok(Server::new(host, port, encryption).with_timeouts(timeouts))
}

/// What to sign in with. `refused` is a token that the server just turned down.
///
/// # Errors
/// [`Error::User`] when a mailbox is not connected.
pub async fn credentials(
    caller: &Caller,
    server: &FetchServer,
    refused: Option<&SecretString>,
) -> Result<Credentials> {
    let user = server.user.clone().unwrap_or_default();
    if let Some(service) = Service::of(&server.server_type) {
        let token =
            oauth_flow::access_token(caller, service, "fetchmail.server", server.id, refused)
                .await?;
        return Ok(Credentials::oauth(user, token));
    }
    let password = SecretString::from(server.password.clone().unwrap_or_default());
    Ok(Credentials::password(user, password))
}

/// What a failed step says to the person.
pub fn transport_error(server: &FetchServer, error: &TransportError) -> Error {
    Error::User(format!("{}: {error}", server.name))
}

/// Fetches from all confirmed mailboxes every few minutes, until `stop` is cancelled.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let caller = Caller::superuser(backend);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        match confirmed(&caller).await {
            Ok(servers) => {
                // Side by side, so that a slow server delays no other.
                futures_util::future::join_all(servers.iter().map(|server| async {
                    if let Err(error) = fetch(&caller, server).await {
                        tracing::warn!(server = server.id, %error, "mail could not be fetched");
                    }
                }))
                .await;
            }
            Err(error) => tracing::error!(%error, "the incoming mail servers could not be read"),
        }
    }
}

async fn confirmed(caller: &Caller) -> Result<Vec<FetchServer>> {
    let env = caller.begin(Intent::Read).await?;
    let found = async {
        let domain = Domain::eq("state", "done").and(Domain::leaf(
            "server_type",
            crate::domain::Operator::Ne,
            "local",
        ));
        let model = entry("fetchmail.server")?;
        let ids: Vec<Id> = search::ids(&env, model, &domain, &search::Options::default()).await?;
        fetchmail_server::rows(&env, &ids).await
    }
    .await;
    env.rollback().await?;
    found
}
