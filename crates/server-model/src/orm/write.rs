//! Changing records.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use indexmap::IndexMap;

use words::say;

use super::commands::{self, Since};
use super::{access, convert, create, links, read, search};
use crate::audit;
use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::registry::{Entry, entry};
use crate::schema::{Field, Operation};
use crate::value::{AnyValue, Id, Ids, Key, Map};
use crate::vault;

/// Writes the values to all of the records.
///
/// # Errors
/// [`Error::Access`] without the right, [`Error::Value`] for unknown fields and wrong types,
/// [`Error::Validation`] when a required value is taken away or a constraint does not hold.
pub fn records<'a>(
    env: &'a Env,
    model: &'static Entry,
    ids: &'a [Id],
    given: Map,
) -> BoxFuture<'a, Result<()>> {
    async move {
        access::check_records(env, model, ids, Operation::Write).await?;
        access::check_present(env, model, ids, Operation::Write).await?;
        for name in given.keys() {
            let field = model.field(name)?;
            access::check_field(env, model, field, Operation::Write).await?;
        }
        if ids.is_empty() {
            return Ok(());
        }
        let mut values = given;
        if let Some(before_write) = model.model.hooks.before_write {
            before_write(env, ids, &mut values).await?;
        }
        for (name, value) in &values {
            let field = model.field(name)?;
            if field.column && field.required && create::is_missing(field, Some(value)) {
                return Err(Error::Validation(
                    say!(
                        "error-field-empty",
                        label = model.label(field),
                        field = field.name,
                        model = ?model.name()
                    )
                    .about(field.name),
                ));
            }
        }
        let before = audit::before(env, model, ids, &values).await?;
        update(env, model, ids, &values).await?;
        beside_columns(env, model, ids, &values, Since::Before).await?;
        if let Some(after_write) = model.model.hooks.after_write {
            after_write(env, ids, &values).await?;
        }
        if let Some(check) = model.model.hooks.check {
            check(env, ids, &values).await?;
        }
        // A change must not carry a record out of the caller's reach.
        access::check_records(env, model, ids, Operation::Write).await?;
        match before {
            Some(before) => audit::written(env, model, ids, &before).await,
            None => Ok(()),
        }
    }
    .boxed()
}

/// Writes the columns and the log; rights, hooks and constraints are the caller's business.
///
/// # Errors
/// [`Error::Value`] for wrong types, and what the database refuses.
pub async fn update(env: &Env, model: &'static Entry, ids: &[Id], values: &Map) -> Result<()> {
    env.changes(model.name());
    let mut sql = env.sql("UPDATE ");
    sql.name(model.table()).push(" SET ");
    let mut count = 0;
    let mut secrets = Vec::new();
    for (name, value) in values {
        let field = model.field(name)?;
        let log_column = matches!(
            field.name,
            "id" | "create_uid" | "create_date" | "write_uid" | "write_date"
        );
        if !field.column || (log_column && model.keeps_log()) {
            continue;
        }
        if field.secret {
            secrets.push((field, value));
            continue;
        }
        sql.push(if count > 0 { ", " } else { "" });
        sql.name(field.name).push(" = ");
        if field.translate {
            push_object(
                model,
                &mut sql,
                field,
                value,
                dialect::language(env.lang()),
                "en_US",
            )?;
        } else if field.company_dependent {
            let company = convert::company(env).await?.to_string();
            push_object(model, &mut sql, field, value, &company, &company)?;
        } else {
            sql.bind(convert::stored(model, field, value)?);
        }
        count += 1;
    }
    if model.keeps_log() {
        sql.push(if count > 0 { ", " } else { "" });
        sql.push("write_uid = ").bind(env.uid());
        sql.push(", write_date = ").bind(env.now());
        count += 1;
    }
    if count > 0 {
        sql.push(" WHERE id");
        dialect::in_ids(&mut sql, ids);
        if let Err(error) = env.execute(sql).await {
            return Err(links::explained(env, model, values, error).await);
        }
    }
    for (field, value) in secrets {
        vault::write(env, model, field, ids, value).await?;
    }
    Ok(())
}

/// Changes one member of an object column; where there is no object yet, the text also becomes its
/// `first` member.
fn push_object(
    model: &Entry,
    sql: &mut crate::sql::Sql,
    field: &Field,
    value: &AnyValue,
    member: &str,
    first: &str,
) -> Result<()> {
    let sea_orm::Value::String(text) = convert::stored(model, field, value)? else {
        return Ok(());
    };
    match text {
        None => {
            sql.push("NULL");
        }
        Some(text) => {
            let change = serde_json::json!({ member: text }).to_string();
            let first = serde_json::json!({ first: text }).to_string();
            dialect::merge_json(sql, field.name, first, change);
        }
    }
    Ok(())
}

