//! Outgoing mails: claim and commit, choose and compose, send, settle and commit.
//!
//! No transaction is open while a server is waited for. Right before a letter's text is handed over
//! that is written down; a mail found in that state after a crash is not sent again by itself.

pub mod choose;
pub mod letters;
pub mod smtp;

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use mail::server::Timeouts;
use mail::smtp::{Envelope, SmtpConnection};
use mail::transport_error::Severity;
use tokio_util::sync::CancellationToken;

use crate::backend::Backend;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::mail_mail;
use crate::orm::{convert, search, write};
use crate::registry::entry;
use crate::value::{AnyValue, Id, Ids, Key, Map};
use letters::Draft;

/// How long a claim holds before another process may look at the mail.
const LEASE: TimeDelta = TimeDelta::minutes(15);
/// How long after its last change a mail is left to whoever is still writing it.
const GRACE: TimeDelta = TimeDelta::seconds(10);
/// How many mails one look at the queue takes.
const BATCH: i64 = 1000;
/// How often the queue is looked at when nobody says that there is something.
const POLL: Duration = Duration::from_secs(10);

/// What became of a mail.
enum Fate {
    Sent,
    /// With Odoo's failure type (empty for a failed connection) and the reason for the person.
    Failed(Option<&'static str>, String),
}

/// Sends the mails that are due: those named, or the whole queue.
///
/// # Errors
/// With `raise`, the first failure; otherwise only what keeps the queue from being read.
pub async fn send(backend: &Arc<Backend>, ids: &[Id], raise: bool) -> Result<()> {
    let caller = Caller::superuser(Arc::clone(backend));
    for id in ids {
        let Some(draft) = claim(&caller, *id).await? else {
            continue;
        };
        let fate = deliver(&caller, &draft).await;
        let failure = match &fate {
            Fate::Failed(_, reason) => Some(reason.clone()),
            Fate::Sent => None,
        };
        settle(&caller, &draft, fate).await?;
        if let (Some(reason), true) = (failure, raise) {
            return Err(Error::User(reason));
        }
    }
    Ok(())
}

/// The mails in the queue that are due now, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn due(env: &Env, grace: TimeDelta) -> Result<Ids> {
    let mut sql = env.sql(
        "SELECT m.id FROM mail_mail m LEFT JOIN postern_outbox o ON o.mail_id = m.id \
         WHERE m.state = 'outgoing' AND (m.scheduled_date IS NULL OR m.scheduled_date <= ",
    );
    sql.bind(env.now())
        .push(") AND (m.write_date IS NULL OR m.write_date <= ");
    sql.bind(env.now() - grace);
    sql.push(") AND (o.mail_id IS NULL OR o.lease_until IS NULL OR o.lease_until < ");
    sql.bind(env.now())
        .push(") ORDER BY m.id LIMIT ")
        .bind(BATCH);
    search::collect_ids(env, sql).await
}

