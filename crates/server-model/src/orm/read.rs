//! Reading fields of records: one statement for the columns, one more for each relation.

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use super::{access, condition, convert, names, search};
use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::value::{AnyValue, Id, Ids, Key, Records};

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
/// [`Error::Value`] for an unknown field, [`Error::Access`] for a field or record out of reach.
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
    let mut columns = values(env, model, &readable, &fields).await?;
    if links == Links::Named {
        for field in &fields {
            if let Kind::Many2one(comodel) = field.kind
                && let Some(column) = columns.get_mut(field.name)
            {
                name_links(env, comodel, column).await?;
            }
        }
    }
    let mut out = Records {
        names: std::iter::once(Key::Borrowed("id"))
            .chain(
                fields
                    .iter()
                    .filter(|f| f.name != "id")
                    .map(|f| Key::Borrowed(f.name)),
            )
            .collect(),
        rows: Vec::with_capacity(ids.len()),
    };
    let place: HashMap<Id, usize> = readable
        .iter()
        .enumerate()
        .map(|(at, id)| (*id, at))
        .collect();
    for id in ids {
        let Some(at) = place.get(id) else { continue };
        let mut row = Vec::with_capacity(out.names.len());
        row.push((*id).into());
        for field in fields.iter().filter(|f| f.name != "id") {
            row.push(
                columns
                    .get(field.name)
                    .and_then(|c| c.get(*at))
                    .cloned()
                    .unwrap_or_default(),
            );
        }
        out.rows.push(row);
    }
    Ok(out)
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
                out.insert(field.name, linked(env, model, ids, field).await?);
            } else {
                out.insert(field.name, vec![AnyValue::FALSE; ids.len()]);
            }
        }
        for (through, wanted) in paths {
            read_related(env, model, ids, through, &wanted, &mut out).await?;
        }
        Ok(out)
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
    let bin_size = env.context().get("bin_size").is_some_and(|v| !v.is_falsy());
    let mut sql = env.sql("SELECT t0.id");
    for field in columns {
        sql.push(", ");
        if field.translate {
            sql.push(&dialect::translated("t0", field.name, env.lang()));
        } else {
            sql.column("t0", field.name);
        }
    }
    sql.push(" FROM ")
        .name(model.table())
        .push(" t0 WHERE t0.id");
    dialect::in_ids(&mut sql, ids);
    let place: HashMap<Id, usize> = ids.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    for field in columns {
        out.insert(field.name, vec![AnyValue::FALSE; ids.len()]);
    }
    for row in env.rows(sql).await? {
        let Some(at) = convert::get::<Id>(&row, 0)?.and_then(|id| place.get(&id).copied()) else {
            continue;
        };
        for (nth, field) in columns.iter().enumerate() {
            let mut value = convert::read(&row, nth + 1, field)?;
            if bin_size && field.kind == Kind::Binary {
                value = size_text(&value);
            }
            if let Some(column) = out.get_mut(field.name) {
                column[at] = value;
            }
        }
    }
    Ok(())
}

/// How large the content is, where the caller asked for that instead of the content (`bin_size`).
fn size_text(value: &AnyValue) -> AnyValue {
    match value {
        AnyValue::Text(base64) => {
            let bytes =
                base64.len() / 4 * 3 - base64.bytes().rev().take_while(|b| *b == b'=').count();
            AnyValue::Text(human_size(bytes as f64))
        }
        other => other.clone(),
    }
}

/// A size for people, as Odoo writes it: `12.00 bytes`, `1.50 Kb`.
pub fn human_size(mut bytes: f64) -> String {
    for unit in ["bytes", "Kb", "Mb"] {
        if bytes < 1024.0 {
            return format!("{bytes:.2} {unit}");
        }
        bytes /= 1024.0;
    }
    format!("{bytes:.2} Gb")
}

/// Reads what lies behind a many2one for fields that show it.
async fn read_related(
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
    // A path may go on: "partner_id.parent_id.name" is read as its own related field would be.
    let mut fields: Vec<&'static Field> = Vec::new();
    for (_, behind) in wanted {
        let first = behind.split_once('.').map_or(*behind, |(first, _)| first);
        let field = comodel.field(first)?;
        if !fields.iter().any(|known| known.name == field.name) {
            fields.push(field);
        }
    }
    let found = values(&env.sudo(), comodel, &targets, &fields).await?;
    let place: HashMap<Id, usize> = targets
        .iter()
        .enumerate()
        .map(|(at, id)| (*id, at))
        .collect();
    for (field, behind) in wanted {
        let mut column = Vec::with_capacity(ids.len());
        for link in &links {
            let value = match (
                link.as_id().and_then(|id| place.get(&id)),
                behind.split_once('.'),
            ) {
                (Some(at), None) => found.get(behind).and_then(|c| c.get(*at)).cloned(),
                (Some(at), Some((first, rest))) => {
                    let next = found
                        .get(first)
                        .and_then(|c| c.get(*at))
                        .and_then(AnyValue::as_id);
                    match (next, comodel.field(first)?.kind.comodel()) {
                        (Some(next), Some(target)) => {
                            Some(one(&env.sudo(), entry(target)?, next, rest).await?)
                        }
                        _ => None,
                    }
                }
                (None, _) => None,
            };
            column.push(value.unwrap_or_else(|| empty(field)));
        }
        out.insert(field.name, column);
    }
    Ok(())
}

