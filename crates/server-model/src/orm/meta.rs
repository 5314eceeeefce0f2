//! What a model tells of itself: `fields_get`, `onchange`, `get_metadata`.

use std::collections::HashMap;

use words::Lang;

use super::{access, convert, defaults, names, read};
use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::registry::{Entry, entry};
use crate::schema::{Field, Kind, Operation};
use crate::value::{AnyValue, Id, Key, Map};

/// Describes the fields the caller may see; unknown names and attributes are left out.
///
/// # Errors
/// When the user cannot be read.
pub async fn fields_get(
    env: &Env,
    model: &'static Entry,
    names: Option<&[String]>,
    attributes: Option<&[String]>,
) -> Result<Map> {
    let lang = env.reader().await?;
    let mut out = Map::new();
    for field in model.fields.values() {
        if names.is_some_and(|names| !names.is_empty() && !names.iter().any(|n| n == field.name)) {
            continue;
        }
        if !env.may_use(field.groups).await? {
            continue;
        }
        let mut told = describe(model, field, lang);
        if field.kind == Kind::Selection(&[]) {
            let owner = target(model, field).map_or(model, |(owner, _)| owner);
            if let Some(choices) = owner.model.hooks.choices
                && let Some(choices) = choices(env, field.name).await?
            {
                let pairs = choices
                    .into_iter()
                    .map(|(value, label)| AnyValue::List(vec![value.into(), label.into()]));
                told.insert(Key::Borrowed("selection"), pairs.collect::<Vec<_>>().into());
            }
        }
        if let Some(attributes) = attributes.filter(|wanted| !wanted.is_empty()) {
            told.retain(|name, _| attributes.iter().any(|wanted| wanted == name.as_ref()));
        }
        out.insert(Key::Borrowed(field.name), told.into());
    }
    Ok(out)
}

fn describe(model: &Entry, field: &Field, lang: Lang) -> Map {
    let mut told = Map::new();
    let mut tell = |name: &'static str, value: AnyValue| {
        told.insert(Key::Borrowed(name), value);
    };
    let stored = field.is_stored();
    let searchable = is_searchable(model, field);
    tell("type", field.kind.name().into());
    tell("name", field.name.into());
    let label = match lang {
        Lang::English => field.label.to_owned(),
        _ => model.label(field).in_lang(lang),
    };
    tell("string", label.into());
    if !field.help.is_empty() {
        tell("help", model.help(field, lang).into());
    }
    tell("required", field.required.into());
    tell("readonly", field.readonly.into());
    tell("store", stored.into());
    tell("manual", false.into());
    tell("searchable", searchable.into());
    tell("sortable", is_sortable(model, field).into());
    tell("groupable", (field.column || field.inherited).into());
    tell("exportable", true.into());
    tell("company_dependent", field.company_dependent.into());
    tell("change_default", false.into());
    tell("default_export_compatible", false.into());
    tell(
        "depends",
        AnyValue::List(field.depends.iter().map(|name| (*name).into()).collect()),
    );
    if let Some(related) = field.related {
        tell("related", related.into());
    }
    if !field.groups.is_empty() {
        tell("groups", field.groups.into());
    }
    match field.kind {
        Kind::Char => {
            tell("translate", field.translate.into());
            tell("trim", true.into());
            if field.size > 0 {
                tell("size", i64::from(field.size).into());
            }
        }
        Kind::Text => tell("translate", field.translate.into()),
        Kind::Html => {
            tell("translate", field.translate.into());
            tell("sanitize", true.into());
            tell("sanitize_tags", true.into());
        }
        Kind::Integer | Kind::Float => tell("aggregator", "sum".into()),
        Kind::Selection(_) => {
            let named = model.choices(field, lang).into_iter();
            let pairs = named.map(|(value, name)| AnyValue::List(vec![value.into(), name.into()]));
            tell("selection", pairs.collect::<Vec<_>>().into());
        }
        Kind::Binary => tell("attachment", false.into()),
        Kind::Many2oneReference(model_field) => tell("model_field", model_field.into()),
        _ => {}
    }
    if let Some(comodel) = field.kind.comodel() {
        tell("relation", comodel.into());
        tell("domain", AnyValue::List(Vec::new()));
        tell("context", AnyValue::Map(Map::new()));
    }
    if let Kind::One2many { inverse, .. } = field.kind {
        tell("relation_field", inverse.into());
    }
    told
}

/// Whether a domain may name the field, looking through related fields to where they lead.
fn is_searchable(model: &Entry, field: &Field) -> bool {
    if field.name == "display_name" {
        return true;
    }
    match target(model, field) {
        Some((owner, target)) => is_searchable(owner, target),
        None => field.is_searchable(),
    }
}

fn is_sortable(model: &Entry, field: &Field) -> bool {
    match target(model, field) {
        Some((owner, target)) => is_sortable(owner, target),
        None => field.column,
    }
}

fn target(model: &Entry, field: &Field) -> Option<(&'static Entry, &'static Field)> {
    let mut rest = field.related?;
    let mut owner: Option<&'static Entry> = None;
    while let Some((through, behind)) = rest.split_once('.') {
        let link = owner.unwrap_or_else(|| entry(model.name()).unwrap_or_else(|_| unreachable!()));
        let comodel = link.fields.get(through)?.kind.comodel()?;
        owner = entry(comodel).ok();
        rest = behind;
    }
    let owner = owner?;
    owner.fields.get(rest).map(|field| (owner, field))
}

