//! What is done with a mailbox once signed in: open, search, measure, read, mark.

use std::time::{Duration, Instant};

use async_imap::imap_proto::{AttributeValue, MailboxDatum, Response, ResponseCode, Status};
use words::say;

use super::connection::{ALLOWANCE, ImapConnection};
use super::response::Step;
use super::syntax;
use crate::transport_error::{Cause, Phase, TransportError};

/// Most UIDs named in one command. Lines of more than 8000 bytes are refused by some servers.
const MAX_UIDS: usize = 500;
/// What a FETCH brings beside the message itself.
const OVERHEAD: u64 = 64 * 1024;

/// An open mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// Its name.
    pub name: String,
    /// How many messages it holds.
    pub exists: u32,
    /// As long as this stays the same, UIDs keep their meaning (RFC 3501 section 2.3.1.1).
    pub uid_validity: Option<u32>,
    /// No message has this UID or a greater one yet.
    pub uid_next: Option<u32>,
    /// Flags cannot be changed.
    pub read_only: bool,
}

/// A message, without its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageInfo {
    /// Its UID.
    pub uid: u32,
    /// Its size in bytes, as the server says; Exchange only estimates it.
    pub size: u64,
    /// It has the flag `\Seen`.
    pub seen: bool,
    /// It has the flag `\Deleted`.
    pub deleted: bool,
}

impl ImapConnection {
    /// Opens a mailbox, `INBOX` or another by its Unicode name.
    ///
    /// # Errors
    /// In the phase Select.
    pub async fn select(&mut self, name: &str) -> Result<Mailbox, TransportError> {
        let Some(quoted) = syntax::mailbox(name) else {
            let sentence = say!("transport-control-in-mailbox");
            return Err(self.invalid(Phase::Select, sentence));
        };
        let mut mailbox = Mailbox {
            name: name.to_owned(),
            exists: 0,
            uid_validity: None,
            uid_next: None,
            read_only: false,
        };
        self.has_news = false;
        self.run(Phase::Select, &format!("SELECT {quoted}"), |response| {
            note(&mut mailbox, response);
        })
        .await?;
        Ok(mailbox)
    }

    /// The UIDs of the messages that are not marked as seen, ascending.
    ///
    /// # Errors
    /// In the phase Search.
    pub async fn search_unseen(&mut self) -> Result<Vec<u32>, TransportError> {
        self.search("UNSEEN").await
    }

    /// The UIDs from this one on, ascending.
    ///
    /// # Errors
    /// In the phase Search.
    pub async fn uids_from(&mut self, uid: u32) -> Result<Vec<u32>, TransportError> {
        let mut uids = self.search(&format!("UID {uid}:*")).await?;
        // A range with * always includes the last message, even if its UID is smaller.
        uids.retain(|&found| found >= uid);
        Ok(uids)
    }

    async fn search(&mut self, criteria: &str) -> Result<Vec<u32>, TransportError> {
        let mut uids = Vec::new();
        let line = format!("UID SEARCH {criteria}");
        self.run(Phase::Search, &line, |response| {
            if let Response::MailboxData(MailboxDatum::Search(found)) = response {
                uids.extend_from_slice(found);
            }
        })
        .await?;
        uids.sort_unstable();
        uids.dedup();
        Ok(uids)
    }

    /// Sizes and flags of messages, ascending by UID. Messages that are gone are left out.
    ///
    /// # Errors
    /// In the phase Fetch.
    pub async fn sizes(&mut self, uids: &[u32]) -> Result<Vec<MessageInfo>, TransportError> {
        let mut found = Vec::new();
        for some in uids.chunks(MAX_UIDS) {
            let Some(set) = syntax::uid_set(some) else {
                continue;
            };
            let line = format!("UID FETCH {set} (UID RFC822.SIZE FLAGS)");
            self.run(Phase::Fetch, &line, |response| {
                if let Response::Fetch(_, attributes) = response {
                    found.extend(info(attributes).filter(|i| some.contains(&i.uid)));
                }
            })
            .await?;
        }
        found.sort_unstable_by_key(|info: &MessageInfo| info.uid);
        found.dedup_by_key(|info| info.uid);
        Ok(found)
    }

