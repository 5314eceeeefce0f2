//! What may stand in a header, and how it is encoded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ComposeError;

/// What a field is that the message writes by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Own {
    /// It is there already, whatever the message says.
    Taken,
    /// It names recipients: read as such, not copied.
    Recipients,
    /// The content has its own.
    Content,
    /// References: there unless the message says otherwise.
    References,
    /// In-Reply-To: there unless the message says otherwise.
    InReplyTo,
}

/// A name must be printable ASCII without colon (RFC 5322 section 3.6.8). Tells what it is where the message
/// writes such a field by itself.
pub(super) fn check_field_name(name: &str) -> Result<Option<Own>, ComposeError> {
    // 76 octets leave room for the colon on a line of ordinary length.
    let valid = !name.is_empty()
        && name.len() <= 76
        && name.bytes().all(|b| b.is_ascii_graphic() && b != b':');
    if !valid {
        return Err(ComposeError::FieldName {
            name: name.to_owned(),
        });
    }
    Ok(match name.to_ascii_lowercase().as_str() {
        "message-id" | "subject" | "from" | "reply-to" | "to" | "date" => Some(Own::Taken),
        "cc" | "bcc" => Some(Own::Recipients),
        "mime-version" | "content-type" | "content-transfer-encoding" => Some(Own::Content),
        "references" => Some(Own::References),
        "in-reply-to" => Some(Own::InReplyTo),
        _ => None,
    })
}

/// Whether a text is one line, by the ASCII line ends and by those that only Unicode-aware software sees.
#[must_use]
pub fn is_one_line(text: &str) -> bool {
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
    !text.contains(breaks)
}

/// A value must be one line.
pub(super) fn check_value(place: &str, value: &str) -> Result<(), ComposeError> {
    if !is_one_line(value) {
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
