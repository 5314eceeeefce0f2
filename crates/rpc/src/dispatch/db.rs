//! The service `db`: which database there is. There is one, and it is not managed over the wire.

use std::sync::Arc;

use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::value::{AnyValue, Key, Map, map};

use super::common::SERIE;
use super::{at_most, exactly, unknown_method};
use crate::error::{Error, Result};

/// Methods that Odoo guards by a master password. Postern has none, so no password opens them.
const MANAGING: &[&str] = &[
    "create_database",
    "duplicate_database",
    "drop",
    "dump",
    "restore",
    "rename",
    "change_admin_password",
    "migrate_databases",
];

pub async fn call(backend: &Arc<Backend>, method: &str, args: Vec<AnyValue>) -> Result<AnyValue> {
    match method {
        "server_version" => {
            exactly::<0>(method, args)?;
            Ok(SERIE.into())
        }
        "list" => {
            at_most(method, 1, &args)?;
            Ok(database_names(backend))
        }
        "db_exist" => {
            let [name] = exactly(method, args)?;
            Ok((name.as_text() == Some(backend.database().name())).into())
        }
        "list_lang" => {
            exactly::<0>(method, args)?;
            languages(backend, false).await
        }
        _ if MANAGING.contains(&method) => Err(Error::denied(
            "Databases are not managed over the network here. Use the command line of the server.",
        )),
        _ => Err(unknown_method("db", method)),
    }
}

/// The names of the databases: the one there is.
pub fn database_names(backend: &Backend) -> AnyValue {
    AnyValue::List(vec![backend.database().name().into()])
}

/// `[code, name]` of the languages, all of them or those in use.
///
/// # Errors
/// When the database fails.
pub async fn languages(backend: &Arc<Backend>, in_use: bool) -> Result<AnyValue> {
    let fields = AnyValue::List(vec!["code".into(), "name".into()]);
    let domain = AnyValue::List(Vec::new());
    let mut named = Map::new();
    named.insert(
        Key::Borrowed("context"),
        map([("active_test", in_use.into())]).into(),
    );
    let caller = Caller::superuser(Arc::clone(backend));
    let found = call_kw(
        &caller,
        "res.lang",
        "search_read",
        vec![domain, fields],
        named,
    )
    .await?;
    let mut pairs: Vec<(String, AnyValue)> = rows(found)
        .into_iter()
        .map(|mut row| {
            let code = row.shift_remove("code").unwrap_or_default();
            let name = row.shift_remove("name").unwrap_or_default();
            (name.to_python_text(), AnyValue::List(vec![code, name]))
        })
        .collect();
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(AnyValue::List(
        pairs.into_iter().map(|pair| pair.1).collect(),
    ))
}

/// The rows of what `read` and `search_read` give.
pub fn rows(found: AnyValue) -> Vec<Map> {
    match found {
        AnyValue::Records(records) => records.into_maps(),
        AnyValue::List(items) => items
            .into_iter()
            .filter_map(|item| match item {
                AnyValue::Map(row) => Some(row),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}
