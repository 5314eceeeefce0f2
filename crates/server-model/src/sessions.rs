//! Web sessions: opened by a login, found by their cookie, ended by a logout or a changed password.

use std::net::IpAddr;
use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use words::say;

use crate::backend::Backend;
use crate::credentials;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::res_users::arriving::{self, Arriving};
use crate::models::{ir_config_parameter, res_users};
use crate::retry;
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
/// makes it the new `web.base.url`, unless `web.base.url.freeze` is set, as in Odoo. `address` is
/// the client's, if it is known (see [`credentials::login`]).
///
/// # Errors
/// [`Error::AccessDenied`].
pub async fn sign_in(
    backend: &Arc<Backend>,
    login: &str,
    password: &SecretString,
    base_url: Option<&str>,
    address: Option<IpAddr>,
) -> Result<Opened> {
    let caller = credentials::login(backend, login, password, address).await?;
    if let Some(base_url) = base_url {
        note_base_url(&caller, base_url).await?;
    }
    let id = auth::session::SessionId::generate();
    let superuser = Caller::superuser(Arc::clone(backend));
    retry::in_transaction(&superuser, Intent::Write, async |env| {
        insert(env, &id, caller.uid()).await
    })
    .await?;
    retry::if_undisturbed(&superuser, purge).await?;
    Ok(Opened {
        cookie: SecretString::from(id.expose()),
        caller,
    })
}

async fn insert(env: &Env, id: &auth::session::SessionId, uid: Id) -> Result<()> {
    let fields = bound_to(env, uid).await?.ok_or_else(expired)?;
    let key = ir_config_parameter::database_secret(env).await?;
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let token = auth::session::session_token(&key, id, &fields);
    let now = env.now();
    let mut sql = env.sql(
        "INSERT INTO postern_session (id_hash, user_id, token, created_at, last_seen_at, expires_at, data) VALUES (",
    );
    sql.bind(id.storage_hash()).push(", ");
    sql.bind(uid).push(", ");
    sql.bind(token).push(", ");
    sql.bind(now).push(", ");
    sql.bind(now).push(", ");
    sql.bind(now + LIFETIME).push(", ");
    sql.bind("{}").push(")");
    env.execute(sql).await?;
    Ok(())
}

/// Deletes the sessions that have expired.
async fn purge(env: &Env) -> Result<()> {
    let mut sql = env.sql("DELETE FROM postern_session WHERE expires_at < ");
    sql.bind(env.now());
    env.execute(sql).await?;
    Ok(())
}

/// Finds the user of a session by its cookie; `None` when it is unknown, ended or expired.
///
/// # Errors
/// When the database fails.
pub async fn find(backend: &Arc<Backend>, cookie: &str) -> Result<Option<Caller>> {
    let Some(id) = auth::session::SessionId::from_cookie(cookie) else {
        return Ok(None);
    };
    let id_hash = id.storage_hash();
    let now = backend.now();
    let Some(found) = arriving::find_by_session(backend, &id_hash, now).await? else {
        return Ok(None);
    };
    let Arriving { user, stored, .. } = found.who;
    // The token is made from the password's hash and the user's state, so a changed password or
    // an archived user ends the session.
    let key = ir_config_parameter::usable_secret(found.secret)?;
    let bound_to = [&user.uid.to_string(), user.login.as_str(), &stored];
    if !auth::session::session_token_matches(&key, &id, &bound_to, &found.token) {
        return Ok(None);
    }
    if now - found.last_seen > SEEN_EVERY {
        touch(&Caller::superuser(Arc::clone(backend)), &id).await?;
    }
    Ok(Some(
        Caller::met(Arc::clone(backend), user).in_session(&id_hash),
    ))
}

