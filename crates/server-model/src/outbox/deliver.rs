//! One claimed mail on its way: compose, take a session, hand over letter by letter, and what that came to.

use std::time::Duration;

use chrono::NaiveDateTime;
use mail::smtp::Envelope;
use mail::transport_error::TransportError;

use std::sync::Arc;

use super::choose::{Choice, Directory};
use super::claim::{Accepted, Claimed};
use super::journal::{Journal, Note, Noted};
use super::lane::{Lane, NoSession, Session};
use super::letters::{self, Draft, Letter};
use super::refusal::Refusal;
use super::retry::{self, Kind, Problem};
use super::settings::Settings;
use super::settle::{Fate, Settlement, Told};
use crate::env::Caller;
use crate::value::Id;

/// Who wants the mail to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Nobody in particular: it was due.
    Due,
    /// Somebody called `send` and waits.
    Send,
    /// Somebody called `process_email_queue` and waits.
    Queue,
}

/// A mail with all that is needed to send it.
pub struct Job {
    /// How far it came before.
    pub claimed: Claimed,
    /// What is to be sent.
    pub draft: Draft,
    /// The server and the sender.
    pub choice: Choice,
    /// What was known of servers and senders when it was chosen.
    pub directory: Arc<Directory>,
    /// Who wants it.
    pub wish: Wish,
}

/// How an attempt ended.
#[derive(Debug)]
pub enum Ending {
    /// Its fate is known, and is to be written down.
    Settle {
        /// The fate.
        settlement: Box<Settlement>,
        /// The server hung up in the middle: what Odoo lets through to whoever called.
        hung_up: bool,
    },
    /// It goes back to the queue, untried, until this moment.
    Hold(NaiveDateTime),
    /// Another process has it now.
    Lost,
}

/// The parts of this process that deliveries share.
pub struct Desk<'a> {
    /// Who writes the journal.
    pub caller: &'a Caller,
    /// The journal.
    pub journal: &'a Journal,
    /// How the queue works.
    pub settings: &'a Settings,
}

/// Sends the letters of a mail. One that is refused does not stop the others.
pub async fn deliver(desk: &Desk<'_>, lane: &Lane, job: Job) -> Ending {
    let now = desk.caller.backend().now();
    let letters = letters::compose_all(&job.draft, &job.directory, &job.choice, now.and_utc());
    let mut course = Course {
        desk,
        lane,
        accepted: job.claimed.accepted.clone(),
        letter_count: letters.len(),
        results: Vec::with_capacity(letters.len()),
        problem: None,
        unwritable: None,
        job: &job,
    };
    if letters.iter().all(|letter| letter.outcome.is_err()) {
        // Nothing to hand over, so no session is needed to say so.
        for letter in &letters {
            if let Err(refusal) = &letter.outcome {
                course.note_unwritten(letter, refusal);
            }
        }
        return course.ending();
    }
    match course.session().await {
        Ok(session) => course.hand_over_all(session, &letters).await,
        Err(ending) => ending,
    }
}

/// What became of one letter.
struct Outcome {
    contact: Option<Id>,
    failure: Option<(&'static str, String)>,
}

struct Course<'a> {
    desk: &'a Desk<'a>,
    lane: &'a Lane,
    job: &'a Job,
    accepted: Accepted,
    letter_count: usize,
    results: Vec<Outcome>,
    /// The worst thing that happened on the way.
    problem: Option<Problem>,
    /// What is wrong with the mail itself.
    unwritable: Option<Refusal>,
}

/// What one step came to.
enum Step {
    /// On to the next letter, over the same session.
    Next,
    /// The session is worth nothing any more, and what was to be handed over was not.
    Broken(Problem),
    /// The attempt ends here.
    End(Ending),
}

