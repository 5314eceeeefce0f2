//! `mail.alias.domain`: the domains of aliases, bounces and catchall.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_alias_domain")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Sequence", default = 10)]
    pub sequence: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name")]
    pub name: String,
    #[odoo(label = "Bounce Alias", default = "bounce")]
    pub bounce_alias: String,
    #[odoo(label = "Catchall Alias", default = "catchall")]
    pub catchall_alias: String,
    #[odoo(label = "Default From Alias", default = "notifications")]
    pub default_from: Option<String>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("mail.alias.domain", "Email domain", "mail_alias_domain")
    .order("sequence, id")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", "r"),
    ]);
