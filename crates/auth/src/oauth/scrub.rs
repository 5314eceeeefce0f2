//! Takes our secrets out of texts that came from elsewhere.
//!
//! A provider may quote a wrong client secret or a refused token in its explanation; that text is
//! shown to administrators and may be logged.

use secrecy::{ExposeSecret, SecretString};
use url::form_urlencoded;

const MASK: &str = "***";
/// Secrets shorter than this are masked as whole words only: a "secret" of one letter, as test
/// set-ups have them, would otherwise make the text unreadable.
const SHORT: usize = 6;

/// The secrets of one request, as they were sent and as they look in a form body.
pub(super) struct Scrubber {
    secrets: Vec<SecretString>,
}

impl Scrubber {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Scrubber {
        let mut spellings: Vec<String> = secrets
            .into_iter()
            .filter(|secret| !secret.is_empty())
            .flat_map(|secret| [secret.to_owned(), encoded(secret)])
            .collect();
        // The longest first: a secret that contains another must go as a whole.
        spellings.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        spellings.dedup();
        Scrubber {
            secrets: spellings.into_iter().map(SecretString::from).collect(),
        }
    }

    /// `text` with every occurrence of a secret replaced by `***`.
    pub(super) fn clean(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| {
            mask(&text, secret.expose_secret())
        })
    }
}

fn encoded(secret: &str) -> String {
    form_urlencoded::byte_serialize(secret.as_bytes()).collect()
}

fn mask(text: &str, secret: &str) -> String {
    if secret.len() >= SHORT {
        return text.replace(secret, MASK);
    }
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for (at, found) in text.match_indices(secret) {
        let end = at + found.len();
        let inside = text[..at].ends_with(char::is_alphanumeric)
            || text[end..].starts_with(char::is_alphanumeric);
        if !inside {
            out.push_str(&text[done..at]);
            out.push_str(MASK);
            done = end;
        }
    }
    out.push_str(&text[done..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_go_as_sent_and_as_encoded_in_a_form() {
        let scrubber = Scrubber::new(["p~x/y+z w", "p~x/y+z w-longer"]);
        assert_eq!(scrubber.clean("got 'p~x/y+z w'."), "got '***'.");
        assert_eq!(scrubber.clean("got p%7Ex%2Fy%2Bz+w, why"), "got ***, why");
        assert_eq!(scrubber.clean("p~x/y+z w-longerp~x/y+z w"), "******");
    }

    #[test]
    fn short_secrets_go_as_words_and_empty_ones_do_nothing() {
        let scrubber = Scrubber::new(["", "r"]);
        assert_eq!(scrubber.clean("wrong r: 'r', er"), "wrong ***: '***', er");
        assert_eq!(Scrubber::new([""]).clean("as it was"), "as it was");
    }
}
