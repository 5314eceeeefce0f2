//! Empty databases to migrate.

use std::sync::atomic::{AtomicU32, Ordering};

use migrations::sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend, QueryResult,
    Statement, TryGetable,
};

/// An empty SQLite database in memory; it lives as long as its only connection.
pub(crate) async fn sqlite() -> DatabaseConnection {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    Database::connect(options).await.expect("SQLite opens")
}

/// A PostgreSQL database of one test's own, removed by [`Scratch::remove`].
pub(crate) struct Scratch {
    server: DatabaseConnection,
    name: String,
    url: String,
}

impl Scratch {
    /// An empty database, or `None` where the tests were given no server.
    pub(crate) async fn create() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let Ok(server_url) = std::env::var("POSTERN_TEST_PG") else {
            eprintln!("POSTERN_TEST_PG is not set: not tested on PostgreSQL");
            return None;
        };
        let name = format!(
            "postern_migrations_{}_{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let server = connect(&server_url).await;
        run(&server, &format!("CREATE DATABASE {name}")).await;
        let url = in_database(&server_url, &name);
        Some(Self { server, name, url })
    }

    /// A connection pool of its own, as each replica has.
    pub(crate) async fn connect(&self) -> DatabaseConnection {
        connect(&self.url).await
    }

    pub(crate) async fn remove(self) {
        run(
            &self.server,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        )
        .await;
    }
}

/// A connection pool on the database at `url`.
pub(crate) async fn connect(url: &str) -> DatabaseConnection {
    let mut options = ConnectOptions::new(url);
    options.max_connections(2).sqlx_logging(false);
    Database::connect(options)
        .await
        .expect("the database opens")
}

fn in_database(server_url: &str, name: &str) -> String {
    let (address, options) = server_url.split_once('?').unwrap_or((server_url, ""));
    let (address, _) = address
        .rsplit_once('/')
        .expect("POSTERN_TEST_PG ends in a database's name");
    format!("{address}/{name}?{options}")
}

pub(crate) async fn run(db: &DatabaseConnection, sql: &str) {
    if let Err(error) = db.execute_unprepared(sql).await {
        panic!("{sql}: {error}");
    }
}

/// The rows that `sql` answers.
pub(crate) async fn rows(db: &DatabaseConnection, sql: &str) -> Vec<QueryResult> {
    let statement = Statement::from_string(db.get_database_backend(), sql);
    match db.query_all_raw(statement).await {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {error}"),
    }
}

/// The first column of the rows that `sql` answers.
pub(crate) async fn values<T: TryGetable>(db: &DatabaseConnection, sql: &str) -> Vec<T> {
    rows(db, sql).await.iter().map(|row| get(row, 0)).collect()
}

pub(crate) fn get<T: TryGetable>(row: &QueryResult, index: usize) -> T {
    row.try_get_by_index(index)
        .expect("the column has the expected type")
}

pub(crate) fn is_sqlite(db: &DatabaseConnection) -> bool {
    db.get_database_backend() == DbBackend::Sqlite
}
