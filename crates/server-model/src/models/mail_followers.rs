//! `mail.followers`: who follows which record.

use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, Kind, access, field, model, related};

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
    .virtuals(&[
        field(
            "subtype_ids",
            "Subtype",
            Kind::Many2many {
                model: "mail.message.subtype",
                table: "mail_followers_mail_message_subtype_rel",
                this: "mail_followers_id",
                that: "mail_message_subtype_id",
            },
        )
        .help("The kinds of messages that the follower is told of."),
        related("name", "Name", Kind::Char, "partner_id.name"),
        related("email", "Email", Kind::Char, "partner_id.email"),
        related("is_active", "Is Active", Kind::Boolean, "partner_id.active"),
    ])
    .access(&[
        access("base.group_system", "rwcd"),
        access("base.group_user", "r"),
    ]);
