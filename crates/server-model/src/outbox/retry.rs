//! What a failed attempt means for a mail: whether it is tried again, and when.

use std::time::Duration;

use chrono::{NaiveDateTime, TimeDelta};
use mail::transport_error::{Cause, Phase, Severity, TransportError};

use words::{Text, say};

use crate::error::Error;

/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// What went wrong, as far as it matters for what comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The mail is refused for good.
    Permanent,
    /// The mail is refused for now, or the line broke before it was handed over.
    Transient,
    /// Nothing was said about the mail: the server cannot be reached, or lets nobody in.
    Unreachable,
    /// The server asks to be left alone for a while. That is no attempt of the mail.
    Throttled,
    /// The server may have taken the mail.
    Doubt,
}

/// A failed attempt.
#[derive(Clone, Debug)]
pub struct Problem {
    /// What it means.
    pub kind: Kind,
    /// What the person is told.
    pub reason: Text,
    /// Its name in the atlas, where it is there.
    pub code: Option<&'static str>,
    /// The server hung up in the middle of a mail: what Odoo lets through to whoever called.
    pub hung_up: bool,
}

impl Problem {
    /// A failure of a session, told with the name of its server.
    pub fn of(server: &str, error: &TransportError) -> Problem {
        let kind = judge(error);
        let reason = say!("transport-of-server", server, problem = error.text());
        Problem {
            kind,
            reason,
            code: Some(error.entry().code),
            hung_up: is_in_session(error.phase()) && matches!(error.cause(), Cause::Closed),
        }
    }

    /// A failure that has nothing to do with this mail.
    pub fn unreachable(error: &Error) -> Problem {
        Problem {
            kind: Kind::Unreachable,
            reason: error.text(),
            code: error.code(),
            hung_up: false,
        }
    }
}

/// What the failure of a session means for the mail that was to go over it.
///
/// `421`, `432` and `454` are how servers throttle (Microsoft 365: `432 4.3.2` for too many
/// connections at once; RFC 4954, RFC 5321).
pub fn judge(error: &TransportError) -> Kind {
    if error.severity() == Severity::Ambiguous {
        return Kind::Doubt;
    }
    let throttles = match error.code() {
        Some(421 | 432) => true,
        // While signing in or starting TLS it means that this does not work right now.
        Some(454) => true,
        Some(code) if (400..500).contains(&code) => error.enhanced() == Some("4.3.2"),
        _ => false,
    };
    if throttles {
        return Kind::Throttled;
    }
    if !is_in_session(error.phase()) {
        return Kind::Unreachable;
    }
    // "Not signed in (any more)", whatever mail it is.
    if error.phase() == Phase::Mail && matches!(error.code(), Some(530 | 535)) {
        return Kind::Unreachable;
    }
    match error.severity() {
        Severity::Permanent => Kind::Permanent,
        _ => Kind::Transient,
    }
}

/// Whether the session was open and signed in, so that a failure is about the mail.
fn is_in_session(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Mail | Phase::Rcpt | Phase::Data | Phase::Body | Phase::Reset
    )
}

/// How long to wait after the attempt of this number, counted from one: the first pause doubles
/// with each attempt up to an hour, and each is off by up to a quarter, so that mails which failed
/// together do not come back together.
pub fn pause(first: Duration, attempt: i32) -> TimeDelta {
    let doublings = attempt.clamp(1, 20) - 1;
    let pause = first.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
    jittered(pause)
}

/// The time, off by up to a quarter of it.
pub fn jittered(time: Duration) -> TimeDelta {
    let millis = i64::try_from(time.as_millis()).unwrap_or(i64::MAX / 4);
    let quarter = millis / 4;
    TimeDelta::milliseconds(millis + rand::random_range(-quarter..=quarter))
}

/// A reason, and when the mail is tried again.
pub fn with_next_attempt(reason: Text, at: NaiveDateTime, attempt: i32) -> Text {
    say!(
        "outbox-next-attempt",
        reason,
        attempt = attempt + 1,
        at = %at.format("%Y-%m-%d %H:%M:%S")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_an_hour_and_never_vanish() {
        let first = Duration::from_secs(60);
        for (attempt, seconds) in [
            (1, 60),
            (2, 120),
            (3, 240),
            (7, 3600),
            (i32::MAX, 3600),
            (-1, 60),
        ] {
            for _ in 0..50 {
                let pause = pause(first, attempt).num_seconds();
                assert!(
                    (seconds * 3 / 4..=seconds * 5 / 4).contains(&pause),
                    "{attempt}: {pause}"
                );
            }
        }
        assert_eq!(pause(Duration::ZERO, 3), TimeDelta::zero());
    }
}
