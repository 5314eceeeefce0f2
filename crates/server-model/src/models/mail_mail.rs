//! `mail.mail`: outgoing mails and what became of them.

mod story;

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use crate::database::Intent;
use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::orm::{access, convert, write};
use crate::outbox;
use crate::registry::entry;
use crate::schema::{
    self, Call, Kind, Operation, OutsideCall, Selection, access, computed, field, method, model,
    outside_method,
};
use crate::value::{AnyValue, Id, Key, Map, map, parse_datetime};

const STATE: Selection = &[
    ("outgoing", "Outgoing"),
    ("sent", "Sent"),
    ("received", "Received"),
    ("exception", "Delivery Failed"),
    ("cancel", "Cancelled"),
];
const FAILURE_TYPE: Selection = &[
    ("unknown", "Unknown error"),
    ("mail_email_invalid", "Invalid email address"),
    ("mail_email_missing", "Missing email"),
    ("mail_from_invalid", "Invalid from address"),
    ("mail_from_missing", "Missing from address"),
    (
        "mail_smtp",
        "Connection failed (outgoing mail server problem)",
    ),
    ("mail_bl", "Blacklisted Address"),
    ("mail_optout", "Opted Out"),
    ("mail_dup", "Duplicated Email"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_mail")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Message", many2one = "mail.message")]
    pub mail_message_id: i32,
    #[odoo(label = "Inbound Mail Server", many2one = "fetchmail.server", readonly)]
    pub fetchmail_server_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Cc")]
    pub email_cc: Option<String>,
    #[odoo(label = "Status", selection = STATE, readonly, default = "outgoing")]
    pub state: Option<String>,
    #[odoo(label = "Failure type", selection = FAILURE_TYPE)]
    pub failure_type: Option<String>,
    #[odoo(label = "Text Contents", text)]
    pub body_html: Option<String>,
    #[odoo(label = "References", text, readonly)]
    pub references: Option<String>,
    #[odoo(label = "Headers", text)]
    pub headers: Option<String>,
    #[odoo(label = "To", text)]
    pub email_to: Option<String>,
    #[odoo(label = "Failure Reason", text, readonly)]
    pub failure_reason: Option<String>,
    #[odoo(label = "Notification Email")]
    pub is_notification: Option<bool>,
    #[odoo(label = "Auto Delete")]
    pub auto_delete: Option<bool>,
    #[odoo(label = "Scheduled Send Date")]
    pub scheduled_date: Option<NaiveDateTime>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("mail.mail", "Outgoing mail", "mail_mail")
    .rec_name("subject")
    .order("id desc")
    .inherits(&[("mail.message", "mail_message_id")])
    .columns(Model::FIELDS)
    .virtuals(&[
        field("recipient_ids", "To (Partners)", RECIPIENTS),
        computed(
            "body_content",
            "Rich-text Contents",
            Kind::Html,
            &["body_html"],
            |env, ids| body_content(env, ids).boxed(),
        ),
        computed(
            "mail_message_id_int",
            "Mail Message Id Int",
            Kind::Integer,
            &["mail_message_id"],
            |env, ids| message_ids(env, ids).boxed(),
        ),
    ])
    .access(&[access("base.group_system", "rwcd")])
    .methods(&[
        outside_method(
            "send",
            &["auto_commit?", "raise_exception?", "post_send_callback?"],
            |call| send(call).boxed(),
        ),
        outside_method("process_email_queue", &["ids?", "batch_size?"], |call| {
            process_email_queue(call).boxed()
        })
        .of_model(),
        method("mark_outgoing", &[], |call| {
            set_state(call, "outgoing").boxed()
        }),
        method("cancel", &[], |call| set_state(call, "cancel").boxed()),
        method("action_retry", &[], |call| action_retry(call).boxed()),
        method("postern_story", &[], |call| story::story(call).boxed())
            .reads_only()
            .groups("base.group_system"),
    ])
    .hooks(schema::Hooks {
        default_get: Some(|_, names, values| defaults(names, values).boxed()),
        before_create: Some(|_, values| before_create(values).boxed()),
        after_create: Some(|env, _, _| {
            async move {
                env.wake_outbox();
                Ok(())
            }
            .boxed()
        }),
        after_write: Some(|env, ids, values| after_write(env, ids, values).boxed()),
        before_unlink: Some(|env, ids| unlink_messages(env, ids).boxed()),
        ..model("", "", "").hooks
    });

const RECIPIENTS: Kind = Kind::Many2many {
    model: "res.partner",
    table: "mail_mail_res_partner_rel",
    this: "mail_mail_id",
    that: "res_partner_id",
};