    /// The whole message, not marked as seen by reading it. None if it is gone.
    ///
    /// The size limit of the server's description holds by itself: at most that much (and one
    /// byte) is asked for, and a server that sends more all the same is cut off.
    ///
    /// # Errors
    /// In the phase Fetch. For a message over the limit with [`Cause::TooLarge`]; if the server
    /// keeps to what it was asked, the session goes on.
    pub async fn fetch(&mut self, uid: u32) -> Result<Option<Vec<u8>>, TransportError> {
        let limit = self.server.max_message_bytes;
        let line = format!(
            "UID FETCH {uid} (UID BODY.PEEK[]<0.{}>)",
            limit.saturating_add(1).min(u64::from(u32::MAX))
        );
        let time = self.server.server.timeouts.data_end;
        let allowance = limit.saturating_add(OVERHEAD);
        let tag = self.begin(Phase::Fetch, &line, allowance).await?;
        let mut message = None;
        self.finish(Phase::Fetch, &tag, time, |response| {
            if let Response::Fetch(_, attributes) = response
                && let Some(content) = content_of(uid, attributes)
            {
                message = Some(content.to_vec());
            }
        })
        .await?;
        if message.as_ref().is_some_and(|m| m.len() as u64 > limit) {
            return Err(self.fail(Phase::Fetch, Cause::TooLarge { size: None, limit }));
        }
        Ok(message)
    }

    /// The largest message that is read, in bytes.
    pub fn max_message_bytes(&self) -> u64 {
        self.server.max_message_bytes
    }

    /// Several whole messages with one command, none marked as seen by reading it. What arrives is
    /// added to `messages` at once, so that it is there even if the command breaks off later; what
    /// is gone from the mailbox is missing in it. `announced` is how many bytes the server said
    /// that all of them have together ([`Self::sizes`]).
    ///
    /// At most 500 messages are asked for: the rest is left out.
    ///
    /// # Errors
    /// In the phase Fetch. With [`Cause::TooLarge`] when the server sends far more than it announced
    /// or than one message may have; then the session is over.
    pub async fn fetch_many(
        &mut self,
        uids: &[u32],
        announced: u64,
        messages: &mut Vec<(u32, Vec<u8>)>,
    ) -> Result<(), TransportError> {
        let uids = &uids[..uids.len().min(MAX_UIDS)];
        let Some(set) = syntax::uid_set(uids) else {
            return Ok(());
        };
        let line = format!("UID FETCH {set} (UID BODY.PEEK[])");
        let time = self.server.server.timeouts.data_end;
        // Exchange only estimates sizes, so twice as much is let through.
        let allowance = announced
            .saturating_mul(2)
            .saturating_add(OVERHEAD.saturating_mul(uids.len() as u64));
        let tag = self.begin(Phase::Fetch, &line, allowance).await?;
        self.finish(Phase::Fetch, &tag, time, |response| {
            if let Response::Fetch(_, attributes) = response
                && let Some(uid) = uid_of(attributes)
                && uids.contains(&uid)
                && let Some(content) = content_of(uid, attributes)
                && !messages.iter().any(|(known, _)| *known == uid)
            {
                messages.push((uid, content.to_vec()));
            }
        })
        .await
    }

    /// The UIDs of the messages that the server received on this day or later, ascending.
    ///
    /// # Errors
    /// In the phase Search.
    pub async fn uids_since(&mut self, day: chrono::NaiveDate) -> Result<Vec<u32>, TransportError> {
        self.search(&format!("SINCE {}", syntax::date(day))).await
    }

