//! Values of fields on their way into and out of columns.

use std::borrow::Cow;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{NaiveDate, NaiveDateTime};
use sea_orm::{DbErr, QueryResult, Value};

use words::{Text, say};

use crate::args::no_numeral;
use crate::dialect;
use crate::domain::Operator;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::schema::{Field, Kind};
use crate::value::{AnyValue, Id, datetime_text, parse_datetime};

/// The expression that reads the field's column: of a translated one the caller's language, of one
/// that differs by company the caller's company.
///
/// # Errors
/// When the caller's user cannot be read.
pub async fn expression(env: &Env, alias: &str, field: &Field) -> Result<String> {
    if field.translate {
        let text = dialect::translated(alias, field.name, env.lang());
        return Ok(format!("({text})"));
    }
    if field.company_dependent {
        let company = company(env).await?;
        return Ok(format!(
            "({})",
            dialect::of_company(alias, field.name, company)
        ));
    }
    Ok(format!("{alias}.\"{}\"", field.name))
}

/// The company whose values the caller works with.
///
/// # Errors
/// When the caller's user cannot be read.
pub async fn company(env: &Env) -> Result<Id> {
    let chosen = env
        .context()
        .get("allowed_company_ids")
        .and_then(AnyValue::as_id);
    match chosen {
        Some(company) => Ok(company),
        None => Ok(env.user().await?.company_id),
    }
}

/// The value to store for what a caller gave, typed as the column is.
///
/// # Errors
/// [`Error::Value`] for what the kind of field cannot hold, [`Error::Data`] for numbers beyond the
/// column's range; both name the field and its model.
pub fn stored(model: &Entry, field: &Field, given: &AnyValue) -> Result<Value> {
    let nothing = given.is_nothing();
    Ok(match field.kind {
        Kind::Char | Kind::Text | Kind::Html => Value::String(if nothing {
            None
        } else {
            Some(stored_text(model, field, given)?)
        }),
        Kind::Selection(values) => Value::String(match given {
            _ if nothing => None,
            AnyValue::Text(text) if text.is_empty() && !values.is_empty() => None,
            AnyValue::Text(text)
                if values.is_empty() || values.iter().any(|(value, _)| value == text) =>
            {
                Some(text.clone())
            }
            other => {
                let known: Vec<_> = values.iter().map(|(value, _)| *value).collect();
                return Err(wrong(
                    model,
                    field,
                    say!("wanted-one-of", known = known.join(", ")),
                    other,
                ));
            }
        }),
        Kind::Boolean => Value::Bool(Some(!given.is_falsy())),
        Kind::Integer => Value::Int(Some(if nothing {
            0
        } else {
            whole(model, field, given)?
        })),
        Kind::Many2oneReference(_) => Value::Int(if nothing {
            None
        } else {
            Some(whole(model, field, given)?)
        }),
        // Only a whole number is a record; everything else, also an [id, name] pair, is none.
        Kind::Many2one(_) => Value::Int(match given {
            AnyValue::Int(id) if *id != 0 => Some(whole(model, field, given)?),
            _ => None,
        }),
        Kind::Float => Value::Double(Some(match given {
            _ if nothing => 0.0,
            AnyValue::Int(number) => *number as f64,
            AnyValue::Float(number) => *number,
            AnyValue::Bool(truth) => f64::from(u8::from(*truth)),
            AnyValue::Text(text) => text
                .trim()
                .parse()
                .map_err(|_| wrong(model, field, say!("wanted-number"), given))?,
            other => return Err(wrong_kind(model, field, say!("wanted-number"), other)),
        })),
        Kind::Date => Value::ChronoDate(match given {
            _ if given.is_falsy() => None,
            other => Some(day(model, field, other)?),
        }),
        Kind::Datetime => Value::ChronoDateTime(match given {
            _ if given.is_falsy() => None,
            other => Some(moment(model, field, other)?),
        }),
        Kind::Binary => Value::Bytes(match given {
            _ if given.is_falsy() => None,
            AnyValue::Bytes(bytes) => Some(STANDARD.encode(bytes).into_bytes()),
            AnyValue::Text(text) => {
                decode_base64(model, field, text)?;
                Some(text.clone().into_bytes())
            }
            other => return Err(wrong_kind(model, field, say!("wanted-base64"), other)),
        }),
        Kind::One2many { .. } | Kind::Many2many { .. } => {
            return Err(Error::Internal(format!(
                "{}.{} has no column to store in.",
                model.name(),
                field.name
            )));
        }
    })
}

fn stored_text(model: &Entry, field: &Field, given: &AnyValue) -> Result<String> {
    let text = match given {
        AnyValue::Text(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_python_text()),
    };
    if text.contains('\0') {
        return Err(Error::Value(
            say!("error-field-nul", field = ?field.name, model = ?model.name()),
        ));
    }
    let text = if field.kind == Kind::Html {
        Cow::Owned(mail::parse::sanitize_html(&text))
    } else {
        text
    };
    let size = field.size as usize;
    Ok(if size > 0 && text.chars().count() > size {
        text.chars().take(size).collect()
    } else {
        text.into_owned()
    })
}

