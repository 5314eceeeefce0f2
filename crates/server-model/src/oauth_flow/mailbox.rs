//! What is known of a mailbox beside its tokens (`postern_oauth_mailbox`): which process renews them, and
//! whether the provider still grants them.

use std::collections::HashMap;
use std::time::Duration;

use auth::oauth::{Cause, ErrorClass, ProviderError};
use chrono::{NaiveDateTime, TimeDelta};

use words::Text;

use super::connection;
use super::service::Service;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::orm::convert;
use crate::retry::in_work;
use crate::value::{AnyValue, Id};

/// For so long other processes leave a renewal to the one that began it: longer than its attempts
/// take, and then it is taken that the process died.
const TURN: TimeDelta = TimeDelta::seconds(120);

/// Whose tokens they are: the model and the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// `ir.mail_server` or `fetchmail.server`.
    pub model: &'static str,
    /// The record.
    pub id: Id,
}

impl Mailbox {
    /// The column with the user name of the mailboxes of a model.
    pub(crate) fn user_column(model: &str) -> &'static str {
        if model == "fetchmail.server" {
            "user"
        } else {
            "smtp_user"
        }
    }
}

/// What the provider said last, when it gave no tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The failure's stable code.
    pub code: String,
    /// Who has to act, `reconnect` or `configuration`; `None` where it is tried again by itself.
    pub remedy_by: Option<String>,
    /// What a person is told.
    pub reason: Text,
    /// The provider wants to be left alone until then.
    pub not_before: Option<NaiveDateTime>,
}

/// Whether this process is the one to ask the provider now. If so, the turn is to be given back.
///
/// # Errors
/// When the database fails.
pub async fn take_turn(caller: &Caller, mailbox: Mailbox) -> Result<bool> {
    in_work!(caller, |env| {
        let now = env.now();
        let mut sql = env.sql(
            "INSERT INTO postern_oauth_mailbox (model, res_id, renewing_by, renewing_until) VALUES (",
        );
        sql.bind(mailbox.model).push(", ").bind(mailbox.id);
        sql.push(", ").bind(env.backend().instance());
        sql.push(", ").bind(now + TURN);
        sql.push(") ON CONFLICT (model, res_id) DO UPDATE SET renewing_by = excluded.renewing_by, renewing_until = excluded.renewing_until \
                  WHERE postern_oauth_mailbox.renewing_until IS NULL OR postern_oauth_mailbox.renewing_until < ");
        sql.bind(now);
        Ok(env.execute(sql).await?.rows_affected() > 0)
    })
}

/// Lets other processes ask the provider again.
///
/// # Errors
/// When the database fails; then they wait until the turn ends by itself.
pub async fn give_back_turn(caller: &Caller, mailbox: Mailbox) -> Result<()> {
    in_work!(caller, |env| {
        let mut sql = env.sql(
            "UPDATE postern_oauth_mailbox SET renewing_by = NULL, renewing_until = NULL WHERE renewing_by = ",
        );
        sql.bind(env.backend().instance());
        of(&mut sql, mailbox);
        env.execute(sql).await.map(|_| ())
    })
}

/// Writes down that the provider gave no tokens. True when that is news: the mailbox worked before, or
/// somebody else has to act now.
///
/// # Errors
/// When the database fails.
pub async fn note_trouble(
    caller: &Caller,
    mailbox: Mailbox,
    error: &ProviderError,
    reason: &Text,
) -> Result<bool> {
    let remedy_by = match error.class {
        ErrorClass::Transient => None,
        ErrorClass::Permanent(Cause::Reconnect) => Some("reconnect"),
        ErrorClass::Permanent(Cause::Configuration) => Some("configuration"),
    };
    in_work!(caller, |env| {
        let before = trouble(env, mailbox).await?;
        let wait = error.retry_after.unwrap_or(Duration::ZERO);
        let not_before = TimeDelta::from_std(wait)
            .ok()
            .filter(|wait| !wait.is_zero());
        let mut sql = env.sql("UPDATE postern_oauth_mailbox SET error_code = ");
        sql.bind(error.code).push(", remedy_by = ");
        sql.bind(remedy_by)
            .push(", reason = ")
            .bind(reason.stored());
        sql.push(", not_before = ")
            .bind(not_before.map(|wait| env.now() + wait));
        sql.push(", failing_since = COALESCE(failing_since, ");
        sql.bind(env.now()).push(") WHERE TRUE");
        of(&mut sql, mailbox);
        env.execute(sql).await?;
        let before = before.and_then(|trouble| trouble.remedy_by);
        Ok(remedy_by.is_some() && before.as_deref() != remedy_by)
    })
}

