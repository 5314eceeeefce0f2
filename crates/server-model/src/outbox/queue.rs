//! The queue's own work: looking at what is due, whenever something may be, on each replica.

use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use super::claim::{self, Wanted};
use super::deliver::Wish;
use super::dispatch::{Dispatch, Parts};
use super::proof;
use super::settings::Settings;
use super::signal;
use crate::backend::Backend;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::Result;
use crate::value::Id;

/// How often the queue is looked at when nobody says that there is something.
const POLL: Duration = Duration::from_secs(30);
/// How long to wait after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// How many mails are claimed at once.
const BATCH: i64 = 256;
/// How often all mails are looked through for such as wait and are not known to the outbox, and not
/// only the newest.
const LOOK_THROUGH: Duration = Duration::from_secs(600);
/// How far below the newest mail new ones are looked for: numbers are given out before transactions
/// are committed, so that a lower one may come later.
const MARGIN: Id = 1000;

/// Looks at the queue whenever there may be something in it, until `stop` is cancelled; waits then
/// for the deliveries under way.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    tokio::join!(
        look_until(Arc::clone(&backend), stop.clone()),
        proof::run(Arc::clone(&backend), stop.clone()),
        signal::listen(backend, stop)
    );
}

async fn look_until(backend: Arc<Backend>, stop: CancellationToken) {
    let mut queue = Queue::new(&backend);
    let signal = backend.outbox_signal();
    while !stop.is_cancelled() {
        let pause = match queue.look(&stop).await {
            Ok(pause) => pause,
            Err(error) => {
                tracing::error!(%error, "the queue of outgoing mails could not be worked on");
                backend.outbox().note_lost();
                AFTER_FAILURE
            }
        };
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(pause) => {}
            () = signal.woken() => {}
        }
    }
    let engine = backend.outbox();
    engine.deliveries().close();
    engine.deliveries().wait().await;
    engine
        .close_idle(&Caller::superuser(Arc::clone(&backend)), true)
        .await;
}

struct Queue {
    backend: Arc<Backend>,
    caller: Caller,
    /// The highest id of a mail that was looked at.
    known: Id,
    looked_through: Option<Instant>,
}

impl Queue {
    fn new(backend: &Arc<Backend>) -> Queue {
        Queue {
            backend: Arc::clone(backend),
            caller: Caller::superuser(Arc::clone(backend)),
            known: 0,
            looked_through: None,
        }
    }

    /// Starts whatever is due, and gives how long there is nothing to do.
    async fn look(&mut self, stop: &CancellationToken) -> Result<Duration> {
        let env = self.caller.begin(Intent::Read).await?;
        let settings = Settings::load(&env).await;
        env.end_reading();
        let settings = settings?;
        if self.backend.outbox().take_lost() {
            claim::give_back_lost(&self.caller).await?;
        }
        self.note_new().await?;
        let at_once = self.backend.outbox_signal().take_now();
        let dispatch = Dispatch::new(&self.backend, settings, Wish::Due);
        let grace = TimeDelta::from_std(settings.grace).unwrap_or_default();
        let mut after = 0;
        while !stop.is_cancelled() {
            let now = self.backend.now();
            let wanted = Wanted::Due {
                after,
                without: &self.backend.outbox().congested(),
                settled_before: if at_once { now } else { now - grace },
            };
            let claims = claim::claim(&self.caller, &wanted, &settings, BATCH).await?;
            let Some(last) = claims.last else { break };
            after = last;
            let mut parts = Parts::of(claims.mails);
            while let Some(ready) = dispatch.next(&mut parts).await? {
                dispatch.start(ready, stop).await;
            }
        }
        let next = claim::next_due(&self.backend, &settings).await?;
        let until = next.map_or(POLL, |next| {
            (next - self.backend.now()).to_std().unwrap_or_default()
        });
        // What is due and was not claimed is with somebody else, or waits for a slow server.
        Ok(until.clamp(Duration::from_millis(200), POLL))
    }

    async fn note_new(&mut self) -> Result<()> {
        let all = self
            .looked_through
            .is_none_or(|at| at.elapsed() >= LOOK_THROUGH);
        let above = if all { 0 } else { self.known - MARGIN };
        self.known = claim::note_new(&self.caller, above).await?;
        if all {
            self.looked_through = Some(Instant::now());
        }
        Ok(())
    }
}
