//! Who comes in: by one statement what opens the door, and all that is asked of the user inside.
//!
//! Nothing of it is remembered from call to call, so that whoever loses a right, here or by
//! another program on the same database, has lost it by the next call.

use std::collections::HashSet;

use chrono::NaiveDateTime;
use sea_orm::QueryResult;

use super::User;
use crate::database::Database;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::sql::Sql;
use crate::value::Id;

/// Somebody at the door.
pub struct Arriving {
    /// The user, who is active.
    pub user: User,
    /// The stored form of the password; empty when there is none.
    pub stored: String,
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
pub async fn find(database: &Database, who: Who<'_>) -> Result<Option<Arriving>> {
    let mut sql = database.sql("SELECT COALESCE(u.password, ''), ");
    push_columns(&mut sql);
    sql.push(FROM).push(" WHERE u.active AND ");
    match who {
        Who::Login(login) => sql.push("u.login = ").bind(login),
        Who::Id(uid) => sql.push("u.id = ").bind(uid),
    };
    match database.row(sql).await? {
        Some(row) => Ok(Some(Arriving {
            stored: convert::get(&row, 0)?.unwrap_or_default(),
            user: read(&row, 1)?,
        })),
        None => Ok(None),
    }
}

/// Finds the active user of a session by the stored hash of the session's id.
///
/// # Errors
/// When the database fails.
pub async fn find_by_session(
    database: &Database,
    id_hash: &str,
    now: NaiveDateTime,
) -> Result<Option<ArrivingBySession>> {
    let mut sql = database.sql(
        "SELECT s.token, s.last_seen_at, \
         (SELECT value FROM ir_config_parameter WHERE key = 'database.secret'), \
         COALESCE(u.password, ''), ",
    );
    push_columns(&mut sql);
    sql.push(FROM)
        .push(" JOIN postern_session s ON s.user_id = u.id WHERE u.active AND s.id_hash = ")
        .bind(id_hash);
    sql.push(" AND s.expires_at >= ").bind(now);
    let Some(row) = database.row(sql).await? else {
        return Ok(None);
    };
    Ok(Some(ArrivingBySession {
        token: convert::get(&row, 0)?.unwrap_or_default(),
        last_seen: convert::get(&row, 1)?.unwrap_or(now),
        secret: convert::get(&row, 2)?,
        who: Arriving {
            stored: convert::get(&row, 3)?.unwrap_or_default(),
            user: read(&row, 4)?,
        },
    }))
}

/// Reads any user, archived or not, with groups and companies.
///
/// # Errors
/// [`Error::Missing`] when there is none.
pub async fn load(env: &Env, uid: Id) -> Result<User> {
    let mut sql = env.sql("SELECT ");
    push_columns(&mut sql);
    sql.push(FROM).push(" WHERE u.id = ").bind(uid);
    let row = env.row(sql).await?.ok_or_else(|| {
        Error::Missing(format!("There is no user {uid}; it may have been deleted."))
    })?;
    read(&row, 0)
}

const FROM: &str = " FROM res_users u JOIN res_partner p ON p.id = u.partner_id";

/// The lists come as JSON, whose names cannot be mistaken for one another whatever letters they hold.
fn push_columns(sql: &mut Sql) {
    let list = if sql.is_postgres() {
        "json_agg"
    } else {
        "json_group_array"
    };
    sql.push(
        "u.id, u.login, u.partner_id, u.company_id, u.share, u.active, p.name, p.email, p.lang, p.tz, \
         COALESCE(p.commercial_partner_id, p.id), (SELECT CAST(",
    );
    sql.push(list).push(
        "(cid ORDER BY cid) AS text) FROM res_company_users_rel WHERE user_id = u.id), \
         (WITH RECURSIVE mine(gid) AS (SELECT gid FROM res_groups_users_rel WHERE uid = u.id \
         UNION SELECT implied.hid FROM res_groups_implied_rel implied JOIN mine ON implied.gid = mine.gid) \
         SELECT CAST(",
    );
    sql.push(list).push(
        "(d.module || '.' || d.name) AS text) FROM mine \
         JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = mine.gid)",
    );
}

/// Reads the columns of [`push_columns`], which begin at this place.
fn read(row: &QueryResult, at: usize) -> Result<User> {
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
        company_ids: listed(convert::get(row, at + 11)?)?,
        groups: listed::<HashSet<String>>(convert::get(row, at + 12)?)?,
    })
}

/// An aggregate over no rows is NULL on PostgreSQL.
fn listed<T: Default + serde::de::DeserializeOwned>(json: Option<String>) -> Result<T> {
    let Some(json) = json else {
        return Ok(T::default());
    };
    serde_json::from_str(&json)
        .map_err(|error| Error::Internal(format!("The rights of a user cannot be read: {error}")))
}
