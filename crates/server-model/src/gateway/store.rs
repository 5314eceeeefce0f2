//! One received message becomes a `mail.message` with its attachments, in one transaction.

use mail::parse::{Incoming, ParseContext, parse_message, sanitize_html};

use super::fetch::Origin;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::fetchmail_server::Model as FetchServer;
use crate::orm::{convert, create};
use crate::outbox::choose;
use crate::registry::entry;
use crate::value::{AnyValue, Id, Key, Map, datetime_text, map};

/// Stores the message and notes that it was fetched. What cannot be stored is kept with its bytes
/// in the quarantine, so that it neither gets lost nor blocks what is behind it.
///
/// # Errors
/// When not even the quarantine takes it; then it will be fetched again.
pub async fn store(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: &[u8],
) -> Result<()> {
    match try_store(caller, server, origin, raw).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_retryable() => try_store(caller, server, origin, raw).await,
        Err(error @ (Error::Database(_) | Error::Conflict(_))) => Err(error),
        Err(error) => {
            tracing::warn!(server = server.id, uid = origin.uid, %error, "a message went to the quarantine");
            quarantine(caller, server, origin, Some(raw), &error.to_string()).await
        }
    }
}

async fn try_store(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: &[u8],
) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    match post(&env, server, raw).await {
        Ok(message) => {
            note_fetched(&env, server, origin, message).await?;
            env.commit().await
        }
        Err(error) => {
            env.rollback().await.ok();
            Err(error)
        }
    }
}

/// Keeps a message that could not be stored, or not even fetched, with the reason.
///
/// # Errors
/// When the database fails.
pub async fn quarantine(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: Option<&[u8]>,
    reason: &str,
) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql(
        "INSERT INTO postern_quarantine (fetchmail_server_id, folder, uidvalidity, uid, reason, raw, attempts, create_date) VALUES (",
    );
    sql.bind(server.id).push(", ").bind(origin.folder);
    sql.push(", ")
        .bind(origin.uidvalidity)
        .push(", ")
        .bind(origin.uid);
    sql.push(", ")
        .bind(reason)
        .push(", ")
        .bind(raw.map(<[u8]>::to_vec));
    sql.push(", 1, ").bind(env.now()).push(")");
    env.execute(sql).await?;
    note_fetched(&env, server, origin, None).await?;
    env.commit().await
}

async fn note_fetched(
    env: &Env,
    server: &FetchServer,
    origin: &Origin<'_>,
    message: Option<Id>,
) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO postern_fetched (fetchmail_server_id, folder, uidvalidity, uid, mail_message_id) VALUES (",
    );
    sql.bind(server.id).push(", ").bind(origin.folder);
    sql.push(", ")
        .bind(origin.uidvalidity)
        .push(", ")
        .bind(origin.uid);
    sql.push(", ")
        .bind(message)
        .push(") ON CONFLICT DO NOTHING");
    env.execute(sql).await?;
    Ok(())
}

/// Posts the message; `None` when one of the same Message-Id is there already.
async fn post(env: &Env, server: &FetchServer, raw: &[u8]) -> Result<Option<Id>> {
    let bounce = choose::defaults(env).await?.bounce;
    let context = ParseContext {
        now: env.now(),
        bounce_addresses: bounce.into_iter().collect(),
    };
    let incoming = parse_message(raw, &context);
    if let Some(message_id) = &incoming.message_id
        && find_message(env, message_id).await?.is_some()
    {
        return Ok(None);
    }
    let author = find_author(env, &incoming.email_from).await?;
    let parent = find_parent(env, &incoming).await?;
    let record = match &parent {
        Some(parent) => parent.record.clone(),
        None => new_record(env, server, &incoming).await?,
    };
    let mut values = map([
        ("message_type", "email".into()),
        ("subject", incoming.subject.as_str().into()),
        ("body", sanitize_html(&incoming.body_html).into()),
        ("email_from", incoming.email_from.as_str().into()),
        ("author_id", author.map_or(AnyValue::FALSE, AnyValue::from)),
        (
            "date",
            datetime_text(&incoming.date.unwrap_or_else(|| env.now())).into(),
        ),
        (
            "parent_id",
            parent
                .as_ref()
                .map_or(AnyValue::FALSE, |parent| parent.id.into()),
        ),
        ("reply_to", incoming.reply_to.join(", ").into()),
    ]);
    if let Some(message_id) = &incoming.message_id {
        values.insert(Key::Borrowed("message_id"), message_id.as_str().into());
    }
    if let Some((model, id)) = &record {
        values.insert(Key::Borrowed("model"), model.as_str().into());
        values.insert(Key::Borrowed("res_id"), (*id).into());
    }
    if server.attach.unwrap_or(true) {
        let files = attachments(&incoming, server, raw, record.as_ref());
        values.insert(Key::Borrowed("attachment_ids"), files);
    }
    let id = create::record(env, entry("mail.message")?, values).await?;
    Ok(Some(id))
}

