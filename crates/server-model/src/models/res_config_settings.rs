//! `res.config.settings`: the settings form, which keeps its values elsewhere.

use chrono::{NaiveDateTime, TimeDelta};
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use words::say;

use crate::dialect;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::models::ir_config_parameter;
use crate::oauth_flow::expiry;
use crate::orm::{access, convert, read};
use crate::schema::{
    self, Answer, Call, Kind, Operation, Selection, access, method, model, model_method,
};
use crate::value::{AnyValue, Id, Key, Map, map};

const TENOR_CONTENT_FILTER: Selection = &[
    ("high", "High"),
    ("medium", "Medium"),
    ("low", "Low"),
    ("off", "Off"),
];
const AUTH_SIGNUP_UNINVITED: Selection = &[("b2b", "On invitation"), ("b2c", "Free sign up")];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "res_config_settings")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    #[odoo(label = "Web App Name")]
    pub web_app_name: Option<String>,
    #[odoo(label = "Company", many2one = "res.company", default_fn = company)]
    pub company_id: i32,
    #[odoo(label = "Default Access Rights", default = true)]
    pub user_default_rights: Option<bool>,
    #[odoo(
        label = "Allow users to import data from CSV/XLS/XLSX/ODS files",
        default = true
    )]
    pub module_base_import: Option<bool>,
    #[odoo(label = "Allow the users to synchronize their calendar  with Google Calendar")]
    pub module_google_calendar: Option<bool>,
    #[odoo(label = "Allow the users to synchronize their calendar with Outlook Calendar")]
    pub module_microsoft_calendar: Option<bool>,
    #[odoo(label = "Allow integration with the mail plugins")]
    pub module_mail_plugin: Option<bool>,
    #[odoo(label = "Use external authentication providers (OAuth)")]
    pub module_auth_oauth: Option<bool>,
    #[odoo(label = "LDAP Authentication")]
    pub module_auth_ldap: Option<bool>,
    #[odoo(label = "Manage Inter Company")]
    pub module_account_inter_company_rules: Option<bool>,
    #[odoo(label = "VoIP")]
    pub module_voip: Option<bool>,
    #[odoo(label = "Unsplash Image Library", default = true)]
    pub module_web_unsplash: Option<bool>,
    #[odoo(label = "SMS", default = true)]
    pub module_sms: Option<bool>,
    #[odoo(label = "Partner Autocomplete", default = true)]
    pub module_partner_autocomplete: Option<bool>,
    #[odoo(label = "GeoLocalize")]
    pub module_base_geolocalize: Option<bool>,
    #[odoo(label = "reCAPTCHA")]
    pub module_google_recaptcha: Option<bool>,
    #[odoo(label = "Cloudflare Turnstile")]
    pub module_website_cf_turnstile: Option<bool>,
    #[odoo(label = "Multi-Currencies")]
    pub group_multi_currency: Option<bool>,
    #[odoo(label = "Show Effect", default = true)]
    pub show_effect: Option<bool>,
    #[odoo(label = "Get product pictures using barcode")]
    pub module_product_images: Option<bool>,
    #[odoo(label = "Profiling enabled until")]
    pub profiling_enabled_until: Option<NaiveDateTime>,
    #[odoo(label = "Tenor Gif Limit", default = 8)]
    pub tenor_gif_limit: Option<i32>,
    #[odoo(label = "Twilio Account SID")]
    pub twilio_account_sid: Option<String>,
    #[odoo(label = "Twilio Account Auth Token")]
    pub twilio_account_token: Option<String>,
    #[odoo(label = "SFU Server URL")]
    pub sfu_server_url: Option<String>,
    #[odoo(label = "SFU Server key")]
    pub sfu_server_key: Option<String>,
    #[odoo(label = "Tenor API key")]
    pub tenor_api_key: Option<String>,
    #[odoo(label = "Tenor content filter", selection = TENOR_CONTENT_FILTER, default = "low")]
    pub tenor_content_filter: Option<String>,
    #[odoo(label = "Message Translation API Key")]
    pub google_translate_api_key: Option<String>,
    #[odoo(label = "Use Custom Email Servers")]
    pub external_email_server_default: Option<bool>,
    #[odoo(label = "Support Gmail Authentication", default = true)]
    pub module_google_gmail: Option<bool>,
    #[odoo(label = "Support Outlook Authentication", default = true)]
    pub module_microsoft_outlook: Option<bool>,
    #[odoo(label = "Restrict Template Rendering", default = true)]
    pub restrict_template_rendering: Option<bool>,
    #[odoo(label = "Use Twilio ICE servers")]
    pub use_twilio_rtc_servers: Option<bool>,
    #[odoo(
        label = "Template user for new users created through signup",
        many2one = "res.users",
        default = 5
    )]
    pub auth_signup_template_user_id: Option<i32>,
    #[odoo(label = "Customer Account", selection = AUTH_SIGNUP_UNINVITED, default = "b2c")]
    pub auth_signup_uninvited: Option<String>,
    #[odoo(label = "Enable password reset from Login page", default = true)]
    pub auth_signup_reset_password: Option<bool>,
    #[odoo(label = "Gmail Client Id")]
    pub google_gmail_client_identifier: Option<String>,
    #[odoo(label = "Gmail Client Secret", secret)]
    pub google_gmail_client_secret: Option<String>,
    #[odoo(label = "Outlook Client Id")]
    pub microsoft_outlook_client_identifier: Option<String>,
    #[odoo(label = "Outlook Client Secret", secret)]
    pub microsoft_outlook_client_secret: Option<String>,
    #[odoo(label = "Access Key")]
    pub unsplash_access_key: Option<String>,
    #[odoo(label = "Application ID")]
    pub unsplash_app_id: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

