//! `res.partner.category`: tags of contacts.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::by_id;
use crate::schema::{self, Kind, access, field, model};
use crate::value::{AnyValue, Id, Map};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_partner_category")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Color")]
    pub color: Option<i32>,
    /// The tag that this one is a part of.
    #[odoo(label = "Category", many2one = "res.partner.category")]
    pub parent_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Parent Path", readonly)]
    pub parent_path: Option<String>,
    #[odoo(label = "Name", translate)]
    pub name: Json,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model(
    "res.partner.category",
    "Contact tag",
    "res_partner_category",
)
.order("name, id")
.columns(Model::FIELDS)
.virtuals(&[
    field(
        "child_ids",
        "Child Tags",
        Kind::One2many {
            model: "res.partner.category",
            inverse: "parent_id",
        },
    ),
    field(
        "partner_ids",
        "Partners",
        Kind::Many2many {
            model: "res.partner",
            table: "res_partner_res_partner_category_rel",
            this: "category_id",
            that: "partner_id",
        },
    ),
])
.access(&[
    access("base.group_partner_manager", "rwcd"),
    access("base.group_user", "r"),
])
.hooks(schema::Hooks {
    after_create: Some(|env, id, _| keep_paths(env, vec![id]).boxed()),
    after_write: Some(|env, ids, values| moved(env, ids, values).boxed()),
    display_name: Some(|env, ids| display_names(env, ids).boxed()),
    ..model("", "", "").hooks
});

/// Tags nested deeper than this can only be a circle.
const DEEPEST: i32 = 100;

async fn moved(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    if !values.contains_key("parent_id") {
        return Ok(());
    }
    let above = by_id::lists(env, ABOVE, ids).await?;
    if let Some(id) = ids
        .iter()
        .find(|id| above.get(id).is_some_and(|a| a.contains(id)))
    {
        return Err(Error::Validation(say!("error-tag-loop", %id)));
    }
    let mut sql = env
        .sql("WITH RECURSIVE below(id, depth) AS (SELECT id, 0 FROM res_partner_category WHERE id");
    dialect::in_ids(&mut sql, ids);
    sql.push(" UNION ALL SELECT c.id, b.depth + 1 FROM res_partner_category c JOIN below b ON c.parent_id = b.id WHERE b.depth < ");
    sql.bind(DEEPEST)
        .push(") SELECT id FROM below GROUP BY id ORDER BY MAX(depth)");
    let below = crate::orm::search::collect_ids(env, sql).await?;
    keep_paths(env, below).await
}

const ABOVE: &str = "WITH RECURSIVE up(id, above) AS (SELECT id, parent_id FROM res_partner_category WHERE parent_id IS NOT NULL \
     UNION SELECT up.id, c.parent_id FROM up JOIN res_partner_category c ON c.id = up.above WHERE c.parent_id IS NOT NULL) \
     SELECT id, above FROM up WHERE id";

async fn keep_paths(env: &Env, ids: Vec<Id>) -> Result<()> {
    for id in ids {
        let mut sql = env.sql(
            "UPDATE res_partner_category SET parent_path = COALESCE((SELECT above.parent_path FROM res_partner_category above \
             WHERE above.id = res_partner_category.parent_id), '') || CAST(id AS varchar) || '/' WHERE id = ",
        );
        sql.bind(id);
        env.execute(sql).await?;
    }
    Ok(())
}

/// A tag is shown with those that it is a part of: `Customers / Retail`.
async fn display_names(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let paths = by_id::values::<String>(
        env,
        "SELECT id, parent_path FROM res_partner_category WHERE id",
        ids,
    )
    .await?;
    let mut all: Vec<Id> = paths
        .values()
        .flat_map(|path| path.split('/'))
        .filter_map(|id| id.parse().ok())
        .collect();
    all.sort_unstable();
    all.dedup();
    let select = format!(
        "SELECT t0.id, {} FROM res_partner_category t0 WHERE t0.id",
        dialect::translated("t0", "name", env.lang())
    );
    let names = by_id::values::<String>(env, &select, &all).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let shown: Vec<&str> = paths
                .get(id)
                .map(String::as_str)
                .unwrap_or_default()
                .split('/')
                .filter_map(|id| names.get(&id.parse().ok()?).map(String::as_str))
                .collect();
            shown.join(" / ").into()
        })
        .collect())
}
