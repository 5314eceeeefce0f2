//! `res.users`: who may sign in.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;
use secrecy::SecretString;

use crate::credentials;
use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::orm::convert;
use crate::schema::{
    self, Answer, Call, Kind, Selection, access, computed, field, model, model_method,
};
use crate::value::{AnyValue, Id, Key, Map};

const NOTIFICATION_TYPE: Selection = &[("email", "Handle by Emails"), ("inbox", "Handle in Odoo")];
const ODOOBOT_STATE: Selection = &[
    ("not_initialized", "Not initialized"),
    ("onboarding_emoji", "Onboarding emoji"),
    ("onboarding_attachement", "Onboarding attachment"),
    ("onboarding_command", "Onboarding command"),
    ("onboarding_ping", "Onboarding ping"),
    ("onboarding_canned", "Onboarding canned"),
    ("idle", "Idle"),
    ("disabled", "Disabled"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_users")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(label = "Company", many2one = "res.company", default_fn = default_company)]
    pub company_id: i32,
    #[odoo(label = "Related Partner", many2one = "res.partner", filled)]
    pub partner_id: i32,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Login")]
    pub login: String,
    #[odoo(hidden)]
    pub password: Option<String>,
    #[odoo(hidden)]
    pub action_id: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Email Signature", html)]
    pub signature: Option<String>,
    #[odoo(label = "Share User", kept = "groups_id")]
    pub share: Option<bool>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(hidden)]
    pub totp_secret: Option<String>,
    #[odoo(label = "Onboarding")]
    pub tour_enabled: Option<bool>,
    #[odoo(label = "Notification", selection = NOTIFICATION_TYPE, default = "email")]
    pub notification_type: String,
    #[odoo(label = "OdooBot Status", selection = ODOOBOT_STATE, readonly)]
    pub odoobot_state: Option<String>,
    #[odoo(label = "Odoobot Failed", readonly)]
    pub odoobot_failed: Option<bool>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("res.users", "User", "res_users")
    .rec_name("name")
    .order("name, login")
    .inherits(&[("res.partner", "partner_id")])
    .columns(Model::FIELDS)
    .virtuals(&[
        field("groups_id", "Groups", GROUPS)
            .default(schema::Default::Call(|env| default_groups(env).boxed())),
        field("company_ids", "Companies", COMPANIES)
            .default(schema::Default::Call(|env| default_companies(env).boxed())),
        computed("password", "Password", Kind::Char, &[], |_, ids| {
            hidden(ids).boxed()
        })
        .help("The password that the user signs in with. It can be set here and never be read.")
        .inverse(|env, ids, value| store_password(env, ids, value).boxed()),
        computed("new_password", "Set Password", Kind::Char, &[], |_, ids| {
            hidden(ids).boxed()
        })
        .help("A new password for the user.")
        .inverse(|env, ids, value| store_password(env, ids, value).boxed()),
        computed(
            "login_date",
            "Latest Login",
            Kind::Datetime,
            &[],
            |env, ids| login_dates(env, ids).boxed(),
        ),
    ])
    .access(&[
        access("base.group_erp_manager", "rwcd"),
        access("base.group_portal", "r"),
        access("base.group_public", "r"),
        access("base.group_user", "r"),
    ])
    .rules(&[schema::Rule {
        groups: &[],
        operations: "rwcd",
        domain_force: "['|', ('share', '=', False), ('company_ids', 'in', company_ids)]",
        domain: |env| users_in_reach(env).boxed(),
    }])
    .methods(&[
        model_method("context_get", &[], |call| context_get(call).boxed()).reads_only(),
        model_method("has_group", &["group_ext_id"], |call| {
            has_group(call).boxed()
        })
        .reads_only(),
        model_method("change_password", &["old_passwd", "new_passwd"], |call| {
            change_password(call).boxed()
        }),
    ])
    .hooks(schema::Hooks {
        before_create: Some(|_, values| before_create(values).boxed()),
        after_create: Some(|env, id, values| after_change(env, vec![id], values).boxed()),
        after_write: Some(|env, ids, values| after_change(env, ids.to_vec(), values).boxed()),
        before_unlink: Some(|_, ids| keep_first_users(ids).boxed()),
        before_copy: Some(|env, id, values| new_login(env, id, values).boxed()),
        ..model("", "", "").hooks
    });

const GROUPS: Kind = Kind::Many2many {
    model: "res.groups",
    table: "res_groups_users_rel",
    this: "uid",
    that: "gid",
};
const COMPANIES: Kind = Kind::Many2many {
    model: "res.company",
    table: "res_company_users_rel",
    this: "user_id",
    that: "cid",
};
/// The user whose groups a new user gets (`base.default_user`).
const TEMPLATE: Id = 3;
/// The users that the program itself refers to: they cannot be deleted.
const FIRST_USERS: std::ops::RangeInclusive<Id> = 1..=5;

/// What is asked of a user again and again during a call.
#[derive(Clone, Debug)]
pub struct User {
    /// The id.
    pub uid: Id,
    /// The login.
    pub login: String,
    /// The name of the partner.
    pub name: String,
    /// The address of the partner.
    pub email: Option<String>,
    /// The partner.
    pub partner_id: Id,
    /// The partner's company, or itself.
    pub commercial_partner_id: Id,
    /// The company the user works for now.
    pub company_id: Id,
    /// The companies the user may work for.
    pub company_ids: Vec<Id>,
    /// The external ids of all groups, implied ones included, as in `base.group_system`.
    pub groups: std::collections::HashSet<String>,
    /// True for portal and public users.
    pub share: bool,
    /// False when archived.
    pub active: bool,
    /// The language, as in `en_US`.
    pub lang: Option<String>,
    /// The time zone, as in `Europe/Brussels`.
    pub tz: Option<String>,
}

/// Reads a user with groups and companies.
///
/// # Errors
/// [`Error::Missing`] when there is none.
pub async fn load(env: &Env, uid: Id) -> Result<User> {
    let mut sql = env.sql(
        "SELECT u.login, u.partner_id, u.company_id, u.share, u.active, p.name, p.email, p.lang, p.tz, \
         COALESCE(p.commercial_partner_id, p.id) \
         FROM res_users u JOIN res_partner p ON p.id = u.partner_id WHERE u.id = ",
    );
    sql.bind(uid);
    let row = env.row(sql).await?.ok_or_else(|| {
        Error::Missing(format!("There is no user {uid}; it may have been deleted."))
    })?;
    Ok(User {
        uid,
        login: convert::get(&row, 0)?.unwrap_or_default(),
        partner_id: convert::get(&row, 1)?.unwrap_or_default(),
        company_id: convert::get(&row, 2)?.unwrap_or_default(),
        share: convert::get(&row, 3)?.unwrap_or(false),
        active: convert::get(&row, 4)?.unwrap_or(false),
        name: convert::get(&row, 5)?.unwrap_or_default(),
        email: convert::get(&row, 6)?,
        lang: convert::get(&row, 7)?,
        tz: convert::get(&row, 8)?,
        commercial_partner_id: convert::get(&row, 9)?.unwrap_or_default(),
        company_ids: companies_of(env, uid).await?,
        groups: groups_of(env, uid).await?,
    })
}

async fn companies_of(env: &Env, uid: Id) -> Result<Vec<Id>> {
    let mut sql = env.sql("SELECT cid FROM res_company_users_rel WHERE user_id = ");
    sql.bind(uid).push(" ORDER BY cid");
    crate::orm::search::collect_ids(env, sql).await
}

async fn groups_of(env: &Env, uid: Id) -> Result<std::collections::HashSet<String>> {
    let mut sql =
        env.sql("WITH RECURSIVE mine(gid) AS (SELECT gid FROM res_groups_users_rel WHERE uid = ");
    sql.bind(uid);
    sql.push(
        " UNION SELECT implied.hid FROM res_groups_implied_rel implied JOIN mine ON implied.gid = mine.gid) \
         SELECT d.module, d.name FROM mine JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = mine.gid",
    );
    let mut groups = std::collections::HashSet::new();
    for row in env.rows(sql).await? {
        let module: String = convert::get(&row, 0)?.unwrap_or_default();
        let name: String = convert::get(&row, 1)?.unwrap_or_default();
        groups.insert(format!("{module}.{name}"));
    }
    Ok(groups)
}

/// The id and the stored password of the active user with that login.
///
/// # Errors
/// When the database fails.
pub async fn stored_password(env: &Env, login: &str) -> Result<Option<(Id, String)>> {
    let mut sql =
        env.sql("SELECT id, COALESCE(password, '') FROM res_users WHERE active AND login = ");
    sql.bind(login);
    Ok(match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?.zip(convert::get(&row, 1)?),
        None => None,
    })
}