/// Answers a form: the defaults when it opens, and what changes when a field was edited.
///
/// `spec` names the fields of the form; only those are answered.
///
/// # Errors
/// [`crate::error::Error::Value`] for unknown fields, [`crate::error::Error::Access`] for a record or one of its fields
/// that the caller may not read.
pub async fn onchange(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    values: Map,
    changed: &[String],
    spec: &Map,
) -> Result<Map> {
    // A field that the model does not have changes nothing.
    if changed
        .iter()
        .any(|name| !model.fields.contains_key(name.as_str()))
    {
        return Ok(Map::new());
    }
    let mut form = Map::new();
    for name in spec.keys() {
        let field = model.field(name)?;
        form.insert(Key::Borrowed(field.name), defaults::blank(field));
    }
    if let Some(id) = ids.first() {
        // The form shows what the record holds, so whoever may not read it gets none.
        access::check_records(env, model, &[*id], Operation::Read).await?;
        for name in spec.keys() {
            access::check_field(env, model, model.field(name)?, Operation::Read).await?;
        }
        let fields: Vec<&'static Field> = spec
            .keys()
            .filter_map(|name| model.fields.get(name.as_ref()))
            .collect();
        for (name, mut column) in read::values(env, model, &[*id], &fields).await? {
            form.insert(Key::Borrowed(name), column.pop().unwrap_or_default());
        }
    }
    let opening = changed.is_empty();
    let mut changed: Vec<String> = changed.to_vec();
    if opening && ids.is_empty() {
        let names: Vec<String> = spec.keys().map(|name| name.clone().into_owned()).collect();
        for (name, value) in defaults::get(env, model, &names).await? {
            changed.push(name.clone().into_owned());
            form.insert(name, value);
        }
    }
    for (name, value) in values {
        form.insert(name, value);
    }
    let before = if opening { Map::new() } else { form.clone() };
    let mut warning = None;
    if let Some(hook) = model.model.hooks.onchange {
        for name in &changed {
            warning = hook(env, name, &mut form).await?.or(warning);
        }
    }
    let mut answer = Map::new();
    for (name, wanted) in spec {
        let Some(value) = form.get(name) else {
            continue;
        };
        if before.get(name) == Some(value) {
            continue;
        }
        let shown = show(env, model.field(name)?, value.clone(), wanted).await?;
        answer.insert(name.clone(), shown);
    }
    let mut out = Map::from_iter([(Key::Borrowed("value"), AnyValue::Map(answer))]);
    if let Some(warning) = warning {
        out.insert(Key::Borrowed("warning"), warning.into());
    }
    Ok(out)
}

/// A value as a form's specification asks for it: a link with the fields named there.
async fn show(env: &Env, field: &Field, value: AnyValue, wanted: &AnyValue) -> Result<AnyValue> {
    let fields = wanted.as_map().and_then(|w| w.get("fields"));
    if let (Kind::Many2one(comodel), Some(_), Some(id)) = (field.kind, fields, value.as_id()) {
        let mut names = names::of(env, entry(comodel)?, &[id]).await?;
        return Ok(Map::from_iter([
            (Key::Borrowed("id"), id.into()),
            (
                Key::Borrowed("display_name"),
                names.remove(&id).map_or(AnyValue::FALSE, AnyValue::Text),
            ),
        ])
        .into());
    }
    Ok(convert::shown(value))
}

/// Who made and changed the records, and when.
///
/// # Errors
/// As for reading.
pub async fn get_metadata(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<AnyValue> {
    let wanted: Vec<String> = ["create_uid", "create_date", "write_uid", "write_date"]
        .iter()
        .filter(|name| model.fields.contains_key(**name))
        .map(|name| (*name).to_owned())
        .collect();
    let rows = read::records(env, model, ids, &wanted, read::Links::Named).await?;
    let found = external_ids(env, model, ids).await?;
    let mut out = Vec::new();
    for mut row in rows.into_maps() {
        let id = row.get("id").and_then(AnyValue::as_id).unwrap_or_default();
        let (xmlid, noupdate) = match found.get(&id) {
            Some((xmlid, noupdate)) => (AnyValue::from(xmlid.as_str()), *noupdate),
            None => (AnyValue::FALSE, false),
        };
        row.insert(Key::Borrowed("xmlid"), xmlid);
        row.insert(Key::Borrowed("noupdate"), noupdate.into());
        out.push(row.into());
    }
    Ok(AnyValue::List(out))
}

/// The external ids of the records, by their ids; an empty text where there is none.
///
/// # Errors
/// When the database fails.
pub async fn get_external_id(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<AnyValue> {
    let mut found = external_ids(env, model, ids).await?;
    let named = ids.iter().map(|id| {
        let xmlid = found.remove(id).map(|(xmlid, _)| xmlid);
        (
            Key::Owned(id.to_string()),
            AnyValue::from(xmlid.unwrap_or_default()),
        )
    });
    Ok(Map::from_iter(named).into())
}

async fn external_ids(env: &Env, model: &Entry, ids: &[Id]) -> Result<HashMap<Id, (String, bool)>> {
    let mut sql =
        env.sql("SELECT res_id, module, name, noupdate FROM ir_model_data WHERE model = ");
    sql.bind(model.name()).push(" AND res_id");
    dialect::in_ids(&mut sql, ids);
    // Of several the oldest counts, which is read last.
    sql.push(" ORDER BY id DESC");
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let module: String = convert::get(&row, 1)?.unwrap_or_default();
        let name: String = convert::get(&row, 2)?.unwrap_or_default();
        let noupdate = convert::get::<bool>(&row, 3)?.unwrap_or(false);
        found.insert(id, (format!("{module}.{name}"), noupdate));
    }
    Ok(found)
}
