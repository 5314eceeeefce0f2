//! `postern.handoff.mail`: mails that wait to be handed on, and those that nobody took.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::dialect;
use crate::env::Env;
use crate::error::Result;
use crate::models::{by_id, told_reason};
use crate::orm::{access as rights, write};
use crate::schema::{self, Call, Kind, Operation, Selection, access, computed, method, model};
use crate::value::{AnyValue, Id};

const TABLE: &str = "postern_handoff_mail";
const STATE: Selection = &[("waiting", "Waiting"), ("failed", "Failed")];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "postern_handoff_mail")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// Where it is handed on to.
    #[odoo(label = "Handing On", many2one = "postern.handoff", readonly)]
    pub handoff_id: i32,
    /// By which the receiver recognises a repetition: the same for every attempt.
    #[odoo(label = "Key", readonly)]
    pub key: String,
    /// The model of the record to make of it.
    #[odoo(label = "Model", readonly)]
    pub model: Option<String>,
    /// The subject of the mail.
    #[odoo(label = "Subject", readonly)]
    pub subject: Option<String>,
    #[odoo(hidden)]
    pub raw: Option<Vec<u8>>,
    /// Whether it waits for its next attempt, or for a person.
    #[odoo(label = "Status", selection = STATE, readonly)]
    pub state: String,
    /// How often it was tried.
    #[odoo(label = "Attempts", readonly)]
    pub attempts: i32,
    #[odoo(hidden)]
    pub reason: Option<String>,
    /// When it is tried next, in UTC.
    #[odoo(label = "Next Attempt", readonly)]
    pub next_at: NaiveDateTime,
    #[odoo(hidden)]
    pub claimed_by: Option<String>,
    /// When it was put here, in UTC.
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("postern.handoff.mail", "Mail to be handed on", TABLE)
    .order("id desc")
    .rec_name("subject")
    .columns(Model::FIELDS)
    .virtuals(&[
        computed("reason", "Reason", Kind::Text, &[], |env, ids| {
            told_reason::read(env, TABLE, ids).boxed()
        })
        .help("Why the last attempt failed.")
        .search(|env, operator, value| told_reason::search(env, TABLE, operator, value).boxed()),
        computed("raw", "Mail", Kind::Binary, &[], |env, ids| {
            contents(env, ids).boxed()
        })
        .help("The mail as it came, as base64 text.")
        .groups("base.group_system"),
    ])
    .access(&[access("base.group_system", "rd")])
    .methods(&[
        method("retry", &[], |call| retry(call).boxed()).groups("base.group_system"),
        method("discard", &[], |call| discard(call).boxed()).groups("base.group_system"),
    ]);

async fn contents(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    by_id::base64_texts(
        env,
        "SELECT id, raw FROM postern_handoff_mail WHERE id",
        ids,
    )
    .await
}

/// Has the mails tried again as soon as possible, counted from the beginning.
async fn retry(call: Call<'_>) -> Result<AnyValue> {
    let env = call.env;
    rights::check_records(env, call.model, &call.ids, Operation::Unlink).await?;
    let mut sql =
        env.sql("UPDATE postern_handoff_mail SET state = 'waiting', attempts = 0, next_at = ");
    sql.bind(env.now()).push(" WHERE id");
    dialect::in_ids(&mut sql, &call.ids);
    env.execute(sql).await?;
    Ok(true.into())
}

/// Throws the mails away for good.
async fn discard(call: Call<'_>) -> Result<AnyValue> {
    write::unlink(call.env, call.model, &call.ids).await?;
    Ok(true.into())
}