/// The stored password of an active user.
///
/// # Errors
/// When the database fails.
pub async fn stored_password_of(env: &Env, uid: Id) -> Result<Option<String>> {
    Ok(sign_in_state(env, uid).await?.map(|(_, stored)| stored))
}

/// What a session depends on: login and stored password of an active user.
///
/// # Errors
/// When the database fails.
pub async fn sign_in_state(env: &Env, uid: Id) -> Result<Option<(String, String)>> {
    let mut sql =
        env.sql("SELECT login, COALESCE(password, '') FROM res_users WHERE active AND id = ");
    sql.bind(uid);
    Ok(match env.row(sql).await? {
        Some(row) => convert::get(&row, 0)?.zip(convert::get(&row, 1)?),
        None => None,
    })
}

/// Stores a password in passlib's form.
///
/// # Errors
/// When the database fails.
pub async fn set_password(env: &Env, uid: Id, password: SecretString) -> Result<()> {
    let stored = credentials::hash(password).await?;
    let mut sql = env.sql("UPDATE res_users SET password = ");
    sql.bind(stored).push(" WHERE id = ").bind(uid);
    env.execute(sql).await?;
    Ok(())
}

async fn store_password(env: &Env, ids: &[Id], value: &AnyValue) -> Result<()> {
    if value.is_falsy() {
        return Ok(());
    }
    for id in ids {
        let password = SecretString::from(value.to_python_text());
        set_password(env, *id, password).await?;
    }
    Ok(())
}

