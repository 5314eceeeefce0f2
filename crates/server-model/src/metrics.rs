//! Figures for whoever watches the program (Prometheus' names and units): what happened is counted where it happens, and
//! how things stand is read from the database when somebody looks.

use std::time::Instant;

use ::metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use chrono::NaiveDateTime;

use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::oauth_flow::{expiry, mailbox};
use crate::orm::convert;
use crate::outbox::Fate;
use crate::registry::entry;
use crate::value::Id;

/// How long calls took, by model, method and outcome, in seconds.
pub const CALL_SECONDS: &str = "postern_call_duration_seconds";
const MAILS: &str = "postern_mails_settled_total";
const FETCHED: &str = "postern_mails_fetched_total";
const FETCH_FAILURES: &str = "postern_fetch_failures_total";
const ALERTS: &str = "postern_alerts_total";
const QUEUE: &str = "postern_queue_mails";
const QUEUE_AGE: &str = "postern_queue_oldest_seconds";
const QUARANTINE: &str = "postern_quarantine_mails";
const HANDOFF: &str = "postern_handoff_mails";
const MAILBOX: &str = "postern_mailbox_broken";
const TOKEN: &str = "postern_token_expiry_timestamp_seconds";
const CREDENTIAL: &str = "postern_credential_expiry_timestamp_seconds";
const FETCH_AGE: &str = "postern_fetch_age_seconds";
const BUDGET: &str = "postern_budget_paused";

/// Says what each figure means, to whoever collects them.
pub fn describe() {
    describe_histogram!(
        CALL_SECONDS,
        Unit::Seconds,
        "How long calls of models took."
    );
    describe_counter!(
        MAILS,
        "Mails whose fate this process wrote down, by server and outcome."
    );
    describe_counter!(FETCHED, "Mails that this process fetched, by server.");
    describe_counter!(FETCH_FAILURES, "Runs of fetching that failed, by server.");
    describe_counter!(
        ALERTS,
        "What this process told the administrators, by event."
    );
    describe_gauge!(QUEUE, "Mails by state.");
    describe_gauge!(
        QUEUE_AGE,
        Unit::Seconds,
        "The age of the oldest mail that is due."
    );
    describe_gauge!(
        QUARANTINE,
        "Received mails that could not be stored or fetched."
    );
    describe_gauge!(HANDOFF, "Received mails that wait to be handed on.");
    describe_gauge!(
        MAILBOX,
        "1 where somebody has to act before the provider grants access again."
    );
    describe_gauge!(
        TOKEN,
        Unit::Seconds,
        "When the access token of a mailbox ends; it is renewed before."
    );
    describe_gauge!(
        CREDENTIAL,
        Unit::Seconds,
        "When a client secret or certificate ends."
    );
    describe_gauge!(
        FETCH_AGE,
        Unit::Seconds,
        "How long ago a mailbox was looked into."
    );
    describe_gauge!(
        BUDGET,
        "1 while a server that asked for less is left alone."
    );
}

/// A call of a method came to its end. Both names are declared ones, so that nobody makes up more of them.
pub(crate) fn called<T>(
    model: &'static str,
    method: &'static str,
    begin: Instant,
    answer: &Result<T>,
) {
    let outcome = match answer {
        Ok(_) => "ok",
        Err(Error::Internal(_) | Error::Database { .. }) => "failed",
        Err(_) => "refused",
    };
    histogram!(CALL_SECONDS, "model" => model, "method" => method, "outcome" => outcome)
        .record(begin.elapsed());
}

/// The fate of a mail was written down. The server is 0 for that of the configuration, and none where it is not known.
pub(crate) fn settled(fate: &Fate, server: Option<Id>, code: Option<&'static str>) {
    let outcome = match fate {
        Fate::Sent => "sent",
        Fate::Failed { .. } => "failed",
        Fate::Later { .. } => "later",
        Fate::Doubt { .. } => "doubtful",
    };
    let server = server.map_or_else(String::new, |server| server.to_string());
    counter!(MAILS, "server" => server, "outcome" => outcome, "code" => code.unwrap_or_default())
        .increment(1);
}

/// Mails were fetched.
pub(crate) fn fetched(server: Id, count: usize) {
    counter!(FETCHED, "server" => server.to_string()).increment(count as u64);
}

/// Fetching from a mailbox failed.
pub(crate) fn fetch_failed(server: Id) {
    counter!(FETCH_FAILURES, "server" => server.to_string()).increment(1);
}

/// The administrators were told something.
pub(crate) fn alerted(event: &'static str) {
    counter!(ALERTS, "event" => event).increment(1);
}