fn whole(model: &Entry, field: &Field, given: &AnyValue) -> Result<i32> {
    let number = match given {
        AnyValue::Int(number) => *number,
        AnyValue::Bool(truth) => i64::from(*truth),
        AnyValue::Float(number) if number.is_finite() => *number as i64,
        AnyValue::Text(text) => text
            .trim()
            .parse()
            .map_err(|_| wrong(model, field, say!("wanted-whole"), given))?,
        other => return Err(wrong_kind(model, field, say!("wanted-whole"), other)),
    };
    i32::try_from(number).map_err(|_| Error::Data {
        condition: "NumericValueOutOfRange".into(),
        message: say!("error-number-too-large", %number, field = ?field.name, model = ?model.name(), limit = %i32::MAX).about(field.name),
    })
}

fn day(model: &Entry, field: &Field, given: &AnyValue) -> Result<NaiveDate> {
    match given {
        AnyValue::Date(day) => Some(*day),
        AnyValue::Datetime(moment) => Some(moment.date()),
        AnyValue::Text(text) => {
            NaiveDate::parse_from_str(text.get(..10).unwrap_or(text), "%Y-%m-%d").ok()
        }
        _ => None,
    }
    .ok_or_else(|| wrong(model, field, say!("wanted-day"), given))
}

fn moment(model: &Entry, field: &Field, given: &AnyValue) -> Result<NaiveDateTime> {
    match given {
        AnyValue::Datetime(moment) => Some(*moment),
        AnyValue::Date(day) => day.and_hms_opt(0, 0, 0),
        AnyValue::Text(text) => parse_datetime(text),
        _ => None,
    }
    .ok_or_else(|| wrong(model, field, say!("wanted-moment"), given))
}

fn decode_base64(model: &Entry, field: &Field, text: &str) -> Result<Vec<u8>> {
    let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    STANDARD.decode(compact).map_err(|_| {
        Error::User(say!("error-field-not-base64", field = ?field.name, model = %model.name()))
    })
}

/// The refusal of a value whose type alone is wrong.
fn wrong_kind(model: &Entry, field: &Field, wanted: Text, given: &AnyValue) -> Error {
    Error::Type(
        say!("error-field-wrong-value", field = ?field.name, model = ?model.name(), wanted, told = given.type_name()),
    )
}

fn wrong(model: &Entry, field: &Field, wanted: Text, given: &AnyValue) -> Error {
    // Only the kind of value is told: it may be a secret typed into the wrong place.
    let told = match given {
        AnyValue::Text(text) if field.groups.is_empty() => format!("{text:?}"),
        other => other.type_name().to_owned(),
    };
    Error::Value(
        say!("error-field-wrong-value", field = ?field.name, model = ?model.name(), wanted, told),
    )
}

/// The value to compare a column with by `<`, `<=`, `>` or `>=`; `None` for "no value".
///
/// A day stands for its end where the comparison would otherwise cut it off: `> 2026-01-31` finds
/// nothing of that day, and `<= 2026-01-31` all of it.
///
/// # Errors
/// As for [`compared`].
pub fn compared_by(field: &Field, operator: Operator, given: &AnyValue) -> Result<Option<Value>> {
    if field.kind == Kind::Datetime
        && matches!(operator, Operator::Gt | Operator::Le)
        && let AnyValue::Text(text) = given
        && text.len() == 10
    {
        return compared(field, &format!("{text} 23:59:59").into());
    }
    compared(field, given)
}

/// The value to compare a column with; `None` for "no value".
///
/// # Errors
/// [`Error::Value`] for what cannot be compared with this kind of field, [`Error::Data`] for texts
/// that the database would not read as the column's type.
pub fn compared(field: &Field, given: &AnyValue) -> Result<Option<Value>> {
    let bad = || {
        Error::Value(
            say!("error-search-incomparable", field = ?field.name, kind = field.kind.name(), given = given.type_name()),
        )
    };
    if given.is_nothing() && field.kind != Kind::Boolean {
        return Ok(None);
    }
    Ok(Some(match field.kind {
        Kind::Char | Kind::Text | Kind::Html | Kind::Selection(_) => {
            Value::String(Some(searched_text(field, given)?))
        }
        Kind::Boolean => Value::Bool(Some(!given.is_falsy())),
        Kind::Integer | Kind::Many2one(_) | Kind::Many2oneReference(_) => match given {
            AnyValue::Float(number) => Value::Double(Some(*number)),
            AnyValue::Text(text) => match text.trim().parse::<i64>() {
                Ok(number) => Value::BigInt(Some(number)),
                Err(_) if field.name == "id" => {
                    return Err(no_numeral(say!("place-id"), text));
                }
                Err(_) => return Err(bad()),
            },
            other => Value::BigInt(Some(other.as_int().ok_or_else(bad)?)),
        },
        Kind::Float => Value::Double(Some(match given {
            AnyValue::Float(number) => *number,
            AnyValue::Text(text) => text.trim().parse().map_err(|_| bad())?,
            other => other.as_int().ok_or_else(bad)? as f64,
        })),
        Kind::Date => Value::ChronoDate(Some(match given {
            AnyValue::Date(day) => *day,
            AnyValue::Datetime(moment) => moment.date(),
            AnyValue::Text(text) => {
                NaiveDate::parse_from_str(text.get(..10).unwrap_or(text), "%Y-%m-%d")
                    .map_err(|_| no_moment(field, text))?
            }
            _ => return Err(bad()),
        })),
        Kind::Datetime => Value::ChronoDateTime(Some(match given {
            AnyValue::Datetime(moment) => *moment,
            AnyValue::Date(day) => day.and_hms_opt(0, 0, 0).ok_or_else(bad)?,
            AnyValue::Text(text) => parse_datetime(text).ok_or_else(|| no_moment(field, text))?,
            _ => return Err(bad()),
        })),
        Kind::Binary => match given {
            AnyValue::Bytes(bytes) => Value::Bytes(Some(bytes.clone())),
            AnyValue::Text(text) => Value::Bytes(Some(text.clone().into_bytes())),
            _ => return Err(bad()),
        },
        Kind::One2many { .. } | Kind::Many2many { .. } => return Err(bad()),
    }))
}

