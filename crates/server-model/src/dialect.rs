//! The few places where SQLite and PostgreSQL differ.

pub mod constraints;

use std::borrow::Cow;

use sea_orm::{DbErr, RuntimeErr};

use words::{Text, say};

use crate::error::Error;
use crate::sql::Sql;
use crate::value::Id;

/// Adds `= ANY(ids)` as one value, so that the statement stays the same for any number of ids.
pub fn in_ids(sql: &mut Sql, ids: &[Id]) {
    if sql.is_postgres() {
        let ids: Vec<sea_orm::Value> = ids.iter().map(|id| (*id).into()).collect();
        in_array(sql, sea_orm::sea_query::ArrayType::Int, ids);
    } else {
        let list: Vec<String> = ids.iter().map(Id::to_string).collect();
        in_json(sql, format!("[{}]", list.join(",")));
    }
}

/// Adds `= ANY(numbers)` as one value, as [`in_ids`] does for ids.
pub fn in_numbers(sql: &mut Sql, numbers: &[i64]) {
    if sql.is_postgres() {
        let numbers: Vec<sea_orm::Value> = numbers.iter().map(|number| (*number).into()).collect();
        in_array(sql, sea_orm::sea_query::ArrayType::BigInt, numbers);
    } else {
        let list: Vec<String> = numbers.iter().map(i64::to_string).collect();
        in_json(sql, format!("[{}]", list.join(",")));
    }
}

/// Adds `= ANY(texts)` as one value, as [`in_ids`] does for ids.
pub fn in_texts(sql: &mut Sql, texts: &[String]) {
    if sql.is_postgres() {
        let texts: Vec<sea_orm::Value> = texts.iter().map(|text| text.as_str().into()).collect();
        in_array(sql, sea_orm::sea_query::ArrayType::String, texts);
    } else {
        in_json(sql, serde_json::json!(texts).to_string());
    }
}

fn in_array(sql: &mut Sql, kind: sea_orm::sea_query::ArrayType, values: Vec<sea_orm::Value>) {
    sql.push(" = ANY(");
    sql.bind(sea_orm::Value::Array(kind, Some(Box::new(values))));
    sql.push(")");
}

fn in_json(sql: &mut Sql, list: String) {
    sql.push(" IN (SELECT value FROM json_each(")
        .bind(list)
        .push("))");
}

/// How many of `left` rows go into the next statement, at most `most`: a power of two, so that the same
/// few statements, which the database and the driver remember, serve for any number of rows.
pub fn rows_at_once(left: usize, most: usize) -> usize {
    match left.min(most).checked_ilog2() {
        Some(log) => 1 << log,
        None => 0,
    }
}

/// Adds a test whether the expression matches a pattern of SQL's `LIKE` (`%`, `_`, `\` to escape).
///
/// SQLite's own `LIKE` folds the case of ASCII letters only and always, so both ways go through
/// its REGEXP there.
pub fn like(sql: &mut Sql, expression: &str, pattern: &str, fold_case: bool) {
    if sql.is_postgres() {
        sql.push("CAST(").push(expression).push(" AS text)");
        if fold_case {
            sql.push(sql.folding()).push(" ILIKE ");
        } else {
            sql.push(" LIKE ");
        }
        sql.bind(pattern);
    } else {
        sql.push("CAST(").push(expression).push(" AS TEXT) REGEXP ");
        sql.bind(like_to_regex(pattern, fold_case));
    }
}

fn like_to_regex(pattern: &str, fold_case: bool) -> String {
    let mut regex = String::from(if fold_case { "(?is)^" } else { "(?s)^" });
    let mut letters = pattern.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '%' => regex.push_str(".*"),
            '_' => regex.push('.'),
            '\\' => push_literal(&mut regex, letters.next().unwrap_or('\\')),
            other => push_literal(&mut regex, other),
        }
    }
    regex.push('$');
    regex
}

fn push_literal(regex: &mut String, letter: char) {
    // Only what has a meaning in a pattern: a backslash gives some other signs one (`\<`, `\>`).
    if r"\.+*?()|[]{}^$#&-~".contains(letter) {
        regex.push('\\');
    }
    regex.push(letter);
}

