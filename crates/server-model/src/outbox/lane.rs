//! The sessions with one outgoing server: opened as needed, used for one mail after the other, kept for a while, and
//! never more at once than the server takes.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::{NaiveDateTime, TimeDelta};
use mail::smtp::SmtpConnection;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use words::Text;

use super::budget::{self, Budget};
use super::choose::Carrier;
use super::retry::{self, Kind, Problem};
use super::smtp::{self, Failure};
use crate::env::Caller;
use crate::models::ir_mail_server::Model as MailServer;
use crate::value::Id;

/// Connections of this process to a server that sets no limit.
const CONNECTIONS: u32 = 16;
/// Mails that may wait for a server in memory, beside those being sent.
const ROOM: u32 = 256;
/// How long a session waits for its next mail.
const IDLE: Duration = Duration::from_secs(5);
/// How long a session is used. A token that it signed in with ends at some time, and some servers
/// end sessions that take too long.
const AGE: Duration = Duration::from_secs(300);
/// How long the dispatcher waits for room before it goes on to the mails of other servers.
const PATIENCE: Duration = Duration::from_secs(1);
/// For how long a server then gets no more mails than it has.
const CONGESTED: Duration = Duration::from_secs(5);
/// The first pause after a failed connection; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(900);
/// How long a mail waits when other processes have all of a server's connections.
const BUSY: TimeDelta = TimeDelta::seconds(3);

/// A session that is signed in.
#[derive(Debug)]
pub struct Session {
    /// The connection.
    pub connection: SmtpConnection,
    /// Whether it carried mails before.
    pub used: bool,
    /// How long it had waited for this mail.
    pub waited: Duration,
    carrier: Carrier,
    /// What it signed in with, where that is a token.
    token: Option<SecretString>,
    /// The number of the connection among those that all processes share.
    slot: Option<i32>,
    opened: Instant,
    idle_since: Instant,
}

/// Why there is no session.
#[derive(Debug)]
pub enum NoSession {
    /// The server could not be reached, or refused to let us in.
    Problem(Problem),
    /// It failed a moment ago and is tried again at this time.
    Resting(NaiveDateTime),
    /// Other processes have all of its connections; at this time there may be one.
    Busy(NaiveDateTime),
    /// The database is out.
    Outage(String),
}

#[derive(Debug, Default)]
struct Health {
    /// Failed connections in a row.
    failures: i32,
    /// No new connection before this moment, and why.
    resting: Option<(NaiveDateTime, Text)>,
    congested_until: Option<Instant>,
}

impl Health {
    /// Until when no new connection is tried, and why.
    fn resting(&self, now: NaiveDateTime) -> Option<&(NaiveDateTime, Text)> {
        self.resting.as_ref().filter(|(until, _)| *until > now)
    }
}

/// The sessions of this process with one server.
#[derive(Debug)]
pub struct Lane {
    server: Id,
    budget: Budget,
    connections: Arc<Semaphore>,
    room: Arc<Semaphore>,
    idle: Mutex<Vec<Session>>,
    slots: Mutex<HashSet<i32>>,
    health: Mutex<Health>,
    /// It asked to be left alone, so its next success is written down.
    throttled: AtomicBool,
}

impl Lane {
    /// A lane for a server (0 for that of the configuration), within its budget.
    pub fn new(server: Id, budget: Budget) -> Lane {
        let connections = match budget.connections {
            0 => CONNECTIONS,
            limit => limit.min(CONNECTIONS * 4),
        };
        Lane {
            server,
            budget,
            connections: Arc::new(Semaphore::new(connections as usize)),
            room: Arc::new(Semaphore::new(ROOM as usize)),
            idle: Mutex::default(),
            slots: Mutex::default(),
            health: Mutex::default(),
            throttled: AtomicBool::new(false),
        }
    }

    /// The server's id; 0 for that of the configuration.
    pub fn server(&self) -> Id {
        self.server
    }

    /// How much the server takes.
    pub fn budget(&self) -> Budget {
        self.budget
    }

