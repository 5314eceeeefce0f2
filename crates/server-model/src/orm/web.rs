//! What web clients call: reading by a specification, saving a form, searching with a length.
//!
//! A specification names the fields wanted and, for a relation, what is wanted of the records
//! behind it: `{"name": {}, "child_ids": {"fields": {"name": {}}, "limit": 5, "order": "name"}}`.

use std::collections::HashMap;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use words::say;

use super::{access, create, names, read, search, write};
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Call, Field, Kind, Method, Operation, method, model_method};
use crate::value::{AnyValue, Id, Ids, Key, Map, Records};

/// The methods of web clients, which every model has.
pub const METHODS: &[Method] = &[
    method("web_read", &["specification"], |call| {
        web_read(call).boxed()
    })
    .reads_only(),
    method("web_save", &["vals", "specification", "next_id?"], |call| {
        web_save(call).boxed()
    }),
    model_method(
        "web_search_read",
        &[
            "domain",
            "specification",
            "offset?",
            "limit?",
            "order?",
            "count_limit?",
        ],
        |call| web_search_read(call).boxed(),
    )
    .reads_only(),
    model_method(
        "web_name_search",
        &["name", "specification", "domain?", "operator?", "limit?"],
        |call| web_name_search(call).boxed(),
    )
    .reads_only(),
];

async fn web_read(mut call: Call<'_>) -> Result<AnyValue> {
    let spec = specification(&mut call)?;
    Ok(by_specification(call.env, call.model, &call.ids, &spec)
        .await?
        .into())
}

/// Writes to the records, or makes one when there are none, and reads the outcome; with `next_id`
/// the record that the form shows next is read instead.
async fn web_save(mut call: Call<'_>) -> Result<AnyValue> {
    let spec = specification(&mut call)?;
    let AnyValue::Map(values) = call.args.take_or_false("vals") else {
        return Err(Error::Type(say!("error-web-save-values")));
    };
    let next = call.args.take_or_false("next_id");
    let mut ids = call.ids.clone();
    if ids.is_empty() {
        ids.push(create::record(call.env, call.model, values).await?);
    } else {
        write::records(call.env, call.model, &ids, values).await?;
    }
    if !next.is_falsy() {
        ids = crate::args::read_ids(&next)?;
    }
    // A form shows the size of a file; who wants the content reads it.
    let env = call.env.with("bin_size", true);
    Ok(by_specification(&env, call.model, &ids, &spec)
        .await?
        .into())
}

async fn web_search_read(mut call: Call<'_>) -> Result<AnyValue> {
    let domain = Domain::parse(&call.args.take_or_false("domain"))?;
    let spec = specification(&mut call)?;
    let options = search::Options {
        offset: call.args.take_int("offset")?.unwrap_or(0),
        limit: call.args.take_int("limit")?.unwrap_or(0),
        order: call.args.take_text("order")?.unwrap_or_default(),
    };
    let count_limit = call.args.take_int("count_limit")?.unwrap_or(0);
    let (env, model) = (call.env, call.model);
    let ids = search::ids(env, model, &domain, &options).await?;
    let records = by_specification(env, model, &ids, &spec).await?;
    let length = match page_end(env, &options, ids.len(), count_limit) {
        Some(length) => length,
        None => search::count(env, model, &domain, count_limit).await?,
    };
    Ok(AnyValue::Map(Map::from_iter([
        (Key::Borrowed("length"), length.into()),
        (Key::Borrowed("records"), records.into()),
    ])))
}

/// How many records match, where the page found tells it: a page that is not full is the last
/// one, and beyond `count_limit` nobody wants to know. Otherwise they must be counted.
fn page_end(env: &Env, options: &search::Options, found: usize, count_limit: i64) -> Option<i64> {
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    if found == 0 {
        return Some(0);
    }
    let so_far = options.offset.saturating_add(found);
    let full = options.limit > 0 && found == options.limit;
    let counted_enough = count_limit > 0 && count_limit <= so_far;
    let forced = env
        .context()
        .get("force_search_count")
        .is_some_and(|force| !force.is_falsy());
    let must_count = options.limit > 0 && ((full && !counted_enough) || forced);
    (!must_count).then_some(so_far)
}

