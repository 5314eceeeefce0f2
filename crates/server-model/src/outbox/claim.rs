//! Who has a mail: what waits is written into `postern_outbox`, and taken from there in batches by whichever process
//! comes first.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};
use sea_orm::QueryResult;

use words::say;

use super::accepted::Accepted;
use super::engine::Held;
use super::settings::Settings;
use super::settle::{self, Fate, Settlement};
use crate::backend::Backend;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::home::fence;
use crate::orm::{convert, search};
use crate::retry::in_work;
use crate::sql::Sql;
use crate::value::{Id, Ids};

/// A mail that was written so long after now was written while the clock was wrong, and waits for nobody any more.
const WRONG_CLOCK: TimeDelta = TimeDelta::hours(1);

/// A mail that this process may send now.
#[derive(Debug)]
pub struct Claimed {
    /// The mail.
    pub mail: Id,
    /// The letters and addresses that a server took the mail for already (see [`Accepted`]).
    pub accepted: Accepted,
    /// How often it was tried before.
    pub attempts: i32,
    /// When it was tried for the first time, in UTC.
    pub first_attempt: Option<NaiveDateTime>,
    /// Whether attempts of it are kept, also of before somebody put it back into the queue.
    pub has_history: bool,
    /// How many bytes it takes in memory, roughly.
    pub size: usize,
    /// Keeps it from being claimed again by this process for as long as it is worked on.
    pub held: Option<Held>,
}

/// What a process took from the queue.
#[derive(Debug, Default)]
pub struct Claims {
    /// The mails that it may send now, in the order of their ids.
    pub mails: Vec<Claimed>,
    /// The highest id that was looked at; `None` when nothing was found. What was found in the middle
    /// of a hand-over counts, though it is not given out.
    pub last: Option<Id>,
}

/// What may be claimed.
pub enum Wanted<'a> {
    /// Whatever is due, from above this id on, but not for the servers named.
    Due {
        /// The id to go on from.
        after: Id,
        /// Servers that take no more at the moment; 0 for that of the configuration.
        without: &'a [Id],
        /// Mails that nobody has written to since this moment.
        settled_before: NaiveDateTime,
    },
    /// These mails, now: somebody asked for them.
    Asked(&'a [Id]),
}

/// Writes the mails of `mail_mail` that wait and are not known to the outbox yet into it; those
/// above the id given. Gives the highest id looked at.
///
/// # Errors
/// When the database fails.
pub async fn note_new(caller: &Caller, above: Id) -> Result<Id> {
    in_work!(caller, |env| {
        let sql = env.sql("SELECT COALESCE(MAX(id), 0) FROM mail_mail");
        let highest = match env.row(sql).await? {
            Some(row) => convert::get(&row, 0)?.unwrap_or_default(),
            None => 0,
        };
        if highest > above {
            let mut sql = env.sql(
                "INSERT INTO postern_outbox (mail_id) SELECT id FROM mail_mail WHERE state = 'outgoing' AND id > ",
            );
            sql.bind(above).push(" ON CONFLICT DO NOTHING");
            env.execute(sql).await?;
        }
        Ok(highest)
    })
}

/// Claims so many of the mails wanted, at the most. A mail that was found in the middle of a
/// hand-over, because the process that had it died, is settled as doubtful and not given out.
///
/// # Errors
/// When the database fails.
pub async fn claim(
    caller: &Caller,
    wanted: &Wanted<'_>,
    settings: &Settings,
    limit: i64,
) -> Result<Claims> {
    let lease = TimeDelta::from_std(settings.lease).unwrap_or(TimeDelta::minutes(1));
    caller.backend().outbox().set_lease(settings.lease);
    let _claiming = caller.backend().outbox().claims().read().await;
    in_work!(caller, |env| {
        if let Wanted::Asked(ids) = wanted {
            note(env, ids).await?;
        }
        walk_by_index(env).await?;
        let mut sql = env.sql("UPDATE postern_outbox SET claimed_by = ");
        sql.bind(env.backend().instance()).push(", lease_until = ");
        sql.bind(env.now() + lease);
        sql.push(" WHERE mail_id");
        // PostgreSQL is to look for rows to lock once and not for each row of the outer statement.
        let (begin, end) = if sql.is_postgres() {
            (" = ANY(ARRAY(", "))")
        } else {
            (" IN (", ")")
        };
        sql.push(begin);
        select(&mut sql, env, wanted, limit);
        sql.push(end).push(" AND ");
        free(&mut sql, "postern_outbox", env);
        sql.push(
            " RETURNING mail_id, handing, accepted, attempts, first_attempt, \
             EXISTS (SELECT 1 FROM postern_mail_attempt a WHERE a.mail_id = postern_outbox.mail_id)",
        );
        let mut claimed = Vec::new();
        let mut in_doubt = Vec::new();
        let rows = env.rows(sql).await?;
        let mut last = None;
        for row in rows {
            last = last.max(convert::get(&row, 0)?);
            if convert::get::<i32>(&row, 1)?.is_some() {
                in_doubt.push(convert::get(&row, 0)?.unwrap_or_default());
            } else {
                claimed.push(read(env, &row)?);
            }
        }
        settle_doubtful(env, &in_doubt).await?;
        claimed.sort_unstable_by_key(|claimed: &Claimed| claimed.mail);
        Ok(Claims {
            mails: look_again(env, claimed).await?,
            last,
        })
    })
}

