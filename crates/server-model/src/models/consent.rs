//! What outgoing and incoming servers share: the fields and the button of the OAuth consent.

use futures_util::FutureExt;

use words::say;

use crate::env::Env;
use crate::error::{Error, Result};
use crate::oauth_flow::{self, Service, connection, mailbox};
use crate::orm::{access, search, write};
use crate::schema::{Call, Default, Field, Kind, Operation, computed};
use crate::value::{AnyValue, Id, map};

/// The fields of a model's OAuth connection.
macro_rules! connection_fields {
    ($model:literal) => {
        &[
            computed(
                "is_microsoft_outlook_configured",
                "Outlook Credentials Entered",
                Kind::Boolean,
                &[],
                |env, ids| configured(env, Service::Outlook, ids).boxed(),
            )
            .help("True once the client ID and the client secret of the Microsoft application are in the settings."),
            computed(
                "microsoft_outlook_uri",
                "Authentication URI",
                Kind::Char,
                &[],
                |env, ids| uris(env, Service::Outlook, $model, ids).boxed(),
            )
            .help("Where to sign in at Microsoft to let the mailbox be used.")
            .groups("base.group_system"),
            computed("google_gmail_uri", "URI", Kind::Char, &[], |env, ids| {
                uris(env, Service::Gmail, $model, ids).boxed()
            })
            .help("Where to sign in at Google to let the mailbox be used.")
            .groups("base.group_system"),
            computed(
                "postern_oauth_state",
                "Connection",
                Kind::Selection(mailbox::STATES),
                &[],
                |env, ids| mailbox::states(env, $model, ids).boxed(),
            )
            .help("Whether the provider still lets the mailbox be used: after a refusal, who has to act. Empty for servers that sign in without a provider.")
            .groups("base.group_system"),
            computed(
                "postern_oauth_error",
                "Connection Error",
                Kind::Text,
                &[],
                |env, ids| mailbox::errors(env, $model, ids).boxed(),
            )
            .help("What the provider said when it refused last, and what to do about it.")
            .groups("base.group_system"),
            computed(
                "postern_oauth_grant",
                "Permission",
                Kind::Selection(connection::GRANTS),
                &[],
                |env, ids| connection::grants(env, $model, ids).boxed(),
            )
            .inverse(|env, ids, value| connection::set_grant(env, $model, ids, value).boxed())
            .default(Default::Text("delegated"))
            .help("How an Outlook mailbox is allowed to be used: a person consents by signing in, or an administrator of the tenant allows the application to use it by itself.")
            .groups("base.group_system"),
            computed(
                "postern_owner_id",
                "Owner",
                Kind::Many2one("res.users"),
                &[],
                |env, ids| connection::owners(env, $model, ids).boxed(),
            )
            .inverse(|env, ids, value| connection::set_owner(env, $model, ids, value).boxed())
            .help("The user who may connect the mailbox by signing in, without access to the settings.")
            .groups("base.group_system"),
            computed(
                "postern_oauth_account",
                "Connected Account",
                Kind::Char,
                &[],
                |env, ids| connection::accounts(env, $model, ids).boxed(),
            )
            .help("Whose account was connected, where the provider tells.")
            .groups("base.group_system"),
            computed(
                "postern_oauth_warning",
                "Connection Warning",
                Kind::Text,
                &[],
                |env, ids| connection::warnings(env, $model, ids).boxed(),
            )
            .help("Says so when another account was connected than the one that stands as the user name.")
            .groups("base.group_system"),
        ]
    };
}

/// Those of `ir.mail_server`.
pub const OUTGOING: &[Field] = connection_fields!("ir.mail_server");
/// Those of `fetchmail.server`.
pub const INCOMING: &[Field] = connection_fields!("fetchmail.server");

/// Whether the service's credentials are entered, the same for every record.
///
/// # Errors
/// When the database fails.
pub async fn configured(env: &Env, service: Service, ids: &[Id]) -> Result<Vec<AnyValue>> {
    let configured = service.is_configured(env).await?;
    Ok(vec![configured.into(); ids.len()])
}

/// The address of the consent for each record.
///
/// # Errors
/// When the endpoint or the base address cannot be used.
pub async fn uris(
    env: &Env,
    service: Service,
    model: &'static str,
    ids: &[Id],
) -> Result<Vec<AnyValue>> {
    let mut uris = Vec::with_capacity(ids.len());
    for id in ids {
        uris.push(oauth_flow::consent_uri(env, service, model, *id).await?);
    }
    Ok(uris)
}

/// The button "Connect your account": a client action that opens the address of the consent.
///
/// # Errors
/// [`Error::User`] while the credentials are incomplete, [`Error::Value`] for several records.
pub async fn open_uri(call: Call<'_>, service: Service) -> Result<AnyValue> {
    let [id] = call.ids[..] else {
        return Err(Error::Value(say!("error-consent-one-mailbox")));
    };
    access::check_records(call.env, call.model, &[id], Operation::Write).await?;
    if search::existing(call.env, call.model, &[id])
        .await?
        .is_empty()
    {
        return Err(write::missing(call.model, id));
    }
    match oauth_flow::consent_uri(call.env, service, call.model.name(), id).await? {
        AnyValue::Text(uri) => {
            Ok(map([("type", "ir.actions.act_url".into()), ("url", uri.into())]).into())
        }
        _ if !service.is_configured(call.env).await? => Err(service.unconfigured()),
        _ => Err(Error::User(say!("error-consent-unneeded"))),
    }
}
