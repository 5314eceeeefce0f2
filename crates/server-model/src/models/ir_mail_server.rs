//! `ir.mail_server`: the servers that mail goes out through.

mod at_a_glance;
mod who_sends;

use std::collections::HashMap;

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use words::say;

use super::{by_id, consent, ir_config_parameter};
use crate::doctor;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::oauth_flow::{Service, connection};
use crate::outbox::choose::MASS_MAILING_SERVER;
use crate::outbox::smtp;
use crate::schema::{
    self, Kind, Selection, access, computed, method, model, model_method, outside_method,
};
use crate::unverified::Unverified;
use crate::value::{AnyValue, Id, Ids, Key, Map};

const SMTP_AUTHENTICATION: Selection = &[
    ("login", "Username"),
    ("certificate", "SSL Certificate"),
    ("cli", "Command Line Interface"),
    ("gmail", "Gmail OAuth Authentication"),
    ("outlook", "Outlook OAuth Authentication"),
];
const SMTP_ENCRYPTION: Selection = &[
    ("none", "None"),
    ("starttls", "TLS (STARTTLS)"),
    ("ssl", "SSL/TLS"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "ir_mail_server")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// The TCP port, usually 587 for STARTTLS, 465 for SSL/TLS and 25 without encryption.
    #[odoo(label = "SMTP Port", default = 25)]
    pub smtp_port: Option<i32>,
    /// Servers are tried in this order, the smallest number first.
    #[odoo(label = "Priority", default = 10)]
    pub sequence: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name")]
    pub name: String,
    /// The addresses and domains, separated by commas, that may send through this server. Empty for any.
    #[odoo(label = "FROM Filtering")]
    pub from_filter: Option<String>,
    /// The host name or IP address of the server that takes the mails.
    #[odoo(label = "SMTP Server")]
    pub smtp_host: Option<String>,
    /// How to sign in at the server.
    #[odoo(label = "Authenticate with", selection = SMTP_AUTHENTICATION, default = "login")]
    pub smtp_authentication: String,
    /// The user name to sign in with; for Outlook and Gmail the address of the mailbox.
    #[odoo(label = "Username", groups = "base.group_system")]
    pub smtp_user: Option<String>,
    /// The password to sign in with.
    #[odoo(label = "Password", groups = "base.group_system", secret)]
    pub smtp_pass: Option<String>,
    /// How the connection is protected. The certificate of the server is always verified.
    #[odoo(label = "Connection Encryption", selection = SMTP_ENCRYPTION, default = "none")]
    pub smtp_encryption: String,
    #[odoo(label = "Debugging")]
    pub smtp_debug: Option<bool>,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
    /// The largest mail the server takes, in MB. Empty for the general limit.
    #[odoo(label = "Max Email Size")]
    pub max_email_size: Option<f64>,
    /// The certificate to show to the server, as PEM.
    #[odoo(label = "SSL Certificate", groups = "base.group_system")]
    pub smtp_ssl_certificate: Option<Vec<u8>>,
    /// The private key of that certificate, as PEM.
    #[odoo(label = "SSL Private Key", groups = "base.group_system", secret)]
    pub smtp_ssl_private_key: Option<Vec<u8>>,
    #[odoo(
        label = "Access Token Expiration Timestamp",
        groups = "base.group_system"
    )]
    pub google_gmail_access_token_expiration: Option<i32>,
    #[odoo(label = "Authorization Code", groups = "base.group_system", secret)]
    pub google_gmail_authorization_code: Option<String>,
    #[odoo(label = "Refresh Token", groups = "base.group_system", secret)]
    pub google_gmail_refresh_token: Option<String>,
    #[odoo(label = "Access Token", groups = "base.group_system", secret)]
    pub google_gmail_access_token: Option<String>,
    #[odoo(
        label = "Outlook Access Token Expiration Timestamp",
        groups = "base.group_system"
    )]
    pub microsoft_outlook_access_token_expiration: Option<i32>,
    #[odoo(label = "Outlook Refresh Token", groups = "base.group_system", secret)]
    pub microsoft_outlook_refresh_token: Option<String>,
    #[odoo(label = "Outlook Access Token", groups = "base.group_system", secret)]
    pub microsoft_outlook_access_token: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub const MODEL: schema::Model = model("ir.mail_server", "Outgoing mail server", "ir_mail_server")
    .order("sequence, id")
    .audited()
    .columns(Model::FIELDS)
    .mixin(consent::OUTGOING)
    .virtuals(&[
        computed(
            "smtp_authentication_info",
            "Authentication Info",
            Kind::Text,
            &["smtp_authentication"],
            |env, ids| authentication_info(env, ids).boxed(),
        ),
        computed(
            "postern_tls_warning",
            "Certificate Warning",
            Kind::Text,
            &[],
            |env, ids| tls_warnings(env, ids).boxed(),
        )
        .help("Says so when the certificate of the server is not verified, because the parameter postern.tls_unverified_servers names it.")
        .groups("base.group_system"),
        computed(
            "postern_last_success",
            "Last Success",
            Kind::Datetime,
            &[],
            |env, ids| last_successes(env, ids).boxed(),
        )
        .help("When the server took a mail last, in UTC; a few seconds more may have gone by since. Empty for one that took none.")
        .groups("base.group_system"),
    ])
    .access(&[access("base.group_system", "rwcd")])
    .methods(&[
        method("open_microsoft_outlook_uri", &[], |call| {
            consent::open_uri(call, Service::Outlook).boxed()
        })
        .groups("base.group_system"),
        method("open_google_gmail_uri", &[], |call| {
            consent::open_uri(call, Service::Gmail).boxed()
        })
        .groups("base.group_system"),
        outside_method("test_smtp_connection", &["autodetect_max_email_size?"], |mut call| {
            async move {
                let autodetect = !call.args.take_or_false("autodetect_max_email_size").is_falsy();
                smtp::test_connection(&call, autodetect).await
            }
            .boxed()
        }),
        outside_method("postern_doctor", &[], |call| {
            async move { doctor::outgoing(&call).await }.boxed()
        })
        .groups("base.group_system"),
        method("postern_glance", &[], |call| at_a_glance::glance(call).boxed())
            .reads_only()
            .groups("base.group_system"),
        model_method("postern_who_sends", &["email_from"], |call| {
            who_sends::who_sends(call).boxed()
        })
        .reads_only()
        .groups("base.group_system"),
        model_method("postern_uncovered_senders", &[], |call| {
            who_sends::uncovered(call).boxed()
        })
        .reads_only()
        .groups("base.group_system"),
        outside_method("action_retrieve_max_email_size", &[], |call| {
            async move { smtp::test_connection(&call, true).await }.boxed()
        }),
    ])
    .hooks(schema::Hooks {
        after_create: Some(|env, id, _| server_changed(env, vec![id]).boxed()),
        after_write: Some(|env, ids, _| server_changed(env, ids.to_vec()).boxed()),
        check: Some(|env, ids, _| check(env, ids).boxed()),
        before_write: Some(|env, ids, values| before_write(env, ids, values).boxed()),
        before_unlink: Some(|env, ids| before_unlink(env, ids).boxed()),
        onchange: Some(|_, changed, form| onchange(changed, form).boxed()),
        ..model("", "", "").hooks
    });

