//! `mail.blacklist`: addresses that want no mass mail.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::{create, search};
use crate::schema::{self, Call, Field, Method, access, model, model_method};
use crate::thread;
use crate::value::{AnyValue, Id, Key, Map};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_blacklist")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    /// The address alone, in lower case.
    #[odoo(label = "Email Address")]
    pub email: String,
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

pub const MODEL: schema::Model = model("mail.blacklist", "Blacklisted address", "mail_blacklist")
    .rec_name("email")
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&FIELDS)
    .methods(&METHODS)
    .hooks(schema::Hooks {
        before_create: Some(|_, values| normalize(values).boxed()),
        before_write: Some(|_, _, values| normalize(values).boxed()),
        ..model("", "", "").hooks
    })
    .access(&[access("base.group_system", "rwcd")]);

/// Entries of the blacklist are conversations: why an address is there is written down on it.
struct Blacklisted;

impl thread::fields::Conversation for Blacklisted {
    const MODEL: &'static str = "mail.blacklist";
}

const FIELDS: [Field; thread::fields::COUNT] = thread::fields::fields::<Blacklisted>();

const METHODS: [Method; 1 + thread::METHODS.len()] = thread::joined(
    [model_method("create", &["vals_list"], |call| {
        create_(call).boxed()
    })],
    thread::METHODS,
);

async fn normalize(values: &mut Map) -> Result<()> {
    let Some(given) = values.get("email").filter(|email| !email.is_nothing()) else {
        return Ok(());
    };
    let given = given.to_python_text();
    let Some(address) = mail::address::email_normalize(&given) else {
        return Err(Error::User(say!("error-blacklist-address", ?given)));
    };
    values.insert(Key::Borrowed("email"), address.into());
    Ok(())
}

/// An address is on the list once: creating it again gives the entry there is.
async fn create_(mut call: Call<'_>) -> Result<AnyValue> {
    match call.args.take_or_false("vals_list") {
        AnyValue::List(items) => {
            let mut ids = Vec::with_capacity(items.len());
            for item in items {
                ids.push(entry_for(&call, item).await?);
            }
            Ok(AnyValue::ids(&ids))
        }
        one => Ok(entry_for(&call, one).await?.into()),
    }
}

async fn entry_for(call: &Call<'_>, values: AnyValue) -> Result<Id> {
    let AnyValue::Map(mut values) = values else {
        return Err(Error::Attribute(say!(
            "error-call-wants-values",
            method = "create",
            given = values.type_name()
        )));
    };
    normalize(&mut values).await?;
    let known = match values.get("email").and_then(AnyValue::as_text) {
        Some(address) => find(call.env, address).await?,
        None => None,
    };
    match known {
        Some(known) => Ok(known),
        None => create::record(call.env, call.model, values).await,
    }
}

async fn find(env: &Env, address: &str) -> Result<Option<Id>> {
    let mut sql = env.sql("SELECT id FROM mail_blacklist WHERE email = ");
    sql.bind(address);
    Ok(search::collect_ids(env, sql).await?.first().copied())
}