    /// Room for one more waiting mail; `None` when the server is too slow for it.
    pub async fn room(&self) -> Option<OwnedSemaphorePermit> {
        let room = Arc::clone(&self.room);
        if self.is_congested() {
            return room.try_acquire_owned().ok();
        }
        match tokio::time::timeout(PATIENCE, room.acquire_owned()).await {
            Ok(permit) => permit.ok(),
            Err(_) => {
                self.health().congested_until = Some(Instant::now() + CONGESTED);
                None
            }
        }
    }

    /// Whether mails for this server are left in the queue for the moment.
    pub fn is_congested(&self) -> bool {
        let until = self.health().congested_until;
        until.is_some_and(|until| until > Instant::now())
    }

    /// Until when no new connection is tried, and why.
    pub fn resting(&self, now: NaiveDateTime) -> Option<(NaiveDateTime, Text)> {
        self.health().resting(now).cloned()
    }

    /// A place among those that use a connection at once. First come, first served.
    pub async fn turn(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.connections).acquire_owned().await.ok()
    }

    /// A session: one that is open and still usable, or a new one. Somebody who asked for a mail to
    /// be sent now also gets a new one when the last attempts failed.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn session(
        &self,
        caller: &Caller,
        carrier: &Carrier,
        lease: Duration,
        asked: bool,
    ) -> Result<Session, NoSession> {
        while let Some(mut session) = self.take_idle() {
            let fits = same_line(&session.carrier, carrier)
                && session.opened.elapsed() < AGE
                && session.connection.is_usable()
                && is_current(caller, &session).await;
            if fits {
                session.used = true;
                session.waited = session.idle_since.elapsed();
                return Ok(session);
            }
            self.close(caller, session).await;
        }
        if let Some((until, _)) = self.resting(caller.backend().now())
            && !asked
        {
            return Err(NoSession::Resting(until));
        }
        let slot = self.slot(caller, lease).await?;
        let patience = caller.backend().patience().clone();
        match smtp::connect(caller, carrier, patience).await {
            Ok(connection) => {
                self.recovered();
                Ok(Session {
                    connection,
                    // The one that was signed in with a moment ago.
                    token: smtp::token(caller, carrier).await.unwrap_or_default(),
                    used: false,
                    waited: Duration::ZERO,
                    carrier: carrier.clone(),
                    slot,
                    opened: Instant::now(),
                    idle_since: Instant::now(),
                })
            }
            Err(failure) => {
                self.give_back(caller, slot).await;
                Err(self.failed(caller, failure).await)
            }
        }
    }

    async fn slot(&self, caller: &Caller, lease: Duration) -> Result<Option<i32>, NoSession> {
        if self.budget.connections == 0 {
            return Ok(None);
        }
        match budget::take_slot(caller, self.server, self.budget.connections, lease).await {
            Ok(Some(slot)) => {
                self.lock_slots().insert(slot);
                Ok(Some(slot))
            }
            Ok(None) => Err(NoSession::Busy(caller.backend().now() + BUSY)),
            Err(error) => Err(NoSession::Outage(error.to_string())),
        }
    }

    async fn give_back(&self, caller: &Caller, slot: Option<i32>) {
        let Some(number) = slot else { return };
        self.lock_slots().remove(&number);
        if let Err(error) = budget::give_back_slot(caller, self.server, number).await {
            tracing::debug!(%error, "a connection comes back to the others when its lease ends");
        }
    }

    async fn failed(&self, caller: &Caller, failure: Failure) -> NoSession {
        let problem = match failure {
            Failure::Session(name, error) => Problem::of(&name, &error),
            Failure::Other(error) if error.is_outage() => {
                return NoSession::Outage(error.to_string());
            }
            Failure::Other(error) => Problem::unreachable(&error),
        };
        let now = caller.backend().now();
        let mut health = self.health();
        // Many mails try at once and fail together: that is one failure of the server, and not so many in a row.
        if problem.kind != Kind::Throttled && health.resting(now).is_none() {
            health.failures = health.failures.saturating_add(1);
            let pause = FIRST_PAUSE
                .saturating_mul(1 << (health.failures - 1).clamp(0, 16))
                .min(LONGEST_PAUSE);
            health.resting = Some((now + retry::jittered(pause), problem.reason.clone()));
        }
        drop(health);
        NoSession::Problem(problem)
    }

    fn recovered(&self) {
        let mut health = self.health();
        if health.failures > 0 {
            tracing::info!(server = self.server, "an outgoing server works again");
        }
        health.failures = 0;
        health.resting = None;
    }

    /// The server was changed by somebody, so that the next connection may well succeed.
    pub fn forget_failures(&self) {
        self.health().resting = None;
    }

    /// Writes down that the server asked to be left alone, and gives until when.
    pub async fn throttle(&self, caller: &Caller) -> NaiveDateTime {
        self.throttled.store(true, Ordering::Relaxed);
        let until = match budget::pause(caller, self.server).await {
            Ok(until) => until,
            Err(error) => {
                tracing::warn!(server = self.server, %error, "that a server wants a pause could not be written down");
                caller.backend().now() + retry::jittered(FIRST_PAUSE)
            }
        };
        tracing::warn!(server = self.server, %until, "an outgoing server asks for a pause");
        until
    }

    /// Notes that the server takes mails.
    pub async fn works(&self, caller: &Caller) {
        if self.throttled.swap(false, Ordering::Relaxed)
            && let Err(error) = budget::resume(caller, self.server).await
        {
            self.throttled.store(true, Ordering::Relaxed);
            tracing::debug!(%error, "that a server takes mails again could not be written down");
        }
    }

    /// Keeps a session for the next mail.
    pub fn keep(&self, mut session: Session) {
        session.idle_since = Instant::now();
        self.lock_idle().push(session);
    }

    /// Ends a session.
    pub async fn close(&self, caller: &Caller, session: Session) {
        let Session {
            mut connection,
            slot,
            ..
        } = session;
        if connection.is_usable() {
            connection.quit().await.ok();
        } else {
            drop(connection);
        }
        self.give_back(caller, slot).await;
    }

    /// Ends the sessions that have waited too long for a mail; all of them with `all`.
    pub async fn tidy(&self, caller: &Caller, all: bool) {
        let old: Vec<Session> = {
            let mut idle = self.lock_idle();
            let (old, young) = std::mem::take(&mut *idle)
                .into_iter()
                .partition(|session| all || session.idle_since.elapsed() >= IDLE);
            *idle = young;
            old
        };
        for session in old {
            self.close(caller, session).await;
        }
    }

    /// The numbers of the connections that this process has of those that all share.
    pub fn slots(&self) -> Vec<i32> {
        self.lock_slots().iter().copied().collect()
    }

    fn lock_slots(&self) -> std::sync::MutexGuard<'_, HashSet<i32>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take_idle(&self) -> Option<Session> {
        self.lock_idle().pop()
    }

    fn lock_idle(&self) -> std::sync::MutexGuard<'_, Vec<Session>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health(&self) -> std::sync::MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the session's token is still the one to sign in with: tokens are renewed between mails. No
/// session outlives its token, or mails would go out while the server shows that its mailbox cannot be
/// signed in to.
async fn is_current(caller: &Caller, session: &Session) -> bool {
    match smtp::token(caller, &session.carrier).await {
        Ok(token) => {
            let text = |token: &Option<SecretString>| {
                token.as_ref().map(|token| token.expose_secret().to_owned())
            };
            text(&token) == text(&session.token)
        }
        Err(error) => error.is_outage(),
    }
}

/// Whether a session with the one is a session with the other: only what a connection depends on counts.
fn same_line(one: &Carrier, other: &Carrier) -> bool {
    let line = |server: &MailServer| {
        (
            server.id,
            server.smtp_host.clone(),
            server.smtp_port,
            server.smtp_encryption.clone(),
            server.smtp_authentication.clone(),
            server.smtp_user.clone(),
            server.smtp_pass.clone(),
            server.smtp_ssl_certificate.clone(),
            server.smtp_ssl_private_key.clone(),
        )
    };
    match (one.server(), other.server()) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || line(one) == line(other),
        (None, None) => true,
        _ => false,
    }
}
