//! From claimed mails to deliveries under way: read, choose, keep within budgets, start.

use std::collections::HashMap;
use std::iter::Peekable;
use std::sync::Arc;

use chrono::{NaiveDateTime, TimeDelta};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use words::Text;

use super::budget::{self, Budgets};
use super::choose::Directory;
use super::claim::Claimed;
use super::deliver::{self, Desk, Job, Wish};
use super::journal::{Note, Noted};
use super::lane::Lane;
use super::letters::{self, Draft};
use super::retry;
use super::settings::Settings;
use super::settle::{Fate, Settlement};
use super::verdict::Ending;
use crate::backend::Backend;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::Result;
use crate::retry::in_work;
use crate::value::{Id, Ids};

/// How many bytes of mails are read at once.
const TOGETHER: usize = 4 * 1024 * 1024;
/// How long a mail waits for a server that has more than it manages.
const CONGESTED: TimeDelta = TimeDelta::seconds(5);
/// The longest that a mail waits for its turn before it is looked at again, in case the budget grew.
const LONGEST_TURN: TimeDelta = TimeDelta::minutes(10);

/// What became of one mail, for whoever asked for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It went out.
    Sent,
    /// It did not; the reason.
    Failed(Text),
    /// The server hung up in the middle; the reason.
    HungUp(Text),
    /// It waits for its turn, or somebody else has it.
    Waiting,
}

/// A mail ready to go, with the memory that it takes.
pub struct Ready {
    /// What is to be done.
    pub job: Job,
    /// The sessions with its server.
    pub lane: Arc<Lane>,
    /// What the recipients count against the budget of a day.
    recipients: u32,
    memory: OwnedSemaphorePermit,
}

/// Claimed mails that are still to be read.
pub struct Parts(Peekable<std::vec::IntoIter<Claimed>>);

impl Parts {
    /// All of them.
    pub fn of(claimed: Vec<Claimed>) -> Parts {
        Parts(claimed.into_iter().peekable())
    }

    fn next(&mut self) -> Option<Vec<Claimed>> {
        let first = self.0.next()?;
        let mut size = first.size;
        let mut part = vec![first];
        while let Some(next) = self
            .0
            .next_if(|next| size.saturating_add(next.size) <= TOGETHER)
        {
            size = size.saturating_add(next.size);
            part.push(next);
        }
        Some(part)
    }
}

/// One look at the queue: how it works at the moment, and who does it.
pub struct Dispatch {
    backend: Arc<Backend>,
    caller: Caller,
    settings: Settings,
    wish: Wish,
}

impl Dispatch {
    /// A look with these settings.
    pub fn new(backend: &Arc<Backend>, settings: Settings, wish: Wish) -> Dispatch {
        Dispatch {
            backend: Arc::clone(backend),
            caller: Caller::superuser(Arc::clone(backend)),
            settings,
            wish,
        }
    }

    /// Reads the next part of the claimed mails, as large as the memory for it allows, and chooses
    /// their servers. What cannot go now is given back or settled; the rest is given out, in order.
    /// `None` when there are no more.
    ///
    /// # Errors
    /// When the database fails. Then what was not given out comes back when its claim ends.
    pub async fn next(&self, parts: &mut Parts) -> Result<Option<Vec<Ready>>> {
        let Some(part) = parts.next() else {
            return Ok(None);
        };
        let engine = self.backend.outbox();
        let mut memory = Vec::with_capacity(part.len());
        for claimed in &part {
            memory.extend(engine.memory(claimed.size).await);
        }
        self.read(part, memory).await.map(Some)
    }

