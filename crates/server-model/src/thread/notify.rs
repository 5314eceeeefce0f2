//! Telling people of a message: in their inbox or by email.

use crate::env::Env;
use crate::error::Result;
use crate::orm::{commands, convert, create};
use crate::registry::entry;
use crate::sql::Sql;
use crate::value::{AnyValue, Id, Key, map};

use super::post;

/// How many contacts one mail goes to, as in Odoo.
const RECIPIENTS: usize = 50;

/// Somebody to tell, and how.
struct Recipient {
    partner: Id,
    has_email: bool,
    by_email: bool,
}

/// True when an active user who works here has this contact.
///
/// # Errors
/// When the database fails.
pub async fn is_internal(env: &Env, partner: Id) -> Result<bool> {
    let mut sql = env.sql("SELECT 1 FROM res_users u WHERE u.partner_id = ");
    sql.bind(partner)
        .push(" AND u.active AND NOT COALESCE(u.share, FALSE)");
    Ok(env.row(sql).await?.is_some())
}

/// Tells the named contacts and the followers of this kind of message, but not the author.
///
/// Each gets a notification; those who read elsewhere get a mail, which is queued.
///
/// # Errors
/// When the database fails.
pub async fn tell(
    env: &Env,
    model: &str,
    id: Id,
    message: Id,
    partners: &[Id],
    author: Option<Id>,
) -> Result<()> {
    let recipients = recipients(env, model, id, message, partners, author).await?;
    for recipient in recipients.iter().filter(|r| !r.by_email) {
        note(env, message, recipient.partner, None, "inbox", "sent", None).await?;
    }
    let (reachable, unreachable): (Vec<_>, Vec<_>) = recipients
        .iter()
        .filter(|r| r.by_email)
        .partition(|r| r.has_email);
    for recipient in unreachable {
        let missing = Some("mail_email_missing");
        note(
            env,
            message,
            recipient.partner,
            None,
            "email",
            "exception",
            missing,
        )
        .await?;
    }
    for batch in reachable.chunks(RECIPIENTS) {
        let partners: Vec<Id> = batch.iter().map(|r| r.partner).collect();
        let mail = queue(env, message, &partners).await?;
        for partner in partners {
            note(env, message, partner, Some(mail), "email", "ready", None).await?;
        }
    }
    Ok(())
}

/// The contacts concerned. A message of an internal kind is for those who work here only, unless
/// somebody is named.
async fn recipients(
    env: &Env,
    model: &str,
    id: Id,
    message: Id,
    partners: &[Id],
    author: Option<Id>,
) -> Result<Vec<Recipient>> {
    let mut sql = env.sql(
        "SELECT p.id, COALESCE(p.email, '') <> '', NOT EXISTS (SELECT 1 FROM res_users u WHERE u.partner_id = p.id \
         AND u.active AND u.notification_type = 'inbox') FROM res_partner p WHERE p.active AND (p.id",
    );
    crate::dialect::in_ids(&mut sql, partners);
    sql.push(
        " OR p.id IN (SELECT f.partner_id FROM mail_followers f \
         JOIN mail_followers_mail_message_subtype_rel k ON k.mail_followers_id = f.id \
         JOIN mail_message m ON m.subtype_id = k.mail_message_subtype_id \
         JOIN mail_message_subtype s ON s.id = m.subtype_id \
         WHERE f.res_model = ",
    );
    sql.bind(model).push(" AND f.res_id = ").bind(id);
    sql.push(" AND m.id = ").bind(message);
    sql.push(
        " AND ((COALESCE(s.internal, FALSE) = FALSE AND COALESCE(m.is_internal, FALSE) = FALSE) OR EXISTS \
         (SELECT 1 FROM res_users u WHERE u.partner_id = f.partner_id AND u.active AND NOT COALESCE(u.share, FALSE)))))",
    );
    if let Some(author) = author {
        sql.push(" AND p.id <> ").bind(author);
    }
    sql.push(" ORDER BY p.id");
    let mut found = Vec::new();
    for row in env.rows(sql).await? {
        found.push(Recipient {
            partner: convert::get(&row, 0)?.unwrap_or_default(),
            has_email: convert::get(&row, 1)?.unwrap_or(false),
            by_email: convert::get(&row, 2)?.unwrap_or(true),
        });
    }
    Ok(found)
}

async fn note(
    env: &Env,
    message: Id,
    partner: Id,
    mail: Option<Id>,
    kind: &'static str,
    status: &'static str,
    failure: Option<&'static str>,
) -> Result<()> {
    let mut sql: Sql = env.sql(
        "INSERT INTO mail_notification (mail_message_id, author_id, res_partner_id, mail_mail_id, \
         notification_type, notification_status, failure_type, is_read) SELECT id, author_id, ",
    );
    sql.push("CAST(").bind(partner).push(" AS integer), CAST(");
    sql.bind(mail).push(" AS integer), ");
    for value in [Some(kind), Some(status), failure] {
        sql.push("CAST(").bind(value).push(" AS varchar), ");
    }
    sql.push(if kind == "inbox" { "FALSE" } else { "TRUE" });
    sql.push(" FROM mail_message WHERE id = ").bind(message);
    sql.push(" ON CONFLICT DO NOTHING");
    env.execute(sql).await?;
    Ok(())
}

/// Queues the mail of a message for these contacts.
async fn queue(env: &Env, message: Id, partners: &[Id]) -> Result<Id> {
    let row = post::row(env, message).await?;
    let body = row.body.clone().unwrap_or_default();
    let signature = if row.email_add_signature.unwrap_or(false) {
        signature(env, row.author_id).await?
    } else {
        None
    };
    let body = match signature {
        Some(signature) => format!("{body}<div><br>--<br>{signature}</div>"),
        None => body,
    };
    let mut values = map([
        ("mail_message_id", message.into()),
        ("body_html", body.into()),
        ("is_notification", true.into()),
        ("auto_delete", true.into()),
        (
            "recipient_ids",
            commands::set(partners.iter().copied().map(AnyValue::from).collect()),
        ),
    ]);
    if let Some(reference) = post::reference(env, row.parent_id).await? {
        values.insert(Key::Borrowed("references"), reference.into());
    }
    create::record(env, entry("mail.mail")?, values).await
}

async fn signature(env: &Env, author: Option<Id>) -> Result<Option<String>> {
    let Some(author) = author else {
        return Ok(None);
    };
    let mut sql = env.sql("SELECT signature FROM res_users WHERE active AND partner_id = ");
    sql.bind(author).push(" ORDER BY id LIMIT 1");
    let signature: Option<String> = match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?,
        None => None,
    };
    Ok(signature.filter(|text| !text.trim().is_empty()))
}
