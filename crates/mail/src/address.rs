//! Addresses: read, normalise, format; with the vocabulary and the observed behaviour of Odoo 18.
//!
//! The choice of the outgoing server, the envelope and the routing of incoming mail all compare addresses,
//! so they agree with Odoo only if these functions do. The rules are recorded in the tables under
//! `tests/fixtures/oracle`; the surprising ones:
//! - trailing words glue onto a domain (`m@x.example Ana` reads as `m@x.exampleAna`), leading words are a name;
//! - a local part outside ASCII keeps its case, everything else is lower-cased when normalised;
//! - an internationalised domain and its `xn--` form are two different domains.

mod from_filter;
mod idn;
mod lenient;
mod scan;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

pub use from_filter::{from_filter_parts, match_from_filter};
pub use idn::{IdnError, domain_to_ascii};
pub use scan::{envelope_recipients, extract_rfc2822_addresses};

/// A name (empty when there is none) and an address (`local@domain`), both decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Mailbox {
    /// The display name, without quotes; empty when there is none.
    pub name: String,
    /// The address proper (RFC 5322 addr-spec), in the case in which it was written.
    pub addr_spec: String,
}

impl Mailbox {
    /// A mailbox of its two parts; neither is checked.
    pub fn new(name: impl Into<String>, addr_spec: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            addr_spec: addr_spec.into(),
        }
    }

    /// Everything before the last `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.addr_spec
            .rsplit_once('@')
            .map_or("", |(local, _)| local)
    }

    /// Everything after the last `@`.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.addr_spec
            .rsplit_once('@')
            .map_or("", |(_, domain)| domain)
    }

    /// The form for comparison: see [`email_normalize`].
    #[must_use]
    pub fn normalized(&self) -> String {
        normalize_addr_spec(&self.addr_spec)
    }
}

impl std::fmt::Display for Mailbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.name.is_empty() {
            f.write_str(&self.addr_spec)
        } else {
            write!(f, "\"{}\" <{}>", escape_quoted(&self.name), self.addr_spec)
        }
    }
}

/// The characters that the receiver of [`formataddr`] can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Charset {
    /// ASCII only: names become encoded words, domains their `xn--` form.
    Ascii,
    /// Latin-1; beyond it as with ASCII.
    Latin1,
    /// Anything.
    Utf8,
}

impl Charset {
    fn can_encode(self, text: &str) -> bool {
        match self {
            Self::Ascii => text.is_ascii(),
            Self::Latin1 => text.chars().all(|c| u32::from(c) < 0x100),
            Self::Utf8 => true,
        }
    }
}

/// Every name and address found in `text`, in order.
#[must_use]
pub fn email_split_tuples(text: &str) -> Vec<Mailbox> {
    let found: Vec<Mailbox> = lenient::read_list(text)
        .into_iter()
        .filter(|entry| entry.addr_spec.contains('@'))
        .flat_map(split_on_blanks)
        .collect();
    // An address that starts with `@` is the rest of something the list reader stumbled over, usually
    // addresses separated by blanks. Their look then tells more than the grammar.
    if found.iter().any(|entry| entry.addr_spec.starts_with('@')) {
        let plain = scan::scan_plain(text);
        if !plain.is_empty() {
            return plain;
        }
    }
    found
}

/// `Mira Stone mira@x`: the list reader takes the words for part of the address. What is an address keeps
/// being one, the other words are its name.
fn split_on_blanks(entry: Mailbox) -> Vec<Mailbox> {
    if !entry.name.is_empty() || !entry.addr_spec.contains(' ') {
        return vec![entry];
    }
    let pieces = lenient::read_list(&entry.addr_spec.replace(' ', ","));
    let (mut addresses, words): (Vec<_>, Vec<_>) = pieces
        .into_iter()
        .partition(|piece| piece.addr_spec.contains('@'));
    if addresses.is_empty() {
        return vec![entry];
    }
    if let [only] = addresses.as_mut_slice() {
        let words: Vec<String> = words
            .into_iter()
            .map(|word| word.addr_spec)
            .filter(|word| !word.is_empty())
            .collect();
        if only.name.is_empty() {
            only.name = words.join(" ");
        }
    }
    addresses
}

/// Every address found in `text`, without names.
#[must_use]
pub fn email_split(text: &str) -> Vec<String> {
    email_split_tuples(text)
        .into_iter()
        .map(|entry| entry.addr_spec)
        .collect()
}

