//! The way to the provider and back: the address of the consent, and what its answer brings.

use std::sync::Arc;

use auth::oauth::{Application, AuthorizeRequest, CodeGrant, Provider, ProviderError};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use words::{Text, say};

use super::connection;
use super::mailbox::Mailbox;
use super::secrets::{self, Grant};
use super::service::Service;
use super::tokens;
use crate::audit::{self, Act, Subject};
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::models::ir_config_parameter;
use crate::orm::{access, convert, names, search, write};
use crate::registry::{Entry, entry};
use crate::schema::Operation;
use crate::value::{AnyValue, Id};

/// How long a person may take between reading the address of the consent and coming back, in seconds.
const CONSENT_LIFETIME: i64 = 3600;
/// The token in the address stays the same for this long, because clients compare two readings.
const CONSENT_STEP: i64 = 600;

/// What travels through the provider and back, as JSON, in the shape of Odoo's.
#[derive(Serialize, Deserialize)]
struct State {
    model: String,
    id: Id,
    csrf_token: String,
}

/// The address where a person allows the program to use the mailbox of the record; `False` while
/// client id or secret are missing, and where the application needs nobody's consent.
///
/// # Errors
/// [`Error::User`] when the endpoint or the base address cannot be used.
pub async fn consent_uri(
    env: &Env,
    service: Service,
    model: &'static str,
    id: Id,
) -> Result<AnyValue> {
    if !service.is_configured(env).await?
        || connection::is_by_application(env, Mailbox { model, id }).await?
    {
        return Ok(AnyValue::FALSE);
    }
    // The secret is not part of the address.
    let applications = service.applications(env).await?;
    let application = applications.first().ok_or_else(|| service.unconfigured())?;
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
        application,
        scope: &service.scope(model, &provider),
        state: &state,
        login_hint: login_hint.as_deref().filter(|hint| !hint.is_empty()),
        code_challenge: &auth::pkce::challenge(&verifier),
    });
    Ok(AnyValue::Text(uri.to_string()))
}

async fn mailbox_user(env: &Env, model: &Entry, id: Id) -> Result<Option<String>> {
    let mut sql = env.sql("SELECT ");
    sql.name(Mailbox::user_column(model.name()))
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
    /// True when it was connected by its owner, who does not see the server's form.
    pub by_owner: bool,
}

/// Why a mailbox was not connected.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmError {
    /// The caller may not connect mailboxes, or the answer does not belong to a consent of theirs.
    #[error("{0}")]
    Forbidden(Text),
    /// The answer names something that cannot be connected.
    #[error("{0}")]
    BadState(Text),
    /// The provider refused.
    #[error("{what}")]
    Provider {
        /// What happened and what to do.
        what: Text,
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
        applications,
        provider,
        verifier,
    } = prepared?;
    let by = caller.clone();
    // Who may connect it was found out before; the tokens are none of an owner's business.
    let caller = Caller::superuser(Arc::clone(caller.backend()));
    let (code, back) = (query.code.clone(), record.clone());
    // A task of its own: a code works once, so a browser that goes away must not end it between the
    // provider's answer and the commit.
    let connected = tokio::spawn(async move {
        let model = entry(&back.model)?.name();
        let scope = service.scope(model, &provider);
        let grant = Grant::Code(CodeGrant {
            code: code.as_deref(),
            scope: &scope,
            code_verifier: Some(&verifier),
        });
        // A renewal that is under way must not overwrite what is connected now.
        let _alone = caller.backend().mail_tasks().lock((model, back.id)).await;
        let granted = secrets::ask(&caller, service, &provider, &applications, &grant)
            .await
            .map_err(|error| refused(&error, Some(back.clone())))?;
        if granted.refresh_token.is_none() {
            return Err(ConfirmError::BadState(
                say!("consent-no-refresh-token", service = %service.label()),
            ));
        }
        let mailbox = Mailbox { model, id: back.id };
        tokens::commit(&caller, service, mailbox, &granted, None).await?;
        // It is connected, whatever becomes of the note.
        if let Err(error) = note(&by, mailbox).await {
            tracing::error!(model, id = mailbox.id, %error, "who connected the mailbox is not in the trail");
        }
        Ok(())
    });
    connected
        .await
        .map_err(|_| Error::Internal("The program is shutting down.".into()))??;
    tracing::info!(model = %record.model, id = record.id, "mailbox connected");
    Ok(record)
}

/// Notes in the trail who connected the mailbox.
async fn note(caller: &Caller, mailbox: Mailbox) -> Result<()> {
    let env = caller.begin(Intent::Write).await?;
    let noted = async {
        let called = names::of(&env, entry(mailbox.model)?, &[mailbox.id]).await?;
        let subject = Subject {
            model: mailbox.model,
            id: mailbox.id,
            name: called.get(&mailbox.id).map_or("", String::as_str),
        };
        audit::note(&env, Act::Connect, subject).await
    }
    .await;
    match noted {
        Ok(()) => env.commit().await,
        Err(error) => {
            env.rollback().await.ok();
            Err(error)
        }
    }
}

struct Prepared {
    record: Confirmed,
    applications: Vec<Application>,
    provider: Provider,
    verifier: SecretString,
}

async fn prepare(
    env: &Env,
    service: Service,
    query: &ConfirmQuery,
) -> Result<Prepared, ConfirmError> {
    let is_administrator = env.has_any_group("base.group_system").await?;
    let forbidden = || ConfirmError::Forbidden(say!("consent-forbidden"));
    if !is_administrator && connection::owned(env, env.uid()).await?.is_empty() {
        return Err(forbidden());
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
                by_owner: !is_administrator,
            });
        return Err(refused(&error, record));
    }
    let state = state.ok_or_else(|| ConfirmError::Forbidden(say!("consent-no-state")))?;
    let model =
        entry(&state.model).map_err(|_| ConfirmError::BadState(say!("consent-no-model")))?;
    if !is_connectable(&state.model) {
        return Err(ConfirmError::Forbidden(say!("consent-no-record")));
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
    .map_err(|_| ConfirmError::Forbidden(say!("consent-link")))?;
    let mailbox = Mailbox {
        model: model.name(),
        id: state.id,
    };
    if is_administrator {
        access::check_records(env, model, &[state.id], Operation::Write).await?;
    } else if !connection::is_owner(env, mailbox, env.uid()).await? {
        return Err(forbidden());
    }
    if search::existing(env, model, &[state.id]).await?.is_empty() {
        return Err(write::missing(model, state.id).into());
    }
    if connection::is_by_application(env, mailbox).await? {
        return Err(ConfirmError::BadState(say!("consent-unneeded")));
    }
    Ok(Prepared {
        applications: service.applications(env).await?,
        provider: service.provider(env).await?,
        verifier: auth::pkce::verifier(&key, &state.csrf_token),
        record: Confirmed {
            model: state.model,
            id: state.id,
            by_owner: !is_administrator,
        },
    })
}

fn is_connectable(model: &str) -> bool {
    matches!(model, "ir.mail_server" | "fetchmail.server")
}

fn refused(error: &ProviderError, record: Option<Confirmed>) -> ConfirmError {
    tracing::warn!(
        code = error.code,
        aadsts = error.aadsts,
        correlation_id = error.correlation_id,
        "a mailbox could not be connected"
    );
    ConfirmError::Provider {
        what: error.text(),
        description: error.description.clone(),
        record,
    }
}
