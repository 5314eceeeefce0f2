//! The common operations on every model, and their methods as clients call them.

pub mod access;
pub mod commands;
pub mod condition;
pub mod convert;
pub mod create;
pub mod defaults;
pub mod meta;
pub mod names;
pub mod read;
pub mod search;
pub mod write;

use futures_util::FutureExt;

use crate::domain::{Domain, Operator};
use crate::error::{Error, Result};
use crate::schema::{Call, Method, Operation, method, model_method};
use crate::value::{AnyValue, Key, Map};

/// The methods that every model has.
pub const METHODS: &[Method] = &[
    model_method("create", &["vals_list"], |call| create_(call).boxed()),
    method("read", &["fields?", "load?"], |call| read_(call).boxed()).reads_only(),
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
    method("exists", &[], |call| exists(call).boxed()).reads_only(),
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
    method("name_get", &[], |call| name_get(call).boxed()).reads_only(),
    method(
        "onchange",
        &["values", "field_names", "fields_spec"],
        |call| onchange(call).boxed(),
    )
    .reads_only(),
    method("get_metadata", &[], |call| get_metadata(call).boxed()).reads_only(),
    method("check_access", &["operation"], |call| {
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
    match call.args.take_or_false("vals_list") {
        AnyValue::Map(values) => Ok(create::record(call.env, call.model, values).await?.into()),
        AnyValue::List(items) => {
            let mut ids = Vec::with_capacity(items.len());
            for item in items {
                let AnyValue::Map(values) = item else {
                    return Err(not_values("create", &item));
                };
                ids.push(create::record(call.env, call.model, values).await?);
            }
            Ok(AnyValue::ids(&ids))
        }
        other => Err(not_values("create", &other)),
    }
}

fn not_values(method: &str, got: &AnyValue) -> Error {
    Error::Type(format!(
        "{method}() wants a mapping of field names to values, not {}.",
        got.type_name()
    ))
}

async fn read_(mut call: Call<'_>) -> Result<AnyValue> {
    let names = call.args.take_names("fields")?.unwrap_or_default();
    let links = links(call.args.take("load"));
    Ok(
        read::records(call.env, call.model, &call.ids, &names, links)
            .await?
            .into(),
    )
}

/// `load` is `_classic_read` unless a client says otherwise; anything else means bare ids.
fn links(load: Option<AnyValue>) -> read::Links {
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
    let domain = Domain::parse(&call.args.take_or_false("domain"))?;
    let options = options(&mut call)?;
    let ids = search::ids(call.env, call.model, &domain, &options).await?;
    Ok(AnyValue::ids(&ids))
}

async fn search_count(mut call: Call<'_>) -> Result<AnyValue> {
    let domain = Domain::parse(&call.args.take_or_false("domain"))?;
    let limit = call.args.take_int("limit")?.unwrap_or(0);
    Ok(search::count(call.env, call.model, &domain, limit)
        .await?
        .into())
}

async fn search_read(mut call: Call<'_>) -> Result<AnyValue> {
    let domain = Domain::parse(&call.args.take_or_false("domain"))?;
    let names = call.args.take_names("fields")?.unwrap_or_default();
    let options = options(&mut call)?;
    let links = links(call.args.take("load"));
    let ids = search::ids(call.env, call.model, &domain, &options).await?;
    Ok(read::records(call.env, call.model, &ids, &names, links)
        .await?
        .into())
}

async fn write_(mut call: Call<'_>) -> Result<AnyValue> {
    let AnyValue::Map(values) = call.args.take_or_false("vals") else {
        return Err(Error::Type(
            "write() wants a mapping of field names to values.".into(),
        ));
    };
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
    let name = call.args.take_text("name")?.unwrap_or_default();
    let domain = Domain::parse(&call.args.take_or_false("args"))?;
    let operator = match call.args.take_text("operator")? {
        None => Operator::Ilike,
        Some(text) => parse_operator(&text)?,
    };
    let limit = call.args.take_int("limit")?.unwrap_or(100);
    names::name_search(call.env, call.model, &name, domain, operator, limit).await
}

fn parse_operator(text: &str) -> Result<Operator> {
    let probe = AnyValue::List(vec![AnyValue::List(vec![
        "id".into(),
        text.into(),
        AnyValue::FALSE,
    ])]);
    match Domain::parse(&probe)? {
        Domain::Leaf(leaf) => Ok(leaf.operator),
        _ => Ok(Operator::Ilike),
    }
}

async fn name_create(mut call: Call<'_>) -> Result<AnyValue> {
    let name = call.args.take_or_false("name");
    let rec_name = call.model.model.rec_name;
    let values = Map::from_iter([(Key::Borrowed(rec_name), name)]);
    let id = create::record(call.env, call.model, values).await?;
    let mut names = names::of(call.env, call.model, &[id]).await?;
    Ok(names::pair(id, names.remove(&id)))
}

async fn name_get(call: Call<'_>) -> Result<AnyValue> {
    names::name_get(call.env, call.model, &call.ids).await
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

async fn get_metadata(call: Call<'_>) -> Result<AnyValue> {
    meta::get_metadata(call.env, call.model, &call.ids).await
}

fn operation(call: &mut Call<'_>) -> Result<Operation> {
    let name = call.args.take_text("operation")?.unwrap_or_default();
    Operation::named(&name).ok_or_else(|| {
        Error::Value(format!(
            "There is no operation {name:?}; rights are about read, write, create and unlink."
        ))
    })
}

async fn check_access(mut call: Call<'_>) -> Result<AnyValue> {
    let operation = operation(&mut call)?;
    access::check_records(call.env, call.model, &call.ids, operation).await?;
    Ok(AnyValue::Null)
}

async fn has_access(mut call: Call<'_>) -> Result<AnyValue> {
    let operation = operation(&mut call)?;
    match access::check_records(call.env, call.model, &call.ids, operation).await {
        Ok(()) => Ok(true.into()),
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
        Ok(()) => Ok(true.into()),
        Err(Error::Access(_)) if !raise => Ok(false.into()),
        Err(other) => Err(other),
    }
}
