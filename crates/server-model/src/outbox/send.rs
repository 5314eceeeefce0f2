//! `send` and `process_email_queue`: somebody asks for mails to go out now, and waits for what becomes of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::claim::{self, Wanted};
use super::deliver::Wish;
use super::dispatch::{Dispatch, Parts, Ready, Told};
use super::settings::Settings;
use super::signal;
use crate::backend::Backend;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::mail_mail;
use crate::orm::search;
use crate::retry::in_work;
use crate::value::{Id, Ids};

/// So many mails are sent one after the other in their order, as whoever asks may expect; more go
/// out side by side.
const IN_ORDER: usize = 32;
/// How many mails are claimed at once.
const BATCH: usize = 256;
/// How long to wait for mails that the queue or other processes are sending already.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK: Duration = Duration::from_millis(100);

/// Sends the mails of these ids that are in the queue, and waits until it is known what became of them.
///
/// # Errors
/// With `raise`, [`Error::Delivery`] for the first mail that failed. [`Error::Disconnected`] when a
/// server hung up in the middle of a mail; what was not sent by then stays in the queue. Otherwise
/// only when the database fails.
pub async fn send(backend: &Arc<Backend>, ids: &[Id], raise: bool) -> Result<()> {
    let work = Asked {
        backend: Arc::clone(backend),
        caller: Caller::superuser(Arc::clone(backend)),
        wish: Wish::Send,
        raise,
    };
    let ids = ids.to_vec();
    // A task of its own: a client that hangs up must not stop a mail in the middle.
    backend
        .spawn(async move { work.send(&ids).await })
        .await
        .map_err(|_| Error::Internal("The program is shutting down.".into()))?
}

/// `process_email_queue`: sends what is due, among `ids` when some are named, `batch_size` at most
/// (else as many as the parameter `mail.mail.queue.batch.size` says).
///
/// # Errors
/// [`Error::Access`] for callers who may not send, or when the database fails.
pub async fn process_email_queue(
    caller: &Caller,
    ids: Option<Ids>,
    batch_size: Option<i64>,
) -> Result<()> {
    let backend = caller.backend();
    let due = in_work!(caller, |env| {
        mail_mail::check_may_send(env).await?;
        let settings = Settings::load(env).await?;
        let limit = batch_size
            .filter(|size| *size > 0)
            .unwrap_or(settings.batch);
        signal::tell_others(env).await?;
        due(env, limit).await
    })?;
    let due: Ids = match ids {
        Some(wanted) => due.into_iter().filter(|id| wanted.contains(id)).collect(),
        None => due,
    };
    backend.outbox_signal().look_now();
    let work = Asked {
        backend: Arc::clone(backend),
        caller: Caller::superuser(Arc::clone(backend)),
        wish: Wish::Queue,
        raise: false,
    };
    backend
        .spawn(async move { work.send(&due).await })
        .await
        .map_err(|_| Error::Internal("The program is shutting down.".into()))?
}

/// The mails in the queue whose date has come: the newest `limit` of them, oldest first, as Odoo
/// takes them.
async fn due(env: &Env, limit: i64) -> Result<Ids> {
    let mut sql = env.sql(
        "SELECT id FROM mail_mail WHERE state = 'outgoing' AND (scheduled_date IS NULL OR scheduled_date <= ",
    );
    sql.bind(env.now())
        .push(") ORDER BY id DESC LIMIT ")
        .bind(limit);
    let mut ids = search::collect_ids(env, sql).await?;
    ids.reverse();
    Ok(ids)
}

struct Asked {
    backend: Arc<Backend>,
    caller: Caller,
    wish: Wish,
    raise: bool,
}

impl Asked {
    async fn send(&self, ids: &[Id]) -> Result<()> {
        let outcome = self.send_unclaimed(ids).await;
        if outcome.as_ref().is_err_and(Error::is_outage) {
            self.backend.outbox().note_lost();
        }
        // When what failed is tried again, the queue knows from its next look on.
        self.backend.outbox_signal().look();
        outcome?;
        self.wait_for_others(ids).await
    }

    async fn send_unclaimed(&self, ids: &[Id]) -> Result<()> {
        let many = ids.len() > IN_ORDER;
        let settings = in_work!(&self.caller, |env| {
            if many {
                // All replicas take their part.
                claim::ask(env, ids).await?;
                signal::tell_others(env).await?;
            }
            Settings::load(env).await
        })?;
        let dispatch = Dispatch::new(&self.backend, settings, self.wish);
        for part in ids.chunks(BATCH) {
            let limit = i64::try_from(part.len()).unwrap_or(i64::MAX);
            let mut claimed = claim::claim(&self.caller, &Wanted::Asked(part), &settings, limit)
                .await?
                .mails;
            // In the order of whoever asked.
            claimed.sort_by_key(|claimed| part.iter().position(|id| *id == claimed.mail));
            let mut parts = Parts::of(claimed);
            let mut outcome = Ok(());
            while let Some(ready) = dispatch.next(&mut parts).await? {
                if outcome.is_err() {
                    self.leave(&dispatch, ready).await;
                } else if many {
                    outcome = self.side_by_side(&dispatch, ready).await;
                } else {
                    outcome = self.one_by_one(&dispatch, ready).await;
                }
            }
            outcome?;
        }
        Ok(())
    }

    async fn one_by_one(&self, dispatch: &Dispatch, ready: Vec<Ready>) -> Result<()> {
        let never = CancellationToken::new();
        let mut outcome = Ok(());
        let mut ended = false;
        for one in ready {
            if ended {
                self.leave(dispatch, vec![one]).await;
                continue;
            }
            let told = dispatch.deliver(one, &never).await;
            // A server that hung up gets no more of this run.
            ended = matches!(told, Told::HungUp(_));
            if let Err(error) = self.judge(told) {
                ended = true;
                outcome = Err(error);
            }
        }
        outcome
    }

    async fn side_by_side(&self, dispatch: &Dispatch, ready: Vec<Ready>) -> Result<()> {
        let never = CancellationToken::new();
        let deliveries = ready.into_iter().map(|one| dispatch.deliver(one, &never));
        let told = futures_util::future::join_all(deliveries).await;
        told.into_iter().try_for_each(|told| self.judge(told))
    }

    fn judge(&self, told: Told) -> Result<()> {
        match told {
            Told::HungUp(reason) if self.wish == Wish::Send && !self.raise => {
                Err(Error::Disconnected(reason))
            }
            Told::Failed(reason) | Told::HungUp(reason) if self.raise => {
                Err(Error::Delivery(reason))
            }
            _ => Ok(()),
        }
    }

    /// Puts mails back that are not tried any more in this run.
    async fn leave(&self, dispatch: &Dispatch, ready: Vec<Ready>) {
        for one in ready {
            let now = self.backend.now();
            dispatch
                .hold(one.job.claimed.mail, now, one.lane.server())
                .await;
        }
    }

    /// What the queue or other processes are sending already is waited for, too: whoever asked wants to
    /// know that it is out.
    async fn wait_for_others(&self, ids: &[Id]) -> Result<()> {
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE {
            let env = self.caller.begin(Intent::Read).await?;
            let others = claim::under_way(&env, ids).await;
            env.end_reading();
            if others?.is_empty() {
                break;
            }
            tokio::time::sleep(LOOK).await;
        }
        Ok(())
    }
}
