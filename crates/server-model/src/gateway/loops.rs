//! Loops: two programs that answer each other for ever.

use chrono::{DateTime, TimeDelta, Utc};
use mail::compose::generate_message_id;
use mail::parse::{Incoming, decode_header};

use super::received::Received;
use super::route::Route;
use crate::env::Env;
use crate::error::Result;
use crate::models::ir_config_parameter;
use crate::orm::convert;
use crate::registry::Entry;

/// Part of the Message-Id of our refusals, so that an answer to one is recognised.
pub const TAG: &str = "-loop-detection-bounce-email@";
/// So many new records from one sender are a flood (parameter `mail.gateway.loop.threshold`).
const THRESHOLD: i64 = 20;
/// The time in minutes that is looked at (parameter `mail.gateway.loop.minutes`).
const MINUTES: i64 = 120;

/// Whether the mail answers a refusal of ours.
pub fn answers_a_refusal(mail: &Incoming) -> bool {
    mail.references.contains(TAG) || mail.in_reply_to.contains(TAG)
}

/// A new Message-Id for a refusal, by which an answer to it is recognised.
pub fn tagged_id(now: DateTime<Utc>) -> String {
    const HOST: &str = "localhost";
    generate_message_id(HOST, now).replace(&format!("@{HOST}>"), &format!("{TAG}{HOST}>"))
}

/// Whether a program wrote the mail, or it may not be answered (RFC 3834 section 2): it says so, it
/// came over a list or in bulk, or it came from nowhere, as reports do.
pub fn is_automatic(mail: &Received<'_>) -> bool {
    let precedence = decode_header(mail.raw, "Precedence", " ");
    let is_bulk = ["bulk", "junk", "list"]
        .iter()
        .any(|kind| precedence.trim().eq_ignore_ascii_case(kind));
    let from_nowhere = mail.return_path.as_deref() == Some("<>");
    let from_daemon = mail
        .sender
        .as_deref()
        .is_some_and(|sender| sender.starts_with("mailer-daemon@"));
    mail.parsed.auto_submitted || is_bulk || from_nowhere || from_daemon
}

/// Whether the sender made so many records lately that it must be a program gone wild. Only new
/// records count; answers and mail to one certain record cannot flood anything.
///
/// A sender without a readable address cannot be told from others and is not counted.
///
/// # Errors
/// When the database fails.
pub async fn is_flood(env: &Env, sender: Option<&str>, routes: &[Route]) -> Result<bool> {
    let Some(sender) = sender else {
        return Ok(false);
    };
    let mut models: Vec<&'static Entry> = Vec::new();
    for route in routes.iter().filter(|route| route.thread.is_none()) {
        if !models
            .iter()
            .any(|model| model.name() == route.model.name())
        {
            models.push(route.model);
        }
    }
    if models.is_empty() || is_exempt(env, sender).await? {
        return Ok(false);
    }
    let threshold = number(env, "mail.gateway.loop.threshold", THRESHOLD).await?;
    let minutes = number(env, "mail.gateway.loop.minutes", MINUTES).await?;
    let since = TimeDelta::try_minutes(minutes)
        .and_then(|span| env.now().checked_sub_signed(span))
        .unwrap_or_default();
    for model in models {
        let Some(column) = address_column(model) else {
            continue;
        };
        let mut sql = env.sql("SELECT COUNT(*) FROM ");
        sql.name(model.table()).push(" WHERE ").name(column);
        sql.push(" = ").bind(sender);
        sql.push(" AND create_date > ").bind(since);
        let count = match env.row(sql).await? {
            Some(row) => convert::get::<i64>(&row, 0)?.unwrap_or_default(),
            None => 0,
        };
        if count >= threshold {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The column with the normalised address of a record.
fn address_column(model: &Entry) -> Option<&'static str> {
    ["email_normalized", "email"]
        .into_iter()
        .find(|name| model.fields.get(name).is_some_and(|field| field.column))
}

async fn is_exempt(env: &Env, sender: &str) -> Result<bool> {
    let mut sql = env.sql("SELECT 1 FROM mail_gateway_allowed WHERE email_normalized = ");
    sql.bind(sender).push(" OR LOWER(email) = ").bind(sender);
    Ok(env.row(sql).await?.is_some())
}

async fn number(env: &Env, key: &str, otherwise: i64) -> Result<i64> {
    let text = ir_config_parameter::get(env, key).await?;
    Ok(text
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(otherwise))
}

#[cfg(test)]
mod tests {
    use mail::parse::{ParseContext, parse_message};

    use super::*;

    fn received(raw: &str) -> Received<'_> {
        let parsed = parse_message(raw.as_bytes(), &ParseContext::default());
        let return_path = decode_header(raw.as_bytes(), "Return-Path", " ");
        Received {
            raw: raw.as_bytes(),
            sender: mail::address::email_normalize_first(&parsed.email_from),
            return_path: Some(return_path).filter(|path| !path.is_empty()),
            to: Vec::new(),
            recipients: Vec::new(),
            user: None,
            parent: None,
            parsed,
        }
    }

    #[test]
    fn what_a_program_wrote_is_known_by_what_it_says() {
        for automatic in [
            "Auto-Submitted: auto-replied",
            "Auto-Submitted: auto-generated; owner-email=\"x@y\"",
            "Precedence: bulk",
            "Precedence: LIST",
            "Return-Path: <>",
            "From: MAILER-DAEMON@host.example",
        ] {
            assert!(
                is_automatic(&received(&format!("{automatic}\n\nx"))),
                "{automatic}"
            );
        }
        for written in [
            "Auto-Submitted: no",
            "Precedence: first-class",
            "Return-Path: <kim@host.example>",
            "From: Kim <kim@host.example>",
        ] {
            assert!(
                !is_automatic(&received(&format!("{written}\n\nx"))),
                "{written}"
            );
        }
    }

    #[test]
    fn the_answer_to_any_refusal_is_recognised() {
        let raw = format!("In-Reply-To: {}\n\nx", tagged_id(DateTime::UNIX_EPOCH));
        assert!(answers_a_refusal(&received(&raw).parsed));
    }

    #[test]
    fn an_answer_to_a_refusal_is_recognised_by_its_references() {
        let answers = |header: &str| {
            let raw = format!("{header}\n\nx");
            answers_a_refusal(&parse_message(raw.as_bytes(), &ParseContext::default()))
        };
        assert!(answers(
            "References: <1.2-openerp-loop-detection-bounce-email@host>"
        ));
        assert!(answers(
            "In-Reply-To: <1.2-openerp-loop-detection-bounce-email@host>"
        ));
        assert!(!answers(
            "References: <1.2-openerp-loop-detection-bounce-email-x@host>"
        ));
    }
}
