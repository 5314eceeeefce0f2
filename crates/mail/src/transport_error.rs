//! What can go wrong between us and a mail server: one error for SMTP, IMAP and POP3.
//!
//! An error says what was being done (protocol, server, [`Phase`]), what happened ([`Cause`]),
//! how the server put it ([`Reply`]), what to do about it, and under which code that stands in the
//! [atlas](crate::atlas). It never contains a password or a token, not even when the server echoes one.

use std::fmt;
use std::io;
use std::time::Duration;

use words::{Text, say};

pub use crate::reply::Reply;

use crate::atlas::{self, Entry, Protocol, Retried};
use crate::sasl::Challenge;

/// What was being done when it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Looking up the host name.
    Resolve,
    /// Opening the TCP connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// Waiting for the server's first line.
    Greeting,
    /// SMTP `EHLO`.
    Ehlo,
    /// IMAP `CAPABILITY`, POP3 `CAPA`.
    Capability,
    /// Asking for the upgrade to TLS.
    StartTls,
    /// Signing in.
    Auth,
    /// SMTP `MAIL FROM`.
    Mail,
    /// SMTP `RCPT TO`.
    Rcpt,
    /// SMTP `DATA`, and the message up to but without its final dot: nothing has been handed over yet.
    Data,
    /// From the final dot on. Without a reply nobody knows whether the server has taken the mail.
    Body,
    /// SMTP `RSET`, `NOOP`.
    Reset,
    /// The farewell.
    Quit,
    /// IMAP `SELECT`.
    Select,
    /// IMAP `UID SEARCH`.
    Search,
    /// IMAP `UID FETCH`, POP3 `RETR`.
    Fetch,
    /// IMAP `UID STORE`, POP3 `DELE`.
    Store,
    /// POP3 `STAT`, `LIST`, `UIDL`.
    List,
    /// IMAP `IDLE`.
    Idle,
}

impl Phase {
    /// What was being done, in words.
    fn text(self) -> Text {
        match self {
            Phase::Resolve => say!("transport-phase-resolve"),
            Phase::Connect => say!("transport-phase-connect"),
            Phase::Tls => say!("transport-phase-tls"),
            Phase::Greeting => say!("transport-phase-greeting"),
            Phase::Ehlo => Text::quote("EHLO"),
            Phase::Capability => say!("transport-phase-capability"),
            Phase::StartTls => Text::quote("STARTTLS"),
            Phase::Auth => say!("transport-phase-auth"),
            Phase::Mail => Text::quote("MAIL FROM"),
            Phase::Rcpt => Text::quote("RCPT TO"),
            Phase::Data => Text::quote("DATA"),
            Phase::Body => say!("transport-phase-body"),
            Phase::Reset => say!("transport-phase-reset"),
            Phase::Quit => say!("transport-phase-quit"),
            Phase::Select => say!("transport-phase-select"),
            Phase::Search => say!("transport-phase-search"),
            Phase::Fetch => say!("transport-phase-fetch"),
            Phase::Store => say!("transport-phase-store"),
            Phase::Idle => say!("transport-phase-idle"),
            Phase::List => say!("transport-phase-list"),
        }
    }
}

/// Whether trying again can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Severity {
    /// Later, or over a new connection, the same may succeed.
    Transient,
    /// The same will fail again until somebody changes something.
    Permanent,
    /// The message may or may not have been taken. Sending it again may send it twice.
    Ambiguous,
}

