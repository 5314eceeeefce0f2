//! Reading a mailbox over IMAP: what is unseen, and what came after the cursor.

use std::collections::BTreeSet;

use mail::imap::{ImapConnection, ImapServer, Mailbox};
use mail::sasl::Credentials;
use mail::server::Timeouts;
use mail::transport_error::{Cause, TransportError};
use secrecy::SecretString;

use super::fetch::{Origin, credentials, endpoint, transport_error};
use super::store;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::Result;
use crate::models::fetchmail_server::Model as FetchServer;
use crate::orm::convert;

const INBOX: &str = "INBOX";

/// Connects and signs in. A token that the server refuses is renewed once.
///
/// # Errors
/// [`crate::error::Error::User`] that says at which step it failed.
pub async fn open(
    caller: &Caller,
    server: &FetchServer,
    timeouts: Timeouts,
) -> Result<ImapConnection> {
    let target = ImapServer::new(endpoint(server, timeouts)?);
    let mut refused: Option<SecretString> = None;
    loop {
        let credentials = credentials(caller, server, refused.as_ref()).await?;
        let mut connection = ImapConnection::connect(&target, caller.backend().trust())
            .await
            .map_err(|error| transport_error(server, &error))?;
        match connection.authenticate(&credentials).await {
            Ok(()) => return Ok(connection),
            Err(error) => match (&credentials, &refused) {
                (Credentials::OAuth { token, .. }, None) if error.is_auth_refused() => {
                    refused = Some(token.clone());
                }
                _ => return Err(transport_error(server, &error)),
            },
        }
    }
}

/// Fetches what is new and gives how many messages that were.
///
/// # Errors
/// As for [`open`], and when the session breaks; what was stored until then stays.
pub async fn fetch(caller: &Caller, server: &FetchServer, timeouts: Timeouts) -> Result<usize> {
    let failed = |error: TransportError| transport_error(server, &error);
    let mut connection = open(caller, server, timeouts.clone()).await?;
    let mailbox = connection.select(INBOX).await.map_err(failed)?;
    let uidvalidity = i64::from(mailbox.uid_validity.unwrap_or(0));
    let mut wanted: BTreeSet<u32> = connection
        .search_unseen()
        .await
        .map_err(failed)?
        .into_iter()
        .collect();
    if let Some(last) = cursor(caller, server, uidvalidity).await? {
        // Somebody may have looked at a new mail before we did; it is new all the same.
        wanted.extend(
            connection
                .uids_from(last.saturating_add(1))
                .await
                .map_err(failed)?,
        );
    }
    forget_fetched(caller, server, uidvalidity, &mut wanted).await?;
    let wanted: Vec<u32> = wanted.into_iter().collect();
    let mut count = 0;
    for uid in &wanted {
        let origin = Origin {
            folder: INBOX,
            uidvalidity,
            uid: i64::from(*uid),
        };
        // The size is not asked for beforehand: servers only estimate it, some do not tell it, and
        // the connection takes no more than the limit in any case.
        let raw = match connection.fetch(*uid).await {
            Ok(Some(raw)) => raw,
            Ok(None) => continue,
            Err(error) if is_too_large(&error) => {
                let reason = format!("{error}. The message is still in the mailbox.");
                store::quarantine(caller, server, &origin, None, &reason).await?;
                // A server that announced more than was asked for has to be cut off. What was
                // noted is passed over from now on.
                connection = open(caller, server, timeouts.clone()).await?;
                connection.select(INBOX).await.map_err(failed)?;
                continue;
            }
            Err(error) => return Err(failed(error)),
        };
        store::store(caller, server, &origin, &raw).await?;
        // Only what is committed is marked, so that a crash in between fetches it again.
        connection.mark_seen(&[*uid]).await.map_err(failed)?;
        count += 1;
    }
    advance(caller, server, &mailbox, &wanted).await?;
    connection.logout().await;
    Ok(count)
}

fn is_too_large(error: &TransportError) -> bool {
    matches!(error.cause(), Cause::TooLarge { .. })
}

async fn cursor(caller: &Caller, server: &FetchServer, uidvalidity: i64) -> Result<Option<u32>> {
    let env = caller.begin(Intent::Read).await?;
    let mut sql =
        env.sql("SELECT last_uid FROM postern_mailbox_cursor WHERE fetchmail_server_id = ");
    sql.bind(server.id).push(" AND folder = ").bind(INBOX);
    sql.push(" AND uidvalidity = ").bind(uidvalidity);
    let row = env.row(sql).await;
    env.rollback().await?;
    let last = match row? {
        Some(row) => convert::get::<i64>(&row, 0)?,
        None => None,
    };
    Ok(last.and_then(|last| u32::try_from(last).ok()))
}

async fn forget_fetched(
    caller: &Caller,
    server: &FetchServer,
    uidvalidity: i64,
    wanted: &mut BTreeSet<u32>,
) -> Result<()> {
    let Some(first) = wanted.first().copied() else {
        return Ok(());
    };
    let env = caller.begin(Intent::Read).await?;
    let mut sql = env.sql("SELECT uid FROM postern_fetched WHERE fetchmail_server_id = ");
    sql.bind(server.id).push(" AND folder = ").bind(INBOX);
    sql.push(" AND uidvalidity = ").bind(uidvalidity);
    sql.push(" AND uid >= ").bind(i64::from(first));
    let rows = env.rows(sql).await;
    env.rollback().await?;
    for row in rows? {
        let uid = convert::get::<i64>(&row, 0)?.and_then(|uid| u32::try_from(uid).ok());
        if let Some(uid) = uid {
            wanted.remove(&uid);
        }
    }
    Ok(())
}

/// Moves the cursor behind everything that was there when the mailbox was opened.
async fn advance(
    caller: &Caller,
    server: &FetchServer,
    mailbox: &Mailbox,
    fetched: &[u32],
) -> Result<()> {
    let announced = mailbox.uid_next.map(|next| next.saturating_sub(1));
    let Some(last) = announced.max(fetched.last().copied()) else {
        return Ok(());
    };
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql(
        "INSERT INTO postern_mailbox_cursor (fetchmail_server_id, folder, uidvalidity, last_uid, updated_at) VALUES (",
    );
    sql.bind(server.id).push(", ").bind(INBOX).push(", ");
    sql.bind(i64::from(mailbox.uid_validity.unwrap_or(0)))
        .push(", ");
    sql.bind(i64::from(last)).push(", ").bind(env.now());
    sql.push(") ON CONFLICT (fetchmail_server_id, folder) DO UPDATE SET uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid, updated_at = excluded.updated_at");
    env.execute(sql).await?;
    env.commit().await
}
