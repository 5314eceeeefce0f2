//! What the responses of a server mean for the command that waits for them.

use std::io;

use async_imap::imap_proto::{Capability, MailboxDatum, Outcome, Response, ResponseCode, Status};

use super::bounded::LimitExceeded;
use crate::stream::broken;
use crate::transport_error::{Cause, Phase, Reply, printable};

/// What a response means for the command that waits for it.
pub(super) enum Step {
    /// Data, or news of the mailbox.
    Untagged,
    /// The server asks for more, with these words.
    Continue(String),
    /// The command succeeded.
    Done,
}

pub(super) fn step_of(phase: Phase, tag: &str, response: &Response<'_>) -> Result<Step, Cause> {
    match response {
        Response::Done {
            tag: answered,
            status,
            outcome,
        } => match status {
            _ if answered.0 != tag => Err(Cause::Garbled("it answers another command".to_owned())),
            Status::Ok => Ok(Step::Done),
            _ => Err(Cause::Refused(reply(status, outcome))),
        },
        Response::Data {
            status: Status::Bye,
            outcome,
        } if phase != Phase::Quit => Err(Cause::Bye(words(outcome))),
        Response::Continue(outcome) => Ok(Step::Continue(words(outcome))),
        _ => Ok(Step::Untagged),
    }
}

/// What a greeting tells: whether we are signed in already, and the capabilities if named.
pub(super) fn welcome(response: &Response<'_>) -> Result<(bool, Vec<String>), Cause> {
    let Response::Data { status, outcome } = response else {
        return Err(Cause::Garbled(
            "it does not begin with a greeting".to_owned(),
        ));
    };
    let preauthenticated = match status {
        Status::Ok => false,
        Status::PreAuth => true,
        Status::Bye => return Err(Cause::Bye(words(outcome))),
        Status::No | Status::Bad => return Err(Cause::Refused(reply(status, outcome))),
    };
    let offered = match &outcome.code {
        Some(ResponseCode::Capabilities(offered)) => names(offered),
        _ => Vec::new(),
    };
    Ok((preauthenticated, offered))
}

/// An error of the reader. The parser's own message quotes what it could not read, which may be
/// somebody's mail, so it goes no further.
pub(super) fn unreadable(error: io::Error) -> Cause {
    let inner = error.get_ref();
    if let Some(excess) = inner.and_then(|e| e.downcast_ref::<LimitExceeded>()) {
        return Cause::TooLarge {
            size: Some(excess.announced),
            limit: excess.allowed,
        };
    }
    if error.kind() == io::ErrorKind::Other && error.raw_os_error().is_none() {
        return Cause::Garbled("it is not IMAP, or of a kind not known here".to_owned());
    }
    broken(error)
}

/// Whether a response says that there may be a message that was not there before.
pub(super) fn tells_of_mail(response: &Response<'_>) -> bool {
    matches!(
        response,
        Response::MailboxData(MailboxDatum::Exists(_) | MailboxDatum::Recent(_))
    )
}

fn reply(status: &Status, outcome: &Outcome<'_>) -> Reply {
    let status = match status {
        Status::Ok => "OK",
        Status::No => "NO",
        Status::Bad => "BAD",
        Status::PreAuth => "PREAUTH",
        Status::Bye => "BYE",
    };
    Reply::tagged(status, outcome.information.as_deref().unwrap_or_default())
}

fn words(outcome: &Outcome<'_>) -> String {
    printable(outcome.information.as_deref().unwrap_or_default())
}

pub(super) fn names(offered: &[Capability<'_>]) -> Vec<String> {
    offered
        .iter()
        .map(|capability| match capability {
            Capability::Imap4rev1 => "IMAP4REV1".to_owned(),
            Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
            Capability::Atom(name) => name.to_ascii_uppercase(),
        })
        .collect()
}
