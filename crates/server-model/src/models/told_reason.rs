//! Why something of Postern's own failed, as its tables keep it: as message and arguments, told to each reader in their
//! language.

use super::by_id;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::value::{AnyValue, Id, Ids};

use words::{Lang, Text, say};

/// The column `reason` of a table in the language of the reader, for each id in order.
///
/// # Errors
/// When the database fails.
pub async fn read(env: &Env, table: &'static str, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let lang = env.reader().await?;
    let select = format!("SELECT id, reason FROM {table} WHERE id");
    let found = by_id::values::<String>(env, &select, ids).await?;
    let told = found
        .into_iter()
        .map(|(id, stored)| (id, told(&stored, lang)));
    Ok(by_id::ordered(ids, told.collect()))
}

/// The condition on the reason in terms of records: what is looked for is what the reader reads. These tables hold what
/// waits for a person, so that all of their reasons can be looked at.
///
/// # Errors
/// [`Error::Value`] for an operator that compares no texts; as for [`read`] else.
pub async fn search(
    env: &Env,
    table: &'static str,
    operator: Operator,
    value: &AnyValue,
) -> Result<Domain> {
    let lang = env.reader().await?;
    let is_negative = operator.is_negative();
    let positive = match operator.negated() {
        Some(positive) if is_negative => positive,
        _ => operator,
    };
    let wanted = value.as_text().unwrap_or_default();
    let mut ids = Ids::new();
    for row in env
        .rows(env.sql(&format!("SELECT id, reason FROM {table}")))
        .await?
    {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let reason = convert::get::<String>(&row, 1)?.map(|stored| told(&stored, lang));
        let is_meant = match (positive, reason) {
            (Operator::Eq, None) => value.is_falsy(),
            (Operator::In, None) => items(value).any(AnyValue::is_falsy),
            (Operator::Eq, Some(reason)) => !value.is_falsy() && reason == wanted,
            (Operator::In, Some(reason)) => {
                items(value).any(|item| item.as_text() == Some(&reason))
            }
            (Operator::Like, reason) => reason.is_some_and(|reason| reason.contains(wanted)),
            (Operator::Ilike, reason) => {
                let wanted = wanted.to_lowercase();
                reason.is_some_and(|reason| reason.to_lowercase().contains(&wanted))
            }
            _ => {
                return Err(Error::Value(say!("error-search-reason")));
            }
        };
        ids.extend(is_meant.then_some(id));
    }
    let operator = match is_negative {
        true => Operator::NotIn,
        false => Operator::In,
    };
    Ok(Domain::leaf("id", operator, AnyValue::ids(&ids)))
}

fn items(value: &AnyValue) -> impl Iterator<Item = &AnyValue> {
    value.as_list().unwrap_or_default().iter()
}

/// PostgreSQL takes no NUL in a text, and a reason may quote a mail; so clients are spared it on either database.
fn told(stored: &str, lang: Lang) -> String {
    let told = Text::from_stored(stored).in_lang(lang);
    told.replace('\0', "\u{fffd}")
}
