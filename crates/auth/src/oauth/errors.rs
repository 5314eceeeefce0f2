//! Turns a provider's refusal, or the lack of any answer, into an entry of the atlas.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use destinations::Refusal;
use serde_json::Value;
use words::Text;

use super::atlas::{self, Entry, ErrorClass};
use super::scrub::Scrubber;
use crate::http;

/// Longest text of a provider that is kept, in characters.
const MAX_DESCRIPTION: usize = 2000;
/// Longest text of an answer that is not JSON that is kept, in characters.
const MAX_PLAIN_TEXT: usize = 200;
/// Longest identifier (error word, correlation id) that is kept, in characters.
const MAX_WORD: usize = 64;

/// Why a provider gave no tokens. `Display` says what happened, what to do and the code with what a
/// support desk asks for. Of the provider's own text it has identifiers only; its words are in
/// [`description`](Self::description).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", self.text())]
pub struct ProviderError {
    /// Stable name of the failure in the atlas, for logs and lookups: `oauth.secret_expired`.
    pub code: &'static str,
    /// Whether and after whose action it may succeed.
    pub class: ErrorClass,
    /// Microsoft's number, if it gave one: of several the first that is known here.
    pub aadsts: Option<u32>,
    /// The value of `error`, if there was one.
    pub word: Option<String>,
    /// The HTTP status, if there was one.
    pub status: Option<u16>,
    /// Microsoft's finer reason, such as `token_expired`, if it gave one.
    pub suberror: Option<String>,
    /// The provider's own words (`error_description`), for administrators. On one line, at most
    /// 2000 characters, with our secrets masked. It is foreign text: escape it in HTML.
    pub description: Option<String>,
    /// What Microsoft's support asks for, if the provider gave it.
    pub correlation_id: Option<String>,
    /// As the correlation id.
    pub trace_id: Option<String>,
    /// How long the provider asks us to wait, at most a day.
    pub retry_after: Option<Duration>,
    /// The network's error, if it was one.
    source: Option<Arc<reqwest::Error>>,
}

/// A refusal as it came over HTTP.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// `None` if the body was too long to be an answer.
    pub(super) body: Option<Vec<u8>>,
}

impl fmt::Debug for Answer {
    /// Without the body, which may quote secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HTTP status {}", self.status)
    }
}

impl ProviderError {
    /// What the provider reported by sending the browser back with `error` and
    /// `error_description` in place of a code (RFC 6749, section 4.1.2.1).
    pub fn from_callback(error: Option<&str>, description: Option<&str>) -> ProviderError {
        let report = Report {
            word: error.map(str::to_owned),
            description: description.map(str::to_owned),
            ..Report::default()
        };
        ProviderError::new(
            None,
            report.with_number_from_description(),
            &Scrubber::new([]),
        )
    }

    pub(super) fn from_answer(answer: &Answer, scrubber: &Scrubber) -> ProviderError {
        let body = answer.body.as_deref().unwrap_or_default();
        let report = Report::parse(body).unwrap_or_else(|| Report::from_text(body));
        ProviderError {
            retry_after: answer.retry_after,
            ..ProviderError::new(Some(answer.status), report, scrubber)
        }
    }

    /// For an answer with status 200 that is not an answer with tokens. Some providers report
    /// errors that way.
    pub(super) fn from_unreadable(body: &[u8], scrubber: &Scrubber) -> ProviderError {
        match Report::parse(body) {
            Some(report) if report.word.is_some() || report.description.is_some() => {
                ProviderError::new(None, report, scrubber)
            }
            _ => ProviderError::of(&atlas::UNREADABLE),
        }
    }

    pub(super) fn unusable_token() -> ProviderError {
        ProviderError::of(&atlas::UNUSABLE_TOKEN)
    }

    /// The host is where nobody may connect to.
    pub(super) fn closed(refusal: Refusal) -> ProviderError {
        ProviderError {
            description: Some(refusal.to_string()),
            ..ProviderError::of(&atlas::CLOSED)
        }
    }

    pub(super) fn from_network(error: reqwest::Error) -> ProviderError {
        if let Some(refusal) = http::refusal_in(&error) {
            return ProviderError::closed(refusal);
        }
        let tls = find_tls_error(&error).map(ToString::to_string);
        let entry = if error.is_timeout() {
            &atlas::TIMEOUT
        } else if tls.is_some() {
            &atlas::TLS
        } else if error.is_dns() {
            &atlas::DNS
        } else if error.is_connect() {
            &atlas::CONNECT
        } else {
            &atlas::INTERRUPTED
        };
        let mut failure = ProviderError::of(entry);
        failure.description = tls;
        failure.source = Some(Arc::new(error.without_url()));
        failure
    }

    /// What happened, what to do, and the code with what a support desk asks for.
    pub fn text(&self) -> Text {
        words::atlas::told(self.code, self.marks())
    }

    /// Whether to try again later with the tokens at hand.
    pub fn is_transient(&self) -> bool {
        self.class.is_transient()
    }

    /// The code, and what makes it more exact: Microsoft's number, the provider's word or the HTTP
    /// status, and the id by which Microsoft's support finds the request.
    fn marks(&self) -> String {
        let exact = match (self.aadsts, &self.word, self.status) {
            (Some(number), _, _) => format!(", AADSTS{number}"),
            (None, Some(word), _) => format!(", {word}"),
            (None, None, Some(status)) => format!(", HTTP {status}"),
            (None, None, None) => String::new(),
        };
        let correlation = match &self.correlation_id {
            Some(id) => format!(", correlation id {id}"),
            None => String::new(),
        };
        format!("{}{exact}{correlation}", self.code)
    }

