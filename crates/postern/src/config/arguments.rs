//! The command line, and the text of `postern --help`.

use clap::{Parser, Subcommand};

use crate::adopt::{Adopt, Release};
use crate::console::Console;
use crate::doctor::Doctor;
use crate::errors::Errors;
use crate::mailgate::Mailgate;

/// The mail backend of Odoo 18 as one program.
///
/// Postern keeps outgoing and incoming mail servers, connects them to Microsoft 365 by OAuth, sends
/// the queue, fetches mailboxes, and answers the JSON-RPC calls of Odoo 18. Without any settings it
/// starts on an SQLite file in the current directory.
#[derive(Debug, Default, Parser)]
#[command(
    name = "postern",
    version,
    max_term_width = 100,
    after_long_help = AFTER_HELP,
    disable_help_subcommand = true
)]
pub struct Arguments {
    /// Read settings from this TOML file [variable: POSTERN_CONFIG]
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<String>,

    /// Keep the data here: sqlite://FILE or postgres://USER@HOST/DATABASE
    ///
    /// Without it: sqlite://postern.sqlite, a file in the current directory that is made when it is
    /// missing. A password is better kept off the command line: see POSTERN_DATABASE_PASSWORD_FILE
    /// below. [variables: POSTERN_DATABASE_URL, DATABASE_URL]
    #[arg(long, value_name = "URL", global = true)]
    pub database_url: Option<String>,

    /// Open at most so many connections to PostgreSQL (default 10)
    ///
    /// [variable: POSTERN_DB_CONNECTIONS]
    #[arg(long, value_name = "COUNT")]
    pub db_connections: Option<String>,

    /// Reach PostgreSQL through a pooler that gives each transaction another session (default false)
    ///
    /// As pgbouncer does with pool_mode = transaction. Nothing is left in a session then, and replicas do not
    /// tell each other to look at the queue at once. [variable: POSTERN_DB_POOLER]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", global = true)]
    pub db_pooler: Option<String>,

    /// Serve HTTP here (default 127.0.0.1:8069)
    ///
    /// Port 0 takes a free port, which is printed. [variable: POSTERN_LISTEN]
    #[arg(long, value_name = "ADDRESS:PORT", global = true)]
    pub listen: Option<String>,

    /// Serve figures for Prometheus here, at /metrics (default: nowhere)
    ///
    /// Whoever reaches the address sees them: keep it to the network of the monitoring. [variable:
    /// POSTERN_METRICS_LISTEN]
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics_listen: Option<String>,

    /// Send traces to an OpenTelemetry collector here, by OTLP over HTTP (default: nowhere)
    ///
    /// Such as http://127.0.0.1:4318; the spans go to /v1/traces below it. [variable: POSTERN_OTLP_ENDPOINT]
    #[arg(long, value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// Answer requests with so many threads (default: one a processor)
    ///
    /// [variable: POSTERN_WORKERS]
    #[arg(long, value_name = "COUNT")]
    pub workers: Option<String>,

    /// After the signal to stop, go on answering calls for so many seconds (default 0)
    ///
    /// Meanwhile /web/health?db=1 answers 503 and connections are hung up after each answer, so that a proxy turns to
    /// another Postern before this one is gone. A second signal ends it at once. [variable: POSTERN_DRAIN]
    #[arg(long, value_name = "SECONDS")]
    pub drain: Option<String>,

    /// Believe X-Forwarded-Proto, -Host and -For of these proxies: addresses and networks, with commas
    ///
    /// Such as 127.0.0.1,10.0.0.0/8. Without a list, of whoever connects: only where nobody but a proxy that sets
    /// them itself can. [variable: POSTERN_TRUST_FORWARDED]
    #[arg(long, value_name = "PROXIES", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub trust_forwarded: Option<String>,

    /// Connect to mail servers, endpoints and webhooks in private networks and on this machine (default true)
    ///
    /// With false, whoever may name hosts cannot have Postern talk to its neighbourhood. Where clouds keep
    /// the credentials of their machines, nobody gets in any case. [variable: POSTERN_PRIVATE_NETWORKS]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub private_networks: Option<String>,

