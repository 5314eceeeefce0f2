//! Reading a mailbox over IMAP: what is unseen, and what came after the cursor.
//!
//! Messages are fetched in lots, the next one while the one before is stored. What is fetched at a
//! time is bounded, because its size is asked first.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::Days;
use mail::imap::{ImapConnection, Mailbox};
use mail::server::Timeouts;
use mail::transport_error::TransportError;
use tokio_util::sync::CancellationToken;

use words::say;

use super::batch::{self, Circumstances};
use super::journal::{self, Cursor, Origin};
use super::lease::Lease;
use super::lots::{Lot, Lots};
use super::session::{open, transport_error};
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::fetchmail_server::Model as FetchServer;

const INBOX: &str = "INBOX";
/// A session that breaks more often than this without a message in between is not worth opening once
/// more.
const MOST_BREAKS: u32 = 3;

/// A mailbox, and what it takes to work on it.
#[derive(Clone, Copy)]
pub struct Task<'a> {
    /// Who works.
    pub caller: &'a Caller,
    /// The mailbox.
    pub server: &'a FetchServer,
    /// The right to work on it.
    pub lease: &'a Lease,
    /// Ends the work; what is being stored then is finished first.
    pub stop: &'a CancellationToken,
}

/// A session with the mailbox, which is opened again when it breaks.
pub struct Line<'a> {
    /// What it is for.
    pub task: Task<'a>,
    /// The session.
    pub connection: ImapConnection,
    /// The folder, with the UIDVALIDITY that all UIDs belong to.
    pub folder: Origin<'static>,
    breaks: u32,
}

impl Line<'_> {
    /// Where a message of the folder is.
    pub fn origin(&self, uid: u32) -> Origin<'static> {
        Origin {
            uid: i64::from(uid),
            ..self.folder
        }
    }

    /// Makes the session usable again after this error.
    ///
    /// # Errors
    /// When it broke too often, or cannot be opened.
    pub async fn mend(&mut self, error: &TransportError) -> Result<()> {
        if self.connection.is_usable() {
            return Ok(());
        }
        self.breaks += 1;
        if self.breaks > MOST_BREAKS {
            return Err(transport_error(self.task.server, error));
        }
        self.reopen().await
    }

    /// Opens the session anew.
    ///
    /// # Errors
    /// When that fails.
    pub async fn reopen(&mut self) -> Result<()> {
        let Task { caller, server, .. } = self.task;
        self.connection = open(caller, server, Timeouts::default()).await?;
        let failed = |error: TransportError| transport_error(server, &error);
        let mailbox = self.connection.select(INBOX).await.map_err(failed)?;
        if i64::from(mailbox.uid_validity.unwrap_or(0)) != self.folder.uidvalidity {
            return Err(Error::User(
                say!("error-fetch-renumbered", server = %server.name),
            ));
        }
        Ok(())
    }

    /// Something was fetched, so that the breaks before it do not count any more.
    pub fn works(&mut self) {
        self.breaks = 0;
    }

    /// Marks stored messages as seen. What the server refuses changes nothing: they are noted as
    /// fetched, and marked with the next run. Gives those that are marked.
    async fn mark(&mut self, uids: &[u32]) -> Result<Vec<i64>> {
        let marked = || uids.iter().map(|uid| i64::from(*uid)).collect();
        let Err(mut error) = self.connection.mark_seen(uids).await else {
            return Ok(marked());
        };
        if !self.connection.is_usable() {
            // The line broke, which says nothing about the marks.
            self.mend(&error).await?;
            match self.connection.mark_seen(uids).await {
                Ok(()) => return Ok(marked()),
                Err(again) => error = again,
            }
        }
        tracing::warn!(server = self.task.server.id, messages = uids.len(), code = error.entry().code, %error, "fetched messages could not be marked as seen");
        self.mend(&error).await?;
        Ok(Vec::new())
    }
}

/// Fetches what is new, and gives how many messages that were and the session. One message that the
/// server does not give out keeps no other.
///
/// # Errors
/// As for [`open`], and when the session breaks again and again; what was stored until then stays.
pub async fn fetch(
    task: Task<'_>,
    connection: Option<ImapConnection>,
) -> Result<(usize, ImapConnection)> {
    let failed = |error: TransportError| transport_error(task.server, &error);
    let mut connection = match connection {
        Some(connection) => connection,
        None => open(task.caller, task.server, Timeouts::default()).await?,
    };
    let mailbox = connection.select(INBOX).await.map_err(failed)?;
    let folder = Origin {
        folder: INBOX,
        uidvalidity: i64::from(mailbox.uid_validity.unwrap_or(0)),
        uid: 0,
    };
    let mut line = Line {
        task,
        connection,
        folder,
        breaks: 0,
    };
    let cursor = journal::cursor(task.caller, task.server, INBOX, folder.uidvalidity).await?;
    if cursor == Cursor::New {
        // From now on a new mail is new, even if somebody looks at it before this run is through.
        let last = mailbox.uid_next.map(|next| next.saturating_sub(1));
        journal::advance(task.caller, task.server, &folder, last, &[]).await?;
    }
    let wanted = wanted(&mut line, cursor).await?;
    let mut lots = Lots::new(&wanted);
    let renumbered = matches!(cursor, Cursor::Renumbered(_));
    let (count, marked) = run(&mut line, &mut lots, renumbered).await?;
    let last = if task.stop.is_cancelled() || (renumbered && !lots.later.is_empty()) {
        None
    } else {
        behind(cursor, &mailbox, &wanted, &lots.later)
    };
    journal::advance(task.caller, task.server, &folder, last, &marked).await?;
    Ok((count, line.connection))
}

