//! Many fetched messages are taken in and noted as fetched, in one transaction.
//!
//! What belongs to no record, most of what a mailbox brings, becomes messages by a few statements for
//! all of it. What has to be routed is taken in one by one within the same transaction. If anything
//! fails, the batch is taken back and done again in halves, down to single messages, so that one bad
//! message costs the others only time.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use chrono::NaiveDateTime;
use sha1::{Digest as _, Sha1};

use super::alias::Domains;
use super::journal::{self, Digest, Note, Origin};
use super::known::{Known, Plan};
use super::lease::Lease;
use super::process::{self, Options, Outcome};
use super::received::Opened;
use super::{post, quarantine, store};
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::fetchmail_server::Model as FetchServer;
use crate::models::ir_attachment;
use crate::orm::create;
use crate::registry::entry;
use crate::value::{Id, Map};

/// How often a batch is tried as a whole when other transactions keep winning.
const ATTEMPTS: u32 = 3;

/// A fetched message.
#[derive(Debug)]
pub struct Letter {
    /// Where it was found.
    pub origin: Origin<'static>,
    /// The message as it came.
    pub raw: Vec<u8>,
}

/// What goes along with a batch.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// The right to work on the mailbox. When it is lost, nothing is stored.
    pub lease: &'a Lease,
    /// Messages of the folder that were marked as seen since the last batch.
    pub marked: &'a [i64],
    /// The server has numbered its messages anew, so that they are recognised by their contents.
    pub renumbered: bool,
}

/// Stores the messages, all of one folder, and notes that they were fetched. What cannot be stored
/// goes to the quarantine.
///
/// # Errors
/// When the database is out, or the mailbox became another process's; what was committed before
/// stays, and the rest will be fetched again.
pub async fn store(
    caller: &Caller,
    server: &FetchServer,
    letters: &Arc<Vec<Letter>>,
    around: Circumstances<'_>,
) -> Result<()> {
    let all = 0..letters.len();
    let mut parts: Vec<Range<usize>> = Vec::from([all]);
    let mut attempt = 1;
    while let Some(part) = parts.pop() {
        if part.is_empty() {
            continue;
        }
        match try_store(caller, server, letters, part.clone(), around).await {
            Ok(()) => attempt = 1,
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => {
                attempt += 1;
                parts.push(part);
            }
            Err(error) if around.lease.is_lost() => return Err(error),
            Err(error) if error.is_outage() && !error.is_retryable() => return Err(error),
            Err(_) if part.len() == 1 => {
                attempt = 1;
                let Letter { origin, raw } = &letters[part.start];
                store::store(caller, server, origin, raw, around.renumbered).await?;
            }
            Err(error) => {
                attempt = 1;
                tracing::info!(server = server.id, messages = part.len(), %error, "a batch is stored in halves");
                let middle = part.start + part.len() / 2;
                parts.push(middle..part.end);
                parts.push(part.start..middle);
            }
        }
    }
    Ok(())
}

async fn try_store(
    caller: &Caller,
    server: &FetchServer,
    letters: &Arc<Vec<Letter>>,
    part: Range<usize>,
    around: Circumstances<'_>,
) -> Result<()> {
    let (domains, options) = settings(caller, server).await?;
    let opened = open(letters, part.clone(), &domains, caller.backend().now()).await?;
    let env = caller.begin(Intent::Write).await?;
    let stored = {
        let sudo = env.sudo();
        let mut batch = Batch {
            env: &sudo,
            server,
            letters: &letters[part],
            opened: &opened,
            domains: &domains,
            options: &options,
            made: vec![None; opened.len()],
            waiting: Vec::new(),
            waiting_ids: HashSet::new(),
        };
        batch.store(around).await
    };
    journal::finish(env, stored).await
}

async fn settings(caller: &Caller, server: &FetchServer) -> Result<(Domains, Options)> {
    let env = caller.sudo().begin(Intent::Read).await?;
    let read = async {
        let domains = Domains::load(&env).await?;
        Ok((domains, store::options(&env, Some(server)).await?))
    }
    .await;
    env.end_reading();
    read
}

/// Takes the messages apart on a thread that has nothing else to do.
async fn open(
    letters: &Arc<Vec<Letter>>,
    part: Range<usize>,
    domains: &Domains,
    now: NaiveDateTime,
) -> Result<Vec<(Opened, Digest)>> {
    let letters = Arc::clone(letters);
    let bounce = domains.bounce.clone();
    tokio::task::spawn_blocking(move || {
        letters[part]
            .iter()
            .map(|letter| {
                let opened = Opened::read(&letter.raw, &bounce, now);
                (opened, Sha1::digest(&letter.raw).into())
            })
            .collect()
    })
    .await
    .map_err(|_| Error::Internal("A message could not be taken apart.".into()))
}

