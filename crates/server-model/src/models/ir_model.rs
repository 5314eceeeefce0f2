//! `ir.model`: the models there are.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, Selection, access, model};

const STATE: Selection = &[("manual", "Custom Object"), ("base", "Base Object")];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_model")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Model", default = "x_")]
    pub model: String,
    #[odoo(label = "Order", default = "id")]
    pub order: String,
    #[odoo(label = "Type", selection = STATE, readonly, default = "manual")]
    pub state: Option<String>,
    #[odoo(label = "Model Description", translate)]
    pub name: Json,
    #[odoo(label = "Information", text)]
    pub info: Option<String>,
    #[odoo(label = "Transient Model")]
    pub transient: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "Has Mail Thread")]
    pub is_mail_thread: Option<bool>,
    #[odoo(label = "Has Mail Activity")]
    pub is_mail_activity: Option<bool>,
    #[odoo(label = "Has Mail Blacklist")]
    pub is_mail_blacklist: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.model", "Model", "ir_model")
    .order("model")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", ""),
    ]);
