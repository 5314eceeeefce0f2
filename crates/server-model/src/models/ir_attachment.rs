//! `ir.attachment`: files.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use std::collections::{HashMap, HashSet};

use futures_util::FutureExt;
use sha1::{Digest, Sha1};

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::by_id;
use crate::orm::{access, convert, names};
use crate::registry::entry;
use crate::schema::{self, Answer, Kind, Operation, Selection, access, computed, model};
use crate::value::{AnyValue, Id, Ids, Key, Map};

/// So many files are stored with one statement, whose values the databases limit.
const FILES_AT_ONCE: usize = 128;

const TYPE: Selection = &[("url", "URL"), ("binary", "File")];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_attachment")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Resource ID", reference = "res_model")]
    pub res_id: Option<i32>,
    #[odoo(label = "Company", many2one = "res.company", default_fn = company)]
    pub company_id: Option<i32>,
    #[odoo(label = "File Size", readonly)]
    pub file_size: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name")]
    pub name: String,
    #[odoo(label = "Resource Model")]
    pub res_model: Option<String>,
    #[odoo(label = "Resource Field")]
    pub res_field: Option<String>,
    #[odoo(label = "Type", selection = TYPE, default = "binary")]
    pub r#type: String,
    #[odoo(label = "Url", size = 1024)]
    pub url: Option<String>,
    #[odoo(label = "Access Token", groups = "base.group_user")]
    pub access_token: Option<String>,
    #[odoo(label = "Stored Filename")]
    pub store_fname: Option<String>,
    #[odoo(label = "Checksum/SHA1", size = 40, readonly)]
    pub checksum: Option<String>,
    #[odoo(label = "Mime Type", readonly)]
    pub mimetype: Option<String>,
    #[odoo(label = "Description", text)]
    pub description: Option<String>,
    #[odoo(label = "Indexed Content", text, readonly)]
    pub index_content: Option<String>,
    #[odoo(label = "Is public document")]
    pub public: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "Database Data", no_copy)]
    pub db_datas: Option<Vec<u8>>,
    #[odoo(
        label = "Original (unoptimized, unresized) attachment",
        many2one = "ir.attachment"
    )]
    pub original_id: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.attachment", "Attachment", "ir_attachment")
    .order("id desc")
    .columns(Model::FIELDS)
    .virtuals(&[
        computed(
            "datas",
            "File Content (base64)",
            Kind::Binary,
            &[],
            |env, ids| contents(env, ids).boxed(),
        )
        .help("The content as base64 text.")
        .inverse(|env, ids, value| store(env, ids, value).boxed()),
        computed(
            "raw",
            "File Content (raw)",
            Kind::Binary,
            &[],
            |env, ids| contents(env, ids).boxed(),
        )
        .help("The content as bytes; over JSON they travel as base64 text.")
        .inverse(|env, ids, value| store_raw(env, ids, value).boxed()),
        computed(
            "res_name",
            "Resource Name",
            Kind::Char,
            &["res_model", "res_id"],
            |env, ids| record_names(env, ids).boxed(),
        )
        .help("The name of the record that the file is on."),
        computed(
            "local_url",
            "Attachment URL",
            Kind::Char,
            &["url"],
            |env, ids| local_urls(env, ids).boxed(),
        ),
    ])
    .access(&[access("base.group_user", "rwcd")])
    .hooks(schema::Hooks {
        before_create: Some(|env, values| before_create(env, values).boxed()),
        before_write: Some(|env, _, values| {
            keep_own_files(env, values);
            keep_harmless(env, values).boxed()
        }),
        before_copy: Some(|env, id, values| copy_content(env, id, values).boxed()),
        reachable: Some(|env, ids, operation| reachable(env, ids, operation).boxed()),
        ..model("", "", "").hooks
    });

fn company<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(convert::company(env).await?.into()) }.boxed()
}

/// A file to be stored.
pub struct File<'a> {
    /// What it is called.
    pub name: &'a str,
    /// Its media type.
    pub mimetype: String,
    /// Its content.
    pub bytes: &'a [u8],
}

