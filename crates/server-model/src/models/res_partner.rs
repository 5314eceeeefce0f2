//! `res.partner`: people and organisations with their addresses.

mod calls;
mod choices;
mod kept;
mod shown;

pub use calls::{formatted_email, with_email};

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use words::say;

use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::res_users::User;
use crate::orm::convert;
use crate::schema::{
    self, Answer, Field, Kind, Method, Selection, access, computed, field, method, model,
    model_method, related,
};
use crate::thread;
use crate::value::{AnyValue, Id, Key, Map};

/// Found by [`choices`].
const OPEN: Selection = &[];
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
    /// The company that the contact belongs to; none means all companies.
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
    /// A number or name under which others know the contact.
    #[odoo(label = "Reference")]
    pub r#ref: Option<String>,
    /// The language of what is sent to the contact.
    #[odoo(label = "Language", selection = OPEN, default_fn = default_lang)]
    pub lang: Option<String>,
    /// Where the contact is, so that moments can be shown in local time.
    #[odoo(label = "Timezone", selection = OPEN, default_fn = default_tz)]
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
    /// An organisation rather than a person.
    #[odoo(label = "Is a Company", default = false)]
    pub is_company: Option<bool>,
    /// True unless the contact belongs to an internal user.
    #[odoo(label = "Share Partner", kept = "user_ids")]
    pub partner_share: Option<bool>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    /// How many mails to the address came back.
    #[odoo(label = "Bounce", default = 0)]
    pub message_bounce: Option<i32>,
    /// The first address alone, in lower case: what addresses are compared by.
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
    .virtuals(&FIELDS)
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
    .methods(&METHODS)
    .hooks(schema::Hooks {
        choices: Some(|env, field| choices::of(env, field).boxed()),
        before_create: Some(|env, values| {
            async move {
                values.entry(Key::Borrowed("type")).or_insert("contact".into());
                choices::check(env, values).await
            }
            .boxed()
        }),
        after_create: Some(|env, id, _| kept::follow(env, vec![id]).boxed()),
        before_write: Some(|env, ids, values| before_write(env, ids, values).boxed()),
        after_write: Some(|env, ids, _| kept::follow(env, ids.to_vec()).boxed()),
        check: Some(|env, ids, values| check(env, ids, values).boxed()),
        before_copy: Some(|env, id, values| copy_name(env, id, values).boxed()),
        before_unlink: Some(|env, ids| keep_users(env, ids).boxed()),
        ..model("", "", "").hooks
    });

/// Contacts are conversations.
struct Contact;

impl thread::fields::Conversation for Contact {
    const MODEL: &'static str = "res.partner";
}

const FIELDS: [Field; OWN_FIELDS.len() + thread::fields::COUNT] =
    thread::joined(OWN_FIELDS, thread::fields::fields::<Contact>());

const OWN_FIELDS: [Field; 16] = [
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
    field(
        "category_id",
        "Tags",
        Kind::Many2many {
            model: "res.partner.category",
            table: "res_partner_res_partner_category_rel",
            this: "partner_id",
            that: "category_id",
        },
    ),
    field("starred_message_ids", "Starred Message", STARRED).no_copy(),
    computed(
        "email_formatted",
        "Formatted Email",
        Kind::Char,
        &["name", "email"],
        |env, ids| shown::formatted(env, ids).boxed(),
    )
    .help("The address with the name, as mails show it."),
    computed(
        "company_type",
        "Company Type",
        Kind::Selection(COMPANY_TYPES),
        &["is_company"],
        |env, ids| shown::company_types(env, ids).boxed(),
    )
    .inverse(|env, ids, value| shown::set_company_type(env, ids, value).boxed()),
    related("parent_name", "Parent name", Kind::Char, "parent_id.name"),
    computed(
        "self",
        "Self",
        Kind::Many2one("res.partner"),
        &[],
        |_, ids| shown::itself(ids).boxed(),
    ),
    computed(
        "contact_address",
        "Complete Address",
        Kind::Char,
        &["street", "street2", "zip", "city"],
        |env, ids| shown::addresses(env, ids, "\n").boxed(),
    ),
    computed(
        "contact_address_inline",
        "Inlined Complete Address",
        Kind::Char,
        &["contact_address"],
        |env, ids| shown::addresses(env, ids, ", ").boxed(),
    ),
    computed(
        "tz_offset",
        "Timezone offset",
        Kind::Char,
        &["tz"],
        |env, ids| shown::tz_offsets(env, ids).boxed(),
    ),
    computed(
        "active_lang_count",
        "Active Lang Count",
        Kind::Integer,
        &["lang"],
        |env, ids| shown::language_counts(env, ids).boxed(),
    ),
    computed("is_public", "Is Public", Kind::Boolean, &[], |env, ids| {
        shown::are_public(env, ids).boxed()
    }),
    computed(
        "is_blacklisted",
        "Blacklist",
        Kind::Boolean,
        &["email"],
        |env, ids| shown::are_blacklisted(env, ids).boxed(),
    )
    .help("True when the address wants no mass mail.")
    .search(|env, operator, value| shown::search_blacklisted(env, operator, value).boxed())
    .groups("base.group_user"),
    computed(
        "same_vat_partner_id",
        "Partner with same Tax ID",
        Kind::Many2one("res.partner"),
        &["vat"],
        |env, ids| shown::same(env, ids, "vat").boxed(),
    ),
    computed(
        "same_company_registry_partner_id",
        "Partner with same Company Registry",
        Kind::Many2one("res.partner"),
        &["company_registry"],
        |env, ids| shown::same(env, ids, "company_registry").boxed(),
    ),
];

