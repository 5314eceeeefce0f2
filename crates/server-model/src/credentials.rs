//! Whether a login and password, or a key, open the door.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use auth::password::Verdict;
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};

use words::{Text, say};

use crate::backend::Backend;
use crate::cooldown::Limits;
use crate::database::Intent;
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::res_users;
use crate::models::res_users::arriving::{self, Arriving, Who};
use crate::models::res_users_apikeys::{self, Candidate};
use crate::retry;
use crate::value::Id;

/// Deriving a key keeps a core busy for a good while. However many come at once, each core works
/// for one of them, and the others wait without a thread.
static DERIVATIONS: LazyLock<Semaphore> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Semaphore::new(cores)
});

/// What is said of a login or password that is not right.
pub fn wrong() -> Text {
    say!("error-wrong-password")
}
/// What is said while attempts are refused because too many failed.
pub fn too_many() -> Text {
    say!("error-too-many-passwords")
}

/// Checks a login and password, for a web session. A key opens none.
///
/// `address` is the client's, as far as it is known: after too many failures for a login from an
/// address (`base.login_cooldown_after`) all attempts are refused for a while
/// (`base.login_cooldown_duration`).
///
/// # Errors
/// [`Error::AccessDenied`], the same for an unknown login and a wrong password, and as slow; and
/// after too many failures.
pub async fn login(
    backend: &Arc<Backend>,
    login: &str,
    password: &SecretString,
    address: Option<IpAddr>,
) -> Result<Caller> {
    let who = Who::Login(login);
    let (found, _) = look_up(backend, who, None).await?;
    let attempt = Attempt::begin(backend, who, found.as_ref(), address).await?;
    let caller = open(&attempt, found, password).await?;
    attempt.succeeded();
    Ok(caller)
}

/// Checks a login and a password or key, for calls that carry them each time.
///
/// # Errors
/// As for [`login`].
pub async fn login_with_key(
    backend: &Arc<Backend>,
    login: &str,
    secret: &SecretString,
    address: Option<IpAddr>,
) -> Result<Caller> {
    with_either(backend, Who::Login(login), secret, address).await
}

/// Checks the password, or key, that a client sends with the id of its user.
///
/// # Errors
/// [`Error::AccessDenied`] when it is wrong or the user is archived or does not exist, and after
/// too many failures (see [`login`]).
pub async fn check_uid(
    backend: &Arc<Backend>,
    uid: Id,
    secret: &SecretString,
    address: Option<IpAddr>,
) -> Result<Caller> {
    with_either(backend, Who::Id(uid), secret, address).await
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
        None => Err(Error::AccessDenied(say!("error-key-unknown"))),
    }
}

/// A key is tried first: where one fits, the far longer way through the password is spared.
async fn with_either(
    backend: &Arc<Backend>,
    who: Who<'_>,
    secret: &SecretString,
    address: Option<IpAddr>,
) -> Result<Caller> {
    let (found, candidates) = look_up(backend, who, Some(secret)).await?;
    let attempt = Attempt::begin(backend, who, found.as_ref(), address).await?;
    let caller = match opened_by(backend, candidates, secret).await? {
        Some(uid) => Caller::new(Arc::clone(backend), uid),
        None => open(&attempt, found, secret).await?,
    };
    attempt.succeeded();
    Ok(caller)
}

/// Somebody tries to come in, who may have failed before.
struct Attempt<'a> {
    backend: &'a Arc<Backend>,
    /// What the failures are counted by.
    key: u64,
}

