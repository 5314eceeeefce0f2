//! Header fields of a received message: unfolded, with their encoded words (RFC 2047) resolved.
//!
//! Lenient in the ways that Odoo 18 is observed to be: encoded words are decoded where they should not
//! stand (inside words, inside quotes), raw 8-bit text is read as UTF-8, unknown charsets too.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use mail_parser::decoders::charsets::map::charset_decoder;

use super::address_header::decode_address_list;

/// Base64 as it occurs in the wild: without padding, with stray bits at the end.
const LENIENT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Header fields whose value is a list of addresses.
const ADDRESS_HEADERS: [&str; 12] = [
    "from",
    "to",
    "cc",
    "bcc",
    "reply-to",
    "sender",
    "resent-from",
    "resent-to",
    "resent-cc",
    "resent-bcc",
    "resent-sender",
    "resent-reply-to",
];

/// All values of the header `name` in a raw header block (or a whole raw message), decoded and joined by
/// `separator`; empty when there is none. Addresses are rewritten in their plain form, with decoded names.
#[must_use]
pub fn decode_header(raw: &[u8], name: &str, separator: &str) -> String {
    header_fields(raw)
        .filter(|(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(field, value)| decode_value(&field, &value))
        .collect::<Vec<_>>()
        .join(separator)
}

/// The fields of a raw header block in order, unfolded but not decoded: name and value. Stops at the first
/// line that is neither a field nor the continuation of one.
pub fn header_fields(raw: &[u8]) -> impl Iterator<Item = (String, String)> {
    let text = String::from_utf8_lossy(header_block(raw)).into_owned();
    let mut fields: Vec<(String, String)> = Vec::new();
    for (number, line) in split_lines(&text).enumerate() {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push_str(line);
            }
        } else if let Some((name, value)) =
            line.split_once(':').filter(|(name, _)| is_field_name(name))
        {
            fields.push((
                name.to_owned(),
                value.trim_start_matches([' ', '\t']).to_owned(),
            ));
        } else if !(number == 0 && line.starts_with("From ")) {
            break;
        }
    }
    fields.into_iter()
}

/// The bytes up to the first empty line, so that a large body is not copied for the sake of its header.
fn header_block(raw: &[u8]) -> &[u8] {
    let mut line_start = 0;
    for (at, byte) in raw.iter().enumerate() {
        if *byte == b'\n' {
            let line = raw.get(line_start..at).unwrap_or_default();
            if line.is_empty() || line == b"\r" {
                return raw.get(..line_start).unwrap_or_default();
            }
            line_start = at + 1;
        }
    }
    raw
}

fn is_field_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_graphic() && b != b':')
}

/// Lines ended by CR LF, LF or a lone CR.
fn split_lines(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(['\r', '\n']).filter_map({
        let mut after_cr = false;
        move |piece| {
            let second_half = after_cr && piece == "\n";
            after_cr = piece.ends_with('\r');
            (!second_half).then(|| piece.trim_end_matches(['\r', '\n']))
        }
    })
}

pub(super) fn decode_value(name: &str, value: &str) -> String {
    if ADDRESS_HEADERS
        .iter()
        .any(|header| name.eq_ignore_ascii_case(header))
    {
        decode_address_list(value)
    } else {
        decode_text(value)
    }
}

/// Free text with its encoded words resolved; blanks between two adjacent encoded words vanish (RFC 2047
/// section 6.2), all others stay.
#[must_use]
pub fn decode_text(value: &str) -> String {
    let mut out = String::new();
    let mut rest = value;
    let mut after_encoded_word = false;
    let mut pending_blanks = "";
    while !rest.is_empty() {
        let blanks_end = rest
            .find(|c| !matches!(c, ' ' | '\t'))
            .unwrap_or(rest.len());
        if blanks_end > 0 {
            let (blanks, tail) = rest.split_at(blanks_end);
            pending_blanks = blanks;
            rest = tail;
            continue;
        }
        if let Some((word, tail)) = take_encoded_word(rest) {
            if !after_encoded_word {
                out.push_str(pending_blanks);
            }
            out.push_str(&word);
            rest = tail;
            after_encoded_word = true;
        } else {
            out.push_str(pending_blanks);
            let word_end = rest.find([' ', '\t']).unwrap_or(rest.len());
            let (word, _) = rest.split_at(word_end);
            // An encoded word glued to other text is decoded all the same.
            let end = match word.find("=?") {
                Some(start) if start > 0 && has_encoded_word(word) => start,
                _ => word_end,
            };
            let (plain, tail) = rest.split_at(end);
            out.push_str(plain);
            rest = tail;
            after_encoded_word = false;
        }
        pending_blanks = "";
    }
    out.push_str(pending_blanks);
    out
}

fn has_encoded_word(word: &str) -> bool {
    word.match_indices("=?").any(|(start, _)| {
        let mut parts = word.get(start + 2..).unwrap_or_default().splitn(3, '?');
        let (_charset, encoding, text) = (parts.next(), parts.next(), parts.next());
        encoding.is_some_and(|e| matches!(e, "q" | "Q" | "b" | "B"))
            && text.is_some_and(|t| t.contains("?="))
    })
}

/// The decoded encoded word at the start of `text`, and what follows it; nothing if there is none.
pub(super) fn take_encoded_word(text: &str) -> Option<(String, &str)> {
    let body = text.strip_prefix("=?")?;
    let (charset, rest) = body.split_once('?')?;
    let (encoding, rest) = rest.split_once('?')?;
    let end = rest.find("?=")?;
    let payload = rest.get(..end)?;
    if charset.is_empty() || payload.contains('?') {
        return None;
    }
    let bytes = match encoding {
        "q" | "Q" => decode_q(payload),
        "b" | "B" => decode_b(payload),
        _ => return None,
    };
    // RFC 2231 allows a language behind the charset.
    let charset = charset.split('*').next().unwrap_or_default();
    Some((decode_charset(&bytes, charset), rest.get(end + 2..)?))
}

fn decode_q(payload: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len());
    let mut rest = payload.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'_', _) => bytes.push(b' '),
            (b'=', [high, low, after @ ..]) => match (hex_value(*high), hex_value(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high * 16 + low);
                    rest = after;
                }
                _ => bytes.push(b'='),
            },
            _ => bytes.push(*first),
        }
    }
    bytes
}

fn hex_value(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn decode_b(payload: &str) -> Vec<u8> {
    decode_base64(payload).unwrap_or_else(|| payload.as_bytes().to_vec())
}

/// The bytes of a base64 text; whatever is no digit is passed over.
pub(super) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text
        .bytes()
        .filter(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/'))
        .collect();
    LENIENT_BASE64.decode(&digits).ok()
}

/// Text from bytes in `charset`; what it cannot hold becomes U+FFFD, and an unknown charset is read as
/// UTF-8: losing a few letters serves the reader better than losing the mail.
pub(super) fn decode_charset(bytes: &[u8], charset: &str) -> String {
    match charset.to_ascii_lowercase().as_str() {
        "" | "ascii" | "us-ascii" | "utf-8" | "utf8" => String::from_utf8_lossy(bytes).into_owned(),
        // The decoder at hand reads Latin-1 as Windows-1252; the control range differs.
        "iso-8859-1" | "latin-1" | "latin1" => bytes.iter().copied().map(char::from).collect(),
        other => match charset_decoder(other.as_bytes()) {
            Some(decode) => decode(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        },
    }
}
