//! `res.lang`: languages and their formats.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::env::Env;
use crate::error::Result;
use crate::orm::convert;
use crate::schema::{self, Call, Selection, access, model, model_method};
use crate::value::AnyValue;

const DIRECTION: Selection = &[("ltr", "Left-to-Right"), ("rtl", "Right-to-Left")];
const WEEK_START: Selection = &[
    ("1", "Monday"),
    ("2", "Tuesday"),
    ("3", "Wednesday"),
    ("4", "Thursday"),
    ("5", "Friday"),
    ("6", "Saturday"),
    ("7", "Sunday"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_lang")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name")]
    pub name: String,
    #[odoo(label = "Locale Code")]
    pub code: String,
    #[odoo(label = "ISO code")]
    pub iso_code: Option<String>,
    #[odoo(label = "URL Code")]
    pub url_code: String,
    #[odoo(label = "Direction", selection = DIRECTION, default = "ltr")]
    pub direction: String,
    #[odoo(label = "Date Format", default = "%m/%d/%Y")]
    pub date_format: String,
    #[odoo(label = "Time Format", default = "%H:%M:%S")]
    pub time_format: String,
    #[odoo(label = "Short Time Format", default = "%H:%M")]
    pub short_time_format: String,
    #[odoo(label = "First Day of Week", selection = WEEK_START, default = "7")]
    pub week_start: String,
    #[odoo(label = "Separator Format", default = "[]")]
    pub grouping: String,
    #[odoo(label = "Decimal Separator", default = ".")]
    pub decimal_point: String,
    #[odoo(label = "Thousands Separator", default = ",")]
    pub thousands_sep: Option<String>,
    #[odoo(label = "Active")]
    pub active: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.lang", "Language", "res_lang")
    .order("active desc,name")
    .columns(Model::FIELDS)
    .methods(&[model_method("get_installed", &[], |call| get_installed(call).boxed()).reads_only()])
    .access(&[
        access("base.group_portal", "r"),
        access("base.group_public", "r"),
        access("base.group_system", "rwcd"),
        access("base.group_user", "r"),
    ]);

/// The languages in use: pairs of code and name.
async fn get_installed(call: Call<'_>) -> Result<AnyValue> {
    let sql = call
        .env
        .sql("SELECT code, name FROM res_lang WHERE active ORDER BY name, id");
    let mut languages = Vec::new();
    for row in call.env.rows(sql).await? {
        languages.push(AnyValue::List(vec![
            AnyValue::text_or_false(convert::get(&row, 0)?),
            AnyValue::text_or_false(convert::get(&row, 1)?),
        ]));
    }
    Ok(AnyValue::List(languages))
}

/// Whether users have languages to choose from.
///
/// # Errors
/// When the database fails.
pub(crate) async fn several_in_use(env: &Env) -> Result<bool> {
    let sql = env.sql("SELECT id FROM res_lang WHERE active LIMIT 2");
    Ok(env.rows(sql).await?.len() > 1)
}
