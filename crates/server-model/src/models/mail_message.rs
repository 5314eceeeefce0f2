//! `mail.message`: messages on records, sent and received.

mod marks;
mod rights;
mod shown;

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use chrono::TimeZone;
use futures_util::FutureExt;

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::{ir_config_parameter, res_company};
use crate::orm::{convert, names};
use crate::registry::entry;
use crate::schema::{
    self, Answer, Kind, Selection, access, computed, field, method, model, model_method,
};
use crate::value::{AnyValue, Id, Key, Map};

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
    /// The message that this one answers.
    #[odoo(label = "Parent Message", many2one = "mail.message")]
    pub parent_id: Option<i32>,
    #[odoo(label = "Related Document ID", reference = "model")]
    pub res_id: Option<i32>,
    /// The domain of the addresses that the mails of the message show.
    #[odoo(label = "Alias Domain", many2one = "mail.alias.domain")]
    pub record_alias_domain_id: Option<i32>,
    #[odoo(label = "Company", many2one = "res.company")]
    pub record_company_id: Option<i32>,
    /// The kind of message; followers choose the kinds they are told of.
    #[odoo(label = "Subtype", many2one = "mail.message.subtype")]
    pub subtype_id: Option<i32>,
    #[odoo(hidden)]
    pub mail_activity_type_id: Option<i32>,
    /// Who wrote it; empty when the address of the sender belongs to no contact.
    #[odoo(label = "Author", many2one = "res.partner", default_fn = author)]
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
    /// The sender as mails show it.
    #[odoo(label = "From")]
    pub email_from: Option<String>,
    /// The number under which mail programs know the message (RFC 5322 section 3.6.4).
    #[odoo(label = "Message-Id", readonly, no_copy)]
    pub message_id: Option<String>,
    /// Where answers go.
    #[odoo(label = "Reply-To")]
    pub reply_to: Option<String>,
    #[odoo(label = "Layout")]
    pub email_layout_xmlid: Option<String>,
    #[odoo(label = "Contents", html, default = "")]
    pub body: Option<String>,
    /// Hidden from portal and public users, whatever the kind of message.
    #[odoo(label = "Employee Only")]
    pub is_internal: Option<bool>,
    /// Answers make a new record instead of a message on the same one.
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
            shown::previews(env, ids).boxed()
        }),
        field("starred_partner_ids", "Favorited By", STARRED).no_copy(),
        computed(
            "starred",
            "Starred",
            Kind::Boolean,
            &["starred_partner_ids"],
            |env, ids| shown::truths(env, shown::STARRED, ids).boxed(),
        )
        .help("Whether you marked the message with a star.")
        .search(|env, operator, value| shown::search(env, shown::STARRED, operator, value).boxed()),
        computed(
            "needaction",
            "Need Action",
            Kind::Boolean,
            &["notification_ids"],
            |env, ids| shown::truths(env, shown::UNREAD, ids).boxed(),
        )
        .help("Whether you were told of the message and have not read it.")
        .search(|env, operator, value| shown::search(env, shown::UNREAD, operator, value).boxed()),
        computed(
            "has_error",
            "Has error",
            Kind::Boolean,
            &["notification_ids"],
            |env, ids| shown::truths(env, shown::FAILED, ids).boxed(),
        )
        .help("Whether the message did not reach somebody.")
        .search(|env, operator, value| shown::search(env, shown::FAILED, operator, value).boxed()),
        computed(
            "is_current_user_or_guest_author",
            "Is Current User Or Guest Author",
            Kind::Boolean,
            &["author_id"],
            |env, ids| shown::own(env, ids).boxed(),
        ),
    ])
    .access(&[
        access("base.group_portal", "rwcd"),
        access("base.group_public", "r"),
        access("base.group_user", "rwcd"),
    ])
    .methods(&[
        method("toggle_message_starred", &[], |call| {
            marks::toggle_star(call).boxed()
        }),
        method("set_message_done", &[], |call| {
            marks::set_done(call).boxed()
        }),
        model_method("unstar_all", &[], |call| marks::unstar_all(call).boxed()),
        model_method("mark_all_as_read", &["domain?"], |call| {
            marks::mark_all_as_read(call).boxed()
        }),
    ])
    .hooks(schema::Hooks {
        default_get: Some(|env, names, values| defaults(env, names, values).boxed()),
        before_create: Some(|env, values| before_create(env, values).boxed()),
        check: Some(|env, ids, values| rights::check_files(env, ids, values).boxed()),
        reachable: Some(|env, ids, operation| rights::reachable(env, ids, operation).boxed()),
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
const STARRED: Kind = Kind::Many2many {
    model: "res.partner",
    table: "mail_message_res_partner_starred_rel",
    this: "mail_message_id",
    that: "res_partner_id",
};

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

fn author<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(env.user().await?.partner_id.into()) }.boxed()
}

