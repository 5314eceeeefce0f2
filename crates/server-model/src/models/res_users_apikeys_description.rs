//! `res.users.apikeys.description`: the form that makes a new API key.

use chrono::{NaiveDateTime, TimeDelta};
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use secrecy::ExposeSecret;
use server_model_derive::OdooFields;

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::res_users_apikeys;
use crate::models::res_users_identitycheck::{form_view, guard};
use crate::orm::{access, convert, create, search, write};
use crate::schema::{self, Call, Operation, Selection, access, method, model};
use crate::value::{AnyValue, Id, Ids, Key, Map, map};

const DURATION: Selection = &[
    ("1", "1 Day"),
    ("7", "1 Week"),
    ("30", "1 Month"),
    ("90", "3 Months"),
    ("180", "6 Months"),
    ("365", "1 Year"),
    (FOR_EVER, "Persistent Key"),
    (GIVEN_DATE, "Custom Date"),
];
/// The duration of a key that never expires.
const FOR_EVER: &str = "0";
/// The duration that stands for the date in `expiration_date`.
const GIVEN_DATE: &str = "-1";
/// How many days a key may live when no group of the user says more.
const SHORTEST_LIMIT: f64 = 1.0;

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_users_apikeys_description")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    /// What the key is for, so that it can be told from others later.
    #[odoo(label = "Description")]
    pub name: String,
    /// How long the key works. How long a user may choose is set at its groups.
    #[odoo(label = "Duration", selection = DURATION, default = "1")]
    pub duration: String,
    /// When the key stops working, in UTC. It follows from the duration unless that is
    /// "Custom Date".
    #[odoo(label = "Expiration Date")]
    pub expiration_date: Option<NaiveDateTime>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

const NAME: &str = "res.users.apikeys.description";

pub const MODEL: schema::Model =
    model(NAME, "API Key Description", "res_users_apikeys_description")
        .transient()
        .columns(Model::FIELDS)
        .access(&[
            access("base.group_portal", "rc"),
            access("base.group_user", "rc"),
        ])
        .methods(&[
            // Odoo's own create() of this form lost its mark as a method of the model, so the first
            // argument is taken for records, and the new one comes back as text. Clients use web_save.
            method("create", &["vals_list"], |call| create_(call).boxed()),
            method("make_key", &[], |call| make_key(call).boxed()),
        ])
        .hooks(schema::Hooks {
            before_create: Some(|env, values| set_expiration(env, values).boxed()),
            before_write: Some(|env, _, values| set_expiration(env, values).boxed()),
            onchange: Some(|env, name, form| onchange(env, name, form).boxed()),
            reachable: Some(|env, ids, _| own_forms(env, ids).boxed()),
            ..model("", "", "").hooks
        });

async fn create_(mut call: Call<'_>) -> Result<AnyValue> {
    let given = match call.args.take_or_false("vals_list") {
        AnyValue::List(items) => items,
        one => vec![one],
    };
    let mut ids = Vec::with_capacity(given.len());
    for values in given {
        let AnyValue::Map(values) = values else {
            return Err(Error::Type(say!(
                "error-call-wants-values",
                method = "create",
                given = values.type_name()
            )));
        };
        ids.push(
            create::record(call.env, call.model, values)
                .await?
                .to_string(),
        );
    }
    let comma = if ids.len() == 1 { "," } else { "" };
    Ok(format!("{}({}{comma})", NAME, ids.join(", ")).into())
}

/// Works out the date from the duration and refuses one beyond what the user may choose.
async fn set_expiration(env: &Env, values: &mut Map) -> Result<()> {
    if !values.contains_key("duration") && !values.contains_key("expiration_date") {
        return Ok(());
    }
    let duration = values
        .get("duration")
        .and_then(AnyValue::as_text)
        .unwrap_or(GIVEN_DATE);
    let date = match duration {
        GIVEN_DATE => given_date(values)?,
        FOR_EVER => None,
        days => Some(after(env, days)?),
    };
    check_limit(env, date).await?;
    values.insert(
        Key::Borrowed("expiration_date"),
        date.map_or(AnyValue::FALSE, AnyValue::Datetime),
    );
    Ok(())
}

