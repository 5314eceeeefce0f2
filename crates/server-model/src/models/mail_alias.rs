//! `mail.alias`: addresses that turn mails into records.

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::gateway::literal;
use crate::models::by_id;
use crate::orm::{convert, search, write};
use crate::registry::entry;
use crate::schema::{self, Answer, Kind, Selection, access, model, related};
use crate::value::{AnyValue, Id, Key, Map, map};

const ALIAS_CONTACT: Selection = &[
    ("everyone", "Everyone"),
    ("partners", "Authenticated Partners"),
    ("followers", "Followers only"),
];
const ALIAS_STATUS: Selection = &[
    ("not_tested", "Not Tested"),
    ("valid", "Valid"),
    ("invalid", "Invalid"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "mail_alias")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(
        label = "Alias Domain",
        many2one = "mail.alias.domain",
        default_fn = default_domain
    )]
    pub alias_domain_id: Option<i32>,
    /// What becomes of a mail to the address: a record of this model.
    #[odoo(label = "Aliased Model", many2one = "ir.model")]
    pub alias_model_id: i32,
    /// The record to which all mails go, instead of a new one each.
    #[odoo(label = "Record Thread ID")]
    pub alias_force_thread_id: Option<i32>,
    #[odoo(label = "Parent Model", many2one = "ir.model")]
    pub alias_parent_model_id: Option<i32>,
    #[odoo(label = "Parent Record Thread ID")]
    pub alias_parent_thread_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    /// What stands before the `@`.
    #[odoo(label = "Alias Name", no_copy)]
    pub alias_name: Option<String>,
    #[odoo(label = "Alias Email", kept = "alias_name,alias_domain_id")]
    pub alias_full_name: Option<String>,
    /// Whose mails are taken in.
    #[odoo(label = "Alias Contact Security", selection = ALIAS_CONTACT, default = "everyone")]
    pub alias_contact: String,
    /// Whether the last mail to the address could be taken in.
    #[odoo(label = "Alias Status", selection = ALIAS_STATUS, kept = "alias_contact,alias_defaults,alias_model_id")]
    pub alias_status: Option<String>,
    /// The answer to those whose mails are not taken in.
    #[odoo(label = "Custom Bounced Message", html, translate)]
    pub alias_bounced_content: Option<Json>,
    /// Values of the new records, as Python writes a dictionary: `{'lang': 'en_US'}`.
    #[odoo(label = "Default Values", text, default = "{}")]
    pub alias_defaults: String,
    /// Take in mails to the name at any domain.
    #[odoo(label = "Local-part based incoming detection", default = false)]
    pub alias_incoming_local: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("mail.alias", "Email alias", "mail_alias")
    .order("alias_model_id, alias_name")
    .rec_name("alias_name")
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[related(
        "alias_domain",
        "Alias domain name",
        Kind::Char,
        "alias_domain_id.name",
    )])
    .hooks(schema::Hooks {
        before_create: Some(|_, values| {
            sanitize(values);
            values.insert(Key::Borrowed("alias_status"), "not_tested".into());
            async { Ok(()) }.boxed()
        }),
        after_create: Some(|env, id, _| keep_full_name(env, vec![id]).boxed()),
        before_write: Some(|_, _, values| {
            sanitize(values);
            if TESTED.iter().any(|name| values.contains_key(*name)) {
                values.insert(Key::Borrowed("alias_status"), "not_tested".into());
            }
            async { Ok(()) }.boxed()
        }),
        after_write: Some(|env, ids, _| keep_full_name(env, ids.to_vec()).boxed()),
        check: Some(|env, ids, values| check(env, ids, values).boxed()),
        display_name: Some(|env, ids| display_names(env, ids).boxed()),
        ..model("", "", "").hooks
    })
    .access(&[
        access("base.group_system", "rwcd"),
        access("base.group_user", "r"),
    ]);

/// What a test of the alias was about: after a change it is untested again.
const TESTED: &[&str] = &["alias_contact", "alias_defaults", "alias_model_id"];

fn default_domain<'a>(env: &'a Env) -> Answer<'a> {
    async move {
        let mut sql = env.sql(
            "SELECT alias_domain_id FROM res_company WHERE alias_domain_id IS NOT NULL AND id = ",
        );
        sql.bind(env.user().await?.company_id);
        let own = search::collect_ids(env, sql).await?.first().copied();
        Ok(own.map_or(AnyValue::FALSE, AnyValue::from))
    }
    .boxed()
}

