//! Why the program ends before it is told to.

use std::error::Error as _;
use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use crate::config::ConfigError;

/// Why the program ends before it is told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The client certificate for the outgoing server of the configuration cannot be used.
    #[error("the outgoing server of the configuration cannot be used")]
    OwnServer(#[source] server_model::error::Error),
    /// Nothing can listen at the address of `--listen` or `--metrics-listen`.
    #[error("{flag} {address}: {problem}")]
    Listen {
        /// The setting.
        flag: &'static str,
        /// The address.
        address: SocketAddr,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// The SQLite file cannot be made.
    #[error(
        "--database-url: the file {path} cannot be made ({source}). Its directory must exist and be writable."
    )]
    DatabaseFile {
        /// The file, absolute where that can be known.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The database cannot be opened.
    #[error("the database cannot be opened: {place}. {remedy}")]
    Open {
        /// Where it is.
        place: String,
        /// What to look at.
        remedy: &'static str,
        /// What the database says.
        source: server_model::error::Error,
    },
    /// The schema cannot be brought up to date.
    #[error(
        "the tables of the database cannot be brought up to date: {place}. All of it is one transaction, so nothing in it was changed: put right what is said below and start again, or start the version before."
    )]
    Migrate {
        /// Where it is.
        place: String,
        /// What the database says.
        source: migrations::sea_orm::DbErr,
    },
    /// Traces cannot be sent to the collector.
    #[error(
        "--otlp-endpoint: traces cannot be sent there ({0}). Name the collector as http://HOST:PORT."
    )]
    Traces(String),
    /// The database is that of an Odoo and was not adopted.
    #[error(
        "the database is that of an Odoo: {place}. To have Postern do its mail, look at what that means with `postern adopt --dry-run` and the same --database-url, and then do it with `postern adopt`. Otherwise give Postern a database of its own."
    )]
    NotAdopted {
        /// Where it is.
        place: String,
    },
    /// The database is not adopted, or not given back.
    #[error("{0}")]
    Adoption(#[source] migrations::adoption::AdoptionError),
    /// The database has not been prepared by a start of this version.
    #[error(
        "the database is not set up for this version of Postern: {place}. Start the service once, which does that."
    )]
    NotSetUp {
        /// Where it is.
        place: String,
    },
    /// What was asked for is not there.
    #[error("{0}")]
    Unknown(String),
    /// How things stand cannot be read.
    #[error("{0}")]
    Look(#[source] server_model::error::Error),
    /// The servers cannot be examined.
    #[error("{0}")]
    Doctor(#[source] server_model::error::Error),
    /// The first records cannot be written.
    #[error("the database cannot be prepared: {place}")]
    Install {
        /// Where it is.
        place: String,
        /// What the database says.
        source: server_model::error::Error,
    },
    /// The secrets in the database cannot be read, or not be sealed.
    #[error("the secrets in the database cannot be used")]
    Vault(#[source] server_model::error::Error),
    /// A key cannot have this name.
    #[error(
        "a key's name is of 1 to 32 letters, digits, dots, dashes and underscores, such as 2026-01"
    )]
    KeyName,
    /// The machine does not give what the program needs to run.
    #[error("the program cannot run here")]
    Runtime(#[source] io::Error),
    /// The HTTP server broke.
    #[error("the HTTP server ended by itself")]
    Serve(#[source] io::Error),
    /// Nothing can count.
    #[error("the figures for --metrics-listen cannot be collected")]
    Metrics(#[source] metrics_exporter_prometheus::BuildError),
    /// The second signal: whoever sent it does not want to wait.
    #[error("told to stop a second time: ended at once, without waiting for what was running")]
    Impatient,
    /// The service that was asked is not well.
    #[error("no healthy Postern at {address}: {problem}")]
    Unhealthy {
        /// Who was asked.
        address: SocketAddr,
        /// What came instead of a good answer.
        problem: String,
    },
}

impl Error {
    /// 2 where a setting is wrong, 1 for what went wrong with good settings.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Error::Config(_)
            | Error::KeyName
            | Error::OwnServer(_)
            | Error::Listen { .. }
            | Error::DatabaseFile { .. } => ExitCode::from(2),
            _ => ExitCode::from(1),
        }
    }

    /// The sentence, and what lies behind it, each cause once.
    pub fn with_causes(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let sentence = error.to_string();
            // Meant for clients, who are not told what the database says; here it follows anyway.
            let is_for_clients = matches!(
                error.downcast_ref::<server_model::error::Error>(),
                Some(server_model::error::Error::Database(_))
            );
            // Many libraries repeat their cause in their own text.
            if !is_for_clients && !text.contains(&sentence) {
                text.push_str("\n  because: ");
                text.push_str(&sentence);
            }
            cause = error.source();
        }
        text
    }
}
