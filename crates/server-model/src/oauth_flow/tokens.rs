//! Tokens to sign in with: kept with their record, renewed before they end and when they are refused.

use std::sync::Arc;
use std::time::{Duration, Instant};

use auth::oauth::{ProviderError, RefreshGrant, TokenSet};
use secrecy::{ExposeSecret, SecretString};

use words::{Text, say};

use super::connection;
use super::mailbox::{self, Mailbox};
use super::secrets::{self, Grant};
use super::service::Service;
use crate::alerts;
use crate::atlas::{self, NOT_CONNECTED};
use crate::database::Intent;
use crate::env::{Caller, Env};
use crate::error::{Error, Result};
use crate::orm::{convert, write};
use crate::outbox;
use crate::registry::{Entry, entry};
use crate::value::{Id, Key, Map};
use crate::vault;

/// An access token that ends within so many seconds is renewed before it is used.
const RENEWAL_MARGIN: i64 = 120;
/// How often the provider is asked when it gives no tokens for now, and how long it is left alone in
/// between, unless it says so itself.
const ATTEMPTS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// When it wants to be left alone for longer, nobody is kept waiting for that.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// How long to wait for another process that is asking, and how often to look.
const OTHERS_PATIENCE: Duration = Duration::from_secs(150);
const LOOK: Duration = Duration::from_millis(100);
/// How often new tokens are tried to be stored, after pauses that double from 40 milliseconds.
const PATIENCE: u32 = 8;

/// Keeps the tokens that a provider gave. One without a refresh token leaves the old one in place.
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
    /// The application gets tokens by itself, without a refresh token.
    by_application: bool,
    refresh_token: SecretString,
    access_token: SecretString,
    expires_at: i64,
}

/// An access token for the mailbox of the record, renewed when it is about to end.
///
/// With `refused`, the token that a server just turned down, another one is fetched even though
/// it had time left. The renewed refresh token is committed before its access token is given out.
/// Of all processes on the database one asks the provider at a time; the others wait for its tokens.
/// What fails for now is tried again a few times, and the old token is used until its end.
///
/// # Errors
/// [`Error::Outside`] when the mailbox is not connected or the provider refuses; the old tokens stay.
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
    let refused = refused.cloned();
    // A task of its own, because a caller who hangs up must not end it between the provider's
    // answer and the commit: the old refresh token may be worth nothing then.
    let mailbox = Mailbox { model, id };
    tokio::spawn(async move { renew(&superuser, service, mailbox, refused.as_ref()).await })
        .await
        .map_err(|_| Error::Internal("The program is shutting down.".into()))?
}

async fn renew(
    superuser: &Caller,
    service: Service,
    mailbox: Mailbox,
    refused: Option<&SecretString>,
) -> Result<SecretString> {
    let Mailbox { model, id } = mailbox;
    let _alone = superuser.backend().mail_tasks().lock((model, id)).await;
    let begin = Instant::now();
    loop {
        // Somebody else may have renewed it while we waited.
        if let Some(token) = usable(superuser, service, model, id, refused).await?.1 {
            return Ok(token);
        }
        if mailbox::take_turn(superuser, mailbox).await? {
            let outcome = renew_in_turn(superuser, service, mailbox, refused).await;
            if let Err(error) = mailbox::give_back_turn(superuser, mailbox).await {
                tracing::warn!(model, id, %error, "other processes renew this mailbox's tokens only after a while");
            }
            return outcome;
        }
        if begin.elapsed() > OTHERS_PATIENCE {
            return Err(Error::User(say!("error-oauth-busy")));
        }
        tokio::time::sleep(LOOK).await;
    }
}

#[tracing::instrument(name = "renewal", skip_all, fields(model = mailbox.model, id = mailbox.id))]
async fn renew_in_turn(
    superuser: &Caller,
    service: Service,
    mailbox: Mailbox,
    refused: Option<&SecretString>,
) -> Result<SecretString> {
    let Mailbox { model, id } = mailbox;
    // Whoever had the turn before us may have ended between our look and our turn.
    let (held, token) = usable(superuser, service, model, id, refused).await?;
    if let Some(token) = token {
        return Ok(token);
    }
    let env = superuser.begin(Intent::Read).await?;
    let request = async {
        let trouble = mailbox::trouble(&env, mailbox).await?;
        let wait = trouble.filter(|t| t.not_before.is_some_and(|until| until > env.now()));
        let provider = service.provider(&env).await?;
        let scope = if held.by_application {
            service.application_scope(&provider)?
        } else {
            service.scope(model, &provider)
        };
        Ok::<_, Error>((provider, service.applications(&env).await?, scope, wait))
    }
    .await;
    env.rollback().await?;
    let (provider, applications, scope, wait) = request?;
    let still_good = || {
        let alive = held.expires_at > superuser.backend().unix_now();
        let accepted = refused
            .is_none_or(|refused| refused.expose_secret() != held.access_token.expose_secret());
        (alive && accepted).then(|| held.access_token.clone())
    };
    if let Some(trouble) = wait {
        return still_good().ok_or_else(|| atlas::outside(&trouble.code, trouble.reason));
    }
    let grant = if held.by_application {
        Grant::Application { scope: &scope }
    } else {
        Grant::Refresh(RefreshGrant {
            refresh_token: &held.refresh_token,
            scope: &scope,
        })
    };
    let mut attempt = 1;
    let error = loop {
        let asked = secrets::ask(superuser, service, &provider, &applications, &grant);
        match asked.await {
            Ok(tokens) => {
                commit(
                    superuser,
                    service,
                    mailbox,
                    &tokens,
                    Some(&held.refresh_token),
                )
                .await?;
                tracing::info!(model, id, "access token renewed");
                return Ok(tokens.access_token);
            }
            Err(error) if error.is_transient() && attempt < ATTEMPTS => {
                let pause = error.retry_after.unwrap_or(FIRST_PAUSE * attempt);
                if pause > LONGEST_PAUSE {
                    break error;
                }
                tracing::info!(
                    model,
                    id,
                    code = error.code,
                    attempt,
                    "the provider gave no tokens yet"
                );
                tokio::time::sleep(pause).await;
                attempt += 1;
            }
            Err(error) => break error,
        }
    };
    let reason = told(service, &error);
    tracing::warn!(
        model,
        id,
        code = error.code,
        aadsts = error.aadsts,
        correlation_id = error.correlation_id,
        "the access token could not be renewed"
    );
    if mailbox::note_trouble(superuser, mailbox, &error, &reason).await? {
        alerts::broken(superuser, mailbox, error.code, &reason).await;
    }
    match still_good() {
        Some(token) if error.is_transient() => Ok(token),
        _ => Err(Error::Outside {
            code: error.code,
            message: reason,
        }),
    }
}

