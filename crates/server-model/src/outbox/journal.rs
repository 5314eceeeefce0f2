//! The journal in `postern_outbox`: how far each mail came, written for many mails in one transaction.
//!
//! Every note waits until it is committed, and all notes that come in while the one before is being
//! committed share the next commit. Fates are written beside the other notes, for which sessions
//! wait. Notes are fenced: they hold only while the mail is this process's.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use chrono::NaiveDateTime;
use tokio::sync::{mpsc, oneshot};

use super::settle::{self, Settlement};
use crate::backend::Backend;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::home::fence;
use crate::orm::search;
use crate::retry::in_work;
use crate::value::{Id, Ids};

/// The most notes that share a commit.
const TOGETHER: usize = 256;
/// While mails go out one after the other, more notes are waited for, so that they share a commit: so
/// many are enough, and this long is no loss.
#[derive(Clone, Copy)]
struct Gathering {
    enough: usize,
    wait: Duration,
    /// Also where they come in densely.
    always: bool,
}
/// A session waits for these.
const STEPS: Gathering = Gathering {
    enough: 5,
    wait: Duration::from_millis(5),
    always: false,
};
/// Nobody waits for these.
const FATES: Gathering = Gathering {
    enough: TOGETHER,
    wait: Duration::from_millis(20),
    always: true,
};
/// Mails go out one after the other when the last commit was this short a time ago.
const BUSY: Duration = Duration::from_millis(50);
/// Where more notes than this come in a second, they share commits without being waited for.
const DENSE: f64 = 1000.0;

/// How many notes come in a second, counted anew all the time.
struct Rate {
    since: Instant,
    count: f64,
    per_second: f64,
}

impl Rate {
    fn new() -> Rate {
        Rate {
            since: Instant::now(),
            count: 0.0,
            per_second: 0.0,
        }
    }

    fn add(&mut self, notes: usize) {
        self.count += notes as f64;
        let elapsed = self.since.elapsed();
        if elapsed >= BUSY {
            *self = Rate {
                per_second: self.count / elapsed.as_secs_f64(),
                ..Rate::new()
            };
        }
    }
}

/// What is noted of a mail.
#[derive(Debug)]
pub enum Note {
    /// The text of a letter is about to be handed over.
    Handing {
        /// Which one, counted from one.
        letter: i32,
        /// To which server; 0 for that of the configuration.
        server: Id,
    },
    /// The letter that was being handed over is: a line for each letter and address that a server
    /// took the mail for so far.
    Accepted(String),
    /// What became of it.
    Settled(Settlement),
    /// It goes back to the queue untried, until the moment given. Nothing of it is being handed over,
    /// whatever was noted.
    Held {
        /// When it is looked at again.
        until: NaiveDateTime,
        /// The server it waits for; 0 for that of the configuration.
        server: Option<Id>,
    },
}

/// What a note came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is written.
    Yes,
    /// Another process has the mail now, or it is gone; this one must leave it alone.
    Lost,
    /// The database could not write it, for this reason. Nothing was written.
    Failed(String),
}

struct Request {
    mail: Id,
    note: Note,
    /// Somebody called for the mail to be sent, and waits.
    is_urgent: bool,
    answer: oneshot::Sender<Noted>,
}

/// Where notes are handed in.
pub struct Journal {
    steps: mpsc::UnboundedSender<Request>,
    fates: mpsc::UnboundedSender<Request>,
}

impl Journal {
    /// Starts the writers. They end with the backend.
    pub fn start(backend: &Arc<Backend>) -> Journal {
        let writer = |gathering| {
            let (requests, incoming) = mpsc::unbounded_channel();
            backend.spawn(write_all(Arc::downgrade(backend), incoming, gathering));
            requests
        };
        Journal {
            steps: writer(STEPS),
            fates: writer(FATES),
        }
    }

    /// Hands a note in and waits until it is committed; without delay if somebody waits for the mail.
    pub async fn note(&self, mail: Id, note: Note, is_urgent: bool) -> Noted {
        let (answer, written) = oneshot::channel();
        let writer = match note {
            Note::Settled(_) => &self.fates,
            _ => &self.steps,
        };
        let request = Request {
            mail,
            note,
            is_urgent,
            answer,
        };
        if writer.send(request).is_err() {
            return Noted::Failed("the program is shutting down".into());
        }
        written
            .await
            .unwrap_or_else(|_| Noted::Failed("the program is shutting down".into()))
    }
}

async fn write_all(
    backend: Weak<Backend>,
    mut incoming: mpsc::UnboundedReceiver<Request>,
    gathering: Gathering,
) {
    let mut requests = Vec::with_capacity(TOGETHER);
    let mut last: Option<Instant> = None;
    let mut rate = Rate::new();
    while incoming.recv_many(&mut requests, TOGETHER).await > 0 {
        if requests.len() < gathering.enough
            && (gathering.always || rate.per_second < DENSE)
            && last.is_some_and(|last| last.elapsed() < BUSY)
            && !requests.iter().any(|request| request.is_urgent)
        {
            tokio::time::sleep(gathering.wait).await;
            while requests.len() < TOGETHER
                && let Ok(request) = incoming.try_recv()
            {
                requests.push(request);
            }
        }
        let Some(backend) = backend.upgrade() else {
            return;
        };
        let caller = Caller::superuser(backend);
        rate.add(requests.len());
        write_together(&caller, std::mem::take(&mut requests)).await;
        last = Some(Instant::now());
    }
}

