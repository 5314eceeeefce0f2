//! `ir.actions.server`: what a scheduled job does.
//!
//! Odoo keeps Python code here and runs it. Postern runs its own jobs only, so the code is text
//! that is shown and kept.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, Kind, Selection, access, model, related};

const BINDING_TYPE: Selection = &[("action", "Action"), ("report", "Report")];
const USAGE: Selection = &[
    ("ir_actions_server", "Server Action"),
    ("ir_cron", "Scheduled Action"),
];
const STATE: Selection = &[
    ("object_write", "Update Record"),
    ("object_create", "Create Record"),
    ("code", "Execute Code"),
    ("webhook", "Send Webhook Notification"),
    ("multi", "Execute Existing Actions"),
    ("mail_post", "Send Email"),
    ("followers", "Add Followers"),
    ("remove_followers", "Remove Followers"),
    ("next_activity", "Create Activity"),
    ("sms", "Send SMS"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_act_server")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Binding Model", many2one = "ir.model")]
    pub binding_model_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Action Type", default = "ir.actions.server")]
    pub r#type: String,
    #[odoo(label = "Path to show in the URL")]
    pub path: Option<String>,
    #[odoo(label = "Binding Type", selection = BINDING_TYPE, default = "action")]
    pub binding_type: String,
    #[odoo(label = "Binding View Types", default = "list,form")]
    pub binding_view_types: Option<String>,
    #[odoo(label = "Action Name", translate)]
    pub name: Json,
    #[odoo(label = "Action Description", html, translate)]
    pub help: Option<Json>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    /// Which of several actions comes first: the one with the lowest number.
    #[odoo(label = "Sequence", default = 5)]
    pub sequence: Option<i32>,
    /// The model that the action works on.
    #[odoo(label = "Model", many2one = "ir.model")]
    pub model_id: i32,
    #[odoo(label = "Usage", selection = USAGE, default = "ir_actions_server")]
    pub usage: String,
    #[odoo(label = "Type", selection = STATE, default = "code")]
    pub state: String,
    /// What Odoo would run. Postern runs its own jobs and keeps this as text.
    #[odoo(label = "Python Code", text, groups = "base.group_system")]
    pub code: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.actions.server", "Server action", "ir_act_server")
    .order("sequence,name")
    .columns(Model::FIELDS)
    .virtuals(&[related(
        "model_name",
        "Model Name",
        Kind::Char,
        "model_id.model",
    )])
    .access(&[access("base.group_system", "rwcd")]);
