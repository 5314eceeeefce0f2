//! Reports of failed deliveries: who was not reached, and by which message.

use mail::parse::Incoming;

use super::people;
use super::reply::push_texts;
use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::{convert, search};
use crate::value::{Id, Ids};

/// How much of a report is kept as the reason, in characters.
const LONGEST_REASON: usize = 2000;

/// Takes a report: counts it for the contacts it is about and for the record of the message, and
/// notes the failure where the message tells whom it was sent to.
///
/// # Errors
/// When the database fails.
pub async fn handle(env: &Env, mail: &Incoming) -> Result<()> {
    let messages = messages(env, &mail.bounce.bounced_msg_ids).await?;
    let ids: Ids = messages.iter().map(|message| message.id).collect();
    let mut bounced = match &mail.bounce.bounced_email {
        Some(address) => people::contacts(env, address).await?,
        None => Ids::new(),
    };
    if bounced.is_empty() {
        // The report does not name anybody we know. If only one was told, it is about that one.
        let mut told = told(env, &ids).await?;
        if told.len() == 1 {
            bounced.append(&mut told);
        }
    }
    let mut counted = bounced.clone();
    // A contact whose own record carries the message is somebody who cannot be reached, too.
    for message in &messages {
        match &message.record {
            Some((model, id)) if model == "res.partner" && !counted.contains(id) => {
                counted.push(*id);
            }
            _ => {}
        }
    }
    count(env, &counted).await?;
    note(env, &ids, &bounced, &reason(mail)).await
}

/// The sender is alive: earlier failures no longer count. As in Odoo this is believed only of mail
/// whose From is the bare address in lower case.
///
/// # Errors
/// When the database fails.
pub async fn forget(env: &Env, email_from: &str) -> Result<()> {
    let mut sql = env.sql("UPDATE res_partner SET message_bounce = 0 WHERE message_bounce > 0 AND email_normalized = ");
    sql.bind(email_from);
    env.execute(sql).await?;
    Ok(())
}

struct Message {
    id: Id,
    record: Option<(String, Id)>,
}

async fn messages(env: &Env, message_ids: &[String]) -> Result<Vec<Message>> {
    if message_ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut sql = env.sql("SELECT id, model, res_id FROM mail_message WHERE message_id IN (");
    push_texts(&mut sql, message_ids);
    sql.push(") ORDER BY id");
    let mut messages = Vec::new();
    for row in env.rows(sql).await? {
        let model: Option<String> = convert::get(&row, 1)?;
        messages.push(Message {
            id: convert::get(&row, 0)?.unwrap_or_default(),
            record: model.zip(convert::get::<Id>(&row, 2)?.filter(|id| *id > 0)),
        });
    }
    Ok(messages)
}

async fn told(env: &Env, messages: &[Id]) -> Result<Ids> {
    let mut sql = env.sql("SELECT DISTINCT res_partner_id FROM mail_notification WHERE res_partner_id IS NOT NULL AND mail_message_id");
    dialect::in_ids(&mut sql, messages);
    search::collect_ids(env, sql).await
}

async fn count(env: &Env, partners: &[Id]) -> Result<()> {
    let mut sql =
        env.sql("UPDATE res_partner SET message_bounce = COALESCE(message_bounce, 0) + 1 WHERE id");
    dialect::in_ids(&mut sql, partners);
    env.execute(sql).await?;
    Ok(())
}

async fn note(env: &Env, messages: &[Id], partners: &[Id], reason: &str) -> Result<()> {
    let mut sql = env.sql(
        "UPDATE mail_notification SET notification_status = 'bounce', failure_type = 'mail_bounce', failure_reason = ",
    );
    sql.bind(reason).push(" WHERE mail_message_id");
    dialect::in_ids(&mut sql, messages);
    sql.push(" AND res_partner_id");
    dialect::in_ids(&mut sql, partners);
    env.execute(sql).await?;
    Ok(())
}

fn reason(mail: &Incoming) -> String {
    let text = mail::text::html_to_text(&mail.body_html);
    text.trim().chars().take(LONGEST_REASON).collect()
}
