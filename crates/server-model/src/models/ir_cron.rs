//! `ir.cron`: the jobs that go on by themselves.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::args::Args;
use crate::database::Intent;
use crate::domain::{Domain, Operator};
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::gateway;
use crate::models::by_id;
use crate::orm::{access as rights, search};
use crate::outbox;
use crate::registry::entry;
use crate::schema::{
    self, Answer, Kind, Operation, OutsideCall, Selection, access, computed, model, outside_method,
};
use crate::value::{AnyValue, Id, Key, Map};

const INTERVAL_TYPE: Selection = &[
    ("minutes", "Minutes"),
    ("hours", "Hours"),
    ("days", "Days"),
    ("weeks", "Weeks"),
    ("months", "Months"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_cron")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Server action", many2one = "ir.actions.server")]
    pub ir_actions_server_id: i32,
    /// As whom the job works.
    #[odoo(label = "Scheduler User", many2one = "res.users", default_fn = caller)]
    pub user_id: i32,
    /// How many units of time lie between two runs.
    #[odoo(label = "Interval Number", default = 1)]
    pub interval_number: i32,
    /// Which of several jobs that are due comes first: the one with the lowest number.
    #[odoo(label = "Priority", default = 5)]
    pub priority: Option<i32>,
    #[odoo(label = "Failure Count", default = 0)]
    pub failure_count: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name", kept = "ir_actions_server_id")]
    pub cron_name: Option<String>,
    #[odoo(label = "Interval Unit", selection = INTERVAL_TYPE, default = "months")]
    pub interval_type: String,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    /// When the job is due, in UTC.
    #[odoo(label = "Next Execution Date", default_fn = now)]
    pub nextcall: NaiveDateTime,
    /// When the job last ran, in UTC.
    #[odoo(label = "Last Execution Date")]
    pub lastcall: Option<NaiveDateTime>,
    #[odoo(label = "First Failure Date")]
    pub first_failure_date: Option<NaiveDateTime>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.cron", "Scheduled job", "ir_cron")
    .rec_name("cron_name")
    .order("cron_name, id")
    .inherits(&[("ir.actions.server", "ir_actions_server_id")])
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[computed(
        "xml_id",
        "External ID",
        Kind::Char,
        &[],
        |env, ids| xml_ids(env, ids).boxed(),
    )])
    .access(&[access("base.group_system", "rwcd")])
    .methods(&[outside_method("method_direct_trigger", &[], |call| {
        method_direct_trigger(call).boxed()
    })])
    .hooks(schema::Hooks {
        before_create: Some(|_, values| {
            values
                .entry(Key::Borrowed("usage"))
                .or_insert("ir_cron".into());
            async { Ok(()) }.boxed()
        }),
        after_create: Some(|env, id, _| keep_name(env, vec![id]).boxed()),
        after_write: Some(|env, ids, _| keep_name(env, ids.to_vec()).boxed()),
        check: Some(|_, _, values| check(values).boxed()),
        ..model("", "", "").hooks
    });

fn caller<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(env.uid().into()) }.boxed()
}

fn now<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(AnyValue::Datetime(env.now())) }.boxed()
}

async fn keep_name(env: &Env, ids: Vec<Id>) -> Result<()> {
    let mut sql = env.sql(
        "UPDATE ir_cron SET cron_name = (SELECT a.name->>'en_US' FROM ir_act_server a WHERE a.id = ir_cron.ir_actions_server_id) WHERE id",
    );
    crate::dialect::in_ids(&mut sql, &ids);
    env.execute(sql).await?;
    Ok(())
}

async fn check(values: &Map) -> Result<()> {
    match values.get("interval_number").and_then(AnyValue::as_int) {
        Some(number) if number < 1 => Err(Error::Validation(say!("constraint-cron-interval"))),
        _ => Ok(()),
    }
}

async fn xml_ids(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT res_id, module || '.' || name FROM ir_model_data WHERE model = 'ir.cron' AND res_id";
    Ok(by_id::ordered(
        ids,
        by_id::values::<String>(env, select, ids).await?,
    ))
}

/// Runs jobs at once, as their schedule would.
///
/// # Errors
/// [`Error::User`] for a job that is none of Postern's.
async fn method_direct_trigger(call: OutsideCall<'_>) -> Result<AnyValue> {
    let env = call.caller.begin(Intent::Read).await?;
    let looked_up = async {
        rights::check_records(&env, call.model, &call.ids, Operation::Write).await?;
        let known = search::existing(&env, call.model, &call.ids).await?;
        let names = xml_ids(&env, &known).await?;
        Ok::<_, Error>(known.into_iter().zip(names).collect::<Vec<_>>())
    }
    .await;
    env.rollback().await?;
    for (id, name) in looked_up? {
        run(call.caller, name.as_text().unwrap_or_default(), id).await?;
        let env = call.caller.begin(Intent::Write).await?;
        let mut sql = env.sql("UPDATE ir_cron SET lastcall = ");
        sql.bind(env.now()).push(" WHERE id = ").bind(id);
        env.execute(sql).await?;
        env.commit().await?;
    }
    Ok(true.into())
}

async fn run(caller: &Caller, name: &str, id: Id) -> Result<()> {
    let system = Caller::superuser(std::sync::Arc::clone(caller.backend()));
    match name {
        "mail.ir_cron_mail_scheduler_action" => {
            outbox::process_email_queue(&system, None, None).await
        }
        "mail.ir_cron_mail_gateway_action" => fetch_all(&system).await,
        _ => Err(Error::User(say!("error-cron-unknown", %id))),
    }
}

/// Fetches from all mailboxes that are confirmed; one that fails is logged and keeps no other.
async fn fetch_all(system: &Caller) -> Result<()> {
    let model = entry("fetchmail.server")?;
    let env = system.begin(Intent::Read).await?;
    let domain =
        Domain::eq("state", "done").and(Domain::leaf("server_type", Operator::Ne, "local"));
    let found = search::ids(&env, model, &domain, &search::Options::default()).await;
    env.rollback().await?;
    let call = OutsideCall {
        caller: system,
        model,
        ids: found?,
        args: Args::default(),
    };
    gateway::fetch::fetch_mail(&call, true).await.map(|_| ())
}
