//! `mail.alias`: addresses that turn mails into records.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, Selection, access, model};

const ALIAS_CONTACT: Selection = &[
    ("everyone", "Everyone"),
    ("partners", "Authenticated Partners"),
    ("followers", "Followers only"),
];
const ALIAS_STATUS: Selection = &[
    ("not_tested", "Not Tested"),
    ("valid", "Valid"),
    ("invalid", "Invalid"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_alias")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Alias Domain", many2one = "mail.alias.domain")]
    pub alias_domain_id: Option<i32>,
    #[odoo(label = "Aliased Model", many2one = "ir.model")]
    pub alias_model_id: i32,
    #[odoo(label = "Record Thread ID")]
    pub alias_force_thread_id: Option<i32>,
    #[odoo(label = "Parent Model", many2one = "ir.model")]
    pub alias_parent_model_id: Option<i32>,
    #[odoo(label = "Parent Record Thread ID")]
    pub alias_parent_thread_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Alias Name")]
    pub alias_name: Option<String>,
    #[odoo(label = "Alias Email", readonly)]
    pub alias_full_name: Option<String>,
    #[odoo(label = "Alias Contact Security", selection = ALIAS_CONTACT, default = "everyone")]
    pub alias_contact: String,
    #[odoo(label = "Alias Status", selection = ALIAS_STATUS, readonly)]
    pub alias_status: Option<String>,
    #[odoo(label = "Custom Bounced Message", html, translate)]
    pub alias_bounced_content: Option<Json>,
    #[odoo(label = "Default Values", text, default = "{}")]
    pub alias_defaults: String,
    #[odoo(label = "Local-part based incoming detection")]
    pub alias_incoming_local: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("mail.alias", "Email alias", "mail_alias")
    .order("alias_model_id, alias_name")
    .rec_name("alias_name")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_system", "rwcd"),
        access("base.group_user", "r"),
    ]);
