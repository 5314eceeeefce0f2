//! `mail.followers`: who follows which record.

use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, access, model};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_followers")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Related Document ID", reference = "res_model")]
    pub res_id: Option<i32>,
    #[odoo(label = "Related Partner", many2one = "res.partner")]
    pub partner_id: i32,
    #[odoo(label = "Related Document Model Name")]
    pub res_model: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("mail.followers", "Follower", "mail_followers")
    .rec_name("partner_id")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_system", "rwcd"),
        access("base.group_user", "r"),
    ]);