/// Records whose name matches, read by a specification.
async fn web_name_search(mut call: Call<'_>) -> Result<AnyValue> {
    let name = call.args.take_or_false("name");
    let spec = specification(&mut call)?;
    let domain = Domain::parse(&call.args.take_or_false("domain"))?;
    let operator = match call.args.take_text("operator")? {
        None => Operator::Ilike,
        Some(text) => Operator::parse(&text)
            .ok_or_else(|| Error::Value(say!("error-names-operator", ?text)))?,
    };
    let limit = call.args.take_int("limit")?.unwrap_or(100);
    let found = names::name_search(call.env, call.model, &name, domain, operator, limit).await?;
    let ids: Ids = found
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(AnyValue::as_id)
        .collect();
    Ok(by_specification(call.env, call.model, &ids, &spec)
        .await?
        .into())
}

fn specification(call: &mut Call<'_>) -> Result<Map> {
    match call.args.take_or_false("specification") {
        AnyValue::Map(spec) => Ok(spec),
        other => Err(Error::Type(say!(
            "error-web-specification",
            given = other.type_name()
        ))),
    }
}

/// Reads the fields that the specification names, and what it wants of the records behind them.
///
/// # Errors
/// [`Error::Value`] for an unknown field, [`Error::Access`] for a field or record out of reach.
pub fn by_specification<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    spec: &'a Map,
) -> BoxFuture<'a, Result<Records>> {
    async move {
        let mut wanted: Vec<String> = spec.keys().map(|name| name.to_string()).collect();
        if wanted.is_empty() {
            // To read() no names are all names.
            wanted.push("id".into());
        }
        let mut records = read::records(env, model, ids, &wanted, read::Links::Bare).await?;
        for (place, name) in records.names.clone().iter().enumerate() {
            let Some(AnyValue::Map(wanted)) = spec.get(name) else {
                continue;
            };
            let field = model.field(name)?;
            if wanted.is_empty() || !is_link(field) {
                continue;
            }
            let column: Vec<AnyValue> = records
                .rows
                .iter_mut()
                .map(|row| std::mem::take(&mut row[place]))
                .collect();
            let context = match wanted.get("context") {
                Some(AnyValue::Map(more)) => {
                    let mut context = env.context().clone();
                    context.extend(more.clone());
                    context
                }
                _ => env.context().clone(),
            };
            let env = env.with_context(context);
            let shown = match field.kind {
                Kind::Many2one(comodel) => many2ones(&env, entry(comodel)?, column, wanted).await?,
                Kind::Many2oneReference(model_field) => {
                    let owners: Ids = records
                        .rows
                        .iter()
                        .filter_map(|row| row[0].as_id())
                        .collect();
                    references(&env, model, model_field, &owners, column, wanted).await?
                }
                _ => lists(&env, field, column, wanted).await?,
            };
            for (row, value) in records.rows.iter_mut().zip(shown) {
                row[place] = value;
            }
        }
        Ok(records)
    }
    .boxed()
}

fn is_link(field: &Field) -> bool {
    field.kind.comodel().is_some() || matches!(field.kind, Kind::Many2oneReference(_))
}

fn sub_fields(wanted: &Map) -> Option<&Map> {
    wanted.get("fields").and_then(AnyValue::as_map)
}

/// Links to one record each: as they are, or with the fields wanted of the record.
async fn many2ones(
    env: &Env,
    comodel: &'static Entry,
    column: Vec<AnyValue>,
    wanted: &Map,
) -> Result<Vec<AnyValue>> {
    let Some(fields) = sub_fields(wanted) else {
        return Ok(column);
    };
    let ids = distinct(column.iter().filter_map(AnyValue::as_id));
    let mut found = linked_records(env, comodel, &ids, fields).await?;
    // Who sees a link sees the name behind it, also of a record out of reach.
    let unread: Ids = ids
        .iter()
        .copied()
        .filter(|id| !found.contains_key(id))
        .collect();
    if !unread.is_empty() {
        let mut names = names::of(env, comodel, &unread).await?;
        for id in unread {
            let Some(name) = names.remove(&id) else {
                continue;
            };
            let shown = [
                (Key::Borrowed("id"), id.into()),
                (Key::Borrowed("display_name"), name.into()),
            ];
            found.insert(id, AnyValue::Map(Map::from_iter(shown)));
        }
    }
    Ok(column
        .iter()
        .map(|link| {
            link.as_id()
                .and_then(|id| found.get(&id).cloned())
                .unwrap_or(AnyValue::FALSE)
        })
        .collect())
}

/// The records within the caller's reach, by id. Of the name alone everybody may know.
async fn linked_records(
    env: &Env,
    comodel: &'static Entry,
    ids: &[Id],
    fields: &Map,
) -> Result<HashMap<Id, AnyValue>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let only_name = fields
        .keys()
        .all(|name| name == "display_name" || name == "id");
    let sudo = env.sudo();
    let (env, reached) = if only_name {
        (&sudo, ids.to_vec())
    } else if access::may(env, comodel, Operation::Read).await? {
        (
            env,
            access::reached(env, comodel, ids, Operation::Read).await?,
        )
    } else {
        return Ok(HashMap::new());
    };
    Ok(by_id(
        by_specification(env, comodel, &distinct(reached.into_iter()), fields).await?,
    ))
}

