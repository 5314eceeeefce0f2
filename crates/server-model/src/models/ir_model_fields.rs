//! `ir.model.fields`: the fields there are.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use crate::env::Env;
use crate::error::Result;
use crate::models::by_id;
use crate::models::ir_model::declared;
use crate::schema::{self, Kind, Selection, access, computed, field, model};
use crate::value::{AnyValue, Id};

const TTYPE: Selection = &[
    ("binary", "binary"),
    ("boolean", "boolean"),
    ("char", "char"),
    ("date", "date"),
    ("datetime", "datetime"),
    ("float", "float"),
    ("html", "html"),
    ("integer", "integer"),
    ("json", "json"),
    ("many2many", "many2many"),
    ("many2one", "many2one"),
    ("many2one_reference", "many2one_reference"),
    ("monetary", "monetary"),
    ("one2many", "one2many"),
    ("properties", "properties"),
    ("properties_definition", "properties_definition"),
    ("reference", "reference"),
    ("selection", "selection"),
    ("text", "text"),
];
const STATE: Selection = &[("manual", "Custom Field"), ("base", "Base Field")];
const ON_DELETE: Selection = &[
    ("cascade", "Cascade"),
    ("set null", "Set NULL"),
    ("restrict", "Restrict"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_model_fields")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Relation field", many2one = "ir.model.fields", readonly)]
    pub relation_field_id: Option<i32>,
    #[odoo(label = "Model", many2one = "ir.model")]
    pub model_id: i32,
    #[odoo(label = "Related Field", many2one = "ir.model.fields", readonly)]
    pub related_field_id: Option<i32>,
    #[odoo(label = "Size")]
    pub size: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Field Name", default = "x_")]
    pub name: String,
    #[odoo(label = "Complete Name")]
    pub complete_name: Option<String>,
    #[odoo(label = "Model Name")]
    pub model: String,
    #[odoo(label = "Related Model")]
    pub relation: Option<String>,
    #[odoo(label = "Relation Field")]
    pub relation_field: Option<String>,
    #[odoo(label = "Field Type", selection = TTYPE)]
    pub ttype: String,
    #[odoo(label = "Related Field Definition")]
    pub related: Option<String>,
    #[odoo(label = "Type", selection = STATE, readonly, default = "manual")]
    pub state: String,
    #[odoo(label = "On Delete", selection = ON_DELETE, default = "set null")]
    pub on_delete: Option<String>,
    #[odoo(label = "Domain", default = "[]")]
    pub domain: Option<String>,
    #[odoo(label = "Relation Table")]
    pub relation_table: Option<String>,
    #[odoo(label = "Column 1")]
    pub column1: Option<String>,
    #[odoo(label = "Column 2")]
    pub column2: Option<String>,
    #[odoo(label = "Dependencies")]
    pub depends: Option<String>,
    #[odoo(label = "Currency field")]
    pub currency_field: Option<String>,
    #[odoo(label = "Field Label", translate, default = "")]
    pub field_description: Json,
    #[odoo(label = "Field Help", text, translate)]
    pub help: Option<Json>,
    #[odoo(label = "Compute", text)]
    pub compute: Option<String>,
    #[odoo(label = "Copied")]
    pub copied: Option<bool>,
    #[odoo(label = "Required")]
    pub required: Option<bool>,
    #[odoo(label = "Readonly")]
    pub readonly: Option<bool>,
    #[odoo(label = "Indexed")]
    pub index: Option<bool>,
    #[odoo(label = "Translatable")]
    pub translate: Option<bool>,
    #[odoo(label = "Company Dependent", readonly)]
    pub company_dependent: Option<bool>,
    #[odoo(label = "Expand Groups")]
    pub group_expand: Option<bool>,
    #[odoo(label = "Selectable", default = true)]
    pub selectable: Option<bool>,
    #[odoo(label = "Stored", default = true)]
    pub store: Option<bool>,
    #[odoo(label = "Sanitize HTML", default = true)]
    pub sanitize: Option<bool>,
    #[odoo(label = "Sanitize HTML overridable", default = false)]
    pub sanitize_overridable: Option<bool>,
    #[odoo(label = "Sanitize HTML Tags", default = true)]
    pub sanitize_tags: Option<bool>,
    #[odoo(label = "Sanitize HTML Attributes", default = true)]
    pub sanitize_attributes: Option<bool>,
    #[odoo(label = "Sanitize HTML Style", default = false)]
    pub sanitize_style: Option<bool>,
    #[odoo(label = "Sanitize HTML Form", default = true)]
    pub sanitize_form: Option<bool>,
    #[odoo(label = "Strip Style Attribute", default = false)]
    pub strip_style: Option<bool>,
    #[odoo(label = "Strip Class Attribute", default = false)]
    pub strip_classes: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "Enable Ordered Tracking")]
    pub tracking: Option<i32>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.model.fields", "Field", "ir_model_fields")
    .order("name")
    .rec_name("field_description")
    .columns(Model::FIELDS)
    .virtuals(&[
        field(
            "groups",
            "Groups",
            Kind::Many2many {
                model: "res.groups",
                table: "ir_model_fields_group_rel",
                this: "field_id",
                that: "group_id",
            },
        )
        .help("The groups of which a user needs one to see the field; none means everybody."),
        computed("modules", "In Apps", Kind::Char, &[], |env, ids| {
            modules(env, ids).boxed()
        }),
    ])
    .hooks(schema::Hooks {
        before_create: Some(|_, _| async { Err(declared("field")) }.boxed()),
        before_write: Some(|_, _, _| async { Err(declared("field")) }.boxed()),
        before_unlink: Some(|_, _| async { Err(declared("field")) }.boxed()),
        ..model("", "", "").hooks
    })
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", ""),
    ]);

/// A field comes with its model.
async fn modules(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT f.id, d.module FROM ir_model_fields f JOIN ir_model_data d \
         ON d.model = 'ir.model' AND d.res_id = f.model_id WHERE f.id";
    Ok(by_id::ordered(
        ids,
        by_id::values::<String>(env, select, ids).await?,
    ))
}