/// A text to look for. No database of Odoo's holds a NUL character, and SQLite would end the text there.
///
/// # Errors
/// [`Error::Value`] for a text with a NUL character.
pub fn searched_text(field: &Field, given: &AnyValue) -> Result<String> {
    let text = given.to_python_text();
    if text.contains('\0') {
        return Err(Error::Value(say!("error-search-nul", field = ?field.name)));
    }
    Ok(text)
}

/// The value of a column as clients read it. A many2one comes as its bare id.
///
/// # Errors
/// [`Error::Database`] when the column is not of the declared type.
pub fn read(row: &QueryResult, at: usize, field: &Field) -> Result<AnyValue> {
    let nothing = AnyValue::FALSE;
    Ok(match field.kind {
        Kind::Char | Kind::Text | Kind::Html | Kind::Selection(_) => {
            AnyValue::text_or_false(get(row, at)?)
        }
        Kind::Boolean => AnyValue::Bool(get::<bool>(row, at)?.unwrap_or(false)),
        Kind::Integer | Kind::Many2oneReference(_) => get::<i32>(row, at)?.unwrap_or(0).into(),
        Kind::Many2one(_) => get::<Id>(row, at)?.map_or(nothing, AnyValue::from),
        Kind::Float => get::<f64>(row, at)?.unwrap_or(0.0).into(),
        Kind::Date => get::<NaiveDate>(row, at)?.map_or(nothing, AnyValue::Date),
        Kind::Datetime => get::<NaiveDateTime>(row, at)?.map_or(nothing, AnyValue::Datetime),
        Kind::Binary => {
            // Columns hold base64 text as Odoo stores it; what is none is shown as if it were.
            get::<Vec<u8>>(row, at)?.map_or(nothing, |bytes| match String::from_utf8(bytes) {
                Ok(text) => AnyValue::Text(text),
                Err(error) => AnyValue::Text(STANDARD.encode(error.into_bytes())),
            })
        }
        Kind::One2many { .. } | Kind::Many2many { .. } => nothing,
    })
}

fn no_moment(field: &Field, text: &str) -> Error {
    let shown: String = text.chars().take(40).collect();
    Error::Data {
        condition: "InvalidDatetimeFormat".into(),
        message: say!("error-no-moment", ?shown, field = ?field.name),
    }
}

/// A column by its place.
///
/// # Errors
/// [`Error::Database`] when the column is of another type.
pub fn get<T: sea_orm::TryGetable>(row: &QueryResult, at: usize) -> Result<Option<T>> {
    row.try_get_by_index::<Option<T>>(at)
        .map_err(|error: DbErr| dialect::database_error(error))
}

/// The bytes that a binary column stands for: it holds base64 text, as in Odoo.
pub fn stored_bytes(column: &[u8]) -> Cow<'_, [u8]> {
    let compact: Vec<u8> = column
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    match STANDARD.decode(compact) {
        Ok(bytes) => Cow::Owned(bytes),
        Err(_) => Cow::Borrowed(column),
    }
}

/// The bytes as Odoo shows them in a binary field.
pub fn base64_text(bytes: &[u8]) -> AnyValue {
    AnyValue::Text(STANDARD.encode(bytes))
}

/// The bytes that a caller means, given raw or as base64 text.
pub fn given_bytes(given: &AnyValue) -> Option<Vec<u8>> {
    match given {
        AnyValue::Bytes(bytes) => Some(bytes.clone()),
        AnyValue::Text(text) => {
            let compact: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
            STANDARD.decode(compact).ok()
        }
        _ => None,
    }
}

/// A value in the form that a form shows it in: moments as text.
pub fn shown(value: AnyValue) -> AnyValue {
    match value {
        AnyValue::Datetime(moment) => AnyValue::Text(datetime_text(&moment)),
        other => other,
    }
}
