//! What is remembered of the mailboxes: the messages that were fetched, and how far reading came.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDateTime;
use sea_orm::QueryResult;

use crate::database::Intent;
use crate::dialect;
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

/// The SHA-1 of a mail as it came, by which it is recognised when its server has numbered all anew.
pub type Digest = [u8; 20];

/// A fetched message, to be noted.
#[derive(Clone, Copy, Debug)]
pub struct Note {
    /// Where it was found.
    pub origin: Origin<'static>,
    /// Its digest, where its bytes were seen.
    pub digest: Option<Digest>,
    /// The message that was made of it.
    pub message: Option<Id>,
}

/// Notes the message as fetched; false when it was noted before. Of two transactions that note the
/// same message, one is told to try again and then finds it noted.
///
/// # Errors
/// When the database fails.
pub async fn note_fetched(
    env: &Env,
    server: Id,
    origin: &Origin<'_>,
    digest: Option<Digest>,
) -> Result<bool> {
    let mut sql = env.sql(INSERT);
    push_note(&mut sql, server, origin, digest, None);
    sql.push(") ON CONFLICT DO NOTHING");
    Ok(env.execute(sql).await?.rows_affected() > 0)
}

/// Notes many messages as fetched; false when one of them was noted before. Then the caller takes
/// back what it made of them.
///
/// # Errors
/// When the database fails.
pub async fn note_all(env: &Env, server: Id, notes: &[Note]) -> Result<bool> {
    let mut left = notes;
    while !left.is_empty() {
        let (some, rest) = left.split_at(dialect::rows_at_once(left.len(), AT_ONCE));
        left = rest;
        let mut sql = env.sql(INSERT);
        for (place, note) in some.iter().enumerate() {
            sql.push(if place == 0 { "" } else { "), (" });
            push_note(&mut sql, server, &note.origin, note.digest, note.message);
        }
        sql.push(") ON CONFLICT DO NOTHING");
        if env.execute(sql).await?.rows_affected() < some.len() as u64 {
            return Ok(false);
        }
    }
    Ok(true)
}

const INSERT: &str = "INSERT INTO postern_fetched (fetchmail_server_id, folder, uidvalidity, uid, digest, is_marked, mail_message_id) VALUES (";
/// So many messages are noted with one statement, whose values the databases limit.
const AT_ONCE: usize = 256;

fn push_note(
    sql: &mut Sql,
    server: Id,
    origin: &Origin<'_>,
    digest: Option<Digest>,
    message: Option<Id>,
) {
    sql.bind(server).push(", ").bind(origin.folder).push(", ");
    sql.bind(origin.uidvalidity).push(", ").bind(origin.uid);
    sql.push(", ").bind(digest.map(|digest| digest.to_vec()));
    // What could not even be fetched stays as it is in its mailbox.
    sql.push(if digest.is_some() {
        ", FALSE, "
    } else {
        ", TRUE, "
    })
    .bind(message);
}

/// Notes that messages are marked as seen in their folder, or need not be.
///
/// # Errors
/// When the database fails.
pub async fn note_marked(env: &Env, server: Id, folder: &Origin<'_>, uids: &[i64]) -> Result<()> {
    if uids.is_empty() {
        return Ok(());
    }
    let mut sql =
        env.sql("UPDATE postern_fetched SET is_marked = TRUE WHERE fetchmail_server_id = ");
    push_folder(&mut sql, server, folder);
    sql.push(" AND uid");
    dialect::in_numbers(&mut sql, uids);
    env.execute(sql).await?;
    Ok(())
}

/// The messages of a folder that are stored and not marked as seen yet, because the connection or
/// the program broke off in between.
///
/// # Errors
/// When the database fails.
pub async fn unmarked(
    caller: &Caller,
    server: &FetchServer,
    folder: &Origin<'_>,
) -> Result<BTreeSet<i64>> {
    let env = caller.begin(Intent::Read).await?;
    let mut sql =
        env.sql("SELECT uid FROM postern_fetched WHERE NOT is_marked AND fetchmail_server_id = ");
    push_folder(&mut sql, server.id, folder);
    let rows = env.rows(sql).await;
    env.end_reading();
    numbers(rows?)
}

