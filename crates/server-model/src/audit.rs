//! The trail of administrative acts: who changed what in the set-up, from where, and what it was before.
//!
//! What is changed in a model that is declared as audited is written down in the transaction that changes it, so that the
//! trail tells of what happened and of nothing else. What the program does by itself is none of it. Of a secret it says
//! that it changed, never what it is.

use std::net::IpAddr;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use crate::env::{Env, SUPERUSER};
use crate::error::Result;
use crate::orm::{names, read};
use crate::registry::Entry;
use crate::schema::Field;
use crate::value::{AnyValue, Id, Map};
use crate::vault::SECRET_PARAMETERS;

/// The longest value that is kept whole, in characters.
const LONGEST: usize = 500;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A record was made.
    Create,
    /// A record was changed.
    Write,
    /// A record was deleted.
    Unlink,
    /// A mailbox was connected with its provider.
    Connect,
    /// A password was changed by its owner, or set anew on the command line.
    Password,
}

impl Act {
    /// The name under which it is kept.
    pub const fn name(self) -> &'static str {
        match self {
            Act::Create => "create",
            Act::Write => "write",
            Act::Unlink => "unlink",
            Act::Connect => "connect",
            Act::Password => "password",
        }
    }
}

/// A record that something was done to.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The model.
    pub model: &'a str,
    /// The record.
    pub id: Id,
    /// What people call it.
    pub name: &'a str,
}

/// What the trail says of a field that changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The name of the field.
    pub field: String,
    /// What it was and what it became; `None` for a secret.
    pub values: Option<[Was; 2]>,
}

/// A value as the trail keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Was {
    /// There was none.
    Nothing,
    /// True or false; of fields that hold something else `false` means that there was nothing.
    Truth(bool),
    /// Anything else, as text.
    Text(String),
}

/// Reads the field `changes` of an entry. What cannot be read is left out.
pub fn changes(kept: &str) -> Vec<Change> {
    let changes = serde_json::from_str::<Vec<serde_json::Value>>(kept).unwrap_or_default();
    let read = changes.iter().filter_map(|change| {
        let field = change.get("field")?.as_str()?.to_owned();
        let is_secret = change.get("secret").is_some();
        let values = ["old", "new"].map(|when| was(change.get(when)));
        Some(Change {
            field,
            values: (!is_secret).then_some(values),
        })
    });
    read.collect()
}

fn was(value: Option<&serde_json::Value>) -> Was {
    match value {
        None | Some(serde_json::Value::Null) => Was::Nothing,
        Some(serde_json::Value::Bool(truth)) => Was::Truth(*truth),
        Some(serde_json::Value::String(text)) => Was::Text(text.clone()),
        Some(other) => Was::Text(other.to_string()),
    }
}

/// Records as they were before a write.
pub struct Before {
    fields: Vec<&'static Field>,
    values: IndexMap<&'static str, Vec<AnyValue>>,
    /// The parameters that were secrets by the key they had.
    secret: Vec<Id>,
}

/// Whether the trail tells of what this caller does to the model.
fn is_kept(env: &Env, model: &Entry) -> bool {
    model.model.audited && !env.caller().is_program()
}

/// Reads what is about to be written over.
///
/// # Errors
/// When the database fails.
pub fn before<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    given: &'a Map,
) -> BoxFuture<'a, Result<Option<Before>>> {
    async move {
        if !is_kept(env, model) {
            return Ok(None);
        }
        let fields: Vec<&'static Field> = given
            .keys()
            .filter_map(|name| model.fields.get(&**name))
            .filter(|field| !field.inherited)
            .collect();
        let values = shown(env, model, ids, &fields).await?;
        let secret = secret_parameters(env, model, ids).await?;
        Ok(Some(Before {
            fields,
            values,
            secret,
        }))
    }
    .boxed()
}

/// Writes down what a write changed.
///
/// # Errors
/// When the database fails.
pub fn written<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    before: &'a Before,
) -> BoxFuture<'a, Result<()>> {
    async move {
        let after = shown(env, model, ids, &before.fields).await?;
        // By its new key or by its old one: what it was may still open something.
        let mut secret = secret_parameters(env, model, ids).await?;
        secret.extend(&before.secret);
        let called = names::of(env, model, ids).await?;
        for (place, id) in ids.iter().enumerate() {
            let mut changes = Vec::new();
            for field in before.fields.iter().copied() {
                if is_secret(field, secret.contains(id)) {
                    changes.push(secret_change(field.name));
                    continue;
                }
                let value = |rows: &IndexMap<&'static str, Vec<AnyValue>>| {
                    rows.get(field.name)
                        .and_then(|column| column.get(place))
                        .map(json)
                };
                let (old, new) = (value(&before.values), value(&after));
                if old != new {
                    changes.push(serde_json::json!({"field": field.name, "old": old, "new": new}));
                }
            }
            if !changes.is_empty() {
                let subject = subject(model, *id, &called);
                insert(env, Act::Write, subject, changes).await?;
            }
        }
        Ok(())
    }
    .boxed()
}

