//! The quarantine: fetched messages that could not be stored, and those that could not be fetched.

use std::error::Error as _;

use sha1::{Digest as _, Sha1};

use super::journal::{self, Origin, push_origin};
use super::process::{self, Failure};
use super::store;
use crate::database::Intent;
use crate::dialect;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::fetchmail_server::{self, Model as FetchServer};
use crate::orm::convert;
use crate::value::Id;
use words::Text;

/// In so many runs a message is asked for before it is passed over.
const PATIENCE: i32 = 3;
/// How often a message is tried when other transactions keep winning.
const ATTEMPTS: u32 = 5;

/// The reason as it is kept: with what the database said, which callers are not told.
pub fn reason(error: &Error) -> Text {
    match (error, error.source()) {
        (Error::Database(_), Some(source)) => {
            Text::sentences([error.text(), Text::quote(source.to_string())])
        }
        _ => error.text(),
    }
}

/// Keeps a message that could not be stored, with the reason, and notes it as fetched. Without
/// bytes it is one that cannot be fetched and stays in the mailbox for ever.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    raw: Option<&[u8]>,
    reason: &Text,
) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let kept = async {
        let digest = raw.map(|raw| Sha1::digest(raw).into());
        if journal::note_fetched(&env, server.id, origin, digest).await? {
            forget(&env, server.id, origin).await?;
            insert(&env, server.id, origin, raw, reason).await?;
        }
        Ok(())
    }
    .await;
    journal::finish(env, kept).await
}

/// Notes that a message could not be fetched this time. A server may have a bad moment, so only
/// what fails in several runs is passed over from then on; gives whether it is.
///
/// # Errors
/// When the database fails.
pub async fn count_failure(
    caller: &Caller,
    server: &FetchServer,
    origin: &Origin<'_>,
    reason: &Text,
) -> Result<bool> {
    let env = caller.begin(Intent::Write).await?;
    let counted = async {
        let mut sql = env.sql("UPDATE postern_quarantine SET attempts = attempts + 1, reason = ");
        sql.bind(reason.stored());
        push_origin(&mut sql, server.id, origin);
        sql.push(" AND raw IS NULL RETURNING attempts");
        let attempts = match env.row(sql).await? {
            Some(row) => convert::get::<i32>(&row, 0)?.unwrap_or(1),
            None => {
                insert(&env, server.id, origin, None, reason).await?;
                1
            }
        };
        if attempts < PATIENCE {
            return Ok(false);
        }
        journal::note_fetched(&env, server.id, origin, None).await?;
        Ok(true)
    }
    .await;
    journal::finish(env, counted).await
}

/// Forgets earlier failures to fetch a message.
///
/// # Errors
/// When the database fails.
pub async fn forget(env: &Env, server: Id, origin: &Origin<'_>) -> Result<()> {
    let mut sql = env.sql("DELETE FROM postern_quarantine");
    push_origin(&mut sql, server, origin);
    sql.push(" AND raw IS NULL");
    env.execute(sql).await?;
    Ok(())
}

/// Forgets earlier failures to fetch these messages, all of one folder.
///
/// # Errors
/// When the database fails.
pub async fn forget_all(env: &Env, server: Id, origins: &[Origin<'_>]) -> Result<()> {
    let Some(first) = origins.first() else {
        return Ok(());
    };
    let mut sql =
        env.sql("DELETE FROM postern_quarantine WHERE raw IS NULL AND fetchmail_server_id = ");
    sql.bind(server).push(" AND folder = ").bind(first.folder);
    sql.push(" AND uidvalidity = ").bind(first.uidvalidity);
    sql.push(" AND uid");
    let uids: Vec<i64> = origins.iter().map(|origin| origin.uid).collect();
    dialect::in_numbers(&mut sql, &uids);
    env.execute(sql).await?;
    Ok(())
}

async fn insert(
    env: &Env,
    server: Id,
    origin: &Origin<'_>,
    raw: Option<&[u8]>,
    reason: &Text,
) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO postern_quarantine (fetchmail_server_id, folder, uidvalidity, uid, reason, raw, attempts, create_date) VALUES (",
    );
    sql.bind(server).push(", ").bind(origin.folder).push(", ");
    sql.bind(origin.uidvalidity)
        .push(", ")
        .bind(origin.uid)
        .push(", ");
    sql.bind(reason.stored())
        .push(", ")
        .bind(raw.map(<[u8]>::to_vec))
        .push(", 1, ");
    sql.bind(env.now()).push(")");
    env.execute(sql).await?;
    Ok(())
}

/// Takes in again what is kept under this id. On success the row is gone; else it has counted the
/// attempt and has the new reason. A message that could not be fetched becomes one that was not
/// fetched yet, so that the next run asks for it again if it is still unread.
///
/// # Errors
/// When the database is out.
pub async fn replay(caller: &Caller, id: Id) -> Result<bool> {
    let mut attempt = 1;
    let error = loop {
        match try_replay(caller, id).await {
            Ok(()) => return Ok(true),
            Err(error) if error.is_retryable() && attempt < ATTEMPTS => attempt += 1,
            Err(error) if error.is_outage() => return Err(error),
            Err(error) => break error,
        }
    };
    let reason = reason(&error);
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql("UPDATE postern_quarantine SET attempts = attempts + 1, reason = ");
    sql.bind(reason.stored()).push(" WHERE id = ").bind(id);
    let counted = env.execute(sql).await.map(|_| false);
    journal::finish(env, counted).await
}

async fn try_replay(caller: &Caller, id: Id) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let mut raw = Vec::new();
    let replayed = async {
        // The row goes first, so that of two who replay it only one takes the message in.
        let mut sql = env.sql("DELETE FROM postern_quarantine WHERE id = ");
        sql.bind(id);
        sql.push(" RETURNING fetchmail_server_id, folder, uidvalidity, uid, raw");
        let Some(row) = env.row(sql).await? else {
            return Ok(());
        };
        let server = convert::get::<Id>(&row, 0)?;
        let folder = convert::get::<String>(&row, 1)?.unwrap_or_default();
        let origin = Origin {
            folder: &folder,
            uidvalidity: convert::get(&row, 2)?.unwrap_or_default(),
            uid: convert::get(&row, 3)?.unwrap_or_default(),
        };
        let server = match server {
            Some(server) => fetchmail_server::rows(&env, &[server]).await?.pop(),
            None => None,
        };
        let Some(kept) = convert::get::<Vec<u8>>(&row, 4)? else {
            if let Some(server) = server {
                journal::forget_fetched(&env, server.id, &origin).await?;
            }
            return Ok(());
        };
        raw = kept;
        let message = store::take_in(&env, server.as_ref(), &raw).await?;
        if let Some(server) = server {
            journal::note_message(&env, server.id, &origin, message).await?;
        }
        Ok::<(), Failure>(())
    }
    .await;
    match replayed {
        Ok(()) => env.commit().await,
        Err(failure) => {
            env.rollback().await.ok();
            Err(process::settle(caller, &raw, failure).await)
        }
    }
}