    async fn read(
        &self,
        claimed: Vec<Claimed>,
        memory: Vec<OwnedSemaphorePermit>,
    ) -> Result<Vec<Ready>> {
        let ids: Ids = claimed.iter().map(|claimed| claimed.mail).collect();
        let env = self.caller.begin(Intent::Read).await?;
        let directory = Directory::load(&env).await?;
        let found = letters::read_only(&env, &directory, &ids).await?;
        let budgets = Budgets::load(&env).await?;
        let now = env.now();
        env.end_reading();
        let drafts = match found {
            Some(drafts) => drafts,
            // Some have files that go as links, which open only once their tokens are committed.
            None => in_work!(self.caller, |env| {
                letters::read_many(env, &directory, &ids).await
            })?,
        };
        let directory = Arc::new(directory);
        let mut waiting: HashMap<Id, _> = claimed
            .into_iter()
            .zip(memory)
            .map(|(claimed, memory)| (claimed.mail, (claimed, memory)))
            .collect();
        let mut ready = Vec::with_capacity(waiting.len());
        let groups = letters::split(drafts, &directory);
        let mails = groups.into_iter().flat_map(|group| {
            let choice = group.choice.map_err(|error| error.text());
            group
                .drafts
                .into_iter()
                .map(move |draft| (draft, choice.clone()))
        });
        // What is not among the drafts was deleted in this moment.
        for (draft, choice) in mails {
            let Some((claimed, memory)) = waiting.remove(&draft.id()) else {
                continue;
            };
            let choice = match draft.unreadable.clone().map_or(choice, Err) {
                Ok(choice) => choice,
                Err(reason) => {
                    self.refuse(&claimed, reason, now).await;
                    continue;
                }
            };
            let server = choice.carrier.id().unwrap_or_default();
            let authentication = choice
                .carrier
                .server()
                .map(|server| server.smtp_authentication.as_str())
                .unwrap_or_default();
            let lane = self
                .backend
                .outbox()
                .lane(server, budgets.of(server, authentication));
            // Somebody who asked is told what the server says now, unless it asked for the pause.
            let rest = match budgets.paused_until(server) {
                Some(until) => Some(until),
                None if self.wish == Wish::Due => lane.resting(now).map(|(until, _)| until),
                None => None,
            };
            if let Some(until) = rest {
                let until = until + retry::jittered(std::time::Duration::from_secs(2));
                self.hold(claimed.mail, until, server).await;
                continue;
            }
            ready.push(Ready {
                recipients: recipients(&draft),
                job: Job {
                    claimed,
                    draft,
                    choice,
                    directory: Arc::clone(&directory),
                    wish: self.wish,
                },
                lane,
                memory,
            });
        }
        self.within_budgets(ready, now).await
    }

    /// Takes room in the budgets of servers that have one; what finds none waits for its turn.
    async fn within_budgets(&self, ready: Vec<Ready>, now: NaiveDateTime) -> Result<Vec<Ready>> {
        let mut wanted: HashMap<Id, Vec<u32>> = HashMap::new();
        for one in ready.iter().filter(|one| one.lane.budget().counts()) {
            let server = one.lane.server();
            wanted.entry(server).or_default().push(one.recipients);
        }
        let mut grants = HashMap::new();
        for (server, recipients) in wanted {
            let Some(one) = ready.iter().find(|one| one.lane.server() == server) else {
                continue;
            };
            let budget = one.lane.budget();
            let grant = budget::take(&self.caller, server, budget, &recipients).await?;
            grants.insert(server, (grant, 0_usize));
        }
        let mut going = Vec::with_capacity(ready.len());
        for one in ready {
            let server = one.lane.server();
            let Some((grant, seen)) = grants.get_mut(&server) else {
                going.push(one);
                continue;
            };
            *seen += 1;
            if *seen <= grant.granted {
                going.push(one);
                continue;
            }
            // Whoever is further behind is looked at later.
            let behind = i64::try_from(*seen - grant.granted - 1).unwrap_or(i64::MAX);
            let per_minute = i64::from(one.lane.budget().messages_per_minute.max(1));
            let turn = TimeDelta::try_seconds(behind / per_minute * 60).unwrap_or(LONGEST_TURN);
            let until = grant.next.unwrap_or(now) + turn.min(LONGEST_TURN);
            self.hold(one.job.claimed.mail, until, server).await;
        }
        Ok(going)
    }

