//! The lab: real servers, run privately on free loopback ports under a scratch directory.
//!
//! [`Lab::start`] brings up PostgreSQL, Postfix, Dovecot and the double of the identity provider;
//! dropping it stops them. [`Described`] tells another process how to reach them. Nothing of the
//! machine's own servers is touched, and nothing outlives the process that started the lab, not
//! even one that is killed.

mod certificates;
mod described;
mod dovecot;
mod error;
mod inbox;
mod lmtp;
mod mail;
pub mod packages;
mod pgbouncer;
pub mod ports;
mod postfix;
mod postgres;
mod privilege;
mod process;
pub mod proxy;
mod scratch;
mod watchdog;

use std::{sync::Arc, thread};

use self::mail::Mail;
pub use self::{
    certificates::{Certificates, SERVER_NAMES},
    described::{
        BINARY_VARIABLE, Database, Described, Independent, LAB_VARIABLE, MailPorts,
        ProviderAddress, postern_binary,
    },
    dovecot::{Dovecot, DovecotOptions, PASSWORD},
    error::LabError,
    inbox::{StoredMessage, python, python_reading, read_inbox},
    lmtp::deliver,
    pgbouncer::Pgbouncer,
    postfix::{DOMAIN, REFUSED},
    postgres::{End, Postgres, PostgresAddress},
    privilege::Privilege,
    process::{Server, greets},
    scratch::Scratch,
    watchdog::Watchdog,
};
use crate::identity::{Client, Identity, IdentityConfig, User};

/// Local parts of the mailboxes that have an account at the identity provider.
const USERS: [&str; 4] = ["postern", "alice", "bob", "carol"];

/// The application registered at the identity provider.
const CLIENT_ID: &str = "6a1d6b0e-3c52-4c56-9d5e-7f1f0a4d2c11";
const CLIENT_SECRET: &str = "lab~client.secret";

/// What a lab is to be like.
#[derive(Clone, Debug)]
pub struct LabOptions {
    /// Leave the scratch directory behind.
    pub keep: bool,
    /// Install what the servers need, and not what tests need beside.
    pub servers_only: bool,
    /// The databases that tests are to run on.
    pub databases: Vec<Database>,
    /// Redirect URIs of the registered application.
    pub redirect_uris: Vec<String>,
}

impl Default for LabOptions {
    fn default() -> Self {
        Self {
            keep: false,
            servers_only: false,
            databases: Database::ALL.to_vec(),
            redirect_uris: vec![
                "http://127.0.0.1:8069/microsoft_outlook/confirm".to_owned(),
                "http://localhost:8069/microsoft_outlook/confirm".to_owned(),
            ],
        }
    }
}

/// The running servers; the fields stand in the order in which they are to end.
#[derive(Debug)]
pub struct Lab {
    described: Described,
    mail: Mail,
    independent: Mail,
    postgres: Postgres,
    _identity: Identity,
    _watchdog: Arc<Watchdog>,
    _scratch: Scratch,
}

impl Lab {
    /// Installs what is missing, then starts everything; needs root.
    ///
    /// Takes three to ten seconds.
    pub fn start(options: &LabOptions) -> Result<Self, LabError> {
        packages::ensure(options.servers_only)?;
        if Privilege::detect() != Privilege::Root {
            return Err(LabError::NotRoot);
        }
        let watchdog = Arc::new(Watchdog::start()?);
        let scratch = Scratch::create(options.keep)?;
        if !scratch.is_kept() {
            watchdog.remove_afterwards(scratch.path());
        }
        let certificates = Certificates::create(&scratch)?;
        let (identity, provider) = start_identity(options)?;
        let provider_port = ports::free()?;
        let independent_url =
            format!("http://dovecot:dovecotsecret@127.0.0.1:{provider_port}/token/introspection");

        // Most of a server's start is waiting, so that they wait side by side.
        let (postgres, mail, independent) = thread::scope(|threads| {
            let postgres = threads.spawn(|| Postgres::start(&scratch, &watchdog));
            let independent = threads.spawn(|| {
                Mail::start(
                    "-independent",
                    &independent_url,
                    &scratch,
                    &certificates,
                    &watchdog,
                )
            });
            let mail = Mail::start(
                "",
                &provider.introspection_url,
                &scratch,
                &certificates,
                &watchdog,
            );
            (joined(postgres), mail, joined(independent))
        });
        let (postgres, mail, independent) = (postgres?, mail?, independent?);

        let described = Described {
            scratch: scratch.path().to_owned(),
            host: "localhost".to_owned(),
            authority: certificates.authority,
            client: (certificates.client, certificates.client_key),
            stranger: (certificates.stranger, certificates.stranger_key),
            domain: DOMAIN.to_owned(),
            users: USERS.map(|name| format!("{name}@{DOMAIN}")).to_vec(),
            password: PASSWORD.to_owned(),
            postgres: postgres.address().clone(),
            mail: mail.ports(),
            identity: provider,
            independent: Independent {
                provider_port,
                introspection_url: independent_url,
                mail: independent.ports(),
            },
            databases: options.databases.clone(),
        };
        Ok(Self {
            described,
            mail,
            independent,
            postgres,
            _identity: identity,
            _watchdog: watchdog,
            _scratch: scratch,
        })
    }

    /// How to reach everything.
    #[must_use]
    pub fn described(&self) -> &Described {
        &self.described
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // All at once, since each takes its seconds; the fields' own drops wait for the end.
        self.mail.ask_to_stop();
        self.independent.ask_to_stop();
        self.postgres.ask_to_stop();
    }
}

/// The result of a thread, a panic in it going on in this one.
fn joined<T>(thread: thread::ScopedJoinHandle<'_, T>) -> T {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Starts the double; the only place where the lab knows it.
fn start_identity(options: &LabOptions) -> Result<(Identity, ProviderAddress), LabError> {
    let introspector = uuid::Uuid::new_v4().simple().to_string();
    let mut client = Client::new(CLIENT_ID, CLIENT_SECRET, "");
    client.redirect_uris.clone_from(&options.redirect_uris);
    let identity = Identity::start(IdentityConfig {
        clients: vec![client],
        users: USERS
            .map(|name| User::new(format!("{name}@{DOMAIN}")))
            .to_vec(),
        introspection_client: ("dovecot".to_owned(), introspector),
        ..IdentityConfig::default()
    })
    .map_err(|error| LabError::Identity(error.to_string()))?;
    let provider = ProviderAddress {
        base_url: identity.base_url(),
        endpoint: identity.endpoint("common"),
        introspection_url: identity.introspection_url(),
        control: identity.control(),
        client_id: CLIENT_ID.to_owned(),
        client_secret: CLIENT_SECRET.to_owned(),
    };
    Ok((identity, provider))
}
