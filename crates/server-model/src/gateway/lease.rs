//! Which process works on a mailbox, when several share one database.
//!
//! A lease keeps two processes from doing the same work. That no mail is stored twice does not depend
//! on it: the journal sees to that, whoever works.

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::TimeDelta;

use words::say;

use super::journal;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::orm::search;
use crate::value::Id;

/// How long others leave a mailbox alone after its holder has stopped without a word.
const HELD: TimeDelta = TimeDelta::seconds(10);
/// How often a lease is made to hold longer.
pub const RENEWAL: Duration = Duration::from_secs(3);
/// How long somebody who asked for a fetch waits for another process to finish its own.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often it is looked whether the other one is through.
const PAUSE: Duration = Duration::from_millis(500);

/// To read what is new.
const FETCH: &str = "fetch";
/// To wait for new mail.
const WATCH: &str = "watch";

/// The right of this process to fetch from a mailbox.
#[derive(Debug)]
pub struct Lease {
    server: Id,
    is_lost: AtomicBool,
}

impl Lease {
    /// Takes the mailbox, after some waiting if another process has it.
    ///
    /// # Errors
    /// [`Error::User`] when the other one does not come to an end, or when the database fails.
    pub async fn take(caller: &Caller, server: Id, name: &str) -> Result<Lease> {
        let end = tokio::time::Instant::now() + PATIENCE;
        while !take(caller, server, FETCH).await? {
            if tokio::time::Instant::now() > end {
                return Err(Error::User(say!("error-fetch-busy", %name)));
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(Lease {
            server,
            is_lost: AtomicBool::new(false),
        })
    }

    /// Does the work and keeps the mailbox for as long as it takes; then gives it back.
    pub async fn during<T>(&self, caller: &Caller, work: impl Future<Output = T>) -> T {
        let done = tokio::select! {
            done = work => done,
            // Beside the work and not in turns with it: the work may hold the only connection.
            () = self.renew_again_and_again(caller) => unreachable!("it never ends"),
        };
        if let Err(error) = give_back(caller, self.server, FETCH).await {
            tracing::warn!(server = self.server, %error, "a mailbox could not be given back; others may have it in a few seconds");
        }
        done
    }

    async fn renew_again_and_again(&self, caller: &Caller) {
        loop {
            tokio::time::sleep(RENEWAL).await;
            match renew(caller, FETCH).await {
                Ok(held) if !held.contains(&self.server) => {
                    self.is_lost.store(true, Ordering::Relaxed);
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::debug!(server = self.server, %error, "a lease could not be renewed");
                }
            }
        }
    }

    /// Refuses to go on when another process has the mailbox.
    ///
    /// # Errors
    /// [`Error::User`] that says so.
    pub async fn check(&self, env: &Env) -> Result<()> {
        let mut sql = env.sql("SELECT 1 FROM postern_mailbox_lease WHERE fetchmail_server_id = ");
        sql.bind(self.server).push(" AND purpose = ").bind(FETCH);
        sql.push(" AND holder = ").bind(env.backend().instance());
        if env.row(sql).await?.is_none() {
            self.is_lost.store(true, Ordering::Relaxed);
        }
        if self.is_lost() {
            return Err(Error::User(say!("error-fetch-taken-over")));
        }
        Ok(())
    }

    /// Whether another process has the mailbox.
    pub fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }
}

/// Takes a mailbox to wait for new mail in it; false when another process does.
///
/// # Errors
/// When the database fails.
pub async fn take_watch(caller: &Caller, server: Id) -> Result<bool> {
    take(caller, server, WATCH).await
}

/// Keeps all mailboxes that this process waits for mail in, and gives which they are.
///
/// # Errors
/// When the database fails.
pub async fn renew_watches(caller: &Caller) -> Result<BTreeSet<Id>> {
    renew(caller, WATCH).await
}

/// Leaves a mailbox to others.
///
/// # Errors
/// When the database fails.
pub async fn end_watch(caller: &Caller, server: Id) -> Result<()> {
    give_back(caller, server, WATCH).await
}

async fn take(caller: &Caller, server: Id, purpose: &str) -> Result<bool> {
    let env = caller.begin(Intent::Write).await?;
    let taken = async {
        let mut sql = env.sql(
            "INSERT INTO postern_mailbox_lease (fetchmail_server_id, purpose, holder, expires_at) VALUES (",
        );
        sql.bind(server).push(", ").bind(purpose).push(", ");
        sql.bind(env.backend().instance()).push(", ");
        sql.bind(env.now() + HELD);
        sql.push(") ON CONFLICT (fetchmail_server_id, purpose) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at \
             WHERE postern_mailbox_lease.holder = excluded.holder OR postern_mailbox_lease.expires_at < ");
        sql.bind(env.now());
        Ok(env.execute(sql).await?.rows_affected() > 0)
    }
    .await;
    match journal::finish(env, taken).await {
        // Another process has taken it in the same instant.
        Err(error) if error.is_retryable() => Ok(false),
        taken => taken,
    }
}

async fn renew(caller: &Caller, purpose: &str) -> Result<BTreeSet<Id>> {
    let env = caller.begin(Intent::Write).await?;
    let renewed = async {
        let mut sql = env.sql("UPDATE postern_mailbox_lease SET expires_at = ");
        sql.bind(env.now() + HELD);
        sql.push(" WHERE purpose = ").bind(purpose);
        sql.push(" AND holder = ").bind(env.backend().instance());
        sql.push(" RETURNING fetchmail_server_id");
        search::collect_ids(&env, sql).await
    }
    .await;
    Ok(journal::finish(env, renewed).await?.into_iter().collect())
}

async fn give_back(caller: &Caller, server: Id, purpose: &str) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql("DELETE FROM postern_mailbox_lease WHERE fetchmail_server_id = ");
    sql.bind(server).push(" AND purpose = ").bind(purpose);
    sql.push(" AND holder = ").bind(env.backend().instance());
    let given = env.execute(sql).await.map(drop);
    journal::finish(env, given).await
}
