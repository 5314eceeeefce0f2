//! Web sessions: opened by a login, found by their cookie, ended by a logout or a changed password.

use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use secrecy::SecretString;

use crate::backend::Backend;
use crate::credentials;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::{ir_config_parameter, res_users};
use crate::value::Id;

/// How long an unused session lives, as in Odoo.
const LIFETIME: TimeDelta = TimeDelta::days(7);
/// How often the last use of a session is written down.
const SEEN_EVERY: TimeDelta = TimeDelta::minutes(10);
/// The purpose of the tokens in forms.
const FORM: &str = "form";
/// How long a form may stay open, in seconds.
const FORM_LIFETIME: i64 = 24 * 3600;

/// A session just opened: the cookie's value and who signed in.
pub struct Opened {
    /// The value of the cookie `session_id`. Only its hash is stored.
    pub cookie: SecretString,
    /// The user.
    pub caller: Caller,
}

/// Signs in with login and password and opens a session.
///
/// `base_url` is the address under which the client reached the program; an administrator's login
/// makes it the new `web.base.url`, unless `web.base.url.freeze` is set, as in Odoo.
///
/// # Errors
/// [`Error::AccessDenied`].
pub async fn sign_in(
    backend: &Arc<Backend>,
    login: &str,
    password: &SecretString,
    base_url: Option<&str>,
) -> Result<Opened> {
    let caller = credentials::login(backend, login, password).await?;
    if let Some(base_url) = base_url {
        note_base_url(&caller, base_url).await?;
    }
    let id = auth::session::SessionId::generate();
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Write)
        .await?;
    let fields = bound_to(&env, caller.uid()).await?.ok_or_else(expired)?;
    let key = ir_config_parameter::database_secret(&env).await?;
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let token = auth::session::session_token(&key, &id, &fields);
    let now = env.now();
    let mut sql = env.sql(
        "INSERT INTO postern_session (id_hash, user_id, token, created_at, last_seen_at, expires_at, data) VALUES (",
    );
    sql.bind(id.storage_hash()).push(", ");
    sql.bind(caller.uid()).push(", ");
    sql.bind(token).push(", ");
    sql.bind(now).push(", ");
    sql.bind(now).push(", ");
    sql.bind(now + LIFETIME).push(", ");
    sql.bind("{}").push(")");
    env.execute(sql).await?;
    let mut sql = env.sql("DELETE FROM postern_session WHERE expires_at < ");
    sql.bind(now);
    env.execute(sql).await?;
    env.commit().await?;
    Ok(Opened {
        cookie: SecretString::from(id.expose()),
        caller,
    })
}

/// Finds the user of a session by its cookie; `None` when it is unknown, ended or expired.
///
/// # Errors
/// When the database fails.
pub async fn find(backend: &Arc<Backend>, cookie: &str) -> Result<Option<Caller>> {
    let Some(id) = auth::session::SessionId::from_cookie(cookie) else {
        return Ok(None);
    };
    let superuser = Caller::superuser(Arc::clone(backend));
    let env = superuser.begin(Intent::Read).await?;
    let found = live_session(&env, &id).await;
    env.rollback().await?;
    let Some((uid, last_seen)) = found? else {
        return Ok(None);
    };
    if backend.now() - last_seen > SEEN_EVERY {
        touch(&superuser, &id).await?;
    }
    Ok(Some(Caller::new(Arc::clone(backend), uid)))
}

async fn live_session(
    env: &Env,
    id: &auth::session::SessionId,
) -> Result<Option<(Id, NaiveDateTime)>> {
    let mut sql =
        env.sql("SELECT user_id, token, last_seen_at FROM postern_session WHERE id_hash = ");
    sql.bind(id.storage_hash()).push(" AND expires_at >= ");
    sql.bind(env.now());
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    let read = |error| dialect::database_error(error);
    let uid: Id = row.try_get_by_index(0).map_err(read)?;
    let token: String = row.try_get_by_index(1).map_err(read)?;
    let last_seen: NaiveDateTime = row.try_get_by_index(2).map_err(read)?;
    // The token is made from the password's hash and the user's state, so a changed password or
    // an archived user ends the session.
    let Some(fields) = bound_to(env, uid).await? else {
        return Ok(None);
    };
    let key = ir_config_parameter::database_secret(env).await?;
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let live = auth::session::session_token_matches(&key, id, &fields, &token);
    Ok(live.then_some((uid, last_seen)))
}

async fn touch(superuser: &Caller, id: &auth::session::SessionId) -> Result<()> {
    let env = superuser.begin(Intent::Write).await?;
    let mut sql = env.sql("UPDATE postern_session SET last_seen_at = ");
    sql.bind(env.now()).push(", expires_at = ");
    sql.bind(env.now() + LIFETIME).push(" WHERE id_hash = ");
    sql.bind(id.storage_hash());
    env.execute(sql).await?;
    env.commit().await
}

/// Ends a session. An unknown one is no error.
///
/// # Errors
/// When the database fails.
pub async fn sign_out(backend: &Arc<Backend>, cookie: &str) -> Result<()> {
    let Some(id) = auth::session::SessionId::from_cookie(cookie) else {
        return Ok(());
    };
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Write)
        .await?;
    let mut sql = env.sql("DELETE FROM postern_session WHERE id_hash = ");
    sql.bind(id.storage_hash());
    env.execute(sql).await?;
    env.commit().await
}

/// Makes `base_url` the `web.base.url` when an administrator is reached under it and the address
/// is not frozen.
///
/// # Errors
/// When the database fails.
pub async fn note_base_url(caller: &Caller, base_url: &str) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    if env.has_any_group("base.group_system").await? {
        let env = env.sudo();
        let frozen = ir_config_parameter::get(&env, "web.base.url.freeze").await?;
        let known = ir_config_parameter::get(&env, "web.base.url").await?;
        if frozen.is_none_or(|frozen| frozen.is_empty()) && known.as_deref() != Some(base_url) {
            ir_config_parameter::set(&env, "web.base.url", Some(base_url)).await?;
        }
    }
    env.commit().await
}

/// What a session is bound to; `None` when the user may not sign in any more.
async fn bound_to(env: &Env, uid: Id) -> Result<Option<[String; 3]>> {
    Ok(res_users::sign_in_state(env, uid)
        .await?
        .map(|(login, stored)| [uid.to_string(), login, stored]))
}

/// A token for the forms of a page, bound to the session's cookie (or to one given before login).
///
/// # Errors
/// When the database fails.
pub async fn form_token(backend: &Arc<Backend>, cookie: &str) -> Result<String> {
    let key = signing_key(backend).await?;
    Ok(auth::csrf::issue(&key, FORM, &[cookie], backend.unix_now()))
}

/// Whether a form came from a page made for this cookie, a day ago at most.
///
/// # Errors
/// When the database fails.
pub async fn check_form_token(backend: &Arc<Backend>, cookie: &str, token: &str) -> Result<bool> {
    let key = signing_key(backend).await?;
    let now = backend.unix_now();
    Ok(auth::csrf::check(&key, FORM, &[cookie], token, now, FORM_LIFETIME).is_ok())
}

async fn signing_key(backend: &Arc<Backend>) -> Result<SecretString> {
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let key = ir_config_parameter::database_secret(&env).await;
    env.rollback().await?;
    key
}

fn expired() -> Error {
    Error::AccessDenied("The user was archived in the meantime.".into())
}