/// What happened.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum Cause {
    /// The lookup of the name failed.
    Lookup(#[source] io::Error),
    /// The lookup gave no address.
    NoAddress,
    /// No address accepted the connection; this is what the last one said.
    Connect(#[source] io::Error),
    /// The host can be neither a DNS name nor an IP address.
    HostName,
    /// The host is where nobody may connect to.
    Forbidden(destinations::Refusal),
    /// Nothing came for this long.
    TimedOut(Duration),
    /// The server hung up.
    Closed,
    /// The line broke.
    Io(#[source] io::Error),
    /// TLS failed; the certificate was not accepted, or the other end does not speak TLS.
    Tls(#[source] io::Error),
    /// STARTTLS was asked for and is not offered.
    StartTlsNotOffered,
    /// Something was sent between the consent to STARTTLS and the handshake: what a
    /// man in the middle would do to smuggle in replies.
    StartTlsInjection,
    /// The server said no.
    Refused(Reply),
    /// The server ended the session by itself.
    Bye(String),
    /// The answer follows no rule of the protocol.
    Garbled(String),
    /// No common way to sign in.
    NoMechanism {
        /// What was wanted.
        wanted: &'static str,
        /// What the server offers.
        offered: Vec<String>,
    },
    /// An OAuth token would have been sent over an unprotected line.
    TokenInClear,
    /// Larger than what we or the server accept.
    TooLarge {
        /// The size in bytes, if known.
        size: Option<u64>,
        /// The limit in bytes.
        limit: u64,
    },
    /// A value that cannot be sent without changing the meaning of the command around it.
    InvalidInput(Text),
    /// A non-ASCII address, and a server without SMTPUTF8.
    SmtpUtf8NotOffered,
    /// 8-bit content, and a server without 8BITMIME.
    EightBitNotOffered,
    /// The connection had been given up before.
    Unusable,
}

impl Cause {
    /// What happened, in words.
    fn text(&self) -> Text {
        match self {
            Cause::Lookup(why) => say!("transport-lookup", why = %why),
            Cause::NoAddress => say!("transport-no-address"),
            Cause::Connect(why) => say!("transport-connect", why = %why),
            Cause::HostName => say!("transport-host-name"),
            Cause::Forbidden(destinations::Refusal::Metadata(address)) => {
                say!("transport-forbidden-metadata", address = %address)
            }
            Cause::Forbidden(destinations::Refusal::Private(address)) => {
                say!("transport-forbidden-private", address = %address)
            }
            Cause::TimedOut(limit) if limit.subsec_nanos() == 0 => {
                say!("transport-timed-out", seconds = limit.as_secs())
            }
            Cause::TimedOut(limit) => {
                say!("transport-timed-out-soon", milliseconds = %limit.as_millis())
            }
            Cause::Closed => say!("transport-closed"),
            Cause::Io(why) => say!("transport-io", why = %why),
            Cause::Tls(why) => say!("transport-tls", why = %why),
            Cause::StartTlsNotOffered => say!("transport-starttls-not-offered"),
            Cause::StartTlsInjection => say!("transport-starttls-injection"),
            // Servers' own words often end with a full stop already.
            Cause::Refused(reply) => {
                let reply = reply.to_string();
                say!("transport-refused", reply = reply.trim_end_matches('.'))
            }
            Cause::Bye(words) => say!("transport-bye", words = words.trim_end_matches('.')),
            Cause::Garbled(what) => say!("transport-garbled", what),
            Cause::NoMechanism { wanted, offered } if offered.is_empty() => {
                say!("transport-no-mechanism-at-all", wanted = *wanted)
            }
            Cause::NoMechanism { wanted, offered } => {
                say!(
                    "transport-no-mechanism",
                    wanted = *wanted,
                    offered = printable(&offered.join(", "))
                )
            }
            Cause::TokenInClear => say!("transport-token-in-clear"),
            Cause::TooLarge {
                size: Some(size),
                limit,
            } => {
                say!("transport-too-large", size = *size, limit = *limit)
            }
            Cause::TooLarge { size: None, limit } => {
                say!("transport-too-large-somehow", limit = *limit)
            }
            Cause::InvalidInput(why) => why.clone(),
            Cause::SmtpUtf8NotOffered => say!("transport-smtputf8-not-offered"),
            Cause::EightBitNotOffered => say!("transport-8bitmime-not-offered"),
            Cause::Unusable => say!("transport-unusable"),
        }
    }

    fn severity(&self, phase: Phase) -> Severity {
        match self {
            Cause::Refused(reply) => reply.severity(phase),
            Cause::Tls(error) => match error.get_ref().and_then(|e| e.downcast_ref()) {
                Some(
                    rustls::Error::InvalidCertificate(_)
                    | rustls::Error::InvalidMessage(_)
                    | rustls::Error::NoCertificatesPresented
                    | rustls::Error::PeerIncompatible(_),
                ) => Severity::Permanent,
                _ => Severity::Transient,
            },
            Cause::HostName
            | Cause::Forbidden(_)
            | Cause::StartTlsNotOffered
            | Cause::NoMechanism { .. }
            | Cause::TokenInClear
            | Cause::TooLarge { .. }
            | Cause::InvalidInput(_)
            | Cause::SmtpUtf8NotOffered
            | Cause::EightBitNotOffered => Severity::Permanent,
            Cause::Lookup(_)
            | Cause::NoAddress
            | Cause::Connect(_)
            | Cause::TimedOut(_)
            | Cause::Closed
            | Cause::Io(_)
            | Cause::StartTlsInjection
            | Cause::Bye(_)
            | Cause::Garbled(_)
            | Cause::Unusable => Severity::Transient,
        }
    }
}

/// Which server, for the error's first words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) protocol: &'static str,
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}:{}",
            self.protocol,
            printable(&self.host),
            self.port
        )
    }
}

