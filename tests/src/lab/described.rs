//! A running lab as plain data: what one process starts, another finds by a file.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    dovecot,
    error::{Doing, LabError},
    inbox::{self, StoredMessage},
    lmtp,
    postgres::PostgresAddress,
    scratch::write_file,
};
use crate::identity::Control;

/// Environment variable with the path of the JSON file that holds a [`Described`].
pub const LAB_VARIABLE: &str = "POSTERN_LAB";

/// Environment variable with the path of the Postern binary under test.
pub const BINARY_VARIABLE: &str = "POSTERN_BIN";

/// The two databases that everything has to work on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Database {
    /// An SQLite file of its own for each test.
    Sqlite,
    /// A database of its own for each test, in the lab's cluster.
    Postgres,
}

impl Database {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];
}

impl fmt::Display for Database {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        })
    }
}

/// The ports of a Postfix and the Dovecot behind it, all on [`Described::host`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct MailPorts {
    /// SMTP without authentication, TLS on request; takes what comes from this machine.
    pub smtp: u16,
    /// Submission: STARTTLS, then PLAIN, LOGIN, XOAUTH2 or OAUTHBEARER.
    pub submission: u16,
    /// The same within TLS.
    pub submissions: u16,
    /// IMAP with STARTTLS.
    pub imap: u16,
    /// IMAP within TLS.
    pub imaps: u16,
    /// POP3 with STLS.
    pub pop3: u16,
    /// POP3 within TLS.
    pub pop3s: u16,
    /// LMTP into the mailboxes.
    pub lmtp: u16,
}

/// The identity provider's double, and the application registered at it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProviderAddress {
    /// Where it listens, such as `http://127.0.0.1:20123`.
    pub base_url: String,
    /// Value of the parameter `microsoft_outlook.endpoint`, for accounts of every tenant.
    pub endpoint: String,
    /// Where the mail servers look tokens up, credentials included.
    pub introspection_url: String,
    /// By which a test registers redirect URIs, mints tokens and provokes errors.
    pub control: Control,
    /// The application (client) id.
    pub client_id: String,
    /// Its client secret.
    pub client_secret: String,
}

/// A second pair of mail servers for a provider that is not the double.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Independent {
    /// Port of 127.0.0.1 kept for that provider, which the test itself starts.
    pub provider_port: u16,
    /// Where these mail servers look tokens up: on that port, as client `dovecot` with the secret `dovecotsecret`.
    pub introspection_url: String,
    /// The servers.
    pub mail: MailPorts,
}

/// All a test has to know about the running lab.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Described {
    /// The lab's directory: configurations, logs, mail.
    pub scratch: PathBuf,
    /// The name to connect to; it is in the certificates, as is `127.0.0.1`.
    pub host: String,
    /// PEM file of the authority that signed the mail servers' certificate.
    pub authority: PathBuf,
    /// A certificate that Postfix lets in without a password on its port with TLS from the start, and its key.
    pub client: (PathBuf, PathBuf),
    /// A certificate for the same names that nobody should trust, and its key.
    pub stranger: (PathBuf, PathBuf),
    /// Domain of all mailboxes; any local part exists.
    pub domain: String,
    /// Some mailboxes, which the identity provider knows as accounts too.
    pub users: Vec<String>,
    /// The password of every mailbox for PLAIN and LOGIN; OAuth users sign in at the provider.
    pub password: String,
    /// The cluster.
    pub postgres: PostgresAddress,
    /// The mail servers that believe the double.
    pub mail: MailPorts,
    /// The double.
    pub identity: ProviderAddress,
    /// The mail servers that believe an independent provider.
    pub independent: Independent,
    /// The databases to test on in this run.
    pub databases: Vec<Database>,
}

impl Described {
    /// The lab that `cargo xtask test` started.
    ///
    /// # Panics
    /// When there is none, with one line that says what to run instead.
    #[must_use]
    pub fn from_env() -> Self {
        match Self::try_from_env() {
            Ok(described) => described,
            Err(error) => panic!("{error}"),
        }
    }

