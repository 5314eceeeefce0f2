//! `mail.alias.domain`: the domains of aliases, bounces and catchall.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::{by_id, mail_alias, res_company};
use crate::orm::{convert, search};
use crate::schema::{self, Kind, access, computed, field, model};
use crate::value::{AnyValue, Id, Key, Map};

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_alias_domain")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// Which of several domains is offered first: the one with the lowest number.
    #[odoo(label = "Sequence", default = 10)]
    pub sequence: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    /// The domain behind the `@`, as in `example.com`.
    #[odoo(label = "Name")]
    pub name: String,
    /// What stands before the `@` where mails come back to that cannot be delivered.
    #[odoo(label = "Bounce Alias", default = "bounce")]
    pub bounce_alias: String,
    /// What stands before the `@` where answers go.
    #[odoo(label = "Catchall Alias", default = "catchall")]
    pub catchall_alias: String,
    /// The sender of mails whose own sender no server may use: what stands before the `@`, or a whole
    /// address.
    #[odoo(label = "Default From Alias", default = "notifications")]
    pub default_from: Option<String>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("mail.alias.domain", "Email domain", "mail_alias_domain")
    .order("sequence, id")
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[
        field(
            "company_ids",
            "Companies",
            Kind::One2many {
                model: "res.company",
                inverse: "alias_domain_id",
            },
        )
        .help("The companies whose mails come from this domain."),
        computed(
            "bounce_email",
            "Bounce Email",
            Kind::Char,
            &["bounce_alias", "name"],
            |env, ids| addresses(env, ids, "bounce_alias").boxed(),
        ),
        computed(
            "catchall_email",
            "Catchall Email",
            Kind::Char,
            &["catchall_alias", "name"],
            |env, ids| addresses(env, ids, "catchall_alias").boxed(),
        ),
        computed(
            "default_from_email",
            "Default From",
            Kind::Char,
            &["default_from", "name"],
            |env, ids| addresses(env, ids, "default_from").boxed(),
        ),
    ])
    .hooks(schema::Hooks {
        before_create: Some(|_, values| sanitize(values).boxed()),
        after_create: Some(|env, id, _| give_to_all(env, id).boxed()),
        before_write: Some(|_, _, values| sanitize(values).boxed()),
        after_write: Some(|env, ids, _| mail_alias::domains_changed(env, ids.to_vec()).boxed()),
        check: Some(|env, ids, values| check(env, ids, values).boxed()),
        ..model("", "", "").hooks
    })
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_user", "r"),
    ]);

/// Names of addresses are brought into the form in which they are compared.
async fn sanitize(values: &mut Map) -> Result<()> {
    for (name, usual) in [("bounce_alias", "bounce"), ("catchall_alias", "catchall")] {
        if let Some(AnyValue::Text(text)) = values.get(name) {
            let local = mail_alias::sanitized(text).unwrap_or_else(|| usual.to_owned());
            values.insert(Key::Borrowed(name), local.into());
        }
    }
    if let Some(AnyValue::Text(text)) = values.get("default_from") {
        let from = match text.trim().rsplit_once('@') {
            Some((local, domain)) => mail_alias::sanitized(local).map(|l| format!("{l}@{domain}")),
            None => mail_alias::sanitized(text),
        };
        values.insert(Key::Borrowed("default_from"), AnyValue::text_or_false(from));
    }
    Ok(())
}

async fn check(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    if let Some(name) = values.get("name").and_then(AnyValue::as_text) {
        check_name(name)?;
    }
    let mut sql = env.sql(
        "SELECT a.alias_full_name FROM mail_alias_domain d JOIN mail_alias a \
         ON a.alias_full_name IN (d.bounce_alias || '@' || d.name, d.catchall_alias || '@' || d.name) WHERE d.id",
    );
    dialect::in_ids(&mut sql, ids);
    match env.row(sql).await? {
        Some(row) => {
            let address: String = convert::get(&row, 0)?.unwrap_or_default();
            Err(Error::Validation(say!("error-domain-is-alias", %address)))
        }
        None => Ok(()),
    }
}

fn check_name(name: &str) -> Result<()> {
    let well_formed = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    if well_formed {
        return Ok(());
    }
    Err(Error::Validation(
        say!("error-domain-invalid", ?name).about("name"),
    ))
}

/// The first domain serves all companies and all aliases.
async fn give_to_all(env: &Env, id: Id) -> Result<()> {
    let sql = env.sql("SELECT id FROM mail_alias_domain LIMIT 2");
    if search::collect_ids(env, sql).await? != [id] {
        return Ok(());
    }
    res_company::take_domain(env, id).await?;
    mail_alias::take_domain(env, id).await
}

async fn addresses(env: &Env, ids: &[Id], column: &str) -> Result<Vec<AnyValue>> {
    let select = format!(
        "SELECT id, CASE WHEN {column} LIKE '%@%' THEN {column} ELSE {column} || '@' || name END FROM mail_alias_domain \
         WHERE COALESCE({column}, '') <> '' AND id"
    );
    Ok(by_id::ordered(
        ids,
        by_id::values::<String>(env, &select, ids).await?,
    ))
}
