//! How the permission to use a mailbox is had (`postern_oauth_connection`): by the consent of a person, who may be one
//! without access to the settings, or by the application itself; and which account was connected.

use std::collections::{HashMap, HashSet};

use auth::oauth::Claims;
use sea_orm::Value;
use secrecy::SecretString;

use words::{Text, say};

use super::mailbox::Mailbox;
use super::service::Service;
use crate::atlas::TOKEN_ACCOUNT;
use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::by_id;
use crate::orm::convert;
use crate::registry::entry;
use crate::schema::Selection;
use crate::sql::Sql;
use crate::value::{AnyValue, Id};

/// The values of `postern_oauth_grant`.
pub const GRANTS: Selection = &[
    ("delegated", "Consent of a person"),
    ("application", "The application itself"),
];
/// The one of them that needs nobody's consent.
pub(super) const APPLICATION: &str = "application";

/// Whether the application uses the mailbox by itself, without the consent of a person.
///
/// # Errors
/// When the database fails.
pub async fn is_by_application(env: &Env, mailbox: Mailbox) -> Result<bool> {
    let found = by_application(env, mailbox.model, &[mailbox.id]).await?;
    Ok(found.contains(&mailbox.id))
}

/// Those of the mailboxes that the application uses by itself.
///
/// # Errors
/// When the database fails.
pub(super) async fn by_application(env: &Env, model: &str, ids: &[Id]) -> Result<HashSet<Id>> {
    let grants: HashMap<Id, String> = column(env, "grant_type", model, ids).await?;
    let of_application = grants.into_iter().filter(|(_, grant)| grant == APPLICATION);
    Ok(of_application.map(|(id, _)| id).collect())
}

/// Whether this user may connect the mailbox although they are no administrator.
///
/// # Errors
/// When the database fails.
pub async fn is_owner(env: &Env, mailbox: Mailbox, uid: Id) -> Result<bool> {
    let found: HashMap<Id, Id> = column(env, "owner_id", mailbox.model, &[mailbox.id]).await?;
    Ok(found.get(&mailbox.id) == Some(&uid))
}

/// The mailboxes that this user may connect, in no particular order.
///
/// # Errors
/// When the database fails.
pub async fn owned(env: &Env, uid: Id) -> Result<Vec<Mailbox>> {
    let mut sql = env.sql("SELECT model, res_id FROM postern_oauth_connection WHERE owner_id = ");
    sql.bind(uid);
    let mut found = Vec::new();
    for row in env.rows(sql).await? {
        let model: String = convert::get(&row, 0)?.unwrap_or_default();
        found.push(Mailbox {
            model: entry(&model)?.name(),
            id: convert::get(&row, 1)?.unwrap_or_default(),
        });
    }
    Ok(found)
}

/// The computed `postern_oauth_grant`.
///
/// # Errors
/// When the database fails.
pub async fn grants(env: &Env, model: &str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let found: HashMap<Id, String> = column(env, "grant_type", model, ids).await?;
    let grant = |id| found.get(id).map_or("delegated", String::as_str).into();
    Ok(ids.iter().map(grant).collect())
}

/// Takes what is written to `postern_oauth_grant`. The access token at hand was had the other way, and is forgotten.
///
/// # Errors
/// [`Error::Value`] for another value than those of [`GRANTS`].
pub async fn set_grant(env: &Env, model: &'static str, ids: &[Id], value: &AnyValue) -> Result<()> {
    let grant = match value.as_text() {
        Some(APPLICATION) => Some(APPLICATION),
        Some("delegated") => None,
        None if value.is_falsy() => None,
        _ => {
            return Err(Error::Value(say!("error-grant-unknown")));
        }
    };
    for id in ids {
        let mailbox = Mailbox { model, id: *id };
        if is_by_application(env, mailbox).await? == grant.is_some() {
            continue;
        }
        write(env, mailbox, "grant_type", grant).await?;
        let mut sql = env.sql("UPDATE ");
        sql.name(entry(model)?.table()).push(" SET ");
        sql.name(&Service::Outlook.column("access_token"))
            .push(" = NULL, ");
        sql.name(&Service::Outlook.column("access_token_expiration"));
        sql.push(" = 0 WHERE id = ").bind(*id);
        env.execute(sql).await?;
        super::mailbox::note_tokens(env, mailbox).await?;
    }
    Ok(())
}

/// The computed `postern_owner_id`.
///
/// # Errors
/// When the database fails.
pub async fn owners(env: &Env, model: &str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let found: HashMap<Id, Id> = column(env, "owner_id", model, ids).await?;
    Ok(by_id::ordered(ids, found))
}

