//! Received mail: raw bytes in, one [`Incoming`] out. Never fails and never panics: what cannot be
//! understood is kept as text or as an attachment, because a mail that is refused is a mail that is lost.
//!
//! The fields have the names and the meaning that Odoo 18 gives them when it parses a message. Bodies come
//! out as HTML *before* sanitising; whoever stores one passes it through [`sanitize_html`].

mod address_header;
mod bounce;
mod date;
mod header;
mod html;
mod names;
mod parts;

use chrono::NaiveDateTime;

use crate::address::{email_normalize_all, email_split_and_format, email_split_tuples};
pub use address_header::decode_address_list;
pub use bounce::BounceReport;
pub use header::{decode_header, decode_text, header_fields};
pub use html::{escape_html, sanitize_html, text_to_html};
pub use parts::{Attachment, BodyKind};

/// What the parser must know from outside the message.
#[derive(Debug, Clone, Default)]
pub struct ParseContext {
    /// The present, in UTC: it stands in for a date that cannot be read.
    pub now: NaiveDateTime,
    /// The addresses to which bounces are sent (normalised): mail to them is a bounce.
    pub bounce_addresses: Vec<String>,
}

/// A received message.
#[derive(Debug, Clone, PartialEq)]
pub struct Incoming {
    /// Message-Id with its angle brackets; nothing if the message has none.
    pub message_id: Option<String>,
    /// The subject, decoded; of several the first ones too, joined by a blank.
    pub subject: String,
    /// The first sender as `"Name" <address>`, or the text of From if no address is in it.
    pub email_from: String,
    /// The distinct addresses of To and Delivered-To, as `"Name" <address>`.
    pub to: Vec<String>,
    /// The addresses of Cc, or its text if there is no address in it.
    pub cc: Vec<String>,
    /// The distinct addresses of To, Delivered-To, Cc and their Resent- forms.
    pub recipients: Vec<String>,
    /// The addresses of Reply-To.
    pub reply_to: Vec<String>,
    /// The text of References; see [`Incoming::reference_ids`].
    pub references: String,
    /// The text of In-Reply-To.
    pub in_reply_to: String,
    /// When the message was written, in UTC. Nothing if it does not say; now if it says so unreadably.
    pub date: Option<NaiveDateTime>,
    /// The body as HTML, not sanitised. Plain text is escaped and wrapped in `<pre>`.
    pub body_html: String,
    /// What the body was made of.
    pub body_kind: BodyKind,
    /// Everything that is not the body.
    pub attachments: Vec<Attachment>,
    /// Whether this is an automatic report about another message and not for people.
    pub is_bounce: bool,
    /// What the report says, where it could be read (empty for ordinary mail).
    pub bounce: BounceReport,
    /// Whether a program says it wrote this (RFC 3834): answering would risk a loop.
    pub auto_submitted: bool,
}

impl Incoming {
    /// The message ids in References, in order.
    #[must_use]
    pub fn reference_ids(&self) -> Vec<String> {
        message_ids(&self.references)
    }
}

/// Reads a raw message.
#[must_use]
pub fn parse_message(raw: &[u8], context: &ParseContext) -> Incoming {
    let headers = Headers::read(raw);
    let email_from = {
        let text = headers.joined("from", ",");
        email_split_and_format(&text)
            .into_iter()
            .next()
            .unwrap_or(text)
    };
    let to_text = headers.joined_all(&["to", "delivered-to"]);
    let cc_text = headers.joined("cc", ",");

    let structure = parts::Structure::read(raw);
    let is_bounce = structure.is_report
        || is_mailer_daemon(&email_from)
        || email_normalize_all(&to_text)
            .iter()
            .any(|address| context.bounce_addresses.contains(address));
    let contents = structure.contents(is_bounce);
    let bounce = if is_bounce {
        bounce::read_report(&structure, &headers.joined("references", " "))
    } else {
        BounceReport::default()
    };

    Incoming {
        message_id: message_id(&headers.joined("message-id", " ")),
        subject: headers.joined("subject", " "),
        email_from,
        to: distinct(email_split_and_format(&to_text)),
        cc: match email_split_and_format(&cc_text) {
            found if found.is_empty() && !cc_text.is_empty() => vec![cc_text],
            found => found,
        },
        recipients: distinct(email_split_and_format(&headers.joined_all(&[
            "to",
            "cc",
            "resent-to",
            "resent-cc",
            "delivered-to",
        ]))),
        reply_to: email_split_and_format(&headers.joined("reply-to", ",")),
        references: headers.joined("references", " ").trim().to_owned(),
        in_reply_to: headers.joined("in-reply-to", " ").trim().to_owned(),
        date: headers
            .first("date")
            .filter(|text| !text.trim().is_empty())
            .map(|text| date::read_date(text).unwrap_or(context.now)),
        body_html: contents.body_html,
        body_kind: contents.body_kind,
        attachments: contents.attachments,
        is_bounce,
        bounce,
        auto_submitted: headers
            .first("auto-submitted")
            .is_some_and(|value| !value.trim().eq_ignore_ascii_case("no")),
    }
}

/// The message ids in a text: everything between angle brackets, with the brackets.
#[must_use]
pub fn message_ids(text: &str) -> Vec<String> {
    text.split('<')
        .skip(1)
        .filter_map(|piece| piece.split_once('>'))
        .filter(|(id, _)| !id.is_empty() && !id.contains(char::is_whitespace))
        .map(|(id, _)| format!("<{id}>"))
        .collect()
}

/// The first word of the header: more than one id, or a blank in it, is a mistake of the sender.
fn message_id(text: &str) -> Option<String> {
    text.split_whitespace().next().map(str::to_owned)
}

fn is_mailer_daemon(email_from: &str) -> bool {
    email_split_tuples(email_from)
        .first()
        .is_some_and(|sender| sender.local_part().eq_ignore_ascii_case("mailer-daemon"))
}

fn distinct(addresses: Vec<String>) -> Vec<String> {
    let mut seen = std::collections::HashSet::new();
    addresses
        .into_iter()
        .filter(|address| seen.insert(address.clone()))
        .collect()
}

/// The header of the message, unfolded once and decoded on demand.
struct Headers(Vec<(String, String)>);

impl Headers {
    fn read(raw: &[u8]) -> Self {
        Self(
            header_fields(raw)
                .map(|(name, value)| {
                    let value = header::decode_value(&name, &value);
                    (name.to_ascii_lowercase(), value)
                })
                .collect(),
        )
    }

    fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.0
            .iter()
            .filter(move |(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    fn first(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(field, _)| field == name)
            .map(|(_, value)| value.as_str())
    }

    fn joined(&self, name: &str, separator: &str) -> String {
        self.all(name).collect::<Vec<_>>().join(separator)
    }

    fn joined_all(&self, names: &[&str]) -> String {
        names
            .iter()
            .flat_map(|name| self.all(name))
            .collect::<Vec<_>>()
            .join(",")
    }
}

#[cfg(test)]
mod tests;
