//! A database that a test makes itself, and looks at with the databases' own programs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Map, Value};
use tests::lab::{Database, Described, PostgresAddress};
use tests::postern::Options;

/// The rows of every table, as objects of column and value.
pub type Content = BTreeMap<String, Vec<Map<String, Value>>>;

/// A database of its own for a test; it is thrown away at the end.
pub enum Place {
    /// In a cluster.
    Postgres(PostgresAddress, String),
    /// A file, with others beside it perhaps, in a directory of its own.
    Sqlite(PathBuf),
}

impl Place {
    /// An empty one.
    pub fn empty(lab: &Described, database: Database) -> Self {
        let name = format!("years_{}", uuid::Uuid::new_v4().simple());
        match database {
            Database::Postgres => {
                lab.postgres.create_database(&name).unwrap();
                Self::Postgres(lab.postgres.clone(), name)
            }
            Database::Sqlite => {
                let directory = std::env::temp_dir().join(name);
                std::fs::create_dir_all(&directory).unwrap();
                Self::Sqlite(directory)
            }
        }
    }

    /// One with what a file of SQL makes.
    pub fn with(lab: &Described, database: Database, sql: &Path) -> Self {
        let place = Self::empty(lab, database);
        run(place.shell().stdin(std::fs::File::open(sql).unwrap()));
        place
    }

    /// What a dump of it makes.
    pub fn copy(&self, lab: &Described) -> Self {
        let file = std::env::temp_dir().join(format!("{}.sql", uuid::Uuid::new_v4().simple()));
        std::fs::write(&file, self.whole()).unwrap();
        let copy = Self::with(lab, self.database(), &file);
        std::fs::remove_file(&file).unwrap();
        copy
    }

    /// Which of the two it is.
    pub fn database(&self) -> Database {
        match self {
            Self::Postgres(..) => Database::Postgres,
            Self::Sqlite(_) => Database::Sqlite,
        }
    }

    /// Its address, as Postern takes it.
    pub fn url(&self) -> String {
        match self {
            Self::Postgres(cluster, name) => cluster.url(name),
            Self::Sqlite(_) => format!("sqlite://{}", self.file().display()),
        }
    }

    /// The SQLite file.
    pub fn file(&self) -> PathBuf {
        match self {
            Self::Postgres(..) => PathBuf::new(),
            Self::Sqlite(directory) => directory.join("postern.sqlite"),
        }
    }

    /// A Postern that works on it.
    pub fn options(&self) -> Options {
        Options {
            existing: Some(self.url()),
            ..Options::on(self.database())
        }
    }

    /// `psql` or `sqlite3` on it, which end with the first error.
    fn shell(&self) -> Command {
        match self {
            Self::Postgres(cluster, name) => {
                let mut command = cluster.program("psql");
                command.args(["-v", "ON_ERROR_STOP=1", "-q", "-A", "-t", "-d", name]);
                command
            }
            Self::Sqlite(_) => {
                let mut command = Command::new("sqlite3");
                command.args(["-bail", "-batch"]).arg(self.file());
                command.args(["-cmd", ".timeout 20000"]);
                command
            }
        }
    }

    /// Runs statements and answers what they print.
    pub fn sql(&self, statements: &str) -> String {
        let mut shell = self.shell();
        if matches!(self, Self::Postgres(..)) {
            shell.arg("-c");
        }
        run(shell.arg(statements).stdin(Stdio::null()))
    }

    /// What a statement answers, as a number.
    pub fn number(&self, statement: &str) -> i64 {
        self.sql(statement).trim().parse().unwrap()
    }

    /// The lines of everything that makes the tables.
    pub fn schema(&self) -> BTreeSet<String> {
        let text = match self {
            Self::Postgres(..) => self.dump(&["--schema-only"]),
            Self::Sqlite(_) => self.sql(".schema"),
        };
        // Which column is the last one does not matter.
        let lines = text
            .lines()
            .map(|line| line.trim_end_matches(',').to_owned());
        lines.collect()
    }

    /// Everything that is in it, as statements.
    pub fn whole(&self) -> String {
        match self {
            Self::Postgres(..) => self.dump(&[]),
            Self::Sqlite(_) => self.sql(".dump"),
        }
    }

    fn dump(&self, more: &[&str]) -> String {
        let Self::Postgres(cluster, name) = self else {
            return String::new();
        };
        let mut command = cluster.program("pg_dump");
        let text = run(command.args(more).args(["--no-owner", name]));
        // Newer versions write a key of its own into each dump (`\restrict`).
        let is_key =
            |line: &&str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
        let lines: Vec<&str> = text.lines().filter(|line| !is_key(line)).collect();
        lines.join("\n") + "\n"
    }

    /// The rows of all tables.
    pub fn content(&self) -> Content {
        let tables = self.sql(match self {
            Self::Postgres(..) => {
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            }
            Self::Sqlite(_) => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1"
            }
        });
        let tables = tables.lines().map(str::to_owned);
        tables
            .map(|table| {
                let rows = self.rows(&table);
                (table, rows)
            })
            .collect()
    }

    fn rows(&self, table: &str) -> Vec<Map<String, Value>> {
        let text = match self {
            Self::Postgres(..) => self.sql(&format!("SELECT json_agg(t) FROM \"{table}\" t")),
            Self::Sqlite(_) => {
                let mut shell = self.shell();
                let all = format!("SELECT * FROM \"{table}\"");
                run(shell.args(["-json", &all]).stdin(Stdio::null()))
            }
        };
        if text.trim().is_empty() {
            return Vec::new();
        }
        serde_json::from_str(&text).unwrap()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        match self {
            Self::Postgres(cluster, name) => {
                cluster.drop_database(name).ok();
            }
            Self::Sqlite(directory) => {
                std::fs::remove_dir_all(directory).ok();
            }
        }
    }
}

/// Runs a program to its end, which has to be a good one, and answers what it printed.
pub fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{:?}: {}",
        command.get_program(),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
