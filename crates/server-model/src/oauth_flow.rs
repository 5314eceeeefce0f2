//! Connecting a mailbox by OAuth: the address of the consent, its answer, and tokens to sign in with.

use std::sync::Arc;

use auth::oauth::{
    Application, AuthorizeRequest, CodeGrant, Provider, ProviderError, RefreshGrant, TokenSet,
    google, microsoft,
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::ir_config_parameter;
use crate::orm::{access, convert, search, write};
use crate::registry::{Entry, entry};
use crate::schema::Operation;
use crate::value::{AnyValue, Id, Key, Map};

/// How long a person may take between reading the address of the consent and coming back, in seconds.
const CONSENT_LIFETIME: i64 = 3600;
/// The token in the address stays the same for this long, because clients compare two readings.
const CONSENT_STEP: i64 = 600;
/// An access token that ends within so many seconds is renewed before it is used.
const RENEWAL_MARGIN: i64 = 120;

/// Whose mailboxes are connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Microsoft 365 and outlook.com.
    Outlook,
    /// Gmail and Google Workspace.
    Gmail,
}

impl Service {
    /// What the columns and parameters of the service start with.
    const fn prefix(self) -> &'static str {
        match self {
            Service::Outlook => "microsoft_outlook",
            Service::Gmail => "google_gmail",
        }
    }

    /// The name a person knows.
    pub const fn label(self) -> &'static str {
        match self {
            Service::Outlook => "Outlook",
            Service::Gmail => "Gmail",
        }
    }

    /// The value of `smtp_authentication` and `server_type` that stands for the service.
    pub const fn authentication(self) -> &'static str {
        match self {
            Service::Outlook => "outlook",
            Service::Gmail => "gmail",
        }
    }

    /// The service that a value of `smtp_authentication` or `server_type` stands for.
    pub fn of(authentication: &str) -> Option<Service> {
        match authentication {
            "outlook" => Some(Service::Outlook),
            "gmail" => Some(Service::Gmail),
            _ => None,
        }
    }

    fn column(self, name: &str) -> String {
        format!("{}_{name}", self.prefix())
    }

    fn scope(self, model: &str) -> String {
        match (self, model) {
            (Service::Outlook, "fetchmail.server") => microsoft::scope(microsoft::IMAP_ACCESS),
            (Service::Outlook, _) => microsoft::scope(microsoft::SMTP_SEND),
            (Service::Gmail, _) => google::MAIL.to_owned(),
        }
    }

    /// Whether the client id and secret are set.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_configured(self, env: &Env) -> Result<bool> {
        Ok(self.credentials(env).await?.is_some())
    }

    async fn credentials(self, env: &Env) -> Result<Option<(String, SecretString)>> {
        let id = ir_config_parameter::get(env, &self.column("client_id")).await?;
        let secret = ir_config_parameter::get(env, &self.column("client_secret")).await?;
        Ok(match (id, secret) {
            (Some(id), Some(secret)) if !id.is_empty() && !secret.is_empty() => {
                Some((id, SecretString::from(secret)))
            }
            _ => None,
        })
    }

    async fn provider(self, env: &Env) -> Result<Provider> {
        match self {
            Service::Outlook => {
                let endpoint = ir_config_parameter::get(env, "microsoft_outlook.endpoint").await?;
                microsoft::provider(endpoint.as_deref())
            }
            Service::Gmail => google::provider(),
        }
        .map_err(|error| Error::User(error.to_string()))
    }

    async fn application(self, env: &Env) -> Result<Application> {
        let (id, secret) = self
            .credentials(env)
            .await?
            .ok_or_else(|| self.unconfigured())?;
        let redirect_uri = self.redirect_uri(env).await?;
        Application::new(&id, Some(secret), &redirect_uri)
            .map_err(|error| Error::User(error.to_string()))
    }

    /// The address that the provider sends people back to; it must be registered there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn redirect_uri(self, env: &Env) -> Result<String> {
        let base = ir_config_parameter::base_url(env).await?;
        Ok(format!("{base}/{}/confirm", self.prefix()))
    }

    /// The refusal when client id or secret are missing.
    pub fn unconfigured(self) -> Error {
        Error::User(format!(
            "The {} credentials are not complete: enter the client ID and the client secret in the settings first.",
            self.label()
        ))
    }
}

