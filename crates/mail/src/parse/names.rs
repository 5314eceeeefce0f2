//! The names of files in a mail.

use mail_parser::{Message, MessagePart, MimeHeaders};

use super::header::{decode_text, header_fields};

/// The name of a part, decoded; nothing if it has none.
pub(super) fn of(message: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    encoded(message, part).or_else(|| {
        part.attachment_name()
            .map(|name| decode_text(name).trim().to_owned())
    })
}

/// A name in quotes made of several encoded words, which many programs write against RFC 2047. The
/// decoder reads them one by one and would keep the blanks between them.
fn encoded(message: &Message<'_>, part: &MessagePart<'_>) -> Option<String> {
    let header = message
        .raw_message
        .get(part.offset_header as usize..part.offset_body as usize)?;
    let fields: Vec<_> = header_fields(header).collect();
    [
        ("content-disposition", "filename"),
        ("content-type", "name"),
    ]
    .into_iter()
    .find_map(|(field, parameter)| {
        let (_, value) = fields
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case(field))?;
        let quoted = quoted_parameter(value, parameter)?;
        (quoted.matches("=?").count() > 1).then(|| decode_text(quoted).trim().to_owned())
    })
}

fn quoted_parameter<'v>(value: &'v str, parameter: &str) -> Option<&'v str> {
    value.split(';').skip(1).find_map(|piece| {
        let (name, text) = piece.split_once('=')?;
        let text = text.trim().strip_prefix('"')?.strip_suffix('"')?;
        name.trim().eq_ignore_ascii_case(parameter).then_some(text)
    })
}
