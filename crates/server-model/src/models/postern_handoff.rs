//! `postern.handoff`: where the mails of an incoming server go that are not for Postern.

use auth::remote::Address;
use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::by_id;
use crate::schema::{self, Kind, Selection, access, computed, field, model};
use crate::value::{AnyValue, Id};
use crate::vault;

const KIND: Selection = &[("odoo", "Running Odoo"), ("webhook", "Webhook")];
const SCOPE: Selection = &[
    ("foreign", "Mail for Models That Are Not Here"),
    ("unrouted", "That, and Mail That Nothing Here Asks For"),
    ("all", "All Mail"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "postern_handoff")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// What people call it.
    #[odoo(label = "Name")]
    pub name: String,
    /// Whether mails are handed on. What waits already waits for it to be switched on again.
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    /// The mailbox whose mails are handed on. Each has one place for them at most.
    #[odoo(label = "Incoming Mail Server", many2one = "fetchmail.server")]
    pub fetchmail_server_id: i32,
    /// What takes the mails: an Odoo by its API, or any program by HTTP.
    #[odoo(label = "Kind", selection = KIND, default = "odoo")]
    pub kind: String,
    /// The address of the Odoo, or of the webhook, over https.
    #[odoo(label = "Address")]
    pub url: String,
    /// The name of the Odoo's database.
    #[odoo(label = "Database")]
    pub database: Option<String>,
    /// The login of the Odoo's user that hands the mails in.
    #[odoo(label = "Login")]
    pub login: Option<String>,
    #[odoo(hidden, secret)]
    pub secret: Option<String>,
    /// The model of the records to make of mails that are no replies and meant for no alias, by its technical name.
    #[odoo(label = "Model")]
    pub model: Option<String>,
    /// Which of the mails are handed on.
    #[odoo(label = "What", selection = SCOPE, default = "foreign")]
    pub scope: String,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The table, by which secrets are sealed.
const TABLE: &str = "postern_handoff";

pub const MODEL: schema::Model = model("postern.handoff", "Handing on of mail", "postern_handoff")
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[
        computed("secret", "API Key or Secret", Kind::Char, &[], |_, ids| {
            async move { Ok(vec![AnyValue::FALSE; ids.len()]) }.boxed()
        })
        .help("The API key of the Odoo's user, or the secret that deliveries to the webhook are signed with. It can be written and never read.")
        .groups("base.group_system")
        .inverse(|env, ids, value| store_secret(env, ids, value).boxed())
        .no_copy(),
        computed("has_secret", "Key Entered", Kind::Boolean, &["secret"], |env, ids| {
            have_secrets(env, ids).boxed()
        })
        .help("Whether an API key or a secret was entered."),
        field(
            "mail_ids",
            "Waiting Mails",
            Kind::One2many {
                model: "postern.handoff.mail",
                inverse: "handoff_id",
            },
        )
        .readonly()
        .no_copy(),
    ])
    .access(&[access("base.group_system", "rwcd")])
    .hooks(schema::Hooks {
        check: Some(|env, ids, _| check(env, ids).boxed()),
        ..model("", "", "").hooks
    });

/// The settings of these ids, in no particular order.
///
/// # Errors
/// When the database fails.
pub async fn rows(env: &Env, ids: &[Id]) -> Result<Vec<Model>> {
    let rows = Entity::find()
        .filter(Column::Id.is_in(ids.to_vec()))
        .all(env.connection())
        .await
        .map_err(crate::dialect::database_error)?;
    rows.into_iter().map(|row| opened(env, row)).collect()
}

fn opened(env: &Env, mut row: Model) -> Result<Model> {
    row.open_secrets(env.backend().vault())?;
    Ok(row)
}

/// Where the mails of this server are handed on to, if anywhere.
///
/// # Errors
/// When the database fails.
pub async fn of_server(env: &Env, server: Id) -> Result<Option<Model>> {
    let row = Entity::find()
        .filter(Column::FetchmailServerId.eq(server))
        .filter(Column::Active.eq(true))
        .one(env.connection())
        .await
        .map_err(crate::dialect::database_error)?;
    row.map(|row| opened(env, row)).transpose()
}

async fn check(env: &Env, ids: &[Id]) -> Result<()> {
    for row in rows(env, ids).await? {
        let name = &row.name;
        Address::parse(&row.url).map_err(|error| {
            Error::Validation(say!(
                "transport-of-server",
                server = name,
                problem = error.what()
            ))
        })?;
        if row.kind != "odoo" {
            continue;
        }
        for (what, value) in [("database", &row.database), ("login", &row.login)] {
            if value.as_deref().unwrap_or_default().trim().is_empty() {
                return Err(Error::Validation(
                    say!("error-handoff-incomplete", %name, %what),
                ));
            }
        }
    }
    Ok(())
}

async fn store_secret(env: &Env, ids: &[Id], value: &AnyValue) -> Result<()> {
    let secret = value.as_text().filter(|text| !text.is_empty());
    for id in ids {
        let place = vault::place(TABLE, "secret", *id);
        let stored = secret
            .map(|secret| env.backend().vault().seal(&place, secret))
            .transpose()?;
        let mut sql = env.sql("UPDATE postern_handoff SET secret = ");
        sql.bind(stored).push(" WHERE id = ").bind(*id);
        env.execute(sql).await?;
    }
    Ok(())
}

async fn have_secrets(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, secret FROM postern_handoff WHERE id";
    let found = by_id::values::<String>(env, select, ids).await?;
    Ok(ids.iter().map(|id| found.contains_key(id).into()).collect())
}
