//! A routed mail becomes a message with its files, on a record that may be new.

use mail::parse::{Attachment, Incoming};

use super::alias;
use super::process::Options;
use super::received::Received;
use super::reply::Parent;
use super::route::Route;
use crate::env::Env;
use crate::error::Result;
use crate::models::ir_attachment::File;
use crate::orm::{commands, convert, create, names};
use crate::registry::entry;
use crate::thread::{follow, notify};
use crate::value::{AnyValue, Id, Ids, Key, Map, datetime_text, map};

/// The model that files are on whose message is on no record.
pub const MESSAGE: &str = "mail.message";

/// What was made of a mail.
#[derive(Clone, Copy, Debug)]
pub struct Posted {
    /// The record; `None` when the message stands alone.
    pub record: Option<Id>,
    /// The message.
    pub message: Id,
}

/// Posts the mail on the record of the route, which is made when there is none.
///
/// # Errors
/// When the values of a new record do not fit its model.
pub async fn deliver(
    env: &Env,
    mail: &Received<'_>,
    route: &Route,
    options: &Options,
) -> Result<Posted> {
    let env = env.as_user(route.user).sudo();
    let id = match route.thread {
        Some(id) => id,
        None => {
            let id = new_record(&env, mail, route).await?;
            if let Some(alias) = &route.alias {
                alias::mark(&env, alias.id, "valid").await?;
            }
            id
        }
    };
    // What starts a new record answers nothing on it.
    let parent = mail.parent.as_ref().filter(|_| route.thread.is_some());
    let mut values = values(&env, mail, route.author, parent).await?;
    values.insert(Key::Borrowed("model"), route.model.name().into());
    values.insert(Key::Borrowed("res_id"), id.into());
    let name = names::of(&env, route.model, &[id]).await?.remove(&id);
    values.insert(Key::Borrowed("record_name"), AnyValue::text_or_false(name));
    let files = attachments(mail, options, Some((route.model.name(), id)));
    values.insert(Key::Borrowed("attachment_ids"), files);
    let message = create::record(&env, entry("mail.message")?, values).await?;
    if let Some(author) = route.author {
        // Whoever writes to us wants to learn of the answers.
        follow::subscribe(&env, route.model.name(), &[id], &[author], None).await?;
    }
    let model = route.model.name();
    notify::tell(&env, model, id, message, &asked(parent), route.author).await?;
    Ok(Posted {
        record: Some(id),
        message,
    })
}

/// Keeps a mail that belongs nowhere as a message of its own.
///
/// # Errors
/// When the database fails.
pub async fn alone(
    env: &Env,
    mail: &Received<'_>,
    author: Option<Id>,
    options: &Options,
) -> Result<Posted> {
    let mut values = values(env, mail, author, mail.parent.as_ref()).await?;
    let files = attachments(mail, options, None);
    values.insert(Key::Borrowed("attachment_ids"), files);
    Ok(Posted {
        record: None,
        message: create::record(env, entry("mail.message")?, values).await?,
    })
}

async fn new_record(env: &Env, mail: &Received<'_>, route: &Route) -> Result<Id> {
    let mut values = route.values.clone();
    let fill = |values: &mut Map, name: &'static str, text: &str, always: bool| {
        let has_column = route
            .model
            .fields
            .get(name)
            .is_some_and(|field| field.column);
        if has_column && (always || !values.contains_key(name)) {
            values.insert(Key::Borrowed(name), text.into());
        }
    };
    fill(&mut values, "name", &mail.parsed.subject, false);
    // The address is what the record is for; no default may stand in for it.
    fill(&mut values, "email", &mail.parsed.email_from, true);
    create::record(env, route.model, values).await
}

async fn values(
    env: &Env,
    mail: &Received<'_>,
    author: Option<Id>,
    parent: Option<&Parent>,
) -> Result<Map> {
    let note = parent.is_some_and(|parent| parent.is_note);
    let subtype = subtype(env, if note { "mt_note" } else { "mt_comment" }).await?;
    Ok(values_of(env, &mail.parsed, subtype, author, parent))
}

