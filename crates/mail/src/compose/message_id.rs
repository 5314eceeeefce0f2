//! Message ids: made, and checked when given.

use chrono::{DateTime, Utc};

use super::ComposeError;
use super::check::{check_length, check_value};

/// No identifier may be longer than a line has room for, beside the field name.
const LIMIT: usize = 900;

/// A new id that no other message has: `<seconds.random.postern@host>`.
///
/// What of `host` cannot stand in an id is left out; if nothing remains, it is `localhost`.
#[must_use]
pub fn generate_message_id(host: &str, now: DateTime<Utc>) -> String {
    let host: String = host
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .take(255)
        .collect();
    let host = if host.is_empty() { "localhost" } else { &host };
    format!(
        "<{}.{:032x}.postern@{host}>",
        now.timestamp(),
        rand::random::<u128>()
    )
}

/// One id as given, brackets or not: rewriting it would break the conversation it belongs to.
pub(super) fn checked(place: &str, id: &str) -> Result<String, ComposeError> {
    check_value(place, id)?;
    let id = id.trim();
    check_length(place, id, LIMIT)?;
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(ComposeError::MessageId {
            place: place.to_owned(),
        });
    }
    Ok(id.to_owned())
}

/// Several ids, given one by one or several in one text, as one value.
pub(super) fn checked_list(place: &str, ids: &[String]) -> Result<String, ComposeError> {
    let mut checked_ids = Vec::new();
    for text in ids {
        check_value(place, text)?;
        for id in text.split_whitespace() {
            checked_ids.push(checked(place, id)?);
        }
    }
    Ok(checked_ids.join(" "))
}
