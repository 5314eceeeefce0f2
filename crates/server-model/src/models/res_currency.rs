//! `res.currency`: what companies count in. Mail has no use for it, but every company has one.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, Selection, access, model};

const POSITION: Selection = &[("after", "After Amount"), ("before", "Before Amount")];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_currency")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// The code of ISO 4217.
    #[odoo(label = "Currency")]
    pub name: String,
    #[odoo(label = "Symbol")]
    pub symbol: String,
    #[odoo(label = "Decimal Places", default = 2)]
    pub decimal_places: Option<i32>,
    #[odoo(label = "Name")]
    pub full_name: Option<String>,
    /// Whether the symbol stands before or after the number.
    #[odoo(label = "Symbol Position", selection = POSITION, default = "after")]
    pub position: Option<String>,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.currency", "Currency", "res_currency")
    .order("active desc, name")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_portal", "r"),
        access("base.group_public", "r"),
        access("base.group_system", "rwcd"),
        access("base.group_user", "r"),
    ]);