/// Adds the text of a translated column: the language asked for, else English.
pub fn translated(alias: &str, column: &str, lang: &str) -> String {
    let lang = language(lang);
    if lang == "en_US" {
        format!("{alias}.\"{column}\"->>'en_US'")
    } else {
        format!("COALESCE({alias}.\"{column}\"->>'{lang}', {alias}.\"{column}\"->>'en_US')")
    }
}

/// The language code when it is one, else English.
pub fn language(code: &str) -> &str {
    if is_language(code) { code } else { "en_US" }
}

/// True for a language code that may stand in a statement, as in `en_US` or `sr@latin`.
fn is_language(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= 16
        && code
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '@'))
}

/// The text of a column that holds an object with a member a company.
pub fn of_company(alias: &str, column: &str, company: Id) -> String {
    format!("{alias}.\"{column}\"->>'{company}'")
}

/// Adds a place for a jsonb value given as JSON text.
pub fn bind_json(sql: &mut Sql, json: Option<String>) {
    if sql.is_postgres() {
        sql.push("CAST(").bind(json).push(" AS jsonb)");
    } else {
        sql.bind(json);
    }
}

/// The aggregate that makes a JSON list.
pub fn json_list(backend: sea_orm::DbBackend) -> &'static str {
    if backend == sea_orm::DbBackend::Postgres {
        "json_agg"
    } else {
        "json_group_array"
    }
}

/// Adds what orders texts by their bytes, as Odoo's databases do.
pub fn byte_order(sql: &mut Sql) {
    if sql.is_postgres() {
        sql.push(" COLLATE \"C\"");
    }
}

/// Adds the place of empty values in an order: behind all others ascending, as PostgreSQL has it.
pub fn nulls(sql: &mut Sql, descending: bool) {
    if !sql.is_postgres() {
        sql.push(if descending {
            " NULLS FIRST"
        } else {
            " NULLS LAST"
        });
    }
}

/// Adds what locks the rows found until the transaction ends. SQLite has one writer at a time anyway.
pub fn for_update(sql: &mut Sql) {
    if sql.is_postgres() {
        sql.push(" FOR UPDATE");
    }
}

/// Like [`for_update`], for the rows of one table of several; those that another transaction has
/// locked are passed over.
pub fn for_update_of(sql: &mut Sql, alias: &str) {
    if sql.is_postgres() {
        sql.push(" FOR UPDATE OF ").push(alias).push(" SKIP LOCKED");
    }
}

/// Tells what a refusal of the database means.
pub fn database_error(error: DbErr) -> Error {
    let Some(refusal) = refusal_of(&error) else {
        return Error::Database(error);
    };
    match refusal.kind {
        Refusal::Conflict => Error::Conflict(error),
        Refusal::Constraint => Error::Validation(refusal.message),
        Refusal::Data(condition) => Error::Data {
            condition,
            message: say!("error-database-value", problem = refusal.message),
        },
    }
}

/// Whether the database itself is out of order, so that the same statement may succeed later. False
/// when it looked at the statement and refused it, which it would do again.
pub fn is_outage(error: &DbErr) -> bool {
    let runtime = match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => return true,
        DbErr::Exec(runtime) | DbErr::Query(runtime) => runtime,
        _ => return false,
    };
    let RuntimeErr::SqlxError(inner) = runtime else {
        return false;
    };
    match inner.as_database_error() {
        Some(refusal) => is_outage_code(&refusal.code().unwrap_or_default()),
        None => matches!(
            inner.as_ref(),
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::Protocol(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
                | sqlx::Error::BeginFailed
        ),
    }
}

/// Whether the database has no room left on its disk.
pub fn is_full(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(inner))
    | DbErr::Exec(RuntimeErr::SqlxError(inner))
    | DbErr::Query(RuntimeErr::SqlxError(inner))) = error
    else {
        return false;
    };
    let code = inner.as_database_error().and_then(|refusal| refusal.code());
    // PostgreSQL's "disk full" and SQLite's "full".
    code.is_some_and(|code| matches!(code.as_ref(), "53100" | "13"))
}

