//! `ir.module.module`: what this program stands for.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_module_module")]
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
    #[odoo(hidden)]
    pub website: Option<String>,
    #[odoo(hidden)]
    pub summary: Option<Json>,
    #[odoo(hidden)]
    pub name: String,
    #[odoo(hidden)]
    pub author: Option<String>,
    #[odoo(hidden)]
    pub icon: Option<String>,
    #[odoo(hidden)]
    pub state: Option<String>,
    #[odoo(hidden)]
    pub latest_version: Option<String>,
    #[odoo(hidden)]
    pub shortdesc: Option<Json>,
    #[odoo(hidden)]
    pub category_id: Option<i32>,
    #[odoo(hidden)]
    pub description: Option<Json>,
    #[odoo(hidden)]
    pub application: Option<bool>,
    #[odoo(hidden)]
    pub demo: Option<bool>,
    #[odoo(hidden)]
    pub web: Option<bool>,
    #[odoo(hidden)]
    pub license: Option<String>,
    #[odoo(hidden)]
    pub sequence: Option<i32>,
    #[odoo(hidden)]
    pub auto_install: Option<bool>,
    #[odoo(hidden)]
    pub to_buy: Option<bool>,
    #[odoo(hidden)]
    pub maintainer: Option<String>,
    #[odoo(hidden)]
    pub published_version: Option<String>,
    #[odoo(hidden)]
    pub url: Option<String>,
    #[odoo(hidden)]
    pub contributors: Option<String>,
    #[odoo(hidden)]
    pub menus_by_module: Option<String>,
    #[odoo(hidden)]
    pub reports_by_module: Option<String>,
    #[odoo(hidden)]
    pub views_by_module: Option<String>,
    #[odoo(hidden)]
    pub module_type: Option<String>,
    #[odoo(hidden)]
    pub imported: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.module.module", "Module", "ir_module_module")
    .order("sequence,name")
    .rec_name("shortdesc")
    .columns(Model::FIELDS)
    .access(&[access("base.group_system", "r")]);
