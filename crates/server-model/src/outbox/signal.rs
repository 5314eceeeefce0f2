//! How the queue is told that there is something to send: within the process, and from other replicas by
//! PostgreSQL's `NOTIFY`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::env::Env;
use crate::error::Result;

/// The channel on which replicas tell each other to look at the queue now.
const CHANNEL: &str = "postern_outbox";
/// How long to wait before listening is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Wakes the queue of this process.
#[derive(Default)]
pub struct Signal {
    woken: Notify,
    now: AtomicBool,
}

impl Signal {
    /// There may be something to send, now or soon.
    pub fn look(&self) {
        self.woken.notify_one();
    }

    /// Somebody asked for the queue to be sent now: nobody is given time to go on writing.
    pub fn look_now(&self) {
        self.now.store(true, Ordering::Release);
        self.woken.notify_one();
    }

    /// Waits until there may be something to send.
    pub async fn woken(&self) {
        self.woken.notified().await;
    }

    /// Whether the queue is to be sent now; asked once.
    pub fn take_now(&self) -> bool {
        self.now.swap(false, Ordering::Acquire)
    }
}

/// Tells the other replicas to look at the queue now, once the transaction is committed.
///
/// # Errors
/// When the database fails.
pub async fn tell_others(env: &Env) -> Result<()> {
    if env.db() != sea_orm::DbBackend::Postgres {
        // An SQLite file has one process.
        return Ok(());
    }
    let mut sql = env.sql("SELECT pg_notify(");
    sql.bind(CHANNEL).push(", ");
    sql.bind(env.backend().instance()).push(")");
    env.row(sql).await.map(|_| ())
}

/// Listens to the other replicas until `stop` is cancelled. A database that cannot be listened to
/// (behind a pooler that gives each transaction another connection) only makes the queue wait for
/// its next regular look.
pub async fn listen(backend: Arc<Backend>, stop: CancellationToken) {
    let listening = async {
        loop {
            let heard = backend
                .database()
                .listen(CHANNEL, |instance| {
                    if instance != backend.instance() {
                        backend.outbox_signal().look_now();
                    }
                })
                .await;
            match heard {
                Ok(()) => return,
                Err(error) => {
                    tracing::debug!(%error, "other replicas cannot be listened to at the moment");
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    tokio::select! {
        () = listening => {}
        () = stop.cancelled() => {}
    }
}
