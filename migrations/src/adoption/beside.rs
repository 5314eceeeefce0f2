//! Living beside Odoo: what has to be looked after while the database is adopted, and what is in the way
//! of giving it back.

use std::time::Duration;

use sea_orm_migration::prelude::{ConnectionTrait, DbErr};

use super::{count, texts};

/// Switches the adopted jobs off again where Odoo has switched them on, as it does with the fetching when
/// an incoming server is confirmed; they will be on after a release then. Gives their external ids.
///
/// # Errors
/// If the database refuses a statement.
pub async fn keep_jobs_off<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    // Where Odoo runs the job right now, the next look finds it.
    texts(
        db,
        "WITH again AS (SELECT c.id FROM ir_cron c JOIN postern_adopted_job j ON j.cron_id = c.id \
                        WHERE c.active FOR NO KEY UPDATE OF c SKIP LOCKED), \
         off AS (UPDATE ir_cron SET active = FALSE WHERE id IN (SELECT id FROM again) RETURNING id) \
         UPDATE postern_adopted_job SET was_active = TRUE WHERE cron_id IN (SELECT id FROM off) \
         RETURNING external_id::text",
    )
    .await
}

/// Forgets what Postern's tables hold of records that are gone. In a database of its own, foreign keys
/// see to that.
///
/// # Errors
/// If the database refuses a statement.
pub async fn sweep<C: ConnectionTrait>(db: &C) -> Result<(), DbErr> {
    for statement in SWEEP {
        db.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// As the keys of the migrations say it, table by table.
const SWEEP: [&str; 13] = [
    "DELETE FROM postern_session s WHERE NOT EXISTS (SELECT 1 FROM res_users r WHERE r.id = s.user_id)",
    "DELETE FROM postern_outbox o WHERE NOT EXISTS (SELECT 1 FROM mail_mail r WHERE r.id = o.mail_id)",
    "DELETE FROM postern_mail_attempt a WHERE NOT EXISTS (SELECT 1 FROM mail_mail r WHERE r.id = a.mail_id)",
    "DELETE FROM postern_mail_server_success s WHERE NOT EXISTS (SELECT 1 FROM ir_mail_server r WHERE r.id = s.mail_server_id)",
    "DELETE FROM postern_mail_budget b WHERE NOT EXISTS (SELECT 1 FROM ir_mail_server r WHERE r.id = b.mail_server_id)",
    "DELETE FROM postern_mailbox_cursor c WHERE NOT EXISTS (SELECT 1 FROM fetchmail_server r WHERE r.id = c.fetchmail_server_id)",
    "DELETE FROM postern_mailbox_lease l WHERE NOT EXISTS (SELECT 1 FROM fetchmail_server r WHERE r.id = l.fetchmail_server_id)",
    "DELETE FROM postern_fetched f WHERE NOT EXISTS (SELECT 1 FROM fetchmail_server r WHERE r.id = f.fetchmail_server_id)",
    "UPDATE postern_quarantine q SET fetchmail_server_id = NULL WHERE fetchmail_server_id IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM fetchmail_server r WHERE r.id = q.fetchmail_server_id)",
    // What still waits to be handed on is not lost with its mailbox.
    "DELETE FROM postern_handoff h WHERE NOT EXISTS (SELECT 1 FROM fetchmail_server r WHERE r.id = h.fetchmail_server_id) \
     AND NOT EXISTS (SELECT 1 FROM postern_handoff_mail m WHERE m.handoff_id = h.id)",
    "DELETE FROM postern_oauth_mailbox o WHERE NOT EXISTS (SELECT 1 FROM ir_mail_server r WHERE o.model = 'ir.mail_server' AND r.id = o.res_id) \
     AND NOT EXISTS (SELECT 1 FROM fetchmail_server r WHERE o.model = 'fetchmail.server' AND r.id = o.res_id)",
    "DELETE FROM postern_oauth_connection o WHERE NOT EXISTS (SELECT 1 FROM ir_mail_server r WHERE o.model = 'ir.mail_server' AND r.id = o.res_id) \
     AND NOT EXISTS (SELECT 1 FROM fetchmail_server r WHERE o.model = 'fetchmail.server' AND r.id = o.res_id)",
    "UPDATE postern_oauth_connection o SET owner_id = NULL WHERE owner_id IS NOT NULL \
     AND NOT EXISTS (SELECT 1 FROM res_users r WHERE r.id = o.owner_id)",
];

/// Whether a Postern works on the database.
pub(super) async fn others_at_work<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    const AT_WORK: &str = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'postern' AND pid <> pg_backend_pid()";
    // A connection that was closed a moment ago is still listed.
    for _ in 0..10 {
        if count(db, AT_WORK).await? == 0 {
            return Ok(Vec::new());
        }
        db.execute_unprepared("SELECT pg_stat_clear_snapshot()")
            .await?;
        db.execute_unprepared(&format!(
            "SELECT pg_sleep({})",
            Duration::from_millis(200).as_secs_f64()
        ))
        .await?;
    }
    Ok(vec![
        "A Postern is connected to it: stop every one that works on it.".into(),
    ])
}

/// What is in Postern's tables and nowhere else, or was decided there. Odoo would not know of it.
pub(super) async fn would_be_lost<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    let mut lost = Vec::new();
    for (what, sql) in LOST {
        let found = count(db, sql).await?;
        if found > 0 {
            lost.push(what.replace("{}", &found.to_string()));
        }
    }
    Ok(lost)
}

const LOST: [(&str, &str); 4] = [
    (
        "{} mails are in quarantine (postern.quarantine): replay or discard them.",
        "SELECT count(*) FROM postern_quarantine",
    ),
    (
        "{} mails wait to be handed on (postern.handoff.mail): let Postern deliver them, or discard them.",
        "SELECT count(*) FROM postern_handoff_mail",
    ),
    (
        "{} mails reached some of their recipients already, and Odoo would send them to all of them again: let Postern finish them, or cancel them.",
        "SELECT count(*) FROM postern_outbox o JOIN mail_mail m ON m.id = o.mail_id WHERE m.state = 'outgoing' AND o.accepted <> ''",
    ),
    (
        "{} mails failed for now and would have been tried again by Postern; Odoo leaves them as failed: let Postern finish them, or retry them in Odoo.",
        "SELECT count(*) FROM postern_outbox o JOIN mail_mail m ON m.id = o.mail_id WHERE m.state = 'exception' AND (o.next_attempt IS NOT NULL OR o.handing IS NOT NULL)",
    ),
];
