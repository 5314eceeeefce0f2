//! Making records: defaults, parents of inheritance, columns, relations, checks.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use words::{Text, say};

use super::{access, commands, convert, defaults, links, write};
use crate::audit;
use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Operation};
use crate::value::{AnyValue, Id, Key, Map};
use crate::vault;

/// So many rows are inserted with one statement, whose values the databases limit.
const AT_ONCE: usize = 128;

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
        audit::created(env, model, id, &values).await?;
        Ok(id)
    }
    .boxed()
}

/// Makes many records with few statements and gives their ids in the same order. For models that
/// inherit from no other.
///
/// # Errors
/// As for [`record`]; then none of them is made.
pub async fn records(env: &Env, model: &'static Entry, given: Vec<Map>) -> Result<Vec<Id>> {
    let hooks = &model.model.hooks;
    if !model.model.inherits.is_empty() {
        return Err(Error::Internal(format!(
            "Records of {} are made one by one.",
            model.name()
        )));
    }
    access::check_model(env, model, Operation::Create).await?;
    let mut ids = Vec::with_capacity(given.len());
    let mut given = given.into_iter();
    while given.len() > 0 {
        let some = dialect::rows_at_once(given.len(), AT_ONCE);
        let mut rows = Vec::with_capacity(some);
        for mut values in given.by_ref().take(some) {
            for name in values.keys() {
                let field = model.field(name)?;
                access::check_field(env, model, field, Operation::Write).await?;
            }
            defaults::complete(env, model, &mut values).await?;
            if let Some(before_create) = hooks.before_create {
                before_create(env, &mut values).await?;
            }
            check_required(model, &values)?;
            rows.push(values);
        }
        let made = insert_all(env, model, &rows).await?;
        for (id, values) in made.iter().zip(&rows) {
            write::beside_columns(env, model, &[*id], values, commands::Since::Created).await?;
            if let Some(after_create) = hooks.after_create {
                after_create(env, *id, values).await?;
            }
            if let Some(check) = hooks.check {
                check(env, &[*id], values).await?;
            }
            audit::created(env, model, *id, values).await?;
        }
        access::check_records(env, model, &made, Operation::Create).await?;
        ids.extend(made);
    }
    Ok(ids)
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
    let missing: Vec<&Field> = model
        .fields
        .values()
        .filter(|field| field.column && field.required)
        .filter(|field| is_missing(field, values.get(field.name)))
        .collect();
    let Some(first) = missing.first().map(|field| field.name) else {
        return Ok(());
    };
    let named = missing
        .into_iter()
        .map(|field| say!("field-named", label = model.label(field), name = field.name));
    Err(Error::Validation(
        say!(
            "error-create-incomplete",
            title = model.title(),
            name = model.name(),
            fields = Text::listed(named)
        )
        .about(first),
    ))
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
    let made = insert_all(env, model, std::slice::from_ref(values)).await?;
    made.first()
        .copied()
        .ok_or_else(|| Error::Internal(format!("{} gave no id to a new record.", model.name())))
}

/// Inserts rows and gives their ids in the same order.
async fn insert_all(env: &Env, model: &'static Entry, rows: &[Map]) -> Result<Vec<Id>> {
    env.changes(model.name());
    let has = |field: &Field| rows.iter().any(|values| values.contains_key(field.name));
    let seals = env.backend().vault().seals();
    let (sealed, columns): (Vec<&Field>, Vec<&Field>) = model
        .fields
        .values()
        .filter(|field| field.column && field.name != "id")
        .filter(|field| is_log(model, field) || has(field))
        .partition(|field| seals && field.secret);
    // A secret is sealed for its record, which has no id yet.
    let columns: Vec<&Field> = columns
        .into_iter()
        .chain(sealed.iter().copied().filter(|field| field.required))
        .collect();
    let mut sql = env.sql("INSERT INTO ");
    sql.name(model.table());
    if columns.is_empty() {
        sql.push(" DEFAULT VALUES");
    } else {
        for (place, field) in columns.iter().enumerate() {
            sql.push(if place == 0 { " (" } else { ", " })
                .name(field.name);
        }
        for (row, values) in rows.iter().enumerate() {
            sql.push(if row == 0 { ") VALUES (" } else { "), (" });
            for (place, field) in columns.iter().enumerate() {
                sql.push(if place == 0 { "" } else { ", " });
                if seals && field.secret {
                    sql.bind("");
                    continue;
                }
                match bound(env, model, field, values).await? {
                    Bound::Plain(value) => {
                        sql.bind(value);
                    }
                    Bound::Json(json) => dialect::bind_json(&mut sql, json),
                    // Several rows share their columns, and the value of one is missing.
                    Bound::Nothing => {
                        sql.push("NULL");
                    }
                }
            }
        }
        sql.push(")");
    }
    sql.push(" RETURNING id");
    let mut ids = match super::search::collect_ids(env, sql).await {
        Ok(ids) => ids,
        Err(error) => {
            return Err(match rows {
                [only] => links::explained(env, model, only, error).await,
                // Which of the rows it was is not known.
                _ => error,
            });
        }
    };
    if ids.len() != rows.len() {
        return Err(Error::Internal(format!(
            "{} gave no id to a new record.",
            model.name()
        )));
    }
    // Rows get their numbers in the order in which they are written, whatever order they come back in.
    ids.sort_unstable();
    for (id, values) in ids.iter().zip(rows) {
        for field in &sealed {
            if let Some(value) = values.get(field.name) {
                vault::write(env, model, field, &[*id], value).await?;
            }
        }
    }
    Ok(ids)
}

fn is_log(model: &Entry, field: &Field) -> bool {
    model.keeps_log()
        && matches!(
            field.name,
            "create_uid" | "write_uid" | "create_date" | "write_date"
        )
}

/// What goes into a column of a new row.
async fn bound(env: &Env, model: &'static Entry, field: &Field, values: &Map) -> Result<Bound> {
    if is_log(model, field) {
        return Ok(Bound::Plain(match field.name {
            "create_uid" | "write_uid" => env.uid().into(),
            _ => env.now().into(),
        }));
    }
    let Some(given) = values.get(field.name) else {
        return Ok(Bound::Nothing);
    };
    if field.translate {
        let languages = ["en_US", dialect::language(env.lang())];
        return new_object(model, field, given, &languages).map(Bound::Json);
    }
    if field.company_dependent {
        let company = convert::company(env).await?.to_string();
        return new_object(model, field, given, &[&company]).map(Bound::Json);
    }
    convert::stored(model, field, given).map(Bound::Plain)
}

enum Bound {
    Nothing,
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
