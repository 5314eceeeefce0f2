//! Outgoing mail: from parts to the bytes that go over the wire, with the envelope beside them.
//!
//! Nothing a caller passes can add a header field or end the header early: a value with a line end (of any
//! kind Unicode knows) or a NUL is refused, never quietly repaired, and so are names that are no field
//! names. What is longer than a line is folded or encoded so that no line exceeds 998 octets
//! (RFC 5322 section 2.1.1).

mod check;
mod message_id;
mod mime;

use chrono::{DateTime, Utc};
use mail_builder::headers::Header;
use mail_builder::headers::address::Address as HeaderAddress;
use mail_builder::headers::raw::Raw;
use mail_builder::headers::text::Text;

use crate::address::{IdnError, Mailbox, domain_to_ascii};
use check::{check_field_name, check_value};
pub use message_id::generate_message_id;

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

/// The text of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Plain text.
    Text(String),
    /// HTML and its plain alternative; without one, it is made from the HTML.
    Html {
        /// The HTML, sent as it is.
        html: String,
        /// The plain text for readers without HTML. Empty counts as none.
        alternative: Option<String>,
    },
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// A message to be sent.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outgoing {
    /// The sender that people see.
    pub from: Mailbox,
    /// Where bounces go; without it they go to `from`.
    pub envelope_from: Option<String>,
    /// The recipients named in To.
    pub to: Vec<Mailbox>,
    /// The recipients named in Cc.
    pub cc: Vec<Mailbox>,
    /// Recipients who are named nowhere.
    pub bcc: Vec<Mailbox>,
    /// Where answers go; without it there is no such field, and they go to `from`.
    pub reply_to: Vec<Mailbox>,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: Body,
    /// Message-Id with angle brackets; without it one is made.
    pub message_id: Option<String>,
    /// Message ids of the conversation, oldest first.
    pub references: Vec<String>,
    /// Message id of the message that this one answers.
    pub in_reply_to: Option<String>,
    /// When it was written; without it, now.
    pub date: Option<DateTime<Utc>>,
    /// More header fields. A field that this structure has a place for is refused here.
    pub headers: Vec<(String, String)>,
    /// Files to send along.
    pub attachments: Vec<Attachment>,
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
pub enum ComposeError {
    /// A name that cannot name a header field.
    #[error(
        "{name:?} cannot be the name of a header field: use printable ASCII without blanks and colons"
    )]
    FieldName {
        /// The name.
        name: String,
    },
    /// A header field that is written from the message's own parts, given once more.
    #[error(
        "the header field {name} is given twice: set it in its own place, not among the additional headers"
    )]
    DuplicateField {
        /// The name of the field.
        name: String,
    },
    /// A line end or NUL where one line of text is wanted.
    #[error("{place} has a line break or a NUL character in it; write it as one line")]
    LineBreak {
        /// Which part of the message.
        place: String,
    },
    /// An identifier or address that fits no line.
    #[error("{place} is too long for a mail header: at most {limit} octets are possible")]
    TooLong {
        /// Which part of the message.
        place: String,
        /// The limit in octets.
        limit: usize,
    },
    /// A message id with characters that it must not have.
    #[error("{place} must be ASCII without blanks")]
    MessageId {
        /// Which part of the message.
        place: String,
    },
    /// An address without a local part or without a domain.
    #[error("{address:?} in {place} is not an e-mail address")]
    Address {
        /// The field.
        place: &'static str,
        /// The address.
        address: String,
    },
    /// A domain without ASCII form.
    #[error("the domain of {address:?} in {place} cannot be used")]
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

