//! `res.users`: who may sign in.

pub mod arriving;
pub mod group_names;
pub mod groups;
mod preferences;
mod shown;

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;
use secrecy::SecretString;

use words::say;

use crate::audit::{self, Act, Subject};
use crate::credentials;
use crate::database::Intent;
use crate::dialect;
use crate::domain::{Domain, Operator};
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::res_partner;
use crate::orm::{commands, convert};
use crate::prepared;
use crate::schema::{
    self, Answer, Call, Kind, OutsideCall, Selection, access, computed, field, method, model,
    model_method, outside_method, related,
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
    /// The company the user works for now; one of those it may work for.
    #[odoo(label = "Company", many2one = "res.company", default_fn = default_company)]
    pub company_id: i32,
    /// The contact that holds the name and the addresses of the user.
    #[odoo(label = "Related Partner", many2one = "res.partner")]
    pub partner_id: i32,
    /// Archived users cannot sign in.
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    /// What the user types to sign in; unique.
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
    /// Stands below the messages that the user writes.
    #[odoo(label = "Email Signature", html)]
    pub signature: Option<String>,
    /// True for portal and public users, who see only what is shared with them.
    #[odoo(label = "Share User", kept = "groups_id")]
    pub share: Option<bool>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(hidden)]
    pub totp_secret: Option<String>,
    #[odoo(label = "Onboarding")]
    pub tour_enabled: Option<bool>,
    /// Whether the user learns of messages by email or inside the program.
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
    .audited()
    .columns(Model::FIELDS)
    .virtuals(&[
        field("groups_id", "Groups", GROUPS).default(schema::Default::Call(|env| {
            groups::default_groups(env).boxed()
        })),
        field("company_ids", "Companies", COMPANIES)
            .help("The companies whose records the user may work with.")
            .default(schema::Default::Call(|env| default_companies(env).boxed())),
        field(
            "api_key_ids",
            "API Keys",
            Kind::One2many {
                model: "res.users.apikeys",
                inverse: "user_id",
            },
        ),
        computed("password", "Password", Kind::Char, &[], |_, ids| {
            shown::hidden(ids).boxed()
        })
        .help("The password that the user signs in with. It can be set here and never be read.")
        .inverse(|env, ids, value| store_password(env, ids, value).boxed()),
        computed("new_password", "Set Password", Kind::Char, &[], |_, ids| {
            shown::hidden(ids).boxed()
        })
        .help("A new password for the user.")
        .inverse(|env, ids, value| store_password(env, ids, value).boxed()),
        computed(
            "login_date",
            "Latest authentication",
            Kind::Datetime,
            &[],
            |env, ids| shown::login_dates(env, ids).boxed(),
        )
        .editable(),
        computed(
            "state",
            "Status",
            Kind::Selection(STATE),
            &[],
            |env, ids| shown::states(env, ids).boxed(),
        )
        .help("Whether the user has ever signed in."),
        related(
            "active_partner",
            "Partner is Active",
            Kind::Boolean,
            "partner_id.active",
        ),
        computed(
            "companies_count",
            "Number of Companies",
            Kind::Integer,
            &["company_ids"],
            |env, ids| shown::company_counts(env, ids).boxed(),
        ),
        computed(
            "groups_count",
            "# Groups",
            Kind::Integer,
            &["groups_id"],
            |env, ids| groups::counts(env, ids).boxed(),
        ),
        computed(
            "accesses_count",
            "# Access Rights",
            Kind::Integer,
            &["groups_id"],
            |env, ids| groups::access_counts(env, ids).boxed(),
        ),
        computed(
            "rules_count",
            "# Record Rules",
            Kind::Integer,
            &["groups_id"],
            |env, ids| groups::rule_counts(env, ids).boxed(),
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
        method("write", &["vals"], |call| preferences::write(call).boxed()),
        method("web_save", &["vals", "specification", "next_id?"], |call| {
            preferences::web_save(call).boxed()
        }),
        method("preference_save", &[], |call| {
            preferences::preference_save(call).boxed()
        }),
        model_method("context_get", &[], |call| context_get(call).boxed()).reads_only(),
        method("has_group", &["group_ext_id"], |call| {
            has_group(call).boxed()
        })
        .reads_only(),
        outside_method("change_password", &["old_passwd", "new_passwd"], |call| {
            change_password(call).boxed()
        })
        .of_model(),
    ])
    .hooks(schema::Hooks {
        prepare: Some(prepared::passwords),
        after_create: Some(|env, id, values| after_change(env, vec![id], values).boxed()),
        before_write: Some(|env, ids, values| before_write(env, ids, values).boxed()),
        check: Some(|env, ids, values| check_company(env, ids, values).boxed()),
        onchange: Some(|_, name, form| onchange(name, form).boxed()),
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
const STATE: Selection = &[("new", "Never Connected"), ("active", "Confirmed")];
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
    pub groups: std::sync::Arc<std::collections::HashSet<String>>,
    /// True for portal and public users.
    pub share: bool,
    /// False when archived.
    pub active: bool,
    /// The language, as in `en_US`.
    pub lang: Option<String>,
    /// The time zone, as in `Europe/Brussels`.
    pub tz: Option<String>,
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
    let prepared = env.prepared().take_hash(&password);
    let stored = match prepared {
        Some(stored) => stored,
        None => credentials::hash(password).await?,
    };
    store_hash(env, uid, &stored).await
}

/// Stores what [`credentials::hash`] made of a password.
///
/// # Errors
/// When the database fails.
pub async fn store_hash(env: &Env, uid: Id, stored: &str) -> Result<()> {
    let mut sql = env.sql("UPDATE res_users SET password = ");
    sql.bind(stored).push(" WHERE id = ").bind(uid);
    env.execute(sql).await?;
    Ok(())
}

/// Notes in the trail that somebody's password was set.
///
/// # Errors
/// When the database fails.
pub async fn note_password(env: &Env, uid: Id) -> Result<()> {
    let login = env.as_user(uid).user().await?.login.clone();
    let subject = Subject {
        model: "res.users",
        id: uid,
        name: &login,
    };
    audit::note(env, Act::Password, subject).await
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

fn default_company<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(env.user().await?.company_id.into()) }.boxed()
}

async fn default_companies(env: &Env) -> Result<AnyValue> {
    Ok(commands::set(vec![env.user().await?.company_id.into()]))
}

/// A user shows the fields of its contact, so what keeps the caller from the contact keeps it
/// from the user too.
async fn users_in_reach(env: &Env) -> Result<Domain> {
    let user = env.user().await?;
    let companies = AnyValue::ids(&user.company_ids);
    let reach = Domain::Or(vec![
        Domain::eq("share", false),
        Domain::leaf("company_ids", Operator::In, companies),
    ]);
    let contacts = res_partner::reach(&user, "partner_id.");
    Ok(reach.and(contacts))
}

async fn before_write(env: &Env, ids: &[Id], values: &mut Map) -> Result<()> {
    let archives = values.get("active").is_some_and(AnyValue::is_falsy);
    if archives && ids.contains(&env.uid()) {
        return Err(Error::User(say!("error-user-self")));
    }
    Ok(())
}

async fn after_change(env: &Env, ids: Vec<Id>, values: &Map) -> Result<()> {
    if values.contains_key("groups_id") {
        groups::changed(env, &ids).await?;
    } else {
        groups::keep_share(env, &ids).await?;
    }
    env.forget_users();
    Ok(())
}

/// The company a user works for is one of those it may work for.
async fn check_company(env: &Env, ids: &[Id], values: &Map) -> Result<()> {
    if !values.contains_key("company_id") && !values.contains_key("company_ids") {
        return Ok(());
    }
    let mut sql = env.sql(
        "SELECT u.login FROM res_users u WHERE u.active AND NOT EXISTS (SELECT 1 FROM res_company_users_rel link \
         WHERE link.user_id = u.id AND link.cid = u.company_id) AND u.id",
    );
    dialect::in_ids(&mut sql, ids);
    match env.row(sql).await? {
        Some(row) => {
            let login: String = convert::get(&row, 0)?.unwrap_or_default();
            Err(Error::Validation(say!("error-user-company", ?login)))
        }
        None => Ok(()),
    }
}

/// A login that is an address serves as the address of the contact too, once a person typed it.
async fn onchange(name: &str, form: &mut Map) -> Result<Option<Map>> {
    let login = form.get("login").and_then(AnyValue::as_text);
    if name == "login"
        && let Some(address) = login.filter(|login| mail::address::email_normalize(login).is_some())
    {
        let address = address.to_owned();
        form.insert(Key::Borrowed("email"), address.into());
    }
    Ok(None)
}

async fn keep_first_users(ids: &[Id]) -> Result<()> {
    match ids.iter().find(|id| FIRST_USERS.contains(id)) {
        Some(id) => Err(Error::User(say!("error-user-needed", %id))),
        None => Ok(()),
    }
}

async fn new_login(env: &Env, id: Id, values: &mut Map) -> Result<()> {
    let user = arriving::load(env, id).await?;
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
    let [uid] = call.ids.as_slice() else {
        return Err(Error::Value(say!(
            "error-has-group-one",
            count = call.ids.len()
        )));
    };
    // What the groups of others are is known to those who work here.
    if *uid != call.env.uid() && !call.env.may_use("base.group_user").await? {
        return Err(Error::Access(say!("error-groups-of-others")));
    }
    Ok(groups::names_of(call.env, *uid)
        .await?
        .contains(&group)
        .into())
}

/// Runs outside of a transaction because both keys are derived first.
async fn change_password(mut call: OutsideCall<'_>) -> Result<AnyValue> {
    let old = call.args.take_text("old_passwd")?.unwrap_or_default();
    let new = call.args.take_text("new_passwd")?.unwrap_or_default();
    if new.trim().is_empty() {
        return Err(Error::User(say!("error-password-empty")));
    }
    let (caller, uid) = (call.caller, call.caller.uid());
    let env = caller.begin(Intent::Read).await?;
    let stored = stored_password_of(&env, uid).await;
    env.end_reading();
    let stored = stored?.unwrap_or_default();
    credentials::check(caller.backend(), uid, stored, &SecretString::from(old)).await?;
    let hash = credentials::hash(SecretString::from(new)).await?;
    let env = caller.begin(Intent::Write).await?;
    store_hash(&env, uid, &hash).await?;
    note_password(&env, uid).await?;
    env.commit().await?;
    Ok(true.into())
}