/// Writes down that a record was made, with the values that were given.
///
/// # Errors
/// When the database fails.
pub fn created<'a>(
    env: &'a Env,
    model: &'static Entry,
    id: Id,
    values: &'a Map,
) -> BoxFuture<'a, Result<()>> {
    async move {
        if !is_kept(env, model) {
            return Ok(());
        }
        let secret = !secret_parameters(env, model, &[id]).await?.is_empty();
        let mut changes = Vec::new();
        for (name, value) in values {
            let Some(field) = model.fields.get(&**name).filter(|field| !field.inherited) else {
                continue;
            };
            if value.is_nothing() || matches!(value, AnyValue::List(items) if items.is_empty()) {
                continue;
            }
            changes.push(if is_secret(field, secret) {
                secret_change(field.name)
            } else {
                serde_json::json!({"field": field.name, "new": json(value)})
            });
        }
        let called = names::of(env, model, &[id]).await?;
        insert(env, Act::Create, subject(model, id, &called), changes).await
    }
    .boxed()
}

/// Writes down that records are being deleted.
///
/// # Errors
/// When the database fails.
pub async fn deleted(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<()> {
    if !is_kept(env, model) {
        return Ok(());
    }
    let called = names::of(env, model, ids).await?;
    for id in ids {
        insert(env, Act::Unlink, subject(model, *id, &called), Vec::new()).await?;
    }
    Ok(())
}

/// Writes down an act that is more than a change of values.
///
/// # Errors
/// When the database fails.
pub async fn note(env: &Env, act: Act, subject: Subject<'_>) -> Result<()> {
    insert(env, act, subject, Vec::new()).await
}

async fn insert(
    env: &Env,
    act: Act,
    subject: Subject<'_>,
    changes: Vec<serde_json::Value>,
) -> Result<()> {
    // Whoever has the machine has no login here.
    let login = match env.uid() {
        SUPERUSER => None,
        _ => Some(env.user().await?.login.clone()),
    };
    let changes = (!changes.is_empty()).then(|| serde_json::Value::from(changes).to_string());
    let address = env
        .caller()
        .address()
        .map(|address: IpAddr| address.to_string());
    let mut sql = env.sql(
        "INSERT INTO postern_audit (create_date, user_id, login, address, act, model, res_id, record, changes) VALUES (",
    );
    sql.bind(env.now()).push(", ").bind(env.uid());
    sql.push(", ").bind(login).push(", ").bind(address);
    sql.push(", ").bind(act.name());
    sql.push(", ")
        .bind(subject.model)
        .push(", ")
        .bind(subject.id);
    sql.push(", ").bind(shortened(subject.name));
    sql.push(", ").bind(changes).push(")");
    env.execute(sql).await.map(drop)
}

fn subject<'a>(
    model: &'static Entry,
    id: Id,
    called: &'a std::collections::HashMap<Id, String>,
) -> Subject<'a> {
    Subject {
        model: model.name(),
        id,
        name: called.get(&id).map_or("", String::as_str),
    }
}

/// The values of what may be shown of the fields.
async fn shown(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    fields: &[&'static Field],
) -> Result<IndexMap<&'static str, Vec<AnyValue>>> {
    let open: Vec<&'static Field> = fields
        .iter()
        .copied()
        .filter(|field| !is_secret(field, false))
        .collect();
    read::values(&env.sudo(), model, ids, &open).await
}

/// A parameter is a secret if its key says so; what a column is marked as says it of all of them.
fn is_secret(field: &Field, is_secret_parameter: bool) -> bool {
    let holds_parameters = field.name == "value";
    is_secret_parameter && holds_parameters
        || field.secret && !holds_parameters
        || ["password", "passwd"]
            .iter()
            .any(|word| field.name.contains(word))
}

/// Those of the parameters whose values are secrets.
async fn secret_parameters(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<Vec<Id>> {
    if model.name() != "ir.config_parameter" {
        return Ok(Vec::new());
    }
    let keys = names::of(env, model, ids).await?;
    Ok(ids
        .iter()
        .copied()
        .filter(|id| keys.get(id).is_none_or(|key| is_secret_key(key)))
        .collect())
}

/// Also keys that programs beside Postern use for their secrets.
fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_PARAMETERS.contains(&&*key)
        || [
            "secret",
            "password",
            "passwd",
            "token",
            "private",
            "api_key",
            "certificate",
        ]
        .iter()
        .any(|word| key.contains(word))
}

fn secret_change(field: &str) -> serde_json::Value {
    serde_json::json!({"field": field, "secret": true})
}

fn json(value: &AnyValue) -> serde_json::Value {
    match value {
        AnyValue::Null => serde_json::Value::Null,
        AnyValue::Bool(value) => (*value).into(),
        AnyValue::Int(value) => (*value).into(),
        AnyValue::Float(value) => (*value).into(),
        AnyValue::Bytes(bytes) => format!("{} bytes", bytes.len()).into(),
        AnyValue::List(items) => items.iter().map(json).collect::<Vec<_>>().into(),
        other => shortened(&other.to_python_text()).into(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again() {
        let kept = r#"[{"field": "active", "old": false, "new": true}, {"field": "smtp_pass", "secret": true},
            {"field": "smtp_port", "new": 25}, {"old": 1}, 7]"#;
        let change = |field: &str, values| Change {
            field: field.into(),
            values,
        };
        assert_eq!(
            changes(kept),
            [
                change("active", Some([Was::Truth(false), Was::Truth(true)])),
                change("smtp_pass", None),
                change("smtp_port", Some([Was::Nothing, Was::Text("25".into())])),
            ]
        );
        assert_eq!(changes("broken"), []);
    }
}
