//! The groups of users: implied ones, what they make of a user, and which cannot go together.

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::{by_id, ir_model_data};
use crate::orm::{commands, convert, search};
use crate::value::{AnyValue, Id};

/// The user whose groups a new user gets.
const TEMPLATE: &str = "base.default_user";

/// The groups of a new user, as a form's command.
pub async fn default_groups(env: &Env) -> Result<AnyValue> {
    let template = ir_model_data::find(env, TEMPLATE).await?.map(|(_, id)| id);
    let mut sql = env.sql("SELECT gid FROM res_groups_users_rel WHERE uid = ");
    sql.bind(template).push(" ORDER BY gid");
    let groups = search::collect_ids(env, sql).await?;
    Ok(commands::set(
        groups.into_iter().map(AnyValue::from).collect(),
    ))
}

/// The external ids of all groups of a user, implied ones included.
///
/// # Errors
/// When the database fails.
pub async fn names_of(env: &Env, uid: Id) -> Result<std::collections::HashSet<String>> {
    let mut sql =
        env.sql("WITH RECURSIVE mine(gid) AS (SELECT gid FROM res_groups_users_rel WHERE uid = ");
    sql.bind(uid);
    sql.push(
        " UNION SELECT implied.hid FROM res_groups_implied_rel implied JOIN mine ON implied.gid = mine.gid) \
         SELECT d.module, d.name FROM mine JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = mine.gid",
    );
    let mut groups = std::collections::HashSet::new();
    for row in env.rows(sql).await? {
        let module: String = convert::get(&row, 0)?.unwrap_or_default();
        let name: String = convert::get(&row, 1)?.unwrap_or_default();
        groups.insert(format!("{module}.{name}"));
    }
    Ok(groups)
}

/// Follows a change of the groups of these users: adds the implied groups, refuses users of two
/// kinds, and keeps `share`.
///
/// # Errors
/// [`Error::Validation`] for a user who would be internal and portal or public at once.
pub async fn changed(env: &Env, users: &[Id]) -> Result<()> {
    complete(env, users).await?;
    refuse_two_kinds(env, users).await?;
    keep_share(env, users).await?;
    env.forget_users();
    Ok(())
}

/// Odoo stores implied groups with each user, so that a look at the links tells all.
async fn complete(env: &Env, users: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "WITH RECURSIVE theirs(uid, gid) AS (SELECT uid, gid FROM res_groups_users_rel WHERE uid",
    );
    dialect::in_ids(&mut sql, users);
    sql.push(
        " UNION SELECT theirs.uid, implied.hid FROM res_groups_implied_rel implied \
         JOIN theirs ON implied.gid = theirs.gid) \
         INSERT INTO res_groups_users_rel (gid, uid) SELECT gid, uid FROM theirs WHERE TRUE \
         ON CONFLICT DO NOTHING",
    );
    env.execute(sql).await?;
    Ok(())
}

async fn refuse_two_kinds(env: &Env, users: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "SELECT u.login FROM res_users u JOIN res_groups_users_rel link ON link.uid = u.id \
         JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = link.gid AND d.module = 'base' \
         AND d.name IN ('group_user', 'group_portal', 'group_public') WHERE u.id",
    );
    dialect::in_ids(&mut sql, users);
    sql.push(" GROUP BY u.id, u.login HAVING COUNT(*) > 1");
    match env.row(sql).await? {
        Some(row) => {
            let login: String = convert::get(&row, 0)?.unwrap_or_default();
            Err(Error::Validation(say!("error-user-kinds", ?login)))
        }
        None => Ok(()),
    }
}

/// `share` and the partner's `partner_share` say whether the user is no internal one. Only
/// internal users are told of messages inside the program.
///
/// # Errors
/// When the database fails.
pub async fn keep_share(env: &Env, users: &[Id]) -> Result<()> {
    let internal = "EXISTS (SELECT 1 FROM res_groups_users_rel link \
         JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = link.gid \
         AND d.module = 'base' AND d.name = 'group_user' WHERE link.uid = res_users.id)";
    let mut sql = env.sql("UPDATE res_users SET share = NOT ");
    sql.push(internal)
        .push(", notification_type = CASE WHEN ")
        .push(internal);
    sql.push(" THEN notification_type ELSE 'email' END WHERE id");
    dialect::in_ids(&mut sql, users);
    env.execute(sql).await?;
    let mut sql = env.sql(
        "UPDATE res_partner SET partner_share = NOT EXISTS (SELECT 1 FROM res_users u \
         WHERE u.partner_id = res_partner.id AND u.active AND NOT u.share) \
         WHERE id IN (SELECT partner_id FROM res_users WHERE id",
    );
    dialect::in_ids(&mut sql, users);
    sql.push(")");
    env.execute(sql).await?;
    Ok(())
}

/// How many groups each user is in.
pub async fn counts(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let found =
        by_id::values::<i64>(env, &grouped("COUNT(*)", "res_groups_users_rel link"), ids).await?;
    Ok(by_id::counts(ids, &found))
}

/// How many access rows the groups of each user have.
pub async fn access_counts(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let joined = "res_groups_users_rel link JOIN ir_model_access a ON a.group_id = link.gid";
    let found = by_id::values::<i64>(env, &grouped("COUNT(DISTINCT a.id)", joined), ids).await?;
    Ok(by_id::counts(ids, &found))
}

/// How many record rules the groups of each user have.
pub async fn rule_counts(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let joined = "res_groups_users_rel link JOIN rule_group_rel r ON r.group_id = link.gid";
    let found = by_id::values::<i64>(
        env,
        &grouped("COUNT(DISTINCT r.rule_group_id)", joined),
        ids,
    )
    .await?;
    Ok(by_id::counts(ids, &found))
}

/// A count for each user as a sum over the groups, ready for the ids.
fn grouped(count: &str, from: &str) -> String {
    format!(
        "SELECT uid, n FROM (SELECT link.uid AS uid, {count} AS n FROM {from} GROUP BY link.uid) counted WHERE uid"
    )
}
