//! Files for a browser: the content of an attachment, for whoever may read it.

use std::sync::Arc;

use crate::backend::Backend;
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::orm::{access, convert, search};
use crate::registry::entry;
use crate::schema::Operation;
use crate::value::Id;

/// A file as it is stored.
pub struct File {
    /// The name that somebody gave it; foreign text.
    pub name: String,
    /// The media type, as declared or guessed; foreign text as well.
    pub mimetype: Option<String>,
    /// The content.
    pub bytes: Vec<u8>,
}

/// The content of an attachment; `None` when there is none, or the caller may not read it, which
/// nobody can tell apart. Without a caller only public files are found. Whoever has the token of the
/// file, from a link in a mail, may read it.
///
/// # Errors
/// When the database fails.
pub async fn content(
    backend: &Arc<Backend>,
    caller: Option<&Caller>,
    id: Id,
    token: Option<&str>,
) -> Result<Option<File>> {
    let superuser = Caller::superuser(Arc::clone(backend));
    let env = caller.unwrap_or(&superuser).begin(Intent::Read).await?;
    let found = async {
        if opens(&env, id, token.unwrap_or_default()).await? {
            return stored(&env, id, false).await;
        }
        read(&env, id, caller.is_none()).await
    }
    .await;
    env.rollback().await?;
    found
}

/// Whether this is the token of the file.
async fn opens(env: &Env, id: Id, token: &str) -> Result<bool> {
    // The shortest that was ever given out has 32 characters.
    if token.len() < 32 {
        return Ok(false);
    }
    let mut sql = env.sql("SELECT access_token FROM ir_attachment WHERE id = ");
    sql.bind(id);
    let known: Option<String> = match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?,
        None => None,
    };
    Ok(known.is_some_and(|known| auth::equal(known.as_bytes(), token.as_bytes())))
}

async fn read(env: &Env, id: Id, public_only: bool) -> Result<Option<File>> {
    let model = entry("ir.attachment")?;
    if search::existing(env, model, &[id]).await?.is_empty() {
        return Ok(None);
    }
    match access::check_records(env, model, &[id], Operation::Read).await {
        Ok(()) => {}
        Err(Error::Access(_)) => return Ok(None),
        Err(error) => return Err(error),
    }
    stored(env, id, public_only).await
}

async fn stored(env: &Env, id: Id, public_only: bool) -> Result<Option<File>> {
    let mut sql = env
        .sql("SELECT name, mimetype, db_datas, store_fname FROM ir_attachment WHERE type = 'binary' AND id = ");
    sql.bind(id);
    if public_only {
        sql.push(" AND public");
    }
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    Ok(Some(File {
        name: convert::get(&row, 0)?.unwrap_or_default(),
        mimetype: convert::get(&row, 1)?,
        bytes: env
            .backend()
            .home()
            .content(convert::get(&row, 2)?, convert::get(&row, 3)?)
            .await?
            .unwrap_or_default(),
    }))
}
