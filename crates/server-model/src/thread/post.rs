//! Posting a message on a record.

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::{ir_model_data, mail_message, res_partner};
use crate::orm::{access, commands, convert, create, search, write};
use crate::registry::{Entry, entry};
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id, Ids, Key, Map, map};

use super::{follow, notify};

/// The kind of message that is a note among those who work here.
const NOTE: &str = "mail.mt_note";
/// The types that nobody wrote, whose author does not follow the record for it.
const UNWRITTEN: &[&str] = &["notification", "user_notification", "auto_comment"];
/// Arguments that go into the message as they are.
const PLAIN: &[&str] = &[
    "email_add_signature",
    "email_layout_xmlid",
    "is_internal",
    "mail_server_id",
    "message_id",
    "record_name",
    "record_alias_domain_id",
    "record_company_id",
    "reply_to",
    "reply_to_force_new",
];
/// Arguments of Odoo's that change nothing here: how the mail is dressed and when it is sent.
const WITHOUT_EFFECT: &[&str] = &[
    "force_email_company",
    "force_email_lang",
    "force_send",
    "incoming_email_cc",
    "incoming_email_to",
    "mail_activity_type_id",
    "mail_auto_delete",
    "model_description",
    "outgoing_email_to",
    "skip_existing",
];

/// A file that comes with a message.
#[derive(Clone, Debug)]
pub struct NewFile {
    /// Its name.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A message to post.
#[derive(Clone, Debug, Default)]
pub struct Post {
    /// The text as HTML; it is made safe when it is stored.
    pub body: String,
    /// The subject.
    pub subject: Option<String>,
    /// One of the values of `message_type`; empty for `notification`.
    pub message_type: String,
    /// The contact who writes, when known.
    pub author: Option<Id>,
    /// The address of who writes.
    pub email_from: Option<String>,
    /// The message that this one answers.
    pub parent: Option<Id>,
    /// The kind of message; a note when there is none.
    pub subtype: Option<Id>,
    /// Contacts to tell, beside the followers.
    pub partners: Ids,
    /// New files.
    pub files: Vec<NewFile>,
    /// Files there are already.
    pub attachments: Ids,
    /// Whether the author is told as well.
    pub notify_author: bool,
    /// More values of the message.
    pub more: Map,
}

/// `message_post`: posts on one record and gives the message, as a list of its id.
///
/// # Errors
/// [`Error::Value`] for more or less than one record and for unknown arguments, [`Error::Access`]
/// without the right to write the record.
pub async fn message_post(mut call: Call<'_>) -> Result<AnyValue> {
    let [id] = call.ids.as_slice() else {
        return Err(Error::Value(say!(
            "error-post-one-record",
            count = call.ids.len()
        )));
    };
    let (id, model, env) = (*id, call.model, call.env);
    access::check_records(env, model, &[id], Operation::Write).await?;
    if search::existing(env, model, &[id]).await?.is_empty() {
        return Err(write::missing(model, id));
    }
    let mut post = Post {
        message_type: text(&mut call, "message_type")?.unwrap_or_else(|| "notification".into()),
        subject: text(&mut call, "subject")?,
        email_from: text(&mut call, "email_from")?,
        author: call.args.take("author_id").and_then(|v| v.as_id()),
        parent: call.args.take("parent_id").and_then(|v| v.as_id()),
        subtype: subtype(&mut call).await?,
        partners: crate::args::read_ids(&call.args.take_or_false("partner_ids"))?,
        attachments: crate::args::read_ids(&call.args.take_or_false("attachment_ids"))?,
        notify_author: !call.args.take_or_false("notify_author").is_falsy(),
        ..Post::default()
    };
    if post.message_type == "user_notification" {
        return Err(Error::Value(say!("error-post-user-notification")));
    }
    let body = text(&mut call, "body")?.unwrap_or_default();
    let is_html = !call.args.take_or_false("body_is_html").is_falsy();
    post.body = if is_html || body.is_empty() {
        body
    } else {
        format!("<p>{}</p>", mail::parse::escape_html(&body))
    };
    post.files = new_files(&call.args.take_or_false("attachments"))?;
    let attachments = entry("ir.attachment")?;
    access::check_records(env, attachments, &post.attachments, Operation::Read).await?;
    post.more = rest(call.args.into_rest())?;
    let message = self::post(env, model, id, post).await?;
    Ok(AnyValue::ids(&[message]))
}

fn text(call: &mut Call<'_>, name: &str) -> Result<Option<String>> {
    call.args.take_text(name)
}

fn rest(given: Map) -> Result<Map> {
    let mut more = Map::new();
    for (name, value) in given {
        if PLAIN.contains(&name.as_ref()) {
            more.insert(name, value);
        } else if !WITHOUT_EFFECT.contains(&name.as_ref()) {
            return Err(Error::Value(say!(
                "error-call-unknown-argument",
                method = "message_post",
                ?name
            )));
        }
    }
    Ok(more)
}

async fn subtype(call: &mut Call<'_>) -> Result<Option<Id>> {
    let named = text(call, "subtype_xmlid")?;
    let given = call.args.take("subtype_id").and_then(|v| v.as_id());
    match named {
        Some(name) => Ok(ir_model_data::find(call.env, &name)
            .await?
            .filter(|(model, _)| model == "mail.message.subtype")
            .map(|(_, id)| id)
            .or(given)),
        None => Ok(given),
    }
}

/// Files are given as pairs of name and content, where content that is text stands for its bytes.
fn new_files(value: &AnyValue) -> Result<Vec<NewFile>> {
    let items = value.as_list().unwrap_or_default();
    items
        .iter()
        .map(|item| match item.as_list() {
            Some([AnyValue::Text(name), content, ..]) => Ok(NewFile {
                name: name.clone(),
                bytes: match content {
                    AnyValue::Bytes(bytes) => bytes.clone(),
                    AnyValue::Text(text) => text.clone().into_bytes(),
                    _ => Vec::new(),
                },
            }),
            _ => Err(Error::Value(say!("error-post-attachments"))),
        })
        .collect()
}

/// Posts the message on the record, whatever the caller's rights, and tells those concerned.
///
/// # Errors
/// When a value does not fit its field, or the database fails.
pub async fn post(env: &Env, model: &'static Entry, id: Id, post: Post) -> Result<Id> {
    let env = &env.sudo();
    let (author, email_from) = author(env, &post).await?;
    let subtype = match post.subtype {
        Some(subtype) => Some(subtype),
        None => ir_model_data::find(env, NOTE).await?.map(|(_, id)| id),
    };
    let mut values = map([
        ("body", post.body.as_str().into()),
        ("subject", AnyValue::text_or_false(post.subject.clone())),
        ("message_type", post.message_type.as_str().into()),
        ("model", model.name().into()),
        ("res_id", id.into()),
        ("author_id", author.map_or(AnyValue::FALSE, AnyValue::from)),
        ("email_from", AnyValue::text_or_false(email_from)),
        (
            "subtype_id",
            subtype.map_or(AnyValue::FALSE, AnyValue::from),
        ),
        (
            "parent_id",
            parent(env, model, id, post.parent)
                .await?
                .map_or(AnyValue::FALSE, AnyValue::from),
        ),
        (
            "partner_ids",
            commands::set(post.partners.iter().copied().map(AnyValue::from).collect()),
        ),
    ]);
    if post.message_type.is_empty() {
        values.insert(Key::Borrowed("message_type"), "notification".into());
    }
    let mut files = post.attachments.clone();
    take_over(env, model, id, &files).await?;
    files.extend(store(env, model, id, &post.files).await?);
    if !files.is_empty() {
        let files = files.into_iter().map(AnyValue::from).collect();
        values.insert(Key::Borrowed("attachment_ids"), commands::set(files));
    }
    values.extend(post.more.clone());
    let message = create::record(env, entry("mail.message")?, values).await?;
    let writes = !UNWRITTEN.contains(&post.message_type.as_str());
    if let (Some(author), true) = (author, writes)
        && !is_set(env, "mail_create_nosubscribe")
        && notify::is_internal(env, author).await?
    {
        follow::subscribe(env, model.name(), &[id], &[author], None).await?;
    }
    if is_set(env, "mail_post_autofollow") {
        follow::subscribe(env, model.name(), &[id], &post.partners, None).await?;
    }
    let silent = (!post.notify_author).then_some(author).flatten();
    notify::tell(env, model.name(), id, message, &post.partners, silent).await?;
    Ok(message)
}

fn is_set(env: &Env, name: &str) -> bool {
    env.context()
        .get(name)
        .is_some_and(|value| !value.is_falsy())
}

/// Who writes: the contact and the address that are named, each found from the other, else the
/// user.
async fn author(env: &Env, post: &Post) -> Result<(Option<Id>, Option<String>)> {
    match (post.author, &post.email_from) {
        (Some(author), Some(from)) => Ok((Some(author), Some(from.clone()))),
        (Some(author), None) => Ok((
            Some(author),
            res_partner::formatted_email(env, author).await?,
        )),
        (None, Some(from)) => Ok((
            res_partner::with_email(env, from).await?,
            Some(from.clone()),
        )),
        (None, None) => {
            let author = env.user().await?.partner_id;
            Ok((
                Some(author),
                res_partner::formatted_email(env, author).await?,
            ))
        }
    }
}

/// Conversations are flat: all messages answer the first one.
async fn parent(env: &Env, model: &Entry, id: Id, given: Option<Id>) -> Result<Option<Id>> {
    let mut sql = match given {
        Some(parent) => {
            let mut sql = env.sql(
                "WITH RECURSIVE above(id, parent_id) AS (SELECT id, parent_id FROM mail_message WHERE id = ",
            );
            sql.bind(parent).push(
                " UNION SELECT m.id, m.parent_id FROM mail_message m JOIN above ON m.id = above.parent_id) \
                 SELECT id FROM above WHERE parent_id IS NULL",
            );
            sql
        }
        None => {
            let mut sql = env.sql(
                "SELECT id FROM mail_message WHERE message_type <> 'user_notification' AND model = ",
            );
            sql.bind(model.name()).push(" AND res_id = ").bind(id);
            sql.push(" ORDER BY id");
            sql
        }
    };
    sql.push(" LIMIT 1");
    Ok(search::collect_ids(env, sql).await?.first().copied())
}

/// Files uploaded for a message that was being written belong to its record from now on.
async fn take_over(env: &Env, model: &Entry, id: Id, files: &[Id]) -> Result<()> {
    if files.is_empty() {
        return Ok(());
    }
    let mut sql = env.sql("UPDATE ir_attachment SET res_model = ");
    sql.bind(model.name()).push(", res_id = ").bind(id);
    sql.push(" WHERE res_model = 'mail.compose.message' AND create_uid = ")
        .bind(env.uid());
    sql.push(" AND id");
    dialect::in_ids(&mut sql, files);
    env.execute(sql).await?;
    Ok(())
}

async fn store(env: &Env, model: &Entry, id: Id, files: &[NewFile]) -> Result<Ids> {
    let mut stored = Ids::new();
    for file in files {
        let values = map([
            ("name", file.name.as_str().into()),
            ("raw", AnyValue::Bytes(file.bytes.clone())),
            ("res_model", model.name().into()),
            ("res_id", id.into()),
        ]);
        stored.push(create::record(env, entry("ir.attachment")?, values).await?);
    }
    Ok(stored)
}

/// The row of a message that was just made, for those who tell people of it.
pub(super) async fn row(env: &Env, message: Id) -> Result<mail_message::Model> {
    mail_message::row(env, message)
        .await?
        .ok_or_else(|| Error::Internal(format!("The message {message} was just made and is gone.")))
}

/// The Message-Id of the message that this one answers, for References.
pub(super) async fn reference(env: &Env, parent: Option<Id>) -> Result<Option<String>> {
    let Some(parent) = parent else {
        return Ok(None);
    };
    let mut sql = env.sql("SELECT message_id FROM mail_message WHERE id = ");
    sql.bind(parent);
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}
