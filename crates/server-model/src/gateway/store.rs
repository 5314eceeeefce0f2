//! A fetched message is taken in and noted as fetched, in one transaction.

use std::collections::HashMap;

use sha1::{Digest as _, Sha1};

use super::handoff::Place;
use super::journal::{self, Origin};
use super::process::{self, Failure, Fallback, Options, Outcome};
use super::quarantine;
use super::route;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::models::fetchmail_server::Model as FetchServer;
use crate::models::ir_model;
use crate::registry::entry;
use crate::value::{Id, Map};

/// How often a message is tried when other transactions keep winning.
const ATTEMPTS: u32 = 5;

/// Stores the message and notes that it was fetched. What cannot be stored is kept with its bytes
/// in the quarantine, so that it neither gets lost nor blocks what is behind it. A message that was
/// noted before is left alone. Where the server has numbered its messages anew, one that was fetched
/// under another number is recognised by its contents.
///
/// # Errors
/// When the database is out, or not even the quarantine takes it; then it will be fetched again.
pub async fn store(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: &[u8],
    renumbered: bool,
) -> Result<()> {
    let mut attempt = 1;
    loop {
        match try_store(caller, server, origin, raw, renumbered).await {
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => attempt += 1,
            Err(error) if error.is_outage() => return Err(error),
            Err(error) => {
                tracing::warn!(server = server.id, uid = origin.uid, %error, "a message went to the quarantine");
                let reason = quarantine::reason(&error);
                return quarantine::keep(caller, server, origin, Some(raw), &reason).await;
            }
            Ok(()) => return Ok(()),
        }
    }
}

async fn try_store(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: &[u8],
    renumbered: bool,
) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let taken_in = async {
        // Before anything else, so that of two processes that fetched the same message only one
        // goes on: the other waits here, and then finds it noted.
        let digest = Sha1::digest(raw).into();
        let recognised = if renumbered {
            journal::recognised(&env, server.id, &[digest]).await?
        } else {
            HashMap::new()
        };
        if !journal::note_fetched(&env, server.id, origin, Some(digest)).await? {
            tracing::info!(
                server = server.id,
                uid = origin.uid,
                "a message that was fetched already was left out"
            );
            return Ok(());
        }
        let message = match recognised.get(&digest) {
            Some(message) => *message,
            None => take_in(&env, Some(server), raw).await?,
        };
        journal::note_message(&env, server.id, origin, message).await?;
        quarantine::forget(&env, server.id, origin).await?;
        Ok::<(), Failure>(())
    }
    .await;
    match taken_in {
        Ok(()) => env.commit().await,
        Err(failure) => {
            env.rollback().await.ok();
            Err(process::settle(caller, raw, failure).await)
        }
    }
}

/// Takes in what a mailbox brought, as its settings say; gives the message that came of it.
///
/// # Errors
/// A failure for [`process::settle`].
pub async fn take_in(
    env: &Env,
    server: Option<&FetchServer>,
    raw: &[u8],
) -> Result<Option<Id>, Failure> {
    let options = options(env, server).await?;
    Ok(match process::within(env, raw, &options).await? {
        Outcome::Posted(posted) => Some(posted.message),
        Outcome::Settled | Outcome::Nowhere => None,
    })
}

/// What a mailbox's settings ask for. A mail that belongs nowhere is kept all the same: it was
/// fetched, and nobody would look for it in the mailbox any more.
///
/// # Errors
/// When the database fails.
pub async fn options(env: &Env, server: Option<&FetchServer>) -> Result<Options> {
    let Some(server) = server else {
        return Ok(Options {
            keep_unrouted: true,
            ..Options::default()
        });
    };
    let model = match server.object_id {
        Some(model) => ir_model::name_of(env, model).await?,
        None => None,
    };
    Ok(Options {
        foreign: model.clone().filter(|model| entry(model).is_err()),
        fallback: model
            .filter(|model| route::is_thread(model))
            .map(|model| Fallback {
                model,
                thread: None,
                values: Map::new(),
            }),
        save_original: server.original.unwrap_or(false),
        strip_attachments: !server.attach.unwrap_or(true),
        keep_unrouted: true,
        handoff: Place::of_server(env, server.id).await?,
    })
}
