//! The work that goes on by itself: sending the queue and fetching the mailboxes.

use std::sync::Arc;

use crate::backend::Backend;
use crate::{gateway, outbox};

/// Works until the future is dropped. Nothing is lost when that happens in the middle: what was
/// begun is found again by its claim or its cursor.
pub async fn run(backend: Arc<Backend>) {
    tokio::join!(
        outbox::run(Arc::clone(&backend)),
        gateway::fetch::run(backend)
    );
}
