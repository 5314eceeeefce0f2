//! Which mailboxes are being worked on in this process, so that no two tasks work on one at once; and
//! how much of their mail is held in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, OwnedSemaphorePermit, Semaphore};

/// So much fetched mail is held in memory at once, of all mailboxes together, in KiB; a single message
/// that is larger has all of it for itself. Taking mail apart needs several times as much.
const MEMORY: u32 = 16 * 1024;

/// What is worked on: a kind of record and its id.
pub type TaskKey = (&'static str, i32);

/// Locks by mailbox, and the memory for fetched mail.
pub struct MailTasks {
    locks: Mutex<HashMap<TaskKey, Arc<AsyncMutex<()>>>>,
    memory: Arc<Semaphore>,
}

impl Default for MailTasks {
    fn default() -> Self {
        MailTasks {
            locks: Mutex::default(),
            memory: Arc::new(Semaphore::new(MEMORY as usize)),
        }
    }
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

    /// Waits until there is memory for so many bytes of mail, and keeps it until the permit is
    /// dropped.
    ///
    /// # Panics
    /// Never: nobody closes the semaphore.
    pub async fn place_for(&self, bytes: u64) -> OwnedSemaphorePermit {
        let kibibytes = u32::try_from(bytes / 1024)
            .unwrap_or(MEMORY)
            .clamp(1, MEMORY);
        let place = Arc::clone(&self.memory).acquire_many_owned(kibibytes).await;
        place.expect("the semaphore is never closed")
    }
}
