//! One claimed mail on its way: compose, take a session, hand over letter by letter, and what that came to.

use std::sync::Arc;
use std::time::Duration;

use mail::atlas;
use mail::smtp::{Envelope, Recipient};
use mail::transport_error::TransportError;

use words::Text;

use super::choose::{Choice, Directory};
use super::claim::Claimed;
use super::journal::{Journal, Note, Noted};
use super::lane::{Lane, NoSession, Session};
use super::letters::{self, Draft, Letter};
use super::retry::{Kind, Problem};
use super::settings::Settings;
use super::verdict::{Ending, Verdict};
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
#[tracing::instrument(name = "mail", skip_all, fields(mail = job.claimed.mail))]
pub async fn deliver(desk: &Desk<'_>, lane: &Lane, job: Job) -> Ending {
    let now = desk.caller.backend().now();
    let letters = letters::compose_all(&job.draft, &job.directory, &job.choice, now.and_utc());
    let mut course = Course {
        desk,
        lane,
        letter_count: letters.len(),
        verdict: Verdict::new(desk, lane, &job),
        job: &job,
    };
    if letters.iter().all(|letter| letter.outcome.is_err()) {
        // Nothing to hand over, so no session is needed to say so.
        for letter in &letters {
            if let Err(refusal) = &letter.outcome {
                course.verdict.note_unwritten(letter, refusal);
            }
        }
        return course.verdict.ending();
    }
    match course.session().await {
        Ok(session) => course.hand_over_all(session, &letters).await,
        Err(ending) => ending,
    }
}

struct Course<'a> {
    desk: &'a Desk<'a>,
    lane: &'a Lane,
    job: &'a Job,
    letter_count: usize,
    verdict: Verdict<'a>,
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
                self.verdict.note_no_session(problem);
                Err(self.verdict.throttled_or_ended().await)
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
                    self.verdict.note_problem(letter, problem);
                    self.lane.close(self.desk.caller, session).await;
                    return self.verdict.throttled_or_ended().await;
                }
                Step::End(ending) => {
                    self.put_away(session).await;
                    return ending;
                }
            }
        }
        self.put_away(session).await;
        self.verdict.throttled_or_ended().await
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
                self.verdict.note_unwritten(letter, refusal);
                return Step::Next;
            }
        };
        let missing: Vec<&String> = composed
            .recipients
            .iter()
            .filter(|recipient| !self.verdict.accepted.has(letter.contact, recipient))
            .collect();
        if missing.is_empty() {
            self.verdict.note_taken(letter);
            return Step::Next;
        }
        let envelope = match Envelope::new(&composed.envelope_from, &missing) {
            Ok(envelope) => envelope,
            Err(error) => {
                self.verdict.note_refusal(letter, error.text());
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
            match self.desk.journal.note(mail, note, self.is_urgent()).await {
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
            self.verdict
                .accepted
                .add(letter.contact, &recipient.address);
        }
        let refused: Vec<_> = delivery.refused().collect();
        if refused.is_empty() {
            self.verdict.note_taken(letter);
        } else {
            let kind = if refused
                .iter()
                .any(|recipient| is_transient(recipient.reply.code))
            {
                Kind::Transient
            } else {
                Kind::Permanent
            };
            let known = |recipient: &Recipient| atlas::of_recipient(&recipient.reply).code;
            let reasons = refused
                .iter()
                .map(|one| Text::quote(format!("{}: {} [{}]", one.address, one.reply, known(one))));
            self.verdict.note_problem(
                letter,
                Problem {
                    kind,
                    reason: Text::lines(reasons),
                    code: refused.first().map(|one| known(one)),
                    hung_up: false,
                },
            );
        }
        self.note_progress(number).await
    }

    /// Between two letters that is written down by itself; after the last it goes with the fate.
    async fn note_progress(&mut self, number: i32) -> Step {
        if usize::try_from(number).is_ok_and(|number| number >= self.letter_count) {
            return Step::Next;
        }
        let mail = self.job.claimed.mail;
        let note = || Note::Accepted(self.verdict.accepted.written());
        match persist(self.desk.journal, mail, note, self.is_urgent()).await {
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
                self.verdict.note_problem(letter, problem);
                Step::Next
            }
            Kind::Doubt => {
                self.verdict.note_problem(letter, problem);
                Step::End(self.verdict.ending())
            }
            _ => Step::Broken(problem),
        }
    }

    fn is_urgent(&self) -> bool {
        self.job.wish != Wish::Due
    }

    /// The database is out. What was accepted before stands in the journal.
    fn interrupted(&self) -> Ending {
        Ending::Hold(self.desk.caller.backend().now())
    }
}

/// Tries to write for a while: what happened must not be forgotten for a database that is out for a
/// moment.
pub async fn persist(
    journal: &Journal,
    mail: Id,
    note: impl Fn() -> Note,
    is_urgent: bool,
) -> Noted {
    let mut pause = Duration::from_millis(100);
    loop {
        match journal.note(mail, note(), is_urgent).await {
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
/// With doubling pauses from 100 ms on, what happened is tried to be written for about seven minutes.
const LONGEST_WRITING_PAUSE: Duration = Duration::from_secs(300);

fn is_transient(code: Option<u16>) -> bool {
    code.is_some_and(|code| (400..500).contains(&code))
}
