//! Making records: defaults, parents of inheritance, columns, relations, checks.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::{access, commands, convert, defaults, links, write};
use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Operation};
use crate::value::{AnyValue, Id, Key, Map};

/// Makes a record and gives its id.
///
/// # Errors
/// [`Error::Access`] without the right, [`Error::Value`] for unknown fields and wrong types,
/// [`Error::Validation`] when a required value is missing or a constraint does not hold.
pub fn record<'a>(env: &'a Env, model: &'static Entry, given: Map) -> BoxFuture<'a, Result<Id>> {
    async move {
        access::check_model(env, model, Operation::Create).await?;
        for name in given.keys() {
            let field = model.field(name)?;
            access::check_field(env, model, field, Operation::Write).await?;
        }
        let mut values = given;
        defaults::complete(env, model, &mut values).await?;
        if let Some(before_create) = model.model.hooks.before_create {
            before_create(env, &mut values).await?;
        }
        make_parents(env, model, &mut values).await?;
        check_required(model, &values)?;
        let id = insert(env, model, &values).await?;
        write::beside_columns(env, model, &[id], &values, commands::Since::Created).await?;
        if let Some(after_create) = model.model.hooks.after_create {
            after_create(env, id, &values).await?;
        }
        if let Some(check) = model.model.hooks.check {
            check(env, &[id], &values).await?;
        }
        access::check_records(env, model, &[id], Operation::Create).await?;
        Ok(id)
    }
    .boxed()
}

/// Makes the records this one inherits from, or writes to those it names.
async fn make_parents(env: &Env, model: &'static Entry, values: &mut Map) -> Result<()> {
    for (parent, through) in model.model.inherits {
        let parent = entry(parent)?;
        let mut theirs = Map::new();
        let inherited: Vec<Key> = values
            .keys()
            .filter(|name| leads_through(model, name, through))
            .cloned()
            .collect();
        for name in inherited {
            if let Some(value) = values.shift_remove(&name) {
                theirs.insert(name, value);
            }
        }
        match values.get(*through).and_then(AnyValue::as_id) {
            Some(existing) if !theirs.is_empty() => {
                write::records(env, parent, &[existing], theirs).await?;
            }
            Some(_) => {}
            None => {
                let id = record(env, parent, theirs).await?;
                values.insert(Key::Borrowed(through), id.into());
            }
        }
    }
    Ok(())
}

fn leads_through(model: &Entry, name: &str, through: &str) -> bool {
    model.fields.get(name).is_some_and(|field| {
        field.inherited
            && field
                .related
                .and_then(|path| path.split_once('.'))
                .is_some_and(|(first, _)| first == through)
    })
}

fn check_required(model: &Entry, values: &Map) -> Result<()> {
    let missing: Vec<String> = model
        .fields
        .values()
        .filter(|field| field.column && field.required)
        .filter(|field| is_missing(field, values.get(field.name)))
        .map(|field| format!("{} ({})", field.label, field.name))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::Validation(format!(
        "A new record of {:?} ({}) needs a value for: {}.",
        model.model.description,
        model.name(),
        missing.join(", ")
    )))
}

/// Whether a required field is left without a value. Numbers and boxes always have one.
pub fn is_missing(field: &Field, value: Option<&AnyValue>) -> bool {
    use crate::schema::Kind;
    match field.kind {
        Kind::Boolean | Kind::Integer | Kind::Float => false,
        Kind::Many2one(_) => !matches!(value, Some(AnyValue::Int(id)) if *id != 0),
        _ => value.is_none_or(AnyValue::is_nothing),
    }
}

async fn insert(env: &Env, model: &'static Entry, values: &Map) -> Result<Id> {
    let mut columns = Vec::new();
    let mut bound: Vec<Bound> = Vec::new();
    for field in model.fields.values().filter(|field| field.column) {
        let value = match (field.name, values.get(field.name)) {
            ("id", _) => continue,
            ("create_uid" | "write_uid", _) if model.keeps_log() => Bound::Plain(env.uid().into()),
            ("create_date" | "write_date", _) if model.keeps_log() => {
                Bound::Plain(env.now().into())
            }
            (_, None) => continue,
            (_, Some(given)) if field.translate => Bound::Json(new_object(
                model,
                field,
                given,
                &["en_US", dialect::language(env.lang())],
            )?),
            (_, Some(given)) if field.company_dependent => {
                let company = convert::company(env).await?.to_string();
                Bound::Json(new_object(model, field, given, &[&company])?)
            }
            (_, Some(given)) => Bound::Plain(convert::stored(model, field, given)?),
        };
        columns.push(field.name);
        bound.push(value);
    }
    let mut sql = env.sql("INSERT INTO ");
    sql.name(model.table());
    if columns.is_empty() {
        sql.push(" DEFAULT VALUES");
    } else {
        for (place, column) in columns.iter().enumerate() {
            sql.push(if place == 0 { " (" } else { ", " }).name(column);
        }
        for (place, value) in bound.into_iter().enumerate() {
            sql.push(if place == 0 { ") VALUES (" } else { ", " });
            match value {
                Bound::Plain(value) => {
                    sql.bind(value);
                }
                Bound::Json(json) => dialect::bind_json(&mut sql, json),
            }
        }
        sql.push(")");
    }
    sql.push(" RETURNING id");
    let row = match env.row(sql).await {
        Ok(row) => row,
        Err(error) => return Err(links::explained(env, model, values, error).await),
    };
    row.as_ref()
        .map(|row| convert::get::<Id>(row, 0))
        .transpose()?
        .flatten()
        .ok_or_else(|| Error::Internal(format!("{} gave no id to a new record.", model.name())))
}

enum Bound {
    Plain(sea_orm::Value),
    Json(Option<String>),
}

/// The object of a new record: the same text for each of the languages, or for the company.
fn new_object(
    model: &Entry,
    field: &Field,
    given: &AnyValue,
    members: &[&str],
) -> Result<Option<String>> {
    let sea_orm::Value::String(Some(text)) = convert::stored(model, field, given)? else {
        return Ok(None);
    };
    let text = serde_json::Value::String(text);
    let mut texts = serde_json::Map::new();
    for member in members {
        texts.insert((*member).to_owned(), text.clone());
    }
    Ok(Some(serde_json::Value::Object(texts).to_string()))
}
