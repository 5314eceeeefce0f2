//! Outgoing mail: from parts to the bytes that go over the wire, with the envelope beside them.
//!
//! A letter has a header of its own and a [`Content`], its MIME part, which letters to many people share.
//!
//! Nothing a caller passes can add a header field or end the header early: a value with a line end (of any
//! kind Unicode knows) or a NUL is refused, never quietly repaired, and so are names that are no field
//! names. What is longer than a line is folded or encoded so that no line exceeds 998 octets
//! (RFC 5322 section 2.1.1).

mod addresses;
mod check;
mod fields;
mod message_id;
mod mime;

use std::borrow::{Borrow, Cow};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use words::say;

use crate::address::{IdnError, Mailbox};
pub use check::is_one_line;
pub use message_id::{generate_message_id, tracking_message_id};

/// A file to send along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// The file name; nothing is possible, an empty name too.
    pub name: Option<String>,
    /// The media type, with parameters if need be (`text/plain; charset=iso-8859-1`). What is no media
    /// type is sent as `application/octet-stream`.
    pub mimetype: String,
    /// The content as it is to arrive.
    pub bytes: Vec<u8>,
    /// The name by which the HTML body refers to it (`cid:…`), without angle brackets.
    pub cid: Option<String>,
}

/// How a text is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum TextKind {
    /// `text/plain`.
    #[default]
    Plain,
    /// `text/html`.
    Html,
}

/// A text and how it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// How it is written.
    pub kind: TextKind,
    /// The text, sent as it is but for its line ends.
    pub text: String,
}

impl Text {
    /// Plain text.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            kind: TextKind::Plain,
            text: text.into(),
        }
    }

    /// HTML.
    pub fn html(text: impl Into<String>) -> Self {
        Self {
            kind: TextKind::Html,
            text: text.into(),
        }
    }
}

/// The text of a message.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// The text proper.
    pub text: Text,
    /// The same for readers who cannot show it. HTML gets one made from it where there is none; an empty one
    /// counts as none.
    pub alternative: Option<Text>,
}

impl From<Text> for Body {
    fn from(text: Text) -> Self {
        Self {
            text,
            alternative: None,
        }
    }
}

/// The MIME part of a message, written once for all the letters that carry it. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    bytes: Arc<Vec<u8>>,
}

impl Content {
    /// Writes the text and the files. HTML goes out as multipart/alternative with its plain text first;
    /// attachments make it a multipart/mixed, and are base64 throughout so that their bytes arrive unchanged.
    ///
    /// # Errors
    /// When the name of a file, or the name by which the text refers to it, would break its header.
    pub fn new<A: Borrow<Attachment>>(
        body: &Body,
        attachments: &[A],
    ) -> Result<Self, ComposeError> {
        let mut bytes = Vec::with_capacity(mime::usual_length(body, attachments));
        mime::body(body, attachments)?.write_part(&mut bytes);
        Ok(Self {
            bytes: Arc::new(bytes),
        })
    }
}

/// A message to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outgoing {
    /// The senders that people see; hardly ever more than one.
    pub from: Vec<Mailbox>,
    /// Where bounces go; without it they go to the last of `from`.
    pub envelope_from: Option<String>,
    /// The recipients named in To.
    pub to: Vec<Mailbox>,
    /// The recipients named in Cc.
    pub cc: Vec<Mailbox>,
    /// Recipients who are named nowhere.
    pub bcc: Vec<Mailbox>,
    /// Who gets it, where that is not To, Cc and Bcc. Whoever says so has judged the addresses, and what of To
    /// and Cc cannot be written is left out instead of being refused.
    pub recipients: Option<Vec<String>>,
    /// Where answers go; without it there is no such field, and they go to `from`. What cannot be written is
    /// left out.
    pub reply_to: Vec<Mailbox>,
    /// The subject. Encoded words in it are decoded first.
    pub subject: String,
    /// Message-Id with angle brackets (of several the first); without it one is made.
    pub message_id: Option<String>,
    /// The record that the message is about, for a Message-Id that is made (see [`tracking_message_id`]).
    pub object_id: Option<String>,
    /// Message ids of the conversation, oldest first.
    pub references: Vec<String>,
    /// Message id of the message that this one answers.
    pub in_reply_to: Option<String>,
    /// When it was written; without it, now.
    pub date: Option<DateTime<Utc>>,
    /// More header fields. One that this structure has a place for is refused where its place is taken, as are
    /// From, Subject, Reply-To and Date; Cc and Bcc name recipients; MIME-Version, Content-Type and
    /// Content-Transfer-Encoding are the content's own and passed over.
    pub headers: Vec<(String, String)>,
}

/// A message ready for the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    /// The envelope sender (MAIL FROM).
    pub envelope_from: String,
    /// The envelope recipients (RCPT TO): all of To, Cc and Bcc, each once, their domains in ASCII form.
    pub recipients: Vec<String>,
    /// Whether an address has a local part outside ASCII: the server must speak SMTPUTF8 (RFC 6531).
    pub needs_smtputf8: bool,
    /// The Message-Id, given or made, with angle brackets.
    pub message_id: String,
    /// The message, with CR LF at the line ends.
    pub bytes: Vec<u8>,
}

