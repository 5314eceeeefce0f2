//! `ir.config_parameter`: settings by key.

use auth::oauth::ClientCertificate;
use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;
use secrecy::SecretString;

use words::say;

use crate::dialect;
use crate::domain::Domain;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::oauth_flow::expiry;
use crate::orm::{access, convert, create, search, write};
use crate::registry::entry;
use crate::retention;
use crate::schema::{self, Call, Operation, access, model, model_method};
use crate::unverified::{self, Unverified};
use crate::value::{AnyValue, Id, Key, Map, map};
use crate::vault;

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_config_parameter")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Key")]
    pub key: String,
    #[odoo(label = "Value", text, secret)]
    pub value: String,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The table, by which secrets are sealed.
const TABLE: &str = "ir_config_parameter";

pub const MODEL: schema::Model = model(
    "ir.config_parameter",
    "System parameter",
    "ir_config_parameter",
)
.order("key")
.rec_name("key")
.audited()
.columns(Model::FIELDS)
.access(&[access("base.group_system", "rwcd")])
.methods(&[
    model_method("get_param", &["key", "default?"], |call| {
        get_param(call).boxed()
    })
    .reads_only(),
    model_method("set_param", &["key", "value"], |call| {
        set_param(call).boxed()
    }),
])
.hooks(schema::Hooks {
    before_create: Some(|_, values| refuse_weak_new(values).boxed()),
    check: Some(|env, ids, _| check(env, ids).boxed()),
    before_write: Some(|env, ids, values| before_write(env, ids, values).boxed()),
    before_unlink: Some(|env, ids| keep_protected(env, ids).boxed()),
    ..model("", "", "").hooks
});

/// The parameter that holds the secret of the database.
const SECRET: &str = "database.secret";

/// The parameter with the certificate that the Outlook application is known by.
const CLIENT_CERTIFICATE: &str = "microsoft_outlook_client_certificate";

/// The parameters that a running database always needs: they keep their names and stay.
const PROTECTED: &[&str] = &[
    SECRET,
    "database.uuid",
    "database.create_date",
    "web.base.url",
    "base.login_cooldown_after",
    "base.login_cooldown_duration",
];

/// The fewest bytes of `database.secret` with which anything is signed.
const SHORTEST_SECRET: usize = 16;

/// The value of a parameter; `None` when it is not set. No rights are checked.
///
/// # Errors
/// When the database fails.
pub async fn get(env: &Env, key: &str) -> Result<Option<String>> {
    let mut sql = env.sql("SELECT value, id FROM ir_config_parameter WHERE key = ");
    sql.bind(key);
    let Some(row) = env.row(sql).await? else {
        return Ok(None);
    };
    let value: Option<String> = convert::get(&row, 0)?;
    let id = convert::get(&row, 1)?.unwrap_or_default();
    let place = vault::place(TABLE, "value", id);
    value
        .map(|value| env.backend().vault().open(&place, value))
        .transpose()
}

/// Sets a parameter, or removes it with `None`. No rights are checked.
///
/// # Errors
/// When the database fails, or a protected parameter is to be removed.
pub async fn set(env: &Env, key: &str, value: Option<&str>) -> Result<()> {
    let env = env.sudo();
    let model = entry("ir.config_parameter")?;
    let known = search::unchecked(&env, model, &Domain::eq("key", key.to_owned())).await?;
    match (value, known.is_empty()) {
        (None, true) => Ok(()),
        (None, false) => write::unlink(&env, model, &known).await,
        (Some(value), false) => {
            write::records(&env, model, &known, map([("value", value.into())])).await
        }
        (Some(value), true) => {
            let values = map([("key", key.into()), ("value", value.into())]);
            create::record(&env, model, values).await.map(|_| ())
        }
    }
}

/// The secret of the database, which signs sessions and the links of the OAuth consent.
///
/// # Errors
/// [`Error::Internal`] when it was taken away behind the program's back.
pub async fn database_secret(env: &Env) -> Result<SecretString> {
    usable_secret(get(env, SECRET).await?)
}

/// The value of `database.secret` as something to sign with.
///
/// # Errors
/// [`Error::Internal`] when there is none, or one that could be guessed.
pub fn usable_secret(value: Option<String>) -> Result<SecretString> {
    value
        .filter(|secret| secret.len() >= SHORTEST_SECRET)
        .map(SecretString::from)
        .ok_or_else(|| {
            Error::Internal(
                "The parameter database.secret is missing or too short. Set it to a long random text.".into(),
            )
        })
}

