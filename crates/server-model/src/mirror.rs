//! Writes down what the registry declares, where clients look for it: models, fields, rights,
//! rules and jobs, with their external ids.
//!
//! What stands there already is left alone, so that nothing of a live Odoo database is changed.
//! The rows for rights and rules carry external ids of the module `postern`; when the declarations
//! have changed since the last start, those are written anew.

mod fields;
mod jobs;
mod rights;

use sha1::{Digest, Sha1};

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::convert;
use crate::registry::{Entry, registry};
use crate::value::Id;

/// The name under which the state of the declarations is remembered.
const STATE: &str = "registry";

/// Writes the mirror, unless it shows these very declarations already.
///
/// # Errors
/// When the database fails.
pub async fn write(env: &Env) -> Result<()> {
    let declared = fingerprint();
    if remembered(env).await?.as_deref() == Some(declared.as_str()) {
        return Ok(());
    }
    for entry in registry().iter() {
        let id = model(env, entry).await?;
        let name = format!("model_{}", entry.name().replace('.', "_"));
        external_id(env, module_of(entry.name()), &name, "ir.model", id).await?;
    }
    fields::write(env).await?;
    rights::write(env).await?;
    jobs::write(env).await?;
    remember(env, &declared).await
}

/// The Odoo module that brings a model.
fn module_of(model: &str) -> &'static str {
    match model.split_once('.').map_or(model, |(first, _)| first) {
        "mail" | "fetchmail" => "mail",
        "microsoft" => "microsoft_outlook",
        "google" => "google_gmail",
        _ => "base",
    }
}

/// A number that changes with everything that is mirrored.
fn fingerprint() -> String {
    let mut sum = Sha1::new();
    for entry in registry().iter() {
        let model = entry.model;
        sum.update(format!(
            "{}\n{}\n{}\n{}\n",
            model.name, model.description, model.order, model.transient
        ));
        for field in entry.fields.values() {
            sum.update(format!("{:?}\n", fields::Shown::of(field)));
        }
        sum.update(format!("{:?}\n", model.access));
        for rule in model.rules {
            sum.update(format!(
                "{:?} {} {}\n",
                rule.groups, rule.operations, rule.domain_force
            ));
        }
    }
    sum.update(format!("{:?}", jobs::JOBS));
    sum.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn remembered(env: &Env) -> Result<Option<String>> {
    let mut sql = env.sql("SELECT value FROM postern_state WHERE name = ");
    sql.bind(STATE);
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}

async fn remember(env: &Env, state: &str) -> Result<()> {
    let mut sql = env.sql("INSERT INTO postern_state (name, value) VALUES (");
    sql.bind(STATE).push(", ").bind(state);
    sql.push(") ON CONFLICT (name) DO UPDATE SET value = excluded.value");
    env.execute(sql).await?;
    Ok(())
}

async fn model(env: &Env, entry: &Entry) -> Result<Id> {
    let name = serde_json::json!({ "en_US": entry.model.description }).to_string();
    let is_conversation = entry.methods.contains_key("message_post");
    let is_blacklisted = entry
        .fields
        .get("is_blacklisted")
        .is_some_and(|f| !f.inherited);
    let mut sql = env.sql(
        "INSERT INTO ir_model (model, name, \"order\", state, transient, is_mail_thread, is_mail_activity, \
         is_mail_blacklist, create_uid, write_uid, create_date, write_date) VALUES (",
    );
    sql.bind(entry.name()).push(", ");
    dialect::bind_json(&mut sql, Some(name));
    sql.push(", ").bind(entry.model.order).push(", 'base', ");
    sql.bind(entry.model.transient)
        .push(", ")
        .bind(is_conversation);
    sql.push(", FALSE, ").bind(is_blacklisted).push(", ");
    sql.bind(env.uid()).push(", ").bind(env.uid()).push(", ");
    sql.bind(env.now()).push(", ").bind(env.now());
    // The update changes nothing; it makes the row that is there answer with its id.
    sql.push(") ON CONFLICT (model) DO UPDATE SET model = excluded.model RETURNING id");
    inserted(env, sql).await
}

/// Runs an insert that answers with an id.
async fn inserted(env: &Env, sql: crate::sql::Sql) -> Result<Id> {
    crate::orm::search::collect_ids(env, sql)
        .await?
        .first()
        .copied()
        .ok_or_else(|| crate::error::Error::Internal("A mirrored row got no id.".into()))
}

/// Gives a record an external id, unless that id is taken.
async fn external_id(env: &Env, module: &str, name: &str, model: &str, id: Id) -> Result<()> {
    let mut sql = env.sql(
        "INSERT INTO ir_model_data (module, name, model, res_id, noupdate, create_uid, write_uid, create_date, write_date) VALUES (",
    );
    sql.bind(module).push(", ").bind(name).push(", ");
    sql.bind(model).push(", ").bind(id).push(", TRUE, ");
    sql.bind(env.uid()).push(", ").bind(env.uid()).push(", ");
    sql.bind(env.now()).push(", ").bind(env.now());
    sql.push(") ON CONFLICT DO NOTHING");
    env.execute(sql).await?;
    Ok(())
}
