//! What may stand in a header, and how it is encoded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ComposeError;

/// Fields that the message's own parts are written to, or that the MIME structure owns.
const OWN_FIELDS: [&str; 12] = [
    "message-id",
    "subject",
    "from",
    "reply-to",
    "to",
    "cc",
    "date",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

/// A name must be printable ASCII without colon (RFC 5322 section 3.6.8) and not one of the own fields.
pub(super) fn check_field_name(name: &str) -> Result<(), ComposeError> {
    // 76 octets leave room for the colon on a line of ordinary length.
    let valid = !name.is_empty()
        && name.len() <= 76
        && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !valid {
        return Err(ComposeError::FieldName {
            name: name.to_owned(),
        });
    }
    if OWN_FIELDS.iter().any(|own| name.eq_ignore_ascii_case(own)) {
        return Err(ComposeError::DuplicateField {
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// A value must be one line, by the ASCII line ends and by those that only Unicode-aware software sees.
pub(super) fn check_value(place: &str, value: &str) -> Result<(), ComposeError> {
    let breaks = |c: char| {
        matches!(
            c,
            '\0' | '\n'
                | '\r'
                | '\x0b'
                | '\x0c'
                | '\x1c'
                | '\x1d'
                | '\x1e'
                | '\u{85}'
                | '\u{2028}'
                | '\u{2029}'
        )
    };
    if value.contains(breaks) {
        return Err(ComposeError::LineBreak {
            place: place.to_owned(),
        });
    }
    Ok(())
}

pub(super) fn check_length(place: &str, value: &str, limit: usize) -> Result<(), ComposeError> {
    if value.len() > limit {
        return Err(ComposeError::TooLong {
            place: place.to_owned(),
            limit,
        });
    }
    Ok(())
}

/// `text` as encoded words separated by blanks, each at most 75 octets long (RFC 2047 section 2).
pub(super) fn encoded_words(text: &str) -> String {
    // 45 octets are 60 in base64; with the frame that makes 72.
    const CHUNK: usize = 45;
    let mut words = Vec::new();
    let mut chunk = String::new();
    for c in text.chars() {
        if chunk.len() + c.len_utf8() > CHUNK {
            words.push(encoded_word(&chunk));
            chunk.clear();
        }
        chunk.push(c);
    }
    words.push(encoded_word(&chunk));
    words.join(" ")
}

fn encoded_word(chunk: &str) -> String {
    format!("=?utf-8?b?{}?=", STANDARD.encode(chunk))
}
