//! SIGTERM and SIGINT: the two ways of telling the program to stop.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The requests to stop that the process gets.
pub struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// From now on the signals end the process only by way of [`StopSignals::next`].
    ///
    /// The first process of a container has no default action for them, so they have to be taken
    /// before anything slow begins.
    ///
    /// # Errors
    /// If the system refuses to hand them over.
    pub fn listen() -> io::Result<StopSignals> {
        Ok(StopSignals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Waits for the next one and names it.
    pub async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
