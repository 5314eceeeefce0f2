//! Reading fields of records: one statement for the columns, one more for each relation.

mod related;

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use indexmap::IndexMap;
use sea_orm::QueryResult;

use super::{access, convert, linked, names, search};
use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::Result;
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::value::{AnyValue, Id, Ids, Key, Records};
use crate::vault;

/// The values of fields by their names, one list a field.
type Values = IndexMap<&'static str, Vec<AnyValue>>;

/// How a link to one record is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// As `[id, name]`, the classic way of `read`.
    Named,
    /// As the bare id.
    Bare,
}

/// Reads `names` (all fields the caller may see when empty) of the records, in the order given.
///
/// Ids without a record are left out.
///
/// # Errors
/// [`crate::error::Error::Value`] for an unknown field, [`crate::error::Error::Access`] for a field or record out of reach.
pub async fn records(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    names: &[String],
    links: Links,
) -> Result<Records> {
    let fields = wanted_fields(env, model, names).await?;
    access::check_model(env, model, Operation::Read).await?;
    let readable = readable(env, model, ids).await?;
    rows(env, model, ids, &readable, &fields, links).await
}

/// Searches, and reads what is found: as one statement where the columns need no second look.
///
/// # Errors
/// As for [`search::ids`] and [`records`].
pub async fn searched(
    env: &Env,
    model: &'static Entry,
    domain: &Domain,
    options: &search::Options,
    names: &[String],
    links: Links,
) -> Result<Records> {
    access::check_model(env, model, Operation::Read).await?;
    let fields = wanted_fields(env, model, names).await?;
    let columns: Vec<&'static Field> = fields.iter().copied().filter(|f| f.column).collect();
    let Some(found) = search::rows(env, model, domain, options, &columns).await? else {
        let ids = search::ids(env, model, domain, options).await?;
        return rows(env, model, &ids, &ids, &fields, links).await;
    };
    let mut ids = Ids::with_capacity(found.len());
    let mut cells = vec![Vec::with_capacity(found.len()); columns.len()];
    for row in &found {
        ids.push(convert::get(row, 0)?.unwrap_or_default());
        for (nth, (field, column)) in columns.iter().zip(&mut cells).enumerate() {
            column.push(cell(env, model, row, nth + 1, field)?);
        }
    }
    let mut values: Values = columns.iter().map(|field| field.name).zip(cells).collect();
    if !ids.is_empty() {
        read_others(env, model, &ids, &fields, &mut values).await?;
    }
    shaped(env, &ids, &ids, &fields, values, links).await
}

/// Reads what a caller asked for by id. Nothing but the id of a record needs no look at the
/// database, so that Odoo gives it back also for records that are gone; `0` and `False` stand for a
/// record that is not made yet, all of whose fields are empty.
///
/// # Errors
/// As for [`records`].
pub async fn asked(
    env: &Env,
    model: &'static Entry,
    asked: &[AnyValue],
    names: &[String],
    links: Links,
) -> Result<Records> {
    let ids: Ids = asked.iter().filter_map(AnyValue::as_id).collect();
    if !names.is_empty() && names.iter().all(|name| name == "id") {
        access::check_model(env, model, Operation::Read).await?;
        readable(env, model, &ids).await?;
        return Ok(Records {
            names: vec![Key::Borrowed("id")],
            rows: asked.iter().map(|id| vec![id.clone()]).collect(),
        });
    }
    let mut records = records(env, model, &ids, names, links).await?;
    if asked.iter().any(AnyValue::is_falsy) {
        let mut real = std::mem::take(&mut records.rows).into_iter().peekable();
        for id in asked {
            if id.is_falsy() {
                let blank = |name: &Key| match model.fields.get(name.as_ref()) {
                    Some(field) if field.name != "id" => empty(field),
                    _ => id.clone(),
                };
                records.rows.push(records.names.iter().map(blank).collect());
            } else if real.peek().and_then(|row| row.first()) == Some(id) {
                records.rows.extend(real.next());
            }
        }
    }
    Ok(records)
}

