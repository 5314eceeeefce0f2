//! The common operations on every model, and their methods as clients call them.

pub mod access;
mod archive;
pub mod commands;
mod compare;
pub mod condition;
pub mod convert;
pub mod create;
mod date_part;
pub mod defaults;
mod export;
pub mod external;
pub mod group;
pub mod linked;
mod links;
mod load;
pub mod meta;
pub mod names;
pub mod read;
pub mod search;
mod tree;
pub mod web;
pub mod write;

use futures_util::FutureExt;

use words::say;

use crate::domain::{Domain, Operator};
use crate::error::{Error, Result};
use crate::schema::{Call, Method, Operation, method, model_method};
use crate::value::{AnyValue, Key, Map};

/// The methods that every model has.
pub const METHODS: &[Method] = &[
    model_method("create", &["vals_list"], |call| create_(call).boxed()),
    method("read", &["fields?", "load?"], |call| read_(call).boxed())
        .reads_only()
        .with_raw_ids(),
    model_method(
        "search",
        &["domain", "offset?", "limit?", "order?"],
        |call| search_(call).boxed(),
    )
    .reads_only(),
    model_method("search_count", &["domain", "limit?"], |call| {
        search_count(call).boxed()
    })
    .reads_only(),
    model_method(
        "search_read",
        &["domain?", "fields?", "offset?", "limit?", "order?", "load?"],
        |call| search_read(call).boxed(),
    )
    .reads_only(),
    method("write", &["vals"], |call| write_(call).boxed()),
    method("unlink", &[], |call| unlink_(call).boxed()),
    method("copy", &["default?"], |call| copy_(call).boxed()),
    method("action_archive", &[], |call| {
        archive_(call, archive::Move::Archive).boxed()
    }),
    method("action_unarchive", &[], |call| {
        archive_(call, archive::Move::Restore).boxed()
    }),
    method("toggle_active", &[], |call| {
        archive_(call, archive::Move::Toggle).boxed()
    }),
    method("exists", &[], |call| exists(call).boxed()).reads_only(),
    model_method("browse", &["ids?"], |call| browse(call).boxed()).reads_only(),
    model_method("fields_get", &["allfields?", "attributes?"], |call| {
        fields_get(call).boxed()
    })
    .reads_only(),
    model_method("default_get", &["fields_list"], |call| {
        default_get(call).boxed()
    })
    .reads_only(),
    model_method(
        "name_search",
        &["name?", "args?", "operator?", "limit?"],
        |call| name_search(call).boxed(),
    )
    .reads_only(),
    model_method("name_create", &["name"], |call| name_create(call).boxed()),
    method(
        "onchange",
        &["values", "field_names", "fields_spec"],
        |call| onchange(call).boxed(),
    )
    .reads_only(),
    model_method("load", &["fields", "data"], |call| load_(call).boxed()),
    method("export_data", &["fields_to_export"], |call| {
        export_data(call).boxed()
    }),
    method("get_metadata", &[], |call| get_metadata(call).boxed()).reads_only(),
    method("get_external_id", &[], |call| get_external_id(call).boxed()).reads_only(),
    method("check_access", &["operation"], |call| {
        check_access(call).boxed()
    })
    .reads_only(),
    // Its name until Odoo 17; 18 still knows it.
    method("check_access_rule", &["operation"], |call| {
        check_access(call).boxed()
    })
    .reads_only(),
    method("has_access", &["operation"], |call| {
        has_access(call).boxed()
    })
    .reads_only(),
    model_method(
        "check_access_rights",
        &["operation", "raise_exception?"],
        |call| check_access_rights(call).boxed(),
    )
    .reads_only(),
];

async fn create_(mut call: Call<'_>) -> Result<AnyValue> {
    let items = match call.args.take_or_false("vals_list") {
        AnyValue::Map(values) => {
            refuse_bytes(&values)?;
            return Ok(create::record(call.env, call.model, values).await?.into());
        }
        AnyValue::List(items) => items,
        // A text is the list of its letters, none of which is a mapping.
        AnyValue::Text(text) => text.chars().map(|c| String::from(c).into()).collect(),
        other => {
            return Err(Error::Type(say!(
                "error-create-wants-values",
                given = other.type_name()
            )));
        }
    };
    let mut records = Vec::with_capacity(items.len());
    for item in items {
        let AnyValue::Map(values) = item else {
            return Err(not_values("create", &item));
        };
        refuse_bytes(&values)?;
        records.push(values);
    }
    let mut ids = Vec::with_capacity(records.len());
    for values in records {
        ids.push(create::record(call.env, call.model, values).await?);
    }
    Ok(AnyValue::ids(&ids))
}

/// What Odoo's clients see for something without the members of a mapping.
fn not_values(method: &str, got: &AnyValue) -> Error {
    Error::Attribute(say!(
        "error-call-wants-values",
        method,
        given = got.type_name()
    ))
}

