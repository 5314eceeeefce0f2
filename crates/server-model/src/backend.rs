//! The running program: what every call shares.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use auth::remembered::Remembered;
use chrono::{NaiveDateTime, Utc};

use crate::cooldown::Failures;
use crate::database::Database;
use crate::home::Home;
use crate::mail_tasks::MailTasks;
use crate::models::res_users::group_names::GroupNames;
use crate::outbox::own_server::OwnServer;
use crate::outbox::{Engine, Signal};
use crate::retry::Turns;
use crate::vault::Vault;

/// Where the time comes from.
pub trait Clock: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> NaiveDateTime;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> NaiveDateTime {
        Utc::now().naive_utc()
    }
}

/// The parts that a backend is put together from.
pub struct Parts {
    /// The database.
    pub database: Database,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Which authorities the servers of SMTP, IMAP and POP3 are checked against.
    pub trust: mail::tls::Trust,
    /// The client of the providers' token endpoints.
    pub oauth: auth::oauth::OAuthClient,
    /// The outgoing server of the program's own configuration.
    pub own_server: OwnServer,
    /// How long each step at an outgoing server may take.
    pub patience: mail::server::Timeouts,
    /// The way to programs that mails are handed on to.
    pub remote: auth::remote::Remote,
    /// What seals the secrets in the database.
    pub vault: Vault,
    /// Whose database it is.
    pub home: Home,
}

/// The running program. Shared by all callers.
pub struct Backend {
    parts: Parts,
    instance: String,
    outbox: Engine,
    outbox_signal: Signal,
    runtime: Option<tokio::runtime::Handle>,
    verified_passwords: Remembered,
    verified_keys: Remembered,
    login_failures: Failures,
    group_names: GroupNames,
    mail_tasks: MailTasks,
    turns: Turns,
    stopping: AtomicBool,
}

impl Backend {
    /// Puts a backend together.
    pub fn new(parts: Parts) -> Arc<Backend> {
        Arc::new(Backend {
            parts,
            instance: uuid::Uuid::new_v4().to_string(),
            outbox: Engine::default(),
            outbox_signal: Signal::default(),
            runtime: tokio::runtime::Handle::try_current().ok(),
            verified_passwords: Remembered::default(),
            verified_keys: Remembered::default(),
            login_failures: Failures::default(),
            group_names: GroupNames::default(),
            mail_tasks: MailTasks::default(),
            turns: Turns::default(),
            stopping: AtomicBool::new(false),
        })
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.parts.database
    }

    /// The name of this process among all that share the database, new at each start.
    pub fn instance(&self) -> &str {
        &self.instance
    }

    /// Now, in UTC.
    pub fn now(&self) -> NaiveDateTime {
        self.parts.clock.now()
    }

    /// Now, in seconds since 1970-01-01 UTC.
    pub fn unix_now(&self) -> i64 {
        self.now().and_utc().timestamp()
    }

    /// Which authorities mail servers are checked against.
    pub fn trust(&self) -> &mail::tls::Trust {
        &self.parts.trust
    }

    /// The client of the providers' token endpoints.
    pub fn oauth(&self) -> &auth::oauth::OAuthClient {
        &self.parts.oauth
    }

    /// The outgoing server of the program's own configuration.
    pub fn own_server(&self) -> &OwnServer {
        &self.parts.own_server
    }

    /// How long each step at an outgoing server may take.
    pub fn patience(&self) -> &mail::server::Timeouts {
        &self.parts.patience
    }

    /// The way to programs that mails are handed on to.
    pub fn remote(&self) -> &auth::remote::Remote {
        &self.parts.remote
    }

    /// What seals the secrets in the database.
    pub fn vault(&self) -> &Vault {
        &self.parts.vault
    }

    /// Whose database it is.
    pub fn home(&self) -> &Home {
        &self.parts.home
    }

    /// Passwords found right before, so that each call need not derive the key again.
    pub fn verified_passwords(&self) -> &Remembered {
        &self.verified_passwords
    }

    /// API keys found right before, by the id of their row.
    pub fn verified_keys(&self) -> &Remembered {
        &self.verified_keys
    }

    /// What groups are called and imply.
    pub(crate) fn group_names(&self) -> &GroupNames {
        &self.group_names
    }

    /// The wrong credentials of late.
    pub(crate) fn login_failures(&self) -> &Failures {
        &self.login_failures
    }

    /// Which mailboxes are being worked on in this process.
    pub fn mail_tasks(&self) -> &MailTasks {
        &self.mail_tasks
    }

    /// Where the calls that write wait for their turn.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// The queue's part of the program.
    pub(crate) fn outbox(&self) -> &Engine {
        &self.outbox
    }

    /// How the queue is told to look.
    pub(crate) fn outbox_signal(&self) -> &Signal {
        &self.outbox_signal
    }

    /// The program is about to end: it answers what comes, and asks to be sent nothing more.
    pub fn begin_to_stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the program is about to end.
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }

    /// Tells the outbox that there is something to send.
    pub fn wake_outbox(&self) {
        self.outbox_signal.look();
    }

    /// Starts a task that goes on whatever becomes of whoever started it: on the threads on which
    /// the program was put together, not on those of a call.
    pub(crate) fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.runtime {
            Some(runtime) => runtime.spawn(task),
            None => tokio::spawn(task),
        }
    }
}
