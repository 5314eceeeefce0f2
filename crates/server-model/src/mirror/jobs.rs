//! The jobs that Postern does, as rows of `ir.cron`.

use super::{external_id, inserted};
use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::ir_model_data;
use crate::value::Id;

/// A job of Odoo's that goes on here.
#[derive(Debug)]
pub struct Job {
    /// Its external id.
    external_id: &'static str,
    /// What a person calls it.
    name: &'static str,
    /// The model it works on.
    model: &'static str,
    /// What Odoo calls.
    code: &'static str,
    every: i32,
    unit: &'static str,
    priority: i32,
}

/// The jobs. Both go on whether or not these rows say so; the rows let clients see and trigger them.
pub const JOBS: &[Job] = &[
    Job {
        external_id: "mail.ir_cron_mail_scheduler_action",
        name: "Mail: send the queue",
        model: "mail.mail",
        code: "model.process_email_queue(batch_size=1000)",
        every: 1,
        unit: "hours",
        priority: 6,
    },
    Job {
        external_id: "mail.ir_cron_mail_gateway_action",
        name: "Mail: fetch the mailboxes",
        model: "fetchmail.server",
        code: "model._fetch_mails()",
        every: 5,
        unit: "minutes",
        priority: 5,
    },
];

/// Writes the jobs that are not there yet.
///
/// # Errors
/// When the database fails.
pub async fn write(env: &Env) -> Result<()> {
    for job in JOBS {
        if ir_model_data::find(env, job.external_id).await?.is_none() {
            insert(env, job).await?;
        }
    }
    Ok(())
}

async fn insert(env: &Env, job: &Job) -> Result<()> {
    let (module, name) = job
        .external_id
        .split_once('.')
        .unwrap_or(("", job.external_id));
    let action = action(env, job).await?;
    let mut sql = env.sql(
        "INSERT INTO ir_cron (ir_actions_server_id, cron_name, user_id, interval_number, interval_type, priority, \
         failure_count, active, nextcall, create_uid, write_uid, create_date, write_date) VALUES (",
    );
    sql.bind(action).push(", ").bind(job.name).push(", ");
    sql.bind(env.uid()).push(", ").bind(job.every).push(", ");
    sql.bind(job.unit).push(", ").bind(job.priority);
    sql.push(", 0, TRUE, ").bind(env.now());
    push_log(env, &mut sql);
    let cron = inserted(env, sql).await?;
    external_id(env, module, name, "ir.cron", cron).await?;
    let action_name = format!("{name}_ir_actions_server");
    external_id(env, module, &action_name, "ir.actions.server", action).await
}

async fn action(env: &Env, job: &Job) -> Result<Id> {
    let mut sql = env.sql(
        "INSERT INTO ir_act_server (name, type, binding_type, binding_view_types, usage, state, sequence, code, model_name, \
         model_id, create_uid, write_uid, create_date, write_date) SELECT ",
    );
    let name = serde_json::json!({ "en_US": job.name }).to_string();
    dialect::bind_json(&mut sql, Some(name));
    sql.push(", 'ir.actions.server', 'action', 'list,form', 'ir_cron', 'code', 5, CAST(");
    sql.bind(job.code)
        .push(" AS text), model, id, create_uid, write_uid, create_date, write_date FROM ir_model WHERE model = ");
    sql.bind(job.model).push(" RETURNING id");
    inserted(env, sql).await
}

fn push_log(env: &Env, sql: &mut crate::sql::Sql) {
    sql.push(", ").bind(env.uid()).push(", ").bind(env.uid());
    sql.push(", ").bind(env.now()).push(", ").bind(env.now());
    sql.push(") RETURNING id");
}
