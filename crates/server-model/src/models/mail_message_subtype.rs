//! `mail.message.subtype`: kinds of messages.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::domain::Domain;
use crate::schema::{self, Rule, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_message_subtype")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Parent", many2one = "mail.message.subtype")]
    pub parent_id: Option<i32>,
    #[odoo(label = "Sequence", default = 1)]
    pub sequence: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Relation field")]
    pub relation_field: Option<String>,
    #[odoo(label = "Model")]
    pub res_model: Option<String>,
    #[odoo(label = "Message Type", translate)]
    pub name: Json,
    #[odoo(label = "Description", text, translate)]
    pub description: Option<Json>,
    /// Seen by those who work here only.
    #[odoo(label = "Internal Only")]
    pub internal: Option<bool>,
    /// New followers are told of messages of this kind.
    #[odoo(label = "Default", default = true)]
    pub r#default: Option<bool>,
    #[odoo(label = "Hidden")]
    pub hidden: Option<bool>,
    #[odoo(label = "Track Recipients")]
    pub track_recipients: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model(
    "mail.message.subtype",
    "Message subtype",
    "mail_message_subtype",
)
.order("sequence, id")
.columns(Model::FIELDS)
.rules(&[Rule {
    groups: &["base.group_portal", "base.group_public"],
    operations: "rwcd",
    domain_force: "[('internal', '=', False)]",
    domain: |_| async { Ok(Domain::eq("internal", false)) }.boxed(),
}])
.access(&[
    access("base.group_portal", "r"),
    access("base.group_public", "r"),
    access("base.group_system", "rwcd"),
    access("base.group_user", "r"),
]);
