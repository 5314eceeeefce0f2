//! What a person is told when a constraint of the database does not hold: of which records, and by which field.

use sqlx::error::DatabaseError;
use sqlx::postgres::PgDatabaseError;

use words::{Text, say};

use crate::registry::registry;

/// Whether this is what is told of a broken link where the database does not say which one it is.
pub fn is_broken_link(told: &Text) -> bool {
    *told == say!("constraint-broken-link")
}

/// The conditions that tables put on their rows, in words.
fn told_condition(name: &str) -> Option<Text> {
    Some(match name {
        "ir_cron_check_strictly_positive_interval" => say!("constraint-cron-interval"),
        "ir_mail_server_certificate_requires_tls" => say!("constraint-server-certificate"),
        "ir_model_data_name_nospaces" => say!("constraint-external-id"),
        "ir_rule_no_access_rights" => say!("constraint-rule"),
        "mail_notification_notification_partner_required" => say!("constraint-notification"),
        "res_groups_check_api_key_duration" => say!("constraint-key-duration"),
        "res_partner_check_name" => say!("constraint-contact-name"),
        "res_users_notification_type" => say!("constraint-inbox"),
        _ => return None,
    })
}

/// Two records with the same value.
pub fn same_value(refusal: &dyn DatabaseError) -> Text {
    let (table, columns) = match key_of(refusal) {
        Some(columns) => (refusal.table().unwrap_or_default().to_owned(), columns),
        None => columns_in(refusal.message()),
    };
    say!("constraint-same-value", model = model_of(&table), %columns)
}

/// A row that a condition of its table forbids.
pub fn condition(refusal: &dyn DatabaseError) -> Text {
    let name = match refusal.constraint() {
        Some(name) => name,
        None => behind_colon(refusal.message()),
    };
    told_condition(name).unwrap_or_else(|| say!("constraint-unknown", %name))
}

/// A link to a record that is not there, or a record that is still linked to.
pub fn broken_link(refusal: &dyn DatabaseError) -> Text {
    let (Some(table), Some(name)) = (refusal.table(), refusal.constraint()) else {
        return say!("constraint-broken-link");
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
pub fn no_such_record(model: &Text, field: &str) -> Text {
    say!("constraint-no-such-record", ?field, model)
}

/// The sentence for a record that is needed.
pub fn still_linked(model: &Text, field: &str) -> Text {
    say!("constraint-still-linked", model, ?field)
}

/// How a person knows the model of a table.
fn model_of(table: &str) -> Text {
    let model = registry()
        .iter()
        .find(|entry| !table.is_empty() && entry.table() == table);
    match model {
        Some(entry) => told_model(entry),
        None => Text::quote(table),
    }
}

/// How a person knows a model.
pub fn told_model(entry: &crate::registry::Entry) -> Text {
    say!("model-named", title = entry.title(), name = entry.name())
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