fn company<'a>(env: &'a Env) -> Answer<'a> {
    async move { Ok(convert::company(env).await?.into()) }.boxed()
}

pub const MODEL: schema::Model = model("res.config.settings", "Settings", "res_config_settings")
    .transient()
    .rec_name("")
    .columns(Model::FIELDS)
    .access(&[access("base.group_system", "rwc")])
    .methods(&[
        method("execute", &[], |call| execute(call).boxed()).groups("base.group_system"),
        method("set_values", &[], |call| set_values(call).boxed()).groups("base.group_system"),
        method("cancel", &[], |call| cancel(call).boxed()),
        method("get_values", &[], |call| get_values(call).boxed())
            .reads_only()
            .groups("base.group_system"),
        model_method("postern_credentials", &[], |call| credentials(call).boxed())
            .reads_only()
            .groups("base.group_system"),
        method("copy", &["default?"], |call| refuse_copy(call).boxed()),
    ])
    .hooks(schema::Hooks {
        default_get: Some(|env, names, values| stored_values(env, names, values).boxed()),
        before_create: Some(|env, values| before_create(env, values).boxed()),
        before_write: Some(|_, _, values| trim(values).boxed()),
        ..model("", "", "").hooks
    });

/// How long a form is kept after it was last changed.
const KEPT_FOR: TimeDelta = TimeDelta::hours(1);

/// The fields that are kept as system parameters, with their keys.
const PARAMETERS: &[(&str, &str)] = &[
    (
        "microsoft_outlook_client_identifier",
        "microsoft_outlook_client_id",
    ),
    (
        "microsoft_outlook_client_secret",
        "microsoft_outlook_client_secret",
    ),
    ("google_gmail_client_identifier", "google_gmail_client_id"),
    ("google_gmail_client_secret", "google_gmail_client_secret"),
    (
        "external_email_server_default",
        "base_setup.default_external_email_server",
    ),
    (
        "restrict_template_rendering",
        "mail.restrict.template.rendering",
    ),
    ("user_default_rights", "base_setup.default_user_rights"),
    ("show_effect", "base_setup.show_effect"),
    ("web_app_name", "web.web_app_name"),
    ("tenor_api_key", "discuss.tenor_api_key"),
    ("google_translate_api_key", "mail.google_translate_api_key"),
    ("sfu_server_url", "mail.sfu_server_url"),
    ("sfu_server_key", "mail.sfu_server_key"),
    ("unsplash_access_key", "unsplash.access_key"),
    ("unsplash_app_id", "unsplash.app_id"),
];

fn parameter_of(field: &str) -> Option<&'static str> {
    PARAMETERS
        .iter()
        .find(|(name, _)| *name == field)
        .map(|(_, key)| *key)
}

/// A new settings form shows what is stored. A user without rights on settings sees no values:
/// Odoo shows them, client secrets included.
async fn stored_values(env: &Env, names: &[&str], values: &mut Map) -> Result<()> {
    let model = crate::registry::entry("res.config.settings")?;
    let may_see = access::may(env, model, Operation::Read).await?;
    for name in names {
        let Some(key) = parameter_of(name) else {
            continue;
        };
        let field = model.field(name)?;
        let stored = if may_see {
            ir_config_parameter::get(env, key).await?
        } else {
            None
        };
        let shown = match (field.kind, stored) {
            (Kind::Boolean, stored) => stored.is_some_and(|text| is_true(&text)).into(),
            (Kind::Integer, Some(text)) => text.trim().parse::<i64>().unwrap_or(0).into(),
            (_, Some(text)) if !text.is_empty() => text.into(),
            _ => AnyValue::FALSE,
        };
        values.insert(Key::Borrowed(field.name), shown);
    }
    if names.contains(&"company_id") && !values.contains_key("company_id") {
        values.insert(
            Key::Borrowed("company_id"),
            env.user().await?.company_id.into(),
        );
    }
    Ok(())
}

