//! What records are called: `display_name`, `name_search`, `name_create`.

use std::collections::HashMap;

use futures_util::FutureExt;

use super::{access, convert, search};
use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::Result;
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation, field};
use crate::value::{AnyValue, Id};

/// The field that every model has.
pub const DISPLAY_NAME: Field = Field {
    readonly: true,
    copied: false,
    ..field("display_name", "Display Name", Kind::Char)
};

/// The names of the records, whatever the caller's rights: who sees a link sees its name.
///
/// # Errors
/// When the database fails.
pub async fn of(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<HashMap<Id, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let env = env.sudo();
    if let Some(display_name) = model.model.hooks.display_name {
        let names = display_name(&env, ids).await?;
        return Ok(ids
            .iter()
            .copied()
            .zip(names)
            .map(|(id, name)| (id, name.to_python_text()))
            .collect());
    }
    let rec_name = model.fields.get(model.model.rec_name);
    let mut names = HashMap::with_capacity(ids.len());
    if let Some(rec_name) = rec_name.filter(|field| field.column) {
        let mut sql = env.sql("SELECT t0.id, ");
        if rec_name.translate {
            sql.push(&dialect::translated("t0", rec_name.name, env.lang()));
        } else {
            sql.column("t0", rec_name.name);
        }
        sql.push(" FROM ")
            .name(model.table())
            .push(" t0 WHERE t0.id");
        dialect::in_ids(&mut sql, ids);
        for row in env.rows(sql).await? {
            let id: Id = convert::get(&row, 0)?.unwrap_or_default();
            let name = match convert::read(&row, 1, rec_name)? {
                AnyValue::Bool(false) => String::new(),
                AnyValue::Int(target) => related_name(&env, rec_name, target).await?,
                other => other.to_python_text(),
            };
            names.insert(id, name);
        }
        return Ok(names);
    }
    for id in search::existing(&env, model, ids).await? {
        names.insert(id, format!("{},{id}", model.name()));
    }
    Ok(names)
}

async fn related_name(env: &Env, rec_name: &Field, target: i64) -> Result<String> {
    let (Some(comodel), Ok(target)) = (rec_name.kind.comodel(), Id::try_from(target)) else {
        return Ok(target.to_string());
    };
    let mut names = Box::pin(of(env, entry(comodel)?, &[target])).await?;
    Ok(names.remove(&target).unwrap_or_default())
}

/// The condition "is called so" in terms of stored fields.
///
/// # Errors
/// None at present; searching by name never fails.
pub fn search_domain(model: &Entry, operator: Operator, value: &AnyValue) -> Result<Domain> {
    if let Some(names) = NAME_FIELDS.iter().find(|(name, _)| *name == model.name()) {
        let parts: Vec<Domain> = names
            .1
            .iter()
            .map(|field| Domain::leaf(*field, operator, value.clone()))
            .collect();
        return Ok(if operator.is_negative() {
            Domain::And(parts)
        } else {
            Domain::Or(parts)
        });
    }
    let rec_name = model.model.rec_name;
    Ok(match model.fields.get(rec_name) {
        Some(field) => Domain::leaf(field.name, operator, value.clone()),
        None => Domain::All,
    })
}

/// Models whose records are found by more than one field.
const NAME_FIELDS: &[(&str, &[&str])] = &[
    ("res.partner", &["complete_name", "email", "ref", "vat"]),
    ("res.users", &["login", "name"]),
    ("ir.model", &["name", "model"]),
];

/// Records whose name matches: pairs of id and name.
///
/// # Errors
/// As for searching.
pub async fn name_search(
    env: &Env,
    model: &'static Entry,
    name: &str,
    domain: Domain,
    operator: Operator,
    limit: i64,
) -> Result<AnyValue> {
    let wanted = if name.is_empty() && matches!(operator, Operator::Ilike | Operator::Like) {
        Domain::All
    } else {
        search_domain(model, operator, &name.into())?
    };
    let options = search::Options {
        limit,
        ..search::Options::default()
    };
    let ids = search::ids(env, model, &domain.and(wanted), &options).await?;
    let mut names = of(env, model, &ids).await?;
    Ok(AnyValue::List(
        ids.into_iter()
            .map(|id| pair(id, names.remove(&id)))
            .collect(),
    ))
}

/// A link as clients read it: `[id, name]`, or `False` when the record is gone.
pub fn pair(id: Id, name: Option<String>) -> AnyValue {
    match name {
        Some(name) => AnyValue::List(vec![id.into(), name.into()]),
        None => AnyValue::FALSE,
    }
}

/// The names of records, one for each id in order, after the right to read them was checked.
///
/// # Errors
/// As for reading.
pub async fn name_get(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<AnyValue> {
    access::check_records(env, model, ids, Operation::Read).await?;
    let mut names = of(env, model, ids).await?;
    Ok(AnyValue::List(
        ids.iter().map(|id| pair(*id, names.remove(id))).collect(),
    ))
}

/// The values of `display_name` as a computed field gives them.
pub fn compute<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
) -> futures_util::future::BoxFuture<'a, Result<Vec<AnyValue>>> {
    async move {
        let mut names = of(env, model, ids).await?;
        Ok(ids
            .iter()
            .map(|id| names.remove(id).map_or(AnyValue::FALSE, AnyValue::Text))
            .collect())
    }
    .boxed()
}