/// The servers of these ids, in no particular order.
///
/// # Errors
/// When the database fails.
pub async fn rows(env: &Env, ids: &[Id]) -> Result<Vec<Model>> {
    let mut rows = Entity::find()
        .filter(Column::Id.is_in(ids.to_vec()))
        .all(env.connection())
        .await
        .map_err(crate::dialect::database_error)?;
    for row in &mut rows {
        row.open_secrets(env.backend().vault())?;
    }
    Ok(rows)
}

/// Mails that wait for a server are tried again when one was made or changed.
async fn server_changed(env: &Env, ids: Ids) -> Result<()> {
    crate::outbox::server_changed(env, &ids).await
}

async fn before_write(env: &Env, ids: &[Id], values: &mut Map) -> Result<()> {
    match values.get("active") {
        Some(active) if active.is_falsy() => keep_used(env, ids).await,
        _ => Ok(()),
    }
}

async fn before_unlink(env: &Env, ids: &[Id]) -> Result<()> {
    keep_used(env, ids).await?;
    connection::forget(env, "ir.mail_server", ids).await
}

/// A server that the settings name stays in use, or what names it would fail without a word.
async fn keep_used(env: &Env, ids: &[Id]) -> Result<()> {
    let named = ir_config_parameter::get(env, MASS_MAILING_SERVER).await?;
    let named = named.and_then(|id| id.trim().parse::<Id>().ok());
    let Some(id) = named.filter(|id| ids.contains(id)) else {
        return Ok(());
    };
    let name = rows(env, &[id]).await?.pop().map(|server| server.name);
    Err(Error::User(
        say!("error-server-of-mailings", server = %name.unwrap_or_default(), mass_mailing_server = %MASS_MAILING_SERVER),
    ))
}