/// Fetches lot by lot, and stores each while the next one is fetched. Gives how many messages were
/// stored, and the last ones that were marked as seen, which is not noted yet.
async fn run(line: &mut Line<'_>, lots: &mut Lots, renumbered: bool) -> Result<(usize, Vec<i64>)> {
    let task = line.task;
    let mut count = 0;
    let mut marked = Vec::new();
    let mut fetched = next(line, lots).await?;
    while let Some(lot) = fetched {
        let uids = lot.uids();
        let around = Circumstances {
            lease: task.lease,
            marked: &marked,
            renumbered,
        };
        let (stored, next) = tokio::join!(store(task, lot, around), next(line, lots));
        stored?;
        count += uids.len();
        // Only what is committed is marked, so that a crash in between fetches it again.
        marked = line.mark(&uids).await?;
        fetched = next?;
    }
    Ok((count, marked))
}

/// The next lot; none when all is fetched, or the work is to end. A stop waits for what is being
/// stored, never for a server.
async fn next(line: &mut Line<'_>, lots: &mut Lots) -> Result<Option<Lot>> {
    let stop = line.task.stop;
    tokio::select! {
        biased;
        () = stop.cancelled() => Ok(None),
        lot = lots.next(line) => lot,
    }
}

async fn store(task: Task<'_>, lot: Lot, around: Circumstances<'_>) -> Result<()> {
    let Lot { letters, place } = lot;
    let letters = Arc::new(letters);
    let stored = batch::store(task.caller, task.server, &letters, around).await;
    drop((letters, place));
    stored
}

/// The messages to fetch, without those that were fetched already.
async fn wanted(line: &mut Line<'_>, cursor: Cursor) -> Result<BTreeSet<u32>> {
    let Task { caller, server, .. } = line.task;
    let failed = |error: TransportError| transport_error(server, &error);
    let unseen = line.connection.search_unseen().await.map_err(failed)?;
    let mut wanted: BTreeSet<u32> = unseen.into_iter().collect();
    mark_late(line, &wanted).await?;
    // Somebody may have looked at a new mail before we did; it is new all the same.
    let new = match cursor {
        Cursor::New => Vec::new(),
        Cursor::At(last) => {
            let from = last.saturating_add(1);
            line.connection.uids_from(from).await.map_err(failed)?
        }
        Cursor::Renumbered(last) => {
            // Days are the server's own, wherever that is.
            let day = last.date().checked_sub_days(Days::new(1));
            let day = day.unwrap_or_default();
            line.connection.uids_since(day).await.map_err(failed)?
        }
    };
    wanted.extend(new);
    if let Some(first) = wanted.first() {
        let from = line.origin(*first);
        let fetched = journal::fetched(caller, server, &from).await?;
        wanted.retain(|uid| !fetched.contains(&i64::from(*uid)));
    }
    Ok(wanted)
}

/// Marks as seen what was stored and could not be marked then.
async fn mark_late(line: &mut Line<'_>, unseen: &BTreeSet<u32>) -> Result<()> {
    let Task { caller, server, .. } = line.task;
    let late = journal::unmarked(caller, server, &line.folder).await?;
    if late.is_empty() {
        return Ok(());
    }
    let (unseen, mut settled): (Vec<i64>, Vec<i64>) = late.into_iter().partition(|uid| {
        let uid = u32::try_from(*uid);
        uid.is_ok_and(|uid| unseen.contains(&uid))
    });
    let uids: Vec<u32> = unseen
        .iter()
        .filter_map(|uid| u32::try_from(*uid).ok())
        .collect();
    if !uids.is_empty() {
        settled.extend(line.mark(&uids).await?);
    }
    journal::advance(caller, server, &line.folder, None, &settled).await
}

/// Where the cursor goes: behind everything that was there when the mailbox was opened, but not
/// behind new messages that are to be asked for again. Older ones are found again by being unseen.
fn behind(
    cursor: Cursor,
    mailbox: &Mailbox,
    wanted: &BTreeSet<u32>,
    later: &BTreeSet<u32>,
) -> Option<u32> {
    let announced = mailbox.uid_next.map(|next| next.saturating_sub(1));
    let last = announced.max(wanted.last().copied())?;
    let Cursor::At(cursor) = cursor else {
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
        assert_eq!(go(Cursor::At(10), &[]), Some(19));
        assert_eq!(go(Cursor::At(10), &[12, 15]), Some(11));
        // An old one is found again as long as it is unseen.
        assert_eq!(go(Cursor::At(10), &[3]), Some(19));
        assert_eq!(go(Cursor::New, &[3, 12]), Some(19));
    }
}
