//! What a person is told when a constraint of the database does not hold: of which records, and by which field.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use crate::registry::registry;

/// What is told of a broken link where the database does not say which one it is.
pub const BROKEN_LINK: &str =
    "Other records refer to this one, or this one refers to a record that does not exist.";

/// The conditions that tables put on their rows, in words.
const CONDITIONS: &[(&str, &str)] = &[
    (
        "ir_cron_check_strictly_positive_interval",
        "The interval (interval_number) of a job must be 1 or more.",
    ),
    (
        "ir_mail_server_certificate_requires_tls",
        "An outgoing server that shows a certificate (smtp_authentication) needs an encryption (smtp_encryption).",
    ),
    (
        "ir_model_data_name_nospaces",
        "An external id (name) must not hold spaces.",
    ),
    (
        "ir_rule_no_access_rights",
        "A record rule is for reading, writing, creating or deleting (perm_read, perm_write, perm_create, perm_unlink).",
    ),
    (
        "mail_notification_notification_partner_required",
        "A notification by email or in the inbox (notification_type) needs a recipient (res_partner_id).",
    ),
    (
        "res_groups_check_api_key_duration",
        "The longest time that API keys of a group work (api_key_duration) must not be negative.",
    ),
    (
        "res_partner_check_name",
        "A contact needs a name (name), unless it is an address of another type (type).",
    ),
    (
        "res_users_notification_type",
        "Only internal users get notifications in their inbox (notification_type).",
    ),
];

/// Two records with the same value.
pub fn same_value(refusal: &dyn DatabaseError) -> String {
    let (table, columns) = match key_of(refusal) {
        Some(columns) => (refusal.table().unwrap_or_default().to_owned(), columns),
        None => columns_in(refusal.message()),
    };
    format!(
        "There is a record of {} with the same value of {columns} already. Choose another one.",
        model_of(&table)
    )
}

/// A row that a condition of its table forbids.
pub fn condition(refusal: &dyn DatabaseError) -> String {
    let name = match refusal.constraint() {
        Some(name) => name,
        None => behind_colon(refusal.message()),
    };
    match CONDITIONS.iter().find(|(known, _)| *known == name) {
        Some((_, told)) => (*told).to_owned(),
        None => format!("The values do not fit together: {name} does not hold."),
    }
}

/// A link to a record that is not there, or a record that is still linked to.
pub fn broken_link(refusal: &dyn DatabaseError) -> String {
    let (Some(table), Some(name)) = (refusal.table(), refusal.constraint()) else {
        return BROKEN_LINK.to_owned();
    };
    let column = name.strip_suffix("_fkey").unwrap_or(name);
    let column = column.strip_prefix(table).unwrap_or(column);
    let column = column.trim_start_matches('_');
    let missing = detail(refusal).is_some_and(|told| told.contains("is not present"));
    if missing {
        no_such_record(&model_of(table), column)
    } else {
        still_linked(&model_of(table), column)
    }
}

/// The sentence for a link that leads nowhere.
pub fn no_such_record(model: &str, field: &str) -> String {
    format!("{field:?} of {model} names a record that does not exist. Choose another one.")
}

/// The sentence for a record that is needed.
pub fn still_linked(model: &str, field: &str) -> String {
    format!("Records of {model} refer to this one by {field:?}. Change or delete them first.")
}

/// How a person knows the model of a table.
fn model_of(table: &str) -> String {
    let model = registry()
        .iter()
        .find(|entry| !table.is_empty() && entry.table() == table);
    match model {
        Some(entry) => told_model(entry),
        None => table.to_owned(),
    }
}

/// How a person knows a model.
pub fn told_model(entry: &crate::registry::Entry) -> String {
    format!("{:?} ({})", entry.model.description, entry.name())
}

fn detail(refusal: &dyn DatabaseError) -> Option<&str> {
    refusal.try_downcast_ref::<PgDatabaseError>()?.detail()
}

/// The columns in PostgreSQL's `Key (a, b)=(1, 2) already exists.`
fn key_of(refusal: &dyn DatabaseError) -> Option<String> {
    let (_, columns) = detail(refusal)?.split_once("Key (")?;
    let (columns, _) = columns.split_once(")=(")?;
    Some(quoted(columns.split(", ")))
}

/// The table and columns in SQLite's `UNIQUE constraint failed: t.a, t.b`; for an index over
/// expressions it tells only its name.
fn columns_in(message: &str) -> (String, String) {
    let places = behind_colon(message);
    let table = places.split_once('.').map_or("", |(table, _)| table);
    let columns = places
        .split(", ")
        .map(|place| place.split_once('.').map_or(place, |(_, column)| column));
    (table.to_owned(), quoted(columns))
}

fn behind_colon(message: &str) -> &str {
    message.rsplit_once(": ").map_or(message, |(_, told)| told)
}

fn quoted<'a>(columns: impl Iterator<Item = &'a str>) -> String {
    let columns: Vec<String> = columns.map(|column| format!("{column:?}")).collect();
    columns.join(" and ")
}

#[cfg(test)]
mod tests {
    use super::columns_in;

    #[test]
    fn what_sqlite_says_of_equal_values_tells_table_and_columns() {
        let told = |places| columns_in(&format!("UNIQUE constraint failed: {places}"));
        let expected = |table: &str, columns: &str| (table.to_owned(), columns.to_owned());
        assert_eq!(told("a.b"), expected("a", "\"b\""));
        assert_eq!(told("a.b, a.c"), expected("a", "\"b\" and \"c\""));
        assert_eq!(told("index 'x'"), expected("", "\"index 'x'\""));
    }
}
