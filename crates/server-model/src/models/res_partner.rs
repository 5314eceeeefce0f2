//! `res.partner`: people and organisations with their addresses.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use std::collections::HashMap;

use futures_util::FutureExt;

use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::schema::{self, Kind, Selection, access, computed, field, model};
use crate::value::{AnyValue, Id, Key, Map};

const LANG: Selection = &[("en_US", "English (US)")];
const TZ: Selection = &[];
const TYPE: Selection = &[
    ("contact", "Contact"),
    ("invoice", "Invoice Address"),
    ("delivery", "Delivery Address"),
    ("other", "Other Address"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_partner")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Company", many2one = "res.company")]
    pub company_id: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Name")]
    pub name: Option<String>,
    #[odoo(hidden)]
    pub title: Option<i32>,
    #[odoo(label = "Related Company", many2one = "res.partner")]
    pub parent_id: Option<i32>,
    #[odoo(label = "Salesperson", many2one = "res.users")]
    pub user_id: Option<i32>,
    #[odoo(hidden)]
    pub state_id: Option<i32>,
    #[odoo(hidden)]
    pub country_id: Option<i32>,
    #[odoo(hidden)]
    pub industry_id: Option<i32>,
    #[odoo(label = "Color Index", default = 0)]
    pub color: Option<i32>,
    #[odoo(
        label = "Commercial Entity",
        many2one = "res.partner",
        kept = "parent_id,is_company"
    )]
    pub commercial_partner_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Complete Name", kept = "name,parent_id")]
    pub complete_name: Option<String>,
    #[odoo(label = "Reference")]
    pub r#ref: Option<String>,
    #[odoo(label = "Language", selection = LANG, default = "en_US")]
    pub lang: Option<String>,
    #[odoo(label = "Timezone", selection = TZ)]
    pub tz: Option<String>,
    #[odoo(label = "Tax ID")]
    pub vat: Option<String>,
    #[odoo(label = "Company ID")]
    pub company_registry: Option<String>,
    #[odoo(label = "Website Link")]
    pub website: Option<String>,
    #[odoo(label = "Job Position")]
    pub function: Option<String>,
    #[odoo(label = "Address Type", selection = TYPE, default = "contact")]
    pub r#type: Option<String>,
    #[odoo(label = "Street")]
    pub street: Option<String>,
    #[odoo(label = "Street2")]
    pub street2: Option<String>,
    #[odoo(label = "Zip")]
    pub zip: Option<String>,
    #[odoo(label = "City")]
    pub city: Option<String>,
    #[odoo(label = "Email")]
    pub email: Option<String>,
    #[odoo(label = "Phone")]
    pub phone: Option<String>,
    #[odoo(label = "Mobile")]
    pub mobile: Option<String>,
    #[odoo(label = "Company Name Entity", readonly)]
    pub commercial_company_name: Option<String>,
    #[odoo(label = "Company Name")]
    pub company_name: Option<String>,
    #[odoo(label = "Barcode")]
    pub barcode: Option<Json>,
    #[odoo(label = "Notes", html)]
    pub comment: Option<String>,
    #[sea_orm(column_type = "Decimal(None)")]
    #[odoo(hidden)]
    pub partner_latitude: Option<f64>,
    #[sea_orm(column_type = "Decimal(None)")]
    #[odoo(hidden)]
    pub partner_longitude: Option<f64>,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Employee")]
    pub employee: Option<bool>,
    #[odoo(label = "Is a Company")]
    pub is_company: Option<bool>,
    #[odoo(label = "Share Partner", kept = "user_ids")]
    pub partner_share: Option<bool>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "Bounce", default = 0)]
    pub message_bounce: Option<i32>,
    #[odoo(label = "Normalized Email", kept = "email")]
    pub email_normalized: Option<String>,
    #[odoo(label = "Signup Token Type", groups = "base.group_erp_manager")]
    pub signup_type: Option<String>,
    #[odoo(label = "Company database ID")]
    pub partner_gid: Option<i32>,
    #[odoo(label = "Additional info")]
    pub additional_info: Option<String>,
    #[odoo(label = "Sanitized Number", readonly)]
    pub phone_sanitized: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.partner", "Contact", "res_partner")
    .rec_name("complete_name")
    .order("complete_name, id desc")
    .columns(Model::FIELDS)
    .virtuals(&[
        field(
            "child_ids",
            "Contact",
            Kind::One2many {
                model: "res.partner",
                inverse: "parent_id",
            },
        ),
        field(
            "user_ids",
            "Users",
            Kind::One2many {
                model: "res.users",
                inverse: "partner_id",
            },
        ),
        computed("email_formatted", "Formatted Email", Kind::Char, &["name", "email"], |env, ids| {
            formatted(env, ids).boxed()
        }),
        computed("company_type", "Company Type", Kind::Selection(COMPANY_TYPES), &["is_company"], |env, ids| {
            company_types(env, ids).boxed()
        })
        .inverse(|env, ids, value| set_company_type(env, ids, value).boxed()),
        field(
            "message_ids",
            "Messages",
            Kind::One2many {
                model: "mail.message",
                inverse: "res_id",
            },
        )
        .groups("base.group_user"),
    ])
    .access(&[
        access("base.group_partner_manager", "rwcd"),
        access("base.group_portal", "r"),
        access("base.group_public", "r"),
        access("base.group_user", "r"),
    ])
    .rules(&[
        schema::Rule {
            groups: &[],
            operations: "rwcd",
            domain_force: "['|', '|', ('partner_share', '=', False), ('company_id', 'parent_of', company_ids), ('company_id', '=', False)]",
            domain: |env| of_own_companies(env).boxed(),
        },
        schema::Rule {
            groups: &["base.group_portal", "base.group_public"],
            operations: "r",
            domain_force: "[('id', 'child_of', user.commercial_partner_id.id)]",
            domain: |env| of_own_organisation(env).boxed(),
        },
    ])
    .hooks(schema::Hooks {
        before_create: Some(|_, values| {
            async move {
                values.entry(Key::Borrowed("type")).or_insert("contact".into());
                Ok(())
            }
            .boxed()
        }),
        after_create: Some(|env, id, _| keep_derived(env, vec![id]).boxed()),
        after_write: Some(|env, ids, _| keep_derived(env, ids.to_vec()).boxed()),
        check: Some(|env, ids, values| check(env, ids, values).boxed()),
        before_copy: Some(|env, id, values| copy_name(env, id, values).boxed()),
        before_unlink: Some(|env, ids| keep_users(env, ids).boxed()),
        ..model("", "", "").hooks
    });