fn sanitize(values: &mut Map) {
    if let Some(AnyValue::Text(name)) = values.get("alias_name") {
        let name = AnyValue::text_or_false(sanitized(name));
        values.insert(Key::Borrowed("alias_name"), name);
    }
}

/// The name as an address can have it before the `@`: small letters without accents, hyphens for
/// what is not allowed there (RFC 5322 section 3.2.3), dots only between other letters. `None` when
/// nothing is left.
pub fn sanitized(name: &str) -> Option<String> {
    let local = name.trim().split('@').next().unwrap_or_default();
    let mut out = String::with_capacity(local.len());
    for letter in local.nfkd().filter(|c| !is_combining_mark(*c)) {
        let letter = letter.to_ascii_lowercase();
        if letter.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(letter) {
            out.push(letter);
        } else if letter == '.' {
            if !out.is_empty() && !out.ends_with('.') {
                out.push('.');
            }
        } else if !out.ends_with('-') {
            out.push('-');
        }
    }
    let out = out.trim_end_matches('.');
    (!out.is_empty()).then(|| out.to_owned())
}

async fn keep_full_name(env: &Env, ids: Vec<Id>) -> Result<()> {
    let mut sql = env.sql(
        "UPDATE mail_alias SET alias_full_name = CASE WHEN COALESCE(alias_name, '') = '' THEN NULL ELSE alias_name || \
         COALESCE('@' || (SELECT d.name FROM mail_alias_domain d WHERE d.id = mail_alias.alias_domain_id), '') END WHERE id",
    );
    dialect::in_ids(&mut sql, &ids);
    env.execute(sql).await?;
    Ok(())
}

/// Keeps the full names of the aliases at these domains.
///
/// # Errors
/// When the database fails.
pub async fn domains_changed(env: &Env, domains: Vec<Id>) -> Result<()> {
    let mut sql = env.sql("SELECT id FROM mail_alias WHERE alias_domain_id");
    dialect::in_ids(&mut sql, &domains);
    let aliases = search::collect_ids(env, sql).await?;
    keep_full_name(env, aliases).await?;
    let mut sql = env.sql(
        "UPDATE res_company SET alias_domain_name = (SELECT d.name FROM mail_alias_domain d \
         WHERE d.id = res_company.alias_domain_id) WHERE alias_domain_id",
    );
    dialect::in_ids(&mut sql, &domains);
    env.execute(sql).await?;
    Ok(())
}

/// Gives a domain to all aliases that have none.
///
/// # Errors
/// When the database fails.
pub async fn take_domain(env: &Env, domain: Id) -> Result<()> {
    let sql = env.sql("SELECT id FROM mail_alias WHERE alias_domain_id IS NULL ORDER BY id");
    let without = search::collect_ids(env, sql).await?;
    let values = map([("alias_domain_id", domain.into())]);
    write::records(&env.sudo(), entry("mail.alias")?, &without, values).await
}

async fn check(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    if let Some(AnyValue::Text(defaults)) = values.get("alias_defaults")
        && !matches!(literal::read(defaults), Some(AnyValue::Map(_)))
    {
        return Err(Error::Validation(say!("error-alias-defaults")));
    }
    refuse_domains_own(env, ids).await
}

/// An alias may not take the bounce or catchall address of its domain.
async fn refuse_domains_own(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "SELECT a.alias_full_name FROM mail_alias a JOIN mail_alias_domain d ON a.alias_full_name \
         IN (d.bounce_alias || '@' || d.name, d.catchall_alias || '@' || d.name) WHERE a.id",
    );
    dialect::in_ids(&mut sql, ids);
    match env.row(sql).await? {
        Some(row) => {
            let address: String = convert::get(&row, 0)?.unwrap_or_default();
            Err(Error::Validation(say!("error-alias-is-bounce", %address)))
        }
        None => Ok(()),
    }
}

async fn display_names(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select = "SELECT id, alias_full_name FROM mail_alias WHERE id";
    let mut found = by_id::values::<String>(env, select, ids).await?;
    Ok(ids
        .iter()
        .map(|id| {
            found
                .remove(id)
                .unwrap_or_else(|| "Inactive Alias".into())
                .into()
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::sanitized;

    #[test]
    fn names_become_what_an_address_can_hold() {
        for (given, kept) in [
            ("Ünï Code! K5", Some("uni-code!-k5")),
            ("..", None),
            (".a..b.", Some("a.b")),
            ("sales@example.com", Some("sales")),
            ("a(b)", Some("a-b-")),
            ("  ", None),
        ] {
            assert_eq!(sanitized(given).as_deref(), kept, "{given:?}");
        }
    }
}