    /// Waits until the mailbox changes (IDLE, RFC 2177), at most for `patience`; true when the
    /// server told of mail. That it came while another command was answered, since the mailbox was
    /// opened, counts too: the server says so only once. Servers may hang up after 30 minutes
    /// without a command, so the patience should end before that.
    ///
    /// Dropped while it waits, it leaves the session out of step.
    ///
    /// # Errors
    /// In the phase Idle. Without the capability `IDLE` the server refuses the command.
    pub async fn idle(&mut self, patience: Duration) -> Result<bool, TransportError> {
        if self.has_news {
            return Ok(true);
        }
        let tag = self.begin(Phase::Idle, "IDLE", ALLOWANCE).await?;
        let limit = self.server.server.timeouts.command;
        self.consent(Phase::Idle, &tag, limit).await?;
        let end = Instant::now() + patience;
        while !self.has_news {
            let left = end.saturating_duration_since(Instant::now());
            match self.step(Phase::Idle, &tag, left, &mut |_| {}).await {
                // It must not end before we say so.
                Ok(Step::Done) => return Ok(true),
                Ok(_) => {}
                Err(error) if matches!(error.cause(), Cause::TimedOut(_)) => break,
                Err(error) => return Err(error),
            }
        }
        self.write_line(Phase::Idle, "DONE").await?;
        self.finish(Phase::Idle, &tag, limit, |_| {}).await?;
        Ok(self.has_news)
    }

    /// Marks messages as seen.
    ///
    /// # Errors
    /// In the phase Store.
    pub async fn mark_seen(&mut self, uids: &[u32]) -> Result<(), TransportError> {
        self.store(uids, "+FLAGS.SILENT (\\Seen)").await
    }

    /// Marks messages as not seen.
    ///
    /// # Errors
    /// In the phase Store.
    pub async fn unmark_seen(&mut self, uids: &[u32]) -> Result<(), TransportError> {
        self.store(uids, "-FLAGS.SILENT (\\Seen)").await
    }

    async fn store(&mut self, uids: &[u32], change: &str) -> Result<(), TransportError> {
        for some in uids.chunks(MAX_UIDS) {
            if let Some(set) = syntax::uid_set(some) {
                let line = format!("UID STORE {set} {change}");
                self.run(Phase::Store, &line, |_| {}).await?;
            }
        }
        Ok(())
    }

    /// Asks whether the server is still there; keeps the session alive.
    ///
    /// # Errors
    /// In the phase Search.
    pub async fn noop(&mut self) -> Result<(), TransportError> {
        self.run(Phase::Search, "NOOP", |_| {}).await
    }
}

fn note(mailbox: &mut Mailbox, response: &Response<'_>) {
    match response {
        Response::MailboxData(MailboxDatum::Exists(count)) => mailbox.exists = *count,
        Response::Data {
            status: Status::Ok,
            outcome,
        } => match &outcome.code {
            Some(ResponseCode::UidValidity(value)) => mailbox.uid_validity = Some(*value),
            Some(ResponseCode::UidNext(value)) => mailbox.uid_next = Some(*value),
            Some(ResponseCode::ReadOnly) => mailbox.read_only = true,
            _ => {}
        },
        _ => {}
    }
}

fn uid_of(attributes: &[AttributeValue<'_>]) -> Option<u32> {
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Uid(uid) => Some(*uid),
        _ => None,
    })
}

/// Size and flags, if both the UID and the size are there: servers may mix in changes of flags
/// of other messages at any time.
fn info(attributes: &[AttributeValue<'_>]) -> impl Iterator<Item = MessageInfo> {
    let size = attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::Rfc822Size(size) => Some(u64::from(*size)),
        _ => None,
    });
    let has = |flag: &str| {
        attributes.iter().any(|attribute| match attribute {
            AttributeValue::Flags(flags) => flags.iter().any(|f| f.eq_ignore_ascii_case(flag)),
            _ => false,
        })
    };
    let seen = has("\\Seen");
    let deleted = has("\\Deleted");
    uid_of(attributes)
        .zip(size)
        .map(|(uid, size)| MessageInfo {
            uid,
            size,
            seen,
            deleted,
        })
        .into_iter()
}

/// The content, if these are the attributes of this message and it is there.
fn content_of<'a>(uid: u32, attributes: &'a [AttributeValue<'_>]) -> Option<&'a [u8]> {
    if uid_of(attributes) != Some(uid) {
        return None;
    }
    attributes.iter().find_map(|attribute| match attribute {
        AttributeValue::BodySection {
            section: None,
            data: Some(data),
            ..
        }
        | AttributeValue::Rfc822(Some(data)) => Some(&**data),
        _ => None,
    })
}
