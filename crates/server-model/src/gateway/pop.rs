//! Reading a mailbox over POP3: all of it, deleting each message once it is stored.

use mail::pop3::{Pop3Connection, Pop3Server};
use mail::sasl::Credentials;
use mail::server::Timeouts;
use secrecy::SecretString;

use super::fetch::{Origin, credentials, endpoint, transport_error};
use super::store;
use crate::env::Caller;
use crate::error::Result;
use crate::models::fetchmail_server::Model as FetchServer;

/// POP3 has one mailbox without a name.
const MAILBOX: &str = "POP3";

/// Connects and signs in. A token that the server refuses is renewed once.
///
/// # Errors
/// [`crate::error::Error::User`] that says at which step it failed.
pub async fn open(
    caller: &Caller,
    server: &FetchServer,
    timeouts: Timeouts,
) -> Result<Pop3Connection> {
    let target = Pop3Server::new(endpoint(server, timeouts)?);
    let mut refused: Option<SecretString> = None;
    loop {
        let credentials = credentials(caller, server, refused.as_ref()).await?;
        let mut connection = Pop3Connection::connect(&target, caller.backend().trust())
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

/// Fetches everything and gives how many messages that were. Messages too large to be fetched
/// stay in the mailbox.
///
/// # Errors
/// As for [`open`], and when the session breaks; what was stored until then stays, and is
/// recognised by its Message-Id when the deletion did not take place.
pub async fn fetch(caller: &Caller, server: &FetchServer, timeouts: Timeouts) -> Result<usize> {
    let failed = |error| transport_error(server, &error);
    let limit = Pop3Server::new(endpoint(server, Timeouts::default())?).max_message_bytes;
    let mut connection = open(caller, server, timeouts).await?;
    let mut count = 0;
    for (number, size) in connection.list().await.map_err(failed)? {
        if size > limit {
            tracing::warn!(
                server = server.id,
                number,
                size,
                "a message is too large to be fetched"
            );
            continue;
        }
        let raw = connection.retr(number).await.map_err(failed)?;
        let origin = Origin {
            folder: MAILBOX,
            // A session's numbers mean nothing in the next one, so each message gets a number of
            // its own by the moment it was fetched.
            uidvalidity: caller.backend().unix_now(),
            uid: i64::from(number),
        };
        store::store(caller, server, &origin, &raw).await?;
        connection.dele(number).await.map_err(failed)?;
        count += 1;
    }
    connection.quit().await.map_err(failed)?;
    Ok(count)
}
