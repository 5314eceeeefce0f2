//! What lies behind links: fields that show another record's.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use super::{empty, values};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::Field;
use crate::value::{AnyValue, Id, Ids};

/// Reads what lies behind a many2one for fields that show it.
pub(super) async fn read(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    through: &'static str,
    wanted: &[(&'static Field, &'static str)],
    out: &mut IndexMap<&'static str, Vec<AnyValue>>,
) -> Result<()> {
    let link = model.field(through)?;
    let Some(comodel) = link.kind.comodel() else {
        return Err(Error::Internal(format!("{through} leads nowhere.")));
    };
    let comodel = entry(comodel)?;
    let links = match out.get(through) {
        Some(links) => links.clone(),
        None => values(env, model, ids, &[link])
            .await?
            .shift_remove(through)
            .unwrap_or_default(),
    };
    let mut targets: Ids = links.iter().filter_map(AnyValue::as_id).collect();
    targets.sort_unstable();
    targets.dedup();
    let place: HashMap<Id, usize> = targets
        .iter()
        .enumerate()
        .map(|(at, id)| (*id, at))
        .collect();
    // What ends at the other model is read together; a path that goes on is followed by itself.
    let mut ending: Vec<&'static Field> = Vec::new();
    for (_, behind) in wanted.iter().filter(|(_, behind)| !behind.contains('.')) {
        let field = comodel.field(behind)?;
        if !ending.iter().any(|known| known.name == field.name) {
            ending.push(field);
        }
    }
    let sudo = env.sudo();
    let found = values(&sudo, comodel, &targets, &ending).await?;
    for (field, behind) in wanted {
        let followed;
        let theirs = if behind.contains('.') {
            followed = follow(&sudo, comodel, &targets, behind).await?;
            Some(&followed)
        } else {
            found.get(behind)
        };
        let column = links.iter().map(|link| {
            link.as_id()
                .and_then(|id| place.get(&id))
                .and_then(|at| theirs.and_then(|column| column.get(*at)))
                .cloned()
                .unwrap_or_else(|| empty(field))
        });
        out.insert(field.name, column.collect());
    }
    Ok(())
}

/// What lies at the end of a dotted path through links, one value a record, rights unchecked.
fn follow<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    path: &'a str,
) -> BoxFuture<'a, Result<Vec<AnyValue>>> {
    async move {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let field = model.field(first)?;
        let column = values(env, model, ids, &[field])
            .await?
            .shift_remove(field.name)
            .unwrap_or_default();
        let comodel = match field.kind.comodel() {
            Some(comodel) if !rest.is_empty() => entry(comodel)?,
            _ => return Ok(column),
        };
        let mut targets: Ids = column.iter().filter_map(AnyValue::as_id).collect();
        targets.sort_unstable();
        targets.dedup();
        let theirs = follow(env, comodel, &targets, rest).await?;
        let theirs: HashMap<Id, AnyValue> = targets.into_iter().zip(theirs).collect();
        Ok(column
            .iter()
            .map(|link| {
                link.as_id()
                    .and_then(|id| theirs.get(&id))
                    .cloned()
                    .unwrap_or(AnyValue::FALSE)
            })
            .collect())
    }
    .boxed()
}