impl Course<'_> {
    async fn session(&mut self) -> Result<Session, Ending> {
        let caller = self.desk.caller;
        let asked = self.job.wish != Wish::Due;
        let lease = self.desk.settings.lease;
        let carrier = &self.job.choice.carrier;
        match self.lane.session(caller, carrier, lease, asked).await {
            Ok(session) => Ok(session),
            Err(NoSession::Problem(problem)) => {
                self.problem = Some(problem);
                Err(self.throttled_or_ended().await)
            }
            Err(NoSession::Resting(until) | NoSession::Busy(until)) => Err(Ending::Hold(until)),
            Err(NoSession::Outage(reason)) => {
                tracing::warn!(mail = self.job.claimed.mail, %reason, "the database is out; a mail stays in the queue");
                Err(Ending::Hold(caller.backend().now()))
            }
        }
    }

    async fn hand_over_all(mut self, mut session: Session, letters: &[Letter]) -> Ending {
        let mut letters = letters.iter().zip(1..).peekable();
        while let Some((letter, number)) = letters.peek().copied() {
            match self.hand_over(&mut session, letter, number).await {
                Step::Next => {
                    letters.next();
                }
                // A session that had waited for this mail may have ended meanwhile: that says
                // nothing about the mail, and a new one is tried once.
                Step::Broken(problem)
                    if self.may_replace(&session) && problem.kind != Kind::Permanent =>
                {
                    tracing::debug!(mail = self.job.claimed.mail, reason = %problem.reason, "a kept session was of no use any more");
                    self.lane.close(self.desk.caller, session).await;
                    session = match self.new_session().await {
                        Ok(session) => session,
                        Err(ending) => return ending,
                    };
                }
                Step::Broken(problem) => {
                    self.note_problem(letter, problem);
                    self.lane.close(self.desk.caller, session).await;
                    return self.throttled_or_ended().await;
                }
                Step::End(ending) => {
                    self.put_away(session).await;
                    return ending;
                }
            }
        }
        self.put_away(session).await;
        self.throttled_or_ended().await
    }

    /// Whether a session that broke is replaced at once. One that had been in use a moment ago for
    /// somebody who waits is not: a server that hangs up then is what they are to be told.
    fn may_replace(&self, session: &Session) -> bool {
        session.used && (self.job.wish == Wish::Due || session.waited >= STALE)
    }

    /// A session of now, whatever waits.
    async fn new_session(&mut self) -> Result<Session, Ending> {
        self.lane.tidy(self.desk.caller, true).await;
        let mut session = self.session().await?;
        session.used = false;
        Ok(session)
    }

    async fn put_away(&self, mut session: Session) {
        if session.connection.is_usable() {
            self.lane.keep(session);
        } else {
            self.lane.close(self.desk.caller, session).await;
        }
    }

    async fn hand_over(&mut self, session: &mut Session, letter: &Letter, number: i32) -> Step {
        let composed = match &letter.outcome {
            Ok(composed) => composed,
            Err(refusal) => {
                self.note_unwritten(letter, refusal);
                return Step::Next;
            }
        };
        let missing: Vec<&String> = composed
            .recipients
            .iter()
            .filter(|recipient| !self.accepted.has(letter.contact, recipient))
            .collect();
        if missing.is_empty() {
            self.note_taken(letter);
            return Step::Next;
        }
        let envelope = match Envelope::new(&composed.envelope_from, &missing) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.note_refusal(letter, error.to_string());
                return Step::Next;
            }
        };
        let prepared = match session.connection.prepare(&envelope, &composed.bytes).await {
            Ok(prepared) => prepared,
            Err(error) => return self.refused(session, letter, &error),
        };
        if prepared.is_deliverable() {
            let mail = self.job.claimed.mail;
            let note = Note::Handing {
                letter: number,
                server: self.lane.server(),
            };
            match self.desk.journal.note(mail, note).await {
                Noted::Yes => {}
                Noted::Lost => return Step::End(Ending::Lost),
                Noted::Failed(reason) => {
                    tracing::warn!(mail, %reason, "the journal could not be written, so a mail was not handed over");
                    return Step::End(self.interrupted());
                }
            }
        }
        let delivery = match prepared.data().await {
            Ok(delivery) => delivery,
            Err(error) => return self.refused(session, letter, &error),
        };
        self.lane.works(self.desk.caller).await;
        for recipient in delivery.accepted() {
            self.accepted.add(letter.contact, &recipient.address);
        }
        let refused: Vec<_> = delivery.refused().collect();
        if refused.is_empty() {
            self.note_taken(letter);
        } else {
            let kind = if refused
                .iter()
                .any(|recipient| is_transient(recipient.reply.code))
            {
                Kind::Transient
            } else {
                Kind::Permanent
            };
            let reasons: Vec<String> = refused
                .iter()
                .map(|recipient| format!("{}: {}", recipient.address, recipient.reply))
                .collect();
            self.note_problem(
                letter,
                Problem {
                    kind,
                    reason: reasons.join("\n"),
                    hung_up: false,
                },
            );
        }
        self.note_progress(number).await
    }

    /// Between two letters that is written down by itself; after the last it goes with the fate.
    async fn note_progress(&mut self, number: i32) -> Step {
        let is_last = usize::try_from(number).is_ok_and(|number| number >= self.letter_count);
        if is_last && self.problem.is_none() {
            return Step::Next;
        }
        let mail = self.job.claimed.mail;
        let note = || Note::Accepted(self.accepted.written());
        match persist(self.desk.journal, mail, note).await {
            Noted::Yes => Step::Next,
            Noted::Lost => Step::End(Ending::Lost),
            // The journal says that this letter was being handed over, and that is what is known.
            Noted::Failed(reason) => {
                tracing::error!(mail, %reason, "what a server took could not be written down");
                Step::End(Ending::Lost)
            }
        }
    }

    /// A refusal of the letter, or the end of the session.
    fn refused(&mut self, session: &mut Session, letter: &Letter, error: &TransportError) -> Step {
        let name = self.job.choice.carrier.name();
        let problem = Problem::of(name, error);
        match problem.kind {
            Kind::Permanent | Kind::Transient if session.connection.is_usable() => {
                self.note_problem(letter, problem);
                Step::Next
            }
            Kind::Doubt => {
                self.note_problem(letter, problem);
                Step::End(self.ending())
            }
            _ => Step::Broken(problem),
        }
    }

    fn note_taken(&mut self, letter: &Letter) {
        self.results.push(Outcome {
            contact: letter.contact,
            failure: None,
        });
    }

    fn note_refusal(&mut self, letter: &Letter, reason: String) {
        self.note_problem(
            letter,
            Problem {
                kind: Kind::Permanent,
                reason,
                hung_up: false,
            },
        );
    }

    fn note_problem(&mut self, letter: &Letter, problem: Problem) {
        self.results.push(Outcome {
            contact: letter.contact,
            failure: Some(("unknown", problem.reason.clone())),
        });
        self.problem = Some(match self.problem.take() {
            None => problem,
            Some(before) => worse(before, problem),
        });
    }

    fn note_unwritten(&mut self, letter: &Letter, refusal: &Refusal) {
        self.results.push(Outcome {
            contact: letter.contact,
            failure: Some((refusal.failure_type.as_str(), refusal.reason.clone())),
        });
        // As in Odoo: what is wrong with one recipient's address is no failure of the mail.
        if !refusal.is_of_recipients() && self.unwritable.is_none() {
            self.unwritable = Some(refusal.clone());
        }
    }

    /// The database is out. What was accepted before stands in the journal.
    fn interrupted(&self) -> Ending {
        Ending::Hold(self.desk.caller.backend().now())
    }

    async fn throttled_or_ended(&mut self) -> Ending {
        let throttled = self
            .problem
            .as_ref()
            .filter(|problem| problem.kind == Kind::Throttled)
            .map(|problem| problem.reason.clone());
        let Some(reason) = throttled else {
            return self.ending();
        };
        let until = self.lane.throttle(self.desk.caller).await;
        // Not all at the same moment: the server asked for less.
        let at = until + retry::jittered(Duration::from_secs(4)) + chrono::TimeDelta::seconds(1);
        let reason = format!(
            "{reason} {}",
            retry::next_attempt_sentence(at, self.job.claimed.attempts)
        );
        self.settle(
            Fate::Later {
                failure_type: None,
                reason,
                at,
                server: self.server(),
                attempted: false,
                shown: false,
            },
            false,
        )
    }

    fn server(&self) -> Option<Id> {
        Some(self.lane.server())
    }

    fn ending(&mut self) -> Ending {
        let Some(problem) = self.problem.take() else {
            return self.without_problem();
        };
        let failure_type = match problem.kind {
            Kind::Unreachable => None,
            // As in Odoo, where a server that hangs up is a failure of the whole run.
            _ if problem.hung_up => None,
            _ => Some("unknown"),
        };
        let reason = problem.reason;
        let fate = match problem.kind {
            Kind::Doubt => Fate::Doubt {
                failure_type,
                reason,
            },
            Kind::Permanent => Fate::Failed {
                failure_type,
                reason,
            },
            Kind::Transient | Kind::Unreachable | Kind::Throttled => {
                self.later(failure_type, reason, problem.hung_up)
            }
        };
        self.settle(fate, problem.hung_up)
    }

    fn later(&self, failure_type: Option<&'static str>, reason: String, hung_up: bool) -> Fate {
        let now = self.desk.caller.backend().now();
        let settings = self.desk.settings;
        let claimed = &self.job.claimed;
        let since = claimed.first_attempt.unwrap_or(now);
        let patience = chrono::TimeDelta::from_std(settings.give_up).unwrap_or_default();
        if now - since >= patience && claimed.attempts > 0 {
            return Fate::Failed {
                failure_type,
                reason: format!(
                    "{reason} It was tried {} times since {} UTC and is given up.",
                    claimed.attempts + 1,
                    since.format("%Y-%m-%d %H:%M:%S")
                ),
            };
        }
        let attempt = claimed.attempts.saturating_add(1);
        let mut at = now + retry::pause(settings.retry, attempt);
        if let Some((until, _)) = self.lane.resting(now) {
            at = at.max(until);
        }
        Fate::Later {
            failure_type,
            reason: format!("{reason} {}", retry::next_attempt_sentence(at, attempt)),
            at,
            server: self.server(),
            attempted: true,
            // Whoever called `send` is told by the failure itself that the server hung up.
            shown: match self.job.wish {
                Wish::Due => false,
                Wish::Send => !hung_up,
                Wish::Queue => true,
            },
        }
    }

    /// Everybody who can get the mail got it; whoever has no usable address did not.
    fn without_problem(&mut self) -> Ending {
        let anybody = self.results.iter().any(|outcome| outcome.failure.is_none());
        let failed = self
            .results
            .iter()
            .find_map(|outcome| outcome.failure.clone());
        let fate = match (self.unwritable.take(), failed) {
            (Some(refusal), _) => Fate::Failed {
                failure_type: Some(refusal.failure_type.as_str()),
                reason: refusal.reason,
            },
            (None, Some((_, reason))) if !anybody => Fate::Failed {
                failure_type: None,
                reason,
            },
            (None, None) if !anybody => Fate::Failed {
                failure_type: None,
                reason: NOBODY.into(),
            },
            _ => Fate::Sent,
        };
        self.settle(fate, false)
    }

    fn settle(&self, fate: Fate, hung_up: bool) -> Ending {
        let delete = self.job.draft.mail.auto_delete.unwrap_or(false)
            && match &fate {
                Fate::Sent => true,
                // As in Odoo: nobody can ever get it.
                Fate::Failed { failure_type, .. } => {
                    failure_type.is_none()
                        && self.accepted.is_empty()
                        && self
                            .results
                            .iter()
                            .all(|outcome| matches!(outcome.failure, Some((EMAIL_INVALID, _))))
                }
                _ => false,
            };
        Ending::Settle {
            settlement: Box::new(Settlement {
                mail: self.job.claimed.mail,
                people: self.people(&fate),
                fate,
                delete,
            }),
            hung_up,
        }
    }

    /// Whose notification is to show something else than the fate of the whole.
    fn people(&self, fate: &Fate) -> Vec<Told> {
        if let Fate::Later { shown: false, .. } = fate {
            return Vec::new();
        }
        let whole_failed = *fate != Fate::Sent;
        self.results
            .iter()
            .filter(|outcome| outcome.failure.is_some() || whole_failed)
            .filter_map(|outcome| {
                Some(Told {
                    partner: outcome.contact?,
                    failure: outcome.failure.clone(),
                })
            })
            .collect()
    }
}