/// Takes what is written to `postern_owner_id`.
///
/// # Errors
/// [`Error::Validation`] for what is no user.
pub async fn set_owner(env: &Env, model: &'static str, ids: &[Id], value: &AnyValue) -> Result<()> {
    let owner = match value.as_id() {
        Some(id) => Some(id),
        None if value.is_falsy() => None,
        None => {
            return Err(Error::Validation(say!("error-owner-no-id")));
        }
    };
    if let Some(id) = owner {
        let mut sql = env.sql("SELECT id FROM res_users WHERE active AND id = ");
        sql.bind(id);
        if env.row(sql).await?.is_none() {
            return Err(Error::Validation(say!("error-owner-unknown", %id)));
        }
    }
    for id in ids {
        write(env, Mailbox { model, id: *id }, "owner_id", owner).await?;
    }
    Ok(())
}

/// The computed `postern_oauth_account`.
///
/// # Errors
/// When the database fails.
pub async fn accounts(env: &Env, model: &str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let found: HashMap<Id, String> = column(env, "account", model, ids).await?;
    Ok(by_id::ordered(ids, found))
}

/// The computed `postern_oauth_warning`: another account was connected than the one that stands as the user name.
///
/// # Errors
/// When the database fails.
pub async fn warnings(env: &Env, model: &'static str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let accounts: HashMap<Id, String> = column(env, "account", model, ids).await?;
    let mut select = env.sql("SELECT id, ");
    select.name(Mailbox::user_column(model)).push(" FROM ");
    select.name(entry(model)?.table()).push(" WHERE id");
    dialect::in_ids(&mut select, ids);
    let lang = env.reader().await?;
    let mut found = HashMap::new();
    for row in env.rows(select).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let user: String = convert::get(&row, 1)?.unwrap_or_default();
        let other = accounts.get(&id);
        if let Some(account) = other.filter(|account| !is_same(account, &user)) {
            found.insert(id, mismatch(model, account, &user).in_lang(lang));
        }
    }
    Ok(by_id::ordered(ids, found))
}

fn is_same(account: &str, user: &str) -> bool {
    account.trim().eq_ignore_ascii_case(user.trim())
}

fn mismatch(model: &str, account: &str, user: &str) -> Text {
    let found = say!("oauth-other-account", account, user);
    if model == "ir.mail_server" {
        let (remedy, code) = (TOKEN_ACCOUNT.remedy(), TOKEN_ACCOUNT.code);
        return say!("atlas-told", what = found, remedy, marks = code);
    }
    let shared = say!("oauth-other-account-shared", user);
    say!("two-sentences", before = found, next = shared)
}

/// Notes whose token it is. With `anew`, one that does not say so makes the account unknown.
///
/// # Errors
/// When the database fails.
pub(super) async fn note_account(
    env: &Env,
    mailbox: Mailbox,
    token: &SecretString,
    anew: bool,
) -> Result<()> {
    let account = Claims::read(token).and_then(|claims| claims.user);
    let known: HashMap<Id, String> = column(env, "account", mailbox.model, &[mailbox.id]).await?;
    let known = known.get(&mailbox.id);
    if known == account.as_ref() || (account.is_none() && !anew) {
        return Ok(());
    }
    write(env, mailbox, "account", account).await
}

/// Forgets everything of mailboxes that go away, so that others with their numbers begin anew.
///
/// # Errors
/// When the database fails.
pub async fn forget(env: &Env, model: &str, ids: &[Id]) -> Result<()> {
    for table in ["postern_oauth_connection", "postern_oauth_mailbox"] {
        let mut sql = env.sql("DELETE FROM ");
        sql.name(table)
            .push(" WHERE model = ")
            .bind(model.to_owned());
        sql.push(" AND res_id");
        dialect::in_ids(&mut sql, ids);
        env.execute(sql).await?;
    }
    Ok(())
}

async fn column<T: sea_orm::TryGetable>(
    env: &Env,
    name: &str,
    model: &str,
    ids: &[Id],
) -> Result<HashMap<Id, T>> {
    let mut sql: Sql = env.sql("SELECT res_id, ");
    sql.name(name);
    sql.push(" FROM postern_oauth_connection WHERE model = ")
        .bind(model.to_owned());
    sql.push(" AND res_id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        if let (Some(id), Some(value)) = (convert::get(&row, 0)?, convert::get(&row, 1)?) {
            found.insert(id, value);
        }
    }
    Ok(found)
}

async fn write(env: &Env, mailbox: Mailbox, column: &str, value: impl Into<Value>) -> Result<()> {
    let mut sql = env.sql("INSERT INTO postern_oauth_connection (model, res_id, ");
    sql.name(column).push(") VALUES (").bind(mailbox.model);
    sql.push(", ").bind(mailbox.id).push(", ").bind(value);
    sql.push(") ON CONFLICT (model, res_id) DO UPDATE SET ");
    sql.name(column).push(" = excluded.").name(column);
    env.execute(sql).await.map(|_| ())
}