const COMPANY_TYPES: Selection = &[("person", "Individual"), ("company", "Company")];
/// A chain of parents longer than this can only be a circle.
const DEEPEST: usize = 100;

async fn of_own_companies(env: &Env) -> Result<Domain> {
    let companies = AnyValue::ids(&env.user().await?.company_ids);
    Ok(Domain::Or(vec![
        Domain::eq("partner_share", false),
        Domain::leaf("company_id", Operator::ParentOf, companies),
        Domain::eq("company_id", false),
    ]))
}

async fn of_own_organisation(env: &Env) -> Result<Domain> {
    let partner = env.user().await?.commercial_partner_id;
    Ok(Domain::leaf("id", Operator::ChildOf, partner))
}

async fn check(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    if values.contains_key("parent_id") {
        for id in ids {
            refuse_circle(env, *id).await?;
        }
    }
    Ok(())
}

async fn refuse_circle(env: &Env, id: Id) -> Result<()> {
    let mut above = id;
    for _ in 0..DEEPEST {
        let mut sql = env.sql("SELECT parent_id FROM res_partner WHERE id = ");
        sql.bind(above);
        let parent = match env.row(sql).await? {
            Some(row) => convert::get::<Id>(&row, 0)?,
            None => None,
        };
        match parent {
            None => return Ok(()),
            Some(parent) if parent == id => break,
            Some(parent) => above = parent,
        }
    }
    Err(Error::Validation(format!(
        "The contact {id} would be above itself. Choose another related company."
    )))
}

/// Keeps what follows from other fields: the full name, the organisation, the plain address.
async fn keep_derived(env: &Env, ids: Vec<Id>) -> Result<()> {
    for id in &ids {
        keep_one(env, *id).await?;
    }
    // The names of contacts below an organisation start with its own.
    let mut sql = env.sql("SELECT id FROM res_partner WHERE parent_id");
    dialect::in_ids(&mut sql, &ids);
    for below in crate::orm::search::collect_ids(env, sql).await? {
        keep_one(env, below).await?;
    }
    Ok(())
}