fn read(env: &Env, row: &QueryResult) -> Result<Claimed> {
    let accepted: String = convert::get(row, 2)?.unwrap_or_default();
    let mail = convert::get(row, 0)?.unwrap_or_default();
    Ok(Claimed {
        mail,
        held: Some(env.backend().outbox().hold(mail)),
        accepted: Accepted::read(&accepted),
        attempts: convert::get(row, 3)?.unwrap_or_default(),
        first_attempt: convert::get(row, 4)?,
        has_history: convert::get(row, 5)?.unwrap_or_default(),
        size: 0,
    })
}

/// Gives back what this process has claimed and nobody in it works on. That is so after the database failed at the
/// wrong moment; without this, such mails would wait until their claims run out. What is being handed over for all
/// that is known is left alone.
///
/// # Errors
/// When the database fails.
pub async fn give_back_lost(caller: &Caller) -> Result<()> {
    // Whoever is claiming holds the mails before it is committed, but only just.
    let _alone = caller.backend().outbox().claims().write().await;
    in_work!(caller, |env| {
        let mut sql = env.sql(
            "UPDATE postern_outbox SET claimed_by = NULL, lease_until = NULL WHERE handing IS NULL AND claimed_by = ",
        );
        sql.bind(env.backend().instance());
        let held = env.backend().outbox().held();
        if !held.is_empty() {
            sql.push(" AND NOT (mail_id");
            dialect::in_ids(&mut sql, &held);
            sql.push(")");
        }
        sql.push(" RETURNING mail_id");
        let back = search::collect_ids(env, sql).await?;
        fence::give_back(env, &back).await
    })
}

/// The outbox knows these mails from now on, if they wait.
///
/// # Errors
/// When the database fails.
async fn note(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO postern_outbox (mail_id) SELECT id FROM mail_mail WHERE state = 'outgoing' AND id",
    );
    dialect::in_ids(&mut sql, ids);
    sql.push(" ON CONFLICT DO NOTHING");
    env.execute(sql).await.map(|_| ())
}

/// What is to be sent at some time without anybody's doing, by `mail_mail` m and `postern_outbox` o.
const WAITS: &str =
    "(m.state = 'outgoing' OR (m.state = 'exception' AND o.next_attempt IS NOT NULL))";

/// Makes PostgreSQL walk the queue in the order of its primary key, for the rest of the transaction. The
/// table was empty a moment ago for all that its statistics know, so that it would rather join and sort
/// all that waits, for each batch anew.
async fn walk_by_index(env: &Env) -> Result<()> {
    if env.db() != sea_orm::DbBackend::Postgres {
        return Ok(());
    }
    let sql = env.sql(
        "SELECT set_config('enable_sort', 'off', true), set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)",
    );
    env.rows(sql).await.map(|_| ())
}

