//! Conditions on columns that hold plain values.

use words::say;

use super::convert;
use crate::dialect;
use crate::domain::{Leaf, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::schema::{Field, Kind};
use crate::sql::Sql;
use crate::value::AnyValue;

/// Adds the condition for the column of `field` under `alias`.
///
/// # Errors
/// [`Error::Value`] for what the field cannot be compared with, [`Error::Data`] for texts that the
/// database cannot read as the column's type.
pub async fn push(env: &Env, sql: &mut Sql, alias: &str, field: &Field, leaf: &Leaf) -> Result<()> {
    let column = convert::expression(env, alias, field).await?;
    push_column(sql, &column, field, leaf)
}

/// Adds the condition for an expression whose values are those of `field`.
///
/// # Errors
/// As for [`push`].
pub fn push_column(sql: &mut Sql, column: &str, field: &Field, leaf: &Leaf) -> Result<()> {
    let negative = leaf.operator.is_negative();
    if leaf.operator.is_pattern() {
        return push_pattern(sql, column, field, leaf);
    }
    match (leaf.operator, &leaf.value) {
        (Operator::In | Operator::NotIn, AnyValue::List(items))
        | (Operator::Eq | Operator::Ne, AnyValue::List(items)) => {
            push_among(sql, column, field, items, negative)
        }
        // A bare truth value is in no list, not even in one that holds it.
        (Operator::In | Operator::NotIn, AnyValue::Null | AnyValue::Bool(_)) => {
            push_among(sql, column, field, &[], negative)
        }
        (Operator::In | Operator::NotIn, _) => Err(not_a_list(field)),
        (Operator::Eq | Operator::Ne, value) => push_equal(sql, column, field, value, negative),
        (operator, value) => push_ordered(sql, column, field, operator, value),
    }
}

/// Adds "the value is this one". An empty text and a zero are what an unset column counts as, so
/// they match it too, and the other way round.
fn push_equal(
    sql: &mut Sql,
    column: &str,
    field: &Field,
    value: &AnyValue,
    negative: bool,
) -> Result<()> {
    let blank = match field.kind {
        kind if kind.is_textual() => value.as_text() == Some(""),
        _ if counts_as_zero(field) => {
            matches!(value, AnyValue::Int(0)) || *value == AnyValue::Float(0.0)
        }
        _ => false,
    };
    let value = if blank { &AnyValue::FALSE } else { value };
    push_among(sql, column, field, std::slice::from_ref(value), negative)
}

/// True for numbers, where a column without value counts as zero. An id always has one.
fn counts_as_zero(field: &Field) -> bool {
    field.name != "id"
        && matches!(
            field.kind,
            Kind::Integer | Kind::Float | Kind::Many2oneReference(_)
        )
}

/// Adds `<`, `<=`, `>` or `>=`.
fn push_ordered(
    sql: &mut Sql,
    column: &str,
    field: &Field,
    operator: Operator,
    value: &AnyValue,
) -> Result<()> {
    let zero = AnyValue::Int(0);
    let value = if counts_as_zero(field) && value.is_nothing() {
        &zero
    } else {
        value
    };
    let Some(bound) = convert::compared_by(field, operator, value)? else {
        sql.push("FALSE");
        return Ok(());
    };
    let sign = match operator {
        Operator::Lt => " < ",
        Operator::Le => " <= ",
        Operator::Gt => " > ",
        _ => " >= ",
    };
    let unset_too = counts_as_zero(field)
        && number(value).is_some_and(|number| match operator {
            Operator::Lt => 0.0 < number,
            Operator::Le => 0.0 <= number,
            Operator::Gt => 0.0 > number,
            _ => 0.0 >= number,
        });
    if unset_too {
        sql.push("(").push(column).push(" IS NULL OR ");
    }
    sql.push(column).push(sign).bind(bound);
    if unset_too {
        sql.push(")");
    }
    Ok(())
}

fn number(value: &AnyValue) -> Option<f64> {
    match value {
        AnyValue::Float(number) => Some(*number),
        AnyValue::Text(text) => text.trim().parse().ok(),
        other => other.as_int().map(|number| number as f64),
    }
}

/// Adds "the value is one of these", where nothing among them means an empty column.
fn push_among(
    sql: &mut Sql,
    column: &str,
    field: &Field,
    items: &[AnyValue],
    negative: bool,
) -> Result<()> {
    let mut values = Vec::with_capacity(items.len());
    let mut nothing = false;
    for item in items {
        match convert::compared(field, item)? {
            Some(value) => {
                // False stands for an unset box as well as for an unticked one.
                nothing |= field.kind == Kind::Boolean && item.is_falsy();
                values.push(value);
            }
            None => nothing = true,
        }
    }
    if nothing && field.kind.is_textual() {
        values.push(String::new().into());
    }
    if nothing && counts_as_zero(field) {
        values.push(0_i32.into());
    }
    let (unset, joint) = match (nothing, negative) {
        (true, false) => (Some(" IS NULL"), " OR "),
        (true, true) => (Some(" IS NOT NULL"), " AND "),
        // What has no value differs from every value.
        (false, true) if !values.is_empty() => (Some(" IS NULL"), " OR "),
        (false, _) => (None, ""),
    };
    match (unset, values.is_empty()) {
        (None, true) => {
            sql.push(if negative { "TRUE" } else { "FALSE" });
        }
        (Some(unset), true) => {
            sql.push(column).push(unset);
        }
        (None, false) => push_in(sql, column, values, negative),
        (Some(unset), false) => {
            sql.push("(").push(column).push(unset).push(joint);
            push_in(sql, column, values, negative);
            sql.push(")");
        }
    }
    Ok(())
}

fn push_in(sql: &mut Sql, column: &str, values: Vec<sea_orm::Value>, negative: bool) {
    sql.push(column)
        .push(if negative { " NOT IN (" } else { " IN (" });
    for (place, value) in values.into_iter().enumerate() {
        sql.push(if place > 0 { ", " } else { "" }).bind(value);
    }
    sql.push(")");
}

fn push_pattern(sql: &mut Sql, column: &str, field: &Field, leaf: &Leaf) -> Result<()> {
    let negative = leaf.operator.is_negative();
    let wraps = matches!(
        leaf.operator,
        Operator::Like | Operator::NotLike | Operator::Ilike | Operator::NotIlike
    );
    let fold_case = matches!(
        leaf.operator,
        Operator::Ilike | Operator::NotIlike | Operator::EqIlike | Operator::NotEqIlike
    );
    if field.kind == Kind::Binary {
        return Err(Error::Value(
            say!("error-search-bytes", field = ?field.name),
        ));
    }
    if wraps && (leaf.value.is_nothing() || leaf.value.as_text() == Some("")) {
        // Everything contains nothing, also what has no value.
        sql.push(if negative { "FALSE" } else { "TRUE" });
        return Ok(());
    }
    let text = convert::searched_text(field, &leaf.value)?;
    let pattern = if wraps { format!("%{text}%") } else { text };
    if pattern.chars().rev().take_while(|c| *c == '\\').count() % 2 == 1 {
        return Err(Error::Data {
            condition: "InvalidEscapeSequence".into(),
            message: say!("error-pattern", ?pattern),
        });
    }
    if negative {
        sql.push("(").push(column).push(" IS NULL OR NOT (");
        dialect::like(sql, column, &pattern, fold_case);
        sql.push("))");
    } else {
        dialect::like(sql, column, &pattern, fold_case);
    }
    Ok(())
}

/// The refusal of a single value where a list must stand.
pub fn not_a_list(field: &Field) -> Error {
    Error::Value(say!("error-search-wants-list", field = ?field.name))
}