/// A batch within its transaction.
struct Batch<'a> {
    env: &'a Env,
    server: &'a FetchServer,
    letters: &'a [Letter],
    opened: &'a [(Opened, Digest)],
    domains: &'a Domains,
    options: &'a Options,
    /// The message that was made of each.
    made: Vec<Option<Id>>,
    /// Mails that become messages of their own with the next statement.
    waiting: Vec<(usize, Map)>,
    waiting_ids: HashSet<String>,
}

impl Batch<'_> {
    async fn store(&mut self, around: Circumstances<'_>) -> Result<()> {
        around.lease.check(self.env).await?;
        let Some(first) = self.letters.first() else {
            return Ok(());
        };
        journal::note_marked(self.env, self.server.id, &first.origin, around.marked).await?;
        let recognised = if around.renumbered {
            let digests: Vec<Digest> = self.opened.iter().map(|(_, digest)| *digest).collect();
            journal::recognised(self.env, self.server.id, &digests).await?
        } else {
            std::collections::HashMap::new()
        };
        let mails: Vec<&Opened> = self.opened.iter().map(|(mail, _)| mail).collect();
        let mut known = Known::look_up(self.env, &mails).await?;
        for (place, (mail, digest)) in self.opened.iter().enumerate() {
            if let Some(message) = recognised.get(digest) {
                self.made[place] = *message;
                continue;
            }
            self.take_in(place, mail, &mut known).await?;
        }
        self.flush(&mut known).await?;
        self.note().await
    }

    async fn take_in(&mut self, place: usize, mail: &Opened, known: &mut Known) -> Result<()> {
        let mut plan = self.plan(mail, known);
        if matches!(plan, Plan::AfterThose) {
            self.flush(known).await?;
            plan = self.plan(mail, known);
        }
        match plan {
            Plan::Nothing => {
                tracing::info!(
                    message_id = mail.parsed.message_id,
                    "a mail that is here already, or that answers a refusal, was left out"
                );
            }
            Plan::Alone(values) => {
                self.waiting_ids.extend(mail.parsed.message_id.clone());
                self.waiting.push((place, values));
            }
            Plan::AfterThose | Plan::Route => {
                // In the order in which they came: an answer finds what it answers.
                self.flush(known).await?;
                let raw = &self.letters[place].raw;
                let taken =
                    process::opened_within(self.env, raw, mail.clone(), self.domains, self.options);
                let outcome = taken.await.map_err(|failure| failure.error)?;
                if let Outcome::Posted(posted) = outcome {
                    self.made[place] = Some(posted.message);
                }
                known.touched(mail);
            }
        }
        Ok(())
    }

    fn plan(&self, mail: &Opened, known: &Known) -> Plan {
        let options = self.options;
        if options.fallback.is_some() || options.handoff.is_some() || known.is_touched(mail) {
            return Plan::Route;
        }
        known.plan(self.env, mail, self.domains, &self.waiting_ids)
    }

    /// Makes the messages that wait, with their files.
    async fn flush(&mut self, known: &mut Known) -> Result<()> {
        let (places, values): (Vec<usize>, Vec<Map>) = self.waiting.drain(..).unzip();
        self.waiting_ids.clear();
        if places.is_empty() {
            return Ok(());
        }
        let ids = create::records(self.env, entry(post::MESSAGE)?, values).await?;
        let mut files = Vec::new();
        let mut of_message = Vec::new();
        for (place, id) in places.into_iter().zip(ids) {
            let (mail, _) = &self.opened[place];
            self.made[place] = Some(id);
            known.stored(mail, id);
            for file in post::files(&self.letters[place].raw, &mail.parsed, self.options) {
                files.push((file, post::MESSAGE, 0));
                of_message.push(id);
            }
        }
        if files.is_empty() {
            return Ok(());
        }
        let files = ir_attachment::store_files(self.env, files).await?;
        ir_attachment::link(self.env, of_message.into_iter().zip(files).collect()).await
    }

    /// Notes what was fetched, and that earlier failures to fetch it do not matter any more.
    async fn note(&self) -> Result<()> {
        let origins: Vec<Origin<'static>> =
            self.letters.iter().map(|letter| letter.origin).collect();
        let notes: Vec<Note> = origins
            .iter()
            .zip(self.opened)
            .zip(&self.made)
            .map(|((origin, (_, digest)), message)| Note {
                origin: *origin,
                digest: Some(*digest),
                message: *message,
            })
            .collect();
        if !journal::note_all(self.env, self.server.id, &notes).await? {
            return Err(Error::Internal(
                "A message of the batch was fetched by somebody else in the meantime.".into(),
            ));
        }
        quarantine::forget_all(self.env, self.server.id, &origins).await
    }
}