/// Stores many files at once, each on the record that it comes with (model and id), and gives their
/// ids in the same order. No rights are checked, and the types are taken as they are.
///
/// # Errors
/// [`Error::User`] for a file that is too large, and when the database fails.
pub async fn store_files(env: &Env, files: Vec<(File<'_>, &str, Id)>) -> Result<Ids> {
    let mut ids = Ids::with_capacity(files.len());
    let company = convert::company(env).await?;
    let mut files = files.into_iter();
    while files.len() > 0 {
        let some = dialect::rows_at_once(files.len(), FILES_AT_ONCE);
        let mut sql = env.sql(
            "INSERT INTO ir_attachment (name, mimetype, res_model, res_id, company_id, type, db_datas, file_size, checksum, create_uid, write_uid, create_date, write_date) VALUES ",
        );
        for (place, (file, model, id)) in files.by_ref().take(some).enumerate() {
            let size = file_size(file.bytes)?;
            sql.push(if place == 0 { "(" } else { "), (" });
            sql.bind(file.name).push(", ").bind(file.mimetype);
            sql.push(", ").bind(model).push(", ").bind(id);
            sql.push(", ").bind(company).push(", 'binary', ");
            sql.bind(file.bytes.to_vec());
            sql.push(", ").bind(size);
            sql.push(", ").bind(checksum(file.bytes));
            for _ in 0..2 {
                sql.push(", ").bind(env.uid());
            }
            for _ in 0..2 {
                sql.push(", ").bind(env.now());
            }
        }
        sql.push(") RETURNING id");
        let mut made = crate::orm::search::collect_ids(env, sql).await?;
        // Rows get their numbers in the order in which they are written, whatever order they
        // come back in.
        made.sort_unstable();
        ids.extend(made);
    }
    Ok(ids)
}

/// Attaches files to messages: pairs of the ids of a message and a file.
///
/// # Errors
/// When the database fails.
pub async fn link(env: &Env, pairs: Vec<(Id, Id)>) -> Result<()> {
    let mut pairs = pairs.into_iter();
    while pairs.len() > 0 {
        let some = dialect::rows_at_once(pairs.len(), FILES_AT_ONCE);
        let mut sql =
            env.sql("INSERT INTO message_attachment_rel (message_id, attachment_id) VALUES (");
        for (place, (message, file)) in pairs.by_ref().take(some).enumerate() {
            sql.push(if place == 0 { "" } else { "), (" });
            sql.bind(message).push(", ").bind(file);
        }
        sql.push(")");
        env.execute(sql).await?;
    }
    Ok(())
}

/// A file's type follows from its name unless it is given.
async fn before_create(env: &Env, values: &mut Map) -> Result<()> {
    keep_own_files(env, values);
    if values.get("mimetype").is_none_or(AnyValue::is_falsy) {
        let name = values
            .get("name")
            .and_then(AnyValue::as_text)
            .unwrap_or_default();
        let guess = mime_guess::from_path(name).first_or_octet_stream();
        values.insert(Key::Borrowed("mimetype"), guess.essence_str().into());
    }
    keep_harmless(env, values).await
}

/// Which file of Odoo's holds a content is nobody's to say: whoever could name one could read it.
fn keep_own_files(env: &Env, values: &mut Map) {
    if env.backend().home().is_odoos() {
        for name in ["store_fname", "checksum", "file_size"] {
            values.shift_remove(name);
        }
    }
}

/// What a browser would run when it opens the file is plain text, unless an administrator stores it.
async fn keep_harmless(env: &Env, values: &mut Map) -> Result<()> {
    let Some(kind) = values.get("mimetype").and_then(AnyValue::as_text) else {
        return Ok(());
    };
    let kind = kind.to_ascii_lowercase();
    let active = kind.contains("ht") || (kind.contains("xml") && !kind.contains("openxmlformats"));
    let forced = env
        .context()
        .get("attachments_mime_plainxml")
        .is_some_and(|value| !value.is_falsy());
    if active && (forced || !env.has_any_group("base.group_system").await?) {
        values.insert(Key::Borrowed("mimetype"), "text/plain".into());
    }
    Ok(())
}

/// A copy of a file has the same content.
async fn copy_content(env: &Env, id: Id, values: &mut Map) -> Result<()> {
    let mut sql = env.sql("SELECT db_datas, store_fname FROM ir_attachment WHERE id = ");
    sql.bind(id);
    let Some(row) = env.row(sql).await? else {
        return Ok(());
    };
    let (stored, file) = (convert::get(&row, 0)?, convert::get(&row, 1)?);
    if let Some(bytes) = env.backend().home().content(stored, file).await? {
        values.insert(Key::Borrowed("raw"), AnyValue::Bytes(bytes));
    }
    Ok(())
}

async fn contents(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let sizes_only = env.context().get("bin_size").is_some_and(|v| !v.is_falsy());
    let mut sql =
        env.sql("SELECT id, db_datas, store_fname, file_size FROM ir_attachment WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let (stored, file) = (convert::get(&row, 1)?, convert::get::<String>(&row, 2)?);
        if sizes_only && stored.is_none() && file.is_some() {
            let size: i32 = convert::get(&row, 3)?.unwrap_or_default();
            found.insert(id, crate::orm::read::human_size(f64::from(size)).into());
            continue;
        }
        match env.backend().home().content(stored, file).await {
            Ok(Some(bytes)) if sizes_only => {
                found.insert(id, crate::orm::read::human_size(bytes.len() as f64).into());
            }
            Ok(Some(bytes)) => {
                found.insert(id, convert::base64_text(&bytes));
            }
            Ok(None) => {}
            // As in Odoo, a file that is gone is an empty one for whoever only looks.
            Err(error) => tracing::warn!(attachment = id, %error, "an attachment cannot be read"),
        }
    }
    Ok(ids
        .iter()
        .map(|id| {
            let content = found.remove(id);
            content.unwrap_or_else(|| AnyValue::Text(String::new()))
        })
        .collect())
}

/// The names of the records that the files are on.
async fn record_names(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql =
        env.sql("SELECT id, res_model, res_id FROM ir_attachment WHERE res_id > 0 AND id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let model: String = convert::get(&row, 1)?.unwrap_or_default();
        let (Some(id), Some(record), Ok(model)) = (
            convert::get::<Id>(&row, 0)?,
            convert::get::<Id>(&row, 2)?,
            entry(&model),
        ) else {
            continue;
        };
        if let Some(name) = names::of(env, model, &[record]).await?.remove(&record) {
            found.insert(id, name);
        }
    }
    Ok(by_id::ordered(ids, found))
}

async fn store(env: &Env, ids: &[Id], value: &AnyValue) -> Result<()> {
    if let AnyValue::Bytes(_) = value {
        return Err(Error::Type(say!("error-attachment-datas")));
    }
    let bytes = if value.is_falsy() {
        Some(Vec::new())
    } else {
        convert::given_bytes(value)
    };
    let bytes = bytes.ok_or_else(|| Error::User(say!("error-file-not-base64")))?;
    store_bytes(env, ids, bytes).await
}

/// `raw` takes text as it is: over JSON there is no other way to give bytes.
async fn store_raw(env: &Env, ids: &[Id], value: &AnyValue) -> Result<()> {
    let bytes = match value {
        AnyValue::Bytes(bytes) => bytes.clone(),
        AnyValue::Text(text) => text.clone().into_bytes(),
        _ => Vec::new(),
    };
    store_bytes(env, ids, bytes).await
}

async fn store_bytes(env: &Env, ids: &[Id], bytes: Vec<u8>) -> Result<()> {
    let size = file_size(&bytes)?;
    let checksum = checksum(&bytes);
    // What lay in a file of Odoo's lies in the database from now on.
    let mut sql = env.sql("UPDATE ir_attachment SET store_fname = NULL, db_datas = ");
    sql.bind(bytes).push(", file_size = ").bind(size);
    sql.push(", checksum = ").bind(checksum).push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await?;
    Ok(())
}

fn file_size(bytes: &[u8]) -> Result<i32> {
    i32::try_from(bytes.len()).map_err(|_| Error::User(say!("error-file-too-large")))
}

fn checksum(bytes: &[u8]) -> String {
    Sha1::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

async fn local_urls(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id, url, checksum FROM ir_attachment WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut urls = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let url: Option<String> = convert::get(&row, 1)?;
        let checksum: String = convert::get(&row, 2)?.unwrap_or_default();
        urls.insert(
            id,
            url.unwrap_or_else(|| format!("/web/image/{id}?unique={checksum}")),
        );
    }
    Ok(ids
        .iter()
        .map(|id| urls.remove(id).map_or(AnyValue::FALSE, AnyValue::Text))
        .collect())
}

/// A file is reached by everybody who may do the same with the record it is on; one without a
/// record by whoever made it. Public files are read by all.
async fn reachable(env: &Env, ids: &[Id], operation: Operation) -> Result<Ids> {
    if ids.is_empty() || env.has_any_group("base.group_system").await? {
        return Ok(ids.to_vec());
    }
    let mut sql =
        env.sql("SELECT id, res_model, res_id, public, create_uid FROM ir_attachment WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut reached = HashSet::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let model: Option<String> = convert::get(&row, 1)?;
        let res_id = convert::get::<Id>(&row, 2)?.filter(|id| *id > 0);
        let public = convert::get::<bool>(&row, 3)?.unwrap_or(false);
        let own = convert::get::<Id>(&row, 4)? == Some(env.uid());
        let allowed = match (model.as_deref().map(entry), res_id) {
            _ if public && operation == Operation::Read => true,
            (Some(Ok(model)), Some(res_id)) => on_record(env, model, res_id, operation).await?,
            _ => own,
        };
        if allowed {
            reached.insert(id);
        }
    }
    Ok(ids
        .iter()
        .copied()
        .filter(|id| reached.contains(id))
        .collect())
}

async fn on_record(
    env: &Env,
    model: &'static crate::registry::Entry,
    res_id: Id,
    operation: Operation,
) -> Result<bool> {
    let operation = match operation {
        Operation::Read => Operation::Read,
        _ => Operation::Write,
    };
    if !access::may(env, model, operation).await? {
        return Ok(false);
    }
    let ids = [res_id];
    Ok(!Box::pin(access::reached(env, model, &ids, operation))
        .await?
        .is_empty())
}
