//! `fetch_mail` and `button_confirm_login`: from a server's row to its mailbox and back.

use std::sync::Arc;
use std::time::Duration;

use mail::imap::ImapConnection;
use mail::pop3::Pop3Connection;
use mail::server::Timeouts;
use tokio_util::sync::CancellationToken;

use words::say;

use super::handoff::Place;
use super::journal;
use super::lease::Lease;
use super::session::open;
use super::{imap, pop};
use crate::database::Intent;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::metrics;
use crate::models::fetchmail_server::{self, Model as FetchServer};
use crate::orm::{access, write};
use crate::registry::entry;
use crate::schema::{Operation, OutsideCall};
use crate::value::{AnyValue, Id, datetime_text, map};

/// How long a person who confirms a login waits for each step.
const TEST_PATIENCE: Duration = Duration::from_secs(20);

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
                let session: ImapConnection = open(call.caller, &server, timeouts).await?;
                session.logout().await;
            }
            Protocol::Pop => {
                let session: Pop3Connection = open(call.caller, &server, timeouts).await?;
                session.quit().await.ok();
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
            return Err(Error::Validation(
                say!("error-fetch-archived", server = %server.name),
            ));
        }
        match fetch_aside(call.caller, &server).await {
            Err(error) if !quiet => return Err(error),
            Err(error) => {
                tracing::warn!(server = server.id, code = error.code(), %error, "mail could not be fetched")
            }
            Ok(()) => {}
        }
    }
    Ok(true.into())
}

/// Fetches on the threads of the program, which are more than the one that answers this call. When
/// nobody waits for the answer any more, it comes to an end.
async fn fetch_aside(caller: &Caller, server: &FetchServer) -> Result<()> {
    let stop = CancellationToken::new();
    let _end = stop.clone().drop_guard();
    let (caller, server) = (caller.clone(), server.clone());
    let backend = Arc::clone(caller.backend());
    let fetching = backend.spawn(async move { fetch(&caller, &server, &stop).await });
    fetching
        .await
        .map_err(|_| Error::Internal("The fetching of a mailbox broke off.".into()))?
}

/// Fetches what is new in the mailbox.
///
/// # Errors
/// [`Error::User`] for what failed; what was stored until then stays.
#[tracing::instrument(name = "mailbox", skip_all, fields(server = server.id))]
pub async fn fetch(caller: &Caller, server: &FetchServer, stop: &CancellationToken) -> Result<()> {
    match protocol(server)? {
        Protocol::Imap => {
            let connection = fetch_imap(caller, server, None, stop).await?;
            connection.logout().await;
            Ok(())
        }
        Protocol::Pop => {
            let superuser = Caller::superuser(Arc::clone(caller.backend()));
            alone(&superuser, server, async |_| {
                let count = pop::fetch(&superuser, server, Timeouts::default(), stop).await?;
                Ok((count, ()))
            })
            .await
        }
    }
}

/// Fetches what is new over IMAP, in this session if there is one already, and gives the session.
///
/// # Errors
/// As for [`fetch`]; then the session is gone.
pub async fn fetch_imap(
    caller: &Caller,
    server: &FetchServer,
    connection: Option<ImapConnection>,
    stop: &CancellationToken,
) -> Result<ImapConnection> {
    let superuser = Caller::superuser(Arc::clone(caller.backend()));
    alone(&superuser, server, async |lease: &Lease| {
        let task = imap::Task {
            caller: &superuser,
            server,
            lease,
            stop,
        };
        imap::fetch(task, connection).await
    })
    .await
}

/// Works on the mailbox while nobody else does, neither here nor in another process, and notes when.
async fn alone<T>(
    caller: &Caller,
    server: &FetchServer,
    work: impl AsyncFnOnce(&Lease) -> Result<(usize, T)>,
) -> Result<T> {
    refuse_stray(caller, server).await?;
    let _alone = caller
        .backend()
        .mail_tasks()
        .lock(("fetchmail.server fetch", server.id))
        .await;
    let lease = Lease::take(caller, server.id, &server.name).await?;
    let fetched = lease
        .during(caller, async {
            let fetched = work(&lease).await;
            let noted = note_date(caller, server.id).await;
            // Why nothing was fetched says more than why the date of that could not be noted.
            let fetched = fetched?;
            noted?;
            Ok::<_, Error>(fetched)
        })
        .await;
    if fetched.is_err() {
        metrics::fetch_failed(server.id);
    }
    let (count, rest) = fetched?;
    metrics::fetched(server.id, count);
    if count > 0 {
        tracing::info!(server = server.id, count, "mail fetched");
    }
    Ok(rest)
}

/// Beside an Odoo, mail for its records may come into any mailbox, so that one without a way to hand it on
/// is better left unread.
async fn refuse_stray(caller: &Caller, server: &FetchServer) -> Result<()> {
    if !caller.backend().home().is_odoos() {
        return Ok(());
    }
    let env = caller.begin(Intent::Read).await?;
    let place = Place::of_server(&env, server.id).await;
    env.end_reading();
    match place? {
        Some(_) => Ok(()),
        None => Err(Error::User(
            say!("error-fetch-no-handoff", server = %server.name),
        )),
    }
}

async fn note_date(caller: &Caller, server: Id) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let values = map([("date", datetime_text(&env.now()).into())]);
    let noted = match entry("fetchmail.server") {
        Ok(model) => write::update(&env, model, &[server], &values).await,
        Err(error) => Err(error),
    };
    journal::finish(env, noted).await
}

/// How a mailbox is read.
pub enum Protocol {
    /// RFC 3501.
    Imap,
    /// RFC 1939.
    Pop,
}

/// How the mailbox is read.
///
/// # Errors
/// [`Error::User`] for a server without a mailbox.
pub fn protocol(server: &FetchServer) -> Result<Protocol> {
    match server.server_type.as_str() {
        "imap" | "outlook" | "gmail" => Ok(Protocol::Imap),
        "pop" => Ok(Protocol::Pop),
        _ => Err(Error::User(
            say!("error-fetch-local", server = %server.name),
        )),
    }
}
