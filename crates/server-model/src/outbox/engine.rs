//! What the queue keeps in this process: the journal's writer, the sessions by server, and what is being worked on.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, RwLock, Semaphore};
use tokio_util::task::TaskTracker;

use super::budget::Budget;
use super::claim;
use super::history::Successes;
use super::journal::Journal;
use super::lane::Lane;
use super::settings::Settings;
use crate::backend::Backend;
use crate::env::Caller;
use crate::value::Id;

/// How many KiB of mails are in memory at once, of all servers together.
const MEMORY: usize = 32 * 1024;
/// What a mail takes beside its texts and files, in bytes.
const OVERHEAD: usize = 8 * 1024;
/// How often what is idle and what is claimed is looked after.
const BEAT: Duration = Duration::from_secs(1);

/// The queue's part of the running program.
pub struct Engine {
    journal: OnceLock<Journal>,
    lanes: Mutex<HashMap<Id, Arc<Lane>>>,
    memory: Arc<Semaphore>,
    claimed: Arc<Mutex<HashSet<Id>>>,
    claims: RwLock<()>,
    lost: AtomicBool,
    /// Milliseconds, as it was when mails were last claimed.
    lease: AtomicU64,
    deliveries: TaskTracker,
    successes: Successes,
}

impl Default for Engine {
    fn default() -> Self {
        let lease = Settings::default().lease;
        Engine {
            journal: OnceLock::new(),
            lanes: Mutex::default(),
            memory: Arc::new(Semaphore::new(MEMORY)),
            claimed: Arc::default(),
            claims: RwLock::default(),
            lost: AtomicBool::default(),
            lease: AtomicU64::new(millis(lease)),
            deliveries: TaskTracker::new(),
            successes: Successes::default(),
        }
    }
}

impl Engine {
    /// The journal. With its first use, the looking after claims and idle sessions begins too.
    pub fn journal(&self, backend: &Arc<Backend>) -> &Journal {
        self.journal.get_or_init(|| {
            backend.spawn(look_after(Arc::downgrade(backend)));
            Journal::start(backend)
        })
    }

    /// The sessions with a server, 0 for that of the configuration. With another budget than
    /// before, a new lane takes the place of the old one, whose mails still go out by it.
    pub fn lane(&self, server: Id, budget: Budget) -> Arc<Lane> {
        let mut lanes = lock(&self.lanes);
        match lanes.get(&server) {
            Some(lane) if lane.budget() == budget => Arc::clone(lane),
            _ => {
                let lane = Arc::new(Lane::new(server, budget));
                lanes.insert(server, Arc::clone(&lane));
                lane
            }
        }
    }

    /// The servers that have more mails waiting in memory than they manage.
    pub fn congested(&self) -> Vec<Id> {
        lock(&self.lanes)
            .values()
            .filter(|lane| lane.is_congested())
            .map(|lane| lane.server())
            .collect()
    }

    /// A server was changed, so that connections to it are worth a try again.
    pub fn forget_failures(&self, server: Id) {
        if let Some(lane) = lock(&self.lanes).get(&server) {
            lane.forget_failures();
        }
    }

    /// Waits for the memory that a mail of so many bytes takes. One larger than all of it gets all.
    pub async fn memory(&self, size: usize) -> Option<OwnedSemaphorePermit> {
        let kib = (size.saturating_add(OVERHEAD) / 1024).min(MEMORY);
        let kib = u32::try_from(kib).unwrap_or(u32::MAX);
        Arc::clone(&self.memory).acquire_many_owned(kib).await.ok()
    }

    /// The deliveries that are under way, to be waited for.
    pub fn deliveries(&self) -> &TaskTracker {
        &self.deliveries
    }

    /// When the last success of each server was written down.
    pub fn successes(&self) -> &Successes {
        &self.successes
    }

    /// Notes that this mail is worked on here, so that its claim is renewed, until what is given out
    /// is dropped.
    pub fn hold(&self, mail: Id) -> Held {
        lock(&self.claimed).insert(mail);
        Held {
            mail,
            claimed: Arc::clone(&self.claimed),
        }
    }

    /// The mails that are worked on here.
    pub fn held(&self) -> Vec<Id> {
        lock(&self.claimed).iter().copied().collect()
    }

    /// Where claims are made side by side, each until it is committed, and none while what was lost is given back.
    pub fn claims(&self) -> &RwLock<()> {
        &self.claims
    }

    /// The database failed, so that there may be claims of this process in it on which nobody works.
    pub fn note_lost(&self) {
        self.lost.store(true, Ordering::Relaxed);
    }

    /// Whether there may be such claims; asked once.
    pub fn take_lost(&self) -> bool {
        self.lost.swap(false, Ordering::Relaxed)
    }

    /// How long claims hold, from which follows how often they are renewed.
    pub fn set_lease(&self, lease: Duration) {
        self.lease.store(millis(lease), Ordering::Relaxed);
    }

    fn lanes(&self) -> Vec<Arc<Lane>> {
        lock(&self.lanes).values().cloned().collect()
    }

    /// Ends all sessions that wait for a mail.
    pub async fn close_idle(&self, caller: &Caller, all: bool) {
        for lane in self.lanes() {
            lane.tidy(caller, all).await;
        }
    }

    async fn renew(&self, caller: &Caller) {
        let claimed = self.held();
        let slots: Vec<(Id, i32)> = self
            .lanes()
            .iter()
            .flat_map(|lane| {
                let server = lane.server();
                lane.slots().into_iter().map(move |slot| (server, slot))
            })
            .collect();
        if claimed.is_empty() && slots.is_empty() {
            return;
        }
        let lease = Duration::from_millis(self.lease.load(Ordering::Relaxed));
        if let Err(error) = claim::renew(caller, &claimed, &slots, lease).await {
            tracing::warn!(%error, "the claims on mails could not be renewed");
        }
    }
}

/// A mail that is worked on in this process, until it is dropped.
#[derive(Debug)]
pub struct Held {
    mail: Id,
    claimed: Arc<Mutex<HashSet<Id>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.claimed).remove(&self.mail);
    }
}

/// Renews claims well before they end, and closes sessions that nobody uses; for as long as the
/// program runs.
async fn look_after(backend: Weak<Backend>) {
    let mut renewed = Instant::now();
    loop {
        tokio::time::sleep(BEAT).await;
        let Some(backend) = backend.upgrade() else {
            return;
        };
        let engine = backend.outbox();
        let caller = Caller::superuser(Arc::clone(&backend));
        let third = Duration::from_millis(engine.lease.load(Ordering::Relaxed) / 3);
        if renewed.elapsed() + BEAT / 2 >= third {
            renewed = Instant::now();
            engine.renew(&caller).await;
        }
        // A server that is slow to say goodbye must not keep the claims from being renewed.
        let backend_of_sessions = Arc::clone(&backend);
        backend.spawn(async move {
            backend_of_sessions
                .outbox()
                .close_idle(&caller, false)
                .await;
        });
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
