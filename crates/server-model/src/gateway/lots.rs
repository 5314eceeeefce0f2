//! Messages of a mailbox in lots that are fetched with one command and stored in one transaction.

use std::collections::{BTreeSet, VecDeque};

use mail::imap::MessageInfo;
use mail::transport_error::{Cause, TransportError};
use tokio::sync::OwnedSemaphorePermit;
use words::say;

use super::batch::Letter;
use super::imap::Line;
use super::quarantine;
use crate::error::Result;

/// The most messages of a lot.
const MOST: usize = 250;
/// The most bytes of a lot, unless it is a single message.
const MOST_BYTES: u64 = 1024 * 1024;
/// For so many messages the sizes are asked at a time.
const SIZES: usize = 500;
/// What one message weighs at least: a small one has its overhead.
const LEAST_BYTES: u64 = 1024;

/// Messages that were fetched together.
pub struct Lot {
    /// The messages.
    pub letters: Vec<Letter>,
    /// Their place in memory, given back once they are stored.
    pub place: OwnedSemaphorePermit,
}

impl Lot {
    /// The UIDs of the messages.
    pub fn uids(&self) -> Vec<u32> {
        let uids = self.letters.iter().map(|letter| letter.origin.uid);
        uids.filter_map(|uid| u32::try_from(uid).ok()).collect()
    }
}

/// What is left to be fetched.
pub struct Lots {
    unmeasured: VecDeque<u32>,
    /// With the size that the server says, where it says one.
    measured: VecDeque<(u32, Option<u64>)>,
    /// So many messages are asked for at most; fewer after something went wrong with more.
    most: usize,
    /// The messages to be asked for again in the next run.
    pub later: BTreeSet<u32>,
}

impl Lots {
    /// Nothing of this is fetched yet.
    pub fn new(wanted: &BTreeSet<u32>) -> Lots {
        Lots {
            unmeasured: wanted.iter().copied().collect(),
            measured: VecDeque::new(),
            most: MOST,
            later: BTreeSet::new(),
        }
    }

    /// Fetches the next lot.
    ///
    /// # Errors
    /// When the session breaks again and again, or the database fails.
    pub async fn next(&mut self, line: &mut Line<'_>) -> Result<Option<Lot>> {
        loop {
            if self.measured.is_empty() {
                self.measure(line).await?;
            }
            let some = self.choose();
            let Some((first, size)) = some.first().copied() else {
                return Ok(None);
            };
            let limit = line.connection.max_message_bytes();
            if let Some(size) = size.filter(|size| *size > limit) {
                let reason = say!("quarantine-too-large", size, limit);
                let origin = line.origin(first);
                let task = line.task;
                quarantine::keep(task.caller, task.server, &origin, None, &reason).await?;
                continue;
            }
            let bytes: u64 = some.iter().map(|(_, size)| weight(*size)).sum();
            let tasks = line.task.caller.backend().mail_tasks();
            let place = tasks.place_for(bytes).await;
            let messages = match some.as_slice() {
                [(uid, _)] => self.fetch_one(line, *uid).await?,
                _ => self.fetch_some(line, &some, bytes).await?,
            };
            if messages.is_empty() {
                continue;
            }
            line.works();
            let letters = messages
                .into_iter()
                .map(|(uid, raw)| Letter {
                    origin: line.origin(uid),
                    raw,
                })
                .collect();
            return Ok(Some(Lot { letters, place }));
        }
    }

    /// Asks for the sizes of the next messages. Where the server does not tell one, the message is
    /// fetched by itself: it is gone, or the server keeps its sizes to itself.
    async fn measure(&mut self, line: &mut Line<'_>) -> Result<()> {
        let count = self.unmeasured.len().min(SIZES);
        let uids: Vec<u32> = self.unmeasured.drain(..count).collect();
        if uids.is_empty() {
            return Ok(());
        }
        let sizes = match line.connection.sizes(&uids).await {
            Ok(sizes) => sizes,
            Err(error) if line.connection.is_usable() => {
                tracing::debug!(server = line.task.server.id, code = error.entry().code, %error, "the server does not tell the sizes of messages");
                Vec::new()
            }
            Err(error) => {
                line.mend(&error).await?;
                self.sizes_again(line, &uids).await?
            }
        };
        let size_of = |uid: u32| {
            let place = sizes.binary_search_by_key(&uid, |info| info.uid).ok()?;
            Some(sizes[place].size)
        };
        self.measured = uids.into_iter().map(|uid| (uid, size_of(uid))).collect();
        Ok(())
    }