fn given_date(values: &Map) -> Result<Option<NaiveDateTime>> {
    let Some(given) = values.get("expiration_date").filter(|v| !v.is_falsy()) else {
        return Ok(None);
    };
    let model = crate::registry::entry(NAME)?;
    let stored = convert::stored(model, model.field("expiration_date")?, given)?;
    match stored {
        sea_orm::Value::ChronoDateTime(date) => Ok(date),
        _ => Ok(None),
    }
}

fn after(env: &Env, days: &str) -> Result<NaiveDateTime> {
    days.parse::<u16>()
        .ok()
        .and_then(|days| env.now().checked_add_signed(TimeDelta::days(days.into())))
        .ok_or_else(|| Error::Value(say!("error-apikey-no-duration", ?days)))
}

/// Administrators may choose any date; others need one, within the longest limit of their groups.
async fn check_limit(env: &Env, date: Option<NaiveDateTime>) -> Result<()> {
    if env.may_use("base.group_system").await? {
        return Ok(());
    }
    let Some(date) = date else {
        return Err(Error::Validation(say!("error-key-must-expire")));
    };
    let days = longest(env).await?;
    if date - env.now() > TimeDelta::seconds((days * 86_400.0) as i64) {
        return Err(Error::Validation(say!("error-key-too-long", %days)));
    }
    Ok(())
}

async fn longest(env: &Env) -> Result<f64> {
    let mut sql = env.sql(
        "SELECT MAX(g.api_key_duration) FROM res_groups g \
         JOIN res_groups_users_rel link ON link.gid = g.id WHERE link.uid = ",
    );
    sql.bind(env.uid());
    let days = match env.row(sql).await? {
        Some(row) => convert::get::<f64>(&row, 0)?,
        None => None,
    };
    Ok(days.filter(|days| *days > 0.0).unwrap_or(SHORTEST_LIMIT))
}

async fn onchange(env: &Env, name: &str, form: &mut Map) -> Result<Option<Map>> {
    if name == "duration" {
        let date = match form.get("duration").and_then(AnyValue::as_text) {
            Some(GIVEN_DATE) => return Ok(None),
            Some(FOR_EVER) | None => AnyValue::FALSE,
            Some(days) => AnyValue::Datetime(after(env, days)?),
        };
        form.insert(Key::Borrowed("expiration_date"), date);
    }
    Ok(None)
}

/// Who opened a form is the only one to see it: it is about a key of that user.
async fn own_forms(env: &Env, ids: &[Id]) -> Result<Ids> {
    let mut sql = env.sql("SELECT id FROM res_users_apikeys_description WHERE create_uid = ");
    sql.bind(env.uid()).push(" AND id");
    dialect::in_ids(&mut sql, ids);
    search::collect_ids(env, sql).await
}

async fn make_key(call: Call<'_>) -> Result<AnyValue> {
    access::check_records(call.env, call.model, &call.ids, Operation::Read).await?;
    if let Some(action) = guard(&call, "make_key").await? {
        return Ok(action);
    }
    let env = call.env;
    if env.user().await?.share {
        return Err(Error::Access(say!("error-key-internal")));
    }
    let [form] = call.ids.as_slice() else {
        return Err(Error::Value(say!(
            "error-call-one-form",
            method = "make_key",
            count = call.ids.len()
        )));
    };
    let (name, date) = read_form(env, *form).await?;
    check_limit(env, date).await?;
    let key = res_users_apikeys::generate(env, Some("rpc"), &name, date).await?;
    write::unlink(&env.sudo(), call.model, &[*form]).await?;
    Ok(map([
        ("type", "ir.actions.act_window".into()),
        ("res_model", "res.users.apikeys.show".into()),
        ("name", "API Key Ready".into()),
        ("views", form_view()),
        ("target", "new".into()),
        (
            "context",
            map([("default_key", key.expose_secret().into())]).into(),
        ),
    ])
    .into())
}

async fn read_form(env: &Env, form: Id) -> Result<(String, Option<NaiveDateTime>)> {
    let mut sql =
        env.sql("SELECT name, expiration_date FROM res_users_apikeys_description WHERE id = ");
    sql.bind(form);
    let row = env
        .row(sql)
        .await?
        .ok_or_else(|| Error::Missing(say!("error-key-form-gone", %form)))?;
    let name = convert::get::<String>(&row, 0)?.unwrap_or_default();
    let name = name.trim();
    if name.is_empty() {
        return Err(Error::Validation(say!("error-key-description")));
    }
    Ok((name.to_owned(), convert::get(&row, 1)?))
}
