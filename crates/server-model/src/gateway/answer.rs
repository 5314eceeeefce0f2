//! What the sender of a refused mail is told.

use chrono::TimeZone;
use mail::address::{Charset, formataddr};
use mail::parse::escape_html;

use super::alias::Alias;
use super::loops;
use super::received::Received;
use crate::env::Env;
use crate::error::Result;
use crate::orm::{convert, create};
use crate::outbox::choose;
use crate::registry::entry;
use crate::value::{AnyValue, map};

/// The name that automatic answers come from.
const SENDER: &str = "MAILER-DAEMON";
/// RFC 3834: tells other programs not to answer this.
const HEADERS: &str = r#"{"Auto-Submitted": "auto-replied"}"#;

/// Why a mail is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The alias does not take mail from this sender.
    NotAllowed,
    /// The alias cannot take mail from anybody as it is set up.
    BrokenAlias,
    /// The address takes only answers to our own mail.
    NoAnswer,
    /// The sender sends too much.
    Flood,
}

/// Puts an answer to the sender into the queue of outgoing mails. What a program wrote is not
/// answered: nobody would read it there, and two programs could answer each other for ever.
///
/// # Errors
/// When the database fails.
pub async fn write(
    env: &Env,
    mail: &Received<'_>,
    refusal: Refusal,
    alias: Option<&Alias>,
) -> Result<()> {
    if loops::is_automatic(mail) {
        tracing::info!(
            from = mail.parsed.email_from,
            ?refusal,
            "a refused mail was written by a program, so nobody is told"
        );
        return Ok(());
    }
    let to = mail
        .return_path
        .clone()
        .unwrap_or_else(|| mail.parsed.email_from.clone());
    let mut references = mail.parsed.message_id.clone().unwrap_or_default();
    let now = chrono::Utc.from_utc_datetime(&env.now());
    if refusal == Refusal::Flood {
        // As in Odoo; an answer that keeps only the references is recognised by this.
        references = format!("{} {references}", loops::tagged_id(now));
    }
    let sender = sender(env).await?;
    // An answer to this must not come back to the address that was just refused.
    let reply_to = match refusal {
        Refusal::NoAnswer => company_address(env).await?,
        _ => None,
    };
    let values = map([
        ("subject", format!("Re: {}", mail.parsed.subject).into()),
        ("body_html", body(mail, refusal, alias).into()),
        (
            "reply_to",
            reply_to.unwrap_or_else(|| sender.clone()).into(),
        ),
        ("email_from", sender.into()),
        ("email_to", to.into()),
        ("message_id", loops::tagged_id(now).into()),
        ("references", references.trim().into()),
        ("headers", HEADERS.into()),
        ("author_id", AnyValue::FALSE),
        ("auto_delete", true.into()),
    ]);
    create::record(&env.sudo(), entry("mail.mail")?, values).await?;
    Ok(())
}

async fn sender(env: &Env) -> Result<String> {
    let address = match choose::defaults(env).await?.bounce {
        Some(bounce) => Some(bounce),
        None => env
            .user()
            .await?
            .email
            .as_deref()
            .and_then(mail::address::email_normalize_first),
    };
    let Some(address) = address else {
        return Ok(SENDER.to_owned());
    };
    Ok(formataddr(SENDER, &address, Charset::Utf8).unwrap_or(address))
}

async fn company_address(env: &Env) -> Result<Option<String>> {
    let mut sql = env.sql(
        "SELECT COALESCE(c.email, p.email) FROM res_company c \
         LEFT JOIN res_partner p ON p.id = c.partner_id WHERE c.id = ",
    );
    sql.bind(env.user().await?.company_id);
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    Ok(convert::get::<String>(&row, 0)?.filter(|email| !email.is_empty()))
}

fn body(mail: &Received<'_>, refusal: Refusal, alias: Option<&Alias>) -> String {
    if let (Refusal::NotAllowed, Some(own)) = (
        refusal,
        alias.and_then(|alias| alias.bounced_content.as_ref()),
    ) {
        return own.clone();
    }
    let address = match alias {
        Some(alias) => escape_html(&alias.address()),
        None => escape_html(&mail.parsed.to.join(", ")),
    };
    let why = match refusal {
        Refusal::NotAllowed => format!(
            "The address {address} takes mail only from people we know under the address they write from. \
             If you are one of them, please write from the address you have given us, or contact us in another way."
        ),
        Refusal::BrokenAlias => format!(
            "The address {address} cannot take mail at the moment because of a mistake on our side. \
             Please try again later, or contact us in another way."
        ),
        Refusal::NoAnswer => format!(
            "The address {address} takes only answers to mail from us, and yours does not refer to any that we know. \
             Please write to another of our addresses."
        ),
        Refusal::Flood => "We received so many messages from your address in a short time that a program \
             seems to be sending them. This one was left out. Please wait a while before you write again."
            .to_owned(),
    };
    format!(
        "<p>Hello,</p><p>Your message \"{}\" could not be delivered.</p><p>{why}</p>",
        escape_html(mail.parsed.subject.trim())
    )
}
