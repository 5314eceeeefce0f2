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
    format!(
        "<{}.{:032x}.postern@{}>",
        now.timestamp(),
        rand::random::<u128>(),
        host_of(host)
    )
}

/// A new id for a message about a record (`7-res.partner`), which it names as Odoo's do:
/// `<random.seconds-openerp-7-res.partner@host>`. What cannot stand in an id is left out.
#[must_use]
pub fn tracking_message_id(object: &str, host: &str, now: DateTime<Utc>) -> String {
    let object: String = object
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ','))
        .take(255)
        .collect();
    format!(
        "<{:032x}.{}-openerp-{object}@{}>",
        rand::random::<u128>(),
        now.timestamp(),
        host_of(host)
    )
}

fn host_of(host: &str) -> String {
    let host: String = host
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
        .take(255)
        .collect();
    if host.is_empty() {
        "localhost".to_owned()
    } else {
        host
    }
}

/// The id of a message, which is one: of several the first.
pub(super) fn first_of(ids: &str) -> Result<String, ComposeError> {
    check_value("Message-Id", ids)?;
    checked(
        "Message-Id",
        ids.split_whitespace().next().unwrap_or_default(),
    )
}

/// One id as given, brackets or not: rewriting it would break the conversation it belongs to.
fn checked(place: &str, id: &str) -> Result<String, ComposeError> {
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
pub(super) fn checked_list(place: &str, ids: &[&str]) -> Result<String, ComposeError> {
    let mut checked_ids = Vec::new();
    for text in ids {
        check_value(place, text)?;
        for id in text.split_whitespace() {
            let id = checked(place, id)?;
            if !checked_ids.contains(&id) {
                checked_ids.push(id);
            }
        }
    }
    Ok(checked_ids.join(" "))
}