    /// Asks for the sizes once more, over a new session. A server that hangs up again may know no
    /// commands for several messages, so that each is fetched by itself.
    async fn sizes_again(&self, line: &mut Line<'_>, uids: &[u32]) -> Result<Vec<MessageInfo>> {
        match line.connection.sizes(uids).await {
            Ok(sizes) => Ok(sizes),
            Err(error) => {
                tracing::info!(server = line.task.server.id, %error, "the server does not tell the sizes of several messages");
                line.mend(&error).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Takes the messages of the next lot.
    fn choose(&mut self) -> Vec<(u32, Option<u64>)> {
        let mut some = Vec::new();
        let mut bytes = 0;
        while let Some((uid, size)) = self.measured.front().copied() {
            bytes += weight(size);
            let fits = some.len() < self.most && bytes <= MOST_BYTES && size.is_some();
            if !some.is_empty() && !fits {
                break;
            }
            self.measured.pop_front();
            some.push((uid, size));
            if size.is_none() {
                break;
            }
        }
        some
    }

    /// Fetches several messages. What does not come is asked for again, in smaller lots, until it is
    /// known which message the server has trouble with.
    async fn fetch_some(
        &mut self,
        line: &mut Line<'_>,
        some: &[(u32, Option<u64>)],
        bytes: u64,
    ) -> Result<Vec<(u32, Vec<u8>)>> {
        let uids: Vec<u32> = some.iter().map(|(uid, _)| *uid).collect();
        let mut messages = Vec::new();
        let fetched = line
            .connection
            .fetch_many(&uids, bytes, &mut messages)
            .await;
        match fetched {
            Ok(()) => self.most = (self.most * 2).min(MOST),
            Err(error) => {
                tracing::info!(server = line.task.server.id, got = messages.len(), of = uids.len(), code = error.entry().code, %error, "fetching broke off");
                self.most = (some.len() / 2).max(1);
                let has_come = |uid: u32| messages.iter().any(|(come, _)| *come == uid);
                for (uid, size) in some.iter().rev().filter(|(uid, _)| !has_come(*uid)) {
                    self.measured.push_front((*uid, *size));
                }
                if !messages.is_empty() {
                    line.works();
                }
                line.mend(&error).await?;
            }
        }
        Ok(messages)
    }

    /// Fetches one message. The connection takes no more than the limit, whatever the server said.
    async fn fetch_one(&mut self, line: &mut Line<'_>, uid: u32) -> Result<Vec<(u32, Vec<u8>)>> {
        match line.connection.fetch(uid).await {
            Ok(Some(raw)) => {
                self.most = (self.most * 2).min(MOST);
                Ok(vec![(uid, raw)])
            }
            // Somebody deleted it since it was listed.
            Ok(None) => Ok(Vec::new()),
            Err(error) => {
                self.set_aside(line, uid, &error).await?;
                Ok(Vec::new())
            }
        }
    }

    /// Notes that a message was not given out, and makes the session usable for the next one.
    async fn set_aside(
        &mut self,
        line: &mut Line<'_>,
        uid: u32,
        error: &TransportError,
    ) -> Result<()> {
        let (caller, server) = (line.task.caller, line.task.server);
        let origin = line.origin(uid);
        tracing::warn!(server = server.id, uid, code = error.entry().code, %error, "a message could not be fetched");
        let reason = say!("quarantine-left", why = error.text());
        if matches!(error.cause(), Cause::TooLarge { .. }) {
            // A server that announced more than was asked for has to be cut off, which says
            // nothing about the server.
            quarantine::keep(caller, server, &origin, None, &reason).await?;
            if !line.connection.is_usable() {
                line.reopen().await?;
            }
            return Ok(());
        }
        // First the session: a server that is out altogether is no failure of this message.
        line.mend(error).await?;
        if !quarantine::count_failure(caller, server, &origin, &reason).await? {
            self.later.insert(uid);
        }
        Ok(())
    }
}

fn weight(size: Option<u64>) -> u64 {
    size.unwrap_or(MOST_BYTES).max(LEAST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lots(sizes: &[Option<u64>]) -> Lots {
        Lots {
            measured: (1..).zip(sizes.iter().copied()).collect(),
            ..Lots::new(&BTreeSet::new())
        }
    }

    fn chosen(lots: &mut Lots) -> Vec<usize> {
        std::iter::from_fn(|| Some(lots.choose().len()).filter(|count| *count > 0)).collect()
    }

    #[test]
    fn a_lot_has_no_more_messages_and_bytes_than_it_may() {
        assert_eq!(chosen(&mut lots(&[Some(10); 600])), [250, 250, 100]);
        let half = Some(MOST_BYTES / 2);
        assert_eq!(chosen(&mut lots(&[half; 5])), [2, 2, 1]);
        let huge = Some(MOST_BYTES * 3);
        assert_eq!(chosen(&mut lots(&[half, huge, half])), [1, 1, 1]);
    }

    #[test]
    fn what_has_no_size_is_fetched_by_itself() {
        let sizes = [Some(10), None, None, Some(10), Some(10)];
        assert_eq!(chosen(&mut lots(&sizes)), [1, 1, 1, 2]);
    }
}
