//! The work that goes on by itself: sending the queue, fetching the mailboxes, handing mails on, a look at what ends
//! soon, and clearing what is old.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::oauth_flow::expiry;
use crate::{gateway, home, outbox, retention};

/// Works until `stop` is cancelled; a mail that is being sent or stored then is finished first.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    tokio::join!(
        outbox::run(Arc::clone(&backend), stop.clone()),
        gateway::watch::run(Arc::clone(&backend), stop.clone()),
        gateway::handoff::run(Arc::clone(&backend), stop.clone()),
        home::watch::run(Arc::clone(&backend), stop.clone()),
        expiry::run(Arc::clone(&backend), stop.clone()),
        retention::run(backend, stop)
    );
}
