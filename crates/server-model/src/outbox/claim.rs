//! Who has a mail, and how far it came: the journal in `postern_outbox`.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;

use super::choose::Directory;
use super::letters::{self, Draft};
use super::settle::{Fate, write_fate};
use crate::backend::Backend;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::orm::convert;
use crate::sql::Sql;
use crate::value::Id;

/// How long a claim holds before another process may take the mail.
const LEASE: TimeDelta = TimeDelta::minutes(10);
/// How often a claim is made to hold longer while a server takes its time.
const RENEWAL: Duration = Duration::from_secs(120);
/// How often, and after which pauses, what a server accepted is tried to be written down.
const PATIENCE: u32 = 8;

/// A mail that this process may send now.
pub struct Claimed {
    /// The mail.
    pub draft: Draft,
    /// The addresses that a server took the mail for already, in an attempt that failed for others.
    pub accepted: BTreeSet<String>,
}

/// Takes the mail for this process; `None` when it is not to be sent or somebody else has it.
///
/// # Errors
/// When the database fails.
pub async fn claim(caller: &Caller, id: Id) -> Result<Option<Claimed>> {
    let env = caller.begin(Intent::Write).await?;
    let claimed = try_claim(&env, id).await;
    let outcome = match claimed {
        Ok(claimed) => env.commit().await.map(|()| claimed),
        Err(error) => {
            env.rollback().await.ok();
            Err(error)
        }
    };
    match outcome {
        // Another process took it, or settled it, in the same instant.
        Err(error) if error.is_retryable() => Ok(None),
        outcome => outcome,
    }
}

async fn try_claim(env: &Env, id: Id) -> Result<Option<Claimed>> {
    // The row of the mail is locked first: whoever settled it in the meantime has changed it, and
    // then the database refuses the lock instead of showing the mail as it was.
    let mut sql = env.sql("SELECT id FROM mail_mail WHERE state = 'outgoing' AND id = ");
    sql.bind(id);
    dialect::for_update(&mut sql);
    if env.row(sql).await?.is_none() {
        return Ok(None);
    }
    let mut sql = env.sql("SELECT handing, accepted, lease_until > ");
    sql.bind(env.now())
        .push(" FROM postern_outbox WHERE mail_id = ")
        .bind(id);
    let (handing, accepted, taken) = match env.row(sql).await? {
        Some(row) => (
            convert::get::<i32>(&row, 0)?,
            convert::get::<String>(&row, 1)?.unwrap_or_default(),
            convert::get::<bool>(&row, 2)?.unwrap_or(false),
        ),
        None => (None, String::new(), false),
    };
    if taken {
        return Ok(None);
    }
    let directory = Directory::load(env).await?;
    let draft = letters::read(env, &directory, id).await?;
    if handing.is_some() {
        let reason = "The program stopped while the server was taking this mail, so the server may have accepted it. Look into the sent mails of the mailbox; send it again only if it is not there.";
        write_fate(env, &draft, &Fate::failed("unknown", reason)).await?;
        return Ok(None);
    }
    let mut sql = env.sql(
        "INSERT INTO postern_outbox (mail_id, claimed_by, lease_until, attempts, accepted) VALUES (",
    );
    sql.bind(id)
        .push(", ")
        .bind(env.backend().instance())
        .push(", ")
        .bind(env.now() + LEASE)
        .push(", 1, '') ON CONFLICT (mail_id) DO UPDATE SET claimed_by = excluded.claimed_by, lease_until = excluded.lease_until, attempts = postern_outbox.attempts + 1");
    env.execute(sql).await?;
    Ok(Some(Claimed {
        draft,
        accepted: accepted.lines().map(str::to_owned).collect(),
    }))
}

/// What a note in the journal came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is written.
    Yes,
    /// Another process has the mail now; this one must leave it alone.
    Lost,
}

/// Where the way of one mail is written down.
pub struct Journal {
    caller: Caller,
    mail_id: Id,
}

impl Journal {
    /// The journal of a mail that this process claimed.
    pub fn of(caller: &Caller, mail_id: Id) -> Journal {
        Journal {
            caller: Caller::superuser(Arc::clone(caller.backend())),
            mail_id,
        }
    }

    fn backend(&self) -> &Backend {
        self.caller.backend()
    }

    /// Notes that the text of this letter, counted from one, is about to be handed over.
    ///
    /// # Errors
    /// When the database fails; then it must not be handed over.
    pub async fn note_handing(&self, letter: i32) -> Result<Noted> {
        self.write(|sql| {
            sql.push("handing = ").bind(letter);
        })
        .await
    }

    /// Notes for which addresses a server has taken the mail so far. That happened already, so a
    /// database that is out for a moment is waited for.
    ///
    /// # Errors
    /// When the database stays out; the mail will be found as being handed over, and says so.
    pub async fn note_accepted(&self, accepted: &BTreeSet<String>) -> Result<Noted> {
        let lines = accepted
            .iter()
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("\n");
        let mut attempt = 0;
        loop {
            let noted = self.write(|sql| {
                sql.push("handing = NULL, accepted = ").bind(lines.as_str());
            });
            match noted.await {
                Err(error) if attempt < PATIENCE => {
                    attempt += 1;
                    tracing::warn!(mail = self.mail_id, %error, attempt, "what a server took could not be written down yet");
                    tokio::time::sleep(Duration::from_millis(50 << attempt)).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Notes that nothing was handed over after all: the server refused the letter.
    ///
    /// # Errors
    /// As for [`Journal::note_accepted`].
    pub async fn note_refused(&self, accepted: &BTreeSet<String>) -> Result<Noted> {
        self.note_accepted(accepted).await
    }

    /// Gives the mail back to the queue.
    ///
    /// # Errors
    /// When the database fails; then the mail comes back when the claim runs out.
    pub async fn release(&self) -> Result<Noted> {
        self.write(|sql| {
            sql.push("handing = NULL, claimed_by = NULL, lease_until = NULL");
        })
        .await
    }

    /// Makes the claim hold for as long as this future is waited on. It never ends by itself.
    pub async fn keep_claim(&self) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            let until = self.backend().now() + LEASE;
            let renewed = self.write(|sql| {
                sql.push("lease_until = ").bind(until);
            });
            if let Err(error) = renewed.await {
                tracing::warn!(mail = self.mail_id, %error, "a claim could not be renewed");
            }
        }
    }

    async fn write(&self, set: impl Fn(&mut Sql)) -> Result<Noted> {
        let env = self.caller.begin(Intent::Write).await?;
        let mut sql = env.sql("UPDATE postern_outbox SET ");
        set(&mut sql);
        sql.push(" WHERE mail_id = ").bind(self.mail_id);
        sql.push(" AND claimed_by = ")
            .bind(self.backend().instance());
        let changed = match env.execute(sql).await {
            Ok(done) => done.rows_affected(),
            Err(error) => {
                env.rollback().await.ok();
                return Err(error);
            }
        };
        env.commit().await?;
        Ok(if changed == 0 {
            Noted::Lost
        } else {
            Noted::Yes
        })
    }
}
