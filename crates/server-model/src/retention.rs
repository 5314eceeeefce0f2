//! What is old goes, where an administrator wants that: sent mails, messages, mails in quarantine, the trail.
//!
//! How long each is kept is a system parameter with a number of days. Without it, all is kept for ever, as Odoo does, but
//! the trail of administrative acts, which is kept for two years.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tokio_util::sync::CancellationToken;
use words::say;

use crate::backend::Backend;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::ir_config_parameter;
use crate::orm::{convert, search, write};
use crate::registry::entry;
use crate::retry::in_work;
use crate::value::Id;

/// What the parameters begin with.
const PREFIX: &str = "postern.retention.";
/// How often it is looked.
const EVERY: Duration = Duration::from_secs(3600);
/// So many go in one transaction, which others have to wait for.
const AT_ONCE: i64 = 500;
/// A while for the others, in between.
const PAUSE: Duration = Duration::from_millis(100);
/// The longest time, in days.
const LONGEST: i64 = 36_500;
/// The advisory lock of the replica that clears: the letters `postern` and a 2. It ends with the transaction.
const LOCK: i64 = i64::from_be_bytes(*b"postern\x02");

/// Something that may grow old.
struct Kept {
    /// What the parameter's name ends with.
    name: &'static str,
    /// The days without that parameter; none for ever.
    days: Option<i64>,
    model: &'static str,
    /// The ids of those older than the moment that follows.
    older: &'static str,
}

const KEPT: [Kept; 4] = [
    Kept {
        name: "sent_mail_days",
        days: None,
        model: "mail.mail",
        older: "SELECT id FROM mail_mail WHERE state = 'sent' AND write_date < ",
    },
    Kept {
        name: "message_days",
        days: None,
        model: "mail.message",
        // What is still to go out keeps its message.
        older: "SELECT id FROM mail_message m WHERE NOT EXISTS \
            (SELECT 1 FROM mail_mail o WHERE o.mail_message_id = m.id AND o.state IN ('outgoing', 'exception')) \
            AND COALESCE(m.date, m.create_date) < ",
    },
    Kept {
        name: "quarantine_days",
        days: None,
        model: "postern.quarantine",
        older: "SELECT id FROM postern_quarantine WHERE create_date < ",
    },
    Kept {
        name: "audit_days",
        days: Some(730),
        model: "postern.audit",
        older: "SELECT id FROM postern_audit WHERE create_date < ",
    },
];

/// Looks at a parameter that is being set.
///
/// # Errors
/// [`Error::Validation`] when it is one of these and no number of days.
pub fn check_parameter(key: &str, value: &str) -> Result<()> {
    let Some(name) = key.strip_prefix(PREFIX) else {
        return Ok(());
    };
    if !KEPT.iter().any(|kept| kept.name == name) {
        let names = KEPT.map(|kept| format!("{PREFIX}{}", kept.name)).join(", ");
        return Err(Error::Validation(
            say!("error-retention-unknown", %key, names),
        ));
    }
    match value.trim().parse::<i64>() {
        Ok(days) if (0..=LONGEST).contains(&days) => Ok(()),
        _ => Err(Error::Validation(
            say!("error-retention-days", %key, ?value, longest = LONGEST),
        )),
    }
}

/// Clears every hour until `stop` is cancelled.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let superuser = Caller::superuser(backend);
    loop {
        if let Err(error) = clear(&superuser, &stop).await {
            tracing::warn!(%error, "what is old could not be deleted");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Deletes what is older than it is to be kept, a part after the other, until nothing is left or `stop` is cancelled.
///
/// # Errors
/// When the database fails; what was deleted before stays so.
pub async fn clear(superuser: &Caller, stop: &CancellationToken) -> Result<()> {
    for kept in &KEPT {
        let mut gone = 0;
        while !stop.is_cancelled() {
            let some = in_work!(superuser, |env| { clear_some(env, kept).await })?;
            gone += some;
            if some < AT_ONCE as usize {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        if gone > 0 {
            tracing::info!(
                model = kept.model,
                records = gone,
                "what was older than it is to be kept was deleted"
            );
        }
    }
    Ok(())
}

async fn clear_some(env: &Env, kept: &Kept) -> Result<usize> {
    let Some(days) = days(env, kept).await? else {
        return Ok(0);
    };
    if !is_our_turn(env).await? {
        return Ok(0);
    }
    let mut sql = env.sql(kept.older);
    sql.bind(env.now() - TimeDelta::days(days));
    sql.push(" ORDER BY id LIMIT ").bind(AT_ONCE);
    let ids = search::collect_ids(env, sql).await?;
    delete(env, kept.model, &ids).await?;
    Ok(ids.len())
}

async fn delete(env: &Env, model: &'static str, ids: &[Id]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let model = entry(model)?;
    write::unlink(&env.sudo(), model, ids).await
}

/// How many days it is kept; none for ever.
async fn days(env: &Env, kept: &Kept) -> Result<Option<i64>> {
    let key = format!("{PREFIX}{}", kept.name);
    let days = match ir_config_parameter::get(env, &key).await? {
        None => kept.days,
        // What came past the check, by SQL, deletes nothing.
        Some(value) => value.trim().parse().ok(),
    };
    Ok(days.filter(|days| (1..=LONGEST).contains(days)))
}

/// Whether no other replica clears right now.
async fn is_our_turn(env: &Env) -> Result<bool> {
    if env.db() != sea_orm::DbBackend::Postgres {
        return Ok(true);
    }
    let mut sql = env.sql("SELECT pg_try_advisory_xact_lock(");
    sql.bind(LOCK).push(")");
    let row = env.row(sql).await?;
    let got: Option<bool> = row.map(|row| convert::get(&row, 0)).transpose()?.flatten();
    Ok(got.unwrap_or_default())
}
