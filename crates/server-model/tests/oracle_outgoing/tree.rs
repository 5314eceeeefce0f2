//! The tree of parts of a message that was just written. It only has to read what this program writes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail::parse::decode_text;
use serde_json::{Value, json};

/// The message that these bytes are: type, charset, disposition, name, size and children.
pub fn of(raw: &str) -> Value {
    part(raw, true)
}

fn part(raw: &str, is_whole: bool) -> Value {
    let (head, body) = raw.split_once("\r\n\r\n").expect("an end of the header");
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    let field = |wanted: &str| {
        head.split("\r\n")
            .filter_map(|line| line.split_once(": "))
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.to_owned())
    };
    let declared = field("Content-Type").expect("every part has a type");
    let kind = declared.split(';').next().unwrap_or_default().trim();
    let disposition = field("Content-Disposition");
    if let (Some(boundary), None) = (parameter(&declared, "boundary"), &disposition) {
        let children: Vec<Value> = body
            .split(&format!("--{boundary}"))
            .skip(1)
            .take_while(|child| !child.starts_with("--"))
            .map(|child| {
                part(
                    child.strip_prefix("\r\n").expect("a line of its own"),
                    false,
                )
            })
            .collect();
        return json!({"type": kind, "children": children});
    }
    // Between parts the last line end belongs to the boundary.
    let body = match body.strip_suffix("\r\n") {
        Some(inner) if !is_whole => inner,
        _ => body,
    };
    let bytes = match field("Content-Transfer-Encoding").as_deref() {
        Some("base64") => STANDARD
            .decode(body.replace("\r\n", ""))
            .expect("valid base64"),
        Some("quoted-printable") => quoted_printable(body),
        _ => body.as_bytes().to_vec(),
    };
    let mut part = json!({
        "type": kind,
        "charset": parameter(&declared, "charset"),
        "disposition": disposition.as_deref().map(|value| value.split(';').next()),
        "size": bytes.len(),
    });
    if kind.starts_with("text/") {
        part["nonempty"] = (!String::from_utf8_lossy(&bytes).trim().is_empty()).into();
    }
    if let Some(name) = disposition
        .as_deref()
        .and_then(|value| parameter(value, "filename"))
    {
        part["filename"] = name.into();
    }
    part
}

/// A parameter of a field, in one piece or in several, encoded or not (RFC 2231).
fn parameter(field: &str, wanted: &str) -> Option<String> {
    let mut found: Option<String> = None;
    for piece in pieces(field) {
        let (name, value) = piece.trim().split_once('=')?;
        let (base, encoded) = match name.strip_suffix('*') {
            Some(base) => (base, true),
            None => (name, false),
        };
        if base.split('*').next() != Some(wanted) {
            continue;
        }
        let value = value.trim();
        let value = match value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
            Some(quoted) => quoted.replace("\\\"", "\"").replace("\\\\", "\\"),
            None => value.to_owned(),
        };
        let value = if encoded {
            let value = value.rsplit('\'').next().unwrap_or_default();
            String::from_utf8(quoted_printable(&value.replace('%', "="))).expect("UTF-8")
        } else {
            decode_text(&value)
        };
        found.get_or_insert_default().push_str(&value);
    }
    found
}

/// What stands between the semicolons that are not in quotes, without the value in front.
fn pieces(field: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in field.chars() {
        if c == ';' && !quoted {
            pieces.push(String::new());
            continue;
        }
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = c == '\\' && !escaped;
        pieces.last_mut().expect("never empty").push(c);
    }
    pieces.split_off(1)
}

fn quoted_printable(text: &str) -> Vec<u8> {
    let text = text.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'=', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).expect("two digits");
                bytes.push(u8::from_str_radix(digits, 16).expect("two digits"));
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    bytes
}
