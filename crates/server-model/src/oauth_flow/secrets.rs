//! A certificate and two client secrets side by side, so that each can be replaced without interruption: the
//! certificate is tried first, then the new secret, then the old one where the provider does not know the new one
//! yet; once the new one works, it takes the old one's place.

use std::sync::Arc;

use auth::oauth::{Application, CodeGrant, Provider, ProviderError, RefreshGrant, TokenSet};

use secrecy::SecretString;

use super::expiry;
use super::service::{NEXT_SECRET, SECRET, Service};
use crate::env::Caller;
use crate::error::Error;
use crate::models::ir_config_parameter;
use crate::retry::in_work;

/// The refresh token of nobody.
const NO_TOKEN: &str = "postern-doctor";

/// What the provider is asked with.
pub(super) enum Grant<'a> {
    /// The code of a consent.
    Code(CodeGrant<'a>),
    /// A refresh token.
    Refresh(RefreshGrant<'a>),
    /// Nothing but who the application is.
    Application {
        /// What it asks for.
        scope: &'a str,
    },
}

/// Asks the provider with each of the application's secrets in turn until one is not refused.
///
/// # Errors
/// What the provider said to the last one.
pub(super) async fn ask(
    caller: &Caller,
    service: Service,
    provider: &Provider,
    applications: &[Application],
    grant: &Grant<'_>,
) -> Result<TokenSet, Box<ProviderError>> {
    let oauth = caller.backend().oauth();
    let mut refusal = None;
    for (nth, application) in (1..).zip(applications) {
        let is_last = nth == applications.len();
        let answer = match grant {
            Grant::Code(grant) => oauth.exchange_code(provider, application, grant).await,
            Grant::Refresh(grant) => oauth.refresh(provider, application, grant).await,
            Grant::Application { scope } => {
                oauth.client_credentials(provider, application, scope).await
            }
        };
        match answer {
            Ok(tokens) => {
                if !is_last {
                    promote(caller, service, application).await;
                }
                return Ok(tokens);
            }
            Err(error) if !is_last && is_about_the_credential(&error) => {
                tracing::warn!(
                    service = service.label(),
                    code = error.code,
                    "a certificate or client secret of the application is refused; the next one is tried"
                );
                refusal = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    // There is at least one secret, and what is said to the last one is given back above.
    Err(refusal
        .unwrap_or_else(|| Box::new(ProviderError::from_callback(Some("invalid_client"), None))))
}

/// Asks with a refresh token that nobody has: what the provider refuses then tells whether it accepts the
/// application.
pub(crate) async fn probe(
    caller: &Caller,
    service: Service,
    provider: &Provider,
    applications: &[Application],
) -> Option<Error> {
    let grant = Grant::Refresh(RefreshGrant {
        refresh_token: &SecretString::from(NO_TOKEN),
        scope: "offline_access",
    });
    let refused = ask(caller, service, provider, applications, &grant).await;
    refused.err().map(|error| Error::Outside {
        code: error.code,
        message: error.text(),
    })
}

fn is_about_the_credential(error: &ProviderError) -> bool {
    match error.code {
        "oauth.secret_wrong"
        | "oauth.secret_expired"
        | "oauth.certificate_unknown"
        | "oauth.certificate_expired" => true,
        // Not every provider says what exactly is wrong.
        _ => error.aadsts.is_none() && error.word.as_deref() == Some("invalid_client"),
    }
}

/// If it is the new secret that works, it becomes the one in use. That this fails costs nothing but
/// another try.
async fn promote(caller: &Caller, service: Service, works: &Application) {
    match try_promote(caller, service, works).await {
        Ok(false) => {}
        Ok(true) => tracing::info!(
            service = service.label(),
            "the new client secret works and has taken the place of the old one"
        ),
        Err(error) => {
            tracing::warn!(service = service.label(), %error, "the new client secret works and could not be put in the place of the old one yet");
        }
    }
}

async fn try_promote(
    caller: &Caller,
    service: Service,
    works: &Application,
) -> Result<bool, Error> {
    let superuser = Caller::superuser(Arc::clone(caller.backend()));
    in_work!(&superuser, |env| {
        let next = service.column(NEXT_SECRET);
        let secret = ir_config_parameter::get(env, &next).await?;
        // It may be a certificate that works, and another secret may have been entered meanwhile.
        let Some(secret) = secret.filter(|secret| works.has_secret(secret)) else {
            return Ok(false);
        };
        ir_config_parameter::set(env, &service.column(SECRET), Some(&secret)).await?;
        ir_config_parameter::set(env, &next, None).await?;
        // Its end is that of the secret in use now; of one without, the old one's says nothing.
        let end = ir_config_parameter::get(env, &expiry::parameter(service, NEXT_SECRET)).await?;
        ir_config_parameter::set(env, &expiry::parameter(service, SECRET), end.as_deref()).await?;
        ir_config_parameter::set(env, &expiry::parameter(service, NEXT_SECRET), None).await?;
        Ok(true)
    })
}
