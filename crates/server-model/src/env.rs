//! Who calls, with which rights and context, and in which transaction.

mod statements;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use sea_orm::DatabaseTransaction;

use words::Lang;

use crate::backend::Backend;
use crate::database::Intent;
use crate::error::{Error, Result};
use crate::home::caches;
use crate::models::res_lang;
use crate::models::res_users::{self, User};
use crate::prepared::Prepared;
use crate::value::{AnyValue, Id, Key, Map};

/// The id of the user that the program itself acts as (`base.user_root`).
pub const SUPERUSER: Id = 1;

/// How long what was read of a user at the door may be used for the call that follows.
const FRESH: Duration = Duration::from_secs(1);

/// Somebody who calls, outside of any transaction.
#[derive(Clone)]
pub struct Caller {
    backend: Arc<Backend>,
    uid: Id,
    su: bool,
    context: Arc<Map>,
    session: Option<Arc<str>>,
    address: Option<IpAddr>,
    on_command_line: bool,
    met: Option<Arc<Met>>,
    prepared: Option<Arc<Prepared>>,
}

/// A user as read at the door, for the first transaction of the call that follows. Any later one
/// reads the user again, because rights may have changed in between.
struct Met {
    user: Mutex<Option<Arc<User>>>,
    at: Instant,
}

impl Caller {
    /// A caller signed in as `uid`.
    pub fn new(backend: Arc<Backend>, uid: Id) -> Caller {
        Caller {
            backend,
            uid,
            su: uid == SUPERUSER,
            context: Arc::default(),
            session: None,
            address: None,
            on_command_line: false,
            met: None,
            prepared: None,
        }
    }

    /// A caller signed in as this user, who was read from the database right now.
    pub fn met(backend: Arc<Backend>, user: User) -> Caller {
        let uid = user.uid;
        Caller {
            met: Some(Arc::new(Met {
                user: Mutex::new(Some(Arc::new(user))),
                at: Instant::now(),
            })),
            ..Caller::new(backend, uid)
        }
    }

    /// The same caller, known to come by the web session with this stored hash of its id.
    #[must_use]
    pub fn in_session(&self, id_hash: &str) -> Caller {
        Caller {
            session: Some(id_hash.into()),
            ..self.clone()
        }
    }

    /// The same caller, who calls from this network address.
    #[must_use]
    pub fn from_address(self, address: Option<IpAddr>) -> Caller {
        Caller { address, ..self }
    }

    /// The same caller: a person who uses the program's own commands.
    #[must_use]
    pub fn on_command_line(self) -> Caller {
        Caller {
            on_command_line: true,
            ..self
        }
    }

    /// True for the program's own work, which nobody asked for.
    pub fn is_program(&self) -> bool {
        self.uid == SUPERUSER && !self.on_command_line
    }

    /// The network address that the caller calls from, where there is one.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The same caller, for whose next call this was prepared.
    pub(crate) fn with_prepared(self, prepared: Prepared) -> Caller {
        Caller {
            prepared: Some(Arc::new(prepared)),
            ..self
        }
    }

    /// The stored hash of the id of the web session by which the caller came.
    pub fn session(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The program itself, which no access row stops.
    pub fn superuser(backend: Arc<Backend>) -> Caller {
        Caller::new(backend, SUPERUSER)
    }

    /// The same caller with another context.
    pub fn with_context(&self, context: Map) -> Caller {
        Caller {
            context: Arc::new(context),
            ..self.clone()
        }
    }

    /// The same caller, not stopped by access rows and rules.
    pub fn sudo(&self) -> Caller {
        Caller {
            su: true,
            ..self.clone()
        }
    }

    /// The running program.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.backend
    }

    /// The id of the user.
    pub fn uid(&self) -> Id {
        self.uid
    }

    /// The language in which the caller is told something: the context's, else the user's, else English.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reader(&self) -> Result<Lang> {
        if let Some(asked) = self.asked_lang() {
            return Ok(asked);
        }
        let env = self.begin(Intent::Read).await?;
        let lang = env.reader().await;
        env.end_reading();
        lang
    }

    /// The language for a person at a browser: the user's, once there was one to choose from; the browser's until then.
    /// A new database has English in use only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reader_at(&self, browser: Lang) -> Result<Lang> {
        let chosen = self.reader().await?;
        if chosen != Lang::English {
            return Ok(chosen);
        }
        let env = self.begin(Intent::Read).await?;
        let several = res_lang::several_in_use(&env).await;
        env.end_reading();
        Ok(if several? { chosen } else { browser })
    }

    /// The language that the context asks for, where it is spoken here. The program itself reads English.
    fn asked_lang(&self) -> Option<Lang> {
        let asked = self.context.get("lang").and_then(AnyValue::as_text);
        match asked.filter(|code| !code.is_empty()) {
            Some(code) => Some(Lang::of_code(code).unwrap_or_default()),
            None => (self.uid == SUPERUSER).then_some(Lang::English),
        }
    }

    fn take_met(&self) -> Option<Arc<User>> {
        let met = self.met.as_ref().filter(|met| met.at.elapsed() < FRESH)?;
        met.user
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
    }

    /// Begins a transaction.
    ///
    /// # Errors
    /// When the database gives none.
    pub async fn begin(&self, intent: Intent) -> Result<Env> {
        Ok(Env {
            tx: Arc::new(Transaction {
                connection: self.backend.database().begin(intent).await?,
                users: Mutex::new(
                    self.take_met()
                        .map(|user| (user.uid, user))
                        .into_iter()
                        .collect(),
                ),
                prepared: Mutex::new(self.prepared.as_deref().cloned().unwrap_or_default()),
                wakes_outbox: AtomicBool::new(false),
                changes_groups: AtomicBool::new(false),
                changes_caches: AtomicU8::new(0),
                now: self.backend.now(),
            }),
            caller: self.clone(),
        })
    }
}

