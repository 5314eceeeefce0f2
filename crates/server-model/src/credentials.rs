//! Whether a login and password, or a key, open the door.

use std::sync::Arc;

use auth::password::Verdict;
use secrecy::{ExposeSecret, SecretString};

use crate::backend::Backend;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::res_users;
use crate::models::res_users::arriving::{self, Arriving, Who};
use crate::models::res_users_apikeys::{self, Candidate};
use crate::value::Id;

/// Checks a login and password, for a web session. A key opens none.
///
/// # Errors
/// [`Error::AccessDenied`], the same for an unknown login and a wrong password, and as slow.
pub async fn login(backend: &Arc<Backend>, login: &str, password: &SecretString) -> Result<Caller> {
    let (found, _) = look_up(backend, Who::Login(login), None).await?;
    open(backend, found, password).await
}

/// Checks a login and a password or key, for calls that carry them each time.
///
/// # Errors
/// As for [`login`].
pub async fn login_with_key(
    backend: &Arc<Backend>,
    login: &str,
    secret: &SecretString,
) -> Result<Caller> {
    with_either(backend, Who::Login(login), secret).await
}

/// Checks the password, or key, that a client sends with the id of its user.
///
/// # Errors
/// [`Error::AccessDenied`] when it is wrong or the user is archived or does not exist.
pub async fn check_uid(backend: &Arc<Backend>, uid: Id, secret: &SecretString) -> Result<Caller> {
    with_either(backend, Who::Id(uid), secret).await
}

/// Finds the user of a key.
///
/// # Errors
/// [`Error::AccessDenied`] for a key that is unknown, expired, taken back, or of an archived user.
pub async fn bearer(backend: &Arc<Backend>, key: &SecretString) -> Result<Caller> {
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let candidates = match auth::password::api_key_index(key) {
        Some(index) => res_users_apikeys::candidates(&env, index, None).await,
        None => Ok(Vec::new()),
    };
    env.rollback().await?;
    match opened_by(backend, candidates?, key).await? {
        Some(uid) => Ok(Caller::new(Arc::clone(backend), uid)),
        None => Err(Error::AccessDenied(
            "The API key is unknown, has expired, or its user was archived.".into(),
        )),
    }
}

/// A key is tried first: where one fits, the far longer way through the password is spared.
async fn with_either(
    backend: &Arc<Backend>,
    who: Who<'_>,
    secret: &SecretString,
) -> Result<Caller> {
    let (found, candidates) = look_up(backend, who, Some(secret)).await?;
    if let Some(uid) = opened_by(backend, candidates, secret).await? {
        return Ok(Caller::new(Arc::clone(backend), uid));
    }
    open(backend, found, secret).await
}

/// An active user's id with the stored password, and those of its keys that `secret` may be.
async fn look_up(
    backend: &Arc<Backend>,
    who: Who<'_>,
    secret: Option<&SecretString>,
) -> Result<(Option<Arriving>, Vec<Candidate>)> {
    let found = arriving::find(backend, who).await?;
    let candidates = match (&found, secret) {
        (Some(Arriving { user, stored }), Some(secret))
            if !backend.verified_passwords().knows(user.uid, stored, secret) =>
        {
            keys_of(backend, user.uid, secret).await?
        }
        _ => Vec::new(),
    };
    Ok((found, candidates))
}

async fn keys_of(backend: &Arc<Backend>, uid: Id, secret: &SecretString) -> Result<Vec<Candidate>> {
    let Some(index) = auth::password::api_key_index(secret) else {
        return Ok(Vec::new());
    };
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let candidates = res_users_apikeys::candidates(&env, index, Some(uid)).await;
    env.rollback().await?;
    candidates
}

/// The user whose key it is. A key found right before is known by its row, which was read just
/// now: once it is gone or expired, nothing remembered opens anything.
async fn opened_by(
    backend: &Arc<Backend>,
    candidates: Vec<Candidate>,
    key: &SecretString,
) -> Result<Option<Id>> {
    let verified = backend.verified_keys();
    for Candidate { id, user_id, hash } in candidates {
        if verified.knows(id, &hash, key) {
            return Ok(Some(user_id));
        }
        let (given, stored) = (key.clone(), hash.clone());
        if run_blocking(move || auth::password::verify_api_key(&given, &stored)).await? {
            verified.remember(id, hash, key);
            return Ok(Some(user_id));
        }
    }
    Ok(None)
}

async fn open(
    backend: &Arc<Backend>,
    found: Option<Arriving>,
    password: &SecretString,
) -> Result<Caller> {
    let Some(Arriving { user, stored }) = found else {
        let password = password.clone();
        run_blocking(move || auth::password::decoy(&password)).await?;
        return Err(denied());
    };
    if check(backend, user.uid, stored, password).await? == Verdict::MatchNeedsRehash {
        // The stored form is of an older make; now that the password is known it is renewed.
        let env = Caller::superuser(Arc::clone(backend))
            .begin(Intent::Write)
            .await?;
        res_users::set_password(&env, user.uid, password.clone()).await?;
        env.commit().await?;
    }
    Ok(Caller::met(Arc::clone(backend), user))
}

/// Compares a password with the stored one, and says whether that should be renewed.
///
/// # Errors
/// [`Error::AccessDenied`] when it is wrong.
pub async fn check(
    backend: &Arc<Backend>,
    uid: Id,
    stored: String,
    password: &SecretString,
) -> Result<Verdict> {
    if password.expose_secret().is_empty() || stored.is_empty() {
        return Err(denied());
    }
    let verified = backend.verified_passwords();
    if verified.knows(uid, &stored, password) {
        return Ok(Verdict::Match);
    }
    let (candidate, hash) = (password.clone(), stored.clone());
    let verdict = run_blocking(move || auth::password::verify(&candidate, &hash)).await?;
    match verdict {
        Verdict::Mismatch => return Err(denied()),
        Verdict::Match => verified.remember(uid, stored, password),
        Verdict::MatchNeedsRehash => {}
    }
    Ok(verdict)
}

/// Derives the stored form of a new password, off the threads that serve calls.
///
/// # Errors
/// When the program is shutting down.
pub async fn hash(password: SecretString) -> Result<String> {
    run_blocking(move || auth::password::hash(&password)).await
}

async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| Error::Internal("The program is shutting down.".into()))
}

fn denied() -> Error {
    Error::AccessDenied("Wrong login or password.".into())
}