/// PostgreSQL's codes have five characters, of which the first two are the class; SQLite's are
/// numbers whose last eight bits are the kind.
fn is_outage_code(code: &str) -> bool {
    if code.len() == 5 {
        // Connection lost, no resources left, shutting down or cancelled, the system failed; and a
        // standby, which takes no writes until it is promoted.
        return matches!(code.get(..2), Some("08" | "53" | "57" | "58"))
            || matches!(code, "25006" | "40001" | "40P01" | "55P03");
    }
    // Busy, locked, no memory, read-only, interrupted, I/O, full, cannot be opened.
    code.parse::<u32>()
        .is_ok_and(|code| matches!(code & 0xff, 5..=10 | 13 | 14))
}

enum Refusal {
    Conflict,
    Constraint,
    Data(Cow<'static, str>),
}

struct Told {
    kind: Refusal,
    message: Text,
}

fn refusal_of(error: &DbErr) -> Option<Told> {
    let (DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))) =
        error
    else {
        return None;
    };
    let database = inner.as_database_error()?;
    let code = database.code().unwrap_or_default();
    let constraint = |message: Text| {
        Some(Told {
            kind: Refusal::Constraint,
            message,
        })
    };
    let kind = match code.as_ref() {
        // PostgreSQL: serialization failure, deadlock. SQLite: busy, locked, busy snapshot.
        "40001" | "40P01" | "5" | "6" | "517" => Refusal::Conflict,
        "23505" | "2067" | "1555" => return constraint(constraints::same_value(database)),
        "23514" | "275" => return constraint(constraints::condition(database)),
        "23502" | "1299" => {
            let message = database.message();
            return constraint(say!("constraint-required", %message));
        }
        // SQLite has a number of its own for a record that may not be deleted.
        "23503" | "787" | "1811" => return constraint(constraints::broken_link(database)),
        "22003" => Refusal::Data("NumericValueOutOfRange".into()),
        "2201W" => Refusal::Data("InvalidRowCountInLimitClause".into()),
        "2201X" => Refusal::Data("InvalidRowCountInResultOffsetClause".into()),
        "22007" => Refusal::Data("InvalidDatetimeFormat".into()),
        "22008" => Refusal::Data("DatetimeFieldOverflow".into()),
        "22025" => Refusal::Data("InvalidEscapeSequence".into()),
        "22P02" => Refusal::Data("InvalidTextRepresentation".into()),
        "22001" => Refusal::Data("StringDataRightTruncation".into()),
        "22021" => Refusal::Data("CharacterNotInRepertoire".into()),
        _ => return None,
    };
    Some(Told {
        kind,
        message: Text::quote(database.message()),
    })
}

/// Adds the column with `change` merged into its object, or `first` and `change` where it is empty.
pub fn merge_json(sql: &mut Sql, column: &str, first: String, change: String) {
    if sql.is_postgres() {
        sql.push("COALESCE(")
            .name(column)
            .push(", CAST(")
            .bind(first);
        sql.push(" AS jsonb)) || CAST(")
            .bind(change)
            .push(" AS jsonb)");
    } else {
        sql.push("json_patch(COALESCE(")
            .name(column)
            .push(", ")
            .bind(first);
        sql.push("), ").bind(change).push(")");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_into_few_kinds_of_statements() {
        let parts = |mut left: usize| {
            let mut parts = Vec::new();
            while left > 0 {
                let some = rows_at_once(left, 128);
                parts.push(some);
                left -= some;
            }
            parts
        };
        assert_eq!(parts(300), [128, 128, 32, 8, 4]);
        assert_eq!(parts(1), [1]);
        assert_eq!(rows_at_once(0, 128), 0);
    }

    #[test]
    fn a_database_that_is_out_is_told_from_one_that_refuses_a_statement() {
        for code in [
            "08006", "53300", "57P01", "58030", "25006", "40001", "5", "13", "522",
        ] {
            assert!(is_outage_code(code), "{code}");
        }
        // Too large for an index, a syntax error, a division by zero, no such table; SQLite's
        // general error and one of too large a value.
        for code in ["54000", "42601", "22012", "42P01", "1", "18", ""] {
            assert!(!is_outage_code(code), "{code}");
        }
        let lost = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        let lost = sqlx::Error::Io(lost);
        assert!(is_outage(&DbErr::Query(RuntimeErr::SqlxError(lost.into()))));
        let missing = sqlx::Error::ColumnNotFound("x".into());
        assert!(!is_outage(&DbErr::Query(RuntimeErr::SqlxError(
            missing.into()
        ))));
        assert!(!is_outage(&DbErr::Type("a value of another type".into())));
    }
}
