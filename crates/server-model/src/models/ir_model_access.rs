//! `ir.model.access`: which group may do what with a model.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use crate::models::ir_model::declared;
use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_model_access")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Model", many2one = "ir.model")]
    pub model_id: i32,
    /// Who has the right; nobody named means everybody.
    #[odoo(label = "Group", many2one = "res.groups")]
    pub group_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name")]
    pub name: String,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Read Access")]
    pub perm_read: Option<bool>,
    #[odoo(label = "Write Access")]
    pub perm_write: Option<bool>,
    #[odoo(label = "Create Access")]
    pub perm_create: Option<bool>,
    #[odoo(label = "Delete Access")]
    pub perm_unlink: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.model.access", "Model access", "ir_model_access")
    .order("model_id,group_id,name,id")
    .audited()
    .columns(Model::FIELDS)
    .hooks(schema::Hooks {
        before_create: Some(|_, _| async { Err(declared("access")) }.boxed()),
        before_write: Some(|_, _, _| async { Err(declared("access")) }.boxed()),
        before_unlink: Some(|_, _| async { Err(declared("access")) }.boxed()),
        ..model("", "", "").hooks
    })
    .access(&[access("base.group_erp_manager", "rwcd")]);
