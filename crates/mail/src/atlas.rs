//! The atlas of a mail server's failures: for each one we know a stable code, what it means, what an administrator can
//! do about it, and whether it is tried again.
//!
//! Sources: Microsoft's pages on SMTP AUTH, on OAuth for IMAP, POP and SMTP, and on the limits of Exchange Online;
//! Google's pages on errors of Gmail; RFC 3463, RFC 4954, RFC 5530, RFC 3206; and what real servers answered.

mod line;
mod mailbox;
mod sasl;
mod smtp;
#[cfg(test)]
mod tests;

use words::Text;

use crate::transport_error::{Cause, Phase, Reply, Severity};

/// Whether what failed is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retried {
    /// By itself, and it may pass by itself.
    Later,
    /// The mail waits and is tried again, but somebody has to change something first.
    AfterChange,
    /// This mail, or this message, is given up.
    Never,
    /// Not without a person's word: it might go out twice.
    Doubtful,
}

/// One known failure.
#[derive(Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its stable name, such as `smtp.auth_disabled_tenant`.
    pub code: &'static str,
    /// What it is recognised by, in words.
    pub sign: &'static str,
    /// The commands of Exchange Online PowerShell that do it, with `<mailbox>`, `<address>` and other placeholders.
    pub commands: &'static [&'static str],
    /// Whether it is tried again.
    pub retried: Retried,
}

impl Entry {
    /// What happened, as a sentence.
    pub fn what(&self) -> Text {
        words::atlas::what(self.code)
    }

    /// What to do, the commands included.
    pub fn advice(&self) -> Text {
        words::atlas::advice(self.code, self.commands)
    }

    const fn commands(self, commands: &'static [&'static str]) -> Entry {
        Entry { commands, ..self }
    }
}

const fn entry(code: &'static str, retried: Retried, sign: &'static str) -> Entry {
    Entry {
        code,
        sign,
        commands: &[],
        retried,
    }
}

/// All that is known.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    line::ENTRIES
        .iter()
        .chain(sasl::ENTRIES)
        .chain(smtp::ENTRIES)
        .chain(mailbox::ENTRIES)
        .copied()
}

/// Which way of talking a failure happened in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    Smtp,
    Imap,
    Pop3,
}

impl Protocol {
    /// The protocol of a [`Peer`](crate::transport_error::Peer)'s name.
    pub(crate) fn of(name: &str) -> Protocol {
        match name {
            "IMAP" => Protocol::Imap,
            "POP3" => Protocol::Pop3,
            _ => Protocol::Smtp,
        }
    }
}

/// The entry for a failed step. `by_token` tells that the server commented on an OAuth token.
pub(crate) fn find(
    protocol: Protocol,
    phase: Phase,
    cause: &Cause,
    by_token: bool,
) -> &'static Entry {
    match cause {
        Cause::Refused(reply) => of_reply(protocol, phase, reply, by_token),
        // From the final dot on only a reply settles the matter.
        _ if phase == Phase::Body => &smtp::FATE_UNKNOWN,
        Cause::Bye(text) => mailbox::bye(text),
        Cause::TooLarge { .. } if protocol != Protocol::Smtp => &mailbox::TOO_LARGE,
        _ => line::of_cause(phase, cause),
    }
}

/// The entry for what a server says to one recipient of a mail that it refuses.
pub fn of_recipient(reply: &Reply) -> &'static Entry {
    of_reply(Protocol::Smtp, Phase::Rcpt, reply, false)
}

/// The entry for a refusal: what single providers say comes before what the protocol says.
fn of_reply(protocol: Protocol, phase: Phase, reply: &Reply, by_token: bool) -> &'static Entry {
    let known = match protocol {
        Protocol::Smtp => smtp::known(phase, reply),
        Protocol::Imap | Protocol::Pop3 => mailbox::known(phase, reply),
    };
    if let Some(known) = known {
        return known;
    }
    let is_transient = reply.severity(phase) == Severity::Transient;
    match (protocol, phase) {
        (_, Phase::Auth) => sasl::of_refusal(is_transient, by_token),
        (Protocol::Smtp, _) => smtp::of_refusal(phase, is_transient),
        _ => mailbox::of_refusal(is_transient),
    }
}

/// Whether the text has this part, whatever its case.
fn says(text: &str, part: &str) -> bool {
    text.to_ascii_lowercase().contains(part)
}
