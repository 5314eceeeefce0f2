//! A statement being written: text with numbered places, and the values for them.

use std::fmt;

use sea_orm::{DbBackend, Statement, Value};

/// SQL text and its parameters. Names in the text come from the registry only, never from a caller.
#[derive(Clone)]
pub struct Sql {
    backend: DbBackend,
    text: String,
    values: Vec<Value>,
    aliases: usize,
    folding: &'static str,
}

/// The values stay out of it: they may be passwords and tokens.
impl fmt::Debug for Sql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sql")
            .field("text", &self.text)
            .field("values", &self.values.len())
            .finish_non_exhaustive()
    }
}

impl Sql {
    /// An empty statement.
    pub fn new(backend: DbBackend) -> Sql {
        Sql {
            backend,
            text: String::with_capacity(256),
            values: Vec::new(),
            aliases: 0,
            folding: "",
        }
    }

    /// The same statement, where texts are compared without case under this collation
    /// (see [`crate::database::Database::folding`]).
    #[must_use]
    pub fn folding_with(self, folding: &'static str) -> Sql {
        Sql { folding, ..self }
    }

    /// What stands behind a text that is compared without case; empty where the database needs
    /// no help.
    pub fn folding(&self) -> &'static str {
        self.folding
    }

    /// A statement that starts with `text`.
    pub fn with(backend: DbBackend, text: &str) -> Sql {
        let mut sql = Sql::new(backend);
        sql.push(text);
        sql
    }

    /// The database it is for.
    pub fn backend(&self) -> DbBackend {
        self.backend
    }

    /// True for PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.backend == DbBackend::Postgres
    }

    /// Adds text.
    pub fn push(&mut self, text: &str) -> &mut Sql {
        self.text.push_str(text);
        self
    }

    /// Adds a place and its value.
    pub fn bind(&mut self, value: impl Into<Value>) -> &mut Sql {
        let value = value.into();
        // Connections to PostgreSQL keep statements by their text, with the types of the values they
        // first came with. One text must not come with numbers of another type: their bytes would
        // be taken for something else.
        let kind = match &value {
            Value::Int(_) => "::int4",
            Value::BigInt(_) => "::int8",
            Value::Double(_) => "::float8",
            _ => "",
        };
        self.values.push(value);
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        if self.is_postgres() {
            self.text.push_str(kind);
        }
        self
    }

    /// Adds a quoted name.
    pub fn name(&mut self, name: &str) -> &mut Sql {
        debug_assert!(!name.contains('"'), "names come from the registry");
        self.text.push('"');
        self.text.push_str(name);
        self.text.push('"');
        self
    }

    /// Adds `alias."column"`.
    pub fn column(&mut self, alias: &str, column: &str) -> &mut Sql {
        self.text.push_str(alias);
        self.text.push('.');
        self.name(column)
    }

    /// A table alias not used in this statement yet.
    pub fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("t{}", self.aliases)
    }

    /// Where the text stands now; for [`Sql::rewind`].
    pub fn mark(&self) -> (usize, usize) {
        (self.text.len(), self.values.len())
    }

    /// Takes back what was written since the mark.
    pub fn rewind(&mut self, (text, values): (usize, usize)) {
        self.text.truncate(text);
        self.values.truncate(values);
    }

    /// The text alone, for parts that hold no values.
    pub fn into_text(self) -> String {
        self.text
    }

    /// The statement for the driver.
    pub fn build(self) -> Statement {
        Statement::from_sql_and_values(self.backend, self.text, self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_of_a_statement_holds_no_value() {
        let mut sql = Sql::with(DbBackend::Sqlite, "UPDATE t SET secret = ");
        sql.bind("hunter2");
        let shown = format!("{sql:?}");
        assert!(shown.contains("UPDATE t SET secret = $1"), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