async fn check(env: &Env, ids: &[Id]) -> Result<()> {
    for server in rows(env, ids).await? {
        check_one(&server)?;
    }
    Ok(())
}

fn check_one(server: &Model) -> Result<()> {
    let name = &server.name;
    let has = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    if let Some(service) = Service::of(&server.smtp_authentication) {
        let label = service.label();
        if has(&server.smtp_pass) {
            return Err(Error::User(
                say!("error-token-no-password", %name, %label).about("smtp_pass"),
            ));
        }
        if server.smtp_encryption != "starttls" {
            return Err(Error::User(
                say!("error-server-needs-starttls", %name, %label).about("smtp_encryption"),
            ));
        }
        if !has(&server.smtp_user) {
            return Err(Error::User(
                say!("error-server-needs-user", %name, %label).about("smtp_user"),
            ));
        }
    }
    if server.smtp_authentication == "certificate" {
        if server.smtp_encryption == "none" {
            return Err(Error::User(
                say!("error-server-certificate-tls", %name).about("smtp_encryption"),
            ));
        }
        if server.smtp_ssl_certificate.is_none() || server.smtp_ssl_private_key.is_none() {
            return Err(Error::User(
                say!("error-server-certificate-both", %name).about("smtp_ssl_certificate"),
            ));
        }
    }
    Ok(())
}

/// What a form fills in when a choice is made, as Odoo's does.
async fn onchange(changed: &str, form: &mut Map) -> Result<Option<Map>> {
    let text = |form: &Map, name: &str| {
        form.get(name)
            .and_then(AnyValue::as_text)
            .unwrap_or_default()
            .to_owned()
    };
    let service = Service::of(&text(form, "smtp_authentication"));
    match changed {
        // A provider's port is what its service needs, whatever the encryption says.
        "smtp_encryption" if service.is_none() => {
            let port = if text(form, "smtp_encryption") == "ssl" {
                465
            } else {
                25
            };
            form.insert(Key::Borrowed("smtp_port"), port.into());
        }
        "smtp_authentication" => {
            let host = match service {
                Some(Service::Outlook) => "smtp.outlook.com",
                Some(Service::Gmail) => "smtp.gmail.com",
                None => return Ok(None),
            };
            form.insert(Key::Borrowed("smtp_host"), host.into());
            form.insert(Key::Borrowed("smtp_encryption"), "starttls".into());
            form.insert(Key::Borrowed("smtp_port"), 587.into());
            send_as_user(form);
        }
        "smtp_user" if service.is_some() => send_as_user(form),
        _ => {}
    }
    Ok(None)
}

/// A provider lets a mailbox send under its own address only.
fn send_as_user(form: &mut Map) {
    let user = form.get("smtp_user").cloned().unwrap_or_default();
    form.insert(Key::Borrowed("from_filter"), user);
}

async fn authentication_info(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let lang = env.reader().await?;
    let servers = rows(env, ids).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let authentication = servers
                .iter()
                .find(|server| server.id == *id)
                .map(|server| server.smtp_authentication.as_str());
            match authentication {
                Some("login") => say!("info-login").in_lang(lang).into(),
                Some("certificate") => say!("info-certificate").in_lang(lang).into(),
                Some("cli") => say!("info-cli").in_lang(lang).into(),
                Some("gmail") => say!("info-gmail").in_lang(lang).into(),
                Some("outlook") => say!("info-outlook").in_lang(lang).into(),
                _ => AnyValue::FALSE,
            }
        })
        .collect())
}

async fn last_successes(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let select =
        "SELECT mail_server_id, last_success FROM postern_mail_server_success WHERE mail_server_id";
    let found: HashMap<Id, NaiveDateTime> = by_id::values(env, select, ids).await?;
    let moment = |id| {
        found
            .get(id)
            .copied()
            .map_or(AnyValue::FALSE, AnyValue::Datetime)
    };
    Ok(ids.iter().map(moment).collect())
}

async fn tls_warnings(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let unverified = Unverified::read(env).await?;
    let own = env.backend().own_server();
    let lang = env.reader().await?;
    let servers = rows(env, ids).await?;
    let found = servers.iter().filter_map(|server| {
        let warning = smtp::warning_of(own, server, &unverified)?;
        Some((server.id, warning.in_lang(lang)))
    });
    Ok(by_id::ordered(ids, found.collect()))
}