/// Takes the mail for this process; `None` when it is not to be sent or somebody else has it.
async fn claim(caller: &Caller, id: Id) -> Result<Option<Draft>> {
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql(
        "SELECT m.id, o.phase FROM mail_mail m LEFT JOIN postern_outbox o ON o.mail_id = m.id \
         WHERE m.state = 'outgoing' AND (o.mail_id IS NULL OR o.lease_until IS NULL OR o.lease_until < ",
    );
    sql.bind(env.now()).push(") AND m.id = ").bind(id);
    let Some(row) = env.row(sql).await? else {
        env.rollback().await?;
        return Ok(None);
    };
    let draft = letters::read(&env, id).await?;
    if convert::get::<String>(&row, 1)?.as_deref() == Some("data") {
        let reason = "The program stopped while the server was taking this mail, so the server may have accepted it. Look into the sent mails of the mailbox; send it again only if it is not there.";
        write_fate(&env, &draft, Fate::Failed(Some("unknown"), reason.into())).await?;
        env.commit().await?;
        return Ok(None);
    }
    let mut sql = env.sql(
        "INSERT INTO postern_outbox (mail_id, state, claimed_by, lease_until, attempts, phase) VALUES (",
    );
    sql.bind(id)
        .push(", 'claimed', ")
        .bind(caller.backend().instance());
    sql.push(", ")
        .bind(env.now() + LEASE)
        .push(", 1, 'claimed')");
    sql.push(" ON CONFLICT (mail_id) DO UPDATE SET state = 'claimed', claimed_by = excluded.claimed_by, lease_until = excluded.lease_until, attempts = postern_outbox.attempts + 1, phase = 'claimed'");
    env.execute(sql).await?;
    match env.commit().await {
        Ok(()) => Ok(Some(draft)),
        // Another process claimed it in the same instant.
        Err(error) if error.is_retryable() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn deliver(caller: &Caller, draft: &Draft) -> Fate {
    match prepare(caller, draft).await {
        Err(error) => Fate::Failed(None, error.to_string()),
        Ok((mut connection, letters)) => {
            let mut refused = Vec::new();
            for letter in letters {
                match hand_over(caller, draft.mail.id, &mut connection, &letter).await {
                    Ok(mut beyond) => refused.append(&mut beyond),
                    Err(reason) => return Fate::Failed(Some("unknown"), reason),
                }
            }
            connection.quit().await.ok();
            if refused.is_empty() {
                Fate::Sent
            } else {
                Fate::Failed(Some("unknown"), refused.join("\n"))
            }
        }
    }
}

async fn prepare(
    caller: &Caller,
    draft: &Draft,
) -> Result<(SmtpConnection, Vec<mail::compose::Composed>)> {
    let email_from = draft.message.email_from.clone().unwrap_or_default();
    let env = caller.begin(Intent::Read).await?;
    let chosen = choose::choose(&env, &email_from, draft.message.mail_server_id).await;
    let now = env.now().and_utc();
    env.rollback().await?;
    let choice = chosen?;
    let letters = letters::compose_all(draft, &choice, now)?;
    let server = choice.server.as_ref().ok_or_else(|| {
        Error::User(
            "There is no outgoing mail server. Create one, or activate one that was archived."
                .into(),
        )
    })?;
    let connection = smtp::connect(caller, server, Timeouts::default()).await?;
    Ok((connection, letters))
}

/// Hands one letter over and gives the refusals of single recipients. An error is the reason why
/// the letter as a whole did not go out, or may not have.
async fn hand_over(
    caller: &Caller,
    mail_id: Id,
    connection: &mut SmtpConnection,
    letter: &mail::compose::Composed,
) -> Result<Vec<String>, String> {
    let envelope = Envelope::new(&letter.envelope_from, &letter.recipients)
        .map_err(|error| error.to_string())?;
    let prepared = connection
        .prepare(&envelope, &letter.bytes)
        .await
        .map_err(|error| error.to_string())?;
    if prepared.is_deliverable() {
        journal(caller, mail_id, "data")
            .await
            .map_err(|error| error.to_string())?;
    }
    let delivery = prepared.data().await.map_err(|error| {
        if error.severity() == Severity::Ambiguous {
            format!("{error}. The server may have accepted the mail: look into the sent mails of the mailbox before sending it again.")
        } else {
            error.to_string()
        }
    })?;
    journal(caller, mail_id, "handed over")
        .await
        .map_err(|error| error.to_string())?;
    Ok(delivery
        .refused()
        .map(|recipient| format!("{}: {}", recipient.address, recipient.reply))
        .collect())
}

async fn journal(caller: &Caller, mail_id: Id, phase: &str) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql("UPDATE postern_outbox SET phase = ");
    sql.bind(phase).push(" WHERE mail_id = ").bind(mail_id);
    env.execute(sql).await?;
    env.commit().await
}

async fn settle(caller: &Caller, draft: &Draft, fate: Fate) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    write_fate(&env, draft, fate).await?;
    env.commit().await
}

async fn write_fate(env: &Env, draft: &Draft, fate: Fate) -> Result<()> {
    let id = draft.mail.id;
    let model = entry("mail.mail")?;
    let mut values = Map::new();
    let sent = matches!(fate, Fate::Sent);
    let (state, failure_type, reason) = match fate {
        Fate::Sent => ("sent", AnyValue::FALSE, AnyValue::FALSE),
        Fate::Failed(failure_type, reason) => {
            tracing::warn!(mail = id, %reason, "a mail was not sent");
            (
                "exception",
                failure_type.map_or(AnyValue::FALSE, AnyValue::from),
                reason.into(),
            )
        }
    };
    values.insert(Key::Borrowed("state"), state.into());
    values.insert(Key::Borrowed("failure_type"), failure_type);
    values.insert(Key::Borrowed("failure_reason"), reason);
    write::update(env, model, &[id], &values).await?;
    let mut sql = env.sql("DELETE FROM postern_outbox WHERE mail_id");
    dialect::in_ids(&mut sql, &[id]);
    env.execute(sql).await?;
    if sent {
        tracing::info!(mail = id, "a mail was sent");
        if draft.mail.auto_delete.unwrap_or(false) {
            write::unlink(env, model, &[id]).await?;
        }
    }
    Ok(())
}

/// Looks at the queue whenever there may be something in it, until `stop` is cancelled.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let caller = Caller::superuser(Arc::clone(&backend));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = backend.outbox_woken() => {}
            () = tokio::time::sleep(POLL) => {}
        }
        if let Err(error) = process_queue(&caller, &stop).await {
            tracing::error!(%error, "the queue of outgoing mails could not be processed");
        }
    }
}

async fn process_queue(caller: &Caller, stop: &CancellationToken) -> Result<()> {
    let env = caller.begin(Intent::Read).await?;
    let ids = due(&env, GRACE).await;
    env.rollback().await?;
    for id in ids? {
        if stop.is_cancelled() {
            break;
        }
        send(caller.backend(), &[id], false).await?;
    }
    Ok(())
}

/// `process_email_queue`: sends what is due, among `ids` when some are named.
///
/// # Errors
/// When the database fails.
pub async fn process_email_queue(caller: &Caller, ids: Option<Ids>) -> Result<()> {
    let env = caller.begin(Intent::Read).await?;
    let allowed = mail_mail::check_may_send(&env).await;
    let due = due(&env, TimeDelta::zero()).await;
    env.rollback().await?;
    allowed?;
    let mut due = due?;
    if let Some(wanted) = ids {
        due.retain(|id| wanted.contains(id));
    }
    send(caller.backend(), &due, false).await
}
