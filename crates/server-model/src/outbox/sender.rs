//! What a letter says about its sender: From, and the envelope's sender to whom bounces go.
//!
//! The rules are Odoo's, recorded in `tests/fixtures/oracle/prepare_email.jsonl`.

use mail::address::{Charset, formataddr, match_from_filter};
use mail::address::{Mailbox, email_normalize, email_split_tuples, encapsulate_email};
use mail::compose::is_one_line;
use mail::parse::decode_address_list;

use words::say;

use super::choose::Choice;
use super::refusal::{FailureType, Refusal};

/// The sender of a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// Who stands in From.
    pub from: Vec<Mailbox>,
    /// Whom bounces go to.
    pub envelope: String,
    /// Who stands in From before the server had its say; answers go there unless the mail says otherwise.
    pub written: String,
}

/// The sender of a letter that `email_from` wrote, with a header Return-Path or none.
///
/// The sender that the session is for replaces the one that was written, except that under the default sender's
/// address the writer's name stays. Bounces go to Return-Path, else to the bounce address, where the server's
/// filter takes it as a sender, and to the sender shown otherwise.
///
/// # Errors
/// A [`Refusal`] when there is no sender, or none with an address.
pub fn decide(
    choice: &Choice,
    email_from: Option<&str>,
    return_path: Option<&str>,
) -> Result<Sender, Refusal> {
    let filled = |text: &&str| !text.is_empty();
    let written = email_from
        .filter(filled)
        .or(choice.defaults.from.as_deref())
        .ok_or_else(|| Refusal::new(FailureType::FromMissing, say!("outbox-no-sender")))?;
    if !is_one_line(written) {
        return Err(Refusal::new(
            FailureType::Unknown,
            say!("outbox-sender-line-break", ?written),
        ));
    }
    let shown = shown(choice, written);
    let bounce = return_path
        .filter(filled)
        .or(choice.defaults.bounce.as_deref())
        .filter(|bounce| match_from_filter(Some(bounce), choice.from_filter.as_deref()));
    let mut from = mailboxes(&shown);
    let envelope = match bounce {
        Some(bounce) => mailboxes(bounce).pop(),
        None => from.last().cloned(),
    };
    if from.is_empty() {
        // Bounces have a place to go, so only a name for From is wanting; the default sender lends its address.
        let default = choice.defaults.from.as_deref();
        from = mailboxes(&encapsulate_email(Some(&shown), default).unwrap_or_default());
    }
    match envelope {
        Some(envelope) if !from.is_empty() => Ok(Sender {
            from,
            envelope: envelope.addr_spec,
            written: written.to_owned(),
        }),
        _ => Err(Refusal::new(
            FailureType::FromInvalid,
            say!("outbox-sender-invalid", sender = ?bounce.unwrap_or(written)),
        )),
    }
}

/// The text that From shows.
fn shown(choice: &Choice, written: &str) -> String {
    let Some(smtp_from) = choice.smtp_from.as_deref().filter(|from| !from.is_empty()) else {
        return written.to_owned();
    };
    let default = choice.defaults.from.clone();
    let address = email_normalize(smtp_from);
    if default.is_some() && address == default && email_normalize(written) != default {
        // The name is the one that whoever reads the mail would see.
        let seen = decode_address_list(written);
        return encapsulate_email(Some(&seen), default.as_deref()).unwrap_or_default();
    }
    smtp_from.to_owned()
}

/// The addresses in a text that a letter can have as its sender.
fn mailboxes(text: &str) -> Vec<Mailbox> {
    let mut found = email_split_tuples(text);
    found.retain(|mailbox| {
        let domain = mailbox.domain().to_lowercase();
        formataddr("", &format!("x@{domain}"), Charset::Ascii).is_ok()
            && !mailbox.local_part().is_empty()
    });
    found
}
