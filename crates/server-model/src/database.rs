//! The database: opening it, and beginning transactions on it.

use std::cell::Cell;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    QueryResult, RuntimeErr, SqliteTransactionMode, SqlxPostgresConnector, SqlxSqliteConnector,
    TransactionOptions, TransactionTrait,
};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row};

use words::say;

use crate::dialect;
use crate::error::{Error, Result};
use crate::sql::Sql;

/// How long a statement waits for another writer of the SQLite file, and a call for a connection.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long a database is waited for when it is only asked whether it is there. Who asks has little patience.
const LIFE_SIGN: Duration = Duration::from_secs(2);
/// A connection that was used this short a time ago is used again without asking the server
/// whether it still lives, which would be one more round trip for every call.
const FRESH: Duration = Duration::from_secs(1);
/// How many connections that turn out to be dead are passed over before a call fails.
const DEAD_CONNECTIONS: u32 = 3;
/// With fewer connections than this, a thread is better off sharing those of all.
const OWN_CONNECTIONS: u32 = 3;

/// How PostgreSQL is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// Each connection is a session of the server's.
    #[default]
    Directly,
    /// Through a pooler that gives each transaction whichever session is free, as pgbouncer does in its transaction
    /// mode. Nothing may be left in a session for later then, nor be expected there: no setting, no prepared
    /// statement, nobody who listens.
    ThroughPooler,
}

thread_local! {
    /// Which of a database's pools this thread uses; 0 is the one that all others share.
    static POOL: Cell<usize> = const { Cell::new(0) };
}

/// An open database.
#[derive(Clone)]
pub struct Database {
    /// One for everybody, and one more for each thread that has connections of its own.
    pools: Arc<[DatabaseConnection]>,
    settled: Arc<AtomicUsize>,
    name: String,
    folding: &'static str,
    /// How to open one more connection to PostgreSQL, where that can be listened on.
    options: Option<PgConnectOptions>,
    reach: Reach,
}

/// Without how to connect, which holds the password.
impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("name", &self.name)
            .field("pools", &self.pools.len())
            .finish_non_exhaustive()
    }
}

/// What a transaction is for, which decides how it locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// It only reads.
    Read,
    /// It may write.
    Write,
    /// It takes or settles work that several processes share: on PostgreSQL each statement sees
    /// what others committed before it (read committed), instead of failing for it.
    Work,
}

impl Database {
    /// Opens `sqlite://FILE` (made when missing) or `postgres://…` with at most `connections`
    /// connections (PostgreSQL; a SQLite file has one writer anyway).
    ///
    /// # Errors
    /// [`Error::User`] for an address that is neither, [`Error::Database`] when it cannot be opened.
    pub async fn open(url: &str, connections: u32) -> Result<Database> {
        Database::open_for_threads(url, connections, 0, Reach::Directly).await
    }