/// Composes a message. `host` is the domain for a generated Message-Id, `now` the date if none is given.
///
/// The header has the order of Odoo's: Message-Id, References, Subject, From, Reply-To, To, Cc, Date, then
/// the additional fields. HTML goes out as multipart/alternative with its plain text first; attachments
/// make it a multipart/mixed, and are base64 throughout so that their bytes arrive unchanged.
///
/// # Errors
/// When a part of the message would break the header, or an address cannot be used; see [`ComposeError`].
pub fn compose(
    outgoing: &Outgoing,
    host: &str,
    now: DateTime<Utc>,
) -> Result<Composed, ComposeError> {
    let message_id = match outgoing.message_id.as_deref().filter(|id| !id.is_empty()) {
        Some(given) => message_id::checked("Message-Id", given)?,
        None => generate_message_id(host, now),
    };
    let from = wire_address("From", &outgoing.from)?;
    let reply_to = wire_addresses("Reply-To", &outgoing.reply_to)?;
    let to = wire_addresses("To", &outgoing.to)?;
    let cc = wire_addresses("Cc", &outgoing.cc)?;
    let bcc = wire_addresses("Bcc", &outgoing.bcc)?;
    let envelope_from = match &outgoing.envelope_from {
        Some(address) => {
            wire_address("the envelope sender", &Mailbox::new("", address.as_str()))?.addr_spec
        }
        None => from.addr_spec.clone(),
    };

    let mut bytes = Vec::new();
    write_field(&mut bytes, "Message-Id", &Raw::new(message_id.as_str()));
    let references = message_id::checked_list("References", &outgoing.references)?;
    if !references.is_empty() {
        write_field(&mut bytes, "References", &Raw::new(references));
    }
    let in_reply_to = message_id::checked_list("In-Reply-To", outgoing.in_reply_to.as_slice())?;
    if !in_reply_to.is_empty() {
        write_field(&mut bytes, "In-Reply-To", &Raw::new(in_reply_to));
    }
    check_value("Subject", &outgoing.subject)?;
    write_text(&mut bytes, "Subject", &outgoing.subject);
    write_field(
        &mut bytes,
        "From",
        &header_addresses(std::slice::from_ref(&from)),
    );
    for (name, addresses) in [("Reply-To", &reply_to), ("To", &to), ("Cc", &cc)] {
        if !addresses.is_empty() {
            write_field(&mut bytes, name, &header_addresses(addresses));
        }
    }
    let date = outgoing.date.unwrap_or(now);
    let date = date.format("%a, %d %b %Y %H:%M:%S -0000").to_string();
    write_field(&mut bytes, "Date", &Raw::new(date));
    for (name, value) in &outgoing.headers {
        check_field_name(name)?;
        check_value(name, value)?;
        // A blind copy that is written into the message is not blind.
        if !name.eq_ignore_ascii_case("bcc") {
            write_text(&mut bytes, name, value);
        }
    }
    write_field(&mut bytes, "MIME-Version", &Raw::new("1.0"));
    mime::body(&outgoing.body, &outgoing.attachments)?.write_part(&mut bytes);

    let mut recipients: Vec<String> = Vec::new();
    for address in to.iter().chain(&cc).chain(&bcc) {
        if !recipients.contains(&address.addr_spec) {
            recipients.push(address.addr_spec.clone());
        }
    }
    let header_addresses = [&from].into_iter().chain(&reply_to).chain(&to).chain(&cc);
    let needs_smtputf8 = !envelope_from.is_ascii()
        || recipients.iter().any(|address| !address.is_ascii())
        || header_addresses
            .into_iter()
            .any(|mailbox| !mailbox.addr_spec.is_ascii());
    Ok(Composed {
        envelope_from,
        recipients,
        needs_smtputf8,
        message_id,
        bytes,
    })
}

fn wire_addresses(
    place: &'static str,
    mailboxes: &[Mailbox],
) -> Result<Vec<Mailbox>, ComposeError> {
    mailboxes
        .iter()
        .map(|mailbox| wire_address(place, mailbox))
        .collect()
}

/// The mailbox with its domain in ASCII form, safe to be written into a header and an SMTP command.
fn wire_address(place: &'static str, mailbox: &Mailbox) -> Result<Mailbox, ComposeError> {
    check_value(place, &mailbox.name)?;
    check_value(place, &mailbox.addr_spec)?;
    let unusable = || ComposeError::Address {
        place,
        address: mailbox.addr_spec.clone(),
    };
    let (local, domain) = mailbox.addr_spec.rsplit_once('@').ok_or_else(unusable)?;
    let breaks_out = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '<' | '>' | ',' | ';' | '"' | '\\')
    };
    let quoted = local.len() >= 2 && local.starts_with('"') && local.ends_with('"');
    let local_breaks_out = if quoted {
        !is_quoted_string(local)
    } else {
        local.contains(|c: char| breaks_out(c) || matches!(c, '@' | '(' | ')' | ':' | '[' | ']'))
    };
    if local.is_empty() || domain.is_empty() || local_breaks_out || domain.contains(breaks_out) {
        return Err(unusable());
    }
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        domain_to_ascii(domain).map_err(|source| ComposeError::Domain {
            place,
            address: mailbox.addr_spec.clone(),
            source,
        })?
    };
    let addr_spec = format!("{local}@{domain}");
    // RFC 5321 section 4.5.3.1.3 allows 254; some systems use more, but a header line ends at 998.
    check::check_length(place, &addr_spec, 900)?;
    Ok(Mailbox::new(mailbox.name.clone(), addr_spec))
}

/// Whether a local part that starts and ends with a quote is one quoted string and not the beginning of
/// something else.
fn is_quoted_string(local: &str) -> bool {
    let inner = local.get(1..local.len() - 1).unwrap_or_default();
    let mut escaped = false;
    for c in inner.chars() {
        if escaped {
            escaped = false;
        } else if c == '\\' {
            escaped = true;
        } else if c == '"' || c.is_control() {
            return false;
        }
    }
    !escaped
}

fn header_addresses(mailboxes: &[Mailbox]) -> HeaderAddress<'static> {
    let address = |mailbox: &Mailbox| {
        let name = (!mailbox.name.is_empty()).then(|| mailbox.name.clone());
        HeaderAddress::new_address(name, mailbox.addr_spec.clone())
    };
    match mailboxes {
        [only] => address(only),
        several => HeaderAddress::new_list(several.iter().map(address).collect()),
    }
}

fn write_field(bytes: &mut Vec<u8>, name: &str, value: &impl Header) {
    bytes.extend_from_slice(name.as_bytes());
    bytes.extend_from_slice(b": ");
    value.write_header(bytes, name.len() + 2);
}

/// Writes a free text value, encoded and folded as needed.
fn write_text(bytes: &mut Vec<u8>, name: &str, text: &str) {
    // Folding needs blanks. A word longer than a line, or text that looks encoded already, travels encoded.
    let unfoldable = text.split([' ', '\t']).any(|word| word.len() > 900);
    if unfoldable || text.contains("=?") {
        write_field(bytes, name, &Raw::new(check::encoded_words(text)));
    } else {
        write_field(bytes, name, &Text::new(text));
    }
}

#[cfg(test)]
mod tests;
