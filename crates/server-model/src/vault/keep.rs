//! All the secrets of a database at once: which keys they are sealed with, and sealing them anew.

use std::collections::BTreeMap;
use std::sync::Arc;

use auth::vault::key_of;
use sea_orm::Value;

use words::say;

use super::{PARAMETERS, SECRET_PARAMETERS, Vault, place};
use crate::backend::Backend;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::registry;
use crate::retry;
use crate::schema::Kind;
use crate::value::Id;

/// How many secrets there are, by the key that they are sealed with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// By the id of the key.
    pub sealed: BTreeMap<String, usize>,
    /// Those that lie open.
    pub plain: usize,
}

impl Census {
    /// How many there are in all.
    pub fn total(&self) -> usize {
        self.plain + self.sealed.values().sum::<usize>()
    }
}

/// Who wants to know how many secrets were changed so far. It may begin anew, when another transaction won.
pub type Changed<'a> = &'a (dyn Fn(usize) + Send + Sync);

/// A column that holds secrets.
struct Column {
    table: &'static str,
    name: &'static str,
    is_bytes: bool,
}

/// Columns of secrets that are no fields anybody reads.
const HIDDEN: &[Column] = &[Column {
    table: "postern_handoff",
    name: "secret",
    is_bytes: false,
}];

fn columns() -> Vec<Column> {
    let mut columns: Vec<Column> = registry::registry()
        .iter()
        .flat_map(|model| {
            let secrets = model.fields.values().filter(|f| f.column && f.secret);
            secrets.map(move |field| Column {
                table: model.table(),
                name: field.name,
                is_bytes: field.kind == Kind::Binary,
            })
        })
        .collect();
    columns.extend(HIDDEN.iter().map(|hidden| Column { ..*hidden }));
    columns
}

/// The secrets of one column: record and stored value. Locked where they are to be changed.
async fn stored(env: &Env, column: &Column, to_change: bool) -> Result<Vec<(Id, String)>> {
    let mut sql = env.sql("SELECT id, ");
    sql.name(column.name).push(" FROM ").name(column.table);
    sql.push(" WHERE ").name(column.name).push(" IS NOT NULL");
    if column.table == PARAMETERS {
        let keys: Vec<String> = SECRET_PARAMETERS.iter().map(|key| (*key).into()).collect();
        sql.push(" AND key");
        dialect::in_texts(&mut sql, &keys);
    }
    sql.push(" ORDER BY id");
    if to_change {
        dialect::for_update(&mut sql);
    }
    let mut found = Vec::new();
    for row in env.rows(sql).await? {
        let id = convert::get(&row, 0)?.unwrap_or_default();
        let value = if column.is_bytes {
            let bytes: Vec<u8> = convert::get(&row, 1)?.unwrap_or_default();
            String::from_utf8(bytes).ok()
        } else {
            convert::get(&row, 1)?
        };
        found.extend(value.filter(|value| !value.is_empty()).map(|v| (id, v)));
    }
    Ok(found)
}

async fn counted(env: &Env) -> Result<Census> {
    let mut census = Census::default();
    for column in columns() {
        for (_, value) in stored(env, &column, false).await? {
            match key_of(&value) {
                Some(key) => *census.sealed.entry(key.to_owned()).or_default() += 1,
                None => census.plain += 1,
            }
        }
    }
    Ok(census)
}

/// Counts the secrets.
///
/// # Errors
/// When the database fails.
pub async fn census(backend: &Arc<Backend>) -> Result<Census> {
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let census = counted(&env).await;
    env.end_reading();
    census
}

/// Makes sure that every secret can be opened with the keys that there are, which is better found out
/// at the start than when the mail stops.
///
/// # Errors
/// [`Error::User`] that names the keys that are missing.
pub async fn check_keys(backend: &Arc<Backend>) -> Result<Census> {
    let census = census(backend).await?;
    let has = |id: &str| {
        let keys = backend.vault().keys.as_ref();
        keys.is_some_and(|keys| keys.has(id))
    };
    let missing: Vec<String> = census
        .sealed
        .iter()
        .filter(|(id, _)| !has(id))
        .map(|(id, count)| format!("{id:?} ({count} secrets)"))
        .collect();
    if missing.is_empty() {
        return Ok(census);
    }
    Err(Error::User(
        say!("error-vault-missing-keys", keys = %missing.join(", ")),
    ))
}

/// Seals what lies open. Gives how many secrets that were.
///
/// # Errors
/// When the database fails; then nothing was changed.
pub async fn seal_all(backend: &Arc<Backend>, changed: Changed<'_>) -> Result<usize> {
    let vault = backend.vault().clone();
    let is_open = |value: &str| key_of(value).is_none();
    change(backend, &vault, is_open, changed).await
}

/// Seals with the first key what lies open and what is sealed with another key. Gives how many secrets
/// that were.
///
/// # Errors
/// When a secret does not open or the database fails; then nothing was changed.
pub async fn reseal(backend: &Arc<Backend>, changed: Changed<'_>) -> Result<usize> {
    let vault = backend.vault().clone();
    let Some(keys) = vault.keys.clone().filter(|_| vault.seals()) else {
        return Err(Error::User(say!("error-vault-nothing-to-seal")));
    };
    let is_others = |value: &str| key_of(value) != Some(keys.sealing_key());
    change(backend, &vault, is_others, changed).await
}

/// Stores all secrets open again, as Odoo reads them. Gives how many that were.
///
/// # Errors
/// As for [`reseal`].
pub async fn unseal_all(backend: &Arc<Backend>, changed: Changed<'_>) -> Result<usize> {
    let is_sealed = |value: &str| key_of(value).is_some();
    change(backend, &Vault::default(), is_sealed, changed).await
}

/// Opens the values that `concerned` picks and stores them as `vault` would.
async fn change(
    backend: &Arc<Backend>,
    vault: &Vault,
    concerned: impl Fn(&str) -> bool,
    changed: Changed<'_>,
) -> Result<usize> {
    let superuser = Caller::superuser(Arc::clone(backend));
    retry::in_transaction(&superuser, Intent::Write, async |env| {
        let mut count = 0;
        for column in columns() {
            for (id, value) in stored(env, &column, true).await? {
                if !concerned(&value) {
                    continue;
                }
                let place = place(column.table, column.name, id);
                let secret = backend.vault().open(&place, value)?;
                let stored = vault.seal(&place, &secret)?;
                let mut sql = env.sql("UPDATE ");
                sql.name(column.table).push(" SET ").name(column.name);
                sql.push(" = ");
                if column.is_bytes {
                    sql.bind(Value::Bytes(Some(stored.into_bytes())));
                } else {
                    sql.bind(stored);
                }
                sql.push(" WHERE id = ").bind(id);
                env.execute(sql).await?;
                count += 1;
                changed(count);
            }
        }
        Ok(count)
    })
    .await
}
