//! Finding addresses in running text by their look alone, without reading the text as an address list.

use super::{Charset, Mailbox};
use super::{email_normalize_all, formataddr, normalize_addr_spec};

/// Every address in `text` as it is put into an SMTP envelope: the domain in ASCII form, addresses whose
/// domain has none left out.
///
/// This is Odoo's scanner for envelope recipients, naive on purpose: it cares for no quotes or comments,
/// so it also finds an address inside a quoted name, keeps a `;` behind the domain and takes line ends for
/// part of an address. Callers must pass single addresses and refuse line ends before they use the result.
#[must_use]
pub fn extract_rfc2822_addresses(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(c) = chars.get(at).copied() {
        if c == '@' && at > start {
            let end = run_end(&chars, at + 1, |c| !matches!(c, '>' | '"' | ' ' | ','));
            if end > at + 1 {
                let candidate: String = chars.get(start..end).unwrap_or_default().iter().collect();
                found.extend(formataddr("", &candidate, Charset::Ascii));
                at = end;
                start = end;
                continue;
            }
        }
        if matches!(c, '@' | '"' | ' ' | ',' | '<') {
            start = at + 1;
        }
        at += 1;
    }
    found
}

/// Whom a letter goes to whose To, Cc and Bcc are `texts`: every address in them as the envelope carries it,
/// each once.
///
/// Where addresses were judged before, those count and no others: an address that merely looks like one, in
/// somebody's name, is left out. Capitals and the two ways to write an internationalised domain make no
/// difference. (Odoo compares them letter by letter, and a recipient with a capital gets nothing.)
#[must_use]
pub fn envelope_recipients<T: AsRef<str>>(texts: &[T], judged: &[String]) -> Vec<String> {
    let wanted: Vec<String> = judged.iter().map(|address| comparable(address)).collect();
    let mut found: Vec<String> = Vec::new();
    for text in texts.iter().map(AsRef::as_ref) {
        for address in extract_rfc2822_addresses(text) {
            // Some people put semicolons between addresses; no domain ends with one.
            let address = address.trim_end_matches(';').to_owned();
            let same = comparable(&address);
            let counts = wanted.is_empty() || wanted.contains(&same);
            if counts && !found.iter().any(|known| comparable(known) == same) {
                found.push(address);
            }
        }
        // What the scanner overlooks that the reader of lists found good: a domain with capitals outside ASCII, say.
        for address in email_normalize_all(text) {
            let address = comparable(&address);
            if wanted.contains(&address) && !found.iter().any(|known| comparable(known) == address)
            {
                found.push(address);
            }
        }
    }
    found
}

/// An address in lower case with its domain in ASCII form.
fn comparable(address: &str) -> String {
    let address = normalize_addr_spec(address);
    formataddr("", &address, Charset::Ascii).unwrap_or(address)
}

/// Addresses that stand out as `local@domain`, made of the characters that need no quoting. Used where
/// reading the text as a list went astray.
pub(super) fn scan_plain(text: &str) -> Vec<Mailbox> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let local_end = run_end(&chars, at, is_atext);
        if local_end == at {
            at += 1;
            continue;
        }
        if chars.get(local_end) != Some(&'@') {
            at = local_end;
            continue;
        }
        let domain_start = local_end + 1;
        let domain_end = run_end(&chars, domain_start, |c| {
            c.is_alphanumeric() || matches!(c, '-' | '.' | '_')
        });
        if domain_end == domain_start || chars.get(domain_end) == Some(&'@') {
            at = domain_start;
            continue;
        }
        let address: String = chars
            .get(at..domain_end)
            .unwrap_or_default()
            .iter()
            .collect();
        found.push(Mailbox::new("", address));
        at = domain_end;
    }
    found
}

fn is_atext(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

fn run_end(chars: &[char], start: usize, belongs: impl Fn(char) -> bool) -> usize {
    chars
        .iter()
        .skip(start)
        .position(|c| !belongs(*c))
        .map_or(chars.len().max(start), |length| start + length)
}