async fn keep_one(env: &Env, id: Id) -> Result<()> {
    let mut sql = env.sql(
        "SELECT c.name, c.email, c.is_company, p.id, COALESCE(p.commercial_partner_id, p.id), p.name, c.company_name \
         FROM res_partner c LEFT JOIN res_partner p ON p.id = c.parent_id WHERE c.id = ",
    );
    sql.bind(id);
    let Some(row) = env.row(sql).await? else {
        return Ok(());
    };
    let name: String = convert::get(&row, 0)?.unwrap_or_default();
    let email: Option<String> = convert::get(&row, 1)?;
    let is_company = convert::get::<bool>(&row, 2)?.unwrap_or(false);
    let parent: Option<Id> = convert::get(&row, 3)?;
    let parents_organisation: Option<Id> = convert::get(&row, 4)?;
    let parent_name: Option<String> = convert::get(&row, 5)?;
    let company_name: Option<String> = convert::get(&row, 6)?;
    let organisation = match parents_organisation {
        Some(organisation) if !is_company => organisation,
        _ => id,
    };
    let above = parent
        .and(parent_name)
        .or(company_name)
        .filter(|above| !above.is_empty());
    let complete_name = match above {
        Some(above) if !is_company => format!("{above}, {name}"),
        _ => name,
    };
    let normalized = email.as_deref().and_then(mail::address::email_normalize);
    let mut sql = env.sql("UPDATE res_partner SET complete_name = ");
    sql.bind(complete_name.trim().trim_end_matches(',').to_owned());
    sql.push(", commercial_partner_id = ").bind(organisation);
    sql.push(", email_normalized = ").bind(normalized);
    sql.push(", partner_share = NOT EXISTS (SELECT 1 FROM res_users u WHERE u.partner_id = res_partner.id AND u.active AND NOT COALESCE(u.share, FALSE))");
    sql.push(" WHERE id = ").bind(id);
    env.execute(sql).await?;
    Ok(())
}

async fn copy_name(env: &Env, id: Id, values: &mut Map) -> Result<()> {
    let mut sql = env.sql("SELECT name FROM res_partner WHERE id = ");
    sql.bind(id);
    if let Some(row) = env.row(sql).await? {
        let name: String = convert::get(&row, 0)?.unwrap_or_default();
        values.insert(Key::Borrowed("name"), format!("{name} (copy)").into());
    }
    Ok(())
}

async fn keep_users(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql("SELECT u.login FROM res_users u WHERE u.partner_id");
    dialect::in_ids(&mut sql, ids);
    sql.push(" LIMIT 1");
    match env.row(sql).await? {
        Some(row) => {
            let login: String = convert::get(&row, 0)?.unwrap_or_default();
            Err(Error::Validation(format!(
                "The contact belongs to the user {login:?} and cannot be deleted. Delete or archive the user first."
            )))
        }
        None => Ok(()),
    }
}

async fn formatted(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id, name, email FROM res_partner WHERE id");
    dialect::in_ids(&mut sql, ids);
    let mut found = HashMap::new();
    for row in env.rows(sql).await? {
        let id: Id = convert::get(&row, 0)?.unwrap_or_default();
        let name: String = convert::get(&row, 1)?.unwrap_or_default();
        let Some(email) = convert::get::<String>(&row, 2)?.filter(|email| !email.is_empty()) else {
            continue;
        };
        let addresses = mail::address::email_normalize_all(&email);
        let addresses = if addresses.is_empty() {
            vec![email]
        } else {
            addresses
        };
        let formatted = mail::address::formataddr(
            if name.is_empty() { "False" } else { &name },
            &addresses.join(","),
            mail::address::Charset::Utf8,
        );
        found.insert(id, formatted.unwrap_or_else(|_| addresses.join(",")));
    }
    Ok(ids
        .iter()
        .map(|id| found.remove(id).map_or(AnyValue::FALSE, AnyValue::Text))
        .collect())
}

async fn company_types(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut sql = env.sql("SELECT id FROM res_partner WHERE is_company AND id");
    dialect::in_ids(&mut sql, ids);
    let companies = crate::orm::search::collect_ids(env, sql).await?;
    Ok(ids
        .iter()
        .map(|id| {
            if companies.contains(id) {
                "company"
            } else {
                "person"
            }
            .into()
        })
        .collect())
}

async fn set_company_type(env: &Env, ids: &[Id], value: &AnyValue) -> Result<()> {
    let is_company = value.as_text() == Some("company");
    let mut sql = env.sql("UPDATE res_partner SET is_company = ");
    sql.bind(is_company).push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await?;
    Ok(())
}
