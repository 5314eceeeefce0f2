//! `res.company`: the companies of the database.

mod shown;

use chrono::NaiveDateTime;
use futures_util::FutureExt;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use words::say;

use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::{convert, create, search, write};
use crate::registry::entry;
use crate::schema::{self, Answer, Kind, Rule, Selection, access, computed, field, model, related};
use crate::value::{AnyValue, Id, Key, Map, map};

const FONT: Selection = &[
    ("Lato", "Lato"),
    ("Roboto", "Roboto"),
    ("Open_Sans", "Open Sans"),
    ("Montserrat", "Montserrat"),
    ("Oswald", "Oswald"),
    ("Raleway", "Raleway"),
    ("Tajawal", "Tajawal"),
    ("Fira_Mono", "Fira Mono"),
];
const LAYOUT_BACKGROUND: Selection = &[
    ("Blank", "Blank"),
    ("Demo logo", "Demo logo"),
    ("Custom", "Custom"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_company")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Company Name")]
    pub name: String,
    /// The contact that holds the addresses of the company.
    #[odoo(label = "Partner", many2one = "res.partner")]
    pub partner_id: i32,
    #[odoo(label = "Currency", many2one = "res.currency", default_fn = default_currency)]
    pub currency_id: i32,
    /// Which of several companies comes first: the one with the lowest number.
    #[odoo(label = "Sequence", default = 10)]
    pub sequence: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Parent Path", readonly)]
    pub parent_path: Option<String>,
    /// The company that this one is a branch of.
    #[odoo(label = "Parent Company", many2one = "res.company")]
    pub parent_id: Option<i32>,
    #[odoo(hidden)]
    pub paperformat_id: Option<i32>,
    #[odoo(hidden)]
    pub external_report_layout_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Email")]
    pub email: Option<String>,
    #[odoo(label = "Phone")]
    pub phone: Option<String>,
    #[odoo(label = "Mobile")]
    pub mobile: Option<String>,
    #[odoo(label = "Font", selection = FONT, default = "Lato")]
    pub font: Option<String>,
    #[odoo(label = "Primary Color")]
    pub primary_color: Option<String>,
    #[odoo(label = "Secondary Color")]
    pub secondary_color: Option<String>,
    #[odoo(label = "Layout Background", selection = LAYOUT_BACKGROUND, default = "Blank")]
    pub layout_background: String,
    #[odoo(label = "Company Tagline", html, translate)]
    pub report_header: Option<Json>,
    #[odoo(label = "Report Footer", html, translate)]
    pub report_footer: Option<Json>,
    #[odoo(label = "Company Details", html, translate)]
    pub company_details: Option<Json>,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Uses Default Logo", readonly)]
    pub uses_default_logo: Option<bool>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "Logo Web", readonly)]
    pub logo_web: Option<Vec<u8>>,
    /// The domain of the addresses that mails of the company come from and go back to.
    #[odoo(label = "Email Domain", many2one = "mail.alias.domain")]
    pub alias_domain_id: Option<i32>,
    #[odoo(label = "Alias Domain Name", kept = "alias_domain_id")]
    pub alias_domain_name: Option<String>,
    #[odoo(label = "Email Header Color")]
    pub email_primary_color: Option<String>,
    #[odoo(label = "Email Button Color")]
    pub email_secondary_color: Option<String>,
    #[odoo(label = "Company database ID", readonly)]
    pub partner_gid: Option<i32>,
    #[odoo(label = "Enrich Done")]
    pub iap_enrich_auto_done: Option<bool>,
    #[odoo(label = "Snailmail Color", default = true)]
    pub snailmail_color: Option<bool>,
    #[odoo(label = "Add a Cover Page", default = false)]
    pub snailmail_cover: Option<bool>,
    #[odoo(label = "Both sides", default = false)]
    pub snailmail_duplex: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.company", "Company", "res_company")
    .order("sequence, name")
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[
        field("user_ids", "Accepted Users", USERS),
        field(
            "child_ids",
            "Branches",
            Kind::One2many {
                model: "res.company",
                inverse: "parent_id",
            },
        ),
        field(
            "all_child_ids",
            "All Child",
            Kind::One2many {
                model: "res.company",
                inverse: "parent_id",
            },
        ),
        computed(
            "parent_ids",
            "Parent",
            PARENTS,
            &["parent_path"],
            |env, ids| shown::parents(env, ids).boxed(),
        ),
        computed(
            "root_id",
            "Root",
            Kind::Many2one("res.company"),
            &["parent_path"],
            |env, ids| shown::roots(env, ids).boxed(),
        ),
        related("street", "Street", Kind::Char, "partner_id.street").editable(),
        related("street2", "Street2", Kind::Char, "partner_id.street2").editable(),
        related("zip", "Zip", Kind::Char, "partner_id.zip").editable(),
        related("city", "City", Kind::Char, "partner_id.city").editable(),
        related("vat", "Tax ID", Kind::Char, "partner_id.vat").editable(),
        related("website", "Website Link", Kind::Char, "partner_id.website").editable(),
        related(
            "company_registry",
            "Company ID",
            Kind::Char,
            "partner_id.company_registry",
        )
        .editable(),
        related("color", "Color", Kind::Integer, "partner_id.color").editable(),
        computed(
            "bounce_email",
            "Bounce Email",
            Kind::Char,
            &["alias_domain_id"],
            |env, ids| shown::addresses(env, ids, shown::Address::Bounce).boxed(),
        )
        .help("Where mails of the company come back to when they cannot be delivered."),
        computed(
            "bounce_formatted",
            "Bounce",
            Kind::Char,
            &["alias_domain_id"],
            |env, ids| shown::formatted(env, ids, shown::Address::Bounce).boxed(),
        ),
        computed(
            "catchall_email",
            "Catchall Email",
            Kind::Char,
            &["alias_domain_id"],
            |env, ids| shown::addresses(env, ids, shown::Address::Catchall).boxed(),
        )
        .help("Where answers to mails of the company go."),
        computed(
            "catchall_formatted",
            "Catchall",
            Kind::Char,
            &["alias_domain_id"],
            |env, ids| shown::formatted(env, ids, shown::Address::Catchall).boxed(),
        ),
        computed(
            "default_from_email",
            "Default From",
            Kind::Char,
            &["alias_domain_id"],
            |env, ids| shown::addresses(env, ids, shown::Address::DefaultFrom).boxed(),
        )
        .help("The sender of mails whose own sender no server may use."),
        computed(
            "email_formatted",
            "Formatted Email",
            Kind::Char,
            &["email"],
            |env, ids| shown::own_address(env, ids).boxed(),
        ),
        computed(
            "is_company_details_empty",
            "Is Company Details Empty",
            Kind::Boolean,
            &["company_details"],
            |env, ids| shown::without_details(env, ids).boxed(),
        ),
    ])
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_portal", "r"),
        access("base.group_public", "r"),
        access("base.group_user", "r"),
    ])
    .rules(&[
        Rule {
            groups: &["base.group_erp_manager"],
            operations: "rwcd",
            domain_force: "[(1,'=',1)]",
            domain: |_| async { Ok(Domain::All) }.boxed(),
        },
        Rule {
            groups: &["base.group_portal"],
            operations: "rwcd",
            domain_force: OWN,
            domain: |env| own(env).boxed(),
        },
        Rule {
            groups: &["base.group_public"],
            operations: "rwcd",
            domain_force: OWN,
            domain: |env| own(env).boxed(),
        },
        Rule {
            groups: &["base.group_user"],
            operations: "rwcd",
            domain_force: OWN,
            domain: |env| own(env).boxed(),
        },
    ])
    .hooks(schema::Hooks {
        before_create: Some(|env, values| make_contact(env, values).boxed()),
        after_create: Some(|env, id, values| created(env, id, values).boxed()),
        before_write: Some(|_, _, values| before_write(values).boxed()),
        after_write: Some(|env, ids, values| written(env, ids.to_vec(), values).boxed()),
        before_copy: Some(|_, _, _| {
            async { Err(Error::User(say!("error-company-copied"))) }.boxed()
        }),
        ..model("", "", "").hooks
    });

