//! `res.company`: the companies of the database.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::schema::{self, Selection, access, model};

const FONT: Selection = &[
    ("Lato", "Lato"),
    ("Roboto", "Roboto"),
    ("Open_Sans", "Open Sans"),
    ("Montserrat", "Montserrat"),
    ("Oswald", "Oswald"),
    ("Raleway", "Raleway"),
    ("Tajawal", "Tajawal"),
    ("Fira_Mono", "Fira Mono"),
];
const LAYOUT_BACKGROUND: Selection = &[
    ("Blank", "Blank"),
    ("Demo logo", "Demo logo"),
    ("Custom", "Custom"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_company")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Company Name")]
    pub name: String,
    #[odoo(label = "Partner", many2one = "res.partner")]
    pub partner_id: i32,
    #[odoo(hidden)]
    pub currency_id: i32,
    #[odoo(label = "Sequence", default = 10)]
    pub sequence: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Parent Path")]
    pub parent_path: Option<String>,
    #[odoo(label = "Parent Company", many2one = "res.company")]
    pub parent_id: Option<i32>,
    #[odoo(hidden)]
    pub paperformat_id: Option<i32>,
    #[odoo(hidden)]
    pub external_report_layout_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Email")]
    pub email: Option<String>,
    #[odoo(label = "Phone")]
    pub phone: Option<String>,
    #[odoo(label = "Mobile")]
    pub mobile: Option<String>,
    #[odoo(label = "Font", selection = FONT)]
    pub font: Option<String>,
    #[odoo(label = "Primary Color")]
    pub primary_color: Option<String>,
    #[odoo(label = "Secondary Color")]
    pub secondary_color: Option<String>,
    #[odoo(label = "Layout Background", selection = LAYOUT_BACKGROUND, default = "Blank")]
    pub layout_background: String,
    #[odoo(label = "Company Tagline", html, translate)]
    pub report_header: Option<Json>,
    #[odoo(label = "Report Footer", html, translate)]
    pub report_footer: Option<Json>,
    #[odoo(label = "Company Details", html, translate)]
    pub company_details: Option<Json>,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Uses Default Logo", readonly)]
    pub uses_default_logo: Option<bool>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "Logo Web", readonly)]
    pub logo_web: Option<Vec<u8>>,
    #[odoo(label = "Email Domain", many2one = "mail.alias.domain")]
    pub alias_domain_id: Option<i32>,
    #[odoo(label = "Alias Domain Name", readonly)]
    pub alias_domain_name: Option<String>,
    #[odoo(label = "Email Header Color")]
    pub email_primary_color: Option<String>,
    #[odoo(label = "Email Button Color")]
    pub email_secondary_color: Option<String>,
    #[odoo(label = "Company database ID", readonly)]
    pub partner_gid: Option<i32>,
    #[odoo(label = "Enrich Done")]
    pub iap_enrich_auto_done: Option<bool>,
    #[odoo(label = "Snailmail Color", default = true)]
    pub snailmail_color: Option<bool>,
    #[odoo(label = "Add a Cover Page")]
    pub snailmail_cover: Option<bool>,
    #[odoo(label = "Both sides")]
    pub snailmail_duplex: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.company", "Company", "res_company")
    .order("sequence, name")
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_portal", "r"),
        access("base.group_public", "r"),
        access("base.group_user", "r"),
    ]);
