//! Mails read from the database, by a number of statements that does not grow with the number of mails.

use std::collections::HashMap;
use std::sync::Arc;

use mail::compose::Attachment;
use sea_orm::EntityTrait;

use words::Text;

use super::{Contact, Draft, Link};
use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::{mail_mail, mail_message};
use crate::orm::{convert, write};
use crate::outbox::choose::{Carrier, Directory};
use crate::registry::entry;
use crate::value::Id;

/// What base64 makes of a byte.
const BASE64_GROWTH: f64 = 4.0 / 3.0;
/// How much of the largest mail may be files: the rest is for text and header.
const SHARE_OF_FILES: f64 = 0.8;
/// Records that files are on only because they came with a mail. Such a file goes with the mail, or nobody could get
/// at it.
const NO_OWNERS: [&str; 3] = ["mail.mail", "mail.message", "mail.compose.message"];

/// Reads one mail.
///
/// # Errors
/// [`Error::Missing`] when it was deleted.
pub async fn read(env: &Env, directory: &Directory, id: Id) -> Result<Draft> {
    let found = read_many(env, directory, &[id]).await?.pop();
    found.ok_or_else(|| match entry("mail.mail") {
        Ok(model) => write::missing(model, id),
        Err(error) => error,
    })
}

/// Reads mails, in the order of `ids`; those that were deleted are left out. In a transaction that may write, because
/// files that are too large to send along get a token by which they are fetched.
///
/// # Errors
/// When the database fails.
pub async fn read_many(env: &Env, directory: &Directory, ids: &[Id]) -> Result<Vec<Draft>> {
    let found = read_all(env, directory, ids, true).await?;
    Ok(found.unwrap_or_default())
}

/// Like [`read_many`], in a transaction that only reads: `None` where a file would have to be given a token.
///
/// # Errors
/// When the database fails.
pub async fn read_only(env: &Env, directory: &Directory, ids: &[Id]) -> Result<Option<Vec<Draft>>> {
    read_all(env, directory, ids, false).await
}