fn is_true(text: &str) -> bool {
    !matches!(
        text.trim().to_ascii_lowercase().as_str(),
        "" | "false" | "0" | "none"
    )
}

async fn before_create(env: &Env, values: &mut Map) -> Result<()> {
    forget_old_forms(env).await?;
    trim(values).await
}

/// Forms that nobody carried out may hold secrets as well, so that none is kept for long.
async fn forget_old_forms(env: &Env) -> Result<()> {
    let mut sql =
        env.sql("DELETE FROM res_config_settings WHERE COALESCE(write_date, create_date) < ");
    sql.bind(env.now() - KEPT_FOR);
    env.execute(sql).await?;
    Ok(())
}

async fn trim(values: &mut Map) -> Result<()> {
    for (name, value) in values.iter_mut() {
        if let (Some(_), AnyValue::Text(text)) = (parameter_of(name), &mut *value) {
            let trimmed = text.trim().to_owned();
            // In a row an empty text means that the secret was taken over; see `blank_secrets`.
            *value = AnyValue::text_or_false((!trimmed.is_empty()).then_some(trimmed));
        }
    }
    Ok(())
}

async fn set_values(call: Call<'_>) -> Result<AnyValue> {
    access::check_records(call.env, call.model, &call.ids, Operation::Write).await?;
    let fields: Vec<_> = PARAMETERS
        .iter()
        .filter_map(|(name, _)| call.model.fields.get(name))
        .collect();
    for id in &call.ids {
        let values = read::values(call.env, call.model, &[*id], &fields).await?;
        for (name, key) in PARAMETERS {
            let Some(value) = values.get(name).and_then(|column| column.first()) else {
                continue;
            };
            if is_secret(name) && value.as_text() == Some("") {
                continue;
            }
            let value = (!value.is_falsy()).then(|| value.to_python_text());
            ir_config_parameter::set(call.env, key, value.as_deref()).await?;
        }
    }
    Ok(AnyValue::Null)
}

/// Stores the form and answers the client action that loads the page again.
async fn execute(call: Call<'_>) -> Result<AnyValue> {
    let (env, ids) = (call.env, call.ids.clone());
    set_values(call).await?;
    blank_secrets(env, &ids).await?;
    Ok(map([
        ("type", "ir.actions.client".into()),
        ("tag", "reload".into()),
    ])
    .into())
}

/// Empties the secrets of forms that were carried out: they are kept as parameters only. An empty
/// text stands for "taken over", so that the same form can be carried out again.
async fn blank_secrets(env: &Env, ids: &[Id]) -> Result<()> {
    let mut sql = env.sql("UPDATE res_config_settings SET ");
    let secrets = Model::FIELDS.iter().filter(|field| is_secret(field.name));
    for (place, field) in secrets.enumerate() {
        sql.push(if place == 0 { "" } else { ", " });
        sql.name(field.name).push(" = CASE WHEN ");
        sql.name(field.name).push(" IS NOT NULL THEN '' END");
    }
    sql.push(" WHERE id");
    dialect::in_ids(&mut sql, ids);
    env.execute(sql).await?;
    Ok(())
}

fn is_secret(field: &str) -> bool {
    ["_secret", "_key", "_token"]
        .iter()
        .any(|end| field.ends_with(end))
}

async fn cancel(_: Call<'_>) -> Result<AnyValue> {
    Ok(map([
        ("type", "ir.actions.client".into()),
        ("tag", "reload".into()),
    ])
    .into())
}

async fn get_values(call: Call<'_>) -> Result<AnyValue> {
    let mut values = Map::new();
    let names: Vec<&str> = PARAMETERS
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| !is_secret(name))
        .collect();
    stored_values(call.env, &names, &mut values).await?;
    Ok(values.into())
}

/// What the OAuth applications prove themselves by and when that ends: a list of `{service, parameter, ends, days_left,
/// message}`, where `ends` is a day and `message` says what to do once 30 days or fewer are left, else false.
async fn credentials(call: Call<'_>) -> Result<AnyValue> {
    let now = call.env.now();
    let found = expiry::credentials(call.env).await?;
    let lang = call.env.reader().await?;
    let described = found.into_iter().map(|credential| {
        let notice = credential
            .is_near(now)
            .then(|| credential.notice(now).in_lang(lang));
        map([
            ("service", credential.service.authentication().into()),
            ("parameter", credential.parameter().into()),
            ("ends", credential.ends.to_string().into()),
            ("days_left", credential.days_left(now).into()),
            ("message", AnyValue::text_or_false(notice)),
        ])
        .into()
    });
    Ok(AnyValue::List(described.collect()))
}

async fn refuse_copy(_: Call<'_>) -> Result<AnyValue> {
    Err(Error::User(say!("error-settings-copied")))
}