/// Of parallel requests in one session one is enough to write down that it is in use.
async fn touch(superuser: &Caller, id: &auth::session::SessionId) -> Result<()> {
    retry::if_undisturbed(superuser, async |env| {
        let mut sql = env.sql("UPDATE postern_session SET last_seen_at = ");
        sql.bind(env.now()).push(", expires_at = ");
        sql.bind(env.now() + LIFETIME).push(" WHERE id_hash = ");
        sql.bind(id.storage_hash());
        env.execute(sql).await?;
        Ok(())
    })
    .await
}

/// Ends a session. An unknown one is no error.
///
/// # Errors
/// When the database fails.
pub async fn sign_out(backend: &Arc<Backend>, cookie: &str) -> Result<()> {
    let Some(id) = auth::session::SessionId::from_cookie(cookie) else {
        return Ok(());
    };
    let superuser = Caller::superuser(Arc::clone(backend));
    retry::in_transaction(&superuser, Intent::Write, async |env| {
        let mut sql = env.sql("DELETE FROM postern_session WHERE id_hash = ");
        sql.bind(id.storage_hash());
        env.execute(sql).await?;
        Ok(())
    })
    .await
}

/// What a session remembers, as JSON in its row.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Remembered {
    /// When the user last gave the password within the session, in UTC.
    identity_checked_at: Option<NaiveDateTime>,
}

/// When the user of the caller's session last gave the password to an identity check, if ever;
/// `None` for a caller that came without a web session.
///
/// # Errors
/// When the database fails.
pub async fn identity_checked_at(env: &Env) -> Result<Option<Option<NaiveDateTime>>> {
    let Some(session) = env.caller().session() else {
        return Ok(None);
    };
    let mut sql = env.sql("SELECT data FROM postern_session WHERE id_hash = ");
    sql.bind(session);
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    let data: String = row.try_get_by_index(0).map_err(dialect::database_error)?;
    let remembered: Remembered = serde_json::from_str(&data).unwrap_or_default();
    Ok(Some(remembered.identity_checked_at))
}

/// Notes in the caller's session whether the user has just given the right password. Without a
/// session there is nothing to note.
///
/// # Errors
/// When the database fails.
pub async fn note_identity(env: &Env, right: bool) -> Result<()> {
    let Some(session) = env.caller().session() else {
        return Ok(());
    };
    let remembered = Remembered {
        identity_checked_at: right.then(|| env.now()),
    };
    let data = serde_json::to_string(&remembered)
        .map_err(|error| Error::Internal(format!("A session could not be kept: {error}")))?;
    let mut sql = env.sql("UPDATE postern_session SET data = ");
    sql.bind(data).push(" WHERE id_hash = ").bind(session);
    env.execute(sql).await?;
    Ok(())
}

/// Makes `base_url` the `web.base.url` when an administrator is reached under it and the address
/// is not frozen.
///
/// # Errors
/// When the database fails.
pub async fn note_base_url(caller: &Caller, base_url: &str) -> Result<()> {
    // Odoo's own address is not where Postern is reached.
    if caller.backend().home().is_odoos() {
        return Ok(());
    }
    // Nearly always there is nothing to change, and then no other login has to wait.
    let news = async |env: &Env| is_news(env, base_url).await;
    if !retry::in_transaction(caller, Intent::Read, news).await? {
        return Ok(());
    }
    retry::in_transaction(caller, Intent::Write, async |env| {
        if is_news(env, base_url).await? {
            ir_config_parameter::set(env, "web.base.url", Some(base_url)).await?;
        }
        Ok(())
    })
    .await
}

/// Whether an administrator came by an address that should become the `web.base.url`.
async fn is_news(env: &Env, base_url: &str) -> Result<bool> {
    if !env.has_any_group("base.group_system").await? {
        return Ok(false);
    }
    let frozen = ir_config_parameter::get(env, "web.base.url.freeze").await?;
    if frozen.is_some_and(|frozen| !frozen.is_empty()) {
        return Ok(false);
    }
    let known = ir_config_parameter::get(env, "web.base.url").await?;
    Ok(known.as_deref() != Some(base_url))
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
    Error::AccessDenied(say!("error-session-archived"))
}