/// What travels through the provider and back, as JSON, in the shape of Odoo's.
#[derive(Serialize, Deserialize)]
struct State {
    model: String,
    id: Id,
    csrf_token: String,
}

/// The column with the user name of the mailbox.
fn user_column(model: &str) -> &'static str {
    if model == "fetchmail.server" {
        "user"
    } else {
        "smtp_user"
    }
}

/// The address where a person allows the program to use the mailbox of the record; `False` while
/// client id or secret are missing.
///
/// # Errors
/// [`Error::User`] when the endpoint or the base address cannot be used.
pub async fn consent_uri(env: &Env, service: Service, model: &str, id: Id) -> Result<AnyValue> {
    if !service.is_configured(env).await? {
        return Ok(AnyValue::FALSE);
    }
    let application = service.application(env).await?;
    let provider = service.provider(env).await?;
    let key = ir_config_parameter::database_secret(env).await?;
    let now = auth::csrf::steady(env.backend().unix_now(), CONSENT_STEP);
    let csrf_token = auth::csrf::issue(
        &key,
        service.prefix(),
        &[model, &id.to_string(), &env.uid().to_string()],
        now,
    );
    let verifier = auth::pkce::verifier(&key, &csrf_token);
    let state = State {
        model: model.to_owned(),
        id,
        csrf_token,
    };
    let state = serde_json::to_string(&state)
        .map_err(|error| Error::Internal(format!("The state could not be written: {error}")))?;
    let login_hint = mailbox_user(env, entry(model)?, id).await?;
    let uri = provider.authorize_url(&AuthorizeRequest {
        application: &application,
        scope: &service.scope(model),
        state: &state,
        login_hint: login_hint.as_deref().filter(|hint| !hint.is_empty()),
        code_challenge: &auth::pkce::challenge(&verifier),
    });
    Ok(AnyValue::Text(uri.to_string()))
}

async fn mailbox_user(env: &Env, model: &Entry, id: Id) -> Result<Option<String>> {
    let mut sql = env.sql("SELECT ");
    sql.name(user_column(model.name()))
        .push(" FROM ")
        .name(model.table());
    sql.push(" WHERE id = ").bind(id);
    match env.row(sql).await? {
        Some(row) => convert::get(&row, 0),
        None => Ok(None),
    }
}

/// What the provider sent back with the person.
#[derive(Clone, Debug, Default)]
pub struct ConfirmQuery {
    /// The code to exchange.
    pub code: Option<String>,
    /// The state, as it was sent.
    pub state: Option<String>,
    /// The OAuth error.
    pub error: Option<String>,
    /// What the provider says of the error.
    pub error_description: Option<String>,
}

/// The record whose mailbox is connected now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Its model.
    pub model: String,
    /// Its id.
    pub id: Id,
}

/// Why a mailbox was not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// The caller may not connect mailboxes, or the answer does not belong to a consent of theirs.
    #[error("{0}")]
    Forbidden(String),
    /// The answer names something that cannot be connected.
    #[error("{0}")]
    BadState(String),
    /// The provider refused.
    #[error("{what}")]
    Provider {
        /// What happened and what to do.
        what: String,
        /// The provider's own words; foreign text.
        description: Option<String>,
        /// The record to go back to, when the answer names one.
        record: Option<Confirmed>,
    },
    /// Something failed here.
    #[error(transparent)]
    Failed(#[from] Error),
}