const USERS: Kind = Kind::Many2many {
    model: "res.users",
    table: "res_company_users_rel",
    this: "cid",
    that: "user_id",
};
const PARENTS: Kind = Kind::Many2many {
    model: "res.company",
    table: "",
    this: "",
    that: "",
};
/// The rule that lets users see the companies they may work for.
const OWN: &str = "[('id','in', company_ids)]";
/// What a company and its contact both show: the contact has it, the company a copy.
const SHARED: &[&str] = &["name", "email", "phone", "mobile", "partner_gid"];

fn default_currency<'a>(env: &'a Env) -> Answer<'a> {
    async move {
        let company = env.user().await?.company_id;
        let mut sql = env.sql("SELECT currency_id FROM res_company WHERE id = ");
        sql.bind(company);
        let own = search::collect_ids(env, sql).await?.first().copied();
        Ok(own.map_or(AnyValue::FALSE, AnyValue::from))
    }
    .boxed()
}

async fn own(env: &Env) -> Result<Domain> {
    let companies = AnyValue::ids(&env.user().await?.company_ids);
    Ok(Domain::leaf("id", Operator::In, companies))
}

fn shared(values: &Map) -> Map {
    values
        .iter()
        .filter(|(name, _)| SHARED.contains(&name.as_ref()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// A company without a contact gets one.
async fn make_contact(env: &Env, values: &mut Map) -> Result<()> {
    let name = values.get("name").is_some_and(|name| !name.is_falsy());
    if !name || values.get("partner_id").is_some_and(|id| !id.is_falsy()) {
        return Ok(());
    }
    let mut theirs = shared(values);
    theirs.insert(Key::Borrowed("is_company"), true.into());
    let partner = create::record(&env.sudo(), entry("res.partner")?, theirs).await?;
    values.insert(Key::Borrowed("partner_id"), partner.into());
    Ok(())
}

/// Whoever makes a company may work for it.
async fn created(env: &Env, id: Id, values: &Map) -> Result<()> {
    let mut sql = env.sql("INSERT INTO res_company_users_rel (cid, user_id) VALUES (");
    sql.bind(id).push(", ").bind(env.uid());
    sql.push(") ON CONFLICT DO NOTHING");
    env.execute(sql).await?;
    env.forget_users();
    written(env, vec![id], values).await
}

/// A company stays where it is in the tree: rights follow from it.
async fn before_write(values: &Map) -> Result<()> {
    if values.contains_key("parent_id") {
        return Err(Error::User(say!("error-company-parent")));
    }
    Ok(())
}

async fn written(env: &Env, ids: Vec<Id>, values: &Map) -> Result<()> {
    let theirs = shared(values);
    if !theirs.is_empty() {
        let mut sql = env.sql("SELECT partner_id FROM res_company WHERE id");
        dialect::in_ids(&mut sql, &ids);
        let contacts = search::collect_ids(env, sql).await?;
        write::records(&env.sudo(), entry("res.partner")?, &contacts, theirs).await?;
    }
    let mut sql = env.sql(
        "UPDATE res_company SET alias_domain_name = (SELECT d.name FROM mail_alias_domain d \
         WHERE d.id = res_company.alias_domain_id), parent_path = COALESCE((SELECT above.parent_path FROM res_company above \
         WHERE above.id = res_company.parent_id), '') || CAST(id AS varchar) || '/' WHERE id",
    );
    dialect::in_ids(&mut sql, &ids);
    env.execute(sql).await?;
    Ok(())
}

/// Gives a domain to all companies that have none.
///
/// # Errors
/// When the database fails.
pub async fn take_domain(env: &Env, domain: Id) -> Result<()> {
    let sql = env.sql("SELECT id FROM res_company WHERE alias_domain_id IS NULL ORDER BY id");
    let without = search::collect_ids(env, sql).await?;
    let values = map([("alias_domain_id", domain.into())]);
    write::records(&env.sudo(), entry("res.company")?, &without, values).await
}

/// The reply address that a mail of the company shows: the catchall of its domain.
///
/// # Errors
/// When the database fails.
pub async fn catchall(env: &Env, company: Id) -> Result<Option<String>> {
    let mut sql = env.sql(
        "SELECT d.catchall_alias || '@' || d.name FROM res_company c JOIN mail_alias_domain d ON d.id = c.alias_domain_id WHERE c.id = ",
    );
    sql.bind(company);
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}
