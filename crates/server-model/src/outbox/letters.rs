//! A `mail.mail` taken apart into the letters to send: one for `email_to`, one for each contact.

use chrono::{DateTime, Utc};
use mail::address::{Mailbox, email_split_tuples};
use mail::compose::{Attachment, Body, Composed, Outgoing, compose};

use super::choose::Choice;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::gateway::literal;
use crate::models::{ir_attachment, mail_mail, mail_message};
use crate::orm::{convert, write};
use crate::registry::entry;
use crate::value::{AnyValue, Id};

/// Everything of a mail that is needed to send it, read in one transaction.
#[derive(Clone)]
pub struct Draft {
    /// The row of `mail.mail`.
    pub mail: mail_mail::Model,
    /// The row of its `mail.message`.
    pub message: mail_message::Model,
    /// The contacts it goes to, each with a name and an address.
    pub contacts: Vec<Mailbox>,
    /// The files.
    pub attachments: Vec<Attachment>,
}

/// Reads a mail.
///
/// # Errors
/// [`Error::Missing`] when it was deleted.
pub async fn read(env: &Env, id: Id) -> Result<Draft> {
    let missing = || -> Error {
        match entry("mail.mail") {
            Ok(model) => write::missing(model, id),
            Err(error) => error,
        }
    };
    let mail = mail_mail::row(env, id).await?.ok_or_else(missing)?;
    let message = mail_message::row(env, mail.mail_message_id)
        .await?
        .ok_or_else(missing)?;
    let mut sql = env.sql(
        "SELECT p.name, p.email FROM mail_mail_res_partner_rel link \
         JOIN res_partner p ON p.id = link.res_partner_id WHERE link.mail_mail_id = ",
    );
    sql.bind(id).push(" ORDER BY p.complete_name, p.id DESC");
    let mut contacts = Vec::new();
    for row in env.rows(sql).await? {
        let name: String = convert::get(&row, 0)?.unwrap_or_default();
        let email: String = convert::get(&row, 1)?.unwrap_or_default();
        contacts.extend(
            email_split_tuples(&email)
                .into_iter()
                .map(|found| Mailbox::new(name.clone(), found.normalized())),
        );
    }
    let mut attachments = Vec::new();
    for file in ir_attachment::of_message(env, mail.mail_message_id).await? {
        attachments.push(Attachment {
            name: Some(file.name),
            mimetype: file
                .mimetype
                .unwrap_or_else(|| "application/octet-stream".into()),
            bytes: file.db_datas.unwrap_or_default(),
            cid: None,
        });
    }
    Ok(Draft {
        mail,
        message,
        contacts,
        attachments,
    })
}

/// Composes the letters. `email_to` and `email_cc` make one letter together; every contact gets one
/// of its own, so that no contact learns of the others.
///
/// # Errors
/// [`Error::User`] when an address or a header cannot be used, or there is no recipient at all.
pub fn compose_all(draft: &Draft, choice: &Choice, now: DateTime<Utc>) -> Result<Vec<Composed>> {
    let to = email_split_tuples(draft.mail.email_to.as_deref().unwrap_or_default());
    let cc = email_split_tuples(draft.mail.email_cc.as_deref().unwrap_or_default());
    let mut contacts = draft.contacts.iter().map(|contact| vec![contact.clone()]);
    // The copies go with the first letter.
    let first = if !to.is_empty() || (draft.contacts.is_empty() && !cc.is_empty()) {
        Some(to)
    } else {
        contacts.next()
    };
    let mut addressed: Vec<(Vec<Mailbox>, Vec<Mailbox>)> =
        first.into_iter().map(|to| (to, cc.clone())).collect();
    addressed.extend(contacts.map(|to| (to, Vec::new())));
    if addressed.is_empty() {
        return Err(Error::User(
            "The mail has no recipient with a valid address. Enter one in \"To\" or choose contacts that have an email address.".into(),
        ));
    }
    let from = email_split_tuples(&choice.from).into_iter().next().ok_or_else(|| {
        Error::User(format!(
            "{:?} is no address to send from. Enter a valid \"From\", or set a default sender on the email domain.",
            choice.from
        ))
    })?;
    addressed
        .into_iter()
        .map(|(to, cc)| compose_one(draft, choice, &from, to, cc, now))
        .collect()
}

fn compose_one(
    draft: &Draft,
    choice: &Choice,
    from: &Mailbox,
    to: Vec<Mailbox>,
    cc: Vec<Mailbox>,
    now: DateTime<Utc>,
) -> Result<Composed> {
    let html = match draft.mail.body_html.as_deref() {
        Some(html) if !html.is_empty() => html.to_owned(),
        _ => draft.message.body.clone().unwrap_or_default(),
    };
    let outgoing = Outgoing {
        from: from.clone(),
        envelope_from: choice.envelope_from.clone(),
        to,
        cc,
        reply_to: email_split_tuples(draft.message.reply_to.as_deref().unwrap_or_default()),
        subject: draft.message.subject.clone().unwrap_or_default(),
        body: Body::Html {
            html,
            alternative: None,
        },
        message_id: draft.message.message_id.clone(),
        references: mail::parse::message_ids(draft.mail.references.as_deref().unwrap_or_default()),
        headers: headers(draft.mail.headers.as_deref().unwrap_or_default()),
        attachments: draft.attachments.clone(),
        ..Outgoing::default()
    };
    let host = from.domain().to_owned();
    compose(&outgoing, &host, now)
        .map_err(|error| Error::User(format!("The mail cannot be written as it is: {error}.")))
}

/// Reads the additional headers: a mapping as JSON or as Python writes it. What is neither is
/// ignored, as Odoo ignores it; single values that are no text are written as Python would.
fn headers(text: &str) -> Vec<(String, String)> {
    let from_json = serde_json::from_str::<indexmap::IndexMap<String, serde_json::Value>>(text);
    match (from_json, literal::read(text)) {
        (Ok(headers), _) => headers
            .into_iter()
            .map(|(name, value)| match value {
                serde_json::Value::String(text) => (name, text),
                other => (name, other.to_string()),
            })
            .collect(),
        (Err(_), Some(AnyValue::Map(headers))) => headers
            .into_iter()
            .map(|(name, value)| (name.into_owned(), value.to_python_text()))
            .collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_json_and_as_python_writes_them() {
        let expected = vec![("X-A".to_owned(), "b".to_owned())];
        assert_eq!(headers(r#"{"X-A": "b"}"#), expected);
        assert_eq!(headers("{'X-A': 'b'}"), expected);
        assert_eq!(
            headers("{'X-A': \"it's\", 'X-B': 3}"),
            [("X-A".into(), "it's".into()), ("X-B".into(), "3".into())]
        );
        assert_eq!(headers("nonsense["), Vec::new());
        assert_eq!(headers(""), Vec::new());
    }
}