/// A failed step of a conversation with a mail server.
#[derive(Debug)]
pub struct TransportError(Box<Failure>);

#[derive(Debug)]
struct Failure {
    peer: Peer,
    phase: Phase,
    cause: Cause,
    challenge: Option<Challenge>,
}

impl TransportError {
    pub(crate) fn new(peer: &Peer, phase: Phase, cause: Cause) -> Self {
        TransportError(Box::new(Failure {
            peer: peer.clone(),
            phase,
            cause,
            challenge: None,
        }))
    }

    pub(crate) fn with_challenge(mut self, challenge: Option<Challenge>) -> Self {
        self.0.challenge = challenge;
        self
    }

    /// What was being done.
    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    /// What happened.
    pub fn cause(&self) -> &Cause {
        &self.0.cause
    }

    /// The server, as `host:port`.
    pub fn server(&self) -> String {
        format!("{}:{}", self.0.peer.host, self.0.peer.port)
    }

    /// The server's refusal, if it was one.
    pub fn reply(&self) -> Option<&Reply> {
        match &self.0.cause {
            Cause::Refused(reply) => Some(reply),
            _ => None,
        }
    }

    /// The SMTP reply code, if there was one.
    pub fn code(&self) -> Option<u16> {
        self.reply().and_then(|reply| reply.code)
    }

    /// The enhanced status code of SMTP, or the bracketed one of IMAP and POP3.
    pub fn enhanced(&self) -> Option<&str> {
        self.reply().and_then(|reply| reply.enhanced.as_deref())
    }

    /// What the server said about a refused OAuth token before its final refusal.
    pub fn challenge(&self) -> Option<&Challenge> {
        self.0.challenge.as_ref()
    }

    /// Whether the server refused the credentials, as opposed to not getting that far
    /// or being unable to check them right now.
    ///
    /// With a token, only a refusal with a [`Self::challenge`] is sure to be about the token: a
    /// Postfix that cannot reach its identity provider answers `535` too, but without a challenge.
    pub fn is_auth_refused(&self) -> bool {
        self.0.phase == Phase::Auth
            && self.reply().is_some()
            && self.severity() == Severity::Permanent
    }

    /// Whether trying again can help. After the final dot only a reply of the server settles
    /// the matter: anything else is [`Severity::Ambiguous`].
    pub fn severity(&self) -> Severity {
        let answered = matches!(self.0.cause, Cause::Refused(_));
        if self.0.phase == Phase::Body && !answered {
            return Severity::Ambiguous;
        }
        self.0.cause.severity(self.0.phase)
    }

    /// What is known about it: a stable code, what it means and what to do.
    pub fn entry(&self) -> &'static Entry {
        let failure = &self.0;
        let protocol = Protocol::of(failure.peer.protocol);
        let by_token = failure.challenge.is_some();
        atlas::find(protocol, failure.phase, &failure.cause, by_token)
    }

    /// The failure without its remedy and code: where it happened, what happened, and in which words.
    pub fn account(&self) -> Text {
        let failure = &self.0;
        let cause = match &failure.challenge {
            Some(challenge) => {
                let challenge = challenge.to_string();
                let challenge = challenge.trim_end_matches('.');
                say!(
                    "transport-challenge",
                    cause = failure.cause.text(),
                    challenge
                )
            }
            None => failure.cause.text(),
        };
        say!("transport-account", peer = %failure.peer, phase = failure.phase.text(), cause)
    }

    /// The failure, what to do, and the code.
    pub fn text(&self) -> Text {
        let entry = self.entry();
        let (account, remedy, code) = (self.account(), entry.advice(), entry.code);
        // Our own words for a cause need no explanation; a server's do, and a doubt does.
        let is_foreign = matches!(self.0.cause, Cause::Refused(_) | Cause::Bye(_));
        if is_foreign || entry.retried == Retried::Doubtful {
            say!(
                "transport-told-explained",
                account,
                what = entry.what(),
                remedy,
                code
            )
        } else {
            say!("transport-told", account, remedy, code)
        }
    }
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.text(), f)
    }
}

impl std::error::Error for TransportError {
    /// The cause's own source: the cause itself is already part of the sentence.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.0.cause)
    }
}

/// One line without control characters: servers' words end up in logs and pages.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .take(1000)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests;
