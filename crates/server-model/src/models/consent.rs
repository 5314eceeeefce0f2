//! What outgoing and incoming servers share: the fields and the button of the OAuth consent.

use crate::env::Env;
use crate::error::{Error, Result};
use crate::oauth_flow::{self, Service};
use crate::orm::{access, search, write};
use crate::schema::{Call, Operation};
use crate::value::{AnyValue, Id, map};

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
        return Err(Error::Value(
            "One mailbox is connected at a time: call this on a single record.".into(),
        ));
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
        _ => Err(service.unconfigured()),
    }
}