    /// Like [`Self::from_env`], without the panic.
    pub fn try_from_env() -> Result<Self, LabError> {
        Self::read(Path::new(&variable(LAB_VARIABLE)?))
    }

    /// Reads a description.
    pub fn read(path: &Path) -> Result<Self, LabError> {
        let text = fs::read_to_string(path).doing(format_args!("reading {}", path.display()))?;
        serde_json::from_str(&text).map_err(|source| LabError::Description {
            path: path.display().to_string(),
            source,
        })
    }

    /// Writes the description for [`Self::read`]; whoever waits for the file sees it whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), LabError> {
        let text = serde_json::to_string_pretty(self).map_err(|source| LabError::Description {
            path: path.display().to_string(),
            source,
        })?;
        let partial = path.with_extension("partial");
        write_file(&partial, &text, false)?;
        fs::rename(&partial, path).doing(format_args!("writing {}", path.display()))
    }

    /// Puts a message into a mailbox by LMTP, past Postfix.
    pub fn deliver(&self, recipient: &str, raw: &[u8]) -> Result<(), LabError> {
        let sender = format!("sender@{}", self.domain);
        lmtp::deliver(self.mail.lmtp, &sender, recipient, raw)
    }

    /// What lies in a mailbox's INBOX, read by Python's imaplib.
    pub fn read_inbox(&self, user: &str) -> Result<Vec<StoredMessage>, LabError> {
        inbox::read_inbox(self.mail.imaps, user, dovecot::PASSWORD, &self.authority)
    }

    /// The end of the mail servers' logs, to be shown beside a failure.
    #[must_use]
    pub fn mail_logs(&self, lines: usize) -> String {
        ["postfix/maillog", "dovecot/log"]
            .map(|name| {
                let log = super::error::tail(&self.scratch.join(name), lines);
                format!("--- {name}\n{log}\n")
            })
            .concat()
    }
}

/// The Postern binary that `cargo xtask test` built.
///
/// # Panics
/// When there is none, with one line that says what to run instead.
#[must_use]
pub fn postern_binary() -> PathBuf {
    match variable(BINARY_VARIABLE) {
        Ok(path) => PathBuf::from(path),
        Err(error) => panic!("{error}"),
    }
}

fn variable(name: &'static str) -> Result<String, LabError> {
    std::env::var(name).map_err(|_| LabError::NotRunning { variable: name })
}

impl fmt::Display for Described {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, mail, .. } = self;
        writeln!(
            formatter,
            "Postern's lab is running; all servers are on {host}."
        )?;
        writeln!(formatter)?;
        writeln!(
            formatter,
            "  SMTP       {} (no login), {} (STARTTLS), {} (TLS)",
            mail.smtp, mail.submission, mail.submissions
        )?;
        writeln!(
            formatter,
            "  IMAP       {} (STARTTLS), {} (TLS)",
            mail.imap, mail.imaps
        )?;
        writeln!(
            formatter,
            "  POP3       {} (STARTTLS), {} (TLS)",
            mail.pop3, mail.pop3s
        )?;
        writeln!(formatter, "  LMTP       {}", mail.lmtp)?;
        writeln!(
            formatter,
            "  mailboxes  any name at {}, such as {}; password {}",
            self.domain,
            self.users.join(", "),
            self.password
        )?;
        writeln!(formatter, "  identity   {}", self.identity.base_url)?;
        writeln!(
            formatter,
            "             client id {}, secret {}, control key {}",
            self.identity.client_id, self.identity.client_secret, self.identity.control.key
        )?;
        writeln!(formatter, "  PostgreSQL {}", self.postgres.url("postgres"))?;
        writeln!(formatter, "  authority  {}", self.authority.display())?;
        write!(formatter, "  files      {}", self.scratch.display())
    }
}
