//! The values of a new record before anybody typed one.

use super::{convert, read};
use crate::env::Env;
use crate::error::Result;
use crate::registry::{Entry, entry};
use crate::schema::{Default, Field};
use crate::value::{AnyValue, Key, Map};

/// The defaults for the named fields, as a form shows them. Unknown names are left out.
///
/// # Errors
/// [`crate::error::Error::Value`] for a `default_…` in the context that the field cannot hold.
pub async fn get(env: &Env, model: &'static Entry, names: &[String]) -> Result<Map> {
    let mut values = Map::new();
    for name in names {
        let Some(field) = model.fields.get(name.as_str()) else {
            continue;
        };
        if let Some(value) = default_of(env, model, field).await? {
            values.insert(Key::Borrowed(field.name), value);
        }
    }
    if let Some(default_get) = model.model.hooks.default_get {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        default_get(env, &names, &mut values).await?;
        values.retain(|name, _| names.contains(&name.as_ref()));
    }
    Ok(values)
}

/// Adds the defaults of all fields that have no value yet.
///
/// # Errors
/// As for [`get`].
pub async fn complete(env: &Env, model: &'static Entry, values: &mut Map) -> Result<()> {
    let missing: Vec<String> = model
        .fields
        .values()
        // What is inherited gets its defaults where the parent record is made.
        .filter(|field| !field.inherited && !values.contains_key(field.name))
        .filter(|field| field.column || field.is_stored() || field.inverse.is_some())
        .map(|field| field.name.to_owned())
        .collect();
    for (name, value) in get(env, model, &missing).await? {
        values.entry(name).or_insert(value);
    }
    Ok(())
}

async fn default_of(env: &Env, model: &'static Entry, field: &Field) -> Result<Option<AnyValue>> {
    if matches!(
        field.name,
        "id" | "create_uid" | "create_date" | "write_uid" | "write_date"
    ) {
        return Ok(None);
    }
    let key = format!("default_{}", field.name);
    if let Some(given) = env.context().get(key.as_str()) {
        if field.column {
            convert::stored(model, field, given)?;
        }
        return Ok(Some(given.clone()));
    }
    if field.inherited {
        if let Some((through, name)) = field.related.and_then(|path| path.split_once('.'))
            && let Some(parent) = model.field(through)?.kind.comodel()
            && let Some(origin) = entry(parent)?.fields.get(name)
        {
            return Box::pin(default_of(env, entry(parent)?, origin)).await;
        }
        return Ok(None);
    }
    Ok(match field.default {
        Default::Absent => None,
        Default::Text(text) => Some(text.into()),
        Default::Int(number) if matches!(field.kind, crate::schema::Kind::Float) => {
            Some(AnyValue::Float(number as f64))
        }
        Default::Int(number) => Some(number.into()),
        Default::Bool(truth) => Some(truth.into()),
        Default::Call(call) => Some(convert::shown(call(env).await?)),
    })
}

/// What a form shows for a field without a default.
pub fn blank(field: &Field) -> AnyValue {
    read::empty(field)
}
