//! Reading a mailbox over POP3: all of it, deleting each message once it is stored.

use std::collections::{BTreeSet, HashMap};

use mail::pop3::Pop3Connection;
use mail::server::Timeouts;
use mail::transport_error::{Cause, TransportError};
use sha1::{Digest, Sha1};
use tokio_util::sync::CancellationToken;
use words::{Text, say};

use super::journal::{self, Origin};
use super::session::{open, transport_error};
use super::{quarantine, store};
use crate::database::Intent;
use crate::env::Caller;
use crate::error::Result;
use crate::models::fetchmail_server::Model as FetchServer;

/// POP3 has one mailbox without a name.
const MAILBOX: &str = "POP3";
/// What stays in the mailbox, because it cannot be fetched, is noted under another name than what
/// was stored and only waits for its deletion.
const LEFT: &str = "POP3, left in the mailbox";
/// The UIDVALIDITY of numbers that are made of unique ids; see [`number_of`].
const BY_UNIQUE_ID: i64 = 0;
/// A session that breaks more often than this in one run is not worth opening once more.
const MOST_BREAKS: u32 = 3;

/// Fetches everything and gives how many messages that were. What cannot be fetched stays in the
/// mailbox and keeps no other message.
///
/// A server that gives its messages unique ids (UIDL, RFC 1939 section 7; all do) has each stored
/// once, also when the deletion did not take place; else they are recognised by their Message-Id.
///
/// # Errors
/// As for [`open`], and when the session breaks again and again; what was stored until then stays.
pub async fn fetch(
    caller: &Caller,
    server: &FetchServer,
    timeouts: Timeouts,
    stop: &CancellationToken,
) -> Result<usize> {
    let mut settled = BTreeSet::new();
    let mut count = 0;
    let mut breaks = 0;
    loop {
        let mut session = Session::begin(caller, server, timeouts.clone()).await?;
        let broken = session.run(&mut settled, &mut count, stop).await?;
        let Some(error) = broken else {
            return session.end(count).await;
        };
        // What was deleted in a session that broke is still there, and is noted as fetched.
        breaks += 1;
        if breaks > MOST_BREAKS || stop.is_cancelled() || !session.has_unique_ids {
            return Err(transport_error(server, &error));
        }
    }
}

struct Session<'a> {
    caller: &'a Caller,
    server: &'a FetchServer,
    connection: Pop3Connection,
    /// The messages by their numbers in this session, each with its size in bytes.
    messages: Vec<(u32, u64, Origin<'static>)>,
    has_unique_ids: bool,
    deleted: Vec<Origin<'static>>,
}

