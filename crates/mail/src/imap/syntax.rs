//! The pieces of IMAP commands: strings, mailbox names, sets of UIDs.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;

/// A string that fits between quotes (RFC 3501 section 4.3); none if it needs a literal.
pub(super) fn quoted(text: &str) -> Option<String> {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic();
    if !text.chars().all(plain) || text.len() > 1000 {
        return None;
    }
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    Some(format!("\"{escaped}\""))
}

/// A mailbox name in modified UTF-7 (RFC 3501 section 5.1.3), quoted.
/// None if it contains a control character.
pub(super) fn mailbox(name: &str) -> Option<String> {
    if name.chars().any(char::is_control) {
        return None;
    }
    let mut encoded = String::new();
    let mut shifted: Vec<u8> = Vec::new();
    for c in name.chars() {
        if c == ' ' || c.is_ascii_graphic() {
            unshift(&mut encoded, &mut shifted);
            encoded.push(c);
            if c == '&' {
                encoded.push('-');
            }
        } else {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                shifted.extend_from_slice(&unit.to_be_bytes());
            }
        }
    }
    unshift(&mut encoded, &mut shifted);
    quoted(&encoded)
}

/// Writes the collected UTF-16 as `&…-`.
fn unshift(encoded: &mut String, shifted: &mut Vec<u8>) {
    if shifted.is_empty() {
        return;
    }
    // Like ordinary base64, with a comma for the slash, which is a hierarchy separator.
    let engine = GeneralPurpose::new(&base64::alphabet::IMAP_MUTF7, NO_PAD);
    encoded.push('&');
    encoded.push_str(&engine.encode(&*shifted));
    encoded.push('-');
    shifted.clear();
}

/// UIDs as a sequence set, with ranges: `1:3,7`. Sorted, each once. None for no UIDs.
pub(super) fn uid_set(uids: &[u32]) -> Option<String> {
    let mut uids = uids.to_vec();
    uids.sort_unstable();
    uids.dedup();
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
            _ => ranges.push((uid, uid)),
        }
    }
    let written: Vec<String> = ranges
        .iter()
        .map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}:{last}")
            }
        })
        .collect();
    (!written.is_empty()).then(|| written.join(","))
}

/// A day as searches name it, like `1-Feb-2026` (RFC 3501 section 9, `date`).
pub(super) fn date(day: chrono::NaiveDate) -> String {
    day.format("%-d-%b-%Y").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_are_escaped_and_the_rest_needs_a_literal() {
        assert_eq!(quoted(r#"a "b" \c"#).as_deref(), Some(r#""a \"b\" \\c""#));
        assert_eq!(quoted("").as_deref(), Some("\"\""));
        assert_eq!(quoted("é"), None);
        assert_eq!(quoted("a\r\nA1 LOGOUT"), None);
    }

    #[test]
    fn mailbox_names_are_written_in_modified_utf_7() {
        assert_eq!(mailbox("INBOX").as_deref(), Some("\"INBOX\""));
        assert_eq!(
            mailbox("~peter/mail/台北/日本語").as_deref(),
            Some("\"~peter/mail/&U,BTFw-/&ZeVnLIqe-\"")
        );
        assert_eq!(mailbox("R&D").as_deref(), Some("\"R&-D\""));
        assert_eq!(mailbox("a\nb"), None);
    }

    #[test]
    fn days_have_english_months_and_no_zero_in_front() {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 2, 1).expect("a day");
        assert_eq!(date(day), "1-Feb-2026");
    }

    #[test]
    fn uids_are_written_as_ranges() {
        assert_eq!(uid_set(&[7, 1, 3, 2, 3]).as_deref(), Some("1:3,7"));
        assert_eq!(uid_set(&[u32::MAX]).as_deref(), Some("4294967295"));
        assert_eq!(uid_set(&[]), None);
    }
}
