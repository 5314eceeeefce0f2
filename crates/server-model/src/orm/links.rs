//! Which link is broken, where the database does not say: SQLite only tells that one is.

use super::{convert, search};
use crate::dialect;
use crate::dialect::constraints::{is_broken_link, no_such_record, still_linked, told_model};
use crate::env::Env;
use crate::error::Error;
use crate::registry::{Entry, entry, registry};
use crate::schema::Kind;
use crate::value::{AnyValue, Id, Map};

fn is_unexplained(error: &Error) -> bool {
    matches!(error, Error::Validation(told) if is_broken_link(told))
}

/// The refusal of values, with the field that names a record which is not there.
pub async fn explained(env: &Env, model: &Entry, values: &Map, error: Error) -> Error {
    if !is_unexplained(&error) {
        return error;
    }
    for (name, value) in values {
        let Some(field) = model.fields.get(name.as_ref()).filter(|field| field.column) else {
            continue;
        };
        let (Kind::Many2one(comodel), AnyValue::Int(id)) = (field.kind, value) else {
            continue;
        };
        let Ok(comodel) = entry(comodel) else {
            continue;
        };
        let id: Vec<Id> = Id::try_from(*id).into_iter().collect();
        let found = search::existing(env, comodel, &id).await;
        if found.is_ok_and(|found| found.is_empty()) {
            return Error::Validation(no_such_record(&told_model(model), field.name));
        }
    }
    error
}

/// The refusal to delete records, with the model and the field that still link to one of them.
pub async fn explained_for(env: &Env, model: &Entry, ids: &[Id], error: Error) -> Error {
    if !is_unexplained(&error) {
        return error;
    }
    for other in registry().iter().filter(|other| !other.table().is_empty()) {
        for field in needed_by(env, other, model).await {
            let mut sql = env.sql("SELECT id FROM ");
            sql.name(other.table()).push(" WHERE ").name(&field);
            dialect::in_ids(&mut sql, ids);
            sql.push(" LIMIT 1");
            let found = search::collect_ids(env, sql).await;
            if found.is_ok_and(|found| !found.is_empty()) {
                return Error::Validation(still_linked(&told_model(other), &field));
            }
        }
    }
    error
}

/// The columns by which a table needs records of the model; others let go of a record, or go with it.
async fn needed_by(env: &Env, table: &Entry, model: &Entry) -> Vec<String> {
    let mut sql = env.sql("SELECT \"from\" FROM pragma_foreign_key_list(");
    sql.bind(table.table()).push(") WHERE \"table\" = ");
    sql.bind(model.table());
    sql.push(" AND on_delete IN ('RESTRICT', 'NO ACTION')");
    let rows = env.rows(sql).await.unwrap_or_default();
    rows.iter()
        .filter_map(|row| convert::get::<String>(row, 0).ok().flatten())
        .collect()
}
