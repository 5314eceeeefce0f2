//! Starting up: opening the database, and writing down what the registry declares.

use std::sync::Arc;

pub use destinations::Destinations;
use secrecy::{ExposeSecret, SecretString};

use words::say;

use crate::backend::{Backend, Parts, SystemClock};
pub use crate::database::Reach;
use crate::database::{Database, Intent};
use crate::env::Caller;
use crate::error::{Error, Result};
use crate::home::{Filestore, Home};
use crate::mirror;
use crate::models::res_users;
pub use crate::outbox::own_server::OwnServer;
use crate::retry;
use crate::value::Id;
use crate::vault::Vault;

/// The user that administers a new database (`base.user_admin`).
pub const ADMINISTRATOR: Id = 2;

/// What is needed to start.
pub struct StartSettings {
    /// `sqlite://FILE` or `postgres://…`.
    pub database_url: String,
    /// The most connections to PostgreSQL.
    pub connections: u32,
    /// What is between them and PostgreSQL.
    pub reach: Reach,
    /// Authorities (PEM) that servers are trusted by, beside the system's.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// The outgoing server of the program's own configuration.
    pub own_server: OwnServer,
    /// Where connections may go.
    pub destinations: Destinations,
    /// What secrets in the database are sealed with; `None` to keep them as Odoo does.
    pub vault_keys: Option<auth::vault::Keyring>,
    /// Whether secrets are sealed in the database of an Odoo too, which cannot read them any more then.
    pub seals_odoos: bool,
    /// Where an Odoo keeps the contents of attachments.
    pub filestore: Option<Arc<dyn Filestore>>,
}

impl StartSettings {
    /// A program on this database with nothing else settled: one connection, the system's authorities, no server of
    /// its own, connections to everywhere that is open by default, and secrets as they are stored.
    pub fn at(database_url: &str) -> StartSettings {
        StartSettings {
            database_url: database_url.to_owned(),
            connections: 1,
            reach: Reach::Directly,
            extra_roots_pem: None,
            own_server: OwnServer::default(),
            destinations: Destinations::default(),
            vault_keys: None,
            seals_odoos: false,
            filestore: None,
        }
    }
}

/// Whether the administrator got a password just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstStart {
    /// The database is new; the administrator's password was set.
    Fresh,
    /// The administrator had a password already.
    Existing,
}

/// Opens the database and puts the program together. The schema is not touched.
///
/// # Errors
/// [`Error::User`] for authorities that cannot be read, [`Error::Database`] when the database
/// cannot be opened.
pub async fn open(settings: StartSettings) -> Result<Arc<Backend>> {
    open_for_threads(settings, 0).await
}

/// Like [`open`], for a program in which so many threads serve calls
/// (see [`Database::open_for_threads`]).
///
/// # Errors
/// As for [`open`].
pub async fn open_for_threads(settings: StartSettings, threads: u32) -> Result<Arc<Backend>> {
    let roots = settings.extra_roots_pem.as_deref();
    let trust = mail::tls::Trust::new(roots)
        .map(|trust| trust.within(settings.destinations))
        .map_err(|error| Error::User(say!("error-authorities", why = error.text())))?;
    let oauth = auth::oauth::OAuthClient::within(roots, settings.destinations)
        .map_err(|error| Error::User(say!("error-authorities", why = error.text())))?;
    let remote = auth::remote::Remote::within(roots, settings.destinations)
        .map_err(|error| Error::User(say!("error-authorities", why = error.text())))?;
    let database = Database::open_for_threads(
        &settings.database_url,
        settings.connections,
        threads,
        settings.reach,
    )
    .await?;
    let home = Home::of(&database, settings.filestore).await?;
    let vault = if home.is_odoos() && !settings.seals_odoos {
        Vault::that_only_opens(settings.vault_keys)
    } else {
        Vault::new(settings.vault_keys)
    };
    Ok(Backend::new(Parts {
        database,
        clock: Arc::new(SystemClock),
        trust,
        oauth,
        own_server: settings.own_server,
        patience: mail::server::Timeouts::default(),
        remote,
        vault,
        home,
    }))
}

/// Writes down what the registry declares where clients look for it, and gives the administrator of a new database the
/// password. In the database of an Odoo, which has both already, nothing is done.
///
/// # Errors
/// When the database fails.
pub async fn install(backend: &Arc<Backend>, admin_password: &SecretString) -> Result<FirstStart> {
    if backend.home().is_odoos() {
        return Ok(FirstStart::Existing);
    }
    let superuser = Caller::superuser(Arc::clone(backend));
    // Of several programs that start on a new database at once one wins; the others look again.
    retry::in_transaction(&superuser, Intent::Write, async |env| {
        mirror::write(env).await?;
        let stored = res_users::stored_password_of(env, ADMINISTRATOR)
            .await?
            .unwrap_or_default();
        if !stored.is_empty() {
            return Ok(FirstStart::Existing);
        }
        let password = SecretString::from(admin_password.expose_secret().to_owned());
        res_users::set_password(env, ADMINISTRATOR, password).await?;
        Ok(FirstStart::Fresh)
    })
    .await
}
