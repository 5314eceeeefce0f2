//! What systemd is told of the service: that it is ready, that it lives, that it stops. Where nobody supervises it,
//! nobody is told.

use std::net::SocketAddr;

use sd_notify::NotifyState;

use crate::health;

/// So often the service is asked in the time after which a silent one is taken for dead.
const LOOKS: u32 = 3;

/// Calls are answered from now on.
pub fn ready() {
    tell(NotifyState::Ready);
}

/// The service was told to stop, and ends what it has begun.
pub fn stopping() {
    tell(NotifyState::Stopping);
}

/// Asks the service that listens at `address` for its health, over and over, and tells of each right answer. Returns at
/// once where nobody wants to know (`WATCHDOG_USEC`).
pub async fn keep_watch(address: SocketAddr) {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    loop {
        let asked = tokio::task::spawn_blocking(move || health::ask(address)).await;
        match asked {
            Ok(Ok(())) => tell(NotifyState::Watchdog),
            Ok(Err(error)) => tracing::warn!(%error, "the service does not answer itself"),
            Err(error) => tracing::error!(%error, "the service could not be asked for its health"),
        }
        tokio::time::sleep(limit / LOOKS).await;
    }
}

fn tell(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
