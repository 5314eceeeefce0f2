//! `fetch_mail` and `button_confirm_login`: from a server's row to its mailbox and back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use mail::imap::ImapConnection;
use mail::pop3::Pop3Connection;
use mail::server::Timeouts;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use super::journal;
use super::session::open;
use super::{imap, pop};
use crate::backend::Backend;
use crate::database::Intent;
use crate::domain::Domain;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::fetchmail_server::{self, Model as FetchServer};
use crate::orm::{access, search, write};
use crate::registry::entry;
use crate::schema::{Operation, OutsideCall};
use crate::value::{AnyValue, Id, datetime_text, map};

/// How often the mailboxes are fetched, as Odoo's job does it.
const EVERY: Duration = Duration::from_secs(300);
/// So many mailboxes are fetched at the same time. A message may have to be held in memory for each.
const AT_ONCE: usize = 8;
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
            return Err(Error::Validation(format!(
                "{}: the server is archived, so nothing is fetched from it. Activate it first.",
                server.name
            )));
        }
        match fetch(call.caller, &server, &CancellationToken::new()).await {
            Err(error) if !quiet => return Err(error),
            Err(error) => tracing::warn!(server = server.id, %error, "mail could not be fetched"),
            Ok(()) => {}
        }
    }
    Ok(true.into())
}

async fn fetch(caller: &Caller, server: &FetchServer, stop: &CancellationToken) -> Result<()> {
    let _alone = caller
        .backend()
        .mail_tasks()
        .lock(("fetchmail.server fetch", server.id))
        .await;
    let superuser = Caller::superuser(Arc::clone(caller.backend()));
    let timeouts = Timeouts::default();
    let fetched = match protocol(server)? {
        Protocol::Imap => imap::fetch(&superuser, server, timeouts, stop).await,
        Protocol::Pop => pop::fetch(&superuser, server, timeouts, stop).await,
    };
    let noted = note_date(&superuser, server.id).await;
    // Why nothing was fetched says more than why the date of that could not be noted.
    let count = fetched?;
    noted?;
    if count > 0 {
        tracing::info!(server = server.id, count, "mail fetched");
    }
    Ok(())
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
enum Protocol {
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

/// Fetches from all confirmed mailboxes every few minutes, until `stop` is cancelled; a message that
/// is being stored then is finished first.
///
/// Each mailbox is fetched by a task of its own, so that a slow one delays no other. One that takes
/// longer than the pause between two rounds is left out of the rounds until it is through.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let caller = Caller::superuser(backend);
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    let mut mailboxes: HashMap<tokio::task::Id, Id> = HashMap::new();
    let mut rounds = tokio::time::interval_at(Instant::now() + EVERY, EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                let task = match ended {
                    Ok((task, ())) => task,
                    Err(error) => {
                        tracing::error!(%error, "the fetching of a mailbox broke off");
                        error.id()
                    }
                };
                mailboxes.remove(&task);
            }
            _ = rounds.tick() => {
                let servers = confirmed(&caller).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "the incoming mail servers could not be read");
                    Vec::new()
                });
                for server in servers {
                    if mailboxes.values().any(|busy| *busy == server.id) {
                        continue;
                    }
                    let id = server.id;
                    let task = in_turn(caller.clone(), server, Arc::clone(&places), stop.clone());
                    mailboxes.insert(tasks.spawn(task).id(), id);
                }
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// Fetches as soon as there is a place.
async fn in_turn(
    caller: Caller,
    server: FetchServer,
    places: Arc<Semaphore>,
    stop: CancellationToken,
) {
    let place = tokio::select! {
        biased;
        () = stop.cancelled() => return,
        place = places.acquire() => place,
    };
    let Ok(_place) = place else { return };
    if let Err(error) = fetch(&caller, &server, &stop).await {
        tracing::warn!(server = server.id, %error, "mail could not be fetched");
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
