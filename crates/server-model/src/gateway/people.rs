//! Who wrote a mail: contacts and users by their address.

use crate::env::Env;
use crate::error::Result;
use crate::orm::{convert, search};
use crate::value::{Id, Ids};

/// An order of contacts `p`: those who are internal users, then other users, then the oldest.
pub const USERS_FIRST: &str = "CASE WHEN EXISTS (SELECT 1 FROM res_users u WHERE u.partner_id = p.id AND u.active AND NOT COALESCE(u.share, FALSE)) THEN 0 \
     WHEN EXISTS (SELECT 1 FROM res_users u WHERE u.partner_id = p.id AND u.active) THEN 1 ELSE 2 END, p.id";

/// The contact with this (normalised) address. Of several, one that follows `record` (model and id)
/// comes first, then one that is a user, then the oldest. An address of our own aliases belongs to
/// nobody: mail from it was sent on by somebody.
///
/// # Errors
/// When the database fails.
pub async fn author(
    env: &Env,
    address: Option<&str>,
    record: Option<(&str, Id)>,
) -> Result<Option<Id>> {
    let Some(address) = address else {
        return Ok(None);
    };
    if is_alias(env, address).await? {
        return Ok(None);
    }
    let (model, id) = record.unwrap_or(("", 0));
    let mut sql =
        env.sql("SELECT p.id FROM res_partner p WHERE p.active AND p.email_normalized = ");
    sql.bind(address);
    sql.push(" ORDER BY CASE WHEN EXISTS (SELECT 1 FROM mail_followers f WHERE f.partner_id = p.id AND f.res_model = ");
    sql.bind(model).push(" AND f.res_id = ").bind(id);
    sql.push(") THEN 0 ELSE 1 END, ")
        .push(USERS_FIRST)
        .push(" LIMIT 1");
    first(env, sql).await
}

/// The user with this (normalised) address, an internal one first.
///
/// # Errors
/// When the database fails.
pub async fn user(env: &Env, address: Option<&str>) -> Result<Option<Id>> {
    let Some(address) = address else {
        return Ok(None);
    };
    let mut sql = env.sql(
        "SELECT u.id FROM res_users u JOIN res_partner p ON p.id = u.partner_id \
         WHERE u.active AND p.email_normalized = ",
    );
    sql.bind(address);
    sql.push(" ORDER BY CASE WHEN COALESCE(u.share, FALSE) THEN 1 ELSE 0 END, u.id LIMIT 1");
    first(env, sql).await
}

/// All contacts with this (normalised) address.
///
/// # Errors
/// When the database fails.
pub async fn contacts(env: &Env, address: &str) -> Result<Ids> {
    let mut sql = env.sql("SELECT id FROM res_partner WHERE active AND email_normalized = ");
    sql.bind(address).push(" ORDER BY id");
    search::collect_ids(env, sql).await
}

/// Whether the contact follows the record.
///
/// # Errors
/// When the database fails.
pub async fn follows(env: &Env, partner: Id, (model, id): (&str, Id)) -> Result<bool> {
    let mut sql = env.sql("SELECT 1 FROM mail_followers WHERE partner_id = ");
    sql.bind(partner).push(" AND res_model = ").bind(model);
    sql.push(" AND res_id = ").bind(id);
    Ok(env.row(sql).await?.is_some())
}

async fn is_alias(env: &Env, address: &str) -> Result<bool> {
    let Some((local, domain)) = address.rsplit_once('@') else {
        return Ok(false);
    };
    let mut sql = env.sql(
        "SELECT 1 FROM mail_alias a JOIN mail_alias_domain d ON d.id = a.alias_domain_id WHERE LOWER(a.alias_name) = ",
    );
    sql.bind(local).push(" AND LOWER(d.name) = ").bind(domain);
    Ok(env.row(sql).await?.is_some())
}

async fn first(env: &Env, sql: crate::sql::Sql) -> Result<Option<Id>> {
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}