/// Tries to write for a while: what happened must not be forgotten for a database that is out for a
/// moment.
pub async fn persist(journal: &Journal, mail: Id, note: impl Fn() -> Note) -> Noted {
    let mut pause = Duration::from_millis(100);
    loop {
        match journal.note(mail, note()).await {
            Noted::Failed(reason) if pause < LONGEST_WRITING_PAUSE => {
                tracing::warn!(mail, %reason, "what became of a mail could not be written down yet");
                tokio::time::sleep(pause).await;
                pause *= 2;
            }
            noted => return noted,
        }
    }
}

/// A session that waited this long for its next mail may have ended meanwhile.
const STALE: Duration = Duration::from_secs(1);
const NOBODY: &str = "The mail has no recipient. Enter an address in \"To\" (email_to), or choose contacts that have one.";
/// The failure type of a recipient without a usable address.
const EMAIL_INVALID: &str = "mail_email_invalid";

/// With doubling pauses from 100 ms on, what happened is tried to be written for about seven minutes.
const LONGEST_WRITING_PAUSE: Duration = Duration::from_secs(300);

fn is_transient(code: Option<u16>) -> bool {
    code.is_some_and(|code| (400..500).contains(&code))
}

/// Of two problems the one that decides: doubt before all, then what can be tried again.
fn worse(one: Problem, other: Problem) -> Problem {
    let rank = |kind| match kind {
        Kind::Doubt => 4,
        Kind::Throttled => 3,
        Kind::Unreachable => 2,
        Kind::Transient => 1,
        Kind::Permanent => 0,
    };
    let (mut first, second) = if rank(other.kind) > rank(one.kind) {
        (other, one)
    } else {
        (one, other)
    };
    first.reason = format!("{}\n{}", first.reason, second.reason);
    first
}