/// Binary fields travel as base64 text. The bytes that XML-RPC can carry are no value for any field.
fn refuse_bytes(values: &Map) -> Result<()> {
    match values
        .iter()
        .find(|(_, value)| matches!(value, AnyValue::Bytes(_)))
    {
        None => Ok(()),
        Some((name, _)) => Err(Error::Type(say!("error-create-raw-bytes", ?name))),
    }
}

async fn read_(mut call: Call<'_>) -> Result<AnyValue> {
    let asked = call.args.take_or_false("ids");
    let names = call.args.take_names("fields")?.unwrap_or_default();
    let links = links(call.args.get("load"));
    let asked = asked.as_list().unwrap_or_default();
    Ok(read::asked(call.env, call.model, asked, &names, links)
        .await?
        .into())
}

/// `load` is `_classic_read` unless a client says otherwise; anything else means bare ids.
fn links(load: Option<&AnyValue>) -> read::Links {
    match load {
        None => read::Links::Named,
        Some(AnyValue::Text(text)) if text == "_classic_read" => read::Links::Named,
        Some(_) => read::Links::Bare,
    }
}

fn options(call: &mut Call<'_>) -> Result<search::Options> {
    Ok(search::Options {
        offset: call.args.take_int("offset")?.unwrap_or(0),
        limit: call.args.take_int("limit")?.unwrap_or(0),
        order: call.args.take_text("order")?.unwrap_or_default(),
    })
}

async fn search_(mut call: Call<'_>) -> Result<AnyValue> {
    let domain = Domain::parse_given(&call.args.take_or_false("domain"))?;
    let options = options(&mut call)?;
    let ids = search::ids(call.env, call.model, &domain, &options).await?;
    Ok(AnyValue::ids(&ids))
}

async fn search_count(mut call: Call<'_>) -> Result<AnyValue> {
    let domain = Domain::parse_given(&call.args.take_or_false("domain"))?;
    let limit = call.args.take_int("limit")?.unwrap_or(0);
    Ok(search::count(call.env, call.model, &domain, limit)
        .await?
        .into())
}

async fn search_read(mut call: Call<'_>) -> Result<AnyValue> {
    let domain = Domain::parse(&call.args.take_or_false("domain"))?;
    let names = call.args.take_names("fields")?.unwrap_or_default();
    let options = options(&mut call)?;
    let links = links(call.args.get("load"));
    let read = read::searched(call.env, call.model, &domain, &options, &names, links).await?;
    Ok(read.into())
}

async fn write_(mut call: Call<'_>) -> Result<AnyValue> {
    let values = match call.args.take_or_false("vals") {
        AnyValue::Map(values) => values,
        other => return Err(not_values("write", &other)),
    };
    refuse_bytes(&values)?;
    write::records(call.env, call.model, &call.ids, values).await?;
    Ok(true.into())
}

async fn unlink_(call: Call<'_>) -> Result<AnyValue> {
    write::unlink(call.env, call.model, &call.ids).await?;
    Ok(true.into())
}

async fn copy_(mut call: Call<'_>) -> Result<AnyValue> {
    let changes = call.args.take_map("default")?;
    let mut copies = Vec::with_capacity(call.ids.len());
    for id in &call.ids {
        copies.push(write::copy(call.env, call.model, *id, changes.clone()).await?);
    }
    Ok(AnyValue::ids(&copies))
}

async fn archive_(call: Call<'_>, to: archive::Move) -> Result<AnyValue> {
    archive::records(call.env, call.model, &call.ids, to).await?;
    Ok(AnyValue::Null)
}

/// Clients may call it, but records do not travel: what arrives is Python's text for them.
async fn browse(mut call: Call<'_>) -> Result<AnyValue> {
    let ids = crate::args::given_ids(&call.args.take_or_false("ids"))?;
    let told: Vec<String> = ids.iter().map(AnyValue::to_python_text).collect();
    let one = if told.len() == 1 { "," } else { "" };
    Ok(format!("{}({}{one})", call.model.name(), told.join(", ")).into())
}

async fn exists(call: Call<'_>) -> Result<AnyValue> {
    Ok(AnyValue::ids(
        &search::existing(call.env, call.model, &call.ids).await?,
    ))
}

async fn fields_get(mut call: Call<'_>) -> Result<AnyValue> {
    let names = call.args.take_names("allfields")?;
    let attributes = call.args.take_names("attributes")?;
    let told = meta::fields_get(
        call.env,
        call.model,
        names.as_deref(),
        attributes.as_deref(),
    );
    Ok(told.await?.into())
}

async fn default_get(mut call: Call<'_>) -> Result<AnyValue> {
    let names = call.args.take_names("fields_list")?.unwrap_or_default();
    Ok(defaults::get(call.env, call.model, &names).await?.into())
}

