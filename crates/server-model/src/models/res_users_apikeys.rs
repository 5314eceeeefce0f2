//! `res.users.apikeys`: keys that stand in for a password.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use secrecy::SecretString;
use server_model_derive::OdooFields;

use words::say;

use crate::audit::{self, Act, Subject};
use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::res_users_identitycheck::guard;
use crate::orm::{convert, write};
use crate::schema::{self, Call, Rule, access, method, model};
use crate::value::{AnyValue, Id, map};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_users_apikeys")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Description", readonly)]
    pub name: String,
    #[odoo(label = "User", many2one = "res.users", readonly)]
    pub user_id: i32,
    #[odoo(label = "Scope", readonly)]
    pub scope: Option<String>,
    #[odoo(label = "Expiration Date", readonly)]
    pub expiration_date: Option<NaiveDateTime>,
    #[odoo(hidden)]
    pub index: Option<String>,
    #[odoo(hidden)]
    pub key: Option<String>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.users.apikeys", "API key", "res_users_apikeys")
    .audited()
    .columns(Model::FIELDS)
    .access(&[
        access("base.group_portal", "r"),
        access("base.group_user", "r"),
    ])
    .rules(&[
        Rule {
            groups: &["base.group_portal", "base.group_user"],
            operations: "rwcd",
            domain_force: "[('user_id', '=', user.id)]",
            domain: |env| async move { Ok(Domain::eq("user_id", env.uid())) }.boxed(),
        },
        Rule {
            groups: &["base.group_public"],
            operations: "rwcd",
            domain_force: "[(0, '=', 1)]",
            domain: |_| async { Ok(Domain::Nothing) }.boxed(),
        },
        Rule {
            groups: &["base.group_system"],
            operations: "rwcd",
            domain_force: "[(1, '=', 1)]",
            domain: |_| async { Ok(Domain::All) }.boxed(),
        },
    ])
    .methods(&[method("remove", &[], |call| remove(call).boxed())]);

/// A stored key that a given one may be.
pub struct Candidate {
    /// The id of the row.
    pub id: Id,
    /// The user whose key it is.
    pub user_id: Id,
    /// The hash in passlib's form.
    pub hash: String,
}

/// The keys for calls that start with these eight characters, have not expired and belong to an
/// active user; with `user_id` only those of that user.
///
/// # Errors
/// When the database fails.
pub async fn candidates(env: &Env, index: &str, user_id: Option<Id>) -> Result<Vec<Candidate>> {
    let mut sql = env.sql(
        "SELECT k.id, k.user_id, k.\"key\" FROM res_users_apikeys k \
         JOIN res_users u ON u.id = k.user_id WHERE u.active AND k.\"key\" IS NOT NULL \
         AND (k.scope IS NULL OR k.scope = 'rpc') AND k.\"index\" = ",
    );
    sql.bind(index)
        .push(" AND (k.expiration_date IS NULL OR k.expiration_date >= ")
        .bind(env.now())
        .push(")");
    if let Some(user_id) = user_id {
        sql.push(" AND k.user_id = ").bind(user_id);
    }
    sql.push(" ORDER BY k.id");
    let rows = env.rows(sql).await?;
    rows.iter()
        .map(|row| {
            Ok(Candidate {
                id: convert::get(row, 0)?.unwrap_or_default(),
                user_id: convert::get(row, 1)?.unwrap_or_default(),
                hash: convert::get(row, 2)?.unwrap_or_default(),
            })
        })
        .collect()
}

/// Makes a key for the caller and gives it: this is the only time it can be seen.
///
/// # Errors
/// When the database fails.
pub async fn generate(
    env: &Env,
    scope: Option<&str>,
    name: &str,
    expires: Option<NaiveDateTime>,
) -> Result<SecretString> {
    let key = auth::password::generate_api_key();
    let index = auth::password::api_key_index(&key)
        .ok_or_else(|| Error::Internal("A new key is too short to be found again.".into()))?;
    let mut sql = env.sql(
        "INSERT INTO res_users_apikeys (name, user_id, scope, expiration_date, \"index\", \"key\", create_date) VALUES (",
    );
    sql.bind(name).push(", ");
    sql.bind(env.uid()).push(", ");
    sql.bind(scope.map(str::to_owned)).push(", ");
    sql.bind(expires).push(", ");
    sql.bind(index).push(", ");
    sql.bind(auth::password::hash_api_key(&key)).push(", ");
    sql.bind(env.now()).push(") RETURNING id");
    let id = match env.row(sql).await? {
        Some(row) => convert::get::<Id>(&row, 0)?,
        None => None,
    };
    let subject = Subject {
        model: "res.users.apikeys",
        id: id.unwrap_or_default(),
        name,
    };
    audit::note(env, Act::Create, subject).await?;
    tracing::info!(uid = env.uid(), key = id, ?expires, "an API key was made");
    Ok(key)
}

/// Takes keys back: one's own, or anybody's as an administrator.
async fn remove(call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    if !env.may_use("base.group_system").await? {
        let mut sql = env.sql("SELECT 1 FROM res_users_apikeys WHERE user_id <> ");
        sql.bind(env.uid()).push(" AND id");
        dialect::in_ids(&mut sql, &call.ids);
        if env.row(sql).await?.is_some() {
            return Err(Error::Access(say!("error-key-of-others")));
        }
    }
    if let Some(action) = guard(&call, "remove").await? {
        return Ok(action);
    }
    write::unlink(&env.sudo(), call.model, &call.ids).await?;
    tracing::info!(uid = env.uid(), keys = ?call.ids, "API keys were taken back");
    Ok(map([("type", "ir.actions.act_window_close".into())]).into())
}
