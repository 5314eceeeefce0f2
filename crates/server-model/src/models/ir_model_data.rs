//! `ir.model.data`: external ids.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::by_id;
use crate::orm::{access as rights, convert, search};
use crate::registry::entry;
use crate::schema::{self, Call, Kind, Operation, access, computed, model, model_method};
use crate::value::{AnyValue, Id};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_model_data")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Record ID", reference = "model")]
    pub res_id: Option<i32>,
    /// Keeps an update of the program from writing the record again.
    #[odoo(label = "Non Updatable", default = false)]
    pub noupdate: Option<bool>,
    /// The name under which programs know the record, whatever its database id.
    #[odoo(label = "External Identifier")]
    pub name: String,
    #[odoo(label = "Module", default = "")]
    pub module: String,
    #[odoo(label = "Model Name")]
    pub model: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.model.data", "External identifier", "ir_model_data")
    .order("module,model,name")
    .columns(Model::FIELDS)
    .virtuals(&[
        computed(
            "complete_name",
            "Complete ID",
            Kind::Char,
            &["module", "name"],
            |env, ids| complete_names(env, ids).boxed(),
        ),
        computed(
            "reference",
            "Reference",
            Kind::Char,
            &["model", "res_id"],
            |env, ids| references(env, ids).boxed(),
        ),
    ])
    .methods(&[model_method(
        "check_object_reference",
        &["module", "xml_id", "raise_on_access_error?"],
        |call| check_object_reference(call).boxed(),
    )
    .reads_only()])
    .hooks(schema::Hooks {
        display_name: Some(|env, ids| complete_names(env, ids).boxed()),
        ..model("", "", "").hooks
    })
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", ""),
    ]);

/// The model and the id of the record with that external id, as in `base.group_user`.
///
/// # Errors
/// When the database fails.
pub async fn find(env: &Env, xml_id: &str) -> Result<Option<(String, Id)>> {
    let Some((module, name)) = xml_id.split_once('.') else {
        return Ok(None);
    };
    let mut sql = env.sql("SELECT model, res_id FROM ir_model_data WHERE module = ");
    sql.bind(module).push(" AND name = ").bind(name);
    Ok(match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?.zip(convert::get(&row, 1)?),
        None => None,
    })
}

/// The model and the id behind an external id. A record that the caller may not read is answered
/// without its id, or refused when the caller wants that.
async fn check_object_reference(mut call: Call<'_>) -> Result<AnyValue> {
    let module = call.args.take_text("module")?.unwrap_or_default();
    let name = call.args.take_text("xml_id")?.unwrap_or_default();
    let refuse = !call.args.take_or_false("raise_on_access_error").is_falsy();
    let xml_id = format!("{module}.{name}");
    let found = find(call.env, &xml_id).await?;
    let Some((model, id)) = found else {
        return Err(Error::Value(say!("error-no-external-id", ?xml_id)));
    };
    let answer = |id: AnyValue| AnyValue::List(vec![model.as_str().into(), id]);
    let Ok(target) = entry(&model) else {
        return Ok(answer(AnyValue::FALSE));
    };
    let readable = match rights::check_records(call.env, target, &[id], Operation::Read).await {
        Ok(()) => !search::existing(call.env, target, &[id]).await?.is_empty(),
        Err(Error::Access(_)) => false,
        Err(other) => return Err(other),
    };
    if readable {
        Ok(answer(id.into()))
    } else if refuse {
        Err(Error::Access(
            say!("error-access-external-id", ?xml_id, %model),
        ))
    } else {
        Ok(answer(AnyValue::FALSE))
    }
}

async fn complete_names(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, CASE WHEN module = '' THEN name ELSE module || '.' || name END FROM ir_model_data WHERE id";
    Ok(by_id::ordered(
        ids,
        by_id::values::<String>(env, select, ids).await?,
    ))
}

async fn references(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, model || ',' || CAST(res_id AS varchar) FROM ir_model_data WHERE id";
    Ok(by_id::ordered(
        ids,
        by_id::values::<String>(env, select, ids).await?,
    ))
}
