//! From a claimed mail to the servers' answers: choose, compose, connect, hand over.

use std::collections::BTreeSet;

use mail::compose::Composed;
use mail::smtp::{Envelope, SmtpConnection};
use mail::transport_error::Severity;

use super::choose::Directory;
use super::claim::{Claimed, Journal, Noted};
use super::letters::{self, Draft, Letter};
use super::settle::Fate;
use super::smtp;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::Result;

/// How the sending of a claimed mail ended.
pub enum Ending {
    /// Its fate is known.
    Known(Fate),
    /// The database was out before anything was handed over; the mail stays in the queue.
    Postponed,
    /// Another process has the mail now.
    Lost,
}

/// Sends the letters of a mail. One that is refused does not stop the others.
pub async fn deliver(caller: &Caller, claimed: Claimed) -> Ending {
    let Claimed { draft, accepted } = claimed;
    let journal = Journal::of(caller, draft.mail.id);
    let work = async {
        match prepare(caller, &draft).await {
            Ok((connection, letters)) => {
                hand_over_all(&journal, connection, &letters, accepted).await
            }
            Err(error) if error.is_outage() => Ending::Postponed,
            Err(error) => Ending::Known(Fate::Failed {
                failure_type: None,
                reason: error.to_string(),
            }),
        }
    };
    let ending = tokio::select! {
        ending = work => ending,
        () = journal.keep_claim() => Ending::Lost,
    };
    if let Ending::Postponed = ending
        && let Err(error) = journal.release().await
    {
        tracing::warn!(mail = draft.mail.id, %error, "a mail comes back to the queue when its claim runs out");
    }
    ending
}

async fn prepare(caller: &Caller, draft: &Draft) -> Result<(SmtpConnection, Vec<Letter>)> {
    let env = caller.begin(Intent::Read).await?;
    let directory = Directory::load(&env).await;
    let now = env.now().and_utc();
    env.rollback().await?;
    let directory = directory?;
    let choice = directory.choose(
        draft.sender().as_deref(),
        draft.forced_server(),
        draft.alias_domain(),
    )?;
    let letters = letters::compose_all(draft, &directory, &choice, now);
    let patience = caller.backend().patience().clone();
    let connection = smtp::connect(caller, &choice.carrier, patience).await?;
    Ok((connection, letters))
}

async fn hand_over_all(
    journal: &Journal,
    mut connection: SmtpConnection,
    letters: &[Letter],
    mut accepted: BTreeSet<String>,
) -> Ending {
    let mut failures = Vec::new();
    let mut unreachable = Vec::new();
    let mut failure_type = "unknown";
    let mut sent = false;
    for (letter, number) in letters.iter().zip(1..) {
        let letter = match &letter.outcome {
            Ok(composed) => composed,
            Err(refusal) if refusal.is_of_recipients() => {
                unreachable.push(refusal.reason.clone());
                continue;
            }
            Err(refusal) => {
                failure_type = refusal.failure_type.as_str();
                failures.push(refusal.reason.clone());
                break;
            }
        };
        match hand_over(journal, &mut connection, letter, number, &mut accepted).await {
            Handed::Over(mut refused) => {
                sent = true;
                failures.append(&mut refused);
            }
            Handed::Refused(reason) => failures.push(reason),
            Handed::Outage if accepted.is_empty() => return Ending::Postponed,
            Handed::Outage => failures.push(
                "The database was out in between, so the rest was not sent. Try again.".into(),
            ),
            Handed::Lost => return Ending::Lost,
        }
        if !connection.is_usable() && number < letters.len() as i32 {
            failures.push("The connection to the server ended, so the rest was not sent.".into());
            break;
        }
    }
    connection.quit().await.ok();
    Ending::Known(if !failures.is_empty() {
        Fate::failed(failure_type, failures.join("\n"))
    } else if sent {
        Fate::Sent
    } else {
        if unreachable.is_empty() {
            unreachable.push(
                "The mail has no recipient. Enter an address in \"To\", or choose contacts.".into(),
            );
        }
        Fate::Failed {
            failure_type: None,
            reason: unreachable.join("\n"),
        }
    })
}

enum Handed {
    /// The server took the letter, with the refusals of single recipients.
    Over(Vec<String>),
    /// The letter as a whole did not go out, or may not have.
    Refused(String),
    /// The journal could not be written, so nothing was handed over.
    Outage,
    /// Another process has the mail now.
    Lost,
}

async fn hand_over(
    journal: &Journal,
    connection: &mut SmtpConnection,
    letter: &Composed,
    number: i32,
    accepted: &mut BTreeSet<String>,
) -> Handed {
    let missing: Vec<&String> = letter
        .recipients
        .iter()
        .filter(|recipient| !accepted.contains(*recipient))
        .collect();
    if missing.is_empty() {
        return Handed::Over(Vec::new());
    }
    let envelope = match Envelope::new(&letter.envelope_from, &missing) {
        Ok(envelope) => envelope,
        Err(error) => return Handed::Refused(error.to_string()),
    };
    let prepared = match connection.prepare(&envelope, &letter.bytes).await {
        Ok(prepared) => prepared,
        Err(error) => return Handed::Refused(error.to_string()),
    };
    if prepared.is_deliverable() {
        match journal.note_handing(number).await {
            Ok(Noted::Yes) => {}
            Ok(Noted::Lost) => return Handed::Lost,
            Err(_) => return Handed::Outage,
        }
    }
    let delivery = match prepared.data().await {
        Ok(delivery) => delivery,
        Err(error) => {
            let unknown = error.severity() == Severity::Ambiguous;
            let reason = if unknown {
                format!(
                    "{error} The server may have accepted the mail: look into the sent mails of the mailbox before sending it again."
                )
            } else {
                error.to_string()
            };
            note(journal.note_refused(accepted).await);
            return Handed::Refused(reason);
        }
    };
    accepted.extend(
        delivery
            .accepted()
            .map(|recipient| recipient.address.clone()),
    );
    note(journal.note_accepted(accepted).await);
    Handed::Over(
        delivery
            .refused()
            .map(|recipient| format!("{}: {}", recipient.address, recipient.reply))
            .collect(),
    )
}

/// What a server took is a fact, whether it could be written down or not: the fate is settled next,
/// and where that fails too, the journal says that the letter was being handed over.
fn note(noted: Result<Noted>) {
    match noted {
        Ok(Noted::Yes) => {}
        Ok(Noted::Lost) => {
            tracing::error!("a mail was claimed by another process while it was handed over");
        }
        Err(error) => tracing::error!(%error, "what a server took could not be written down"),
    }
}
