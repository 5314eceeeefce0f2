//! What the program reads and writes of Odoo's tables.

use std::collections::{BTreeMap, BTreeSet};

use crate::registry::registry;

/// Tables of which whole rows are read.
const WHOLE: [&str; 4] = [
    "mail_message",
    "mail_mail",
    "ir_mail_server",
    "fetchmail_server",
];

/// Columns that are no fields and are used all the same.
const BESIDE: [(&str, &[&str]); 3] = [
    ("res_users", &["password", "totp_secret"]),
    ("res_users_apikeys", &["index", "key"]),
    ("res_users_identitycheck", &["request"]),
];

/// The columns that the program works with, by their tables. Of a table that is not named, all are.
pub fn needs() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    let mut needs: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for entry in registry().iter() {
        let table = entry.table();
        if table.is_empty() || WHOLE.contains(&table) {
            continue;
        }
        let columns = entry
            .model
            .columns
            .iter()
            .filter(|field| field.column)
            .map(|field| field.name);
        needs.entry(table).or_default().extend(columns);
    }
    for (table, columns) in BESIDE {
        needs.entry(table).or_default().extend(columns);
    }
    needs
}

/// Whether the program holds a model, so that mails for it are its own.
pub fn holds(model: &str) -> bool {
    registry().get(model).is_ok()
}
