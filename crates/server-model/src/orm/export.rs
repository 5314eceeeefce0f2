//! `export_data`: records as rows of a table.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use words::say;

use super::{access, external, names, read, search, write};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::value::{AnyValue, Id, Ids, datetime_text};

/// A column of the table: the steps of its path, as in `["parent_id", "name"]`.
pub type Path = Vec<String>;
type Row = Vec<AnyValue>;

/// The steps of a column's name: `parent_id/name`, with `id` for the external id and `.id` for the
/// number in the database; `parent_id:id` and `parent_id.id` are old ways to write these.
pub fn path(name: &str) -> Path {
    let name = match (name.strip_suffix(":id"), name.strip_suffix(".id")) {
        (Some(field), _) => format!("{field}/id"),
        (None, Some(field)) if !field.is_empty() && !field.ends_with('/') => format!("{field}/.id"),
        _ => name.to_owned(),
    };
    name.split('/').map(str::to_owned).collect()
}

/// The rows of the records. A list of linked records with columns of its own takes a row for each;
/// the columns beside it stay empty from the second on.
///
/// # Errors
/// As for reading.
pub async fn rows(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    columns: &[Path],
) -> Result<Vec<Row>> {
    Ok(grouped(env, model, ids, columns)
        .await?
        .into_iter()
        .flatten()
        .collect())
}

/// The rows of each record.
fn grouped<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    columns: &'a [Path],
) -> BoxFuture<'a, Result<Vec<Vec<Row>>>> {
    async move {
        access::check_records(env, model, ids, Operation::Read).await?;
        let existing = search::existing(env, model, ids).await?;
        if let Some(gone) = ids.iter().find(|id| !existing.contains(id)) {
            return Err(write::missing(model, *gone));
        }
        let blank = || vec![AnyValue::from(""); columns.len()];
        let mut groups: Vec<Vec<Row>> = ids.iter().map(|_| vec![blank()]).collect();
        let mut done: Vec<&str> = Vec::new();
        for (place, column) in columns.iter().enumerate() {
            let Some((first, rest)) = column.split_first() else {
                continue;
            };
            if rest.is_empty() {
                let cells = plain(env, model, ids, first).await?;
                for (group, cell) in groups.iter_mut().zip(cells) {
                    group[0][place] = cell;
                }
            } else if !done.contains(&first.as_str()) {
                done.push(first);
                behind(env, model, ids, first, columns, &mut groups).await?;
            }
        }
        Ok(groups)
    }
    .boxed()
}

/// The cells of a column that ends at the record itself.
async fn plain(env: &Env, model: &'static Entry, ids: &[Id], name: &str) -> Result<Vec<AnyValue>> {
    if name == ".id" {
        return Ok(ids.iter().map(|id| id.to_string().into()).collect());
    }
    if name == "id" {
        let found = external::ensure(env, model, ids).await?;
        return Ok(ids.iter().map(|id| told(found.get(id))).collect());
    }
    let field = readable_field(env, model, name).await?;
    let cells = column(env, model, ids, field).await?;
    let Some(comodel) = field.kind.comodel() else {
        // An unticked box is a value; elsewhere false is the lack of one.
        return Ok(match field.kind {
            Kind::Boolean => cells,
            _ => cells.into_iter().map(shown).collect(),
        });
    };
    let linked: Ids = cells.iter().flat_map(linked_ids).collect();
    let found = names::of(env, entry(comodel)?, &linked).await?;
    Ok(cells.iter().map(|cell| joined(cell, &found)).collect())
}

/// Fills the cells of all columns that go on behind the relation `first`.
async fn behind(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    first: &str,
    columns: &[Path],
    groups: &mut [Vec<Row>],
) -> Result<()> {
    let field = readable_field(env, model, first).await?;
    let Some(comodel) = field.kind.comodel() else {
        return Err(Error::Value(
            say!("error-export-behind", ?first, model = ?model.name()),
        ));
    };
    let comodel = entry(comodel)?;
    let (places, paths): (Vec<usize>, Vec<Path>) = columns
        .iter()
        .enumerate()
        .filter(|(_, column)| column.len() > 1 && column[0] == first)
        .map(|(place, column)| (place, column[1..].to_vec()))
        .unzip();
    let cells = column(env, model, ids, field).await?;
    let mut all: Ids = cells.iter().flat_map(linked_ids).collect();
    all.sort_unstable();
    all.dedup();
    // External ids of a whole list stand in one cell, so that the list stays on one row.
    if field.kind.is_x2many() && paths.iter().all(|path| *path == ["id"] || *path == [".id"]) {
        for (place, path) in places.iter().zip(&paths) {
            let found = if *path == ["id"] {
                external::ensure(env, comodel, &all).await?
            } else {
                all.iter().map(|id| (*id, id.to_string())).collect()
            };
            for (group, cell) in groups.iter_mut().zip(&cells) {
                group[0][*place] = joined(cell, &found);
            }
        }
        return Ok(());
    }
    let lines = grouped(env, comodel, &all, &paths).await?;
    let lines: HashMap<Id, Vec<Row>> = all.iter().copied().zip(lines).collect();
    let width = columns.len();
    for (group, cell) in groups.iter_mut().zip(&cells) {
        let theirs = linked_ids(cell).filter_map(|id| lines.get(&id)).flatten();
        for (nth, line) in theirs.enumerate() {
            if nth == group.len() {
                group.push(vec![AnyValue::from(""); width]);
            }
            for (place, value) in places.iter().zip(line) {
                group[nth][*place] = value.clone();
            }
        }
    }
    Ok(())
}

async fn readable_field(env: &Env, model: &'static Entry, name: &str) -> Result<&'static Field> {
    let field = model.field(name)?;
    access::check_field(env, model, field, Operation::Read).await?;
    Ok(field)
}

async fn column(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    field: &'static Field,
) -> Result<Vec<AnyValue>> {
    let mut columns = read::values(env, model, ids, &[field]).await?;
    Ok(columns.shift_remove(field.name).unwrap_or_default())
}

fn linked_ids(cell: &AnyValue) -> impl Iterator<Item = Id> + '_ {
    let one = matches!(cell, AnyValue::Int(_)).then_some(cell);
    one.into_iter()
        .chain(cell.as_list().unwrap_or_default())
        .filter_map(AnyValue::as_id)
}

fn joined(cell: &AnyValue, found: &HashMap<Id, String>) -> AnyValue {
    let texts: Vec<&str> = linked_ids(cell)
        .filter_map(|id| found.get(&id))
        .map(String::as_str)
        .collect();
    texts.join(",").into()
}

fn told(text: Option<&String>) -> AnyValue {
    text.map_or_else(|| "".into(), |text| text.as_str().into())
}

/// A value as a table shows it: empty rather than false, moments as text.
fn shown(value: AnyValue) -> AnyValue {
    match value {
        AnyValue::Null => "".into(),
        AnyValue::Bool(false) => "".into(),
        AnyValue::Datetime(moment) => datetime_text(&moment).into(),
        other => other,
    }
}