/// Which of these mails were fetched from the server before, whatever their numbers were then: with
/// the message that was made of each.
///
/// # Errors
/// When the database fails.
pub async fn recognised(
    env: &Env,
    server: Id,
    digests: &[Digest],
) -> Result<HashMap<Digest, Option<Id>>> {
    let mut found = HashMap::new();
    for some in digests.chunks(AT_ONCE) {
        let mut sql = env.sql(
            "SELECT digest, mail_message_id FROM postern_fetched WHERE fetchmail_server_id = ",
        );
        sql.bind(server).push(" AND digest IN (");
        for (place, digest) in some.iter().enumerate() {
            sql.push(if place == 0 { "" } else { ", " })
                .bind(digest.to_vec());
        }
        sql.push(") ORDER BY id DESC");
        for row in env.rows(sql).await? {
            let digest = convert::get::<Vec<u8>>(&row, 0)?.unwrap_or_default();
            if let Ok(digest) = Digest::try_from(digest.as_slice()) {
                found.insert(digest, convert::get(&row, 1)?);
            }
        }
    }
    Ok(found)
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
    push_folder(&mut sql, server.id, from);
    sql.push(" AND uid >= ").bind(from.uid);
    let rows = env.rows(sql).await;
    env.end_reading();
    numbers(rows?)
}

fn push_folder(sql: &mut Sql, server: Id, folder: &Origin<'_>) {
    sql.bind(server)
        .push(" AND folder = ")
        .bind(folder.folder)
        .push(" AND uidvalidity = ")
        .bind(folder.uidvalidity);
}

fn numbers(rows: Vec<QueryResult>) -> Result<BTreeSet<i64>> {
    let mut numbers = BTreeSet::new();
    for row in rows {
        numbers.extend(convert::get::<i64>(&row, 0)?);
    }
    Ok(numbers)
}

/// How far a folder was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    /// It was never read.
    New,
    /// It was read at this moment last, and its messages have other numbers since.
    Renumbered(NaiveDateTime),
    /// Everything up to this UID was looked at.
    At(u32),
}

/// How far the folder was read.
///
/// # Errors
/// When the database fails.
pub async fn cursor(
    caller: &Caller,
    server: &FetchServer,
    folder: &str,
    uidvalidity: i64,
) -> Result<Cursor> {
    let env = caller.begin(Intent::Read).await?;
    let mut sql = env.sql(
        "SELECT last_uid, uidvalidity, updated_at FROM postern_mailbox_cursor WHERE fetchmail_server_id = ",
    );
    sql.bind(server.id).push(" AND folder = ").bind(folder);
    let row = env.row(sql).await;
    env.end_reading();
    let Some(row) = row? else {
        return Ok(Cursor::New);
    };
    if convert::get::<i64>(&row, 1)? != Some(uidvalidity) {
        let at: Option<NaiveDateTime> = convert::get(&row, 2)?;
        return Ok(Cursor::Renumbered(at.unwrap_or_default()));
    }
    let last = convert::get::<i64>(&row, 0)?.unwrap_or_default();
    Ok(Cursor::At(u32::try_from(last).unwrap_or(u32::MAX)))
}

/// Notes how far the folder was read, and what was marked as seen in it.
///
/// # Errors
/// When the database fails.
pub async fn advance(
    caller: &Caller,
    server: &FetchServer,
    folder: &Origin<'_>,
    last: Option<u32>,
    marked: &[i64],
) -> Result<()> {
    if last.is_none() && marked.is_empty() {
        return Ok(());
    }
    let env = caller.begin(Intent::Write).await?;
    let done = async {
        note_marked(&env, server.id, folder, marked).await?;
        let Some(last) = last else { return Ok(()) };
        let mut sql = env.sql(
            "INSERT INTO postern_mailbox_cursor (fetchmail_server_id, folder, uidvalidity, last_uid, updated_at) VALUES (",
        );
        sql.bind(server.id).push(", ").bind(folder.folder).push(", ");
        sql.bind(folder.uidvalidity).push(", ");
        sql.bind(i64::from(last)).push(", ").bind(env.now());
        sql.push(") ON CONFLICT (fetchmail_server_id, folder) DO UPDATE SET uidvalidity = excluded.uidvalidity, last_uid = excluded.last_uid, updated_at = excluded.updated_at");
        env.execute(sql).await.map(drop)
    }
    .await;
    match finish(env, done).await {
        // Another process reads the same mailbox and has noted it in the same instant.
        Err(Error::Conflict(_)) => Ok(()),
        done => done,
    }
}
