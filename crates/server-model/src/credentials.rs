//! Whether a login and password, or a key, open the door.

use std::sync::Arc;

use auth::password::Verdict;
use secrecy::{ExposeSecret, SecretString};

use crate::backend::Backend;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::res_users;
use crate::value::Id;

/// Checks a login and password.
///
/// # Errors
/// [`Error::AccessDenied`], the same for an unknown login and a wrong password, and as slow.
pub async fn login(backend: &Arc<Backend>, login: &str, password: &SecretString) -> Result<Caller> {
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let found = res_users::stored_password(&env, login).await;
    env.rollback().await?;
    match found? {
        Some((uid, stored)) => {
            check(backend, uid, stored, password).await?;
            Ok(Caller::new(Arc::clone(backend), uid))
        }
        None => {
            let password = password.clone();
            run_blocking(move || auth::password::decoy(&password)).await?;
            Err(denied())
        }
    }
}

/// Checks the password, or key, that a client sends with the id of its user.
///
/// # Errors
/// [`Error::AccessDenied`] when it is wrong or the user is archived or does not exist.
pub async fn check_uid(backend: &Arc<Backend>, uid: Id, password: &SecretString) -> Result<Caller> {
    let env = Caller::superuser(Arc::clone(backend))
        .begin(Intent::Read)
        .await?;
    let found = res_users::stored_password_of(&env, uid).await;
    env.rollback().await?;
    let stored = found?.ok_or_else(denied)?;
    check(backend, uid, stored, password).await?;
    Ok(Caller::new(Arc::clone(backend), uid))
}

pub(crate) async fn check(
    backend: &Arc<Backend>,
    uid: Id,
    stored: String,
    password: &SecretString,
) -> Result<()> {
    if password.expose_secret().is_empty() || stored.is_empty() {
        return Err(denied());
    }
    let verified = backend.verified_passwords();
    if verified.knows(uid, &stored, password) {
        return Ok(());
    }
    let (candidate, hash) = (password.clone(), stored.clone());
    let verdict = run_blocking(move || auth::password::verify(&candidate, &hash)).await?;
    match verdict {
        Verdict::Mismatch => return Err(denied()),
        Verdict::Match => verified.remember(uid, stored, password),
        // The stored form is of an older make; now that the password is known it is renewed.
        Verdict::MatchNeedsRehash => {
            let env = Caller::superuser(Arc::clone(backend))
                .begin(Intent::Write)
                .await?;
            res_users::set_password(&env, uid, password.clone()).await?;
            env.commit().await?;
        }
    }
    Ok(())
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
