//! `child_of` and `parent_of`: conditions on the tree that a many2one to its own model makes.

use words::say;

use super::{names, search};
use crate::dialect;
use crate::domain::{Leaf, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind};
use crate::sql::Sql;
use crate::value::{AnyValue, Id, Ids};

/// Adds the condition that the record, or what `field` links it to, is below or above the records
/// that the value names by id or by name.
///
/// On a many2one to the model itself the tree is the one that this field makes, and the condition
/// is on the record: `parent_id child_of 5` finds 5 as well as all below.
///
/// # Errors
/// As for searching the records that the value names.
pub async fn push(
    env: &Env,
    model: &'static Entry,
    sql: &mut Sql,
    alias: &str,
    field: &Field,
    leaf: &Leaf,
) -> Result<()> {
    let comodel = match field.kind.comodel() {
        Some(comodel) => entry(comodel)?,
        None if field.name == "id" => model,
        None => {
            return Err(Error::Value(
                say!("error-search-no-tree", field = ?field.name, model = ?model.name()),
            ));
        }
    };
    let own = matches!(field.kind, Kind::Many2one(_)) && comodel.name() == model.name();
    let parent = if own { field.name } else { "parent_id" };
    let roots = roots(env, comodel, &leaf.value).await?;
    let closing = match field.kind {
        Kind::One2many { inverse, .. } => {
            let line = sql.alias();
            sql.push(alias)
                .push(".id IN (SELECT ")
                .column(&line, inverse);
            sql.push(" FROM ")
                .name(comodel.table())
                .push(" ")
                .push(&line);
            sql.push(" WHERE ").push(&line).push(".id IN (");
            "))"
        }
        Kind::Many2many {
            table, this, that, ..
        } => {
            let link = sql.alias();
            sql.push(alias).push(".id IN (SELECT ").column(&link, this);
            sql.push(" FROM ").name(table).push(" ").push(&link);
            sql.push(" WHERE ").column(&link, that).push(" IN (");
            "))"
        }
        _ => {
            let column = if own { "id" } else { field.name };
            sql.column(alias, column).push(" IN (");
            ")"
        }
    };
    push_tree(sql, comodel, parent, leaf.operator, &roots);
    sql.push(closing);
    Ok(())
}

async fn roots(env: &Env, comodel: &'static Entry, value: &AnyValue) -> Result<Ids> {
    let wanted = match value {
        AnyValue::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    let mut ids: Vec<Id> = wanted.iter().filter_map(AnyValue::as_id).collect();
    for name in wanted.iter().filter_map(AnyValue::as_text) {
        let by_name = names::search_domain(comodel, Operator::Ilike, &name.into())?;
        ids.extend(search::ids(env, comodel, &by_name, &search::Options::default()).await?);
    }
    Ok(ids)
}

fn push_tree(sql: &mut Sql, comodel: &Entry, parent: &str, operator: Operator, roots: &[Id]) {
    let (tree, node) = (sql.alias(), sql.alias());
    sql.push("WITH RECURSIVE ")
        .push(&tree)
        .push("(id) AS (SELECT id FROM ");
    sql.name(comodel.table()).push(" WHERE id");
    dialect::in_ids(sql, roots);
    if comodel.fields.get(parent).is_some_and(|field| field.column) {
        let (wanted, from) = match operator {
            Operator::ChildOf => ("id", parent),
            _ => (parent, "id"),
        };
        sql.push(" UNION SELECT ")
            .column(&node, wanted)
            .push(" FROM ");
        sql.name(comodel.table()).push(" ").push(&node);
        sql.push(" JOIN ")
            .push(&tree)
            .push(" ON ")
            .column(&node, from);
        sql.push(" = ").push(&tree).push(".id");
        sql.push(" WHERE ")
            .column(&node, wanted)
            .push(" IS NOT NULL");
    }
    sql.push(") SELECT id FROM ").push(&tree);
}
