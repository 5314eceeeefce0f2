//! `ir.module.module`: what this program stands for.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, Selection, access, model};

const STATE: Selection = &[
    ("uninstallable", "Uninstallable"),
    ("uninstalled", "Not Installed"),
    ("installed", "Installed"),
    ("to upgrade", "To be upgraded"),
    ("to remove", "To be removed"),
    ("to install", "To be installed"),
];

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
    #[odoo(label = "Website", readonly)]
    pub website: Option<String>,
    #[odoo(label = "Summary", readonly, translate)]
    pub summary: Option<Json>,
    #[odoo(label = "Technical Name", readonly)]
    pub name: String,
    #[odoo(label = "Author", readonly)]
    pub author: Option<String>,
    #[odoo(label = "Icon URL")]
    pub icon: Option<String>,
    #[odoo(label = "Status", selection = STATE, readonly)]
    pub state: Option<String>,
    #[odoo(label = "Installed Version", readonly)]
    pub latest_version: Option<String>,
    #[odoo(label = "Module Name", readonly, translate)]
    pub shortdesc: Option<Json>,
    #[odoo(hidden)]
    pub category_id: Option<i32>,
    #[odoo(label = "Description", text, readonly, translate)]
    pub description: Option<Json>,
    #[odoo(label = "Application", readonly)]
    pub application: Option<bool>,
    #[odoo(label = "Demo Data", readonly)]
    pub demo: Option<bool>,
    #[odoo(hidden)]
    pub web: Option<bool>,
    #[odoo(label = "License", readonly)]
    pub license: Option<String>,
    #[odoo(label = "Sequence")]
    pub sequence: Option<i32>,
    #[odoo(label = "Automatic Installation", readonly)]
    pub auto_install: Option<bool>,
    #[odoo(label = "Odoo Enterprise Module")]
    pub to_buy: Option<bool>,
    #[odoo(label = "Maintainer", readonly)]
    pub maintainer: Option<String>,
    #[odoo(label = "Published Version", readonly)]
    pub published_version: Option<String>,
    #[odoo(label = "URL", readonly)]
    pub url: Option<String>,
    #[odoo(label = "Contributors", text, readonly)]
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
