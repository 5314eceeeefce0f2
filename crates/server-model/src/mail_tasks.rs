//! Which mailboxes are being worked on in this process, so that no two tasks work on one at once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};

/// What is worked on: a kind of record and its id.
pub type TaskKey = (&'static str, i32);

/// Locks by mailbox.
#[derive(Default)]
pub struct MailTasks {
    locks: Mutex<HashMap<TaskKey, Arc<AsyncMutex<()>>>>,
}

impl MailTasks {
    /// Waits until nobody else works on it, and keeps others out until the guard is dropped.
    pub async fn lock(&self, key: TaskKey) -> OwnedMutexGuard<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(locks.entry(key).or_default())
        };
        lock.lock_owned().await
    }
}
