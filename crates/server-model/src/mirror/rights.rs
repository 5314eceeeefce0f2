//! Access rows and record rules, as rows of `ir.model.access` and `ir.rule`.

use std::collections::{HashMap, HashSet};

use super::{external_id, inserted};
use crate::env::Env;
use crate::error::Result;
use crate::orm::{convert, search};
use crate::registry::{Entry, registry};
use crate::schema::{Access, Rule};
use crate::value::Id;

/// The module of the external ids of what is written here.
const MODULE: &str = "postern";

/// Writes rights and rules of the models that have none but these.
///
/// # Errors
/// When the database fails.
pub async fn write(env: &Env) -> Result<()> {
    forget(env, "ir.model.access", "ir_model_access").await?;
    forget(env, "ir.rule", "ir_rule").await?;
    let models = named(env, "SELECT id, model FROM ir_model").await?;
    let groups = named(
        env,
        "SELECT res_id, module || '.' || name FROM ir_model_data WHERE model = 'res.groups'",
    )
    .await?;
    let with_access = model_ids(env, "SELECT DISTINCT model_id FROM ir_model_access").await?;
    let with_rules = model_ids(env, "SELECT DISTINCT model_id FROM ir_rule").await?;
    for entry in registry().iter() {
        let Some(model) = models.get(entry.name()).copied() else {
            continue;
        };
        if !with_access.contains(&model) {
            for row in entry.model.access {
                access(env, entry, model, row, groups.get(row.group).copied()).await?;
            }
        }
        if !with_rules.contains(&model) {
            for (nth, row) in entry.model.rules.iter().enumerate() {
                rule(env, entry, model, nth, row, &groups).await?;
            }
        }
    }
    Ok(())
}

async fn forget(env: &Env, model: &str, table: &str) -> Result<()> {
    let mut sql = env.sql("DELETE FROM ");
    sql.name(table)
        .push(" WHERE id IN (SELECT res_id FROM ir_model_data WHERE module = ");
    sql.bind(MODULE).push(" AND model = ").bind(model).push(")");
    env.execute(sql).await?;
    let mut sql = env.sql("DELETE FROM ir_model_data WHERE module = ");
    sql.bind(MODULE).push(" AND model = ").bind(model);
    env.execute(sql).await?;
    Ok(())
}

async fn named(env: &Env, select: &str) -> Result<HashMap<String, Id>> {
    let mut found = HashMap::new();
    for row in env.rows(env.sql(select)).await? {
        if let (Some(id), Some(name)) = (convert::get(&row, 0)?, convert::get(&row, 1)?) {
            found.insert(name, id);
        }
    }
    Ok(found)
}

async fn model_ids(env: &Env, select: &str) -> Result<HashSet<Id>> {
    Ok(search::collect_ids(env, env.sql(select))
        .await?
        .into_iter()
        .collect())
}

async fn access(
    env: &Env,
    entry: &Entry,
    model: Id,
    row: &Access,
    group: Option<Id>,
) -> Result<()> {
    let who = row.group.rsplit('.').next().unwrap_or_default();
    let who = if who.is_empty() { "everybody" } else { who };
    let name = format!("access_{}_{who}", entry.name().replace('.', "_"));
    let mut sql = env.sql(
        "INSERT INTO ir_model_access (name, model_id, group_id, active, perm_read, perm_write, perm_create, perm_unlink, \
         create_uid, write_uid, create_date, write_date) VALUES (",
    );
    sql.bind(name.as_str()).push(", ").bind(model).push(", ");
    sql.bind(group).push(", TRUE");
    for right in [row.read, row.write, row.create, row.unlink] {
        sql.push(", ").bind(right);
    }
    push_log(env, &mut sql);
    let id = inserted(env, sql).await?;
    external_id(env, MODULE, &name, "ir.model.access", id).await
}

async fn rule(
    env: &Env,
    entry: &Entry,
    model: Id,
    nth: usize,
    row: &Rule,
    groups: &HashMap<String, Id>,
) -> Result<()> {
    let name = format!("rule_{}_{}", entry.name().replace('.', "_"), nth + 1);
    let mut sql = env.sql(
        "INSERT INTO ir_rule (name, model_id, domain_force, active, \"global\", perm_read, perm_write, perm_create, perm_unlink, \
         create_uid, write_uid, create_date, write_date) VALUES (",
    );
    sql.bind(format!("{}: rule {}", entry.model.description, nth + 1))
        .push(", ")
        .bind(model);
    sql.push(", ").bind(row.domain_force).push(", TRUE, ");
    sql.bind(row.groups.is_empty());
    for letter in ['r', 'w', 'c', 'd'] {
        sql.push(", ").bind(row.operations.contains(letter));
    }
    push_log(env, &mut sql);
    let id = inserted(env, sql).await?;
    for group in row.groups.iter().filter_map(|group| groups.get(*group)) {
        let mut sql = env.sql("INSERT INTO rule_group_rel (rule_group_id, group_id) VALUES (");
        sql.bind(id).push(", ").bind(*group).push(")");
        env.execute(sql).await?;
    }
    external_id(env, MODULE, &name, "ir.rule", id).await
}

fn push_log(env: &Env, sql: &mut crate::sql::Sql) {
    sql.push(", ").bind(env.uid()).push(", ").bind(env.uid());
    sql.push(", ").bind(env.now()).push(", ").bind(env.now());
    sql.push(") RETURNING id");
}