async fn name_search(mut call: Call<'_>) -> Result<AnyValue> {
    let name = call.args.take_or_false("name");
    let domain = Domain::parse(&call.args.take_or_false("args"))?;
    let operator = match call.args.take_text("operator")? {
        None => Operator::Ilike,
        Some(text) => Operator::parse(&text)
            .ok_or_else(|| Error::Value(say!("error-domain-operator", ?text)))?,
    };
    // Left out it is 100; nothing means all.
    let limit = match call.args.get("limit") {
        None => 100,
        Some(_) => call.args.take_int("limit")?.unwrap_or(0),
    };
    names::name_search(call.env, call.model, &name, domain, operator, limit).await
}

async fn name_create(mut call: Call<'_>) -> Result<AnyValue> {
    let name = call.args.take_or_false("name");
    let rec_name = call.model.model.rec_name;
    let values = Map::from_iter([(Key::Borrowed(rec_name), name)]);
    let id = create::record(call.env, call.model, values).await?;
    let mut names = names::of(call.env, call.model, &[id]).await?;
    Ok(names::pair(id, names.remove(&id)))
}

async fn onchange(mut call: Call<'_>) -> Result<AnyValue> {
    let values = call.args.take_map("values")?;
    let changed = match call.args.take("field_names") {
        Some(AnyValue::Text(name)) => vec![name],
        Some(AnyValue::List(names)) => names
            .iter()
            .filter_map(AnyValue::as_text)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    };
    let spec = call.args.take_map("fields_spec")?;
    let answer = meta::onchange(call.env, call.model, &call.ids, values, &changed, &spec);
    Ok(answer.await?.into())
}

async fn load_(mut call: Call<'_>) -> Result<AnyValue> {
    let columns = call.args.take_names("fields")?.unwrap_or_default();
    let AnyValue::List(data) = call.args.take_or_false("data") else {
        return Err(Error::Type(say!("error-load-rows")));
    };
    let rows = data
        .into_iter()
        .map(|row| match row {
            AnyValue::List(cells) => Ok(cells),
            other => Err(Error::Type(say!(
                "error-load-row",
                given = other.type_name()
            ))),
        })
        .collect::<Result<Vec<_>>>()?;
    Ok(load::rows(call.env, call.model, &columns, &rows)
        .await?
        .into())
}

async fn export_data(mut call: Call<'_>) -> Result<AnyValue> {
    // Whoever administers may export without the group as well.
    let exporters = "base.group_allow_export,base.group_system";
    if !call.env.may_use(exporters).await? {
        return Err(Error::User(say!("error-export")));
    }
    let names = call
        .args
        .take_names("fields_to_export")?
        .unwrap_or_default();
    let columns: Vec<export::Path> = names.iter().map(|name| export::path(name)).collect();
    let rows = export::rows(call.env, call.model, &call.ids, &columns).await?;
    let rows = rows.into_iter().map(AnyValue::List).collect();
    Ok(Map::from_iter([(Key::Borrowed("datas"), AnyValue::List(rows))]).into())
}

async fn get_metadata(call: Call<'_>) -> Result<AnyValue> {
    meta::get_metadata(call.env, call.model, &call.ids).await
}

async fn get_external_id(call: Call<'_>) -> Result<AnyValue> {
    access::check_records(call.env, call.model, &call.ids, Operation::Read).await?;
    meta::get_external_id(call.env, call.model, &call.ids).await
}

fn operation(call: &mut Call<'_>) -> Result<Operation> {
    let name = call.args.take_text("operation")?.unwrap_or_default();
    Operation::named(&name).ok_or_else(|| Error::Assertion(say!("error-call-no-operation", ?name)))
}

async fn check_access(mut call: Call<'_>) -> Result<AnyValue> {
    let operation = operation(&mut call)?;
    access::check_records(call.env, call.model, &call.ids, operation).await?;
    access::check_present(call.env, call.model, &call.ids, operation).await?;
    Ok(AnyValue::Null)
}

async fn has_access(mut call: Call<'_>) -> Result<AnyValue> {
    let operation = operation(&mut call)?;
    match access::check_records(call.env, call.model, &call.ids, operation).await {
        Ok(()) => {
            access::check_present(call.env, call.model, &call.ids, operation).await?;
            Ok(true.into())
        }
        Err(Error::Access(_)) => Ok(false.into()),
        Err(other) => Err(other),
    }
}

async fn check_access_rights(mut call: Call<'_>) -> Result<AnyValue> {
    let operation = operation(&mut call)?;
    let raise = call
        .args
        .take("raise_exception")
        .is_none_or(|value| !value.is_falsy());
    match access::check_model(call.env, call.model, operation).await {
        // Asked to refuse rather than to tell, it tells nothing.
        Ok(()) if raise => Ok(AnyValue::Null),
        Ok(()) => Ok(true.into()),
        Err(Error::Access(_)) if !raise => Ok(false.into()),
        Err(other) => Err(other),
    }
}
