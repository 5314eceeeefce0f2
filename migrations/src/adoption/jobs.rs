//! The jobs by which Odoo sends its queue and fetches its mailboxes: off while Postern does that.
//!
//! Only `active` is written: a job that is switched off and on again is as it was, to the last stamp.

use sea_orm_migration::prelude::{ConnectionTrait, DbErr};

use super::{rows, statement};

/// A job of Odoo's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its external id.
    pub external_id: String,
    /// The row of `ir_cron`.
    pub id: i32,
    /// Whether it is active when Postern is not there.
    pub was_active: bool,
}

/// The jobs, by their names in the module `mail`.
const NAMES: [&str; 2] = [
    "ir_cron_mail_scheduler_action",
    "ir_cron_mail_gateway_action",
];

/// Switches the jobs off and remembers how they were. One that somebody deleted is passed over.
pub(super) async fn switch_off<C: ConnectionTrait>(db: &C) -> Result<Vec<Job>, DbErr> {
    for name in NAMES {
        // The lock waits until Odoo has ended a run of the job.
        let found = db
            .query_one_raw(statement(
                "SELECT c.id, COALESCE(c.active, FALSE) FROM ir_cron c JOIN ir_model_data d ON d.res_id = c.id \
                 WHERE d.model = 'ir.cron' AND d.module = 'mail' AND d.name = $1 FOR NO KEY UPDATE OF c",
                [name.into()],
            ))
            .await?;
        let Some(row) = found else { continue };
        let (id, is_active): (i32, bool) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        db.execute_raw(statement(
            "INSERT INTO postern_adopted_job (external_id, cron_id, was_active) VALUES ($1, $2, $3) \
             ON CONFLICT (external_id) DO UPDATE SET cron_id = excluded.cron_id, \
             was_active = postern_adopted_job.was_active OR excluded.was_active",
            [format!("mail.{name}").into(), id.into(), is_active.into()],
        ))
        .await?;
        if is_active {
            db.execute_raw(statement(
                "UPDATE ir_cron SET active = FALSE WHERE id = $1",
                [id.into()],
            ))
            .await?;
        }
    }
    remembered(db).await
}

/// Makes the jobs as they were. One that was deleted meanwhile stays deleted.
pub(super) async fn restore<C: ConnectionTrait>(db: &C) -> Result<Vec<Job>, DbErr> {
    db.execute_unprepared(
        "UPDATE ir_cron SET active = TRUE FROM postern_adopted_job j \
         WHERE j.cron_id = ir_cron.id AND j.was_active AND ir_cron.active IS NOT TRUE",
    )
    .await?;
    remembered(db).await
}

async fn remembered<C: ConnectionTrait>(db: &C) -> Result<Vec<Job>, DbErr> {
    rows(
        db,
        "SELECT external_id::text, cron_id, was_active FROM postern_adopted_job ORDER BY 1 DESC",
    )
    .await?
    .iter()
    .map(|row| {
        Ok(Job {
            external_id: row.try_get_by_index(0)?,
            id: row.try_get_by_index(1)?,
            was_active: row.try_get_by_index(2)?,
        })
    })
    .collect()
}

/// Other jobs that send the queue or fetch: somebody made them, so somebody has to decide.
pub(super) async fn others<C: ConnectionTrait>(db: &C) -> Result<Vec<String>, DbErr> {
    rows(
        db,
        "SELECT c.id, COALESCE(c.cron_name, '')::text FROM ir_cron c JOIN ir_act_server a ON a.id = c.ir_actions_server_id \
         WHERE c.active AND a.code ~ '(process_email_queue|_fetch_mails|fetch_mail)[[:space:]]*\\(' ORDER BY 1",
    )
    .await?
    .iter()
    .map(|row| {
        let (id, name): (i32, String) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        Ok(format!(
            "The job {name:?} (ir.cron {id}) sends or fetches mail too and stays on: switch it off in Odoo, or mail may be handled by both."
        ))
    })
    .collect()
}