/// Reads how things stand.
///
/// # Errors
/// When the database fails; then what was read before stands.
pub async fn look(superuser: &Caller) -> Result<()> {
    let env = superuser.begin(Intent::Read).await?;
    let looked = async {
        queue(&env).await?;
        waiting(&env).await?;
        mailboxes(&env).await?;
        credentials(&env).await?;
        fetching(&env).await?;
        budgets(&env).await
    }
    .await;
    env.end_reading();
    looked
}

async fn queue(env: &Env) -> Result<()> {
    for state in ["outgoing", "exception"] {
        let mut sql = env.sql("SELECT count(*) FROM mail_mail WHERE state = ");
        sql.bind(state);
        gauge!(QUEUE, "state" => state).set(number(env, sql).await?);
    }
    let sql = env.sql("SELECT count(*) FROM postern_outbox WHERE claimed_by IS NOT NULL");
    gauge!(QUEUE, "state" => "claimed").set(number(env, sql).await?);
    let mut sql = env.sql(
        "SELECT min(COALESCE(scheduled_date, create_date)) FROM mail_mail WHERE state = 'outgoing' AND COALESCE(scheduled_date, create_date) <= ",
    );
    sql.bind(env.now());
    let row = env.row(sql).await?;
    let oldest: Option<NaiveDateTime> = row.map(|row| convert::get(&row, 0)).transpose()?.flatten();
    gauge!(QUEUE_AGE).set(oldest.map_or(0.0, |moment| age(env, moment)));
    Ok(())
}

async fn waiting(env: &Env) -> Result<()> {
    let sql = env.sql("SELECT count(*) FROM postern_quarantine");
    gauge!(QUARANTINE).set(number(env, sql).await?);
    let sql = env.sql("SELECT count(*) FROM postern_handoff_mail");
    gauge!(HANDOFF).set(number(env, sql).await?);
    Ok(())
}

async fn mailboxes(env: &Env) -> Result<()> {
    for model in ["ir.mail_server", "fetchmail.server"] {
        let table = entry(model)?.table();
        let mut sql = env.sql("SELECT id, COALESCE(microsoft_outlook_access_token_expiration, 0), COALESCE(google_gmail_access_token_expiration, 0) FROM ");
        sql.name(table).push(" WHERE active");
        let rows = env.rows(sql).await?;
        let ids = rows.iter().map(|row| convert::get::<Id>(row, 0));
        let ids: Vec<Id> = ids
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect();
        let states = mailbox::states(env, model, &ids).await?;
        for ((row, id), state) in rows.iter().zip(&ids).zip(states) {
            let Some(state) = state.as_text() else {
                continue;
            };
            let server = || id.to_string();
            let is_broken = matches!(state, "reconnect" | "configuration");
            gauge!(MAILBOX, "model" => model, "server" => server()).set(f64::from(is_broken));
            let ends = [1, 2].map(|at| convert::get::<i32>(row, at));
            let ends = ends.into_iter().collect::<Result<Vec<_>>>()?;
            let end = ends.into_iter().flatten().max().unwrap_or_default();
            if end > 0 {
                gauge!(TOKEN, "model" => model, "server" => server()).set(f64::from(end));
            }
        }
    }
    Ok(())
}

async fn credentials(env: &Env) -> Result<()> {
    for credential in expiry::credentials(env).await? {
        let end = credential.ends.and_time(chrono::NaiveTime::MIN).and_utc();
        gauge!(CREDENTIAL, "parameter" => credential.parameter()).set(end.timestamp() as f64);
    }
    Ok(())
}

async fn fetching(env: &Env) -> Result<()> {
    let sql = env.sql("SELECT id, date FROM fetchmail_server WHERE active AND state = 'done'");
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        if let Some(moment) = convert::get(&row, 1)? {
            gauge!(FETCH_AGE, "server" => id.to_string()).set(age(env, moment));
        }
    }
    Ok(())
}

async fn budgets(env: &Env) -> Result<()> {
    let sql = env.sql("SELECT mail_server_id, paused_until FROM postern_mail_budget_use");
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let until: Option<NaiveDateTime> = convert::get(&row, 1)?;
        let is_paused = until.is_some_and(|until| until > env.now());
        gauge!(BUDGET, "server" => id.to_string()).set(f64::from(is_paused));
    }
    Ok(())
}

async fn number(env: &Env, sql: crate::sql::Sql) -> Result<f64> {
    let row = env.row(sql).await?;
    let count: Option<i64> = row.map(|row| convert::get(&row, 0)).transpose()?.flatten();
    Ok(count.unwrap_or_default() as f64)
}

fn age(env: &Env, moment: NaiveDateTime) -> f64 {
    (env.now() - moment).as_seconds_f64().max(0.0)
}
