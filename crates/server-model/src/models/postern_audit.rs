//! `postern.audit`: the trail of administrative acts. It is read here and written by [`audit`](crate::audit).

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "postern_audit")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// When it was done, in UTC.
    #[odoo(label = "Done on", readonly)]
    pub create_date: Option<NaiveDateTime>,
    /// The id of the user who did it; it stays when the user is deleted.
    #[odoo(label = "User ID", readonly)]
    pub user_id: i32,
    /// The name by which the user signed in; empty for commands on the machine itself.
    #[odoo(label = "Login", readonly)]
    pub login: Option<String>,
    /// The network address that the user called from.
    #[odoo(label = "Address", readonly)]
    pub address: Option<String>,
    /// What was done: `create`, `write`, `unlink`, `connect` or `password`.
    #[odoo(label = "Act", readonly)]
    pub act: String,
    /// The model of the record that it was done to.
    #[odoo(label = "Model", readonly)]
    pub model: String,
    /// The id of that record.
    #[odoo(label = "Record ID", readonly)]
    pub res_id: i32,
    /// What the record was called then.
    #[odoo(label = "Record", readonly)]
    pub record: Option<String>,
    /// The fields that changed, as a JSON list of objects with `field`, `old` and `new`, or `secret` instead of the
    /// values.
    #[odoo(label = "Changes", text, readonly)]
    pub changes: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("postern.audit", "Audit trail", "postern_audit")
    .order("id desc")
    .rec_name("record")
    .columns(Model::FIELDS)
    .access(&[access("base.group_system", "r")]);