/// The rows for `ids`, of which `readable` exist and may be read.
async fn rows(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    readable: &[Id],
    fields: &[&'static Field],
    links: Links,
) -> Result<Records> {
    let columns = values(env, model, readable, fields).await?;
    shaped(env, ids, readable, fields, columns, links).await
}

/// Rows for `ids`, made of the values of those that are `readable`.
async fn shaped(
    env: &Env,
    ids: &[Id],
    readable: &[Id],
    fields: &[&'static Field],
    mut columns: Values,
    links: Links,
) -> Result<Records> {
    if links == Links::Named {
        name_links(env, fields, &mut columns).await?;
    }
    let others = || fields.iter().filter(|field| field.name != "id");
    let names = std::iter::once(Key::Borrowed("id"))
        .chain(others().map(|field| Key::Borrowed(field.name)))
        .collect();
    let cells: Vec<Vec<AnyValue>> = others()
        .map(|field| columns.shift_remove(field.name).unwrap_or_default())
        .collect();
    // What a search found comes as it was found, each record once.
    let rows = if ids == readable {
        turned(ids, cells)
    } else {
        picked(ids, readable, cells)
    };
    Ok(Records { names, rows })
}

/// Rows made of columns whose values stand in the order of `ids`.
fn turned(ids: &[Id], cells: Vec<Vec<AnyValue>>) -> Vec<Vec<AnyValue>> {
    let mut columns: Vec<_> = cells.into_iter().map(Vec::into_iter).collect();
    ids.iter()
        .map(|id| {
            let mut row = Vec::with_capacity(columns.len() + 1);
            row.push((*id).into());
            row.extend(
                columns
                    .iter_mut()
                    .map(|column| column.next().unwrap_or_default()),
            );
            row
        })
        .collect()
}

/// Rows for those of `ids` that are `readable`, in whose order the values stand.
fn picked(ids: &[Id], readable: &[Id], mut cells: Vec<Vec<AnyValue>>) -> Vec<Vec<AnyValue>> {
    let place: HashMap<Id, usize> = readable
        .iter()
        .enumerate()
        .map(|(at, id)| (*id, at))
        .collect();
    // An id given twice needs its values twice; otherwise they are moved, not copied.
    let distinct = ids.iter().collect::<HashSet<_>>().len() == ids.len();
    let mut rows = Vec::with_capacity(ids.len());
    for id in ids {
        let Some(at) = place.get(id) else { continue };
        let mut row = Vec::with_capacity(cells.len() + 1);
        row.push((*id).into());
        for column in &mut cells {
            row.push(match column.get_mut(*at) {
                Some(value) if distinct => std::mem::take(value),
                Some(value) => value.clone(),
                None => AnyValue::Null,
            });
        }
        rows.push(row);
    }
    rows
}

async fn wanted_fields(
    env: &Env,
    model: &'static Entry,
    names: &[String],
) -> Result<Vec<&'static Field>> {
    let mut fields = Vec::new();
    if names.is_empty() {
        for field in model.fields.values() {
            if env.may_use(field.groups).await? {
                fields.push(field);
            }
        }
        return Ok(fields);
    }
    for name in names {
        let field = model.field(name)?;
        access::check_field(env, model, field, Operation::Read).await?;
        if !fields.iter().any(|known: &&Field| known.name == field.name) {
            fields.push(field);
        }
    }
    Ok(fields)
}

/// Those of the records that exist, after the right to read each was checked.
async fn readable(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<Ids> {
    let existing = search::existing(env, model, ids).await?;
    if env.is_sudo() {
        return Ok(existing);
    }
    let reached: HashSet<Id> = access::reached(env, model, &existing, Operation::Read)
        .await?
        .into_iter()
        .collect();
    let beyond: Ids = existing
        .iter()
        .copied()
        .filter(|id| !reached.contains(id))
        .collect();
    if beyond.is_empty() {
        Ok(existing)
    } else {
        Err(access::beyond_rights(model, &beyond, Operation::Read))
    }
}

/// The values of the fields for existing records, one list a field in the order of `ids`;
/// links as bare ids, rights unchecked.
///
/// # Errors
/// When a computed field or the database fails.
pub fn values<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    fields: &'a [&'static Field],
) -> BoxFuture<'a, Result<IndexMap<&'static str, Vec<AnyValue>>>> {
    async move {
        let mut out = IndexMap::with_capacity(fields.len());
        if ids.is_empty() {
            return Ok(out);
        }
        let columns: Vec<&'static Field> = fields.iter().copied().filter(|f| f.column).collect();
        read_columns(env, model, ids, &columns, &mut out).await?;
        read_others(env, model, ids, fields, &mut out).await?;
        Ok(out)
    }
    .boxed()
}

/// Adds the values of the fields that have no column: those that are computed, and what lies
/// behind relations.
fn read_others<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    fields: &'a [&'static Field],
    out: &'a mut Values,
) -> BoxFuture<'a, Result<()>> {
    async move {
        let mut paths: IndexMap<&'static str, Vec<(&'static Field, &'static str)>> =
            IndexMap::new();
        for field in fields.iter().filter(|f| !f.column) {
            if let Some(path) = field.related {
                let (through, behind) = path.split_once('.').unwrap_or((path, "id"));
                paths.entry(through).or_default().push((field, behind));
            } else if let Some(compute) = field.compute {
                out.insert(field.name, compute(env, ids).await?);
            } else if field.name == "display_name" {
                out.insert(field.name, names::compute(env, model, ids).await?);
            } else if field.kind.is_x2many() {
                out.insert(field.name, linked::lists(env, model, ids, field).await?);
            } else {
                out.insert(field.name, vec![AnyValue::FALSE; ids.len()]);
            }
        }
        for (through, wanted) in paths {
            related::read(env, model, ids, through, &wanted, out).await?;
        }
        Ok(())
    }
    .boxed()
}

