//! `res.groups`: what users may do.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Name", translate)]
    pub name: Json,
    #[odoo(hidden)]
    pub category_id: Option<i32>,
    #[odoo(label = "Color Index")]
    pub color: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Comment", text, translate)]
    pub comment: Option<Json>,
    #[odoo(label = "Share Group")]
    pub share: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "API Keys maximum duration days")]
    pub api_key_duration: Option<f64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.groups", "Access group", "res_groups")
    .order("name")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", "r"),
    ]);
