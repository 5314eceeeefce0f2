//! `postern.quarantine`: received mails that could not be stored, and those that could not be fetched.

use std::sync::Arc;

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::Result;
use crate::gateway::quarantine;
use crate::models::{by_id, told_reason};
use crate::orm::{access as rights, write};
use crate::schema::{
    self, Call, Kind, Operation, OutsideCall, access, computed, method, model, outside_method,
};
use crate::value::{AnyValue, Id};

const TABLE: &str = "postern_quarantine";

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "postern_quarantine")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// The mailbox that it came from.
    #[odoo(
        label = "Incoming Mail Server",
        many2one = "fetchmail.server",
        readonly
    )]
    pub fetchmail_server_id: Option<i32>,
    /// The folder of the mailbox.
    #[odoo(label = "Folder", readonly)]
    pub folder: Option<String>,
    #[odoo(hidden)]
    pub uidvalidity: Option<i64>,
    #[odoo(hidden)]
    pub uid: Option<i64>,
    #[odoo(hidden)]
    pub reason: String,
    #[odoo(hidden)]
    pub raw: Option<Vec<u8>>,
    /// How often it was tried.
    #[odoo(label = "Attempts", readonly)]
    pub attempts: i32,
    /// When it was put here, in UTC.
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model =
    model("postern.quarantine", "Mail in the quarantine", TABLE)
        .order("id desc")
        .rec_name("reason")
        .audited()
        .columns(Model::FIELDS)
        .virtuals(&[
            computed("reason", "Reason", Kind::Text, &[], |env, ids| {
                told_reason::read(env, TABLE, ids).boxed()
            })
            .help("Why it could not be stored, or not even fetched.")
            .search(|env, operator, value| {
                told_reason::search(env, TABLE, operator, value).boxed()
            }),
            computed("raw", "Mail", Kind::Binary, &[], |env, ids| {
                contents(env, ids).boxed()
            })
            .help("The mail as it came, as base64 text; nothing when it could not be fetched and is still in the mailbox.")
            .groups("base.group_system"),
            computed("uid", "UID", Kind::Char, &[], |env, ids| uids(env, ids).boxed())
                .help("The UID of the mail in the folder, by which an IMAP client finds it."),
        ])
        .access(&[access("base.group_system", "rd")])
        .methods(&[
            outside_method("replay", &[], |call| replay(call).boxed()).groups("base.group_system"),
            method("discard", &[], |call| discard(call).boxed()).groups("base.group_system"),
        ]);

async fn contents(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    by_id::base64_texts(env, "SELECT id, raw FROM postern_quarantine WHERE id", ids).await
}

/// As text: it may be larger than the numbers that XML-RPC can carry.
async fn uids(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, uid FROM postern_quarantine WHERE id";
    let found = by_id::values::<i64>(env, select, ids).await?;
    let texts = found.into_iter().map(|(id, uid)| (id, uid.to_string()));
    Ok(by_id::ordered(ids, texts.collect()))
}

/// Takes the mails in again, and gives whether all of them were. What was taken in is gone from the
/// quarantine; the others tell in `reason` why they are still here. A mail that could not be fetched
/// is asked for again with the next run, if it is still unread in its mailbox.
async fn replay(call: OutsideCall<'_>) -> Result<AnyValue> {
    let env = call.caller.begin(Intent::Read).await?;
    let checked = rights::check_records(&env, call.model, &call.ids, Operation::Unlink).await;
    env.rollback().await?;
    checked?;
    let system = Caller::superuser(Arc::clone(call.caller.backend()));
    let mut all = true;
    for id in &call.ids {
        all &= quarantine::replay(&system, *id).await?;
    }
    Ok(all.into())
}

/// Throws the mails away for good.
async fn discard(call: Call<'_>) -> Result<AnyValue> {
    write::unlink(call.env, call.model, &call.ids).await?;
    Ok(true.into())
}
