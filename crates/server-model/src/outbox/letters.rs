//! A `mail.mail` taken apart into the letters to send: one for `email_to` and `email_cc`, one for each contact, so
//! that no contact learns of the others.
//!
//! Reading mails costs the same few statements for any number of them ([`read_many`]). What follows is done on what
//! was read: the mails that go out in one session ([`split`]), whom each letter is for ([`Draft::addressed`]), and
//! its bytes ([`compose_all`], [`compose_letter`]).

mod body;
mod headers;
mod read;
mod split;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use mail::address::{
    Charset, email_normalize_all, email_split, email_split_and_format, email_split_tuples,
    envelope_recipients, formataddr,
};
use mail::compose::{
    Attachment, Body, ComposeError, Composed, Content, Outgoing, Text, compose, is_one_line,
};

use words::say;

use super::choose::{Choice, Directory};
use super::refusal::{FailureType, Refusal};
use super::sender;
use crate::models::{mail_mail, mail_message};
use crate::value::Id;
pub use body::Link;
pub use headers::read as read_headers;
pub use read::{read, read_many, read_only};
pub use split::{Group, split};

/// Everything of a mail that is needed to send it.
#[derive(Clone)]
pub struct Draft {
    /// The row of `mail.mail`.
    pub mail: mail_mail::Model,
    /// The row of its `mail.message`, which several mails may tell of.
    pub message: Arc<mail_message::Model>,
    /// The contacts it goes to, in the order of their names.
    pub contacts: Vec<Contact>,
    /// The files to send along.
    pub attachments: Vec<Arc<Attachment>>,
    /// The files that are too large to send along, and what is only an address anyway.
    pub links: Vec<Link>,
    /// Why one of the files cannot be read; the mail cannot go without it.
    pub unreadable: Option<words::Text>,
}

/// A contact that a mail goes to.
#[derive(Clone, Debug)]
pub struct Contact {
    /// Which one.
    pub id: Id,
    /// The name.
    pub name: String,
    /// The address, or several, as somebody entered them.
    pub email: String,
    /// Whether an active user who works here has this contact.
    pub internal: bool,
}

/// Whom one letter of a mail is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressed {
    /// The contact; none for `email_to` and `email_cc`.
    pub contact: Option<Id>,
    /// Who stands in To.
    pub to: Vec<String>,
    /// Who stands in Cc, without names.
    pub cc: Vec<String>,
    /// The addresses that were found good, in their form for comparison; nobody else gets the letter.
    pub judged: Vec<String>,
    /// The text that the recipients were read from.
    pub raw: Option<String>,
}

/// One letter of a mail, or why it is not sent.
#[derive(Clone, Debug)]
pub struct Letter {
    /// The contact it is for; none for `email_to` and `email_cc`.
    pub contact: Option<Id>,
    /// The letter.
    pub outcome: Result<Composed, Refusal>,
}

/// What one letter says beside its content, as the database holds it.
#[derive(Clone, Debug, Default)]
pub struct Texts<'x> {
    /// The sender.
    pub email_from: Option<&'x str>,
    /// Who stands in To, each text with one address or several.
    pub to: &'x [String],
    /// Who stands in Cc.
    pub cc: &'x [String],
    /// Who stands nowhere.
    pub bcc: &'x [String],
    /// The addresses that were found good. Without any, all of To, Cc and Bcc count.
    pub judged: &'x [String],
    /// Where answers go; to the sender unless it says.
    pub reply_to: Option<&'x str>,
    /// The subject.
    pub subject: Option<&'x str>,
    /// The Message-Id.
    pub message_id: Option<&'x str>,
    /// The record that the mail is about, as `7-res.partner`.
    pub object_id: Option<&'x str>,
    /// The ids of the conversation.
    pub references: &'x [String],
    /// More header fields.
    pub headers: &'x [(String, String)],
}

impl Draft {
    /// The id of the mail.
    pub fn id(&self) -> Id {
        self.mail.id
    }

    /// The sender by whom a server is found: the first one written, or the text as it is when there is no address
    /// in it.
    pub fn sender(&self) -> Option<String> {
        let text = self.message.email_from.as_deref().unwrap_or_default();
        let first = email_split_and_format(text).into_iter().next();
        first.or_else(|| Some(text.to_owned()).filter(|text| !text.is_empty()))
    }

