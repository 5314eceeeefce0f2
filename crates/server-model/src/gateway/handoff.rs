//! Handing mails on to another program: put into a queue with the transaction that takes them in, and
//! delivered from there until the other side says that it has them.
//!
//! A mail is delivered at least once: when an answer is lost, it is delivered again under the same key.
//! The queue of each receiver is worked on by itself, so that a slow one delays no other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use auth::remote::{Account, Address, Delivery, Handing, OdooLogin, RemoteError};
use chrono::{NaiveDateTime, TimeDelta};
use secrecy::SecretString;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::journal;
use super::received::Opened;
use crate::backend::Backend;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::models::postern_handoff::{self, Model as Handoff};
use crate::orm::{convert, search};
use crate::value::{Id, Ids};

/// How often the queues are looked at.
const EVERY: Duration = Duration::from_secs(2);
/// How long others leave a mail alone that is being delivered: longer than any request takes.
const LEASE: TimeDelta = TimeDelta::minutes(3);
/// How long after the first failure a mail is tried again; twice as long after each further one.
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(2);
/// The longest pause between two attempts.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// For so long a receiver may be out before a person has to look.
const PATIENCE: TimeDelta = TimeDelta::days(5);
/// How often a note is tried when other transactions keep winning.
const ATTEMPTS: u32 = 8;
/// So often a receiver may refuse a mail before a person has to look.
const REFUSALS: i32 = 5;

/// Which mails are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Those for models that are not here.
    Foreign,
    /// Those, and what nothing here asks for.
    Unrouted,
    /// All.
    All,
}

/// Where the mails of a mailbox are handed on to.
#[derive(Clone, Debug)]
pub struct Place {
    id: Id,
    /// Which of them.
    pub scope: Scope,
    /// The model of what nothing else asks for.
    pub model: Option<String>,
}

impl Place {
    /// The one of this server, if it has one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of_server(env: &Env, server: Id) -> Result<Option<Place>> {
        let settings = postern_handoff::of_server(env, server).await?;
        Ok(settings.map(|settings| Place {
            id: settings.id,
            scope: match settings.scope.as_str() {
                "all" => Scope::All,
                "unrouted" => Scope::Unrouted,
                _ => Scope::Foreign,
            },
            model: settings.model.filter(|model| !model.is_empty()),
        }))
    }

    /// Puts a mail into the queue. `model` is what the mail is for, where something says so.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn queue(
        &self,
        env: &Env,
        raw: &[u8],
        subject: &str,
        model: Option<&str>,
    ) -> Result<()> {
        let model = model.map(str::to_owned).or_else(|| self.model.clone());
        let subject = subject.replace('\0', "\u{fffd}");
        let mut sql = env.sql(
            "INSERT INTO postern_handoff_mail (handoff_id, key, model, subject, raw, state, attempts, next_at, create_date) VALUES (",
        );
        sql.bind(self.id).push(", ");
        sql.bind(uuid::Uuid::new_v4().to_string()).push(", ");
        sql.bind(model).push(", ").bind(subject).push(", ");
        sql.bind(raw.to_vec()).push(", 'waiting', 0, ");
        sql.bind(env.now()).push(", ").bind(env.now()).push(")");
        env.execute(sql).await?;
        Ok(())
    }
}

/// Delivers what waits, until `stop` is cancelled; a delivery that runs then is finished first.
pub async fn run(backend: Arc<Backend>, stop: CancellationToken) {
    let caller = Caller::superuser(backend);
    let mut tasks: JoinSet<Id> = JoinSet::new();
    let mut busy: BTreeSet<Id> = BTreeSet::new();
    loop {
        match due(&caller).await {
            Ok(due) => {
                for handoff in due {
                    if busy.insert(handoff) {
                        let (caller, stop) = (caller.clone(), stop.clone());
                        tasks.spawn(async move {
                            if let Err(error) = work_off(&caller, handoff, &stop).await {
                                tracing::warn!(handoff, %error, "mails could not be handed on");
                            }
                            handoff
                        });
                    }
                }
            }
            Err(error) => tracing::warn!(%error, "the mails to be handed on could not be read"),
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(EVERY) => {}
        }
        while let Some(ended) = tasks.try_join_next() {
            match ended {
                Ok(handoff) => {
                    busy.remove(&handoff);
                }
                Err(error) => {
                    tracing::error!(%error, "the handing on of mails broke off");
                    // Which one it was is not known; those that still run hold their mails.
                    busy.clear();
                }
            }
        }
    }
    while tasks.join_next().await.is_some() {}
}

