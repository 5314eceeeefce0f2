//! `ir.model`: the models there are.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::by_id;
use crate::orm::convert;
use crate::registry;
use crate::schema::{self, Kind, Selection, access, computed, field, model};
use crate::value::{AnyValue, Id};

const STATE: Selection = &[("manual", "Custom Object"), ("base", "Base Object")];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_model")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    /// The name of the model, as in `res.partner`.
    #[odoo(label = "Model", default = "x_")]
    pub model: String,
    /// How search results are ordered unless a call says otherwise.
    #[odoo(label = "Order", default = "id")]
    pub order: String,
    #[odoo(label = "Type", selection = STATE, readonly, default = "manual")]
    pub state: Option<String>,
    #[odoo(label = "Model Description", translate)]
    pub name: Json,
    #[odoo(label = "Information", text)]
    pub info: Option<String>,
    #[odoo(label = "Transient Model")]
    pub transient: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    /// Whether messages can be posted on its records.
    #[odoo(label = "Has Mail Thread", default = false)]
    pub is_mail_thread: Option<bool>,
    #[odoo(label = "Has Mail Activity", default = false)]
    pub is_mail_activity: Option<bool>,
    /// Whether its records hold an address that may be blacklisted.
    #[odoo(label = "Has Mail Blacklist", default = false)]
    pub is_mail_blacklist: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.model", "Model", "ir_model")
    .order("model")
    .columns(Model::FIELDS)
    .virtuals(&[
        field(
            "field_id",
            "Fields",
            Kind::One2many {
                model: "ir.model.fields",
                inverse: "model_id",
            },
        ),
        field(
            "access_ids",
            "Access",
            Kind::One2many {
                model: "ir.model.access",
                inverse: "model_id",
            },
        ),
        field(
            "rule_ids",
            "Record Rules",
            Kind::One2many {
                model: "ir.rule",
                inverse: "model_id",
            },
        ),
        computed(
            "inherited_model_ids",
            "Inherited models",
            INHERITED,
            &["model"],
            |env, ids| inherited(env, ids).boxed(),
        )
        .help("The models whose fields its records show as their own."),
        computed("modules", "In Apps", Kind::Char, &[], |env, ids| {
            modules(env, ids).boxed()
        }),
        computed(
            "count",
            "Count (Incl. Archived)",
            Kind::Integer,
            &[],
            |env, ids| counts(env, ids).boxed(),
        )
        .help("How many records there are, archived ones included."),
    ])
    .hooks(schema::Hooks {
        before_create: Some(|_, _| async { Err(declared("model")) }.boxed()),
        before_unlink: Some(|_, _| async { Err(declared("model")) }.boxed()),
        ..model("", "", "").hooks
    })
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", ""),
    ]);

const INHERITED: Kind = Kind::Many2many {
    model: "ir.model",
    table: "",
    this: "",
    that: "",
};

/// The refusal of changes to what the program declares (`model`, `field`, `access` or `rule`): a row alone would have no effect.
pub(super) fn declared(what: &str) -> Error {
    Error::User(say!("error-declared", what))
}

/// The technical name of a model by the id of its row.
///
/// # Errors
/// When the database fails.
pub async fn name_of(env: &Env, id: Id) -> Result<Option<String>> {
    let mut sql = env.sql("SELECT model FROM ir_model WHERE id = ");
    sql.bind(id);
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}

async fn names(env: &Env, ids: &[Id]) -> Result<std::collections::HashMap<Id, String>> {
    by_id::values(env, "SELECT id, model FROM ir_model WHERE id", ids).await
}

async fn inherited(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let names = names(env, ids).await?;
    let mut found = std::collections::HashMap::new();
    for (id, name) in names {
        let parents = registry::entry(&name).map_or(&[][..], |entry| entry.model.inherits);
        for (parent, _) in parents {
            let mut sql = env.sql("SELECT id FROM ir_model WHERE model = ");
            sql.bind(*parent);
            let parents = crate::orm::search::collect_ids(env, sql).await?;
            found.entry(id).or_insert_with(Vec::new).extend(parents);
        }
    }
    Ok(by_id::linked(ids, &found))
}

async fn modules(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT res_id, module FROM ir_model_data WHERE model = 'ir.model' AND res_id";
    Ok(by_id::ordered(
        ids,
        by_id::values::<String>(env, select, ids).await?,
    ))
}

async fn counts(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut found = std::collections::HashMap::new();
    for (id, name) in names(env, ids).await? {
        let Ok(entry) = registry::entry(&name) else {
            continue;
        };
        if entry.table().is_empty() {
            continue;
        }
        let mut sql = env.sql("SELECT COUNT(*) FROM ");
        sql.name(entry.table());
        if let Some(row) = env.row(sql).await? {
            found.insert(id, crate::orm::convert::get::<i64>(&row, 0)?.unwrap_or(0));
        }
    }
    Ok(by_id::counts(ids, &found))
}