/// An open transaction and what is remembered for its time.
struct Transaction {
    connection: DatabaseTransaction,
    users: Mutex<HashMap<Id, Arc<User>>>,
    prepared: Mutex<Prepared>,
    wakes_outbox: AtomicBool,
    changes_groups: AtomicBool,
    changes_caches: AtomicU8,
    now: NaiveDateTime,
}

/// A caller inside a transaction: the first argument of every model function.
#[derive(Clone)]
pub struct Env {
    tx: Arc<Transaction>,
    caller: Caller,
}

impl Env {
    /// The id of the user.
    pub fn uid(&self) -> Id {
        self.caller.uid
    }

    /// True when access rows and rules do not apply.
    pub fn is_sudo(&self) -> bool {
        self.caller.su
    }

    /// The caller, to carry on after the transaction.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The running program.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.caller.backend
    }

    /// The context that came with the call.
    pub fn context(&self) -> &Map {
        &self.caller.context
    }

    /// The same transaction with raised rights.
    pub fn sudo(&self) -> Env {
        Env {
            tx: Arc::clone(&self.tx),
            caller: self.caller.sudo(),
        }
    }

    /// The same transaction with the caller's own rights, raised ones taken back.
    #[must_use]
    pub fn with_own_rights(&self) -> Env {
        Env {
            tx: Arc::clone(&self.tx),
            caller: Caller {
                su: self.caller.uid == SUPERUSER,
                ..self.caller.clone()
            },
        }
    }

    /// The same transaction as another user.
    pub fn as_user(&self, uid: Id) -> Env {
        Env {
            tx: Arc::clone(&self.tx),
            caller: Caller {
                uid,
                su: uid == SUPERUSER,
                ..self.caller.clone()
            },
        }
    }

    /// The same transaction with one more member in the context.
    pub fn with(&self, name: &'static str, value: impl Into<AnyValue>) -> Env {
        let mut context = Map::clone(&self.caller.context);
        context.insert(Key::Borrowed(name), value.into());
        self.with_context(context)
    }

    /// The same transaction with another context.
    pub fn with_context(&self, context: Map) -> Env {
        Env {
            tx: Arc::clone(&self.tx),
            caller: self.caller.with_context(context),
        }
    }

    /// The moment the transaction began, in UTC: the "now" of everything it writes.
    pub fn now(&self) -> NaiveDateTime {
        self.tx.now
    }

    /// Whether archived records are left out of searches and lists.
    pub fn active_test(&self) -> bool {
        self.context()
            .get("active_test")
            .is_none_or(|value| !value.is_falsy())
    }

    /// The language of the caller: the context's, else English.
    pub fn lang(&self) -> &str {
        self.context()
            .get("lang")
            .and_then(AnyValue::as_text)
            .unwrap_or("en_US")
    }

    /// The language in which the caller is told something: the context's, else the user's, else English.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn reader(&self) -> Result<Lang> {
        if let Some(asked) = self.caller.asked_lang() {
            return Ok(asked);
        }
        match self.user().await {
            Ok(user) => Ok(user
                .lang
                .as_deref()
                .and_then(Lang::of_code)
                .unwrap_or_default()),
            Err(Error::Missing(_)) => Ok(Lang::English),
            Err(error) => Err(error),
        }
    }

    /// The user who calls: groups, companies, partner.
    ///
    /// # Errors
    /// [`Error::Missing`] when there is no such user.
    pub async fn user(&self) -> Result<Arc<User>> {
        let uid = self.uid();
        if let Some(user) = self.users().get(&uid) {
            return Ok(Arc::clone(user));
        }
        let user = Arc::new(res_users::arriving::load(self, uid).await?);
        self.users().insert(uid, Arc::clone(&user));
        Ok(user)
    }

    /// What was worked out before the transaction.
    pub(crate) fn prepared(&self) -> std::sync::MutexGuard<'_, Prepared> {
        self.tx
            .prepared
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what was remembered of users, after a change to users or groups.
    pub fn forget_users(&self) {
        self.users().clear();
        self.tx.changes_groups.store(true, Ordering::Relaxed);
    }

    fn users(&self) -> std::sync::MutexGuard<'_, HashMap<Id, Arc<User>>> {
        self.tx.users.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// True when the user is in one of these comma-separated groups, or none is named.
    ///
    /// # Errors
    /// When the user cannot be read.
    pub async fn has_any_group(&self, groups: &str) -> Result<bool> {
        if groups.is_empty() {
            return Ok(true);
        }
        let user = self.user().await?;
        Ok(is_member(&user.groups, groups))
    }

    /// Like [`Env::has_any_group`], or raised rights.
    ///
    /// # Errors
    /// When the user cannot be read.
    pub async fn may_use(&self, groups: &str) -> Result<bool> {
        Ok(self.is_sudo() || self.has_any_group(groups).await?)
    }

    /// Looks at the queue of outgoing mails as soon as this transaction is committed.
    pub fn wake_outbox(&self) {
        self.tx.wakes_outbox.store(true, Ordering::Relaxed);
    }

    /// An Odoo beside forgets what it remembers of this model, once this transaction is committed.
    pub(crate) fn changes(&self, model: &str) {
        if self.backend().home().is_odoos() {
            let caches = caches::of_model(model);
            self.tx.changes_caches.fetch_or(caches, Ordering::Relaxed);
        }
    }
}

/// True when one of the comma-separated groups is among the user's.
pub fn is_member(of: &HashSet<String>, groups: &str) -> bool {
    groups.split(',').any(|group| of.contains(group.trim()))
}