/// The receivers for whom a mail is due.
async fn due(caller: &Caller) -> Result<Ids> {
    let env = caller.begin(Intent::Read).await?;
    let mut sql = env.sql(
        "SELECT DISTINCT m.handoff_id FROM postern_handoff_mail m JOIN postern_handoff h ON h.id = m.handoff_id \
         WHERE h.active AND m.state = 'waiting' AND m.next_at <= ",
    );
    sql.bind(env.now());
    let due = search::collect_ids(&env, sql).await;
    env.end_reading();
    due
}

/// A mail that this process delivers now.
struct Claimed {
    id: Id,
    key: String,
    model: Option<String>,
    raw: Vec<u8>,
    attempts: i32,
    queued: NaiveDateTime,
    settings: Handoff,
}

/// Delivers the mails of one receiver, the oldest first, until none is due or the receiver is out.
async fn work_off(caller: &Caller, handoff: Id, stop: &CancellationToken) -> Result<()> {
    while !stop.is_cancelled() {
        let claimed = match claim(caller, handoff).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return Ok(()),
            // Another process took it in the same instant, and goes on with the rest.
            Err(error) if error.is_retryable() => return Ok(()),
            Err(error) => return Err(error),
        };
        let outcome = deliver(caller, &claimed).await;
        settle(caller, &claimed, &outcome).await?;
        match outcome {
            Ok(()) => tracing::info!(
                handoff,
                mail = claimed.id,
                key = claimed.key,
                "a mail was handed on"
            ),
            Err(error) => {
                tracing::warn!(handoff, mail = claimed.id, key = claimed.key, attempts = claimed.attempts, code = error.entry().code, %error, "a mail could not be handed on");
                if error.is_transient() {
                    return Ok(());
                }
            }
        }
    }
    Ok(())
}

async fn claim(caller: &Caller, handoff: Id) -> Result<Option<Claimed>> {
    let env = caller.begin(Intent::Write).await?;
    let claimed = async {
        let now = env.now();
        let mut sql = env.sql("UPDATE postern_handoff_mail SET attempts = attempts + 1, claimed_by = ");
        sql.bind(env.backend().instance());
        sql.push(", next_at = ").bind(now + LEASE);
        sql.push(" WHERE id = (SELECT id FROM postern_handoff_mail WHERE state = 'waiting' AND handoff_id = ");
        sql.bind(handoff).push(" AND next_at <= ").bind(now);
        sql.push(" ORDER BY id LIMIT 1");
        if sql.is_postgres() {
            sql.push(" FOR UPDATE SKIP LOCKED");
        }
        sql.push(") RETURNING id, key, model, raw, attempts, create_date");
        let Some(row) = env.row(sql).await? else {
            return Ok(None);
        };
        let Some(settings) = postern_handoff::rows(&env, &[handoff]).await?.pop() else {
            return Ok(None);
        };
        Ok(Some(Claimed {
            id: convert::get(&row, 0)?.unwrap_or_default(),
            key: convert::get(&row, 1)?.unwrap_or_default(),
            model: convert::get(&row, 2)?,
            raw: convert::get(&row, 3)?.unwrap_or_default(),
            attempts: convert::get(&row, 4)?.unwrap_or_default(),
            queued: convert::get(&row, 5)?.unwrap_or(now),
            settings,
        }))
    }
    .await;
    journal::finish(env, claimed).await
}

async fn deliver(caller: &Caller, claimed: &Claimed) -> Result<(), RemoteError> {
    let settings = &claimed.settings;
    let backend = caller.backend();
    let address = Address::parse(&settings.url)?;
    let secret = SecretString::from(settings.secret.clone().unwrap_or_default());
    let model = claimed.model.as_deref();
    if settings.kind == "webhook" {
        let delivery = Delivery {
            key: &claimed.key,
            timestamp: backend.unix_now(),
            model,
            raw: &claimed.raw,
        };
        return backend.remote().deliver(&address, &secret, &delivery).await;
    }
    let login = OdooLogin {
        address,
        database: settings.database.clone().unwrap_or_default(),
        account: Account::Login(settings.login.clone().unwrap_or_default()),
        key: secret,
    };
    let raw = recognisable(&claimed.raw, &claimed.key);
    let mail = Handing {
        model,
        raw: &raw,
        save_original: false,
        strip_attachments: false,
    };
    backend.remote().hand_in(&login, &mail).await
}

