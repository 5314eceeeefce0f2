//! `ir.model.data`: external ids.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_model_data")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Record ID", reference = "res_model")]
    pub res_id: Option<i32>,
    #[odoo(label = "Non Updatable")]
    pub noupdate: Option<bool>,
    #[odoo(label = "External Identifier")]
    pub name: String,
    #[odoo(label = "Module", default = "")]
    pub module: String,
    #[odoo(label = "Model Name")]
    pub model: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.model.data", "External identifier", "ir_model_data")
    .order("module,model,name")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", ""),
    ]);