/// Takes the provider's answer: checks that it belongs to a consent of this administrator,
/// exchanges the code and stores the tokens.
///
/// # Errors
/// [`ConfirmError`]; then nothing was stored.
pub async fn confirm(
    caller: &Caller,
    service: Service,
    query: &ConfirmQuery,
) -> Result<Confirmed, ConfirmError> {
    let env = caller.begin(Intent::Read).await?;
    let prepared = prepare(&env, service, query).await;
    env.rollback().await?;
    let Prepared {
        record,
        application,
        provider,
        verifier,
    } = prepared?;
    let scope = service.scope(&record.model);
    let grant = CodeGrant {
        code: query.code.as_deref(),
        scope: &scope,
        code_verifier: Some(&verifier),
    };
    let tokens = caller
        .backend()
        .oauth()
        .exchange_code(&provider, &application, &grant)
        .await
        .map_err(|error| refused(&error, Some(record.clone())))?;
    if tokens.refresh_token.is_none() {
        return Err(ConfirmError::BadState(format!(
            "{} gave no refresh token, so the mailbox would be lost within the hour. Check that the application may request offline access, and connect again.",
            service.label()
        )));
    }
    let env = caller.begin(Intent::Write).await?;
    store(&env, service, &record.model, record.id, &tokens).await?;
    env.commit().await?;
    tracing::info!(model = %record.model, id = record.id, "mailbox connected");
    Ok(record)
}

struct Prepared {
    record: Confirmed,
    application: Application,
    provider: Provider,
    verifier: SecretString,
}

async fn prepare(
    env: &Env,
    service: Service,
    query: &ConfirmQuery,
) -> Result<Prepared, ConfirmError> {
    if !env.has_any_group("base.group_system").await? {
        return Err(ConfirmError::Forbidden(
            "Only administrators (base.group_system) may connect mailboxes.".into(),
        ));
    }
    let state: Option<State> = query
        .state
        .as_deref()
        .and_then(|state| serde_json::from_str(state).ok());
    if query.error.is_some() || query.error_description.is_some() {
        let error = ProviderError::from_callback(
            query.error.as_deref(),
            query.error_description.as_deref(),
        );
        let record = state
            .filter(|state| is_connectable(&state.model))
            .map(|state| Confirmed {
                model: state.model,
                id: state.id,
            });
        return Err(refused(&error, record));
    }
    let state = state.ok_or_else(|| {
        ConfirmError::Forbidden(
            "The answer carries no readable state. Start again from the server's form.".into(),
        )
    })?;
    let model = entry(&state.model).map_err(|_| {
        ConfirmError::BadState(
            "The answer names a model that does not exist. Start again from the server's form."
                .into(),
        )
    })?;
    if !is_connectable(&state.model) {
        return Err(ConfirmError::Forbidden(
            "The answer names a record that cannot be connected to a mailbox.".into(),
        ));
    }
    let key = ir_config_parameter::database_secret(env).await?;
    auth::csrf::check(
        &key,
        service.prefix(),
        &[&state.model, &state.id.to_string(), &env.uid().to_string()],
        &state.csrf_token,
        env.backend().unix_now(),
        CONSENT_LIFETIME + CONSENT_STEP,
    )
    .map_err(|_| {
        ConfirmError::Forbidden(
            "The link was made for another user or record, or it is too old. Start again from the server's form.".into(),
        )
    })?;
    access::check_records(env, model, &[state.id], Operation::Write).await?;
    if search::existing(env, model, &[state.id]).await?.is_empty() {
        return Err(write::missing(model, state.id).into());
    }
    Ok(Prepared {
        application: service.application(env).await?,
        provider: service.provider(env).await?,
        verifier: auth::pkce::verifier(&key, &state.csrf_token),
        record: Confirmed {
            model: state.model,
            id: state.id,
        },
    })
}

fn is_connectable(model: &str) -> bool {
    matches!(model, "ir.mail_server" | "fetchmail.server")
}

fn refused(error: &ProviderError, record: Option<Confirmed>) -> ConfirmError {
    ConfirmError::Provider {
        what: error.to_string(),
        description: error.description.clone(),
        record,
    }
}

async fn store(env: &Env, service: Service, model: &str, id: Id, tokens: &TokenSet) -> Result<()> {
    let mut values = Map::new();
    if let Some(refresh_token) = &tokens.refresh_token {
        values.insert(
            Key::Owned(service.column("refresh_token")),
            refresh_token.expose_secret().into(),
        );
    }
    values.insert(
        Key::Owned(service.column("access_token")),
        tokens.access_token.expose_secret().into(),
    );
    values.insert(
        Key::Owned(service.column("access_token_expiration")),
        tokens.expires_at_unix.into(),
    );
    write::update(env, entry(model)?, &[id], &values).await
}

