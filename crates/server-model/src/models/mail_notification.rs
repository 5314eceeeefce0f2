//! `mail.notification`: who was told of a message, and whether it reached them.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::access as rights;
use crate::registry::entry;
use crate::schema::{self, Operation, Rule, Selection, access, model};
use crate::value::{AnyValue, Id, Key, Map};

const NOTIFICATION_TYPE: Selection = &[
    ("inbox", "Inbox"),
    ("email", "Email"),
    ("sms", "SMS"),
    ("snail", "Snailmail"),
];
const NOTIFICATION_STATUS: Selection = &[
    ("ready", "Ready to Send"),
    ("process", "Processing"),
    ("pending", "Sent"),
    ("sent", "Delivered"),
    ("bounce", "Bounced"),
    ("exception", "Exception"),
    ("canceled", "Cancelled"),
];
const FAILURE_TYPE: Selection = &[
    ("unknown", "Unknown error"),
    ("mail_bounce", "Bounce"),
    ("mail_email_invalid", "Invalid email address"),
    ("mail_email_missing", "Missing email address"),
    ("mail_from_invalid", "Invalid from address"),
    ("mail_from_missing", "Missing from address"),
    (
        "mail_smtp",
        "Connection failed (outgoing mail server problem)",
    ),
    ("sms_number_missing", "Missing Number"),
    ("sms_number_format", "Wrong Number Format"),
    ("sms_credit", "Insufficient Credit"),
    ("sms_country_not_supported", "Country Not Supported"),
    (
        "sms_registration_needed",
        "Country-specific Registration Required",
    ),
    ("sms_server", "Server Error"),
    ("sms_acc", "Unregistered Account"),
    ("sms_expired", "Expired"),
    ("sms_invalid_destination", "Invalid Destination"),
    ("sms_not_allowed", "Not Allowed"),
    ("sms_not_delivered", "Not Delivered"),
    ("sms_rejected", "Rejected"),
    ("sn_credit", "Snailmail Credit Error"),
    ("sn_trial", "Snailmail Trial Error"),
    ("sn_price", "Snailmail No Price Available"),
    ("sn_fields", "Snailmail Missing Required Fields"),
    ("sn_format", "Snailmail Format Error"),
    ("sn_error", "Snailmail Unknown Error"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_notification")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Author", many2one = "res.partner")]
    pub author_id: Option<i32>,
    #[odoo(label = "Message", many2one = "mail.message")]
    pub mail_message_id: i32,
    #[odoo(label = "Mail", many2one = "mail.mail")]
    pub mail_mail_id: Option<i32>,
    #[odoo(label = "Recipient", many2one = "res.partner")]
    pub res_partner_id: Option<i32>,
    #[odoo(label = "Notification Type", selection = NOTIFICATION_TYPE, default = "inbox")]
    pub notification_type: String,
    #[odoo(label = "Status", selection = NOTIFICATION_STATUS, default = "ready")]
    pub notification_status: Option<String>,
    #[odoo(label = "Failure type", selection = FAILURE_TYPE)]
    pub failure_type: Option<String>,
    #[odoo(label = "Failure reason", text)]
    pub failure_reason: Option<String>,
    #[odoo(label = "Is Read")]
    pub is_read: Option<bool>,
    #[odoo(label = "Read Date")]
    pub read_date: Option<NaiveDateTime>,
    #[odoo(label = "SMS ID")]
    pub sms_id_int: Option<i32>,
    #[odoo(label = "SMS Number")]
    pub sms_number: Option<String>,
    #[odoo(hidden)]
    pub letter_id: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model(
    "mail.notification",
    "Message notification",
    "mail_notification",
)
.rec_name("res_partner_id")
.columns(Model::FIELDS)
.rules(&[Rule {
    groups: &["base.group_portal", "base.group_user"],
    operations: "w",
    domain_force: "[('res_partner_id', '=', user.partner_id.id)]",
    domain: |env| {
        async move { Ok(Domain::eq("res_partner_id", env.user().await?.partner_id)) }.boxed()
    },
}])
.hooks(schema::Hooks {
    before_create: Some(|env, values| before_create(env, values).boxed()),
    before_write: Some(|env, _, values| before_write(env, values).boxed()),
    ..model("", "", "").hooks
})
.access(&[
    access("base.group_portal", "r"),
    access("base.group_system", "rwcd"),
    access("base.group_user", "rwc"),
]);

/// Whoever tells somebody of a message must be able to read it.
async fn before_create(env: &Env, values: &mut Map) -> Result<()> {
    note_reading(env, values);
    let message: Vec<Id> = values
        .get("mail_message_id")
        .and_then(AnyValue::as_id)
        .into_iter()
        .collect();
    rights::check_records(env, entry("mail.message")?, &message, Operation::Read).await
}

/// A notification lets its contact read its message, so neither is exchanged by those it is about.
async fn before_write(env: &Env, values: &mut Map) -> Result<()> {
    note_reading(env, values);
    let exchanged = ["mail_message_id", "res_partner_id"];
    if let Some(name) = exchanged.iter().find(|name| values.contains_key(**name))
        && !env.may_use("base.group_erp_manager").await?
    {
        return Err(Error::Access(say!("error-notification-fixed", ?name)));
    }
    Ok(())
}

fn note_reading(env: &Env, values: &mut Map) {
    if values.get("is_read").is_some_and(|read| !read.is_falsy()) {
        values
            .entry(Key::Borrowed("read_date"))
            .or_insert(AnyValue::Datetime(env.now()));
    }
}