    /// Trust the certificate authorities of this PEM file, beside the system's
    ///
    /// They count for SMTP, IMAP and the providers' token endpoints. Certificates are always
    /// verified; this is the way to use a private authority. [variable: POSTERN_TLS_CA]
    #[arg(long, value_name = "FILE")]
    pub tls_ca: Option<String>,

    /// Send through this host where the database names no outgoing server, or one says "cli"
    ///
    /// This and the next settings are named as in Odoo's configuration file. The password is not
    /// taken from the command line: see below. [variable: POSTERN_SMTP_SERVER]
    #[arg(long, alias = "smtp", value_name = "HOST")]
    pub smtp_server: Option<String>,

    /// The port of that host (default 25)
    ///
    /// [variable: POSTERN_SMTP_PORT]
    #[arg(long, value_name = "PORT")]
    pub smtp_port: Option<String>,

    /// Protect the line to that host: by STARTTLS, on port 465 by TLS from the first byte
    ///
    /// [variable: POSTERN_SMTP_SSL]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub smtp_ssl: Option<String>,

    /// Sign in at that host as this user
    ///
    /// [variable: POSTERN_SMTP_USER]
    #[arg(long, value_name = "NAME")]
    pub smtp_user: Option<String>,

    /// Show that host the certificate in this PEM file
    ///
    /// [variable: POSTERN_SMTP_SSL_CERTIFICATE_FILENAME]
    #[arg(long, value_name = "FILE")]
    pub smtp_ssl_certificate_filename: Option<String>,

    /// The private key of that certificate, as PEM
    ///
    /// [variable: POSTERN_SMTP_SSL_PRIVATE_KEY_FILENAME]
    #[arg(long, value_name = "FILE")]
    pub smtp_ssl_private_key_filename: Option<String>,

    /// The sender of mails that have none, where no email domain says who that is
    ///
    /// [variable: POSTERN_EMAIL_FROM]
    #[arg(long, value_name = "ADDRESS")]
    pub email_from: Option<String>,

    /// The senders that --smtp-server takes: addresses and domains, separated by commas
    ///
    /// The parameter mail.default.from_filter counts more. [variable: POSTERN_FROM_FILTER]
    #[arg(long, value_name = "LIST")]
    pub from_filter: Option<String>,

    /// Seal the secrets in the database with the keys in this file
    ///
    /// Tokens, passwords, client secrets and private keys are then of no use to whoever reads the
    /// database or a backup of it. `postern vault key` makes a key. [variable: POSTERN_VAULT_KEY_FILE]
    #[arg(long, value_name = "FILE", global = true)]
    pub vault_key_file: Option<String>,

    /// Seal them with the keys that this command of the shell prints
    ///
    /// [variable: POSTERN_VAULT_KEY_COMMAND]
    #[arg(long, value_name = "COMMAND", global = true)]
    pub vault_key_command: Option<String>,

    /// In an adopted database, read the contents of attachments in this folder of Odoo's
    ///
    /// It is called like the database and lies in Odoo's data directory, as in
    /// /var/lib/odoo/filestore/DATABASE. [variable: POSTERN_ODOO_FILESTORE]
    #[arg(long, value_name = "FOLDER")]
    pub odoo_filestore: Option<String>,

    /// Seal the secrets of an adopted database too
    ///
    /// Odoo reads a sealed password or token as it stands, and can sign in nowhere with it: only where
    /// nothing but Postern uses the mail servers. `postern vault unseal` takes it back.
    /// [variable: POSTERN_SEAL_ODOO_SECRETS]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true", global = true)]
    pub seal_odoo_secrets: Option<String>,

    /// Serve calls only: send no queue, fetch no mailbox, run no schedule
    ///
    /// [variable: POSTERN_NO_JOBS]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub no_jobs: Option<String>,

    /// Log this much: a LEVEL, or TARGET=LEVEL, or several with commas (default info)
    ///
    /// Levels are off, error, warn, info, debug and trace. Libraries that would log credentials or
    /// mail at their finer levels stay quiet whatever is said here. [variable: POSTERN_LOG]
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,