/// Writes what has no column here: relations, inverses, and fields behind a link.
///
/// # Errors
/// As for writing where they lead.
pub async fn beside_columns(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    values: &Map,
    since: Since,
) -> Result<()> {
    let mut behind: IndexMap<&str, Map> = IndexMap::new();
    for (name, value) in values {
        let field = model.field(name)?;
        if field.column {
            continue;
        }
        if let Some(inverse) = field.inverse {
            inverse(env, ids, value).await?;
        } else if let Some((through, rest)) = field.related.and_then(|path| path.split_once('.')) {
            behind
                .entry(through)
                .or_default()
                .insert(Key::Borrowed(rest), value.clone());
        } else if field.is_stored() {
            commands::apply(env, model, field, ids, value, since).await?;
        }
    }
    for (through, theirs) in behind {
        write_behind(env, model, ids, through, theirs).await?;
    }
    Ok(())
}

async fn write_behind(
    env: &Env,
    model: &'static Entry,
    ids: &[Id],
    through: &str,
    theirs: Map,
) -> Result<()> {
    let link = model.field(through)?;
    let Some(comodel) = link.kind.comodel() else {
        return Ok(());
    };
    let targets: Ids = read::values(env, model, ids, &[link])
        .await?
        .shift_remove(link.name)
        .unwrap_or_default()
        .iter()
        .filter_map(AnyValue::as_id)
        .collect();
    // Writing an inherited field is writing the record itself, so its own rights decide.
    let inherits = model
        .model
        .inherits
        .iter()
        .any(|(_, field)| *field == through);
    let env = if inherits { env.sudo() } else { env.clone() };
    records(&env, entry(comodel)?, &targets, theirs).await
}

/// Deletes records. Ids without a record are left out, unless a record rule must be asked about them.
///
/// # Errors
/// [`Error::Access`] without the right, [`Error::Missing`], [`Error::Validation`] while other records need one of them.
pub async fn unlink(env: &Env, model: &'static Entry, ids: &[Id]) -> Result<()> {
    access::check_records(env, model, ids, Operation::Unlink).await?;
    access::check_present(env, model, ids, Operation::Unlink).await?;
    let ids = search::existing(env, model, ids).await?;
    if ids.is_empty() {
        return Ok(());
    }
    if let Some(before_unlink) = model.model.hooks.before_unlink {
        before_unlink(env, &ids).await?;
    }
    audit::deleted(env, model, &ids).await?;
    env.changes(model.name());
    let mut sql = env.sql("DELETE FROM ir_attachment WHERE res_model = ");
    sql.bind(model.name()).push(" AND res_id");
    dialect::in_ids(&mut sql, &ids);
    if model.name() != "ir.attachment" {
        env.execute(sql).await?;
    }
    let mut sql = env.sql("DELETE FROM ir_model_data WHERE model = ");
    sql.bind(model.name()).push(" AND res_id");
    dialect::in_ids(&mut sql, &ids);
    env.execute(sql).await?;
    let mut sql = env.sql("DELETE FROM ");
    sql.name(model.table()).push(" WHERE id");
    dialect::in_ids(&mut sql, &ids);
    match env.execute(sql).await {
        Ok(_) => Ok(()),
        Err(error) => Err(links::explained_for(env, model, &ids, error).await),
    }
}

/// Copies a record, with `changes` instead of its own values, and gives the id of the copy.
///
/// # Errors
/// As for reading and creating; [`Error::Missing`] when there is no such record.
pub async fn copy(env: &Env, model: &'static Entry, id: Id, changes: Map) -> Result<Id> {
    access::check_records(env, model, &[id], Operation::Read).await?;
    if search::existing(env, model, &[id]).await?.is_empty() {
        return Err(missing(model, id));
    }
    let mut fields = Vec::new();
    for field in model.fields.values() {
        let through_link = field.related.is_some() && !field.inherited;
        let made_up = field.compute.is_some() || field.name == "display_name";
        if field.copied && !through_link && !made_up && env.may_use(field.groups).await? {
            fields.push(field);
        }
    }
    let parents: Vec<&str> = model.model.inherits.iter().map(|(_, link)| *link).collect();
    fields.retain(|field| !parents.contains(&field.name));
    let mut values = Map::new();
    for (name, mut column) in read::values(env, model, &[id], &fields).await? {
        let Some(value) = column.pop() else { continue };
        let value = match (&value, model.field(name)?.kind.is_x2many()) {
            (AnyValue::List(ids), true) => commands::set(ids.clone()),
            _ => value,
        };
        values.insert(Key::Borrowed(name), value);
    }
    if let Some(before_copy) = model.model.hooks.before_copy {
        before_copy(env, id, &mut values).await?;
    }
    values.extend(changes);
    create::record(env, model, values).await
}

/// The error for a record that is not there.
pub fn missing(model: &Entry, id: Id) -> Error {
    Error::Missing(say!(
        "error-missing",
        id,
        title = model.title(),
        name = model.name()
    ))
}
