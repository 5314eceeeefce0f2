//! Reading a mailbox over IMAP: what is unseen, and what came after the cursor.

use std::collections::BTreeSet;

use mail::imap::{ImapConnection, Mailbox};
use mail::server::Timeouts;
use mail::transport_error::{Cause, TransportError};
use tokio_util::sync::CancellationToken;

use super::journal::{self, Origin};
use super::session::{open, transport_error};
use super::{quarantine, store};
use crate::env::Caller;
use crate::error::Result;
use crate::models::fetchmail_server::Model as FetchServer;

const INBOX: &str = "INBOX";
/// A session that breaks more often than this in one run is not worth opening once more.
const MOST_BREAKS: u32 = 3;

/// One run through a mailbox.
struct Run<'a> {
    caller: &'a Caller,
    server: &'a FetchServer,
    timeouts: Timeouts,
    connection: ImapConnection,
    uidvalidity: i64,
    breaks: u32,
}

/// What became of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fetched {
    /// It is stored, or in the quarantine.
    Stored,
    /// It will never be: it is gone, or passed over from now on.
    Never,
    /// It is asked for again in the next run.
    Later,
}

/// Fetches what is new and gives how many messages that were. One message that the server does not
/// give out keeps no other.
///
/// # Errors
/// As for [`open`], and when the session breaks again and again; what was stored until then stays.
pub async fn fetch(
    caller: &Caller,
    server: &FetchServer,
    timeouts: Timeouts,
    stop: &CancellationToken,
) -> Result<usize> {
    let failed = |error: TransportError| transport_error(server, &error);
    let mut connection: ImapConnection = open(caller, server, timeouts.clone()).await?;
    let mailbox = connection.select(INBOX).await.map_err(failed)?;
    let uidvalidity = i64::from(mailbox.uid_validity.unwrap_or(0));
    let cursor = journal::cursor(caller, server, INBOX, uidvalidity).await?;
    let mut run = Run {
        caller,
        server,
        timeouts,
        connection,
        uidvalidity,
        breaks: 0,
    };
    let wanted = run.wanted(cursor).await?;
    let mut count = 0;
    let mut later = BTreeSet::new();
    for uid in &wanted {
        // A stop waits for what is being stored, never for a server.
        let raw = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(count),
            raw = run.read(*uid) => raw,
        };
        match run.take_in(*uid, raw).await? {
            Fetched::Stored => count += 1,
            Fetched::Never => {}
            Fetched::Later => {
                later.insert(*uid);
            }
        }
    }
    if let Some(last) = behind(cursor, &mailbox, &wanted, &later) {
        journal::advance(caller, server, INBOX, uidvalidity, last).await?;
    }
    run.connection.logout().await;
    Ok(count)
}