    /// Starts deliveries that nobody waits for. Mails of a server that has more than it manages go
    /// back to the queue.
    pub async fn start(&self, ready: Vec<Ready>, stop: &CancellationToken) {
        for one in ready {
            let Some(room) = one.lane.room().await else {
                let until = self.backend.now() + CONGESTED;
                self.hold(one.job.claimed.mail, until, one.lane.server())
                    .await;
                continue;
            };
            let this = Dispatch::new(&self.backend, self.settings, self.wish);
            let stop = stop.clone();
            let task = async move {
                this.deliver(one, &stop).await;
                drop(room);
            };
            let tracked = self.backend.outbox().deliveries().track_future(task);
            self.backend.spawn(tracked);
        }
    }

    /// Delivers one mail as soon as it is its turn, and writes its fate down.
    pub async fn deliver(&self, ready: Ready, stop: &CancellationToken) -> Told {
        let Ready {
            mut job,
            lane,
            memory,
            ..
        } = ready;
        let mail = job.claimed.mail;
        // Until its fate is written down.
        let held = job.claimed.held.take();
        let turn = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            turn = lane.turn() => turn,
        };
        let Some(turn) = turn else {
            self.hold(mail, self.backend.now(), lane.server()).await;
            return Told::Waiting;
        };
        let desk = Desk {
            caller: &self.caller,
            journal: self.backend.outbox().journal(&self.backend),
            settings: &self.settings,
        };
        let ending = deliver::deliver(&desk, &lane, job).await;
        // The next mail need not wait until this one's fate is written.
        drop(turn);
        drop(memory);
        let told = match ending {
            Ending::Settle {
                settlement,
                hung_up,
            } => self.settle(*settlement, hung_up).await,
            Ending::Hold(until) => {
                self.hold(mail, until, lane.server()).await;
                Told::Waiting
            }
            Ending::Lost => Told::Waiting,
        };
        drop(held);
        told
    }

    async fn settle(&self, settlement: Settlement, hung_up: bool) -> Told {
        let journal = self.backend.outbox().journal(&self.backend);
        let mail = settlement.mail;
        let note = || Note::Settled(settlement.clone());
        if let Noted::Failed(reason) =
            deliver::persist(journal, mail, note, self.wish != Wish::Due).await
        {
            tracing::error!(mail, %reason, "the fate of a mail could not be written down");
        }
        match settlement.fate {
            Fate::Sent => Told::Sent,
            Fate::Failed { reason, .. }
            | Fate::Doubt { reason, .. }
            | Fate::Later { reason, .. }
                if hung_up =>
            {
                Told::HungUp(reason)
            }
            // A server that asks for a pause is no failure of the mail.
            Fate::Later {
                attempted: false, ..
            } => Told::Waiting,
            Fate::Failed { reason, .. }
            | Fate::Doubt { reason, .. }
            | Fate::Later { reason, .. } => Told::Failed(reason),
        }
    }

    /// There is no way to send the mail as things stand; that may change.
    async fn refuse(&self, claimed: &Claimed, reason: Text, now: NaiveDateTime) {
        let attempt = claimed.attempts.saturating_add(1);
        let at = now + retry::pause(self.settings.retry, attempt);
        let fate = Fate::Later {
            failure_type: None,
            reason: retry::with_next_attempt(reason, at, attempt),
            at,
            server: None,
            attempted: true,
            shown: self.wish != Wish::Due,
        };
        let settlement = Settlement {
            mail: claimed.mail,
            fate,
            code: None,
            people: Vec::new(),
            accepted: None,
            delete: false,
            has_history: claimed.has_history,
            server: None,
        };
        self.settle(settlement, false).await;
    }

    /// Gives a mail back to the queue.
    pub async fn hold(&self, mail: Id, until: NaiveDateTime, server: Id) {
        let journal = self.backend.outbox().journal(&self.backend);
        let note = Note::Held {
            until,
            server: Some(server),
        };
        if let Noted::Failed(reason) = journal.note(mail, note, self.wish != Wish::Due).await {
            tracing::warn!(mail, %reason, "a mail could not be given back to the queue yet");
            self.backend.outbox().note_lost();
            self.backend.outbox_signal().look();
        }
    }
}

/// How many recipients a mail has, for the budget of a day.
fn recipients(draft: &Draft) -> u32 {
    let addressed = draft.addressed();
    let all: usize = addressed.iter().map(|letter| letter.judged.len()).sum();
    u32::try_from(all).unwrap_or(u32::MAX)
}