    /// Like [`Database::open`], for a program in which so many threads serve calls and say so by
    /// [`Database::settle`].
    ///
    /// # Errors
    /// As for [`Database::open`].
    pub async fn open_for_threads(
        url: &str,
        connections: u32,
        threads: u32,
        reach: Reach,
    ) -> Result<Database> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            Database::open_postgres(url, connections, threads, reach).await
        } else if url.starts_with("sqlite:") {
            Database::open_sqlite(url).await
        } else {
            Err(Error::User(say!("error-database-address")))
        }
    }

    async fn open_postgres(
        url: &str,
        connections: u32,
        threads: u32,
        reach: Reach,
    ) -> Result<Database> {
        let options = PgConnectOptions::from_str(url)
            .map_err(connect_error)?
            .application_name("postern");
        let options = match reach {
            Reach::Directly => options.options([
                ("TimeZone", "UTC"),
                // As Odoo has it. Said once a connection and not once a transaction, which would
                // be a statement more in each.
                ("default_transaction_isolation", "repeatable read"),
            ]),
            // A pooler refuses settings that it does not know. The time zone comes with the connection anyway.
            Reach::ThroughPooler => options.extra_float_digits(None).statement_cache_capacity(0),
        };
        let name = options.get_database().unwrap_or("postgres").to_owned();
        // A pool says only that it found no connection in time; one attempt of its own tells why.
        let probe = options.connect().await.map_err(connect_error)?;
        probe.close().await.map_err(connect_error)?;
        let each = own_connections(connections, threads);
        let pool = pool_of(connections - each * threads)
            .connect_with(options.clone())
            .await
            .map_err(connect_error)?;
        let folding = choose_folding(&pool).await?;
        let own = (0..threads)
            .filter(|_| each > 0)
            .map(|_| pool_of(each).connect_lazy_with(options.clone()));
        Ok(Database {
            pools: std::iter::once(pool.clone())
                .chain(own)
                .map(SqlxPostgresConnector::from_sqlx_postgres_pool)
                .collect(),
            settled: Arc::default(),
            name,
            folding,
            options: (reach == Reach::Directly).then_some(options),
            reach,
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
            // A file does not hang up.
            .test_before_acquire(false)
            // When the disk is full SQLite takes a transaction back by itself, and what then wants to take it back
            // fails: the driver counts it as open for ever. Such a connection is closed.
            .after_release(|connection, _| {
                async move {
                    // What was asked of it before is done once it answers this.
                    connection.ping().await?;
                    Ok(!connection.is_in_transaction())
                }
                .boxed()
            })
            .acquire_timeout(PATIENCE)
            .connect_with(options)
            .await
            .map_err(connect_error)?;
        Ok(Database {
            pools: [SqlxSqliteConnector::from_sqlx_sqlite_pool(pool)].into(),
            settled: Arc::default(),
            name,
            folding: "",
            options: None,
            reach: Reach::Directly,
        })
    }

    /// The name that clients give as the database's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What stands behind a text that is compared without case. Empty for SQLite, and for a
    /// PostgreSQL database whose own collation folds more than ASCII letters.
    pub fn folding(&self) -> &'static str {
        self.folding
    }

    /// Gives the thread that calls this, and serves calls from now on, connections of its own if
    /// there are enough. Whatever comes in on a connection wakes the thread that opened it; on a
    /// connection of another thread, each answer of the database takes a detour through that one.
    pub fn settle(&self) {
        let place = self.settled.fetch_add(1, Ordering::Relaxed) + 1;
        POOL.set(if place < self.pools.len() { place } else { 0 });
    }

    /// The connections of this thread.
    pub fn connection(&self) -> &DatabaseConnection {
        self.pools.get(POOL.get()).unwrap_or(&self.pools[0])
    }

    /// Which of the two databases it is.
    pub fn backend(&self) -> DbBackend {
        self.pools[0].get_database_backend()
    }

    /// An empty statement for this database.
    pub fn sql(&self, text: &str) -> Sql {
        Sql::with(self.backend(), text).folding_with(self.folding)
    }

    /// Runs a statement that only reads in no transaction, and gives its first row.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn row(&self, sql: Sql) -> Result<Option<QueryResult>> {
        let statement = sql.build();
        if self.reach == Reach::ThroughPooler {
            // A statement is sent in two steps, which only a transaction keeps together there.
            let transaction = self.begin(Intent::Read).await?;
            let row = transaction.query_one_raw(statement).await;
            return row.map_err(dialect::database_error);
        }
        let mut dead = 0;
        loop {
            match self.connection().query_one_raw(statement.clone()).await {
                Err(error) if is_hung_up(&error) && dead < DEAD_CONNECTIONS => dead += 1,
                outcome => return outcome.map_err(dialect::database_error),
            }
        }
    }

    /// Begins a transaction: repeatable read on PostgreSQL, as Odoo uses, except for
    /// [`Intent::Work`].
    ///
    /// # Errors
    /// [`Error::Database`] when no connection is to be had.
    pub async fn begin(&self, intent: Intent) -> Result<DatabaseTransaction> {
        let options = TransactionOptions {
            isolation_level: match intent {
                Intent::Work if self.backend() == DbBackend::Postgres => {
                    Some(IsolationLevel::ReadCommitted)
                }
                _ => None,
            },
            access_mode: None,
            // A deferred transaction that turns into a writing one can fail at once when another
            // wrote in between; taking the lock at the start makes it wait instead.
            sqlite_transaction_mode: Some(match intent {
                Intent::Read => SqliteTransactionMode::Deferred,
                Intent::Write | Intent::Work => SqliteTransactionMode::Immediate,
            }),
        };
        let mut dead = 0;
        loop {
            let begun = match self.reach {
                Reach::Directly => self.connection().begin_with_options(options).await,
                Reach::ThroughPooler => self.begin_through_pooler(intent).await,
            };
            match begun {
                Err(error) if is_hung_up(&error) && dead < DEAD_CONNECTIONS => dead += 1,
                outcome => return outcome.map_err(dialect::database_error),
            }
        }
    }

    /// Begins a transaction in a session that somebody else may have used the moment before: his prepared statements,
    /// which are called like ours will be, are dropped.
    async fn begin_through_pooler(&self, intent: Intent) -> Result<DatabaseTransaction, DbErr> {
        let transaction = self.connection().begin().await?;
        let isolation = match intent {
            Intent::Work => "READ COMMITTED",
            Intent::Read | Intent::Write => "REPEATABLE READ",
        };
        let begin = format!("SET TRANSACTION ISOLATION LEVEL {isolation}; DEALLOCATE ALL");
        transaction.execute_unprepared(&begin).await?;
        Ok(transaction)
    }

    /// Listens on a channel of PostgreSQL's, over a connection of its own, and hands over what is
    /// said there. Ends at once for SQLite, which has no channels, and where a pooler is in between.
    ///
    /// # Errors
    /// When the connection is lost or refused.
    pub async fn listen(&self, channel: &str, heard: impl Fn(&str)) -> Result<()> {
        let Some(options) = self.options.clone() else {
            return Ok(());
        };
        let pool = PgPoolOptions::new()
            .max_connections(1)
            .connect_lazy_with(options);
        let mut listener = PgListener::connect_with(&pool)
            .await
            .map_err(connect_error)?;
        listener.listen(channel).await.map_err(connect_error)?;
        loop {
            // What was said while the connection was gone is not repeated, so that counts as an end.
            match listener.try_recv().await.map_err(connect_error)? {
                Some(notification) => heard(notification.payload()),
                None => return Err(connect_error(sqlx::Error::PoolClosed)),
            }
        }
    }

    /// True when the database answers within two seconds.
    pub async fn is_alive(&self) -> bool {
        let answer = tokio::time::timeout(LIFE_SIGN, self.connection().ping());
        matches!(answer.await, Ok(Ok(())))
    }

    /// Closes all connections once they are idle.
    pub async fn close(self) {
        for pool in self.pools.iter() {
            if let Err(error) = pool.close_by_ref().await {
                tracing::warn!(%error, "the database did not close cleanly");
            }
        }
    }
}

