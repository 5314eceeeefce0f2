//! External ids: the names that `ir.model.data` keeps for records.

use std::collections::HashMap;

use rand::Rng;

use words::say;

use super::{convert, create};
use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::value::{Id, map};

/// The module that names made for an export belong to.
const EXPORT: &str = "__export__";
/// The module of names that an import brings without one.
pub const IMPORT: &str = "__import__";

/// The external ids of the records, of those that have one.
///
/// # Errors
/// When the database fails.
pub async fn of(env: &Env, model: &Entry, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut sql = env.sql("SELECT res_id, module, name FROM ir_model_data WHERE model = ");
    sql.bind(model.name()).push(" AND res_id");
    dialect::in_ids(&mut sql, ids);
    sql.push(" ORDER BY id DESC");
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let module: String = convert::get(&row, 1)?.unwrap_or_default();
        let name: String = convert::get(&row, 2)?.unwrap_or_default();
        found.insert(id, format!("{module}.{name}"));
    }
    Ok(found)
}

/// The external ids of the records; those without get one, so that an export can be imported again.
///
/// # Errors
/// When the database fails.
pub async fn ensure(env: &Env, model: &Entry, ids: &[Id]) -> Result<HashMap<Id, String>> {
    let mut found = of(env, model, ids).await?;
    for id in ids {
        if !found.contains_key(id) {
            let name = format!(
                "{}_{id}_{:08x}",
                model.name().replace('.', "_"),
                rand::rng().random::<u32>()
            );
            let full = format!("{EXPORT}.{name}");
            keep(env, model, *id, &full).await?;
            found.insert(*id, full);
        }
    }
    Ok(found)
}

/// The record of that external id, when it is one of the model.
///
/// # Errors
/// When the database fails.
pub async fn find(env: &Env, model: &Entry, external: &str) -> Result<Option<Id>> {
    let (module, name) = split(external);
    let mut sql = env.sql("SELECT res_id FROM ir_model_data WHERE module = ");
    sql.bind(module).push(" AND name = ").bind(name);
    sql.push(" AND model = ").bind(model.name());
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}

/// Gives a record an external id.
///
/// # Errors
/// [`Error::Validation`] when another record has it already.
pub async fn keep(env: &Env, model: &Entry, id: Id, external: &str) -> Result<()> {
    let (module, name) = split(external);
    if name.is_empty() {
        return Err(Error::Validation(say!("error-external-id-empty")));
    }
    let values = map([
        ("module", module.into()),
        ("name", name.into()),
        ("model", model.name().into()),
        ("res_id", id.into()),
        ("noupdate", false.into()),
    ]);
    create::record(&env.sudo(), entry("ir.model.data")?, values).await?;
    Ok(())
}

fn split(external: &str) -> (&str, &str) {
    external.split_once('.').unwrap_or((IMPORT, external))
}
