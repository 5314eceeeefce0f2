//! The database: opening it, and beginning transactions on it.

use std::str::FromStr;
use std::time::Duration;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector, TransactionOptions,
    TransactionTrait,
};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use crate::dialect;
use crate::error::{Error, Result};

/// How long a statement waits for another writer of the SQLite file, and a call for a connection.
const PATIENCE: Duration = Duration::from_secs(20);

/// An open database.
#[derive(Clone, Debug)]
pub struct Database {
    connection: DatabaseConnection,
    name: String,
}

/// What a transaction is for, which decides how it locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It only reads.
    Read,
    /// It may write.
    Write,
}

impl Database {
    /// Opens `sqlite://FILE` (made when missing) or `postgres://…` with at most `connections`
    /// connections (PostgreSQL; a SQLite file has one writer anyway).
    ///
    /// # Errors
    /// [`Error::User`] for an address that is neither, [`Error::Database`] when it cannot be opened.
    pub async fn open(url: &str, connections: u32) -> Result<Database> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Database::open_postgres(url, connections).await
        } else if url.starts_with("sqlite:") {
            Database::open_sqlite(url).await
        } else {
            Err(Error::User(
                "The address of the database must start with \"postgres://\" or \"sqlite://\"."
                    .into(),
            ))
        }
    }

    async fn open_postgres(url: &str, connections: u32) -> Result<Database> {
        let options = PgConnectOptions::from_str(url)
            .map_err(connect_error)?
            .application_name("postern")
            .options([("TimeZone", "UTC")]);
        let name = options.get_database().unwrap_or("postgres").to_owned();
        // A pool says only that it found no connection in time; one attempt of its own tells why.
        let probe = options.connect().await.map_err(connect_error)?;
        probe.close().await.map_err(connect_error)?;
        let pool = PgPoolOptions::new()
            .max_connections(connections)
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(connect_error)?;
        Ok(Database {
            connection: SqlxPostgresConnector::from_sqlx_postgres_pool(pool),
            name,
        })
    }

    async fn open_sqlite(url: &str) -> Result<Database> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(connect_error)?
            .create_if_missing(true)
            .foreign_keys(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A mail counts as accepted once its transaction is committed, so a commit must
            // survive a power failure.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(PATIENCE)
            // SQLite's own LIKE folds case for ASCII letters only.
            .with_regexp();
        let file = options.get_filename();
        let name = file.file_stem().map_or_else(
            || "postern".into(),
            |stem| stem.to_string_lossy().into_owned(),
        );
        let in_memory = url.contains(":memory:");
        let pool = SqlitePoolOptions::new()
            .max_connections(if in_memory { 1 } else { 4 })
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(connect_error)?;
        Ok(Database {
            connection: SqlxSqliteConnector::from_sqlx_sqlite_pool(pool),
            name,
        })
    }

    /// The name that clients give as the database's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The connection, for the migrations.
    pub fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Which of the two databases it is.
    pub fn backend(&self) -> DbBackend {
        self.connection.get_database_backend()
    }

    /// Begins a transaction: repeatable read on PostgreSQL, as Odoo uses.
    ///
    /// # Errors
    /// [`Error::Database`] when no connection is to be had.
    pub async fn begin(&self, intent: Intent) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            isolation_level: (self.backend() == DbBackend::Postgres)
                .then_some(IsolationLevel::RepeatableRead),
            access_mode: None,
            // A deferred transaction that turns into a writing one can fail at once when another
            // wrote in between; taking the lock at the start makes it wait instead.
            sqlite_transaction_mode: Some(match intent {
                Intent::Read => SqliteTransactionMode::Deferred,
                Intent::Write => SqliteTransactionMode::Immediate,
            }),
        };
        self.connection
            .begin_with_options(options)
            .await
            .map_err(dialect::database_error)
    }

    /// True when the database answers.
    pub async fn is_alive(&self) -> bool {
        self.connection.ping().await.is_ok()
    }

    /// Closes all connections once they are idle.
    pub async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::warn!(%error, "the database did not close cleanly");
        }
    }
}

fn connect_error(error: sqlx::Error) -> Error {
    Error::Database(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))
}