/// Odoo recognises a repeated mail by its Message-Id; one without gets the key for it.
fn recognisable(raw: &[u8], key: &str) -> Vec<u8> {
    let opened = Opened::read(raw, &[], NaiveDateTime::default());
    if opened.parsed.message_id.is_some() {
        return raw.to_vec();
    }
    let mut named = format!("Message-Id: <{key}@postern.invalid>\r\n").into_bytes();
    named.extend_from_slice(raw);
    named
}

/// Notes what came of an attempt. If even that fails, the lease ends some time and the mail is
/// delivered again under the same key.
async fn settle(
    caller: &Caller,
    claimed: &Claimed,
    outcome: &Result<(), RemoteError>,
) -> Result<()> {
    let mut attempt = 1;
    loop {
        let env = caller.begin(Intent::Write).await?;
        let noted = note(&env, claimed, outcome).await;
        match journal::finish(env, noted).await {
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => attempt += 1,
            noted => return noted,
        }
    }
}

async fn note(env: &Env, claimed: &Claimed, outcome: &Result<(), RemoteError>) -> Result<()> {
    let Err(error) = outcome else {
        let mut sql = env.sql("DELETE FROM postern_handoff_mail WHERE id = ");
        sql.bind(claimed.id);
        return env.execute(sql).await.map(drop);
    };
    let now = env.now();
    let is_over = if error.is_transient() {
        now - claimed.queued > PATIENCE
    } else {
        claimed.attempts >= REFUSALS
    };
    let wanted = error
        .retry_after()
        .and_then(|wait| TimeDelta::from_std(wait).ok());
    let next = now
        + wanted
            .unwrap_or_default()
            .max(pause_after(claimed.attempts));
    let reason = error.text().stored();
    let mut sql = env.sql("UPDATE postern_handoff_mail SET claimed_by = NULL, state = ");
    sql.bind(if is_over { "failed" } else { "waiting" });
    sql.push(", next_at = ").bind(next);
    sql.push(", reason = ").bind(reason);
    sql.push(" WHERE id = ").bind(claimed.id);
    env.execute(sql).await?;
    if error.is_transient() {
        // The others would fail for the same reason.
        let mut sql = env.sql("UPDATE postern_handoff_mail SET next_at = ");
        sql.bind(next);
        sql.push(" WHERE state = 'waiting' AND handoff_id = ");
        sql.bind(claimed.settings.id)
            .push(" AND next_at < ")
            .bind(next);
        sql.push(" AND claimed_by IS NULL");
        env.execute(sql).await?;
    }
    Ok(())
}

fn pause_after(attempts: i32) -> TimeDelta {
    let doublings = u32::try_from(attempts.clamp(1, 16) - 1).unwrap_or_default();
    let pause = FIRST_PAUSE.checked_mul(1 << doublings);
    pause.unwrap_or(LONGEST_PAUSE).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pauses_double_up_to_an_hour() {
        assert_eq!(pause_after(1), TimeDelta::seconds(2));
        assert_eq!(pause_after(2), TimeDelta::seconds(4));
        assert_eq!(pause_after(5), TimeDelta::seconds(32));
        for attempts in [12, 40, i32::MAX] {
            assert_eq!(pause_after(attempts), LONGEST_PAUSE);
        }
    }

    #[test]
    fn a_mail_without_a_message_id_gets_one_that_stays_the_same() {
        let named = recognisable(b"Subject: x\r\n\r\ny", "key-1");
        assert_eq!(
            named,
            b"Message-Id: <key-1@postern.invalid>\r\nSubject: x\r\n\r\ny"
        );
        let raw = b"Message-ID: <a@b>\r\n\r\ny";
        assert_eq!(recognisable(raw, "key-1"), raw);
    }
}