    /// The server that the mail demands: its own choice, or for a mass mailing the one that the settings name.
    pub fn forced_server(&self, directory: &Directory) -> Option<Id> {
        self.message
            .mail_server_id
            .or_else(|| directory.mass_mailing.filter(|_| self.is_mass_mailing()))
    }

    /// Whether it went out to a list that one can leave: then it says how (RFC 2369).
    fn is_mass_mailing(&self) -> bool {
        let headers = self.mail.headers.as_deref().unwrap_or_default();
        headers.contains("List-")
            && headers::read(headers).is_ok_and(|headers| {
                let mut names = headers.iter().map(|(name, _)| name);
                names.any(|name| name.eq_ignore_ascii_case("List-Unsubscribe"))
            })
    }

    /// The domain of the addresses that its record has.
    pub fn alias_domain(&self) -> Option<Id> {
        self.message.record_alias_domain_id
    }

    /// The record that it is about, as `7-res.partner`; empty when it is about none.
    pub fn object_id(&self) -> String {
        match (self.message.res_id, self.message.model.as_deref()) {
            (Some(id), Some(model)) if id > 0 && !model.is_empty() => format!("{id}-{model}"),
            _ => String::new(),
        }
    }

    /// The HTML of its letters.
    pub fn html(&self) -> String {
        body::html(self)
    }

    /// The ids of the conversation.
    pub fn references(&self) -> Vec<String> {
        mail::parse::message_ids(self.mail.references.as_deref().unwrap_or_default())
    }

    /// More header fields, with the address for bounces among them.
    ///
    /// # Errors
    /// A [`Refusal`] when what is stored is a list, or a value that is no text.
    pub fn headers(&self, directory: &Directory) -> Result<Vec<(String, String)>, Refusal> {
        let mut headers = headers::read(self.mail.headers.as_deref().unwrap_or_default())?;
        if !headers.iter().any(|(name, _)| name == "Return-Path") {
            let defaults = directory
                .of_alias_domain(self.alias_domain())
                .or(directory.of_company_domain());
            let bounce = defaults.bounce.unwrap_or_default();
            headers.push(("Return-Path".to_owned(), bounce));
        }
        Ok(headers)
    }

    /// Whom its letters are for. The copies of `email_cc` go with the letter to `email_to`, or in one of their own.
    pub fn addressed(&self) -> Vec<Addressed> {
        let filled = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let (to, cc) = (filled(&self.mail.email_to), filled(&self.mail.email_cc));
        let mut letters = Vec::with_capacity(self.contacts.len() + 1);
        if to.is_some() || cc.is_some() {
            let text = to.as_deref().unwrap_or_default();
            let cc = cc.as_deref().unwrap_or_default();
            let mut judged = email_normalize_all(text);
            judged.extend(email_normalize_all(cc));
            letters.push(Addressed {
                contact: None,
                to: email_split_and_format(text),
                cc: email_split(cc),
                judged,
                raw: to,
            });
        }
        letters.extend(self.contacts.iter().map(Contact::addressed));
        letters
    }
}

impl Contact {
    fn addressed(&self) -> Addressed {
        let judged = email_normalize_all(&self.email);
        let written = |address: &str| {
            formataddr(&self.name, address, Charset::Utf8).unwrap_or_else(|_| address.to_owned())
        };
        Addressed {
            contact: Some(self.id),
            to: judged.iter().map(|address| written(address)).collect(),
            cc: Vec::new(),
            raw: Some(self.email.clone()),
            judged,
        }
    }
}

/// Composes the letters of a mail.
///
/// A letter whose recipients cannot be used leaves the others alone; anything else that is wrong with a mail is
/// wrong with all of its letters.
pub fn compose_all(
    draft: &Draft,
    directory: &Directory,
    choice: &Choice,
    now: DateTime<Utc>,
) -> Vec<Letter> {
    let addressed = draft.addressed();
    let headers = draft.headers(directory);
    let body = Body::from(Text::html(draft.html()));
    let content = Content::new(&body, &draft.attachments).map_err(|error| unwritable(&error));
    let references = draft.references();
    let object_id = draft.object_id();
    let compose_one = |addressed: &Addressed| {
        if addressed.judged.is_empty() {
            return Err(no_recipient(addressed));
        }
        let content = content.as_ref().map_err(Refusal::clone)?;
        let texts = Texts {
            email_from: draft.message.email_from.as_deref(),
            to: &addressed.to,
            cc: &addressed.cc,
            bcc: &[],
            judged: &addressed.judged,
            reply_to: draft.message.reply_to.as_deref(),
            subject: draft.message.subject.as_deref(),
            message_id: draft.message.message_id.as_deref(),
            object_id: Some(&object_id),
            references: &references,
            headers: headers.as_ref().map_err(Refusal::clone)?,
        };
        compose_letter(&texts, content, choice, now)
    };
    addressed
        .iter()
        .map(|addressed| Letter {
            contact: addressed.contact,
            outcome: compose_one(addressed),
        })
        .collect()
}