impl<'a> Attempt<'a> {
    /// Refuses those who failed too often of late, whatever they bring now: otherwise they could
    /// go on guessing and would learn when they are right.
    async fn begin(
        backend: &'a Arc<Backend>,
        who: Who<'_>,
        found: Option<&Arriving>,
        address: Option<IpAddr>,
    ) -> Result<Attempt<'a>> {
        let failures = backend.login_failures();
        let key = match (found, who) {
            (Some(found), _) => failures.key(&found.user.login, address),
            (None, Who::Login(login)) => failures.key(login, address),
            (None, Who::Id(uid)) => failures.key(&format!("#{uid}"), address),
        };
        let attempt = Attempt { backend, key };
        if failures.of(key).is_some() {
            let limits = attempt.limits().await?;
            attempt.refuse_if_too_many(limits)?;
        }
        Ok(attempt)
    }

    async fn limits(&self) -> Result<Limits> {
        let env = Caller::superuser(Arc::clone(self.backend))
            .begin(Intent::Read)
            .await?;
        let limits = Limits::read(&env).await;
        env.end_reading();
        limits
    }

    fn refuse_if_too_many(&self, limits: Limits) -> Result<()> {
        let failed = self.backend.login_failures().of(self.key);
        if failed.is_some_and(|failed| limits.refuse(failed, self.backend.now())) {
            tracing::warn!("credentials were refused unseen after too many wrong ones");
            return Err(Error::AccessDenied(too_many()));
        }
        Ok(())
    }

    /// Has the work done that says whether the password is right, and counts it if not. Of many
    /// attempts made at once, those that waited for their turn are refused when the ones before
    /// them have failed too often.
    async fn verdict(&self, work: impl FnOnce() -> Verdict + Send + 'static) -> Result<Verdict> {
        // Read before it is this one's turn, so that nobody waits for a connection meanwhile.
        let limits = self.limits().await?;
        let turn = turn().await?;
        self.refuse_if_too_many(limits)?;
        let verdict = run_blocking(work).await?;
        if verdict == Verdict::Mismatch {
            let now = self.backend.now();
            self.backend.login_failures().count(self.key, now);
        }
        drop(turn);
        Ok(verdict)
    }

    fn succeeded(&self) {
        self.backend.login_failures().forget(self.key);
    }
}

/// An active user's id with the stored password, and those of its keys that `secret` may be.
async fn look_up(
    backend: &Arc<Backend>,
    who: Who<'_>,
    secret: Option<&SecretString>,
) -> Result<(Option<Arriving>, Vec<Candidate>)> {
    let found = arriving::find(backend, who).await?;
    let candidates = match (&found, secret) {
        (Some(Arriving { user, stored, .. }), Some(secret))
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
        if derive(move || auth::password::verify_api_key(&given, &stored)).await? {
            verified.remember(id, hash, key);
            return Ok(Some(user_id));
        }
    }
    Ok(None)
}

async fn open(
    attempt: &Attempt<'_>,
    found: Option<Arriving>,
    password: &SecretString,
) -> Result<Caller> {
    let backend = attempt.backend;
    let Some(Arriving {
        user,
        stored,
        has_second_factor,
    }) = found
    else {
        let password = password.clone();
        attempt
            .verdict(move || {
                auth::password::decoy(&password);
                Verdict::Mismatch
            })
            .await?;
        return Err(denied());
    };
    let verdict = compare(backend, user.uid, stored, password, Some(attempt)).await?;
    if has_second_factor {
        // Postern knows no second factor, and the password alone is not enough.
        return Err(Error::AccessDenied(say!("error-second-factor")));
    }
    if verdict == Verdict::MatchNeedsRehash {
        // The stored form is of an older make; now that the password is known it is renewed.
        let renewed = hash(password.clone()).await?;
        let superuser = Caller::superuser(Arc::clone(backend));
        retry::in_transaction(&superuser, Intent::Write, async |env| {
            res_users::store_hash(env, user.uid, &renewed).await
        })
        .await?;
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
    compare(backend, uid, stored, password, None).await
}

async fn compare(
    backend: &Arc<Backend>,
    uid: Id,
    stored: String,
    password: &SecretString,
    attempt: Option<&Attempt<'_>>,
) -> Result<Verdict> {
    if password.expose_secret().is_empty() || stored.is_empty() {
        return Err(denied());
    }
    let verified = backend.verified_passwords();
    if verified.knows(uid, &stored, password) {
        return Ok(Verdict::Match);
    }
    let (candidate, hash) = (password.clone(), stored.clone());
    let work = move || auth::password::verify(&candidate, &hash);
    let verdict = match attempt {
        Some(attempt) => attempt.verdict(work).await?,
        None => derive(work).await?,
    };
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
    derive(move || auth::password::hash(&password)).await
}

async fn derive<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let turn = turn().await?;
    let outcome = run_blocking(work).await;
    drop(turn);
    outcome
}

async fn turn() -> Result<SemaphorePermit<'static>> {
    DERIVATIONS.acquire().await.map_err(|_| shutting_down())
}

async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| shutting_down())
}

fn shutting_down() -> Error {
    Error::Internal("The program is shutting down.".into())
}

fn denied() -> Error {
    Error::AccessDenied(wrong())
}
