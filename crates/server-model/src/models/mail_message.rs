//! `mail.message`: messages on records, sent and received.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use std::collections::HashSet;

use chrono::TimeZone;
use futures_util::FutureExt;

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::ir_config_parameter;
use crate::orm::{access, convert};
use crate::registry::entry;
use crate::schema::{self, Kind, Operation, Selection, access, computed, field, model};
use crate::value::{AnyValue, Id, Ids, Key, Map};

const MESSAGE_TYPE: Selection = &[
    ("email", "Incoming Email"),
    ("comment", "Comment"),
    ("email_outgoing", "Outgoing Email"),
    ("notification", "System notification"),
    ("auto_comment", "Automated Targeted Notification"),
    ("user_notification", "User Specific Notification"),
    ("sms", "SMS"),
    ("snailmail", "Snailmail"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_message")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Parent Message", many2one = "mail.message")]
    pub parent_id: Option<i32>,
    #[odoo(label = "Related Document ID", reference = "model")]
    pub res_id: Option<i32>,
    #[odoo(label = "Alias Domain", many2one = "mail.alias.domain")]
    pub record_alias_domain_id: Option<i32>,
    #[odoo(label = "Company", many2one = "res.company")]
    pub record_company_id: Option<i32>,
    #[odoo(label = "Subtype", many2one = "mail.message.subtype")]
    pub subtype_id: Option<i32>,
    #[odoo(hidden)]
    pub mail_activity_type_id: Option<i32>,
    #[odoo(label = "Author", many2one = "res.partner", default = 3)]
    pub author_id: Option<i32>,
    #[odoo(hidden)]
    pub author_guest_id: Option<i32>,
    #[odoo(label = "Outgoing mail server", many2one = "ir.mail_server")]
    pub mail_server_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Subject")]
    pub subject: Option<String>,
    #[odoo(label = "Related Document Model")]
    pub model: Option<String>,
    #[odoo(label = "Message Record Name")]
    pub record_name: Option<String>,
    #[odoo(label = "Type", selection = MESSAGE_TYPE, default = "comment")]
    pub message_type: String,
    #[odoo(label = "From")]
    pub email_from: Option<String>,
    #[odoo(label = "Message-Id", readonly)]
    pub message_id: Option<String>,
    #[odoo(label = "Reply-To")]
    pub reply_to: Option<String>,
    #[odoo(label = "Layout")]
    pub email_layout_xmlid: Option<String>,
    #[odoo(label = "Contents", html, default = "")]
    pub body: Option<String>,
    #[odoo(label = "Employee Only")]
    pub is_internal: Option<bool>,
    #[odoo(label = "No threading for answers")]
    pub reply_to_force_new: Option<bool>,
    #[odoo(label = "Email Add Signature", default = true)]
    pub email_add_signature: Option<bool>,
    #[odoo(label = "Date")]
    pub date: Option<NaiveDateTime>,
    #[odoo(label = "Pinned")]
    pub pinned_at: Option<NaiveDateTime>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("mail.message", "Message", "mail_message")
    .rec_name("record_name")
    .order("id desc")
    .columns(Model::FIELDS)
    .virtuals(&[
        field("attachment_ids", "Attachments", ATTACHMENTS),
        field("partner_ids", "Recipients", PARTNERS),
        field(
            "child_ids",
            "Child Messages",
            Kind::One2many {
                model: "mail.message",
                inverse: "parent_id",
            },
        ),
        field(
            "notification_ids",
            "Notifications",
            Kind::One2many {
                model: "mail.notification",
                inverse: "mail_message_id",
            },
        ),
        field(
            "notified_partner_ids",
            "Partners with Need Action",
            NOTIFIED,
        )
        .no_copy(),
        field(
            "mail_ids",
            "Mails",
            Kind::One2many {
                model: "mail.mail",
                inverse: "mail_message_id",
            },
        )
        .groups("base.group_system"),
        computed("preview", "Preview", Kind::Char, &["body"], |env, ids| {
            previews(env, ids).boxed()
        }),
    ])
    .access(&[
        access("base.group_portal", "rwcd"),
        access("base.group_public", "r"),
        access("base.group_user", "rwcd"),
    ])
    .hooks(schema::Hooks {
        default_get: Some(|env, names, values| defaults(env, names, values).boxed()),
        before_create: Some(|env, values| before_create(env, values).boxed()),
        reachable: Some(|env, ids, operation| reachable(env, ids, operation).boxed()),
        ..model("", "", "").hooks
    });

