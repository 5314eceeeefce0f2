//! A database as an Odoo 18.0 leaves it, for Postern to be adopted into: tables, keys and rows from `fixtures/odoo18`.

use std::io::Write as _;
use std::process::{Output, Stdio};

use crate::lab::{Described, LabError};

/// The files that make it.
const TABLES: &str = include_str!("../fixtures/odoo18/tables.sql");
const ROWS: &str = include_str!("../fixtures/odoo18/rows.sql");

/// The login and password of an internal user who is no administrator.
pub const EMPLOYEE: (&str, &str) = ("marc", "marc-knows-the-way");
/// The login and password of a portal user.
pub const PORTAL: (&str, &str) = ("joel", "only-at-the-gate");
/// The employee's API key for calls.
pub const EMPLOYEE_KEY: &str = "9c0ffee119ba860364150ec773b4a3d51c236fd1";
/// A key of the administrator's that expired.
pub const EXPIRED_KEY: &str = "deadbea77c80bd371766d3fcf2cbbf300a1251e0";

/// The name in Odoo's filestore, and the content, of the one attachment that lies there.
pub const STORED_FILE: (&str, &str) = (
    "98/98316f7b8d9aa9328c247b8bf3bb195e03682acd",
    "kept in a file of Odoo\n",
);

/// The database, dropped at the end.
#[derive(Debug)]
pub struct OdooDatabase {
    lab: Described,
    name: String,
    url: String,
}

impl OdooDatabase {
    /// Makes it.
    ///
    /// # Errors
    /// When PostgreSQL refuses something.
    pub fn create(lab: &Described) -> Result<Self, LabError> {
        let name = format!("odoo_{}", uuid::Uuid::new_v4().simple());
        let url = lab.postgres.create_database(&name)?;
        let database = Self {
            lab: lab.clone(),
            name,
            url,
        };
        database.run(TABLES)?;
        database.run(ROWS)?;
        Ok(database)
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Runs statements as Odoo would, and gives what they print: a line a row, with `|` between columns.
    ///
    /// # Errors
    /// With what PostgreSQL says, when it refuses one.
    pub fn run(&self, sql: &str) -> Result<String, LabError> {
        let output = self.program(
            "psql",
            &["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"],
            sql,
        )?;
        Ok(output.trim_end().to_owned())
    }

    /// Everything in it, as `pg_dump` writes it, with the rows of each table in an order of their own: rows that were
    /// written lie elsewhere than before, and that is no difference.
    ///
    /// # Errors
    /// When it cannot be dumped.
    pub fn dump(&self) -> Result<Vec<String>, LabError> {
        let dump = self.program("pg_dump", &[], "")?;
        let mut lines: Vec<String> = Vec::new();
        let mut rows: Option<Vec<String>> = None;
        // A dump of today's pg_dump carries a word that is another one each time.
        let is_word =
            |line: &&str| line.starts_with("\\restrict") || line.starts_with("\\unrestrict");
        for line in dump.lines().filter(|line| !is_word(line)) {
            match &mut rows {
                Some(_) if line == "\\." => {
                    let mut sorted = rows.take().unwrap_or_default();
                    sorted.sort();
                    lines.extend(sorted);
                    lines.push(line.to_owned());
                }
                Some(rows) => rows.push(line.to_owned()),
                None => {
                    if line.starts_with("COPY ") {
                        rows = Some(Vec::new());
                    }
                    lines.push(line.to_owned());
                }
            }
        }
        Ok(lines)
    }

    fn program(&self, name: &str, arguments: &[&str], input: &str) -> Result<String, LabError> {
        let failed = |output: String| LabError::Program {
            program: name.to_owned(),
            output,
        };
        let mut child = self
            .lab
            .postgres
            .program(name)
            .args(arguments)
            .env("PGDATABASE", &self.name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| failed(error.to_string()))?;
        // Written aside, or both ends could wait for each other.
        let mut stdin = child.stdin.take();
        let input = input.to_owned();
        let writing = std::thread::spawn(move || {
            if let Some(stdin) = &mut stdin {
                stdin.write_all(input.as_bytes()).ok();
            }
        });
        let output: Output = child
            .wait_with_output()
            .map_err(|error| failed(error.to_string()))?;
        writing.join().ok();
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(failed(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }
}

impl Drop for OdooDatabase {
    fn drop(&mut self) {
        self.lab.postgres.drop_database(&self.name).ok();
    }
}