impl Run<'_> {
    fn origin(&self, uid: u32) -> Origin<'static> {
        Origin {
            folder: INBOX,
            uidvalidity: self.uidvalidity,
            uid: i64::from(uid),
        }
    }

    /// The messages to fetch, without those that were fetched already.
    async fn wanted(&mut self, cursor: Option<u32>) -> Result<BTreeSet<u32>> {
        let failed = |error: TransportError| transport_error(self.server, &error);
        let unseen = self.connection.search_unseen().await.map_err(failed)?;
        let mut wanted: BTreeSet<u32> = unseen.into_iter().collect();
        if let Some(last) = cursor {
            // Somebody may have looked at a new mail before we did; it is new all the same.
            let from = last.saturating_add(1);
            let new = self.connection.uids_from(from).await.map_err(failed)?;
            wanted.extend(new);
        }
        if let Some(first) = wanted.first() {
            let from = self.origin(*first);
            let fetched = journal::fetched(self.caller, self.server, &from).await?;
            wanted.retain(|uid| !fetched.contains(&i64::from(*uid)));
        }
        Ok(wanted)
    }

    /// The size is not asked for beforehand: servers only estimate it, some do not tell it, and the
    /// connection takes no more than the limit in any case.
    async fn read(&mut self, uid: u32) -> Result<Option<Vec<u8>>, TransportError> {
        self.connection.fetch(uid).await
    }

    async fn take_in(
        &mut self,
        uid: u32,
        read: Result<Option<Vec<u8>>, TransportError>,
    ) -> Result<Fetched> {
        let origin = self.origin(uid);
        let raw = match read {
            Ok(Some(raw)) => raw,
            // Somebody deleted it since it was listed.
            Ok(None) => return Ok(Fetched::Never),
            Err(error) => return self.set_aside(&origin, &error).await,
        };
        store::store(self.caller, self.server, &origin, &raw).await?;
        // Only what is committed is marked, so that a crash in between fetches it again. A mark that
        // the server refuses changes nothing: the message is noted as fetched.
        if let Err(error) = self.connection.mark_seen(&[uid]).await {
            tracing::warn!(server = self.server.id, uid, %error, "a fetched message could not be marked as seen");
            self.mend(&error).await?;
        }
        Ok(Fetched::Stored)
    }

    /// Notes that a message was not given out, and makes the session usable for the next one.
    async fn set_aside(&mut self, origin: &Origin<'_>, error: &TransportError) -> Result<Fetched> {
        let (caller, server) = (self.caller, self.server);
        tracing::warn!(server = server.id, uid = origin.uid, %error, "a message could not be fetched");
        let reason = format!("{error}. The message is still in the mailbox.");
        if matches!(error.cause(), Cause::TooLarge { .. }) {
            // A server that announced more than was asked for has to be cut off, which says
            // nothing about the server.
            quarantine::keep(caller, server, origin, None, &reason).await?;
            if !self.connection.is_usable() {
                self.reopen().await?;
            }
            return Ok(Fetched::Never);
        }
        // First the session: a server that is out altogether is no failure of this message.
        self.mend(error).await?;
        let is_passed_over = quarantine::count_failure(caller, server, origin, &reason).await?;
        Ok(if is_passed_over {
            Fetched::Never
        } else {
            Fetched::Later
        })
    }

    async fn mend(&mut self, error: &TransportError) -> Result<()> {
        if self.connection.is_usable() {
            return Ok(());
        }
        self.breaks += 1;
        if self.breaks > MOST_BREAKS {
            return Err(transport_error(self.server, error));
        }
        self.reopen().await
    }

    async fn reopen(&mut self) -> Result<()> {
        self.connection = open(self.caller, self.server, self.timeouts.clone()).await?;
        let failed = |error: TransportError| transport_error(self.server, &error);
        self.connection.select(INBOX).await.map_err(failed)?;
        Ok(())
    }
}

/// Where the cursor goes: behind everything that was there when the mailbox was opened, but not
/// behind new messages that are to be asked for again. Older ones are found again by being unseen.
fn behind(
    cursor: Option<u32>,
    mailbox: &Mailbox,
    wanted: &BTreeSet<u32>,
    later: &BTreeSet<u32>,
) -> Option<u32> {
    let announced = mailbox.uid_next.map(|next| next.saturating_sub(1));
    let last = announced.max(wanted.last().copied())?;
    let Some(cursor) = cursor else {
        return Some(last);
    };
    let first_later = later.iter().find(|uid| **uid > cursor);
    Some(first_later.map_or(last, |uid| uid.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_before_new_messages_that_are_asked_for_again() {
        let mailbox = Mailbox {
            name: INBOX.into(),
            exists: 9,
            uid_validity: Some(1),
            uid_next: Some(20),
            read_only: false,
        };
        let wanted = BTreeSet::from([3, 12, 15]);
        let go = |cursor, later: &[u32]| {
            behind(cursor, &mailbox, &wanted, &later.iter().copied().collect())
        };
        assert_eq!(go(Some(10), &[]), Some(19));
        assert_eq!(go(Some(10), &[12, 15]), Some(11));
        // An old one is found again as long as it is unseen.
        assert_eq!(go(Some(10), &[3]), Some(19));
        assert_eq!(go(None, &[3, 12]), Some(19));
    }
}