/// The mails wanted, in the order of their ids. Rows that another process is claiming right now are
/// passed over.
fn select(sql: &mut Sql, env: &Env, wanted: &Wanted<'_>, limit: i64) {
    let now = env.now();
    sql.push("SELECT o.mail_id FROM postern_outbox o JOIN mail_mail m ON m.id = o.mail_id WHERE ");
    free(sql, "o", env);
    sql.push(" AND o.doubt_since IS NULL");
    match wanted {
        Wanted::Asked(ids) => {
            // As Odoo: only what is in the queue is sent, whenever it was to be.
            sql.push(" AND m.state = 'outgoing' AND o.mail_id");
            dialect::in_ids(sql, ids);
        }
        Wanted::Due {
            after,
            without,
            settled_before,
        } => {
            sql.push(" AND ").push(WAITS);
            sql.push(" AND (o.next_attempt IS NULL OR o.next_attempt <= ");
            sql.bind(now)
                .push(") AND (m.scheduled_date IS NULL OR m.scheduled_date <= ")
                .bind(now);
            sql.push(
                ") AND (m.write_date IS NULL OR o.asked_at >= m.write_date OR m.write_date <= ",
            )
            .bind(*settled_before);
            sql.push(" OR m.write_date > ").bind(now + WRONG_CLOCK);
            sql.push(") AND o.mail_id > ").bind(*after);
            if !without.is_empty() {
                sql.push(" AND (o.mail_server_id IS NULL OR NOT (o.mail_server_id");
                dialect::in_ids(sql, without);
                sql.push("))");
            }
        }
    }
    sql.push(" ORDER BY o.mail_id LIMIT ").bind(limit);
    dialect::for_update_of(sql, "o");
}

/// Nobody has it: never claimed, given back, or the lease has run out. What this process itself
/// still works on is not free, however late the renewal of its lease is.
fn free(sql: &mut Sql, table: &str, env: &Env) {
    sql.push("(").push(table).push(".lease_until IS NULL OR (");
    sql.push(table).push(".lease_until < ").bind(env.now());
    let held = env.backend().outbox().held();
    if !held.is_empty() {
        sql.push(" AND NOT (").push(table).push(".claimed_by = ");
        sql.bind(env.backend().instance());
        sql.push(" AND ").push(table).push(".mail_id");
        dialect::in_ids(sql, &held);
        sql.push(")");
    }
    sql.push("))");
}

async fn settle_doubtful(env: &Env, ids: &[Id]) -> Result<()> {
    let settlements: Vec<Settlement> = ids
        .iter()
        .map(|id| Settlement {
            mail: *id,
            fate: Fate::Doubt {
                failure_type: Some("unknown"),
                reason: say!("outbox-stopped"),
            },
            code: None,
            people: Vec::new(),
            accepted: None,
            delete: false,
            has_history: true,
            server: None,
        })
        .collect();
    let settlements: Vec<&Settlement> = settlements.iter().collect();
    settle::write(env, &settlements).await?;
    for settlement in settlements {
        settle::log(settlement);
    }
    Ok(())
}

/// Measures the mails, without reading them, and gives back what is not to be sent any more.
///
/// PostgreSQL checks a row that changed between the beginning of a statement and its own lock again,
/// but with what it had read of the other tables before: a mail that another process settled in this
/// instant still counted as waiting. This statement begins after the rows are locked, so that what it
/// reads holds.
async fn look_again(env: &Env, claimed: Vec<Claimed>) -> Result<Vec<Claimed>> {
    let ids: Ids = claimed.iter().map(|claimed| claimed.mail).collect();
    if ids.is_empty() {
        return Ok(claimed);
    }
    let length = if env.db() == sea_orm::DbBackend::Postgres {
        // What it takes on disk, where long texts are compressed: reading them to count their
        // letters would cost as much as reading them.
        "4 * pg_column_size"
    } else {
        "length"
    };
    let mut sql = env.sql("SELECT m.id, CAST(COALESCE(");
    sql.push(length)
        .push("(m.body_html), 0) + COALESCE((SELECT SUM(a.file_size) FROM message_attachment_rel l JOIN ir_attachment a ON a.id = l.attachment_id WHERE l.message_id = m.mail_message_id), 0) AS bigint) FROM mail_mail m WHERE m.id");
    dialect::in_ids(&mut sql, &ids);
    // A value for each mail, not a join: how many mails wait changes faster than PostgreSQL counts
    // them, and it would compare each with each.
    sql.push(" AND (SELECT o.doubt_since IS NULL AND ")
        .push(WAITS)
        .push(" FROM postern_outbox o WHERE o.mail_id = m.id)");
    let mut sizes: HashMap<Id, i64> = HashMap::with_capacity(ids.len());
    for row in env.rows(sql).await? {
        sizes.insert(
            convert::get(&row, 0)?.unwrap_or_default(),
            convert::get(&row, 1)?.unwrap_or_default(),
        );
    }
    let (mut waiting, settled): (Vec<Claimed>, Vec<Claimed>) = claimed
        .into_iter()
        .partition(|claimed| sizes.contains_key(&claimed.mail));
    for claimed in &mut waiting {
        let size = sizes.get(&claimed.mail).copied().unwrap_or_default();
        claimed.size = usize::try_from(size).unwrap_or(usize::MAX);
    }
    if !settled.is_empty() {
        let settled: Ids = settled.iter().map(|claimed| claimed.mail).collect();
        let mut sql = env
            .sql("UPDATE postern_outbox SET claimed_by = NULL, lease_until = NULL WHERE mail_id");
        dialect::in_ids(&mut sql, &settled);
        env.execute(sql).await?;
    }
    Ok(waiting)
}