fn attachments(
    incoming: &Incoming,
    server: &FetchServer,
    raw: &[u8],
    record: Option<&(String, Id)>,
) -> AnyValue {
    let (model, id) = match record {
        Some((model, id)) => (model.as_str(), *id),
        None => ("mail.message", 0),
    };
    let file = |name: &str, mimetype: &str, bytes: &[u8]| {
        let values: Map = map([
            ("name", name.into()),
            ("mimetype", mimetype.into()),
            ("raw", AnyValue::Bytes(bytes.to_vec())),
            ("res_model", model.into()),
            ("res_id", id.into()),
        ]);
        AnyValue::List(vec![0.into(), 0.into(), values.into()])
    };
    let mut commands: Vec<AnyValue> = incoming
        .attachments
        .iter()
        .map(|part| file(&part.name, &part.mimetype, &part.bytes))
        .collect();
    if server.original.unwrap_or(false) {
        commands.push(file("original_email.eml", "message/rfc822", raw));
    }
    AnyValue::List(commands)
}

struct Parent {
    id: Id,
    record: Option<(String, Id)>,
}

/// The message that this one answers: by In-Reply-To, else by the last known of References.
async fn find_parent(env: &Env, incoming: &Incoming) -> Result<Option<Parent>> {
    let mut wanted = mail::parse::message_ids(&incoming.in_reply_to);
    wanted.extend(incoming.reference_ids().into_iter().rev());
    for message_id in wanted {
        if let Some(parent) = find_message(env, &message_id).await? {
            return Ok(Some(parent));
        }
    }
    Ok(None)
}

async fn find_message(env: &Env, message_id: &str) -> Result<Option<Parent>> {
    let mut sql = env.sql("SELECT id, model, res_id FROM mail_message WHERE message_id = ");
    sql.bind(message_id).push(" ORDER BY id DESC LIMIT 1");
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    let model: Option<String> = convert::get(&row, 1)?;
    let res_id = convert::get::<Id>(&row, 2)?.filter(|id| *id > 0);
    Ok(convert::get::<Id>(&row, 0)?.map(|id| Parent {
        id,
        record: model.filter(|model| !model.is_empty()).zip(res_id),
    }))
}

async fn find_author(env: &Env, email_from: &str) -> Result<Option<Id>> {
    let Some(address) = mail::address::email_normalize_first(email_from) else {
        return Ok(None);
    };
    let mut sql = env.sql("SELECT id FROM res_partner WHERE active AND email_normalized = ");
    sql.bind(address).push(" ORDER BY id LIMIT 1");
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}

/// Makes the record that the server's `object_id` asks for. Of the models held here only contacts
/// are made from mail; for the others the message stands alone.
async fn new_record(
    env: &Env,
    server: &FetchServer,
    incoming: &Incoming,
) -> Result<Option<(String, Id)>> {
    let Some(model) = server.object_id else {
        return Ok(None);
    };
    let mut sql = env.sql("SELECT model FROM ir_model WHERE id = ");
    sql.bind(model);
    let model: Option<String> = match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?,
        None => None,
    };
    if model.as_deref() != Some("res.partner") {
        return Ok(None);
    }
    let name = if incoming.subject.trim().is_empty() {
        &incoming.email_from
    } else {
        &incoming.subject
    };
    let values = map([
        ("name", name.as_str().into()),
        ("email", incoming.email_from.as_str().into()),
    ]);
    let id = create::record(env, entry("res.partner")?, values).await?;
    Ok(Some(("res.partner".into(), id)))
}