    fn of(entry: &'static Entry) -> ProviderError {
        ProviderError {
            code: entry.code,
            class: entry.class,
            aadsts: None,
            word: None,
            status: None,
            suberror: None,
            description: None,
            correlation_id: None,
            trace_id: None,
            retry_after: None,
            source: None,
        }
    }

    fn new(status: Option<u16>, report: Report, scrubber: &Scrubber) -> ProviderError {
        let identifier = |text: Option<String>| {
            text.map(|text| identifier(&scrubber.clean(&text)))
                .filter(|text| !text.is_empty())
        };
        let word = identifier(report.word);
        let numbers = report.numbers;
        let known = numbers.iter().find(|n| atlas::by_aadsts(**n).is_some());
        let aadsts = known.or(numbers.first()).copied();
        let entry = judge(status, word.as_deref(), aadsts);
        ProviderError {
            aadsts,
            word,
            status,
            suberror: identifier(report.suberror),
            description: report
                .description
                .map(|text| one_line(&scrubber.clean(&text), MAX_DESCRIPTION))
                .filter(|text| !text.is_empty()),
            correlation_id: identifier(report.correlation_id),
            trace_id: identifier(report.trace_id),
            ..ProviderError::of(entry)
        }
    }
}

/// Finds the entry for an answer, the most exact first.
///
/// A status that says "later" is believed above all else: a provider that is overloaded may blame
/// the credentials, and nobody should be sent to change them for that.
fn judge(status: Option<u16>, word: Option<&str>, number: Option<u32>) -> &'static Entry {
    let by_number = number.and_then(atlas::by_aadsts);
    let by_word = word.and_then(atlas::by_word);
    let by_status = status.map(atlas::by_status);
    match by_status {
        Some(later) if later.class.is_transient() => [by_number, by_word]
            .into_iter()
            .flatten()
            .find(|entry| entry.class.is_transient())
            .unwrap_or(later),
        _ => by_number
            .or(by_word)
            .or(by_status)
            .unwrap_or(&atlas::UNKNOWN),
    }
}

/// What a refusal says, before anything is masked or judged.
#[derive(Default)]
struct Report {
    word: Option<String>,
    description: Option<String>,
    numbers: Vec<u32>,
    suberror: Option<String>,
    correlation_id: Option<String>,
    trace_id: Option<String>,
}

impl Report {
    /// Reads the error object of RFC 6749, section 5.2, with Microsoft's additions, and the nested
    /// one (`{"error": {"code", "message"}}`) that APIs of both providers use. Members of a wrong
    /// type are as if they were not there.
    fn parse(body: &[u8]) -> Option<Report> {
        let value: Value = serde_json::from_slice(body).ok()?;
        let object = value.as_object()?;
        let text = |name: &str| object.get(name).and_then(Value::as_str).map(str::to_owned);
        let nested = |name: &str| object.get("error")?.get(name)?.as_str().map(str::to_owned);
        let description = text("error_description").or_else(|| nested("message"));
        let numbers = match object.get("error_codes").and_then(Value::as_array) {
            Some(list) => list
                .iter()
                .filter_map(|n| n.as_u64()?.try_into().ok())
                .collect(),
            None => Vec::new(),
        };
        Some(
            Report {
                word: text("error").or_else(|| nested("code")),
                description,
                numbers,
                suberror: text("suberror"),
                correlation_id: text("correlation_id"),
                trace_id: text("trace_id"),
            }
            .with_number_from_description(),
        )
    }

    /// Keeps a short plain text ("boom") as the description. Markup is a page of something in
    /// between and says nothing; a broken-off JSON text may hold tokens.
    fn from_text(body: &[u8]) -> Report {
        let text = std::str::from_utf8(body).unwrap_or_default().trim();
        let plain = !text.starts_with(['<', '{', '[']) && !text.is_empty();
        Report {
            // Cut later, after masking: a secret cut in half would not be recognised.
            description: plain
                .then(|| text.to_owned())
                .filter(|text| text.chars().count() <= MAX_PLAIN_TEXT),
            ..Report::default()
        }
    }

    fn with_number_from_description(mut self) -> Report {
        if self.numbers.is_empty() {
            self.numbers
                .extend(self.description.as_deref().and_then(aadsts_number));
        }
        self
    }
}

/// The number of a text that begins like `AADSTS50011: The redirect URI …`.
fn aadsts_number(description: &str) -> Option<u32> {
    let rest = description.trim_start().strip_prefix("AADSTS")?;
    let digits = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest[..digits].parse().ok()
}

/// A foreign identifier made harmless for logs: letters, digits and `_ - .`, in bounds.
fn identifier(text: &str) -> String {
    let harmless = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    text.chars().filter(harmless).take(MAX_WORD).collect()
}

/// A foreign text on one line, in bounds.
fn one_line(text: &str, max: usize) -> String {
    let flat = text
        .split(|c: char| c.is_control())
        .filter(|part| !part.is_empty());
    flat.collect::<Vec<_>>()
        .join(" ")
        .trim()
        .chars()
        .take(max)
        .collect()
}

/// Looks for an error of the TLS layer among the causes. Causes inside an `io::Error` are not in
/// its chain of sources and need a look of their own.
fn find_tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<rustls::Error>() {
            return Some(found);
        }
        let inner = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(found) = inner.and_then(|inner| find_tls_error(inner)) {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
