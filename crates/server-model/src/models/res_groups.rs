//! `res.groups`: what users may do.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::{by_id, res_users};
use crate::orm::convert;
use crate::schema::{self, Kind, access, computed, field, model};
use crate::value::{AnyValue, Id, Key, Map};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_groups")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Name", translate)]
    pub name: Json,
    #[odoo(hidden)]
    pub category_id: Option<i32>,
    #[odoo(label = "Color Index")]
    pub color: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Comment", text, translate)]
    pub comment: Option<Json>,
    /// The group was made to share something with users from outside.
    #[odoo(label = "Share Group")]
    pub share: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    /// How many days an API key of a member may live at most; 0 for no limit of this group.
    #[odoo(label = "API Keys maximum duration days")]
    pub api_key_duration: Option<f64>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.groups", "Access group", "res_groups")
    .order("name")
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[
        field("users", "Users", USERS),
        field("implied_ids", "Inherits", IMPLIED)
            .help("Members of this group are members of these groups too."),
        computed(
            "trans_implied_ids",
            "Transitively inherits",
            IMPLIED,
            &["implied_ids"],
            |env, ids| all_implied(env, ids).boxed(),
        ),
        computed(
            "full_name",
            "Group Name",
            Kind::Char,
            &["name"],
            |env, ids| full_names(env, ids).boxed(),
        )
        .search(|_, operator, value| by_name(operator, value).boxed()),
        field(
            "model_access",
            "Access Controls",
            Kind::One2many {
                model: "ir.model.access",
                inverse: "group_id",
            },
        ),
        field(
            "rule_groups",
            "Rules",
            Kind::Many2many {
                model: "ir.rule",
                table: "rule_group_rel",
                this: "group_id",
                that: "rule_group_id",
            },
        ),
    ])
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", "r"),
    ])
    .hooks(schema::Hooks {
        after_create: Some(|env, id, values| members_changed(env, vec![id], values).boxed()),
        after_write: Some(|env, ids, values| members_changed(env, ids.to_vec(), values).boxed()),
        before_unlink: Some(|env, ids| keep_needed(env, ids).boxed()),
        before_copy: Some(|env, id, values| copy_name(env, id, values).boxed()),
        ..model("", "", "").hooks
    });

const USERS: Kind = Kind::Many2many {
    model: "res.users",
    table: "res_groups_users_rel",
    this: "gid",
    that: "uid",
};
const IMPLIED: Kind = Kind::Many2many {
    model: "res.groups",
    table: "res_groups_implied_rel",
    this: "gid",
    that: "hid",
};

/// Who is in a group is in what it implies: a change of either reaches all members.
async fn members_changed(env: &Env, ids: Vec<Id>, values: &Map) -> Result<()> {
    if !values.contains_key("users") && !values.contains_key("implied_ids") {
        return Ok(());
    }
    if values.contains_key("implied_ids") {
        refuse_circle(env, &ids).await?;
    }
    let mut sql = env.sql("SELECT DISTINCT uid FROM res_groups_users_rel WHERE gid");
    dialect::in_ids(&mut sql, &ids);
    let members = crate::orm::search::collect_ids(env, sql).await?;
    res_users::groups::changed(env, &members).await?;
    // Whoever left is not among the members any more, but may have changed kind.
    let mut sql = env.sql("SELECT id FROM res_users WHERE NOT COALESCE(share, FALSE) AND id NOT IN (SELECT uid FROM res_groups_users_rel link JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = link.gid AND d.module = 'base' AND d.name = 'group_user')");
    sql.push(" ORDER BY id");
    let left = crate::orm::search::collect_ids(env, sql).await?;
    res_users::groups::keep_share(env, &left).await?;
    env.forget_users();
    Ok(())
}

async fn refuse_circle(env: &Env, ids: &[Id]) -> Result<()> {
    let above = by_id::lists(env, ALL_IMPLIED, ids).await?;
    match ids
        .iter()
        .find(|id| above.get(id).is_some_and(|all| all.contains(id)))
    {
        Some(id) => Err(Error::Validation(say!("error-group-loop", %id))),
        None => Ok(()),
    }
}

const ALL_IMPLIED: &str = "WITH RECURSIVE all_implied(gid, hid) AS (SELECT gid, hid FROM res_groups_implied_rel \
     UNION SELECT a.gid, i.hid FROM all_implied a JOIN res_groups_implied_rel i ON i.gid = a.hid) \
     SELECT gid, hid FROM all_implied WHERE gid";

async fn all_implied(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut found = by_id::lists(env, ALL_IMPLIED, ids).await?;
    for implied in found.values_mut() {
        implied.sort_unstable();
    }
    Ok(by_id::linked(ids, &found))
}

async fn full_names(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = format!(
        "SELECT t0.id, {} FROM res_groups t0 WHERE t0.id",
        dialect::translated("t0", "name", env.lang())
    );
    Ok(by_id::ordered(
        ids,
        by_id::values::<String>(env, &select, ids).await?,
    ))
}

async fn by_name(operator: Operator, value: &AnyValue) -> Result<Domain> {
    Ok(Domain::leaf("name", operator, value.clone()))
}

/// The groups that the program itself refers to cannot be deleted.
async fn keep_needed(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "SELECT module || '.' || name FROM ir_model_data WHERE model = 'res.groups' AND module IN ('base', 'mail') AND res_id",
    );
    dialect::in_ids(&mut sql, ids);
    match env.row(sql).await? {
        Some(row) => {
            let name: String = convert::get(&row, 0)?.unwrap_or_default();
            Err(Error::User(say!("error-group-needed", %name)))
        }
        None => Ok(()),
    }
}

async fn copy_name(env: &Env, id: Id, values: &mut Map) -> Result<()> {
    if let Some(AnyValue::Text(name)) = full_names(env, &[id]).await?.pop() {
        values.insert(Key::Borrowed("name"), format!("{name} (copy)").into());
    }
    Ok(())
}