async fn hidden(ids: &[Id]) -> Result<Vec<AnyValue>> {
    Ok(vec![AnyValue::Text(String::new()); ids.len()])
}

async fn login_dates(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let mut dates = Vec::with_capacity(ids.len());
    for id in ids {
        let mut sql = env.sql(
            "SELECT create_date FROM res_users_log WHERE create_date IS NOT NULL AND create_uid = ",
        );
        sql.bind(*id).push(" ORDER BY create_date DESC LIMIT 1");
        let date = match env.row(sql).await? {
            Some(row) => convert::get::<NaiveDateTime>(&row, 0)?,
            None => None,
        };
        dates.push(date.map_or(AnyValue::FALSE, AnyValue::Datetime));
    }
    Ok(dates)
}

fn default_company<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(env.user().await?.company_id.into()) }.boxed()
}

async fn default_companies(env: &Env) -> Result<AnyValue> {
    Ok(AnyValue::ids(&[env.user().await?.company_id]))
}

async fn default_groups(env: &Env) -> Result<AnyValue> {
    let mut sql = env.sql("SELECT gid FROM res_groups_users_rel WHERE uid = ");
    sql.bind(TEMPLATE).push(" ORDER BY gid");
    Ok(AnyValue::ids(
        &crate::orm::search::collect_ids(env, sql).await?,
    ))
}

async fn users_in_reach(env: &Env) -> Result<Domain> {
    let companies = AnyValue::ids(&env.user().await?.company_ids);
    Ok(Domain::Or(vec![
        Domain::eq("share", false),
        Domain::leaf("company_ids", Operator::In, companies),
    ]))
}

/// A login that is an address serves as the address of the partner too.
async fn before_create(values: &mut Map) -> Result<()> {
    let login = values.get("login").and_then(AnyValue::as_text);
    if let Some(address) = login.filter(|login| login.contains('@')).map(str::to_owned) {
        values
            .entry(Key::Borrowed("email"))
            .or_insert(address.into());
    }
    Ok(())
}