async fn write_together(caller: &Caller, requests: Vec<Request>) {
    let failure = match write(caller, &requests).await {
        Ok(held) => return answer(requests, &held),
        Err(error) => error,
    };
    if requests.len() == 1 || (failure.is_outage() && !failure.is_retryable()) {
        let reason = failure.to_string();
        for request in requests {
            let _ = request.answer.send(Noted::Failed(reason.clone()));
        }
        return;
    }
    // One note that the database refuses must not take the others with it.
    for request in requests {
        let alone = [request];
        let outcome = write(caller, &alone).await;
        let [request] = alone;
        match outcome {
            Ok(held) => answer(vec![request], &held),
            Err(error) => {
                let reason = error.to_string();
                let _ = request.answer.send(Noted::Failed(reason));
            }
        }
    }
}

fn answer(requests: Vec<Request>, held: &HashSet<Id>) {
    for request in requests {
        let is_held = held.contains(&request.mail);
        if let (Note::Settled(settlement), true) = (&request.note, is_held) {
            settle::log(settlement);
        }
        // Whoever asked may have given up; the note holds all the same.
        let _ = request
            .answer
            .send(if is_held { Noted::Yes } else { Noted::Lost });
    }
}

/// Writes the notes in one transaction and gives the mails that were still this process's. A mail
/// has at most one note in it: the next is only handed in when the one before was answered.
async fn write(caller: &Caller, requests: &[Request]) -> Result<HashSet<Id>> {
    in_work!(caller, |env| {
        let mut held = HashSet::with_capacity(requests.len());
        let settlements: Vec<&Settlement> = requests
            .iter()
            .filter_map(|request| match &request.note {
                Note::Settled(settlement) => Some(settlement),
                _ => None,
            })
            .collect();
        if !settlements.is_empty() {
            held.extend(settle::write(env, &settlements).await?);
        }
        held.extend(write_handing(env, requests).await?);
        held.extend(write_held(env, requests).await?);
        for request in requests {
            if let Note::Accepted(lines) = &request.note
                && write_accepted(env, request.mail, lines).await?
            {
                held.insert(request.mail);
            }
        }
        Ok(held)
    })
}

async fn write_handing(env: &Env, requests: &[Request]) -> Result<Ids> {
    let mut by_letter: BTreeMap<(i32, Id), Ids> = BTreeMap::new();
    for request in requests {
        if let Note::Handing { letter, server } = request.note {
            by_letter
                .entry((letter, server))
                .or_default()
                .push(request.mail);
        }
    }
    let mut held = Vec::new();
    for ((letter, server), ids) in by_letter {
        let ids = fence::take(env, ids).await?;
        let mut sql = env.sql("UPDATE postern_outbox SET handing = ");
        sql.bind(letter).push(", mail_server_id = ").bind(server);
        sql.push(" WHERE mail_id");
        dialect::in_ids(&mut sql, &ids);
        sql.push(" AND claimed_by = ")
            .bind(env.backend().instance());
        // In the last instant before it is out of our hands: whoever cancelled it is heard.
        sql.push(" AND EXISTS (SELECT 1 FROM mail_mail m WHERE m.id = postern_outbox.mail_id AND m.state IN ('outgoing', 'exception')) RETURNING mail_id");
        held.extend(search::collect_ids(env, sql).await?);
    }
    Ok(held)
}

async fn write_accepted(env: &Env, mail: Id, lines: &str) -> Result<bool> {
    let mut sql = env.sql("UPDATE postern_outbox SET handing = NULL, accepted = ");
    sql.bind(lines).push(" WHERE mail_id = ").bind(mail);
    sql.push(" AND claimed_by = ")
        .bind(env.backend().instance());
    Ok(env.execute(sql).await?.rows_affected() > 0)
}

async fn write_held(env: &Env, requests: &[Request]) -> Result<Ids> {
    let mut by_place: BTreeMap<(NaiveDateTime, Option<Id>), Ids> = BTreeMap::new();
    for request in requests {
        if let Note::Held { until, server } = request.note {
            by_place
                .entry((until, server))
                .or_default()
                .push(request.mail);
        }
    }
    let mut held = Vec::new();
    for ((until, server), ids) in by_place {
        let mut sql = env.sql(
            "UPDATE postern_outbox SET handing = NULL, claimed_by = NULL, lease_until = NULL, next_attempt = ",
        );
        sql.bind(until).push(", mail_server_id = ").bind(server);
        sql.push(" WHERE mail_id");
        dialect::in_ids(&mut sql, &ids);
        sql.push(" AND claimed_by = ")
            .bind(env.backend().instance())
            .push(" RETURNING mail_id");
        let back = search::collect_ids(env, sql).await?;
        fence::give_back(env, &back).await?;
        held.extend(back);
    }
    Ok(held)
}
