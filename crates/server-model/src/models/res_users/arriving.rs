//! Who comes in: by one statement what opens the door, and all that is asked of the user inside.
//!
//! Nothing of it is remembered from call to call but what groups are called, so that whoever loses
//! a right, here or by another program on the same database, has lost it by the next call.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::NaiveDateTime;
use sea_orm::QueryResult;

use words::say;

use super::{User, group_names, groups};
use crate::backend::Backend;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::value::{Id, Ids};

/// Somebody at the door.
pub struct Arriving {
    /// The user, who is active.
    pub user: User,
    /// The stored form of the password; empty when there is none.
    pub stored: String,
    /// Whether Odoo asks for a second factor beside the password.
    pub has_second_factor: bool,
}

/// A session that has not expired, and whose it is.
pub struct ArrivingBySession {
    /// The user of the session.
    pub who: Arriving,
    /// What the session was bound to when it was opened.
    pub token: String,
    /// When it was last used, in UTC.
    pub last_seen: NaiveDateTime,
    /// The parameter `database.secret`.
    pub secret: Option<String>,
}

/// How a user is named.
#[derive(Clone, Copy)]
pub enum Who<'a> {
    /// By the login.
    Login(&'a str),
    /// By the id.
    Id(Id),
}

/// Finds an active user.
///
/// # Errors
/// When the database fails.
pub async fn find(backend: &Backend, who: Who<'_>) -> Result<Option<Arriving>> {
    let mut sql = backend
        .database()
        .sql("SELECT COALESCE(u.password, ''), u.totp_secret, ");
    sql.push(GROUPS)
        .push(COLUMNS)
        .push(FROM)
        .push(" WHERE u.active AND ");
    match who {
        Who::Login(login) => sql.push("u.login = ").bind(login),
        Who::Id(uid) => sql.push("u.id = ").bind(uid),
    };
    match backend.database().row(sql).await? {
        Some(row) => Ok(Some(Arriving {
            stored: convert::get(&row, 0)?.unwrap_or_default(),
            has_second_factor: convert::get::<String>(&row, 1)?
                .is_some_and(|secret| !secret.is_empty()),
            user: read(&row, 3, groups_in(backend, &row, 2).await?)?,
        })),
        None => Ok(None),
    }
}

/// Finds the active user of a session by the stored hash of the session's id.
///
/// # Errors
/// When the database fails.
pub async fn find_by_session(
    backend: &Backend,
    id_hash: &str,
    now: NaiveDateTime,
) -> Result<Option<ArrivingBySession>> {
    let mut sql = backend.database().sql(
        "SELECT s.token, s.last_seen_at, \
         (SELECT value FROM ir_config_parameter WHERE key = 'database.secret'), \
         COALESCE(u.password, ''), ",
    );
    sql.push(GROUPS)
        .push(COLUMNS)
        .push(FROM)
        .push(" JOIN postern_session s ON s.user_id = u.id WHERE u.active AND s.id_hash = ")
        .bind(id_hash);
    sql.push(" AND s.expires_at >= ").bind(now);
    let Some(row) = backend.database().row(sql).await? else {
        return Ok(None);
    };
    Ok(Some(ArrivingBySession {
        token: convert::get(&row, 0)?.unwrap_or_default(),
        last_seen: convert::get(&row, 1)?.unwrap_or(now),
        secret: convert::get(&row, 2)?,
        who: Arriving {
            stored: convert::get(&row, 3)?.unwrap_or_default(),
            // Whoever has a session came in before.
            has_second_factor: false,
            user: read(&row, 5, groups_in(backend, &row, 4).await?)?,
        },
    }))
}

/// Reads any user, archived or not, with groups and companies.
///
/// # Errors
/// [`Error::Missing`] when there is none.
pub async fn load(env: &Env, uid: Id) -> Result<User> {
    let mut sql = env.sql("SELECT ");
    sql.push(COLUMNS)
        .push(FROM)
        .push(" WHERE u.id = ")
        .bind(uid);
    let row = env
        .row(sql)
        .await?
        .ok_or_else(|| Error::Missing(say!("error-no-user", %uid)))?;
    // Within a transaction the groups count as the transaction has them.
    read(&row, 0, Arc::new(groups::names_of(env, uid).await?))
}

const COLUMNS: &str = "u.id, u.login, u.partner_id, u.company_id, u.share, u.active, \
    p.name, p.email, p.lang, p.tz, COALESCE(p.commercial_partner_id, p.id), \
    (SELECT string_agg(CAST(cid AS text), ',') FROM res_company_users_rel WHERE user_id = u.id)";
const FROM: &str = " FROM res_users u JOIN res_partner p ON p.id = u.partner_id";
const GROUPS: &str =
    "(SELECT string_agg(CAST(gid AS text), ',') FROM res_groups_users_rel WHERE uid = u.id), ";

/// The names of the groups whose ids stand in this column.
async fn groups_in(
    backend: &Backend,
    row: &QueryResult,
    at: usize,
) -> Result<Arc<HashSet<String>>> {
    let groups: Option<String> = convert::get(row, at)?;
    group_names::of(backend, groups.as_deref().unwrap_or_default()).await
}

/// Reads [`COLUMNS`], which begin at this place.
fn read(row: &QueryResult, at: usize, groups: Arc<HashSet<String>>) -> Result<User> {
    Ok(User {
        uid: convert::get(row, at)?.unwrap_or_default(),
        login: convert::get(row, at + 1)?.unwrap_or_default(),
        partner_id: convert::get(row, at + 2)?.unwrap_or_default(),
        company_id: convert::get(row, at + 3)?.unwrap_or_default(),
        share: convert::get(row, at + 4)?.unwrap_or(false),
        active: convert::get(row, at + 5)?.unwrap_or(false),
        name: convert::get(row, at + 6)?.unwrap_or_default(),
        email: convert::get(row, at + 7)?,
        lang: convert::get(row, at + 8)?,
        tz: convert::get(row, at + 9)?,
        commercial_partner_id: convert::get(row, at + 10)?.unwrap_or_default(),
        company_ids: companies(convert::get(row, at + 11)?),
        groups,
    })
}

fn companies(listed: Option<String>) -> Ids {
    let listed = listed.unwrap_or_default();
    let mut ids: Ids = listed.split(',').filter_map(|id| id.parse().ok()).collect();
    ids.sort_unstable();
    ids
}