    /// Log lines of "text", or "json" objects (default text)
    ///
    /// The log goes to standard error. [variable: POSTERN_LOG_FORMAT]
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,

    /// What to do instead of serving.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What the program can do beside serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Ask the Postern that listens at --listen whether it is well; ends with 0 if it is, with 1 if not
    Health,
    /// Hand in the mail on standard input to a running Postern or Odoo, for the pipe of a mail server
    ///
    /// Ends with 0 when the mail was taken; with 75 when the mail server is to keep it and to try again
    /// (nobody answers, the key is wrong, a setting cannot be used); with 67 when nothing says where it
    /// belongs, 69 when it was refused and 65 when it is none or too large, which send it back.
    Mailgate(Mailgate),
    /// Look after the secrets in the database and the keys that they are sealed with
    #[command(subcommand)]
    Vault(Vault),
    /// Examine mail servers: name, connection, TLS, OAuth, signing in, mailbox, sender, FROM filters
    ///
    /// Takes the settings of the service (--database-url and so on), sends nothing, and says of each step
    /// whether it works, what was found and what to do. Ends with 0 when nothing failed, with 1 when
    /// something did.
    Doctor(Doctor),
    #[command(flatten)]
    Console(Console),
    /// Take over the mail of an Odoo 18, in its own database (--database-url)
    ///
    /// Checks that the database is that of an Odoo 18 with its module mail, adds Postern's own tables,
    /// switches off the two jobs by which Odoo sends and fetches mail, and tells what Postern takes over.
    /// Nothing else of Odoo's is changed. `postern release` takes it back.
    Adopt(Adopt),
    /// Give an adopted database back to its Odoo
    ///
    /// Switches Odoo's jobs on again as they were and removes Postern's tables. Every Postern has to be
    /// stopped. What only Postern's tables hold stops it: mails in quarantine, mails to be handed on.
    Release(Release),
    /// Explain the codes that failures of mail servers and providers have
    Errors(Errors),
}

/// What can be done with the vault.
#[derive(Clone, Debug, Subcommand)]
pub enum Vault {
    /// Print a new key, as --vault-key-file takes it
    Key {
        /// What to call it: letters, digits, dots, dashes (default: today's date)
        id: Option<String>,
    },
    /// Count the secrets by the keys that they are sealed with
    Status,
    /// Seal all secrets with the first key: after one was added, or a new one put before the old
    ///
    /// A running Postern has to know both keys meanwhile. Afterwards the old one can go.
    Rotate,
    /// Store all secrets open again, as Odoo reads them
    Unseal,
}

const AFTER_HELP: &str = "\
Where a setting comes from:
  The flag counts most, then the environment variable, then the file of --config, then the default.
  An empty variable counts as absent. In the file a setting is named like its flag with underscores:
  database_url, db_connections, db_pooler, listen, metrics_listen, otlp_endpoint,
  workers, drain, trust_forwarded, private_networks, tls_ca, no_jobs, log, log_format,
  smtp_server, smtp_port, smtp_ssl, smtp_user, smtp_ssl_certificate_filename,
  smtp_ssl_private_key_filename, email_from, from_filter, vault_key_file, vault_key_command,
  odoo_filestore, seal_odoo_secrets;
  besides these admin_password_file, database_password_file and smtp_password_file.

Secrets, which are not taken from the command line:
  POSTERN_ADMIN_PASSWORD           the administrator's password on the first start; one is generated
                                   and printed when there is none
  POSTERN_ADMIN_PASSWORD_FILE      a file that holds it
  POSTERN_DATABASE_URL_FILE        a file that holds the address of the database
  POSTERN_DATABASE_PASSWORD_FILE   a file that holds the password for an address without one
  POSTERN_SMTP_PASSWORD            the password of --smtp-user
  POSTERN_SMTP_PASSWORD_FILE       a file that holds it
  POSTERN_VAULT_KEY                keys for the vault, one a line (see --vault-key-file)

How it ends:
  SIGTERM or Ctrl-C lets running requests and jobs finish; a second one ends at once.
  Exit status 0: ended as told. 1: something failed while running. 2: a setting cannot be used.";
