//! `fetchmail.server`: the mailboxes that mail comes in from.

use chrono::NaiveDateTime;
use sea_orm::entity::prelude::*;
use server_model_derive::OdooFields;

use futures_util::FutureExt;

use words::{Text, say};

use super::{by_id, consent, ir_model};
use crate::doctor;
use crate::env::Env;
use crate::error::{Error, Result};
use crate::gateway::{fetch, session};
use crate::oauth_flow::{Service, connection};
use crate::orm::write;
use crate::schema::{
    self, Call, Kind, Selection, access, computed, field, method, model, outside_method,
};
use crate::unverified::Unverified;
use crate::value::{AnyValue, Id, Key, Map, map};

const STATE: Selection = &[("draft", "Not Confirmed"), ("done", "Confirmed")];
const SERVER_TYPE: Selection = &[
    ("imap", "IMAP Server"),
    ("pop", "POP Server"),
    ("local", "Local Server"),
    ("gmail", "Gmail OAuth Authentication"),
    ("outlook", "Outlook OAuth Authentication"),
];

#[derive(Clone, PartialEq, DeriveEntityModel, OdooFields)]
#[sea_orm(table_name = "fetchmail_server")]
pub struct Model {
    #[sea_orm(primary_key)]
    #[odoo(label = "ID")]
    pub id: i32,
    /// The TCP port, usually 993 for IMAP and 995 for POP3 over SSL/TLS.
    #[odoo(label = "Port")]
    pub port: Option<i32>,
    /// The kind of record to make of a mail that is no reply and meant for no alias.
    #[odoo(label = "Create a New Record", many2one = "ir.model")]
    pub object_id: Option<i32>,
    /// Mailboxes are fetched in this order, the smallest number first.
    #[odoo(label = "Server Priority", default = 5)]
    pub priority: Option<i32>,
    #[odoo(many2one = "res.users", label = "Created by")]
    pub create_uid: Option<i32>,
    #[odoo(many2one = "res.users", label = "Last Updated by")]
    pub write_uid: Option<i32>,
    #[odoo(label = "Name")]
    pub name: String,
    /// Whether the login was confirmed; only confirmed mailboxes are fetched by themselves.
    #[odoo(label = "Status", selection = STATE, readonly, no_copy, default = "draft")]
    pub state: Option<String>,
    /// The host name or IP address of the server.
    #[odoo(label = "Server Name")]
    pub server: Option<String>,
    /// How the mailbox is read.
    #[odoo(label = "Server Type", selection = SERVER_TYPE, default = "imap")]
    pub server_type: String,
    /// The user name to sign in with; for Outlook and Gmail the address of the mailbox.
    #[odoo(label = "Username")]
    pub user: Option<String>,
    /// The password to sign in with.
    #[odoo(label = "Password", secret)]
    pub password: Option<String>,
    #[odoo(
        label = "Script",
        readonly,
        default = "/mail/static/scripts/odoo-mailgate.py"
    )]
    pub script: Option<String>,
    #[odoo(label = "Configuration", text, readonly)]
    pub configuration: Option<String>,
    #[odoo(label = "Active", default = true)]
    pub active: Option<bool>,
    /// Whether the connection is over SSL/TLS from the start.
    #[odoo(label = "SSL/TLS")]
    pub is_ssl: Option<bool>,
    /// Whether attachments are kept.
    #[odoo(label = "Keep Attachments", default = true)]
    pub attach: Option<bool>,
    /// Whether the whole original mail is kept as an attachment too.
    #[odoo(label = "Keep Original")]
    pub original: Option<bool>,
    /// When the mailbox was fetched last, whether it worked or not.
    #[odoo(label = "Last Fetch Date", readonly)]
    pub date: Option<NaiveDateTime>,
    #[odoo(label = "Created on")]
    pub create_date: Option<NaiveDateTime>,
    #[odoo(label = "Last Updated on")]
    pub write_date: Option<NaiveDateTime>,
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