/// What happened and what to do, and the provider's own words.
fn told(service: Service, error: &ProviderError) -> Text {
    match &error.description {
        Some(words) => {
            say!(
                "oauth-provider-says",
                told = error.text(),
                provider = service.label(),
                words
            )
        }
        None => error.text(),
    }
}

/// Commits tokens. The provider may have taken the old refresh token back already, or the code is
/// used up, so a conflict with another change to the record, or a database that is out for a moment,
/// must not lose them.
///
/// With `renewed_from`, the refresh token they came from, they are kept only while the record still
/// holds that one: whoever connected the mailbox anew in between, or renewed it from another
/// process, has newer ones.
///
/// # Errors
/// When the database stays out.
pub(super) async fn commit(
    caller: &Caller,
    service: Service,
    mailbox: Mailbox,
    tokens: &TokenSet,
    renewed_from: Option<&SecretString>,
) -> Result<()> {
    let Mailbox { model, id } = mailbox;
    let mut attempt = 0;
    let recovered = loop {
        match try_commit(caller, service, mailbox, tokens, renewed_from).await {
            Err(error) if attempt < PATIENCE => {
                attempt += 1;
                tracing::warn!(model, id, attempt, %error, "new tokens could not be stored yet");
                tokio::time::sleep(Duration::from_millis(20 << attempt)).await;
            }
            outcome => break outcome?,
        }
    };
    if recovered {
        alerts::recovered(caller, mailbox).await;
    }
    Ok(())
}

/// True when the mailbox had waited for somebody to act.
async fn try_commit(
    caller: &Caller,
    service: Service,
    mailbox: Mailbox,
    tokens: &TokenSet,
    renewed_from: Option<&SecretString>,
) -> Result<bool> {
    let Mailbox { model, id } = mailbox;
    let env = caller.begin(Intent::Write).await?;
    let stored = async {
        if let Some(before) = renewed_from {
            let now = held(&env, service, entry(model)?, id).await?.refresh_token;
            if now.expose_secret() != before.expose_secret() {
                tracing::info!(model, id, "newer tokens are there already");
                return Ok(false);
            }
        }
        store(&env, service, model, id, tokens).await?;
        let anew = renewed_from.is_none();
        connection::note_account(&env, mailbox, &tokens.access_token, anew).await?;
        // Mails that waited for the mailbox to be connected anew need not wait any longer.
        if model == "ir.mail_server" && anew {
            outbox::server_changed(&env, &[id]).await?;
        }
        mailbox::note_tokens(&env, mailbox).await
    }
    .await;
    match stored {
        Ok(recovered) => env.commit().await.map(|()| recovered),
        Err(error) => {
            env.rollback().await.ok();
            Err(error)
        }
    }
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
    if held.refresh_token.expose_secret().is_empty() && !held.by_application {
        return Err(Error::Outside {
            code: NOT_CONNECTED.code,
            message: say!("error-oauth-not-connected", service = %service.label(), code = %NOT_CONNECTED.code),
        });
    }
    let token = held.access_token.expose_secret();
    let alive = !token.is_empty()
        && held.expires_at > superuser.backend().unix_now() + RENEWAL_MARGIN
        && refused.is_none_or(|refused| refused.expose_secret() != token);
    let token = alive.then(|| held.access_token.clone());
    Ok((held, token))
}

async fn held(env: &Env, service: Service, model: &'static Entry, id: Id) -> Result<Held> {
    let mut sql = env.sql("SELECT ");
    sql.name(&service.column("refresh_token")).push(", ");
    sql.name(&service.column("access_token")).push(", ");
    sql.name(&service.column("access_token_expiration"));
    // With the same statement: this is asked for each mail that goes out with a token.
    sql.push(", EXISTS (SELECT 1 FROM postern_oauth_connection c WHERE c.model = ")
        .bind(model.name())
        .push(" AND c.res_id = s.id AND c.grant_type = ")
        .bind(connection::APPLICATION)
        .push(") FROM ")
        .name(model.table())
        .push(" s WHERE s.id = ")
        .bind(id);
    let row = env
        .row(sql)
        .await?
        .ok_or_else(|| write::missing(model, id))?;
    let secret = |at, name: &str| -> Result<SecretString> {
        let stored = convert::get::<String>(&row, at)?.unwrap_or_default();
        let column = service.column(name);
        let place = vault::place(model.table(), &column, id);
        env.backend()
            .vault()
            .open(&place, stored)
            .map(SecretString::from)
    };
    Ok(Held {
        by_application: convert::get(&row, 3)?.unwrap_or_default(),
        refresh_token: secret(0, "refresh_token")?,
        access_token: secret(1, "access_token")?,
        expires_at: convert::get::<i32>(&row, 2)?.map_or(0, i64::from),
    })
}
