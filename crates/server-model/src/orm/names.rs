//! What records are called: `display_name`, `name_search`, `name_create`.

use std::collections::HashMap;

use futures_util::FutureExt;

use super::{convert, read, search};
use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::Result;
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, field};
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
            .map(|(id, name)| (id, text_of(&name)))
            .collect());
    }
    let rec_name = model.fields.get(model.model.rec_name);
    let mut names = HashMap::with_capacity(ids.len());
    if let Some((through, parent, behind)) = rec_name.and_then(|field| named_by(model, field)) {
        let mut sql = env.sql("SELECT t0.id, ");
        sql.push(&convert::expression(&env, "t1", behind).await?);
        sql.push(" FROM ")
            .name(model.table())
            .push(" t0 LEFT JOIN ");
        sql.name(parent.table()).push(" t1 ON t1.id = ");
        sql.column("t0", through).push(" WHERE t0.id");
        dialect::in_ids(&mut sql, ids);
        for row in env.rows(sql).await? {
            let name = match convert::read(&row, 1, behind)? {
                AnyValue::Bool(false) => String::new(),
                name => name.to_python_text(),
            };
            names.insert(convert::get(&row, 0)?.unwrap_or_default(), name);
        }
        return Ok(names);
    }
    if let Some(rec_name) = rec_name.filter(|field| field.column) {
        let mut sql = env.sql("SELECT t0.id, ");
        sql.push(&convert::expression(&env, "t0", rec_name).await?);
        sql.push(" FROM ")
            .name(model.table())
            .push(" t0 WHERE t0.id");
        dialect::in_ids(&mut sql, ids);
        let mut links = HashMap::new();
        for row in env.rows(sql).await? {
            let id: Id = convert::get(&row, 0)?.unwrap_or_default();
            let name = match convert::read(&row, 1, rec_name)? {
                AnyValue::Bool(false) => String::new(),
                link if rec_name.kind.comodel().is_some() => {
                    links.extend(link.as_id().map(|target| (id, target)));
                    String::new()
                }
                other => other.to_python_text(),
            };
            names.insert(id, name);
        }
        if let (Some(comodel), false) = (rec_name.kind.comodel(), links.is_empty()) {
            let targets: Vec<Id> = links.values().copied().collect();
            let theirs = Box::pin(of(&env, entry(comodel)?, &targets)).await?;
            for (id, target) in links {
                names.insert(id, theirs.get(&target).cloned().unwrap_or_default());
            }
        }
        return Ok(names);
    }
    let existing = search::existing(&env, model, ids).await?;
    if let Some(rec_name) = rec_name {
        let column = read::values(&env, model, &existing, &[rec_name])
            .await?
            .shift_remove(rec_name.name)
            .unwrap_or_default();
        let texts = column.into_iter().map(|name| match name {
            AnyValue::Bool(false) => String::new(),
            name => name.to_python_text(),
        });
        return Ok(existing.into_iter().zip(texts).collect());
    }
    for id in existing {
        names.insert(id, format!("{},{id}", model.name()));
    }
    Ok(names)
}

/// A name as text; no name is the empty text.
fn text_of(name: &AnyValue) -> String {
    if name.is_nothing() {
        String::new()
    } else {
        name.to_python_text()
    }
}

/// Where a record is called what the record behind one of its links is, as a user is called what
/// its contact is: the link, the other model, and the column of the name there.
fn named_by(
    model: &Entry,
    rec_name: &Field,
) -> Option<(&'static str, &'static Entry, &'static Field)> {
    let (through, behind) = rec_name.related?.split_once('.')?;
    let link = model.fields.get(through).filter(|link| link.column)?;
    let parent = entry(link.kind.comodel()?).ok()?;
    let behind = parent.fields.get(behind)?;
    (behind.column && behind.kind.is_textual()).then_some((through, parent, behind))
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
    name: &AnyValue,
    domain: Domain,
    operator: Operator,
    limit: i64,
) -> Result<AnyValue> {
    let anything = name.is_nothing() || name.as_text() == Some("");
    let wanted = if anything && matches!(operator, Operator::Ilike | Operator::Like) {
        Domain::All
    } else {
        search_domain(model, operator, name)?
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
        Some(name) => AnyValue::List(vec![id.into(), shown(name)]),
        None => AnyValue::FALSE,
    }
}

/// A record without a name is called `False`, as any other text that is not set.
fn shown(name: String) -> AnyValue {
    AnyValue::text_or_false(Some(name).filter(|name| !name.is_empty()))
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
            .map(|id| names.remove(id).map_or(AnyValue::FALSE, shown))
            .collect())
    }
    .boxed()
}
