//! Outgoing mails: claim and commit, choose and compose, send, settle and commit.
//!
//! No transaction is open while a server is waited for. Right before a letter's text is handed over
//! that is written down; a mail found in that state after a crash is not sent again by itself.

pub mod choose;
mod claim;
mod deliver;
pub mod letters;
pub mod own_server;
pub mod refusal;
pub mod sender;
mod settle;
pub mod smtp;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::mail_mail;
use crate::orm::search;
use crate::value::{Id, Ids};
use deliver::Ending;
use settle::Fate;

/// How long after its last change a mail is left to whoever is still writing it.
const GRACE: Duration = Duration::from_secs(10);
/// How many mails one look at the queue takes, unless the caller says otherwise.
const BATCH: i64 = 1000;
/// How often the queue is looked at when nobody says that there is something.
const POLL: Duration = Duration::from_secs(30);

/// Sends the mails of these ids that are due.
///
/// # Errors
/// With `raise`, the first failure; otherwise only when the database fails.
pub async fn send(backend: &Arc<Backend>, ids: &[Id], raise: bool) -> Result<()> {
    let caller = Caller::superuser(Arc::clone(backend));
    for id in ids {
        let failure = send_one(&caller, *id).await?;
        if let (Some(reason), true) = (failure, raise) {
            return Err(Error::User(reason));
        }
    }
    Ok(())
}

/// Sends one mail and gives the reason when it failed.
async fn send_one(caller: &Caller, id: Id) -> Result<Option<String>> {
    let Some(claimed) = claim::claim(caller, id).await? else {
        return Ok(None);
    };
    let draft = claimed.draft.clone();
    match deliver::deliver(caller, claimed).await {
        Ending::Postponed | Ending::Lost => Ok(None),
        Ending::Known(fate) => {
            settle::settle(caller, &draft, &fate).await?;
            Ok(match fate {
                Fate::Sent => None,
                Fate::Failed { reason, .. } => Some(reason),
            })
        }
    }
}

/// The mails in the queue that are due now: the newest `limit` of them, oldest first, as Odoo takes
/// them.
async fn due(env: &Env, grace: TimeDelta, limit: i64) -> Result<Ids> {
    let mut sql = env.sql(
        "SELECT m.id FROM mail_mail m LEFT JOIN postern_outbox o ON o.mail_id = m.id \
         WHERE m.state = 'outgoing' AND (m.scheduled_date IS NULL OR m.scheduled_date <= ",
    );
    sql.bind(env.now())
        .push(") AND (m.write_date IS NULL OR m.write_date <= ");
    sql.bind(env.now() - grace);
    sql.push(") AND (o.lease_until IS NULL OR o.lease_until < ");
    sql.bind(env.now())
        .push(") ORDER BY m.id DESC LIMIT ")
        .bind(limit);
    let mut ids = search::collect_ids(env, sql).await?;
    ids.reverse();
    Ok(ids)
}

/// Looks at the queue whenever there may be something in it, until `stop` is cancelled.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let caller = Caller::superuser(Arc::clone(&backend));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(POLL) => {}
            () = backend.outbox_woken() => {
                // What was just written may still be changed by whoever wrote it.
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(GRACE) => {}
                }
            }
        }
        if let Err(error) = process_queue(&caller, &stop).await {
            tracing::error!(%error, "the queue of outgoing mails could not be read");
        }
    }
}

async fn process_queue(caller: &Caller, stop: &CancellationToken) -> Result<()> {
    let env = caller.begin(Intent::Read).await?;
    let grace = TimeDelta::from_std(GRACE).unwrap_or_default();
    let ids = due(&env, grace, BATCH).await;
    env.rollback().await?;
    for id in ids? {
        if stop.is_cancelled() {
            break;
        }
        // One mail that cannot be settled must not hold up those behind it.
        if let Err(error) = send_one(caller, id).await {
            tracing::error!(mail = id, %error, "a mail could not be worked on");
        }
    }
    Ok(())
}

/// `process_email_queue`: sends what is due, among `ids` when some are named, `batch_size` at most.
///
/// # Errors
/// [`Error::Access`] for callers who may not send, or when the database fails.
pub async fn process_email_queue(
    caller: &Caller,
    ids: Option<Ids>,
    batch_size: Option<i64>,
) -> Result<()> {
    let env = caller.begin(Intent::Read).await?;
    let limit = batch_size.filter(|size| *size > 0).unwrap_or(BATCH);
    let found = async {
        mail_mail::check_may_send(&env).await?;
        due(&env, TimeDelta::zero(), limit).await
    }
    .await;
    env.rollback().await?;
    let mut due = found?;
    if let Some(wanted) = ids {
        due.retain(|id| wanted.contains(id));
    }
    send(caller.backend(), &due, false).await
}
