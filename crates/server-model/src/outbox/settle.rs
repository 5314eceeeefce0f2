//! What became of mails, written down for many at once.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDateTime;

use words::{Lang, Text};

use super::history;
use crate::dialect;
use crate::env::{Env, SUPERUSER};
use crate::error::Result;
use crate::home::fence;
use crate::metrics;
use crate::orm::{convert, search, write};
use crate::registry::entry;
use crate::sql::Sql;
use crate::value::{Id, Ids};

/// What became of a mail.
#[derive(Clone, Debug, PartialEq)]
pub enum Fate {
    /// Servers took it for everybody who can get it.
    Sent,
    /// It did not go out, or not to everybody, and is not tried again by itself.
    Failed {
        /// Odoo's failure type; none where Odoo leaves it empty, as for a failed connection.
        failure_type: Option<&'static str>,
        /// What the person is told.
        reason: Text,
    },
    /// It did not go out, or not to everybody, and is tried again.
    Later {
        /// As for `Failed`.
        failure_type: Option<&'static str>,
        /// What the person is told, the next attempt included.
        reason: Text,
        /// The next attempt, in UTC.
        at: NaiveDateTime,
        /// The server that was chosen; 0 for that of the configuration.
        server: Option<Id>,
        /// Whether this counts as an attempt of the mail.
        attempted: bool,
        /// Whether the mail shows as failed until then. It does for whoever asked for it to be sent
        /// and is told what happened; otherwise it stays in the queue.
        shown: bool,
    },
    /// A server may have taken it. Only a person, or proof, decides whether it is sent again.
    Doubt {
        /// As for `Failed`.
        failure_type: Option<&'static str>,
        /// What the person is told.
        reason: Text,
    },
}

/// What one of the people whom a mail notifies is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The contact.
    pub partner: Id,
    /// The failure type and the reason; `None` when a server took the mail for them.
    pub failure: Option<(&'static str, Text)>,
}

/// The fate of a mail, to be written down.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// The mail.
    pub mail: Id,
    /// What became of it.
    pub fate: Fate,
    /// What went wrong, by its name in the atlas, for the log.
    pub code: Option<&'static str>,
    /// Whose notification shows something else than the fate of the whole.
    pub people: Vec<Told>,
    /// For whom servers took it so far (see [`Accepted`](super::accepted::Accepted)), so that they do not
    /// get it again with the next attempt; `None` when that is as it was.
    pub accepted: Option<String>,
    /// The mail is deleted, as it asked to be once it is sent.
    pub delete: bool,
    /// Whether attempts of it are kept already.
    pub has_history: bool,
    /// The server that was to send it, 0 for that of the configuration; none where none was chosen.
    pub server: Option<Id>,
}

/// Writes the fates down within an open transaction. Gives the mails that were still this
/// process's; the others are somebody else's by now, or were deleted, and nothing was written.
///
/// # Errors
/// When the database fails.
pub async fn write(env: &Env, settlements: &[&Settlement]) -> Result<HashSet<Id>> {
    let sent: Ids = settlements
        .iter()
        .filter(|settlement| settlement.fate == Fate::Sent)
        .map(|settlement| settlement.mail)
        .collect();
    let mut settled: HashSet<Id> = HashSet::with_capacity(settlements.len());
    if !sent.is_empty() {
        settled.extend(write_sent(env, &sent).await?);
    }
    let readers = readers(env, settlements).await?;
    let reader = |mail: Id| readers.get(&mail).copied().unwrap_or_default();
    for settlement in settlements {
        let lang = reader(settlement.mail);
        if settlement.fate != Fate::Sent && write_unsent(env, settlement, lang).await? {
            settled.insert(settlement.mail);
        }
    }
    history::write(env, settlements, &settled).await?;
    let mut to_delete = Vec::new();
    for settlement in settlements {
        if !settled.contains(&settlement.mail) {
            continue;
        }
        for told in &settlement.people {
            tell_one(env, settlement.mail, told, reader(settlement.mail)).await?;
        }
        if settlement.delete {
            to_delete.push(settlement.mail);
        }
    }
    if !to_delete.is_empty() {
        write::unlink(&env.sudo(), entry("mail.mail")?, &to_delete).await?;
    }
    Ok(settled)
}

/// The languages of those who wrote the mails of which something has to be told. The columns of Odoo's that keep it
/// hold a text and not what it is made of.
async fn readers(env: &Env, settlements: &[&Settlement]) -> Result<HashMap<Id, Lang>> {
    let mails: Ids = settlements
        .iter()
        .filter(|one| {
            one.fate != Fate::Sent || one.people.iter().any(|told| told.failure.is_some())
        })
        .map(|one| one.mail)
        .collect();
    let mut found = HashMap::new();
    if mails.is_empty() {
        return Ok(found);
    }
    let mut sql = env.sql(
        "SELECT m.id, p.lang FROM mail_mail m JOIN res_users u ON u.id = m.create_uid \
         JOIN res_partner p ON p.id = u.partner_id WHERE m.id",
    );
    dialect::in_ids(&mut sql, &mails);
    for row in env.rows(sql).await? {
        let code: Option<String> = convert::get(&row, 1)?;
        if let Some(lang) = code.as_deref().and_then(Lang::of_code) {
            found.insert(convert::get(&row, 0)?.unwrap_or_default(), lang);
        }
    }
    Ok(found)
}

