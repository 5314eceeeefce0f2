//! Archiving: records are put away and taken back by their `active` field.

use words::say;

use super::{access, read, search, write};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::Entry;
use crate::schema::Operation;
use crate::value::{AnyValue, Id, Ids, Key, Map};

/// What becomes of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// Those in use are archived.
    Archive,
    /// Those archived are taken back.
    Restore,
    /// Each is turned to the other side.
    Toggle,
}

/// Archives or restores records; those that are on that side already are left alone.
///
/// # Errors
/// [`Error::Value`] for a model whose records cannot be archived, [`Error::Missing`], and as for writing.
pub async fn records(env: &Env, model: &'static Entry, ids: &[Id], to: Move) -> Result<()> {
    access::check_records(env, model, ids, Operation::Write).await?;
    if !model.has_active() {
        return Err(Error::Value(
            say!("error-archive-no-active", model = ?model.name()),
        ));
    }
    let existing = search::existing(env, model, ids).await?;
    if let Some(gone) = ids.iter().find(|id| !existing.contains(id)) {
        return Err(write::missing(model, *gone));
    }
    let active = model.field("active")?;
    let column = read::values(env, model, ids, &[active])
        .await?
        .shift_remove(active.name)
        .unwrap_or_default();
    let (in_use, archived): (Vec<_>, Vec<_>) = ids
        .iter()
        .copied()
        .zip(column)
        .partition(|(_, active)| *active == AnyValue::Bool(true));
    if to != Move::Restore {
        set_active(env, model, in_use, false).await?;
    }
    if to != Move::Archive {
        set_active(env, model, archived, true).await?;
    }
    Ok(())
}

async fn set_active(
    env: &Env,
    model: &'static Entry,
    records: Vec<(Id, AnyValue)>,
    active: bool,
) -> Result<()> {
    let ids: Ids = records.into_iter().map(|(id, _)| id).collect();
    let values = Map::from_iter([(Key::Borrowed("active"), active.into())]);
    write::records(env, model, &ids, values).await
}