/// What a record holds of its mailbox's tokens.
struct Held {
    refresh_token: SecretString,
    access_token: SecretString,
    expires_at: i64,
}

/// An access token for the mailbox of the record, renewed when it is about to end.
///
/// With `refused`, the token that a server just turned down, another one is fetched even though
/// it had time left. The renewed refresh token is committed before its access token is given out,
/// and of two renewals at once only one is made.
///
/// # Errors
/// [`Error::User`] when the mailbox is not connected or the provider refuses; the old tokens stay.
pub async fn access_token(
    caller: &Caller,
    service: Service,
    model: &'static str,
    id: Id,
    refused: Option<&SecretString>,
) -> Result<SecretString> {
    let superuser = Caller::superuser(Arc::clone(caller.backend()));
    if let Some(token) = usable(&superuser, service, model, id, refused).await?.1 {
        return Ok(token);
    }
    let _alone = caller.backend().mail_tasks().lock((model, id)).await;
    // Somebody else may have renewed it while we waited.
    let (held, token) = usable(&superuser, service, model, id, refused).await?;
    if let Some(token) = token {
        return Ok(token);
    }
    let env = superuser.begin(Intent::Read).await?;
    let request = async {
        Ok::<_, Error>((
            service.provider(&env).await?,
            service.application(&env).await?,
        ))
    }
    .await;
    env.rollback().await?;
    let (provider, application) = request?;
    let scope = service.scope(model);
    let grant = RefreshGrant {
        refresh_token: &held.refresh_token,
        scope: &scope,
    };
    let tokens = superuser
        .backend()
        .oauth()
        .refresh(&provider, &application, &grant)
        .await
        .map_err(|error| {
            tracing::warn!(model, id, code = %error.code, "the access token could not be renewed");
            Error::User(format!(
                "{error}{}",
                error
                    .description
                    .as_deref()
                    .map(|words| format!(" {} says: {words}", service.label()))
                    .unwrap_or_default()
            ))
        })?;
    let env = superuser.begin(Intent::Write).await?;
    store(&env, service, model, id, &tokens).await?;
    env.commit().await?;
    tracing::info!(model, id, "access token renewed");
    Ok(tokens.access_token)
}

async fn usable(
    superuser: &Caller,
    service: Service,
    model: &'static str,
    id: Id,
    refused: Option<&SecretString>,
) -> Result<(Held, Option<SecretString>)> {
    let env = superuser.begin(Intent::Read).await?;
    let held = held(&env, service, entry(model)?, id).await;
    env.rollback().await?;
    let held = held?;
    if held.refresh_token.expose_secret().is_empty() {
        return Err(Error::User(format!(
            "The mailbox is not connected to {} yet. Open the server's form, choose \"Connect your {} account\" and sign in as its user.",
            service.label(),
            service.label()
        )));
    }
    let token = held.access_token.expose_secret();
    let alive = !token.is_empty()
        && held.expires_at > superuser.backend().unix_now() + RENEWAL_MARGIN
        && refused.is_none_or(|refused| refused.expose_secret() != token);
    let token = alive.then(|| held.access_token.clone());
    Ok((held, token))
}

async fn held(env: &Env, service: Service, model: &Entry, id: Id) -> Result<Held> {
    let mut sql = env.sql("SELECT ");
    sql.name(&service.column("refresh_token")).push(", ");
    sql.name(&service.column("access_token")).push(", ");
    sql.name(&service.column("access_token_expiration"));
    sql.push(" FROM ")
        .name(model.table())
        .push(" WHERE id = ")
        .bind(id);
    let row = env
        .row(sql)
        .await?
        .ok_or_else(|| write::missing(model, id))?;
    let text = |at| -> Result<SecretString> {
        Ok(SecretString::from(
            convert::get::<String>(&row, at)?.unwrap_or_default(),
        ))
    };
    Ok(Held {
        refresh_token: text(0)?,
        access_token: text(1)?,
        expires_at: convert::get::<i32>(&row, 2)?.map_or(0, i64::from),
    })
}