const METHODS: [Method; OWN_METHODS.len() + thread::METHODS.len()] =
    thread::joined(OWN_METHODS, thread::METHODS);

const OWN_METHODS: [Method; 3] = [
    model_method("name_create", &["name"], |call| {
        calls::name_create(call).boxed()
    }),
    model_method(
        "find_or_create",
        &["email", "assert_valid_email?"],
        |call| calls::find_or_create(call).boxed(),
    ),
    method("address_get", &["adr_pref?"], |call| {
        calls::address_get(call).boxed()
    })
    .reads_only(),
];

const STARRED: Kind = Kind::Many2many {
    model: "mail.message",
    table: "mail_message_res_partner_starred_rel",
    this: "res_partner_id",
    that: "mail_message_id",
};
const COMPANY_TYPES: Selection = &[("person", "Individual"), ("company", "Company")];
/// A chain of parents longer than this can only be a circle.
const DEEPEST: i32 = 100;

fn default_lang<'a>(env: &'a Env) -> Answer<'a> {
    choices::default_language(env).boxed()
}

fn default_tz<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(choices::default_zone(env)) }.boxed()
}

async fn of_own_companies(env: &Env) -> Result<Domain> {
    Ok(own_companies(&*env.user().await?, ""))
}

async fn of_own_organisation(env: &Env) -> Result<Domain> {
    Ok(own_organisation(&*env.user().await?, ""))
}

fn own_companies(user: &User, through: &str) -> Domain {
    let companies = AnyValue::ids(&user.company_ids);
    Domain::Or(vec![
        Domain::eq(format!("{through}partner_share"), false),
        Domain::leaf(
            format!("{through}company_id"),
            Operator::ParentOf,
            companies,
        ),
        Domain::eq(format!("{through}company_id"), false),
    ])
}

fn own_organisation(user: &User, through: &str) -> Domain {
    let partner = user.commercial_partner_id;
    Domain::leaf(format!("{through}id"), Operator::ChildOf, partner)
}

/// The contacts that a user reads, for models that show fields of a contact as their own. `through`
/// is the path to the contact with a dot behind it.
pub fn reach(user: &User, through: &str) -> Domain {
    let companies = own_companies(user, through);
    let outside = ["base.group_portal", "base.group_public"];
    if outside.iter().any(|group| user.groups.contains(*group)) {
        companies.and(own_organisation(user, through))
    } else {
        companies
    }
}

/// The contact of somebody who can sign in stays.
async fn before_write(env: &Env, ids: &[Id], values: &mut Map) -> Result<()> {
    choices::check(env, values).await?;
    if !values.get("active").is_some_and(AnyValue::is_falsy) {
        return Ok(());
    }
    let mut sql = env.sql("SELECT u.login FROM res_users u WHERE u.active AND u.partner_id");
    dialect::in_ids(&mut sql, ids);
    match env.row(sql).await? {
        Some(row) => {
            let login: String = convert::get(&row, 0)?.unwrap_or_default();
            Err(Error::Validation(say!("error-contact-of-user", ?login)))
        }
        None => Ok(()),
    }
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
    Err(Error::Validation(say!("error-contact-loop", %id)))
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
            Err(Error::Validation(say!("error-contact-needed", ?login)))
        }
        None => Ok(()),
    }
}
