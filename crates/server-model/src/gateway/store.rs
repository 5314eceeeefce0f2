//! A fetched message is taken in and noted as fetched, in one transaction.

use super::fetch::Origin;
use super::process::{self, Failure, Fallback, Options, Outcome};
use super::route;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::fetchmail_server::Model as FetchServer;
use crate::orm::convert;
use crate::value::{Id, Map};

/// Stores the message and notes that it was fetched. What cannot be stored is kept with its bytes
/// in the quarantine, so that it neither gets lost nor blocks what is behind it.
///
/// # Errors
/// When not even the quarantine takes it; then it will be fetched again.
pub async fn store(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: &[u8],
) -> Result<()> {
    match try_store(caller, server, origin, raw).await {
        Ok(()) => Ok(()),
        Err(error) if error.is_retryable() => try_store(caller, server, origin, raw).await,
        Err(error @ (Error::Database(_) | Error::Conflict(_))) => Err(error),
        Err(error) => {
            tracing::warn!(server = server.id, uid = origin.uid, %error, "a message went to the quarantine");
            quarantine(caller, server, origin, Some(raw), &error.to_string()).await
        }
    }
}

async fn try_store(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: &[u8],
) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let taken_in = async {
        let options = options(&env, server).await?;
        let message = match process::within(&env, raw, &options).await? {
            Outcome::Posted(posted) => Some(posted.message),
            Outcome::Settled | Outcome::Nowhere => None,
        };
        note_fetched(&env, server, origin, message).await?;
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

/// What a mailbox's settings ask for. A mail that belongs nowhere is kept all the same: it was
/// fetched, and nobody would look for it in the mailbox any more.
async fn options(env: &Env, server: &FetchServer) -> Result<Options, Failure> {
    Ok(Options {
        fallback: model_of(env, server).await?.map(|model| Fallback {
            model,
            thread: None,
            values: Map::new(),
        }),
        save_original: server.original.unwrap_or(false),
        strip_attachments: !server.attach.unwrap_or(true),
        keep_unrouted: true,
    })
}

async fn model_of(env: &Env, server: &FetchServer) -> Result<Option<String>> {
    let mut sql = env.sql("SELECT model FROM ir_model WHERE id = ");
    sql.bind(server.object_id);
    let model: Option<String> = match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?,
        None => None,
    };
    Ok(model.filter(|model| route::is_thread(model)))
}

/// Keeps a message that could not be stored, or not even fetched, with the reason.
///
/// # Errors
/// When the database fails.
pub async fn quarantine(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: Option<&[u8]>,
    reason: &str,
) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql(
        "INSERT INTO postern_quarantine (fetchmail_server_id, folder, uidvalidity, uid, reason, raw, attempts, create_date) VALUES (",
    );
    sql.bind(server.id).push(", ").bind(origin.folder);
    sql.push(", ")
        .bind(origin.uidvalidity)
        .push(", ")
        .bind(origin.uid);
    sql.push(", ")
        .bind(reason)
        .push(", ")
        .bind(raw.map(<[u8]>::to_vec));
    sql.push(", 1, ").bind(env.now()).push(")");
    env.execute(sql).await?;
    note_fetched(&env, server, origin, None).await?;
    env.commit().await
}

async fn note_fetched(
    env: &Env,
    server: &FetchServer,
    origin: &Origin<'_>,
    message: Option<Id>,
) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO postern_fetched (fetchmail_server_id, folder, uidvalidity, uid, mail_message_id) VALUES (",
    );
    sql.bind(server.id).push(", ").bind(origin.folder);
    sql.push(", ")
        .bind(origin.uidvalidity)
        .push(", ")
        .bind(origin.uid);
    sql.push(", ")
        .bind(message)
        .push(") ON CONFLICT DO NOTHING");
    env.execute(sql).await?;
    Ok(())
}