pub const MODEL: schema::Model =
    model("fetchmail.server", "Incoming mail server", "fetchmail_server")
        .order("priority")
        .audited()
        .columns(Model::FIELDS)
        .mixin(consent::INCOMING)
        .virtuals(&[
            computed(
                "server_type_info",
                "Server Type Info",
                Kind::Text,
                &["server_type"],
                |env, ids| server_type_info(env, ids).boxed(),
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
            field(
                "message_ids",
                "Messages",
                Kind::One2many {
                    model: "mail.mail",
                    inverse: "fetchmail_server_id",
                },
            )
            .readonly(),
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
            outside_method("button_confirm_login", &[], |call| {
                async move { fetch::confirm_login(&call).await }.boxed()
            }),
            outside_method("fetch_mail", &["raise_exception?"], |mut call| {
                async move {
                    let quiet = call
                        .args
                        .take("raise_exception")
                        .is_some_and(|raise| raise.is_falsy());
                    fetch::fetch_mail(&call, quiet).await
                }
                .boxed()
            }),
            outside_method("postern_doctor", &[], |call| {
                async move { doctor::incoming(&call).await }.boxed()
            })
            .groups("base.group_system"),
            method("set_draft", &[], |call| set_draft(call).boxed()),
        ])
        .hooks(schema::Hooks {
            check: Some(|env, ids, _| check(env, ids).boxed()),
            before_unlink: Some(|env, ids| connection::forget(env, "fetchmail.server", ids).boxed()),
            onchange: Some(|env, changed, form| onchange(env, changed, form).boxed()),
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

async fn check(env: &Env, ids: &[Id]) -> Result<()> {
    for server in rows(env, ids).await? {
        let Some(service) = Service::of(&server.server_type) else {
            continue;
        };
        let (name, label) = (&server.name, service.label());
        // Odoo lets a Gmail mailbox be entered without SSL/TLS; no token is sent that way all the same.
        if service == Service::Outlook && !server.is_ssl.unwrap_or(false) {
            return Err(Error::User(
                say!("error-mailbox-needs-ssl", %name, %label).about("is_ssl"),
            ));
        }
        if server.password.as_deref().is_some_and(|p| !p.is_empty()) {
            return Err(Error::User(
                say!("error-token-no-password", %name, %label).about("password"),
            ));
        }
    }
    Ok(())
}

/// What a form fills in when a choice is made, as Odoo's does. The box for SSL alone moves no port.
async fn onchange(env: &Env, changed: &str, form: &mut Map) -> Result<Option<Map>> {
    let is_local = form
        .get("server_type")
        .and_then(AnyValue::as_text)
        .is_some_and(|kind| kind == "local");
    if is_local && matches!(changed, "server_type" | "object_id") {
        let pipe = pipe(env, form).await?;
        form.insert(Key::Borrowed("configuration"), pipe.into());
    }
    if changed != "server_type" {
        return Ok(None);
    }
    let kind = form
        .get("server_type")
        .and_then(AnyValue::as_text)
        .unwrap_or_default();
    let encrypted = form.get("is_ssl").is_some_and(|value| !value.is_falsy());
    let (host, port) = match kind {
        "outlook" => (Some("imap.outlook.com"), 993),
        "gmail" => (Some("imap.gmail.com"), 993),
        "imap" if encrypted => (None, 993),
        "imap" => (None, 143),
        "pop" if encrypted => (None, 995),
        "pop" => (None, 110),
        _ => {
            form.insert(Key::Borrowed("server"), AnyValue::FALSE);
            (None, 0)
        }
    };
    if let Some(host) = host {
        form.insert(Key::Borrowed("server"), host.into());
        form.insert(Key::Borrowed("is_ssl"), true.into());
    }
    form.insert(Key::Borrowed("port"), port.into());
    Ok(None)
}

/// How a mail server on this machine hands mail in, for a server without a mailbox.
async fn pipe(env: &Env, form: &Map) -> Result<String> {
    let model = match form.get("object_id").and_then(AnyValue::as_id) {
        Some(id) => ir_model::name_of(env, id).await?,
        None => None,
    };
    let model = model.map_or_else(String::new, |model| format!(" --model {model}"));
    let command = format!(
        "postern mailgate --database {} --userid {}{model} --password-file FILE",
        env.backend().database().name(),
        env.uid()
    );
    let told = Text::lines([say!("pipe-above"), Text::quote(command), say!("pipe-below")]);
    Ok(told.in_lang(env.reader().await?))
}

async fn set_draft(call: Call<'_>) -> Result<AnyValue> {
    let values = map([("state", "draft".into())]);
    write::records(call.env, call.model, &call.ids, values).await?;
    Ok(true.into())
}

async fn server_type_info(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let lang = env.reader().await?;
    let servers = rows(env, ids).await?;
    Ok(ids
        .iter()
        .map(|id| {
            let kind = servers
                .iter()
                .find(|server| server.id == *id)
                .map(|server| server.server_type.as_str());
            match kind {
                Some("local") => say!("info-local").in_lang(lang).into(),
                Some("gmail") => say!("info-fetch-gmail").in_lang(lang).into(),
                Some("outlook") => say!("info-fetch-outlook").in_lang(lang).into(),
                _ => AnyValue::FALSE,
            }
        })
        .collect())
}

async fn tls_warnings(env: &Env, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let unverified = Unverified::read(env).await?;
    let servers = rows(env, ids).await?;
    let lang = env.reader().await?;
    let found = servers.iter().filter_map(|server| {
        let warning = session::warning_of(server, &unverified)?;
        Some((server.id, warning.in_lang(lang)))
    });
    Ok(by_id::ordered(ids, found.collect()))
}
