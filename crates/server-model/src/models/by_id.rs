//! Values for computed fields: one statement for any number of records, put in their order.

use std::collections::HashMap;

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::convert;
use crate::value::{AnyValue, Id, Ids};

/// Runs `select`, which gives an id and a value and ends where the ids are to follow, as in
/// `SELECT id, name FROM res_partner WHERE id`. Empty values are left out.
///
/// # Errors
/// When the database fails or a value is of another type.
pub async fn values<T: sea_orm::TryGetable>(
    env: &Env,
    select: &str,
    ids: &[Id],
) -> Result<HashMap<Id, T>> {
    let mut found = HashMap::with_capacity(ids.len());
    if ids.is_empty() {
        return Ok(found);
    }
    let mut sql = env.sql(select);
    dialect::in_ids(&mut sql, ids);
    for row in env.rows(sql).await? {
        if let (Some(id), Some(value)) = (convert::get::<Id>(&row, 0)?, convert::get::<T>(&row, 1)?)
        {
            found.insert(id, value);
        }
    }
    Ok(found)
}

/// Like [`values`] for statements that give several rows a record, as links do.
///
/// # Errors
/// As for [`values`].
pub async fn lists(env: &Env, select: &str, ids: &[Id]) -> Result<HashMap<Id, Ids>> {
    let mut found: HashMap<Id, Ids> = HashMap::new();
    if ids.is_empty() {
        return Ok(found);
    }
    let mut sql = env.sql(select);
    dialect::in_ids(&mut sql, ids);
    for row in env.rows(sql).await? {
        if let (Some(id), Some(linked)) =
            (convert::get::<Id>(&row, 0)?, convert::get::<Id>(&row, 1)?)
        {
            found.entry(id).or_default().push(linked);
        }
    }
    Ok(found)
}

/// The values in the order of the ids; "no value" where there is none.
pub fn ordered<T: Into<AnyValue>>(ids: &[Id], mut found: HashMap<Id, T>) -> Vec<AnyValue> {
    ids.iter()
        .map(|id| found.remove(id).map_or(AnyValue::FALSE, Into::into))
        .collect()
}

/// The bytes that `select` gives (see [`values`]) as base64 text, in the order of the ids; "no value" where there are none.
///
/// # Errors
/// As for [`values`].
pub async fn base64_texts(env: &Env, select: &str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let found = values::<Vec<u8>>(env, select, ids).await?;
    let texts = found
        .into_iter()
        .map(|(id, bytes)| (id, convert::base64_text(&bytes)));
    Ok(ordered(ids, texts.collect()))
}

/// True for those of the ids that were found, in the order of the ids.
pub fn truths<T>(ids: &[Id], found: &HashMap<Id, T>) -> Vec<AnyValue> {
    ids.iter()
        .map(|id| AnyValue::Bool(found.contains_key(id)))
        .collect()
}

/// Counts in the order of the ids; 0 where nothing was counted.
pub fn counts(ids: &[Id], found: &HashMap<Id, i64>) -> Vec<AnyValue> {
    ids.iter()
        .map(|id| AnyValue::Int(found.get(id).copied().unwrap_or(0)))
        .collect()
}

/// Lists of links in the order of the ids.
pub fn linked(ids: &[Id], found: &HashMap<Id, Ids>) -> Vec<AnyValue> {
    ids.iter()
        .map(|id| AnyValue::ids(found.get(id).map_or(&[], Vec::as_slice)))
        .collect()
}
