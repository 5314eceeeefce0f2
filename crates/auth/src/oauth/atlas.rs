//! The atlas of a provider's failures: for each known answer a stable code, what it means for the
//! person who runs the mail server, what that person can do, and whether trying again makes sense.
//!
//! Microsoft may change its AADSTS numbers, so `error` decides where a number is not known here;
//! numbers make the text and the class more exact. Sources: Microsoft's page "Microsoft Entra
//! authentication and authorization error codes"; RFC 6749, sections 4.1.2.1 and 5.2; OpenID
//! Connect Core, section 3.1.2.6; Google's page "Using OAuth 2.0 for Web Server Applications".

mod general;
mod microsoft;

pub(super) use general::{
    CLOSED, CONNECT, DNS, INTERRUPTED, REDIRECTED, SLOW_DOWN, TIMEOUT, TLS, UNAVAILABLE,
    UNEXPECTED, UNKNOWN, UNREADABLE, UNUSABLE_TOKEN,
};

use words::Text;

/// Whether the same request may succeed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// Yes: keep the tokens, wait, try again.
    Transient,
    /// No: someone has to act first.
    Permanent(Cause),
}

impl ErrorClass {
    /// Whether to try again later without anyone acting.
    pub fn is_transient(self) -> bool {
        self == ErrorClass::Transient
    }
}

/// Who has to act on a permanent failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The mailbox's owner (or an administrator for them) has to sign in with the provider again.
    Reconnect,
    /// An administrator has to change a setting here or at the provider.
    Configuration,
}

/// One known failure of a provider.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its stable name, such as `oauth.secret_expired`.
    pub code: &'static str,
    /// The numbers that Microsoft gives after `AADSTS`.
    pub numbers: &'static [u32],
    /// The values of `error`.
    pub words: &'static [&'static str],
    /// What else it is recognised by, in words; often nothing.
    pub sign: &'static str,
    /// Whether and after whose action it may succeed.
    pub class: ErrorClass,
}

const TRANSIENT: ErrorClass = ErrorClass::Transient;
const RECONNECT: ErrorClass = ErrorClass::Permanent(Cause::Reconnect);
const CONFIGURATION: ErrorClass = ErrorClass::Permanent(Cause::Configuration);

/// An entry without anything that it is recognised by yet.
const fn entry(code: &'static str, class: ErrorClass) -> Entry {
    Entry {
        code,
        numbers: &[],
        words: &[],
        sign: "",
        class,
    }
}

impl Entry {
    /// What happened, as a sentence.
    pub fn what(&self) -> Text {
        words::atlas::what(self.code)
    }

    /// What to do, as a sentence.
    pub fn remedy(&self) -> Text {
        words::atlas::remedy(self.code)
    }

    const fn numbers(self, numbers: &'static [u32]) -> Entry {
        Entry { numbers, ..self }
    }

    const fn words(self, words: &'static [&'static str]) -> Entry {
        Entry { words, ..self }
    }

    const fn sign(self, sign: &'static str) -> Entry {
        Entry { sign, ..self }
    }
}

/// All that is known, Microsoft's numbers first.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    microsoft::ENTRIES.iter().chain(general::ENTRIES).copied()
}

/// The entry for a number Microsoft gives after `AADSTS`.
pub(super) fn by_aadsts(number: u32) -> Option<&'static Entry> {
    entries().find(|entry| entry.numbers.contains(&number))
}

/// The entry for the value of `error`.
pub(super) fn by_word(word: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.words.contains(&word))
}

/// The entry for an HTTP status, for an answer that says nothing else.
pub(super) fn by_status(status: u16) -> &'static Entry {
    match status {
        429 => &SLOW_DOWN,
        _ if is_transient_status(status) => &UNAVAILABLE,
        300..=399 => &REDIRECTED,
        _ => &UNEXPECTED,
    }
}

/// Statuses after which the same request may succeed later.
pub(super) fn is_transient_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500..=599)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_code_no_number_and_no_word_stands_twice() {
        let mut seen = BTreeSet::new();
        for entry in entries() {
            assert!(seen.insert(entry.code.to_owned()), "{}", entry.code);
            for number in entry.numbers {
                assert!(seen.insert(number.to_string()), "{number}");
            }
            for word in entry.words {
                assert!(seen.insert((*word).to_owned()), "{word}");
            }
        }
    }

    #[test]
    fn every_code_is_a_name_of_this_half_of_the_atlas() {
        for entry in entries() {
            let name = entry.code.strip_prefix("oauth.").expect(entry.code);
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
        }
    }

    #[test]
    fn every_entry_says_what_it_is_recognised_by() {
        for entry in entries() {
            let signs = entry.numbers.len() + entry.words.len() + entry.sign.len();
            assert!(signs > 0, "{}", entry.code);
        }
    }

    #[test]
    fn all_texts_are_whole_sentences() {
        for entry in entries() {
            for text in [entry.what(), entry.remedy()].map(|text| text.to_string()) {
                assert!(text.starts_with(char::is_uppercase), "{text}");
                assert!(text.ends_with('.') && !text.contains("  "), "{text}");
            }
        }
    }
}
