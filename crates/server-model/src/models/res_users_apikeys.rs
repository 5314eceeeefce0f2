//! `res.users.apikeys`: keys that stand in for a password.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_users_apikeys")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Description", readonly)]
    pub name: String,
    #[odoo(label = "User", many2one = "res.users", readonly)]
    pub user_id: i32,
    #[odoo(label = "Scope", readonly)]
    pub scope: Option<String>,
    #[odoo(label = "Expiration Date", readonly)]
    pub expiration_date: Option<NaiveDateTime>,
    #[odoo(hidden)]
    pub index: Option<String>,
    #[odoo(hidden)]
    pub key: Option<String>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.users.apikeys", "API key", "res_users_apikeys")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_portal", "r"),
        access("base.group_user", "r"),
    ]);