/// Writes down that the mailbox has tokens again. True when somebody had to act for that.
///
/// # Errors
/// When the database fails.
pub async fn note_tokens(env: &Env, mailbox: Mailbox) -> Result<bool> {
    let before = trouble(env, mailbox).await?;
    if before.is_none() {
        return Ok(false);
    }
    let mut sql = env.sql(
        "UPDATE postern_oauth_mailbox SET not_before = NULL, failing_since = NULL, error_code = NULL, remedy_by = NULL, reason = NULL WHERE TRUE",
    );
    of(&mut sql, mailbox);
    env.execute(sql).await?;
    Ok(before.is_some_and(|trouble| trouble.remedy_by.is_some()))
}

/// What the provider said last, if it gave no tokens.
///
/// # Errors
/// When the database fails.
pub async fn trouble(env: &Env, mailbox: Mailbox) -> Result<Option<Trouble>> {
    Ok(troubles(env, mailbox.model, &[mailbox.id])
        .await?
        .remove(&mailbox.id))
}

async fn troubles(env: &Env, model: &str, ids: &[Id]) -> Result<HashMap<Id, Trouble>> {
    let mut sql = env.sql(
        "SELECT res_id, error_code, remedy_by, reason, not_before FROM postern_oauth_mailbox WHERE error_code IS NOT NULL AND model = ",
    );
    sql.bind(model.to_owned()).push(" AND res_id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        found.insert(
            convert::get(&row, 0)?.unwrap_or_default(),
            Trouble {
                code: convert::get(&row, 1)?.unwrap_or_default(),
                remedy_by: convert::get(&row, 2)?,
                reason: Text::from_stored(&convert::get::<String>(&row, 3)?.unwrap_or_default()),
                not_before: convert::get(&row, 4)?,
            },
        );
    }
    Ok(found)
}

fn of(sql: &mut crate::sql::Sql, mailbox: Mailbox) {
    sql.push(" AND model = ").bind(mailbox.model);
    sql.push(" AND res_id = ").bind(mailbox.id);
}

/// The values of `postern_oauth_state`.
pub const STATES: &[(&str, &str)] = &[
    ("none", "Not connected"),
    ("connected", "Connected"),
    ("waiting", "Provider does not answer"),
    ("reconnect", "Reconnect needed"),
    ("configuration", "Settings to be put right"),
];

/// The computed `postern_oauth_state`: false for servers that sign in otherwise.
///
/// # Errors
/// When the database fails.
pub async fn states(env: &Env, model: &'static str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let (table, kind) = match model {
        "ir.mail_server" => ("ir_mail_server", "smtp_authentication"),
        _ => ("fetchmail_server", "server_type"),
    };
    let mut sql = env.sql("SELECT id, ");
    sql.name(kind);
    for service in [Service::Outlook, Service::Gmail] {
        sql.push(", COALESCE(")
            .name(&service.column("refresh_token"))
            .push(", '') <> ''");
    }
    sql.push(", COALESCE(")
        .name(&Service::Outlook.column("access_token"))
        .push(", '') <> '' FROM ")
        .name(table)
        .push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    let troubles = troubles(env, model, ids).await?;
    let by_application = connection::by_application(env, model, ids).await?;
    let mut found: HashMap<Id, AnyValue> = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let kind: String = convert::get(&row, 1)?.unwrap_or_default();
        let connected: bool = match Service::of(&kind) {
            // The application needs nobody's consent, so that only a token shows that it may.
            Some(Service::Outlook) if by_application.contains(&id) => {
                convert::get(&row, 4)?.unwrap_or_default()
            }
            Some(Service::Outlook) => convert::get(&row, 2)?.unwrap_or_default(),
            Some(Service::Gmail) => convert::get(&row, 3)?.unwrap_or_default(),
            None => continue,
        };
        let state = match troubles.get(&id) {
            _ if !connected => "none",
            Some(trouble) => trouble.remedy_by.as_deref().unwrap_or("waiting"),
            None => "connected",
        };
        found.insert(id, state.into());
    }
    let state = |id| found.get(id).cloned().unwrap_or(AnyValue::FALSE);
    Ok(ids.iter().map(state).collect())
}

/// The computed `postern_oauth_error`: what happened and what to do.
///
/// # Errors
/// When the database fails.
pub async fn errors(env: &Env, model: &'static str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let troubles = troubles(env, model, ids).await?;
    let lang = env.reader().await?;
    let reason = |id| match troubles.get(id) {
        Some(trouble) => trouble.reason.in_lang(lang).into(),
        None => AnyValue::FALSE,
    };
    Ok(ids.iter().map(reason).collect())
}