async fn read_all(
    env: &Env,
    directory: &Directory,
    ids: &[Id],
    may_write: bool,
) -> Result<Option<Vec<Draft>>> {
    let mut sql = env.sql("SELECT * FROM mail_mail WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mails: Vec<mail_mail::Model> = mail_mail::Entity::find()
        .from_raw_sql(sql.build())
        .all(env.connection())
        .await
        .map_err(dialect::database_error)?;
    let message_ids: Vec<Id> = mails.iter().map(|mail| mail.mail_message_id).collect();
    let mut sql = env.sql("SELECT * FROM mail_message WHERE id");
    dialect::in_ids(&mut sql, &message_ids);
    let messages: HashMap<Id, Arc<mail_message::Model>> = mail_message::Entity::find()
        .from_raw_sql(sql.build())
        .all(env.connection())
        .await
        .map_err(dialect::database_error)?
        .into_iter()
        .map(|message| (message.id, Arc::new(message)))
        .collect();
    let mut contacts = contacts(env, ids).await?;
    let mut mails: HashMap<Id, mail_mail::Model> =
        mails.into_iter().map(|mail| (mail.id, mail)).collect();
    let mut drafts = Vec::with_capacity(mails.len());
    for id in ids {
        let Some(mail) = mails.remove(id) else {
            continue;
        };
        let message = messages.get(&mail.mail_message_id).cloned();
        drafts.extend(message.map(|message| Draft {
            contacts: contacts.remove(id).unwrap_or_default(),
            attachments: Vec::new(),
            links: Vec::new(),
            unreadable: None,
            mail,
            message,
        }));
    }
    let is_whole = add_files(env, directory, &mut drafts, may_write).await?;
    Ok(is_whole.then_some(drafts))
}

async fn contacts(env: &Env, ids: &[Id]) -> Result<HashMap<Id, Vec<Contact>>> {
    let mut sql = env.sql(
        "SELECT link.mail_mail_id, p.id, p.name, p.email, EXISTS (SELECT 1 FROM res_users u WHERE u.partner_id = p.id \
         AND u.active AND NOT COALESCE(u.share, FALSE)) FROM mail_mail_res_partner_rel link \
         JOIN res_partner p ON p.id = link.res_partner_id WHERE link.mail_mail_id",
    );
    dialect::in_ids(&mut sql, ids);
    sql.push(" ORDER BY p.complete_name, p.id DESC");
    let mut found: HashMap<Id, Vec<Contact>> = HashMap::new();
    for row in env.rows(sql).await? {
        let mail: Id = convert::get(&row, 0)?.unwrap_or_default();
        found.entry(mail).or_default().push(Contact {
            id: convert::get(&row, 1)?.unwrap_or_default(),
            name: convert::get(&row, 2)?.unwrap_or_default(),
            email: convert::get(&row, 3)?.unwrap_or_default(),
            internal: convert::get(&row, 4)?.unwrap_or(false),
        });
    }
    Ok(found)
}

/// What is known of a file before its content is read.
struct File {
    id: Id,
    name: String,
    mimetype: Option<String>,
    size: f64,
    url: Option<String>,
    owned: bool,
    token: Option<String>,
}

/// False where a file would have to be given a token, and nothing may be written.
async fn add_files(
    env: &Env,
    directory: &Directory,
    drafts: &mut [Draft],
    may_write: bool,
) -> Result<bool> {
    let message_ids: Vec<Id> = drafts.iter().map(|draft| draft.message.id).collect();
    let mut files = files(env, &message_ids).await?;
    if files.is_empty() {
        return Ok(true);
    }
    let mut to_link: Vec<Id> = Vec::new();
    let mut to_read: Vec<Id> = Vec::new();
    for draft in &*drafts {
        let Some(of_message) = files.get_mut(&draft.message.id) else {
            continue;
        };
        let total: f64 = of_message.iter().map(|file| file.size).sum();
        let fits = total * BASE64_GROWTH <= limit(draft, directory) * SHARE_OF_FILES;
        for file in of_message.iter_mut() {
            file.owned &= !fits;
            if file.owned && file.token.is_none() {
                to_link.push(file.id);
            } else if !file.owned && file.url.is_none() {
                to_read.push(file.id);
            }
        }
    }
    if !to_link.is_empty() && !may_write {
        return Ok(false);
    }
    let tokens = give_tokens(env, &to_link).await?;
    let contents = contents(env, &to_read).await?;
    let mut made: HashMap<Id, Arc<Attachment>> = HashMap::new();
    for draft in drafts {
        for file in files.get(&draft.message.id).into_iter().flatten() {
            if let Some(url) = &file.url {
                draft.links.push(Link {
                    name: file.name.clone(),
                    url: absolute(directory, url),
                });
            } else if file.owned {
                let token = tokens.get(&file.id).or(file.token.as_ref());
                draft.links.push(Link {
                    name: file.name.clone(),
                    url: format!(
                        "{}/web/content/{}?download=true&access_token={}",
                        directory.base_url,
                        file.id,
                        token.map(String::as_str).unwrap_or_default()
                    ),
                });
            } else {
                match contents.get(&file.id) {
                    Some(Err(reason)) => draft.unreadable = Some(reason.clone()),
                    content => {
                        let bytes = content.and_then(|content| content.as_ref().ok());
                        let attachment = made
                            .entry(file.id)
                            .or_insert_with(|| Arc::new(attachment(file, bytes)));
                        draft.attachments.push(Arc::clone(attachment));
                    }
                }
            }
        }
    }
    Ok(true)
}

fn attachment(file: &File, bytes: Option<&Vec<u8>>) -> Attachment {
    Attachment {
        name: Some(file.name.clone()),
        mimetype: file
            .mimetype
            .clone()
            .unwrap_or_else(|| "application/octet-stream".into()),
        bytes: bytes.cloned().unwrap_or_default(),
        cid: None,
    }
}

/// The largest mail that the draft's server takes, in bytes.
fn limit(draft: &Draft, directory: &Directory) -> f64 {
    let choice = directory.choose(
        draft.sender().as_deref(),
        draft.forced_server(directory),
        draft.alias_domain(),
    );
    let carrier = choice.map_or(Carrier::Own, |choice| choice.carrier);
    directory.max_size(&carrier)
}

fn absolute(directory: &Directory, url: &str) -> String {
    if url.starts_with('/') {
        format!("{}{url}", directory.base_url)
    } else {
        url.to_owned()
    }
}

async fn files(env: &Env, messages: &[Id]) -> Result<HashMap<Id, Vec<File>>> {
    let mut sql = env.sql(
        "SELECT link.message_id, a.id, a.name, a.mimetype, a.file_size, CASE WHEN a.type = 'url' THEN a.url END, \
         a.res_model, a.res_id, a.access_token FROM message_attachment_rel link \
         JOIN ir_attachment a ON a.id = link.attachment_id WHERE link.message_id",
    );
    dialect::in_ids(&mut sql, messages);
    sql.push(" ORDER BY a.id");
    let mut found: HashMap<Id, Vec<File>> = HashMap::new();
    for row in env.rows(sql).await? {
        let message: Id = convert::get(&row, 0)?.unwrap_or_default();
        let model: String = convert::get(&row, 6)?.unwrap_or_default();
        let record: Id = convert::get(&row, 7)?.unwrap_or_default();
        let size: i32 = convert::get(&row, 4)?.unwrap_or_default();
        found.entry(message).or_default().push(File {
            id: convert::get(&row, 1)?.unwrap_or_default(),
            name: convert::get(&row, 2)?.unwrap_or_default(),
            mimetype: convert::get(&row, 3)?,
            size: f64::from(size),
            url: convert::get(&row, 5)?,
            owned: record > 0 && !model.is_empty() && !NO_OWNERS.contains(&model.as_str()),
            token: convert::get::<String>(&row, 8)?.filter(|token| !token.is_empty()),
        });
    }
    Ok(found)
}

/// Gives files a token by which whoever has the link fetches them, as Odoo's mails do.
async fn give_tokens(env: &Env, ids: &[Id]) -> Result<HashMap<Id, String>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = env.sql("UPDATE ir_attachment SET access_token = ");
    sql.push(if sql.is_postgres() {
        "CAST(gen_random_uuid() AS varchar)"
    } else {
        "lower(hex(randomblob(16)))"
    });
    sql.push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    sql.push(" RETURNING id, access_token");
    let mut tokens = HashMap::new();
    for row in env.rows(sql).await? {
        let token: String = convert::get(&row, 1)?.unwrap_or_default();
        tokens.insert(convert::get(&row, 0)?.unwrap_or_default(), token);
    }
    Ok(tokens)
}

/// The contents of files, or why one cannot be read.
type Contents = HashMap<Id, std::result::Result<Vec<u8>, Text>>;

async fn contents(env: &Env, ids: &[Id]) -> Result<Contents> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let mut sql = env.sql("SELECT id, db_datas, store_fname FROM ir_attachment WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let content = env
            .backend()
            .home()
            .content(convert::get(&row, 1)?, convert::get(&row, 2)?)
            .await
            .map(Option::unwrap_or_default)
            .map_err(|error| error.text());
        found.insert(convert::get(&row, 0)?.unwrap_or_default(), content);
    }
    Ok(found)
}