/// Makes the claims on these mails, and on these connections (server, number), hold for another
/// lease; as far as they still are this process's.
///
/// # Errors
/// When the database fails.
pub async fn renew(
    caller: &Caller,
    mails: &[Id],
    slots: &[(Id, i32)],
    lease: Duration,
) -> Result<()> {
    let lease = TimeDelta::from_std(lease).unwrap_or(TimeDelta::minutes(1));
    in_work!(caller, |env| {
        let until = env.now() + lease;
        let mut sql = env.sql("UPDATE postern_outbox SET lease_until = ");
        sql.bind(until).push(" WHERE claimed_by = ");
        sql.bind(env.backend().instance()).push(" AND mail_id");
        dialect::in_ids(&mut sql, mails);
        env.execute(sql).await?;
        for (server, number) in slots {
            let mut sql = env.sql("UPDATE postern_mail_budget_slot SET held_until = ");
            sql.bind(until).push(" WHERE held_by = ");
            sql.bind(env.backend().instance());
            sql.push(" AND mail_server_id = ").bind(*server);
            sql.push(" AND number = ").bind(*number);
            env.execute(sql).await?;
        }
        Ok(())
    })
}

/// When the next mail becomes due, as far as that is known; `None` when nothing waits.
///
/// # Errors
/// When the database fails.
pub async fn next_due(
    backend: &Arc<Backend>,
    settings: &Settings,
) -> Result<Option<NaiveDateTime>> {
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let grace = TimeDelta::from_std(settings.grace).unwrap_or_default();
    let mut sql = env.sql(
        "SELECT MIN(o.next_attempt), MIN(m.scheduled_date), MIN(CASE WHEN o.next_attempt IS NULL AND m.scheduled_date IS NULL THEN m.write_date END) \
         FROM postern_outbox o JOIN mail_mail m ON m.id = o.mail_id \
         WHERE o.claimed_by IS NULL AND ",
    );
    sql.push(WAITS);
    let row = env.row(sql).await?;
    let mut next: Option<NaiveDateTime> = None;
    if let Some(row) = row {
        let written: Option<NaiveDateTime> = convert::get(&row, 2)?;
        let moments = [
            convert::get(&row, 0)?,
            convert::get(&row, 1)?,
            written.map(|written| written + grace),
        ];
        next = moments.into_iter().flatten().min();
    }
    env.end_reading();
    Ok(next)
}

/// Asks for these mails to be sent now, by any process.
///
/// # Errors
/// When the database fails.
pub async fn ask(env: &Env, ids: &[Id]) -> Result<()> {
    note(env, ids).await?;
    let mut sql = env.sql("UPDATE postern_outbox SET next_attempt = NULL, asked_at = ");
    sql.bind(env.now()).push(" WHERE mail_id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await.map(|_| ())
}

/// Forgets what was planned for these mails, because somebody decided anew what is to become of them.
/// For whom a server took them stays known.
///
/// # Errors
/// When the database fails.
pub async fn forget_plans(env: &Env, ids: &[Id]) -> Result<()> {
    note(env, ids).await?;
    let mut sql = env.sql(
        "UPDATE postern_outbox SET next_attempt = NULL, first_attempt = NULL, attempts = 0, doubt_since = NULL, doubt_checked = NULL, mail_server_id = NULL WHERE mail_id",
    );
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await.map(|_| ())
}

/// The mails of these ids that are in the queue and that somebody, here or elsewhere, is sending.
///
/// # Errors
/// When the database fails.
pub async fn under_way(env: &Env, ids: &[Id]) -> Result<Ids> {
    let mut sql = env.sql(
        "SELECT o.mail_id FROM postern_outbox o JOIN mail_mail m ON m.id = o.mail_id WHERE m.state = 'outgoing' AND o.lease_until >= ",
    );
    sql.bind(env.now()).push(" AND o.mail_id");
    dialect::in_ids(&mut sql, ids);
    search::collect_ids(env, sql).await
}
