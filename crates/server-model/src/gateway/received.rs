//! A mail taken apart, first by itself and then with what the database knows of it.

use chrono::NaiveDateTime;
use mail::address::{email_normalize_all, email_normalize_first};
use mail::parse::{Incoming, ParseContext, decode_header, parse_message};

use super::alias::Domains;
use super::people;
use super::reply::{self, Parent};
use crate::env::Env;
use crate::error::Result;
use crate::value::Id;

/// A mail taken apart; nothing was asked of the database yet.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The mail.
    pub parsed: Incoming,
    /// The normalised address of the sender.
    pub sender: Option<String>,
    /// Where the delivering server says refusals go; `<>` for nowhere.
    pub return_path: Option<String>,
    /// The normalised addresses of To and Delivered-To.
    pub to: Vec<String>,
    /// The normalised addresses of all recipients.
    pub recipients: Vec<String>,
}

impl Opened {
    /// Takes the mail apart. This is work for the processor, and takes a while for a large mail.
    pub fn read(raw: &[u8], bounce_addresses: &[String], now: NaiveDateTime) -> Opened {
        let context = ParseContext {
            now,
            bounce_addresses: bounce_addresses.to_vec(),
        };
        let mut parsed = parse_message(raw, &context);
        parsed.message_id = parsed.message_id.map(reply::storable_id);
        let return_path = decode_header(raw, "Return-Path", " ").trim().to_owned();
        Opened {
            sender: email_normalize_first(&parsed.email_from),
            return_path: Some(return_path).filter(|path| !path.is_empty()),
            to: email_normalize_all(&parsed.to.join(", ")),
            recipients: email_normalize_all(&parsed.recipients.join(", ")),
            parsed,
        }
    }
}

/// A mail with what the database knows of it.
pub struct Received<'a> {
    /// The mail as it came.
    pub raw: &'a [u8],
    /// The same, taken apart.
    pub parsed: Incoming,
    /// The normalised address of the sender.
    pub sender: Option<String>,
    /// Where the delivering server says refusals go; `<>` for nowhere.
    pub return_path: Option<String>,
    /// The normalised addresses of To and Delivered-To.
    pub to: Vec<String>,
    /// The normalised addresses of all recipients.
    pub recipients: Vec<String>,
    /// The user who wrote it.
    pub user: Option<Id>,
    /// The message it answers.
    pub parent: Option<Parent>,
}

impl<'a> Received<'a> {
    /// Takes a mail apart and looks up who wrote it and what it answers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(env: &Env, raw: &'a [u8], domains: &Domains) -> Result<Received<'a>> {
        let opened = Opened::read(raw, &domains.bounce, env.now());
        Received::from(env, raw, opened).await
    }

    /// Looks up who wrote a mail and what it answers.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn from(env: &Env, raw: &'a [u8], opened: Opened) -> Result<Received<'a>> {
        Ok(Received {
            raw,
            user: people::user(env, opened.sender.as_deref()).await?,
            parent: reply::parent(env, &opened.parsed).await?,
            sender: opened.sender,
            return_path: opened.return_path,
            to: opened.to,
            recipients: opened.recipients,
            parsed: opened.parsed,
        })
    }
}