/// The values of the message that becomes of a mail.
pub fn values_of(
    env: &Env,
    incoming: &Incoming,
    subtype: Option<Id>,
    author: Option<Id>,
    parent: Option<&Parent>,
) -> Map {
    let note = parent.is_some_and(|parent| parent.is_note);
    let date = incoming.date.unwrap_or_else(|| env.now());
    let optional = |id: Option<Id>| id.map_or(AnyValue::FALSE, AnyValue::from);
    let mut values = map([
        ("message_type", "email".into()),
        ("subtype_id", optional(subtype)),
        ("is_internal", note.into()),
        ("subject", incoming.subject.as_str().into()),
        // Sanitised on its way into the column, as all HTML is.
        ("body", incoming.body_html.as_str().into()),
        ("email_from", incoming.email_from.as_str().into()),
        ("author_id", optional(author)),
        ("date", datetime_text(&date).into()),
        ("parent_id", optional(parent.map(|parent| parent.id))),
    ]);
    if !incoming.reply_to.is_empty() {
        values.insert(
            Key::Borrowed("reply_to"),
            incoming.reply_to.join(", ").into(),
        );
    }
    if let Some(message_id) = &incoming.message_id {
        values.insert(Key::Borrowed("message_id"), message_id.as_str().into());
    }
    let asked = asked(parent).into_iter().map(AnyValue::from).collect();
    values.insert(Key::Borrowed("partner_ids"), commands::set(asked));
    values
}

/// Whoever wrote a note is told of the answer to it; all others that the mail was sent to have it.
fn asked(parent: Option<&Parent>) -> Ids {
    parent
        .filter(|parent| parent.is_note)
        .and_then(|parent| parent.author)
        .into_iter()
        .collect()
}

/// The id of a kind of message by its name.
///
/// # Errors
/// When the database fails.
pub async fn subtype(env: &Env, name: &str) -> Result<Option<Id>> {
    let mut sql = env.sql("SELECT res_id FROM ir_model_data WHERE module = 'mail' AND name = ");
    sql.bind(name);
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}

fn attachments(mail: &Received<'_>, options: &Options, record: Option<(&str, Id)>) -> AnyValue {
    let (model, id) = record.unwrap_or((MESSAGE, 0));
    let commands = files(mail.raw, &mail.parsed, options)
        .into_iter()
        .map(|file| {
            let values = map([
                ("name", file.name.into()),
                ("mimetype", file.mimetype.into()),
                ("raw", AnyValue::Bytes(file.bytes.to_vec())),
                ("res_model", model.into()),
                ("res_id", id.into()),
            ]);
            AnyValue::List(vec![0.into(), 0.into(), values.into()])
        })
        .collect();
    AnyValue::List(commands)
}

/// The files to keep of a mail.
pub fn files<'a>(raw: &'a [u8], mail: &'a Incoming, options: &Options) -> Vec<File<'a>> {
    let mut files = Vec::new();
    if options.save_original {
        files.push(File {
            name: "original_email.eml",
            mimetype: "message/rfc822".to_owned(),
            bytes: raw,
        });
    }
    if !options.strip_attachments {
        files.extend(mail.attachments.iter().map(|part| File {
            name: &part.name,
            mimetype: stored_type(part),
            bytes: &part.bytes,
        }));
    }
    files
}

/// The type a file is stored under. What a browser could run in our name becomes plain text.
fn stored_type(part: &Attachment) -> String {
    let declared = part.mimetype.as_str();
    let active = declared.contains("html") || declared.contains("xml") || declared.contains("svg");
    if active || declared.contains("javascript") {
        return "text/plain".to_owned();
    }
    declared.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_browser_could_run_is_stored_as_plain_text() {
        let stored = |mimetype: &str| {
            stored_type(&Attachment {
                name: "x".into(),
                mimetype: mimetype.into(),
                bytes: Vec::new(),
                cid: None,
                charset: None,
            })
        };
        for active in [
            "text/html",
            "image/svg+xml",
            "application/xml",
            "text/javascript",
        ] {
            assert_eq!(stored(active), "text/plain", "{active}");
        }
        assert_eq!(stored("application/pdf"), "application/pdf");
    }
}
