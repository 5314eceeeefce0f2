//! `postern.mail.budget`: how much an outgoing server takes, where that is not what its kind takes anyway.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::schema::{self, access, model};
use crate::value::Id;

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "postern_mail_budget")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// The server. It has one budget at the most; without one, a Microsoft 365 mailbox has 3
    /// connections, 30 messages a minute and 10,000 recipients a day, and other servers no limit.
    #[odoo(label = "Outgoing Mail Server", many2one = "ir.mail_server")]
    pub mail_server_id: i32,
    /// How many connections all replicas together may have at once. 0 for no limit.
    #[odoo(label = "Connections", default = 0)]
    pub connections: i32,
    /// How many messages may go out in any minute. 0 for no limit.
    #[odoo(label = "Messages a Minute", default = 0)]
    pub messages_per_minute: i32,
    /// To how many recipients messages may go out in any day. 0 for no limit.
    #[odoo(label = "Recipients a Day", default = 0)]
    pub recipients_per_day: i32,
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

pub const MODEL: schema::Model = model(
    "postern.mail.budget",
    "Budget of an outgoing mail server",
    "postern_mail_budget",
)
.rec_name("mail_server_id")
.audited()
.columns(Model::FIELDS)
.access(&[access("base.group_system", "rwcd")])
.hooks(schema::Hooks {
    check: Some(|env, ids, _| check(env, ids).boxed()),
    ..model("", "", "").hooks
});

/// No number is negative. Mails that wait for their turn by the old budget are looked at again.
async fn check(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "SELECT mail_server_id, connections, messages_per_minute, recipients_per_day FROM postern_mail_budget WHERE id",
    );
    dialect::in_ids(&mut sql, ids);
    let mut servers = Vec::new();
    for row in env.rows(sql).await? {
        servers.push(convert::get::<Id>(&row, 0)?.unwrap_or_default());
        for (at, name) in [(1, "connections"), (2, "messages"), (3, "recipients")] {
            let number: i32 = convert::get(&row, at)?.unwrap_or_default();
            if number < 0 {
                return Err(Error::Validation(say!("error-budget", number, what = name)));
            }
        }
    }
    crate::outbox::server_changed(env, &servers).await
}