async fn read_columns(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    columns: &[&'static Field],
    out: &mut IndexMap<&'static str, Vec<AnyValue>>,
) -> Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    let mut sql = env.sql("SELECT t0.id");
    for field in columns {
        sql.push(", ");
        sql.push(&convert::expression(env, "t0", field).await?);
    }
    sql.push(" FROM ")
        .name(model.table())
        .push(" t0 WHERE t0.id");
    dialect::in_ids(&mut sql, ids);
    let place: HashMap<Id, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut cells = vec![vec![AnyValue::FALSE; ids.len()]; columns.len()];
    for row in env.rows(sql).await? {
        let Some(at) = convert::get::<Id>(&row, 0)?.and_then(|id| place.get(&id).copied()) else {
            continue;
        };
        for (nth, (field, column)) in columns.iter().zip(&mut cells).enumerate() {
            column[at] = cell(env, model, &row, nth + 1, field)?;
        }
    }
    for (field, column) in columns.iter().zip(cells) {
        out.insert(field.name, column);
    }
    Ok(())
}

/// One value of a row that was read, whose first column is the id.
fn cell(env: &Env, model: &Entry, row: &QueryResult, at: usize, field: &Field) -> Result<AnyValue> {
    let mut value = convert::read(row, at, field)?;
    if field.secret {
        let record = convert::get(row, 0)?.unwrap_or_default();
        value = vault::opened(env, model, field, record, value)?;
    }
    let is_size_wanted = || env.context().get("bin_size").is_some_and(|v| !v.is_falsy());
    Ok(if field.kind == Kind::Binary && is_size_wanted() {
        size_text(&value)
    } else {
        value
    })
}

/// How large the content is, where the caller asked for that instead of the content (`bin_size`).
fn size_text(value: &AnyValue) -> AnyValue {
    match value {
        AnyValue::Text(base64) => AnyValue::Text(column_size(base64.len() as u64)),
        other => other.clone(),
    }
}

/// The size of a column as PostgreSQL's `pg_size_pretty` writes it: whole numbers, and the next unit
/// from ten times the last one on.
fn column_size(bytes: u64) -> String {
    const STEP: u64 = 10 * 1024;
    if bytes < STEP {
        return format!("{bytes} bytes");
    }
    // One bit more than the unit, to round by.
    let mut halves = bytes >> 9;
    for unit in ["kB", "MB", "GB"] {
        if halves < 2 * STEP - 1 {
            return format!("{} {unit}", halves.div_ceil(2));
        }
        halves >>= 10;
    }
    format!("{} TB", halves.div_ceil(2))
}

/// A size for people, as Odoo writes it for files: `12.00 bytes`, `1.50 Kb`.
pub fn human_size(mut bytes: f64) -> String {
    for unit in ["bytes", "Kb", "Mb"] {
        if bytes < 1024.0 {
            return format!("{bytes:.2} {unit}");
        }
        bytes /= 1024.0;
    }
    format!("{bytes:.2} Gb")
}

/// What an unset field reads as.
pub fn empty(field: &Field) -> AnyValue {
    match field.kind {
        Kind::Integer | Kind::Many2oneReference(_) => AnyValue::Int(0),
        Kind::Float => AnyValue::Float(0.0),
        Kind::One2many { .. } | Kind::Many2many { .. } => AnyValue::List(Vec::new()),
        _ => AnyValue::FALSE,
    }
}

/// Turns the ids in columns of links into pairs with names, asking each linked model once.
async fn name_links(
    env: &Env,
    fields: &[&'static Field],
    columns: &mut IndexMap<&'static str, Vec<AnyValue>>,
) -> Result<()> {
    let mut wanted: IndexMap<&'static str, Ids> = IndexMap::new();
    for field in fields {
        if let (Kind::Many2one(comodel), Some(column)) = (field.kind, columns.get(field.name)) {
            let ids = column.iter().filter_map(AnyValue::as_id);
            wanted.entry(comodel).or_default().extend(ids);
        }
    }
    let mut names = HashMap::new();
    for (comodel, mut ids) in wanted {
        ids.sort_unstable();
        ids.dedup();
        names.insert(comodel, names::of(env, entry(comodel)?, &ids).await?);
    }
    for field in fields {
        let Kind::Many2one(comodel) = field.kind else {
            continue;
        };
        let (Some(column), Some(names)) = (columns.get_mut(field.name), names.get(comodel)) else {
            continue;
        };
        for value in column {
            if let Some(id) = value.as_id() {
                *value = names::pair(id, names.get(&id).cloned());
            }
        }
    }
    Ok(())
}