/// How many of the connections each thread gets for itself; none when there would be too few.
fn own_connections(connections: u32, threads: u32) -> u32 {
    // The rest is for whatever is no call: the jobs, and what happens before the first call.
    let for_calls = connections.saturating_sub((connections / 4).max(2));
    match for_calls.checked_div(threads) {
        Some(each) if each >= OWN_CONNECTIONS => each,
        _ => 0,
    }
}

fn pool_of(connections: u32) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(PATIENCE)
        .test_before_acquire(false)
        .before_acquire(|connection, used| {
            async move {
                if used.idle_for > FRESH {
                    connection.ping().await?;
                }
                Ok(true)
            }
            .boxed()
        })
}

/// `ILIKE` folds the case of letters as the database's collation does, and the C collation knows
/// ASCII only. Odoo's databases mostly have such a collation; PostgreSQL's ICU collations, which
/// nearly every build brings, fold all of Unicode.
async fn choose_folding(pool: &sqlx::PgPool) -> Result<&'static str> {
    // Not prepared: whatever is in between.
    let asked = async |question| -> Result<bool, sqlx::Error> {
        sqlx::raw_sql(question).fetch_one(pool).await?.try_get(0)
    };
    let folds = asked("SELECT 'É' ILIKE 'é'").await.map_err(connect_error)?;
    if folds {
        return Ok("");
    }
    let with_icu = asked(
        "SELECT EXISTS (SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu' AND collnamespace = 'pg_catalog'::regnamespace)",
    )
    .await
    .map_err(connect_error)?;
    if with_icu {
        return Ok(" COLLATE \"und-x-icu\"");
    }
    tracing::warn!(
        "this database folds the case of ASCII letters only, so searches without case miss others"
    );
    Ok("")
}

/// True when the server ended the connection before the statement was even looked at, as it does
/// when it is restarted.
fn is_hung_up(error: &DbErr) -> bool {
    let (DbErr::Conn(RuntimeErr::SqlxError(inner))
    | DbErr::Exec(RuntimeErr::SqlxError(inner))
    | DbErr::Query(RuntimeErr::SqlxError(inner))) = error
    else {
        return false;
    };
    match inner.as_ref() {
        sqlx::Error::Io(_) => true,
        // Told to end, by an administrator or because another process of the server broke.
        sqlx::Error::Database(refusal) => {
            matches!(refusal.code().as_deref(), Some("57P01" | "57P02"))
        }
        _ => false,
    }
}

fn connect_error(error: sqlx::Error) -> Error {
    Error::Database(DbErr::Conn(sea_orm::RuntimeErr::SqlxError(error.into())))
}

#[cfg(test)]
mod tests {
    use super::own_connections;

    #[test]
    fn threads_have_connections_of_their_own_where_there_are_enough() {
        assert_eq!(own_connections(10, 2), 4);
        assert_eq!(own_connections(100, 16), 4);
        assert_eq!(own_connections(10, 1), 8);
        for (connections, threads) in [(10, 4), (1, 1), (3, 2), (10, 0)] {
            assert_eq!(own_connections(connections, threads), 0);
        }
    }
}