fn by_id(records: Records) -> HashMap<Id, AnyValue> {
    records
        .into_maps()
        .into_iter()
        .filter_map(|row| {
            let id = row.get("id").and_then(AnyValue::as_id)?;
            Some((id, AnyValue::Map(row)))
        })
        .collect()
}

fn distinct(ids: impl Iterator<Item = Id>) -> Ids {
    let mut ids: Ids = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// Links whose model stands in another field of the same record.
async fn references(
    env: &Env,
    model: &'static Entry,
    model_field: &'static str,
    owners: &[Id],
    column: Vec<AnyValue>,
    wanted: &Map,
) -> Result<Vec<AnyValue>> {
    let Some(fields) = sub_fields(wanted) else {
        return Ok(column);
    };
    let model_field = model.field(model_field)?;
    let models = read::values(env, model, owners, &[model_field])
        .await?
        .shift_remove(model_field.name)
        .unwrap_or_default();
    let mut groups: HashMap<&str, Ids> = HashMap::new();
    for (link, comodel) in column.iter().zip(&models) {
        if let (Some(id), Some(comodel)) = (link.as_id(), comodel.as_text()) {
            groups.entry(comodel).or_default().push(id);
        }
    }
    let mut found: HashMap<&str, HashMap<Id, AnyValue>> = HashMap::new();
    for (comodel, ids) in groups {
        if let Ok(entry) = entry(comodel) {
            let ids = distinct(ids.into_iter());
            found.insert(comodel, linked_records(env, entry, &ids, fields).await?);
        }
    }
    Ok(column
        .iter()
        .zip(&models)
        .map(|(link, comodel)| {
            let record = link
                .as_id()
                .zip(comodel.as_text().and_then(|name| found.get(name)))
                .and_then(|(id, records)| records.get(&id).cloned());
            record.unwrap_or(AnyValue::FALSE)
        })
        .collect())
}

/// Lists of records: their ids, in the order wanted, and of the first `limit` the fields.
async fn lists(
    env: &Env,
    field: &Field,
    column: Vec<AnyValue>,
    wanted: &Map,
) -> Result<Vec<AnyValue>> {
    let Some(comodel) = field.kind.comodel() else {
        return Ok(column);
    };
    let comodel = entry(comodel)?;
    let mut lists: Vec<Ids> = column.iter().map(ids_of).collect();
    if let Some(order) = wanted
        .get("order")
        .and_then(AnyValue::as_text)
        .filter(|o| !o.is_empty())
    {
        reorder(env, comodel, &mut lists, order).await?;
    }
    let Some(fields) = sub_fields(wanted) else {
        return Ok(lists.iter().map(|ids| AnyValue::ids(ids)).collect());
    };
    let limit = wanted
        .get("limit")
        .and_then(AnyValue::as_int)
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| *limit > 0)
        .unwrap_or(usize::MAX);
    let shown = distinct(lists.iter().flat_map(|ids| ids.iter().take(limit).copied()));
    let found = by_id(by_specification(env, comodel, &shown, fields).await?);
    Ok(lists
        .into_iter()
        .map(|ids| {
            let records = ids.into_iter().enumerate().map(|(place, id)| {
                let read = (place < limit).then(|| found.get(&id).cloned()).flatten();
                let bare = || AnyValue::Map(Map::from_iter([(Key::Borrowed("id"), id.into())]));
                read.unwrap_or_else(bare)
            });
            AnyValue::List(records.collect())
        })
        .collect())
}

fn ids_of(list: &AnyValue) -> Ids {
    list.as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(AnyValue::as_id)
        .collect()
}

async fn reorder(env: &Env, comodel: &'static Entry, lists: &mut [Ids], order: &str) -> Result<()> {
    let all = distinct(lists.iter().flatten().copied());
    let options = search::Options {
        order: order.to_owned(),
        ..search::Options::default()
    };
    let env = env.with("active_test", false);
    let sorted = search::ids(&env, comodel, &Domain::ids(&all), &options).await?;
    let rank: HashMap<Id, usize> = sorted
        .into_iter()
        .enumerate()
        .map(|(place, id)| (id, place))
        .collect();
    for ids in lists {
        ids.retain(|id| rank.contains_key(id));
        ids.sort_by_key(|id| rank.get(id).copied());
    }
    Ok(())
}