/// The address under which clients reach the program, without a slash at its end.
///
/// # Errors
/// When the database fails.
pub async fn base_url(env: &Env) -> Result<String> {
    let url = get(env, "web.base.url").await?.unwrap_or_default();
    Ok(url.trim_end_matches('/').to_owned())
}

async fn get_param(mut call: Call<'_>) -> Result<AnyValue> {
    access::check_model(call.env, call.model, Operation::Read).await?;
    let key = key_argument(&mut call)?;
    let value = get(call.env, &key).await?.filter(|value| !value.is_empty());
    Ok(match (value, call.args.get("default")) {
        (Some(value), _) => value.into(),
        (None, Some(default)) => default.clone(),
        (None, None) => AnyValue::FALSE,
    })
}

async fn set_param(mut call: Call<'_>) -> Result<AnyValue> {
    access::check_model(call.env, call.model, Operation::Write).await?;
    let key = key_argument(&mut call)?;
    let value = call.args.take_or_false("value");
    let before = get(call.env, &key).await?;
    let value = (!value.is_nothing()).then(|| value.to_python_text());
    if value.as_deref() != before.as_deref() || value.is_none() {
        set(call.env, &key, value.as_deref()).await?;
    }
    Ok(before.map_or(AnyValue::FALSE, AnyValue::Text))
}

fn key_argument(call: &mut Call<'_>) -> Result<String> {
    match call.args.take_or_false("key") {
        AnyValue::Text(key) => Ok(key),
        other => Err(Error::Data {
            condition: "UndefinedFunction".into(),
            message: say!("error-parameter-key", given = %other.type_name()),
        }),
    }
}

/// Parameters that only make sense in one form are refused in any other.
async fn check(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql("SELECT key FROM ir_config_parameter WHERE id");
    dialect::in_ids(&mut sql, ids);
    for row in env.rows(sql).await? {
        let key: String = convert::get(&row, 0)?.unwrap_or_default();
        let value = get(env, &key).await?.unwrap_or_default();
        if key == unverified::PARAMETER {
            Unverified::parse(&value)?;
        } else if value.trim().is_empty() {
            continue;
        } else if expiry::is_parameter(&key) {
            expiry::read_day(&key, &value)?;
        } else if key == CLIENT_CERTIFICATE {
            ClientCertificate::from_pem(&value.into()).map_err(|error| {
                Error::Validation(say!("error-parameter-value", key, why = error.text()))
            })?;
        } else {
            retention::check_parameter(&key, &value)?;
        }
    }
    Ok(())
}

async fn refuse_weak_new(values: &Map) -> Result<()> {
    match values.get("key").and_then(AnyValue::as_text) {
        Some(SECRET) => refuse_weak(values),
        _ => Ok(()),
    }
}

async fn before_write(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    keep_protected_names(env, ids, values).await?;
    if values.contains_key("value")
        && protected_among(env, ids)
            .await?
            .iter()
            .any(|key| key == SECRET)
    {
        refuse_weak(values)?;
    }
    Ok(())
}

/// With a secret that could be guessed, nobody could sign in any more.
fn refuse_weak(values: &Map) -> Result<()> {
    let value = values.get("value").and_then(AnyValue::as_text);
    if value.unwrap_or_default().len() < SHORTEST_SECRET {
        return Err(Error::Validation(
            say!("error-parameter-secret-short", secret = ?SECRET, shortest_secret = %SHORTEST_SECRET),
        ));
    }
    Ok(())
}

async fn keep_protected_names(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    match values.get(&Key::Borrowed("key")) {
        Some(AnyValue::Text(new)) => {
            for key in protected_among(env, ids).await? {
                if key != *new {
                    return Err(Error::Validation(say!("error-parameter-fixed-name", ?key)));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn keep_protected(env: &Env, ids: &[Id]) -> Result<()> {
    match protected_among(env, ids).await?.first() {
        Some(key) => Err(Error::Validation(say!("error-parameter-needed", ?key))),
        None => Ok(()),
    }
}

async fn protected_among(env: &Env, ids: &[Id]) -> Result<Vec<String>> {
    let mut sql = env.sql("SELECT key FROM ir_config_parameter WHERE id");
    crate::dialect::in_ids(&mut sql, ids);
    let mut keys = Vec::new();
    for row in env.rows(sql).await? {
        keys.extend(convert::get::<String>(&row, 0)?);
    }
    keys.retain(|key| PROTECTED.contains(&key.as_str()));
    Ok(keys)
}