/// Every address found in `text`, each written as `"Name" <address>`.
#[must_use]
pub fn email_split_and_format(text: &str) -> Vec<String> {
    email_split_tuples(text)
        .iter()
        .map(ToString::to_string)
        .collect()
}

/// The one address in `text`, in the form for comparison; nothing if there are none or several.
#[must_use]
pub fn email_normalize(text: &str) -> Option<String> {
    match email_split_tuples(text).as_slice() {
        [only] => Some(only.normalized()),
        _ => None,
    }
}

/// The first address in `text`, in the form for comparison.
#[must_use]
pub fn email_normalize_first(text: &str) -> Option<String> {
    email_split_tuples(text).first().map(Mailbox::normalized)
}

/// Every address in `text`, in the form for comparison.
#[must_use]
pub fn email_normalize_all(text: &str) -> Vec<String> {
    email_split_tuples(text)
        .iter()
        .map(Mailbox::normalized)
        .collect()
}

/// Lower case, except for a local part outside ASCII: whether its case matters only its server knows.
fn normalize_addr_spec(addr_spec: &str) -> String {
    match addr_spec.rsplit_once('@') {
        Some((local, domain)) if !local.is_ascii() => format!("{local}@{}", domain.to_lowercase()),
        _ => addr_spec.to_lowercase(),
    }
}

/// The domain of the one address in `text`, in lower case. It is what follows the *first* `@`, also where
/// a quoted local part has another.
#[must_use]
pub fn email_domain_extract(text: &str) -> Option<String> {
    email_normalize(text)?.split('@').nth(1).map(str::to_owned)
}

/// A domain in lower case; nothing if it is empty or rather an address. Blanks are kept.
#[must_use]
pub fn email_domain_normalize(domain: &str) -> Option<String> {
    (!domain.is_empty() && !domain.contains('@')).then(|| domain.to_lowercase())
}

/// Name and address for a new contact from what somebody typed: the first address in its form for
/// comparison, or, when there is none, the whole text as name.
#[must_use]
pub fn parse_contact_from_email(text: &str) -> (String, String) {
    match email_split_tuples(text).into_iter().next() {
        Some(first) => {
            let address = email_normalize_first(&first.addr_spec).unwrap_or_default();
            (first.name, address)
        }
        None if text.trim().is_empty() => (String::new(), String::new()),
        None => (text.to_owned(), String::new()),
    }
}

/// Name and address written as one mailbox in `charset`.
///
/// What the charset cannot hold is encoded: the name as one RFC 2047 word, the domain by IDNA. A local part
/// outside ASCII stays (it needs SMTPUTF8). The parts are not checked, a line end in them comes out again:
/// composing a message refuses it.
///
/// # Errors
/// When the charset cannot hold the domain and the domain has no ASCII form.
pub fn formataddr(name: &str, address: &str, charset: Charset) -> Result<String, IdnError> {
    let (local, domain) = address.rsplit_once('@').unwrap_or(("", address));
    let domain = if charset.can_encode(domain) {
        domain.to_owned()
    } else {
        domain_to_ascii(domain)?
    };
    let address = format!("{local}@{domain}");
    Ok(if name.is_empty() {
        address
    } else if charset.can_encode(name) {
        format!("\"{}\" <{address}>", escape_quoted(name))
    } else {
        format!("=?utf-8?b?{}?= <{address}>", STANDARD.encode(name))
    })
}

/// The sender `old` behind the address `new`: the name of `old` (or its local part) with the address of
/// `new`. An empty `old` stays as it is; without `new` there is nothing to put in front.
#[must_use]
pub fn encapsulate_email(old: Option<&str>, new: Option<&str>) -> Option<String> {
    let old = old?;
    if old.is_empty() {
        return Some(String::new());
    }
    let new = new.filter(|new| !new.is_empty())?;
    let old = lenient::read_list(old)
        .into_iter()
        .next()
        .unwrap_or_default();
    let new = lenient::read_list(new)
        .into_iter()
        .next()
        .unwrap_or_default();
    let name = if old.name.is_empty() {
        old.addr_spec.split('@').next().unwrap_or_default()
    } else {
        &old.name
    };
    // UTF-8 holds every domain, so nothing needs encoding and nothing can fail.
    formataddr(name, &new.addr_spec, Charset::Utf8).ok()
}

/// The text of a quoted string (RFC 5322 section 3.2.4), without its quotes.
fn escape_quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
