//! Header fields as they are compared: by what they mean, however they are folded and encoded.

use mail::address::{Charset, email_split_tuples, formataddr};
use mail::parse::{decode_text, header_fields};
use serde_json::{Map, Value, json};

/// Fields that hold addresses.
pub fn holds_addresses(name: &str) -> bool {
    ["from", "to", "cc", "reply-to"].contains(&name.to_ascii_lowercase().as_str())
}

/// The mailboxes that a field names: names without the blanks that get lost between encoded words and without quotes,
/// domains in ASCII form. What is no address that mail can go to counts as nothing.
pub fn mailboxes(value: &str) -> Value {
    let found = email_split_tuples(value).into_iter().filter_map(|mailbox| {
        let address = decode_text(&mailbox.addr_spec).replace(' ', "");
        let address = formataddr("", &address, Charset::Ascii).ok()?;
        let mut name = decode_text(&mailbox.name);
        name.retain(|c| !c.is_whitespace() && c != '"');
        Some(json!([name, address]))
    });
    Value::Array(found.collect())
}

/// What a field means.
pub fn meaning(name: &str, value: &str) -> Value {
    if holds_addresses(name) {
        mailboxes(value)
    } else {
        decode_text(value).trim().into()
    }
}

/// Whether Odoo's letter shows a sender. A text without an address stands in its From as it is, which no server has to
/// take; here the default sender lends its address, and there is nothing to compare.
pub fn sender_shown(from: Option<&str>) -> bool {
    from.is_none_or(|from| from.is_empty() || !is_nothing(&mailboxes(from)))
}

/// Whether a meaning is nothing at all. An empty field is the same as none: RFC 5322 allows no empty list of
/// addresses.
pub fn is_nothing(meaning: &Value) -> bool {
    meaning.is_null() || *meaning == json!("") || *meaning == json!([])
}

/// The fields of a message by their names in small letters, without those that mean nothing.
pub fn fields(raw: &[u8]) -> Map<String, Value> {
    let mut found: Map<String, Value> = Map::new();
    for (name, value) in header_fields(raw) {
        let value = meaning(&name, &value);
        if !is_nothing(&value) {
            let values = found
                .entry(name.to_ascii_lowercase())
                .or_insert_with(|| json!([]));
            values.as_array_mut().expect("a list").push(value);
        }
    }
    found
}