const ATTACHMENTS: Kind = Kind::Many2many {
    model: "ir.attachment",
    table: "message_attachment_rel",
    this: "message_id",
    that: "attachment_id",
};
const PARTNERS: Kind = Kind::Many2many {
    model: "res.partner",
    table: "mail_message_res_partner_rel",
    this: "mail_message_id",
    that: "res_partner_id",
};
const NOTIFIED: Kind = Kind::Many2many {
    model: "res.partner",
    table: "mail_notification",
    this: "mail_message_id",
    that: "res_partner_id",
};
/// How much of a message a preview shows, in characters.
const PREVIEW: usize = 190;

/// The row of a message.
///
/// # Errors
/// When the database fails.
pub async fn row(env: &Env, id: Id) -> Result<Option<Model>> {
    Entity::find_by_id(id)
        .one(env.connection())
        .await
        .map_err(dialect::database_error)
}

/// Who writes a message unless it says so: the user.
async fn defaults(env: &Env, names: &[&str], values: &mut Map) -> Result<()> {
    let user = env.user().await?;
    let mut fill = |name: &'static str, value: AnyValue| {
        if names.contains(&name) && !values.contains_key(name) {
            values.insert(Key::Borrowed(name), value);
        }
    };
    fill("author_id", user.partner_id.into());
    fill("body", "".into());
    fill(
        "date",
        AnyValue::Text(crate::value::datetime_text(&env.now())),
    );
    if let Some(email) = user.email.as_deref() {
        let from = mail::address::formataddr(&user.name, email, mail::address::Charset::Utf8)
            .unwrap_or_else(|_| email.to_owned());
        fill("email_from", from.into());
    }
    Ok(())
}

async fn before_create(env: &Env, values: &mut Map) -> Result<()> {
    if values.get("message_id").is_none_or(AnyValue::is_falsy) {
        let base = ir_config_parameter::base_url(env).await?;
        let host = url::Url::parse(&base)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
            .unwrap_or_else(|| "localhost".into());
        let now = chrono::Utc.from_utc_datetime(&env.now());
        let message_id = mail::compose::generate_message_id(&host, now);
        values.insert(Key::Borrowed("message_id"), message_id.into());
    }
    if values.get("reply_to").is_none_or(AnyValue::is_falsy)
        && let Some(from) = values.get("email_from").cloned()
    {
        values.insert(Key::Borrowed("reply_to"), from);
    }
    Ok(())
}

/// A message is read and changed by its author and the people it was sent to, and by everybody who
/// may do the same with the record it is on. Administrators of the system reach all of them.
async fn reachable(env: &Env, ids: &[Id], operation: Operation) -> Result<Ids> {
    if ids.is_empty() || env.has_any_group("base.group_system").await? {
        return Ok(ids.to_vec());
    }
    let user = env.user().await?;
    let mut sql = env.sql("SELECT m.id, m.model, m.res_id, m.is_internal, m.author_id = ");
    sql.bind(user.partner_id)
        .push(" OR m.create_uid = ")
        .bind(user.uid);
    sql.push(" OR EXISTS (SELECT 1 FROM mail_message_res_partner_rel r WHERE r.mail_message_id = m.id AND r.res_partner_id = ");
    sql.bind(user.partner_id);
    sql.push(") OR EXISTS (SELECT 1 FROM mail_notification n WHERE n.mail_message_id = m.id AND n.res_partner_id = ");
    sql.bind(user.partner_id)
        .push(") FROM mail_message m WHERE m.id");
    dialect::in_ids(&mut sql, ids);
    let mut reached = HashSet::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let internal = convert::get::<bool>(&row, 3)?.unwrap_or(false);
        if internal && user.share {
            continue;
        }
        let own = convert::get::<bool>(&row, 4)?.unwrap_or(false);
        let model: Option<String> = convert::get(&row, 1)?;
        let res_id: Option<Id> = convert::get(&row, 2)?;
        if own || may_reach_record(env, model.as_deref(), res_id, operation).await? {
            reached.insert(id);
        }
    }
    Ok(ids
        .iter()
        .copied()
        .filter(|id| reached.contains(id))
        .collect())
}

async fn may_reach_record(
    env: &Env,
    model: Option<&str>,
    res_id: Option<Id>,
    operation: Operation,
) -> Result<bool> {
    let (Some(Ok(model)), Some(res_id)) = (model.map(entry), res_id) else {
        return Ok(false);
    };
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

async fn previews(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id, body FROM mail_message WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut bodies = std::collections::HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        bodies.insert(id, convert::get::<String>(&row, 1)?.unwrap_or_default());
    }
    Ok(ids
        .iter()
        .map(|id| {
            let text = mail::text::html_to_text(bodies.get(id).map_or("", String::as_str));
            let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
            AnyValue::Text(line.chars().take(PREVIEW).collect())
        })
        .collect())
}