/// Who writes a message unless it says so: the user.
async fn defaults(env: &Env, names: &[&str], values: &mut Map) -> Result<()> {
    let user = env.user().await?;
    let mut fill = |name: &'static str, value: AnyValue| {
        if names.contains(&name) && !values.contains_key(name) {
            values.insert(Key::Borrowed(name), value);
        }
    };
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
    if values.get("record_name").is_none_or(AnyValue::is_falsy)
        && let Some(name) = record_name(env, values).await?
    {
        values.insert(Key::Borrowed("record_name"), name.into());
    }
    if values.get("reply_to").is_none_or(AnyValue::is_falsy)
        && let Some(reply_to) = reply_to(env, values).await?
    {
        values.insert(Key::Borrowed("reply_to"), reply_to);
    }
    Ok(())
}

async fn record_name(env: &Env, values: &Map) -> Result<Option<String>> {
    let model = values.get("model").and_then(AnyValue::as_text);
    let id = values.get("res_id").and_then(AnyValue::as_id);
    let (Some(Ok(model)), Some(id)) = (model.map(entry), id) else {
        return Ok(None);
    };
    if model.table().is_empty() {
        return Ok(None);
    }
    Ok(names::of(env, model, &[id]).await?.remove(&id))
}

/// Answers go to the catchall address of the company, from where they find the record; without one
/// to the sender. The address shows the names of company and record.
async fn reply_to(env: &Env, values: &Map) -> Result<Option<AnyValue>> {
    let from = values.get("email_from").filter(|from| !from.is_falsy());
    let company = values.get("record_company_id").and_then(AnyValue::as_id);
    let answers = Answers::of(env, company).await?;
    let record = values.get("record_name").and_then(AnyValue::as_text);
    match answers.to(record) {
        Some(address) => Ok(Some(address.into())),
        None => Ok(from.cloned()),
    }
}

/// Where answers to the messages of a company go.
#[derive(Clone, Debug)]
pub struct Answers {
    catchall: Option<String>,
    company: String,
}

impl Answers {
    /// Looks it up for the company, or for that of the caller.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(env: &Env, company: Option<Id>) -> Result<Answers> {
        let company = match company {
            Some(company) => company,
            None => convert::company(env).await?,
        };
        let catchall = res_company::catchall(env, company).await?;
        let mut sql = env.sql("SELECT name FROM res_company WHERE id = ");
        sql.bind(company);
        let name = match env.row(sql).await? {
            Some(row) if catchall.is_some() => convert::get::<String>(&row, 0)?,
            _ => None,
        };
        Ok(Answers {
            catchall,
            company: name.unwrap_or_default(),
        })
    }

    /// The address for answers to a message on a record of this name; nothing without a catchall
    /// address, when they go to the sender.
    pub fn to(&self, record: Option<&str>) -> Option<String> {
        let catchall = self.catchall.as_deref()?;
        Some(reply_address(&self.company, record, catchall))
    }
}

/// The longest address for answers that still shows a name; with the name of the field it fits a line
/// of 78 characters (RFC 5322 section 2.1.1).
const LONGEST_REPLY_ADDRESS: usize = 68;

/// The address with the names of company and record, or with what of them leaves it readable.
fn reply_address(company: &str, record: Option<&str>, address: &str) -> String {
    let record = record.map(str::trim).filter(|name| !name.is_empty());
    let both = record.map(|record| format!("{company} {record}"));
    [both.as_deref(), record, Some(company)]
        .into_iter()
        .flatten()
        .map(|name| {
            let shown =
                mail::address::formataddr(name.trim(), address, mail::address::Charset::Utf8);
            shown.unwrap_or_else(|_| address.to_owned())
        })
        .find(|shown| shown.chars().count() <= LONGEST_REPLY_ADDRESS)
        .unwrap_or_else(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_for_answers_shows_as_much_as_a_line_holds() {
        let shown = |record| reply_address("Nordlicht", record, "catchall@corp.example");
        assert_eq!(shown(None), "\"Nordlicht\" <catchall@corp.example>");
        assert_eq!(
            shown(Some("Żółta")),
            "\"Nordlicht Żółta\" <catchall@corp.example>"
        );
        let long = "n".repeat(40);
        assert_eq!(
            shown(Some(&long)),
            format!("\"{long}\" <catchall@corp.example>")
        );
        assert_eq!(
            shown(Some(&"n".repeat(60))),
            "\"Nordlicht\" <catchall@corp.example>"
        );
    }
}