/// One value of one record by a dotted path, rights unchecked.
///
/// # Errors
/// When a field on the path does not exist.
pub fn one<'a>(
    env: &'a Env,
    model: &'static Entry,
    id: Id,
    path: &'a str,
) -> BoxFuture<'a, Result<AnyValue>> {
    async move {
        let (first, rest) = path.split_once('.').unwrap_or((path, ""));
        let field = model.field(first)?;
        let value = values(env, model, &[id], &[field])
            .await?
            .shift_remove(field.name)
            .and_then(|mut column| column.pop())
            .unwrap_or_default();
        match (rest, value.as_id(), field.kind.comodel()) {
            ("", _, _) => Ok(value),
            (_, Some(next), Some(comodel)) => one(env, entry(comodel)?, next, rest).await,
            _ => Ok(AnyValue::FALSE),
        }
    }
    .boxed()
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

/// The lists of linked records for each id, in the order of their model, without those archived
/// or out of the caller's reach.
async fn linked(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    field: &Field,
) -> Result<Vec<AnyValue>> {
    let Some(comodel) = field.kind.comodel() else {
        return Ok(Vec::new());
    };
    let comodel = entry(comodel)?;
    let mut sql = env.sql("SELECT ");
    match field.kind {
        Kind::One2many { inverse, .. } => {
            sql.column("t0", inverse)
                .push(", t0.id FROM ")
                .name(comodel.table());
            sql.push(" t0 WHERE ").column("t0", inverse);
            dialect::in_ids(&mut sql, ids);
            if let Kind::Many2oneReference(model_field) = comodel.field(inverse)?.kind {
                sql.push(" AND ")
                    .column("t0", model_field)
                    .push(" = ")
                    .bind(model.name());
            }
        }
        Kind::Many2many {
            table, this, that, ..
        } => {
            sql.column("link", this)
                .push(", t0.id FROM ")
                .name(table)
                .push(" link JOIN ");
            sql.name(comodel.table())
                .push(" t0 ON t0.id = ")
                .column("link", that);
            sql.push(" WHERE ").column("link", this);
            dialect::in_ids(&mut sql, ids);
        }
        _ => return Ok(Vec::new()),
    }
    let mut domain = access::rule_domain(env, comodel, Operation::Read).await?;
    if env.active_test() && comodel.has_active() {
        domain = domain.and(Domain::eq("active", true));
    }
    sql.push(" AND ");
    condition::push(&env.sudo(), comodel, &mut sql, "t0", &domain).await?;
    let mut links: HashMap<Id, Ids> = HashMap::new();
    let mut all = Ids::new();
    for row in env.rows(sql).await? {
        if let (Some(this), Some(that)) =
            (convert::get::<Id>(&row, 0)?, convert::get::<Id>(&row, 1)?)
        {
            links.entry(this).or_default().push(that);
            all.push(that);
        }
    }
    let order = ordered(env, comodel, all).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let mut list = links.remove(id).unwrap_or_default();
            list.sort_by_key(|linked| order.get(linked).copied().unwrap_or(usize::MAX));
            AnyValue::ids(&list)
        })
        .collect())
}

async fn ordered(env: &Env, model: &'static Entry, mut ids: Ids) -> Result<HashMap<Id, usize>> {
    ids.sort_unstable();
    ids.dedup();
    if ids.len() > 1 {
        let env = env.sudo().with("active_test", false);
        ids = search::ids(&env, model, &Domain::ids(&ids), &search::Options::default()).await?;
    }
    Ok(ids
        .into_iter()
        .enumerate()
        .map(|(at, id)| (id, at))
        .collect())
}

async fn name_links(env: &Env, comodel: &'static str, column: &mut [AnyValue]) -> Result<()> {
    let comodel = entry(comodel)?;
    let mut ids: Ids = column.iter().filter_map(AnyValue::as_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let names = names::of(env, comodel, &ids).await?;
    for value in column {
        if let Some(id) = value.as_id() {
            *value = names::pair(id, names.get(&id).cloned());
        }
    }
    Ok(())
}
