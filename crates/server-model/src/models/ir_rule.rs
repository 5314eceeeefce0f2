//! `ir.rule`: which records a group reaches.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use crate::models::ir_model::declared;
use crate::schema::{self, Kind, access, field, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_rule")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Model", many2one = "ir.model")]
    pub model_id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name")]
    pub name: Option<String>,
    /// Which records the rule lets through, as a domain.
    #[odoo(label = "Domain", text)]
    pub domain_force: Option<String>,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Read", default = true)]
    pub perm_read: Option<bool>,
    #[odoo(label = "Write", default = true)]
    pub perm_write: Option<bool>,
    #[odoo(label = "Create", default = true)]
    pub perm_create: Option<bool>,
    #[odoo(label = "Delete", default = true)]
    pub perm_unlink: Option<bool>,
    #[odoo(label = "Global", kept = "groups")]
    pub global: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.rule", "Record rule", "ir_rule")
    .order("model_id DESC,id")
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[field(
        "groups",
        "Groups",
        Kind::Many2many {
            model: "res.groups",
            table: "rule_group_rel",
            this: "rule_group_id",
            that: "group_id",
        },
    )
    .help("Whom the rule limits; none means everybody.")])
    .hooks(schema::Hooks {
        before_create: Some(|_, _| async { Err(declared("rule")) }.boxed()),
        before_write: Some(|_, _, _| async { Err(declared("rule")) }.boxed()),
        before_unlink: Some(|_, _| async { Err(declared("rule")) }.boxed()),
        ..model("", "", "").hooks
    })
    .access(&[access("base.group_erp_manager", "rwcd")]);