/// Why a message cannot be composed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text())]
pub enum ComposeError {
    /// A name that cannot name a header field.
    FieldName {
        /// The name.
        name: String,
    },
    /// A header field that is written from the message's own parts, given once more.
    DuplicateField {
        /// The name of the field.
        name: String,
    },
    /// A line end or NUL where one line of text is wanted.
    LineBreak {
        /// Which part of the message.
        place: String,
    },
    /// An identifier or address that fits no line.
    TooLong {
        /// Which part of the message.
        place: String,
        /// The limit in octets.
        limit: usize,
    },
    /// A message id with characters that it must not have.
    MessageId {
        /// Which part of the message.
        place: String,
    },
    /// An address without a local part or without a domain.
    Address {
        /// The field.
        place: &'static str,
        /// The address.
        address: String,
    },
    /// A domain without ASCII form.
    Domain {
        /// The field.
        place: &'static str,
        /// The address.
        address: String,
        /// What is wrong with it.
        #[source]
        source: IdnError,
    },
}

impl ComposeError {
    /// What is wrong, in words.
    pub fn text(&self) -> words::Text {
        match self {
            ComposeError::FieldName { name } => say!("compose-field-name", ?name),
            ComposeError::DuplicateField { name } => say!("compose-duplicate-field", name),
            ComposeError::LineBreak { place } => say!("compose-line-break", place),
            ComposeError::TooLong { place, limit } => {
                say!("compose-too-long", place, limit = *limit)
            }
            ComposeError::MessageId { place } => say!("compose-message-id", place),
            ComposeError::Address { place, address } => {
                say!("compose-address", place = *place, ?address)
            }
            ComposeError::Domain { place, address, .. } => {
                say!("compose-domain", place = *place, ?address)
            }
        }
    }
}

/// Composes a message. `host` is the domain for a generated Message-Id, `now` the date if none is given.
///
/// The header has the order of Odoo's: Message-Id, References, Subject, From, Reply-To, To, Cc, Date, then
/// the additional fields.
///
/// # Errors
/// When a part of the message would break the header, or an address cannot be used; see [`ComposeError`].
pub fn compose(
    outgoing: &Outgoing,
    content: &Content,
    host: &str,
    now: DateTime<Utc>,
) -> Result<Composed, ComposeError> {
    let named = addresses::Named::read(outgoing)?;
    let message_id = match outgoing.message_id.as_deref().filter(|id| !id.is_empty()) {
        Some(given) => message_id::first_of(given)?,
        None => match outgoing.object_id.as_deref().filter(|id| !id.is_empty()) {
            Some(object) => tracking_message_id(object, host, now),
            None => generate_message_id(host, now),
        },
    };
    let needs_smtputf8 = named.needs_smtputf8();
    let references = with_additional("References", &outgoing.references, &outgoing.headers);
    let in_reply_to = with_additional(
        "In-Reply-To",
        outgoing.in_reply_to.as_slice(),
        &outgoing.headers,
    );
    let mut header = fields::Fields::with_room_for(content.bytes.len());
    header.raw("Message-Id", &message_id);
    header.ids("References", &references)?;
    header.ids("In-Reply-To", &in_reply_to)?;
    header.text("Subject", &decoded(&outgoing.subject))?;
    header.addresses("From", &named.from, needs_smtputf8);
    header.addresses("Reply-To", &named.reply_to, needs_smtputf8);
    header.addresses("To", &named.to, needs_smtputf8);
    header.addresses("Cc", &named.cc, needs_smtputf8);
    let date = outgoing.date.unwrap_or(now);
    header.raw(
        "Date",
        &date.format("%a, %d %b %Y %H:%M:%S -0000").to_string(),
    );
    for (name, value) in &outgoing.headers {
        header.additional(name, value)?;
    }
    Ok(Composed {
        envelope_from: named.envelope_from,
        recipients: named.recipients,
        needs_smtputf8,
        message_id,
        bytes: header.finish(&content.bytes),
    })
}

/// The ids of a field, and those that the additional fields name under the same name: a message has it once.
fn with_additional<'x>(
    name: &str,
    ids: &'x [String],
    headers: &'x [(String, String)],
) -> Vec<&'x str> {
    let mut all: Vec<&str> = ids.iter().map(String::as_str).collect();
    if all.iter().any(|ids| !ids.trim().is_empty()) {
        let additional = headers
            .iter()
            .filter(|(field, _)| field.eq_ignore_ascii_case(name));
        all.extend(additional.map(|(_, value)| value.as_str()));
    }
    all
}

/// Text that a program gave already encoded, as it is meant.
fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains("=?") {
        Cow::Owned(crate::parse::decode_text(text))
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests;
