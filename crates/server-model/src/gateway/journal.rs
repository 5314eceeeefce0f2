//! What is remembered of the mailboxes: the messages that were fetched, and how far reading came.

use std::collections::BTreeSet;

use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::fetchmail_server::Model as FetchServer;
use crate::orm::convert;
use crate::sql::Sql;
use crate::value::Id;

/// Where a message was found.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The folder.
    pub folder: &'a str,
    /// The UIDVALIDITY of the folder (RFC 3501 section 2.3.1.1); for POP3, which has none, a number
    /// that `pop` gives a meaning.
    pub uidvalidity: i64,
    /// The UID of the message, or what `pop` takes for one.
    pub uid: i64,
}

/// Adds the condition for the rows of this message.
pub fn push_origin(sql: &mut Sql, server: Id, origin: &Origin<'_>) {
    sql.push(" WHERE fetchmail_server_id = ").bind(server);
    sql.push(" AND folder = ").bind(origin.folder);
    sql.push(" AND uidvalidity = ").bind(origin.uidvalidity);
    sql.push(" AND uid = ").bind(origin.uid);
}

/// Commits what went well, and takes back what did not.
///
/// # Errors
/// That of the work, else that of the commit.
pub async fn finish<T>(env: Env, done: Result<T>) -> Result<T> {
    match done {
        Ok(value) => env.commit().await.map(|()| value),
        Err(error) => {
            env.rollback().await.ok();
            Err(error)
        }
    }
}

/// Notes the message as fetched; false when it was noted before. Of two transactions that note the
/// same message, one is told to try again and then finds it noted.
///
/// # Errors
/// When the database fails.
pub async fn note_fetched(env: &Env, server: Id, origin: &Origin<'_>) -> Result<bool> {
    let mut sql = env.sql(
        "INSERT INTO postern_fetched (fetchmail_server_id, folder, uidvalidity, uid) VALUES (",
    );
    sql.bind(server).push(", ").bind(origin.folder).push(", ");
    sql.bind(origin.uidvalidity).push(", ").bind(origin.uid);
    sql.push(") ON CONFLICT DO NOTHING");
    Ok(env.execute(sql).await?.rows_affected() > 0)
}

/// Notes what was made of a message that is noted as fetched.
///
/// # Errors
/// When the database fails.
pub async fn note_message(
    env: &Env,
    server: Id,
    origin: &Origin<'_>,
    message: Option<Id>,
) -> Result<()> {
    let mut sql = env.sql("UPDATE postern_fetched SET mail_message_id = ");
    sql.bind(message);
    push_origin(&mut sql, server, origin);
    env.execute(sql).await?;
    Ok(())
}

/// Makes a message one that was not fetched yet.
///
/// # Errors
/// When the database fails.
pub async fn forget_fetched(env: &Env, server: Id, origin: &Origin<'_>) -> Result<()> {
    let mut sql = env.sql("DELETE FROM postern_fetched");
    push_origin(&mut sql, server, origin);
    env.execute(sql).await?;
    Ok(())
}

/// The messages of a folder that were fetched, from this number on.
///
/// # Errors
/// When the database fails.
pub async fn fetched(
    caller: &Caller,
    server: &FetchServer,
    from: &Origin<'_>,
) -> Result<BTreeSet<i64>> {
    let env = caller.begin(Intent::Read).await?;
    let mut sql = env.sql("SELECT uid FROM postern_fetched WHERE fetchmail_server_id = ");
    sql.bind(server.id).push(" AND folder = ").bind(from.folder);
    sql.push(" AND uidvalidity = ").bind(from.uidvalidity);
    sql.push(" AND uid >= ").bind(from.uid);
    let rows = env.rows(sql).await;
    env.rollback().await.ok();
    let mut fetched = BTreeSet::new();
    for row in rows? {
        fetched.extend(convert::get::<i64>(&row, 0)?);
    }
    Ok(fetched)
}

/// How far the folder was read: the last UID that was looked at. `None` for a folder that is new,
/// or whose UIDs have got another meaning.
///
/// # Errors
/// When the database fails.
pub async fn cursor(
    caller: &Caller,
    server: &FetchServer,
    folder: &str,
    uidvalidity: i64,
) -> Result<Option<u32>> {
    let env = caller.begin(Intent::Read).await?;
    let mut sql =
        env.sql("SELECT last_uid FROM postern_mailbox_cursor WHERE fetchmail_server_id = ");
    sql.bind(server.id).push(" AND folder = ").bind(folder);
    sql.push(" AND uidvalidity = ").bind(uidvalidity);
    let row = env.row(sql).await;
    env.rollback().await.ok();
    let last = match row? {
        Some(row) => convert::get::<i64>(&row, 0)?,
        None => None,
    };
    Ok(last.and_then(|last| u32::try_from(last).ok()))
}

/// Notes how far the folder was read.
///
/// # Errors
/// When the database fails.
pub async fn advance(
    caller: &Caller,
    server: &FetchServer,
    folder: &str,
    uidvalidity: i64,
    last: u32,
) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let mut sql = env.sql(
        "INSERT INTO postern_mailbox_cursor (fetchmail_server_id, folder, uidvalidity, last_uid, updated_at) VALUES (",
    );
    sql.bind(server.id).push(", ").bind(folder).push(", ");
    sql.bind(uidvalidity).push(", ");
    sql.bind(i64::from(last)).push(", ").bind(env.now());
    sql.push(") ON CONFLICT (fetchmail_server_id, folder) DO UPDATE SET uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid, updated_at = excluded.updated_at");
    let done = env.execute(sql).await.map(drop);
    match finish(env, done).await {
        // Another process reads the same mailbox and has noted it in the same instant.
        Err(Error::Conflict(_)) => Ok(()),
        done => done,
    }
}