async fn after_change(env: &Env, ids: Vec<Id>, values: &Map) -> Result<()> {
    if values.contains_key("groups_id") {
        complete_groups(env, &ids).await?;
    }
    keep_share(env, &ids).await?;
    env.forget_users();
    Ok(())
}

/// Odoo stores implied groups with each user, so that a look at the links tells all.
async fn complete_groups(env: &Env, ids: &[Id]) -> Result<()> {
    for id in ids {
        let mut sql = env
            .sql("WITH RECURSIVE mine(gid) AS (SELECT gid FROM res_groups_users_rel WHERE uid = ");
        sql.bind(*id);
        sql.push(
            " UNION SELECT implied.hid FROM res_groups_implied_rel implied \
             JOIN mine ON implied.gid = mine.gid) \
             INSERT INTO res_groups_users_rel (gid, uid) SELECT gid, CAST(",
        );
        sql.bind(*id)
            .push(" AS integer) FROM mine WHERE TRUE ON CONFLICT DO NOTHING");
        env.execute(sql).await?;
    }
    Ok(())
}

/// `share` and the partner's `partner_share` say whether the user is no internal one.
async fn keep_share(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql(
        "UPDATE res_users SET share = NOT EXISTS (SELECT 1 FROM res_groups_users_rel link \
         JOIN ir_model_data d ON d.model = 'res.groups' AND d.res_id = link.gid \
         AND d.module = 'base' AND d.name = 'group_user' WHERE link.uid = res_users.id) WHERE id",
    );
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await?;
    let mut sql = env.sql(
        "UPDATE res_partner SET partner_share = NOT EXISTS (SELECT 1 FROM res_users u \
         WHERE u.partner_id = res_partner.id AND u.active AND NOT u.share) \
         WHERE id IN (SELECT partner_id FROM res_users WHERE id",
    );
    dialect::in_ids(&mut sql, ids);
    sql.push(")");
    env.execute(sql).await?;
    Ok(())
}

async fn keep_first_users(ids: &[Id]) -> Result<()> {
    match ids.iter().find(|id| FIRST_USERS.contains(id)) {
        Some(id) => Err(Error::User(format!(
            "The user {id} is one the program refers to and cannot be deleted. Archive it instead."
        ))),
        None => Ok(()),
    }
}

async fn new_login(env: &Env, id: Id, values: &mut Map) -> Result<()> {
    let user = load(env, id).await?;
    values.insert(
        Key::Borrowed("login"),
        format!("{} (copy)", user.login).into(),
    );
    values.insert(
        Key::Borrowed("name"),
        format!("{} (copy)", user.name).into(),
    );
    values.shift_remove("password");
    Ok(())
}

async fn context_get(call: Call<'_>) -> Result<AnyValue> {
    let user = call.env.user().await?;
    Ok(context_of(&user).into())
}

/// The context that a client of this user starts from.
pub fn context_of(user: &User) -> Map {
    Map::from_iter([
        (
            Key::Borrowed("lang"),
            user.lang.clone().unwrap_or_else(|| "en_US".into()).into(),
        ),
        (
            Key::Borrowed("tz"),
            AnyValue::text_or_false(user.tz.clone()),
        ),
        (Key::Borrowed("uid"), user.uid.into()),
    ])
}

async fn has_group(mut call: Call<'_>) -> Result<AnyValue> {
    let group = call.args.take_text("group_ext_id")?.unwrap_or_default();
    Ok(call.env.user().await?.groups.contains(&group).into())
}

async fn change_password(mut call: Call<'_>) -> Result<AnyValue> {
    let old = call.args.take_text("old_passwd")?.unwrap_or_default();
    let new = call.args.take_text("new_passwd")?.unwrap_or_default();
    if new.trim().is_empty() {
        return Err(Error::User("The new password must not be empty.".into()));
    }
    let uid = call.env.uid();
    let stored = stored_password_of(call.env, uid).await?.unwrap_or_default();
    credentials::check(call.env.backend(), uid, stored, &SecretString::from(old)).await?;
    set_password(call.env, uid, SecretString::from(new)).await?;
    Ok(true.into())
}
