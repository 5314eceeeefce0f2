//! What became of a mail's letters, and what follows from that for the mail.

use std::time::Duration;

use chrono::NaiveDateTime;

use words::{Text, say};

use super::accepted::Accepted;
use super::deliver::{Desk, Job, Wish};
use super::lane::Lane;
use super::letters::Letter;
use super::refusal::Refusal;
use super::retry::{self, Kind, Problem};
use super::settle::{Fate, Settlement, Told};
use crate::value::Id;

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

/// What became of one letter.
struct Outcome {
    contact: Option<Id>,
    failure: Option<(&'static str, Text)>,
}

/// What is known of a mail's letters so far.
pub struct Verdict<'a> {
    desk: &'a Desk<'a>,
    lane: &'a Lane,
    job: &'a Job,
    /// For whom servers took letters, now or in attempts before.
    pub accepted: Accepted,
    results: Vec<Outcome>,
    /// The worst thing that happened on the way.
    problem: Option<Problem>,
    /// What is wrong with the mail itself.
    unwritable: Option<Refusal>,
}

impl<'a> Verdict<'a> {
    /// Nothing is known yet but what was before.
    pub fn new(desk: &'a Desk<'a>, lane: &'a Lane, job: &'a Job) -> Verdict<'a> {
        Verdict {
            desk,
            lane,
            job,
            accepted: job.claimed.accepted.clone(),
            results: Vec::new(),
            problem: None,
            unwritable: None,
        }
    }

    /// There is no session to be had, for this reason.
    pub fn note_no_session(&mut self, problem: Problem) {
        self.problem = Some(problem);
    }

    /// A server took the letter for everybody it was for.
    pub fn note_taken(&mut self, letter: &Letter) {
        self.results.push(Outcome {
            contact: letter.contact,
            failure: None,
        });
    }

    /// The letter cannot be addressed to anybody, for this reason.
    pub fn note_refusal(&mut self, letter: &Letter, reason: Text) {
        self.note_problem(
            letter,
            Problem {
                kind: Kind::Permanent,
                reason,
                code: None,
                hung_up: false,
            },
        );
    }

    /// The letter did not go out, or not to everybody.
    pub fn note_problem(&mut self, letter: &Letter, problem: Problem) {
        self.results.push(Outcome {
            contact: letter.contact,
            failure: Some(("unknown", problem.reason.clone())),
        });
        self.problem = Some(match self.problem.take() {
            None => problem,
            Some(before) => worse(before, problem),
        });
    }

    /// The letter cannot be composed.
    pub fn note_unwritten(&mut self, letter: &Letter, refusal: &Refusal) {
        self.results.push(Outcome {
            contact: letter.contact,
            failure: Some((refusal.failure_type.as_str(), refusal.reason.clone())),
        });
        // As in Odoo: what is wrong with one recipient's address is no failure of the mail.
        if !refusal.is_of_recipients() && self.unwritable.is_none() {
            self.unwritable = Some(refusal.clone());
        }
    }

    /// As [`Verdict::ending`], but a server that asked for a pause gets it first.
    pub async fn throttled_or_ended(&mut self) -> Ending {
        let throttled = self
            .problem
            .as_ref()
            .filter(|problem| problem.kind == Kind::Throttled)
            .map(|problem| (problem.reason.clone(), problem.code));
        let Some((reason, code)) = throttled else {
            return self.ending();
        };
        let until = self.lane.throttle(self.desk.caller).await;
        // Not all at the same moment: the server asked for less.
        let at = until + retry::jittered(Duration::from_secs(4)) + chrono::TimeDelta::seconds(1);
        let reason = retry::with_next_attempt(reason, at, self.job.claimed.attempts);
        self.settle(
            Fate::Later {
                failure_type: None,
                reason,
                at,
                server: self.server(),
                attempted: false,
                shown: false,
            },
            code,
            false,
        )
    }

    fn server(&self) -> Option<Id> {
        Some(self.lane.server())
    }

    /// The fate that follows from all of it.
    pub fn ending(&mut self) -> Ending {
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
        self.settle(fate, problem.code, problem.hung_up)
    }

    fn later(&self, failure_type: Option<&'static str>, reason: Text, hung_up: bool) -> Fate {
        let now = self.desk.caller.backend().now();
        let settings = self.desk.settings;
        let claimed = &self.job.claimed;
        let since = claimed.first_attempt.unwrap_or(now);
        let patience = chrono::TimeDelta::from_std(settings.give_up).unwrap_or_default();
        if now - since >= patience && claimed.attempts > 0 {
            return Fate::Failed {
                failure_type,
                reason: say!(
                    "outbox-given-up",
                    reason,
                    attempts = claimed.attempts + 1,
                    since = %since.format("%Y-%m-%d %H:%M:%S")
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
            reason: retry::with_next_attempt(reason, at, attempt),
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
                reason: say!("outbox-nobody"),
            },
            _ => Fate::Sent,
        };
        self.settle(fate, None, false)
    }

    fn settle(&self, fate: Fate, code: Option<&'static str>, hung_up: bool) -> Ending {
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
                accepted: Some(self.accepted.written()),
                fate,
                code,
                delete,
                has_history: self.job.claimed.has_history,
                server: Some(self.job.choice.carrier.id().unwrap_or(0)),
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

/// The failure type of a recipient without a usable address.
const EMAIL_INVALID: &str = "mail_email_invalid";

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
    first.reason = Text::lines([first.reason, second.reason]);
    first
}
