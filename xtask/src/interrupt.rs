//! Ctrl-C and `kill`: noticed, so that what was started can be stopped in order.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use tokio::signal::unix::{SignalKind, signal};

use crate::Failure;

/// Whether somebody wants us to end; every loop that waits looks at it.
#[derive(Clone, Debug)]
pub struct Interrupt {
    raised: Arc<AtomicBool>,
}

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP from now on. A second one ends the process at once;
    /// the lab's watchdog then clears up.
    pub fn watch() -> Result<Self, Failure> {
        let interrupt = Self {
            raised: Arc::new(AtomicBool::new(false)),
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()?;
        let listener = interrupt.clone();
        let (mut int, mut term, mut hup) = {
            let _entered = runtime.enter();
            (
                signal(SignalKind::interrupt())?,
                signal(SignalKind::terminate())?,
                signal(SignalKind::hangup())?,
            )
        };
        thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    loop {
                        tokio::select! {
                            _ = int.recv() => {}
                            _ = term.recv() => {}
                            _ = hup.recv() => {}
                        }
                        if listener.is_raised() {
                            std::process::exit(130);
                        }
                        eprintln!("stopping ...");
                        listener.raise();
                    }
                });
            })?;
        Ok(interrupt)
    }

    /// Asks for the end.
    pub fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.raised.load(Ordering::SeqCst)
    }

    /// Fails once the end was asked for.
    pub fn check(&self) -> Result<(), Failure> {
        if self.is_raised() {
            return Err("interrupted".into());
        }
        Ok(())
    }

    /// Sleeps until the end is asked for or `ready` is true; whether it was the latter.
    pub fn wait_until(&self, mut ready: impl FnMut() -> bool) -> bool {
        loop {
            if ready() {
                return true;
            }
            if self.is_raised() {
                return false;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}
