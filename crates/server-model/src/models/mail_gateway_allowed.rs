//! `mail.gateway.allowed`: senders that loop detection lets through.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};
use crate::value::{AnyValue, Key, Map};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_gateway_allowed")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Email Address")]
    pub email: String,
    #[odoo(label = "Normalized Email", kept = "email")]
    pub email_normalized: Option<String>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model(
    "mail.gateway.allowed",
    "Allowed sender of the mail gateway",
    "mail_gateway_allowed",
)
.audited()
.columns(Model::FIELDS)
.rec_name("email")
.hooks(schema::Hooks {
    before_create: Some(|_, values| {
        normalize(values);
        async { Ok(()) }.boxed()
    }),
    before_write: Some(|_, _, values| {
        normalize(values);
        async { Ok(()) }.boxed()
    }),
    ..model("", "", "").hooks
})
.access(&[access("base.group_system", "rwcd")]);

/// Senders are compared by the plain address.
fn normalize(values: &mut Map) {
    if let Some(email) = values.get("email") {
        let plain = mail::address::email_normalize(&email.to_python_text());
        values.insert(
            Key::Borrowed("email_normalized"),
            AnyValue::text_or_false(plain),
        );
    }
}
