//! What is kept of attempts once they are over: the story of mails that did not go out at once, and when each server took
//! a mail last. Both are written with the fates, by one statement for all of them.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::settle::{Fate, Settlement};
use crate::env::Env;
use crate::error::Result;
use crate::value::Id;

/// When a server took a mail last is written this often at most by a process, so that its row is no place where all
/// replicas meet with every commit.
const EVERY: Duration = Duration::from_secs(10);

/// When the last success of each server was written by this process.
#[derive(Debug, Default)]
pub struct Successes(Mutex<HashMap<Id, Instant>>);

impl Successes {
    /// Those of the servers whose turn it is.
    fn due(&self, servers: BTreeSet<Id>) -> Vec<Id> {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        servers
            .into_iter()
            .filter(|server| {
                let is_due = written.get(server).is_none_or(|at| at.elapsed() >= EVERY);
                if is_due {
                    written.insert(*server, Instant::now());
                }
                is_due
            })
            .collect()
    }

    /// It was not written after all.
    fn forget(&self, servers: &[Id]) {
        let mut written = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        written.retain(|server, _| !servers.contains(server));
    }
}

/// Writes down what is kept of these settlements, as far as they were settled.
///
/// # Errors
/// When the database fails.
pub async fn write(env: &Env, settlements: &[&Settlement], settled: &HashSet<Id>) -> Result<()> {
    let of_settled = settlements.iter().filter(|one| settled.contains(&one.mail));
    let told: Vec<&Settlement> = of_settled
        .clone()
        .filter(|one| is_told(one))
        .copied()
        .collect();
    if !told.is_empty() {
        write_attempts(env, &told).await?;
    }
    let servers = of_settled
        .filter(|one| one.fate == Fate::Sent)
        .filter_map(|one| one.server.filter(|server| *server > 0))
        .collect();
    let successes = env.backend().outbox().successes();
    let due = successes.due(servers);
    if due.is_empty() {
        return Ok(());
    }
    let outcome = write_successes(env, &due).await;
    if outcome.is_err() {
        successes.forget(&due);
    }
    outcome
}

/// Whether an attempt is part of the story: all but the one that succeeds at once, of which the mail's state tells, and
/// pauses that a server asked for. A mail that is deleted takes its story with it.
fn is_told(settlement: &Settlement) -> bool {
    match &settlement.fate {
        Fate::Sent => settlement.has_history && !settlement.delete,
        Fate::Later { attempted, .. } => *attempted,
        Fate::Failed { .. } | Fate::Doubt { .. } => !settlement.delete,
    }
}

async fn write_attempts(env: &Env, settlements: &[&Settlement]) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO postern_mail_attempt (mail_id, attempted_at, mail_server_id, server, outcome, code, reason, next_attempt) VALUES ",
    );
    for (nth, one) in settlements.iter().enumerate() {
        let (outcome, reason, next) = match &one.fate {
            Fate::Sent => ("sent", None, None),
            // When it is tried again stands beside.
            Fate::Later { reason, at, .. } => {
                let reason = reason.part("reason").unwrap_or_else(|| reason.clone());
                ("later", Some(reason), Some(*at))
            }
            Fate::Failed { reason, .. } => ("failed", Some(reason.clone()), None),
            Fate::Doubt { reason, .. } => ("doubt", Some(reason.clone()), None),
        };
        sql.push(if nth == 0 { "(" } else { ", (" }).bind(one.mail);
        sql.push(", ").bind(env.now());
        sql.push(", ").bind(one.server);
        sql.push(", (SELECT name FROM ir_mail_server WHERE id = ")
            .bind(one.server);
        sql.push("), ").bind(outcome);
        sql.push(", ").bind(one.code);
        sql.push(", ").bind(reason.map(|reason| reason.stored()));
        sql.push(", ").bind(next);
        sql.push(")");
    }
    env.execute(sql).await.map(|_| ())
}

async fn write_successes(env: &Env, servers: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO postern_mail_server_success (mail_server_id, last_success) SELECT s.id, ",
    );
    sql.bind(env.now())
        .push(" FROM ir_mail_server s WHERE s.id");
    crate::dialect::in_ids(&mut sql, servers);
    sql.push(
        " ON CONFLICT (mail_server_id) DO UPDATE SET last_success = excluded.last_success \
         WHERE postern_mail_server_success.last_success < excluded.last_success",
    );
    env.execute(sql).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_success_is_written_now_and_then_and_again_if_that_failed() {
        let successes = Successes::default();
        let of = |ids: &[Id]| ids.iter().copied().collect::<BTreeSet<Id>>();
        assert_eq!(successes.due(of(&[1, 2])), [1, 2]);
        assert_eq!(successes.due(of(&[1, 3])), [3]);
        successes.forget(&[1]);
        assert_eq!(successes.due(of(&[1, 2, 3])), [1]);
    }
}
