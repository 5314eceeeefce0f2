//! Waiting for new mail in all confirmed mailboxes: one task a mailbox, so that a slow or broken
//! server delays no other.
//!
//! Over IMAP a task waits with IDLE (RFC 2177) and has new mail within seconds; where a server cannot
//! do that, and over POP3, it looks every few minutes. Of several processes on one database, one waits
//! in each mailbox; when it goes away, another takes over.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use mail::imap::ImapConnection;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::fetch::{self, Protocol};
use super::lease;
use super::session::transport_error;
use crate::backend::Backend;
use crate::database::Intent;
use crate::domain::{Domain, Operator};
use crate::env::Caller;
use crate::error::Result;
use crate::models::fetchmail_server::{self, Model as FetchServer};
use crate::orm::search;
use crate::registry::entry;
use crate::value::Id;

/// How often a mailbox is looked into, whatever its server says or does not say: as Odoo's job does
/// it. It also keeps the connection of a waiting session from being forgotten on the way, and ends
/// well before the half hour after which a server may hang up.
const EVERY: Duration = Duration::from_secs(300);
/// How long after a failure a mailbox is tried again; twice as long after each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(2);

/// The task of a mailbox.
struct Watcher {
    /// The settings that it works by.
    settings: FetchServer,
    end: CancellationToken,
}

/// Waits for mail until `stop` is cancelled; messages that are being stored then are finished first.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let mut all = Watch {
        caller: Caller::superuser(backend),
        stop,
        watchers: HashMap::new(),
        tasks: JoinSet::new(),
        places: HashMap::new(),
    };
    loop {
        if let Err(error) = all.look().await {
            tracing::warn!(%error, "the incoming mail servers could not be read");
        }
        let pause = tokio::time::sleep(lease::RENEWAL);
        tokio::pin!(pause);
        loop {
            tokio::select! {
                () = all.stop.cancelled() => {
                    while all.tasks.join_next().await.is_some() {}
                    return;
                }
                Some(ended) = all.tasks.join_next_with_id(), if !all.tasks.is_empty() => {
                    let task = match ended {
                        Ok((task, ())) => task,
                        Err(error) => {
                            tracing::error!(%error, "the fetching of a mailbox broke off");
                            error.id()
                        }
                    };
                    all.ended(task).await;
                }
                () = &mut pause => break,
            }
        }
    }
}

struct Watch {
    caller: Caller,
    stop: CancellationToken,
    watchers: HashMap<Id, Watcher>,
    tasks: JoinSet<()>,
    /// Which task works on which mailbox.
    places: HashMap<tokio::task::Id, Id>,
}

impl Watch {
    /// Starts and ends tasks as the settings say.
    async fn look(&mut self) -> Result<()> {
        let held = if self.watchers.is_empty() {
            BTreeSet::new()
        } else {
            lease::renew_watches(&self.caller).await?
        };
        let servers = confirmed(&self.caller).await?;
        for (id, watcher) in &self.watchers {
            let wanted = servers.iter().find(|server| server.id == *id);
            let is_same = wanted.is_some_and(|server| same(server, &watcher.settings));
            if !is_same || !held.contains(id) {
                // With new settings it is started again once it has ended.
                watcher.end.cancel();
            }
        }
        for server in servers {
            if self.watchers.contains_key(&server.id) {
                continue;
            }
            if lease::take_watch(&self.caller, server.id).await? {
                self.start(server);
            }
        }
        Ok(())
    }

    fn start(&mut self, server: FetchServer) {
        let end = self.stop.child_token();
        let id = server.id;
        let task = watch(self.caller.clone(), server.clone(), end.clone());
        self.places.insert(self.tasks.spawn(task).id(), id);
        let settings = server;
        self.watchers.insert(id, Watcher { settings, end });
    }

    async fn ended(&mut self, task: tokio::task::Id) {
        let Some(server) = self.places.remove(&task) else {
            return;
        };
        self.watchers.remove(&server);
        if let Err(error) = lease::end_watch(&self.caller, server).await {
            tracing::debug!(server, %error, "a mailbox could not be left to others");
        }
    }
}

/// Whether two states of a row ask for the same, whatever was fetched or renewed in between.
fn same(one: &FetchServer, other: &FetchServer) -> bool {
    let settings = |server: &FetchServer| FetchServer {
        date: None,
        write_date: None,
        write_uid: None,
        google_gmail_access_token: None,
        google_gmail_access_token_expiration: None,
        google_gmail_refresh_token: None,
        google_gmail_authorization_code: None,
        microsoft_outlook_access_token: None,
        microsoft_outlook_access_token_expiration: None,
        microsoft_outlook_refresh_token: None,
        ..server.clone()
    };
    settings(one) == settings(other)
}

/// Fetches from a mailbox whenever there may be something in it, until `stop` is cancelled.
async fn watch(caller: Caller, server: FetchServer, stop: CancellationToken) {
    let mut pause = FIRST_PAUSE;
    while !stop.is_cancelled() {
        let mut worked = false;
        match session(&caller, &server, &stop, &mut worked).await {
            Ok(()) => return,
            Err(error) => {
                if worked {
                    pause = FIRST_PAUSE;
                }
                tracing::warn!(server = server.id, code = error.code(), %error, again_in = pause.as_secs(), "mail could not be fetched");
            }
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
        pause = (pause * 2).min(EVERY);
    }
}

/// Works until the session breaks. `worked` tells that something was fetched, or nothing was there.
async fn session(
    caller: &Caller,
    server: &FetchServer,
    stop: &CancellationToken,
    worked: &mut bool,
) -> Result<()> {
    let mut connection: Option<ImapConnection> = None;
    while !stop.is_cancelled() {
        connection = match fetch::protocol(server)? {
            Protocol::Pop => {
                fetch::fetch(caller, server, stop).await?;
                None
            }
            Protocol::Imap => {
                let open = fetch::fetch_imap(caller, server, connection, stop).await?;
                waits(server, open).await?
            }
        };
        *worked = true;
        tokio::select! {
            () = stop.cancelled() => break,
            changed = news(server, connection.as_mut()) => changed?,
        }
    }
    // A session that still waits would answer only after a while; nobody needs its farewell.
    Ok(())
}

/// The session, if it can wait for mail.
async fn waits(server: &FetchServer, mut open: ImapConnection) -> Result<Option<ImapConnection>> {
    let failed = |error| transport_error(server, &error);
    if !open.has_capability("IDLE") {
        open.ask_capabilities().await.map_err(failed)?;
    }
    if open.has_capability("IDLE") {
        return Ok(Some(open));
    }
    tracing::debug!(
        server = server.id,
        "the server cannot wait, so it is asked every few minutes"
    );
    open.logout().await;
    Ok(None)
}

/// Waits until there may be mail.
async fn news(server: &FetchServer, connection: Option<&mut ImapConnection>) -> Result<()> {
    let Some(connection) = connection else {
        tokio::time::sleep(EVERY).await;
        return Ok(());
    };
    let waited = connection.idle(EVERY).await;
    waited
        .map(drop)
        .map_err(|error| transport_error(server, &error))
}

async fn confirmed(caller: &Caller) -> Result<Vec<FetchServer>> {
    let env = caller.begin(Intent::Read).await?;
    let found = async {
        let domain =
            Domain::eq("state", "done").and(Domain::leaf("server_type", Operator::Ne, "local"));
        let model = entry("fetchmail.server")?;
        let ids: Vec<Id> = search::ids(&env, model, &domain, &search::Options::default()).await?;
        fetchmail_server::rows(&env, &ids).await
    }
    .await;
    env.end_reading();
    found
}
