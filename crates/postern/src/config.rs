//! What the service is told at its start: flags, environment, a TOML file, and defaults, in this order.
//!
//! A value that cannot be used ends the start with its name, the value, where it came from and
//! what would be right. Values that may hold a secret are never repeated.

mod arguments;
mod database_url;
mod error;
mod own_server;
mod sources;
mod values;
mod vault_keys;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use forwarded::Trusted;
use secrecy::SecretString;
use server_model::vault::Keyring;
use url::Url;

pub use arguments::{Arguments, Command, Vault};
pub use database_url::{DatabaseUrl, Place};
pub use error::ConfigError;
pub use own_server::{OwnServerSettings, Protection};
pub use values::{CertificateFile, LogDirective, LogFormat};

use sources::{Sources, setting};

/// The settings of a running service.
#[derive(Debug)]
pub struct Config {
    /// Which database.
    pub database: DatabaseUrl,
    /// At most so many connections to PostgreSQL.
    pub db_connections: u32,
    /// Whether the database is reached through a pooler in transaction mode.
    pub db_pooler: bool,
    /// Where HTTP is served; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where figures are served to Prometheus; nowhere without it.
    pub metrics_listen: Option<SocketAddr>,
    /// The OpenTelemetry collector that traces go to; none without it.
    pub otlp_endpoint: Option<Url>,
    /// Threads that answer requests.
    pub workers: usize,
    /// How long calls are answered after the signal to stop, so that proxies notice and turn away.
    pub drain: Duration,
    /// Whose `X-Forwarded-*` headers are believed.
    pub trust_forwarded: Trusted,
    /// Whether hosts in private networks are connected to.
    pub private_networks: bool,
    /// An authority to trust beside the system's.
    pub tls_ca: Option<CertificateFile>,
    /// The outgoing server of the configuration itself.
    pub own_server: OwnServerSettings,
    /// What secrets in the database are sealed with.
    pub vault_keys: Option<Keyring>,
    /// Where the Odoo of an adopted database keeps the contents of attachments.
    pub odoo_filestore: Option<PathBuf>,
    /// Whether secrets are sealed in an adopted database too.
    pub seal_odoo_secrets: bool,
    /// Whether the queue, fetching and schedules run in this process.
    pub jobs: bool,
    /// The administrator's first password; one is generated without it.
    pub admin_password: Option<SecretString>,
    /// What is logged.
    pub log: Vec<LogDirective>,
    /// In which form.
    pub log_format: LogFormat,
}

/// The world that the configuration is read from, so that tests can have one of their own.
pub struct Surroundings<'a> {
    /// An environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// The bytes of a file.
    pub read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// What a command of the shell prints.
    pub run: &'a dyn Fn(&str) -> io::Result<Vec<u8>>,
}

impl Config {
    /// Puts the settings together: flag over environment over file over default.
    ///
    /// # Errors
    /// For the first value that cannot be used, and for a setting that does not exist.
    pub fn load(arguments: &Arguments, around: &Surroundings<'_>) -> Result<Config, ConfigError> {
        let sources = Sources::open(arguments.config.as_deref(), around)?;
        let flag = |value: &Option<String>| value.clone();
        Ok(Config {
            database: sources.database(arguments.database_url.as_deref())?,
            db_connections: sources
                .find(&setting::DB_CONNECTIONS, flag(&arguments.db_connections))?
                .map_or(Ok(10), |given| values::count(given, 1_000))?,
            db_pooler: sources
                .find(&setting::DB_POOLER, flag(&arguments.db_pooler))?
                .map_or(Ok(false), values::yes_or_no)?,
            listen: listen(&sources, arguments)?,
            metrics_listen: sources
                .find(&setting::METRICS_LISTEN, flag(&arguments.metrics_listen))?
                .map(values::address)
                .transpose()?,
            otlp_endpoint: sources
                .find(&setting::OTLP_ENDPOINT, flag(&arguments.otlp_endpoint))?
                .map(values::web_address)
                .transpose()?,
            workers: sources
                .find(&setting::WORKERS, flag(&arguments.workers))?
                .map_or(Ok(available_workers()), |given| {
                    values::count(given, 1_024).map(|count| count as usize)
                })?,
            drain: sources
                .find(&setting::DRAIN, flag(&arguments.drain))?
                .map_or(Ok(Duration::ZERO), |given| values::seconds(given, 300))?,
            trust_forwarded: sources
                .find(&setting::TRUST_FORWARDED, flag(&arguments.trust_forwarded))?
                .map_or(Ok(Trusted::Nobody), values::trusted)?,
            private_networks: sources
                .find(
                    &setting::PRIVATE_NETWORKS,
                    flag(&arguments.private_networks),
                )?
                .map_or(Ok(true), values::yes_or_no)?,
            tls_ca: sources
                .find(&setting::TLS_CA, flag(&arguments.tls_ca))?
                .map(|given| values::certificates(given, around))
                .transpose()?,
            own_server: OwnServerSettings::load(&sources, arguments, around)?,
            vault_keys: vault_keys::load(&sources, arguments, around)?,
            odoo_filestore: sources
                .find(&setting::ODOO_FILESTORE, flag(&arguments.odoo_filestore))?
                .map(values::folder)
                .transpose()?,
            seal_odoo_secrets: sources
                .find(
                    &setting::SEAL_ODOO_SECRETS,
                    flag(&arguments.seal_odoo_secrets),
                )?
                .map_or(Ok(false), values::yes_or_no)?,
            jobs: !sources
                .find(&setting::NO_JOBS, flag(&arguments.no_jobs))?
                .map_or(Ok(false), values::yes_or_no)?,
            admin_password: sources
                .secret(&setting::ADMIN_PASSWORD, &setting::ADMIN_PASSWORD_FILE)?,
            log: sources
                .find(&setting::LOG, flag(&arguments.log))?
                .map_or_else(|| Ok(LogDirective::default_list()), values::log)?,
            log_format: sources
                .find(&setting::LOG_FORMAT, flag(&arguments.log_format))?
                .map_or(Ok(LogFormat::Text), values::log_format)?,
        })
    }

    /// Only where the service listens: what `postern health` needs to know.
    ///
    /// # Errors
    /// As [`Config::load`], for this one setting and the file it may stand in.
    pub fn load_listen(
        arguments: &Arguments,
        around: &Surroundings<'_>,
    ) -> Result<SocketAddr, ConfigError> {
        let sources = Sources::open(arguments.config.as_deref(), around)?;
        listen(&sources, arguments)
    }
}

fn listen(sources: &Sources<'_>, arguments: &Arguments) -> Result<SocketAddr, ConfigError> {
    sources
        .find(&setting::LISTEN, arguments.listen.clone())?
        .map_or(
            Ok(SocketAddr::from(([127, 0, 0, 1], 8069))),
            values::address,
        )
}

fn available_workers() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}