/// Composes one letter for the session.
///
/// # Errors
/// A [`Refusal`] that says what is wrong with sender, recipients or header.
pub fn compose_letter(
    texts: &Texts<'_>,
    content: &Content,
    choice: &Choice,
    now: DateTime<Utc>,
) -> Result<Composed, Refusal> {
    let header = |wanted: &str| {
        let mut headers = texts.headers.iter();
        headers
            .find(|(name, value)| name.eq_ignore_ascii_case(wanted) && !value.is_empty())
            .map(|(_, value)| value.as_str())
    };
    let sender = sender::decide(choice, texts.email_from, header("Return-Path"))?;
    let reply_to = texts
        .reply_to
        .filter(|text| !text.is_empty())
        .unwrap_or(&sender.written);
    let mut recipients: Vec<&str> = Vec::new();
    for text in [texts.to, texts.cc, texts.bcc].into_iter().flatten() {
        recipients.push(text);
    }
    recipients.extend(header("Cc").into_iter().chain(header("Bcc")));
    for text in recipients.iter().chain([&reply_to]) {
        if !is_one_line(text) {
            let problem = say!("outbox-address-line-break", ?text);
            return Err(Refusal::new(FailureType::Unknown, problem));
        }
    }
    let recipients = envelope_recipients(&recipients, texts.judged);
    if recipients.is_empty() {
        return Err(Refusal::new(
            FailureType::EmailInvalid,
            say!("outbox-no-valid-recipient"),
        ));
    }
    let read = |texts: &[String]| {
        texts
            .iter()
            .flat_map(|text| email_split_tuples(text))
            .collect()
    };
    // Who is to be shown in To is another than who gets the letter: a room, say, and its members.
    let shown_to = header("X-Forge-To");
    let outgoing = Outgoing {
        from: sender.from,
        envelope_from: Some(sender.envelope),
        to: shown_to.map_or_else(|| read(texts.to), email_split_tuples),
        cc: read(texts.cc),
        bcc: Vec::new(),
        recipients: Some(recipients),
        reply_to: email_split_tuples(reply_to),
        subject: texts.subject.unwrap_or_default().to_owned(),
        message_id: texts.message_id.map(str::to_owned),
        object_id: texts.object_id.map(str::to_owned),
        references: texts.references.to_vec(),
        in_reply_to: None,
        date: None,
        headers: additional(texts.headers, shown_to.is_some()),
    };
    let host = outgoing
        .from
        .last()
        .map(|from| from.domain().to_owned())
        .unwrap_or_default();
    compose(&outgoing, content, &host, now).map_err(|error| unwritable(&error))
}

/// The fields to write as they are: without the one that says what To shows, where it does, and with one Return-Path
/// at most, which is not empty.
fn additional(headers: &[(String, String)], shows_to: bool) -> Vec<(String, String)> {
    let mut has_return_path = false;
    let mut kept = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted);
        if is("X-Forge-To") && shows_to {
            continue;
        }
        if is("Return-Path") && (value.is_empty() || std::mem::replace(&mut has_return_path, true))
        {
            continue;
        }
        kept.push((name.clone(), value.clone()));
    }
    kept
}

fn no_recipient(addressed: &Addressed) -> Refusal {
    let raw = addressed.raw.as_deref().unwrap_or_default().trim();
    let reason = match (addressed.contact, raw.is_empty()) {
        (Some(id), true) => {
            say!("outbox-contact-without-address", %id)
        }
        (Some(id), false) => say!("outbox-contact-address", ?raw, %id),
        (None, true) => say!("outbox-to-empty"),
        (None, false) => say!("outbox-to-invalid", ?raw),
    };
    Refusal::new(FailureType::EmailInvalid, reason)
}

fn unwritable(error: &ComposeError) -> Refusal {
    Refusal::new(
        FailureType::Unknown,
        say!("outbox-unwritable", error = error.text()),
    )
}