impl<'a> Session<'a> {
    async fn begin(
        caller: &'a Caller,
        server: &'a FetchServer,
        timeouts: Timeouts,
    ) -> Result<Session<'a>> {
        let failed = |error| transport_error(server, &error);
        let mut connection: Pop3Connection = open(caller, server, timeouts).await?;
        let sizes = connection.list().await.map_err(failed)?;
        let unique_ids = connection.uidl().await.map_err(failed)?;
        let has_unique_ids = unique_ids.is_some();
        let unique_ids: HashMap<u32, String> = unique_ids.unwrap_or_default().into_iter().collect();
        let now = caller.backend().unix_now();
        let messages: Vec<_> = sizes
            .into_iter()
            .map(|(number, size)| {
                let (uidvalidity, uid) = match unique_ids.get(&number) {
                    Some(unique_id) => (BY_UNIQUE_ID, number_of(unique_id)),
                    // A session's numbers mean nothing in the next one, so each message gets a
                    // number of its own by the moment it was fetched.
                    None => (now, i64::from(number)),
                };
                let origin = Origin {
                    folder: MAILBOX,
                    uidvalidity,
                    uid,
                };
                (number, size, origin)
            })
            .collect();
        if has_unique_ids {
            forget_gone(caller, server, &messages).await?;
        }
        Ok(Session {
            caller,
            server,
            connection,
            messages,
            has_unique_ids,
            deleted: Vec::new(),
        })
    }

    /// Goes through the mailbox, except for what was settled in a session before; gives the error
    /// with which the session broke.
    async fn run(
        &mut self,
        settled: &mut BTreeSet<i64>,
        count: &mut usize,
        stop: &CancellationToken,
    ) -> Result<Option<TransportError>> {
        let left = noted(self.caller, self.server, LEFT).await?;
        let stored = noted(self.caller, self.server, MAILBOX).await?;
        let limit = self.connection.max_message_bytes();
        for (number, size, origin) in self.messages.clone() {
            let is_known = origin.uidvalidity == BY_UNIQUE_ID;
            if is_known && (left.contains(&origin.uid) || settled.contains(&origin.uid)) {
                continue;
            }
            let is_stored = is_known && stored.contains(&origin.uid);
            if !is_stored {
                if size > limit {
                    let reason = say!("quarantine-too-large", size, limit);
                    self.leave(&origin, &reason, true).await?;
                    continue;
                }
                // A stop waits for what is being stored, never for a server.
                let read = tokio::select! {
                    biased;
                    () = stop.cancelled() => return Ok(None),
                    read = self.connection.retr(number) => read,
                };
                match read {
                    Ok(raw) => store::store(self.caller, self.server, &origin, &raw, false).await?,
                    Err(error) => {
                        settled.insert(origin.uid);
                        let reason = say!("quarantine-left", why = error.text());
                        let for_good = matches!(error.cause(), Cause::TooLarge { .. });
                        self.leave(&origin, &reason, for_good).await?;
                        if self.connection.is_usable() {
                            continue;
                        }
                        return Ok(Some(error));
                    }
                }
                *count += 1;
            }
            match self.connection.dele(number).await {
                Ok(()) => self.deleted.push(origin),
                Err(error) if self.connection.is_usable() => {
                    tracing::warn!(server = self.server.id, number, code = error.entry().code, %error, "a fetched message could not be deleted");
                }
                Err(error) => return Ok(Some(error)),
            }
        }
        Ok(None)
    }

    /// Leaves a message in the mailbox. Without unique ids it cannot be recognised in the next run,
    /// so that a note of it would be repeated for ever.
    async fn leave(&self, origin: &Origin<'_>, reason: &Text, for_good: bool) -> Result<()> {
        let (caller, server) = (self.caller, self.server);
        tracing::warn!(
            server = server.id,
            %reason,
            "a message is left in the mailbox"
        );
        if origin.uidvalidity != BY_UNIQUE_ID {
            return Ok(());
        }
        let origin = Origin {
            folder: LEFT,
            ..*origin
        };
        if for_good {
            return quarantine::keep(caller, server, &origin, None, reason).await;
        }
        quarantine::count_failure(caller, server, &origin, reason)
            .await
            .map(drop)
    }

    /// Has the deletions carried out.
    async fn end(self, count: usize) -> Result<usize> {
        let (caller, server) = (self.caller, self.server);
        self.connection
            .quit()
            .await
            .map_err(|error| transport_error(server, &error))?;
        // What is gone needs no note any more, and a server may give its unique id to another message.
        let env = caller.begin(Intent::Write).await?;
        let forgotten = async {
            for origin in &self.deleted {
                journal::forget_fetched(&env, server.id, origin).await?;
                let left = Origin {
                    folder: LEFT,
                    ..*origin
                };
                quarantine::forget(&env, server.id, &left).await?;
            }
            Ok(count)
        }
        .await;
        journal::finish(env, forgotten).await
    }
}

/// A unique id as a number for the journal: half of its digest, which no two ids of a mailbox share.
fn number_of(unique_id: &str) -> i64 {
    let digest = Sha1::digest(unique_id.as_bytes());
    let number = digest
        .iter()
        .take(8)
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(number >> 1).unwrap_or_default()
}

async fn noted(caller: &Caller, server: &FetchServer, folder: &str) -> Result<BTreeSet<i64>> {
    let from = Origin {
        folder,
        uidvalidity: BY_UNIQUE_ID,
        uid: 0,
    };
    journal::fetched(caller, server, &from).await
}

/// Forgets the messages that are not in the mailbox any more.
async fn forget_gone(
    caller: &Caller,
    server: &FetchServer,
    messages: &[(u32, u64, Origin<'static>)],
) -> Result<()> {
    let here: BTreeSet<i64> = messages.iter().map(|(_, _, origin)| origin.uid).collect();
    let mut gone = Vec::new();
    for folder in [MAILBOX, LEFT] {
        let noted = noted(caller, server, folder).await?;
        gone.extend(noted.difference(&here).map(|uid| Origin {
            folder,
            uidvalidity: BY_UNIQUE_ID,
            uid: *uid,
        }));
    }
    if gone.is_empty() {
        return Ok(());
    }
    let env = caller.begin(Intent::Write).await?;
    let forgotten = async {
        for origin in &gone {
            journal::forget_fetched(&env, server.id, origin).await?;
        }
        Ok(())
    }
    .await;
    journal::finish(env, forgotten).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unique_ids_become_numbers_that_differ_and_stay() {
        assert_eq!(
            number_of("whqtswO00WBw418f9t5JxYwZ"),
            number_of("whqtswO00WBw418f9t5JxYwZ")
        );
        assert_ne!(number_of("1"), number_of("2"));
        assert!(number_of("QhdPYR:00WBw1Ph7x7") > 0);
    }
}