/// A mail that was taken is settled as sent even when another process has called it doubtful in the
/// meantime: this is the proof.
async fn write_sent(env: &Env, ids: &[Id]) -> Result<Ids> {
    let mut sql = env
        .sql("UPDATE mail_mail SET state = 'sent', failure_type = NULL, failure_reason = NULL, ");
    stamp(&mut sql, env.now());
    sql.push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    sql.push(" AND (SELECT o.doubt_since IS NOT NULL OR o.claimed_by = ")
        .bind(env.backend().instance())
        .push(" FROM postern_outbox o WHERE o.mail_id = mail_mail.id) RETURNING id");
    let sent = search::collect_ids(env, sql).await?;
    if sent.is_empty() {
        return Ok(sent);
    }
    let mut sql = env.sql("DELETE FROM postern_outbox WHERE mail_id");
    dialect::in_ids(&mut sql, &sent);
    env.execute(sql).await?;
    let mut sql = env.sql(
        "UPDATE mail_notification SET notification_status = 'sent', failure_type = NULL, failure_reason = NULL",
    );
    of_mails(&mut sql, &sent);
    env.execute(sql).await?;
    Ok(sent)
}

async fn write_unsent(env: &Env, settlement: &Settlement, lang: Lang) -> Result<bool> {
    let now = env.now();
    let id = settlement.mail;
    let mut sql = env.sql(
        "UPDATE postern_outbox SET handing = NULL, claimed_by = NULL, lease_until = NULL, asked_at = NULL, first_attempt = COALESCE(first_attempt, ",
    );
    sql.bind(now).push(")");
    let attempted = match &settlement.fate {
        Fate::Later {
            at,
            server,
            attempted,
            ..
        } => {
            sql.push(", next_attempt = ").bind(*at);
            sql.push(", mail_server_id = ").bind(*server);
            *attempted
        }
        Fate::Doubt { .. } => {
            sql.push(", next_attempt = NULL, doubt_since = ").bind(now);
            true
        }
        Fate::Sent | Fate::Failed { .. } => {
            sql.push(", next_attempt = NULL");
            true
        }
    };
    if attempted {
        sql.push(", attempts = attempts + 1");
    }
    if let Some(lines) = &settlement.accepted {
        sql.push(", accepted = ").bind(lines.as_str());
    }
    sql.push(" WHERE mail_id = ").bind(id);
    sql.push(" AND claimed_by = ")
        .bind(env.backend().instance());
    if env.execute(sql).await?.rows_affected() == 0 {
        return Ok(false);
    }
    let (failure_type, reason, shown) = match &settlement.fate {
        Fate::Sent => return Ok(true),
        Fate::Failed {
            failure_type,
            reason,
        }
        | Fate::Doubt {
            failure_type,
            reason,
        } => (*failure_type, reason, true),
        Fate::Later {
            failure_type,
            reason,
            shown,
            ..
        } => (*failure_type, reason, *shown),
    };
    let reason = reason.in_lang(lang);
    let mut sql = env.sql("UPDATE mail_mail SET failure_reason = ");
    sql.bind(reason.as_str());
    if shown {
        sql.push(", state = 'exception', failure_type = ")
            .bind(failure_type);
        // A change that somebody must see. One that only tells of the next attempt is none, or the
        // grace time for whoever is still writing the mail would begin again.
        sql.push(", ");
        stamp(&mut sql, now);
    }
    if !shown {
        fence::give_back(env, &[id]).await?;
    }
    // A mail that was cancelled in the meantime stays cancelled.
    sql.push(" WHERE state IN ('outgoing', 'exception') AND id = ")
        .bind(id);
    env.execute(sql).await?;
    if shown {
        let mut sql = env
            .sql("UPDATE mail_notification SET notification_status = 'exception', failure_type = ");
        // A notification always has a type, where the mail has none for a failed connection.
        sql.bind(failure_type.unwrap_or("mail_smtp"));
        sql.push(", failure_reason = ").bind(reason.as_str());
        of_mails(&mut sql, &[id]);
        env.execute(sql).await?;
    }
    Ok(true)
}

fn stamp(sql: &mut Sql, now: NaiveDateTime) {
    sql.push("write_date = ").bind(now);
    sql.push(", write_uid = ").bind(SUPERUSER);
}

fn of_mails(sql: &mut Sql, ids: &[Id]) {
    sql.push(" WHERE notification_type = 'email' AND notification_status IN ('ready', 'process', 'pending', 'exception', 'bounce') AND mail_mail_id");
    dialect::in_ids(sql, ids);
}

/// What one of the people is shown where it is not what became of the whole.
async fn tell_one(env: &Env, mail: Id, told: &Told, lang: Lang) -> Result<()> {
    let mut sql = env.sql("UPDATE mail_notification SET notification_status = ");
    match &told.failure {
        None => {
            sql.push("'sent', failure_type = NULL, failure_reason = NULL");
        }
        Some((failure_type, reason)) => {
            sql.push("'exception', failure_type = ").bind(*failure_type);
            sql.push(", failure_reason = ").bind(reason.in_lang(lang));
        }
    }
    sql.push(" WHERE notification_type = 'email' AND mail_mail_id = ")
        .bind(mail);
    sql.push(" AND res_partner_id = ").bind(told.partner);
    env.execute(sql).await.map(|_| ())
}

/// Tells the log and the figures. What failed is a warning; what is tried again is not news to anybody yet.
pub fn log(settlement: &Settlement) {
    let (mail, code) = (settlement.mail, settlement.code);
    metrics::settled(&settlement.fate, settlement.server, code);
    match &settlement.fate {
        Fate::Sent => tracing::info!(mail, "a mail was sent"),
        Fate::Failed { reason, .. } => tracing::warn!(mail, code, %reason, "a mail was not sent"),
        Fate::Doubt { reason, .. } => {
            tracing::warn!(mail, code, %reason, "a server may or may not have taken a mail");
        }
        Fate::Later { reason, .. } => {
            tracing::info!(mail, code, %reason, "a mail was not sent yet");
        }
    }
}