/// Refuses callers who may not send mails.
///
/// # Errors
/// [`crate::error::Error::Access`].
pub async fn check_may_send(env: &Env) -> Result<()> {
    access::check_model(env, entry("mail.mail")?, Operation::Write).await
}

async fn send(mut call: OutsideCall<'_>) -> Result<AnyValue> {
    let env = call.caller.begin(Intent::Read).await?;
    let allowed = access::check_records(&env, call.model, &call.ids, Operation::Write).await;
    env.rollback().await?;
    allowed?;
    let raise = !call.args.take_or_false("raise_exception").is_falsy();
    outbox::send(call.caller.backend(), &call.ids, raise).await?;
    Ok(AnyValue::Null)
}

async fn process_email_queue(mut call: OutsideCall<'_>) -> Result<AnyValue> {
    let ids = call.args.take("ids").filter(|ids| !ids.is_nothing());
    let ids = ids.map(|ids| crate::args::read_ids(&ids)).transpose()?;
    let batch_size = call.args.take_int("batch_size")?;
    outbox::process_email_queue(call.caller, ids, batch_size).await?;
    Ok(AnyValue::Null)
}

async fn set_state(call: Call<'_>, state: &'static str) -> Result<AnyValue> {
    let values = map([("state", state.into())]);
    write::records(call.env, call.model, &call.ids, values).await?;
    Ok(true.into())
}

/// Whoever says anew what is to become of a mail is heard: what the queue had planned for it is
/// forgotten.
async fn after_write(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    if values.contains_key("state") {
        outbox::forget_plans(env, ids).await?;
        env.wake_outbox();
    }
    Ok(())
}

/// Puts those that failed back into the queue.
async fn action_retry(call: Call<'_>) -> Result<AnyValue> {
    access::check_records(call.env, call.model, &call.ids, Operation::Write).await?;
    let mut sql = call
        .env
        .sql("SELECT id FROM mail_mail WHERE state = 'exception' AND id");
    dialect::in_ids(&mut sql, &call.ids);
    let failed = crate::orm::search::collect_ids(call.env, sql).await?;
    let values = map([
        ("state", "outgoing".into()),
        ("failure_type", AnyValue::FALSE),
        ("failure_reason", AnyValue::FALSE),
    ]);
    write::records(call.env, call.model, &failed, values).await?;
    Ok(AnyValue::Null)
}

/// A mail is a message of its own kind.
async fn defaults(names: &[&str], values: &mut Map) -> Result<()> {
    if names.contains(&"message_type") {
        values.insert(Key::Borrowed("message_type"), "email_outgoing".into());
    }
    Ok(())
}

async fn before_create(values: &mut Map) -> Result<()> {
    let has_message = values
        .get("mail_message_id")
        .is_some_and(|id| !id.is_falsy());
    if has_message {
        values
            .entry(Key::Borrowed("is_notification"))
            .or_insert(true.into());
    } else {
        values
            .entry(Key::Borrowed("message_type"))
            .or_insert("email_outgoing".into());
    }
    // What is no date means "as soon as possible", as Odoo takes it.
    if let Some(AnyValue::Text(text)) = values.get("scheduled_date") {
        let date = parse_datetime(text).map_or(AnyValue::FALSE, AnyValue::Datetime);
        values.insert(Key::Borrowed("scheduled_date"), date);
    }
    Ok(())
}

/// A mail that was no notification of a message owns its message, which goes with it. The caller
/// needs the right to delete that message, as in Odoo: a message on no record is only the program's.
async fn unlink_messages(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "SELECT mail_message_id FROM mail_mail WHERE COALESCE(is_notification, FALSE) = FALSE AND id",
    );
    dialect::in_ids(&mut sql, ids);
    let messages = crate::orm::search::collect_ids(env, sql).await?;
    write::unlink(env, entry("mail.message")?, &messages).await
}

async fn body_content(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id, body_html FROM mail_mail WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut bodies = std::collections::HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        bodies.insert(id, convert::get::<String>(&row, 1)?);
    }
    Ok(ids
        .iter()
        .map(|id| {
            let body = bodies.remove(id).flatten().filter(|body| !body.is_empty());
            body.map_or(AnyValue::FALSE, |body| {
                mail::parse::sanitize_html(&body).into()
            })
        })
        .collect())
}

async fn message_ids(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id, mail_message_id FROM mail_mail WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut messages = std::collections::HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        messages.insert(id, convert::get::<Id>(&row, 1)?.unwrap_or_default());
    }
    Ok(ids
        .iter()
        .map(|id| messages.get(id).copied().unwrap_or_default().into())
        .collect())
}
