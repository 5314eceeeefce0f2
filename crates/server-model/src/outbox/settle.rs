//! What became of a mail, written down once.

use std::time::Duration;

use super::letters::Draft;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::orm::write;
use crate::registry::entry;
use crate::value::{AnyValue, Key, Map};

/// What became of a mail.
#[derive(Clone, Debug)]
pub enum Fate {
    /// Servers took it for all of its recipients.
    Sent,
    /// It did not go out, or not to everybody.
    Failed {
        /// Odoo's failure type; empty where Odoo leaves it so, as for a failed connection.
        failure_type: Option<&'static str>,
        /// What the person is told.
        reason: String,
    },
}

impl Fate {
    /// A failure of a type.
    pub fn failed(failure_type: &'static str, reason: impl Into<String>) -> Fate {
        Fate::Failed {
            failure_type: Some(failure_type),
            reason: reason.into(),
        }
    }
}

/// How often a fate is tried to be written before the mail is left as it stands in the journal.
const ATTEMPTS: u32 = 10;

/// Writes the fate down. What happened must not be forgotten for a conflict with another change to
/// the mail, or a database that is out for a moment.
///
/// # Errors
/// When the database stays out. The journal then still tells how far the mail came.
pub async fn settle(caller: &Caller, draft: &Draft, fate: &Fate) -> Result<()> {
    let mut attempt = 0;
    loop {
        let outcome = try_settle(caller, draft, fate).await;
        match outcome {
            Err(error) if attempt < ATTEMPTS => {
                attempt += 1;
                tracing::debug!(mail = draft.mail.id, %error, attempt, "the fate of a mail could not be written yet");
                tokio::time::sleep(Duration::from_millis(10 << attempt)).await;
            }
            outcome => return outcome,
        }
    }
}

async fn try_settle(caller: &Caller, draft: &Draft, fate: &Fate) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    match write_fate(&env, draft, fate).await {
        Ok(()) => env.commit().await,
        Err(error) => {
            env.rollback().await.ok();
            Err(error)
        }
    }
}

/// Writes the fate within an open transaction.
///
/// # Errors
/// When the database fails.
pub async fn write_fate(env: &Env, draft: &Draft, fate: &Fate) -> Result<()> {
    let id = draft.mail.id;
    let model = entry("mail.mail")?;
    let (state, failure_type, reason) = match fate {
        Fate::Sent => ("sent", None, None),
        Fate::Failed {
            failure_type,
            reason,
        } => ("exception", *failure_type, Some(reason.as_str())),
    };
    let mut values = Map::new();
    values.insert(Key::Borrowed("state"), state.into());
    values.insert(
        Key::Borrowed("failure_type"),
        failure_type.map_or(AnyValue::FALSE, AnyValue::from),
    );
    values.insert(
        Key::Borrowed("failure_reason"),
        reason.map_or(AnyValue::FALSE, AnyValue::from),
    );
    write::update(env, model, &[id], &values).await?;
    tell_notifications(env, draft, fate).await?;
    match fate {
        Fate::Sent => {
            let mut sql = env.sql("DELETE FROM postern_outbox WHERE mail_id");
            dialect::in_ids(&mut sql, &[id]);
            env.execute(sql).await?;
            tracing::info!(mail = id, "a mail was sent");
            if draft.mail.auto_delete.unwrap_or(false) {
                write::unlink(&env.sudo(), model, &[id]).await?;
            }
        }
        Fate::Failed { reason, .. } => {
            // Whom a server took the mail for stays known, so that a second try leaves them out.
            let mut sql = env.sql("UPDATE postern_outbox SET handing = NULL, claimed_by = NULL, lease_until = NULL WHERE mail_id");
            dialect::in_ids(&mut sql, &[id]);
            env.execute(sql).await?;
            tracing::warn!(mail = id, %reason, "a mail was not sent");
        }
    }
    Ok(())
}

/// The people who were to be told by this mail show in their notifications whether they were.
async fn tell_notifications(env: &Env, draft: &Draft, fate: &Fate) -> Result<()> {
    let mut sql = env.sql("UPDATE mail_notification SET notification_status = ");
    match fate {
        Fate::Sent => {
            sql.push("'sent', failure_type = NULL, failure_reason = NULL");
        }
        Fate::Failed {
            failure_type,
            reason,
        } => {
            // A notification always has a type, where the mail has none for a failed connection.
            sql.push("'exception', failure_type = ")
                .bind(failure_type.unwrap_or("mail_smtp"));
            sql.push(", failure_reason = ").bind(reason.as_str());
        }
    }
    sql.push(" WHERE notification_type = 'email' AND notification_status IN ('ready', 'process', 'pending', 'exception', 'bounce') AND mail_mail_id = ")
        .bind(draft.mail.id);
    env.execute(sql).await?;
    Ok(())
}
