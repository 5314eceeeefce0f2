//! The words in which a table is described here: columns, keys, checks and indexes, as constants.
//!
//! A description is independent of the database. [`crate::emit`] turns it into SQL for PostgreSQL,
//! where every type, constraint and index comes out exactly as Odoo 18 has it, and for SQLite,
//! which gets the nearest equivalent.

/// A column's type. The names are PostgreSQL's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    Integer,
    BigInt,
    Boolean,
    /// `character varying`, with the limit in characters where there is one.
    Varchar(Option<u16>),
    Text,
    Jsonb,
    Bytea,
    Double,
    Numeric,
    /// `timestamp without time zone`, always UTC.
    Timestamp,
}

/// What a column holds when an insert does not name it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Default {
    /// The next value of this sequence. SQLite numbers rows by itself.
    Sequence(&'static str),
    /// A literal that both databases read alike.
    Literal(&'static str),
    /// The present moment in UTC. The zone is kept as Odoo spells it (`utc` or `UTC`), since
    /// PostgreSQL's catalog shows the difference.
    Now(&'static str),
}

/// What happens to a row when the row that it refers to is deleted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnDelete {
    SetNull,
    Cascade,
    Restrict,
}

/// A foreign key to the `id` of another table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reference {
    pub(crate) table: &'static str,
    pub(crate) on_delete: OnDelete,
    /// Set where the usual name, `<table>_<column>_fkey`, is not the one in use.
    pub(crate) name: Option<&'static str>,
}

/// The index named `<table>__<column>_index` that a single column may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnIndex {
    None,
    Full,
    /// Only the rows in which the column is not null.
    WhereSet,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Type,
    pub(crate) nullable: bool,
    pub(crate) default: Option<Default>,
    pub(crate) references: Option<Reference>,
    pub(crate) index: ColumnIndex,
}

impl Column {
    const fn new(name: &'static str, kind: Type) -> Self {
        Self {
            name,
            kind,
            nullable: true,
            default: None,
            references: None,
            index: ColumnIndex::None,
        }
    }

    pub(crate) const fn not_null(mut self) -> Self {
        self.nullable = false;
        self
    }

    pub(crate) const fn default(mut self, literal: &'static str) -> Self {
        self.default = Some(Default::Literal(literal));
        self
    }

    pub(crate) const fn default_now(mut self, zone: &'static str) -> Self {
        self.default = Some(Default::Now(zone));
        self
    }

    pub(crate) const fn references(mut self, table: &'static str, on_delete: OnDelete) -> Self {
        self.references = Some(Reference {
            table,
            on_delete,
            name: None,
        });
        self
    }

    /// Names the foreign key where PostgreSQL's limit of 63 bytes has cut the usual name short.
    pub(crate) const fn key_named(mut self, name: &'static str) -> Self {
        if let Some(reference) = &mut self.references {
            reference.name = Some(name);
        }
        self
    }

    pub(crate) const fn indexed(mut self) -> Self {
        self.index = ColumnIndex::Full;
        self
    }

    pub(crate) const fn indexed_where_set(mut self) -> Self {
        self.index = ColumnIndex::WhereSet;
        self
    }
}

/// The serial primary key `id` that nearly every table has.
pub(crate) const fn id() -> Column {
    Column::new("id", Type::Integer).not_null()
}

/// An `id` that draws its numbers from a sequence shared with other tables.
pub(crate) const fn id_from(sequence: &'static str) -> Column {
    let mut column = id();
    column.default = Some(Default::Sequence(sequence));
    column
}

pub(crate) const fn integer(name: &'static str) -> Column {
    Column::new(name, Type::Integer)
}

pub(crate) const fn bigint(name: &'static str) -> Column {
    Column::new(name, Type::BigInt)
}

pub(crate) const fn boolean(name: &'static str) -> Column {
    Column::new(name, Type::Boolean)
}

pub(crate) const fn varchar(name: &'static str) -> Column {
    Column::new(name, Type::Varchar(None))
}

pub(crate) const fn varchar_of(name: &'static str, characters: u16) -> Column {
    Column::new(name, Type::Varchar(Some(characters)))
}

pub(crate) const fn text(name: &'static str) -> Column {
    Column::new(name, Type::Text)
}

pub(crate) const fn jsonb(name: &'static str) -> Column {
    Column::new(name, Type::Jsonb)
}

pub(crate) const fn bytea(name: &'static str) -> Column {
    Column::new(name, Type::Bytea)
}

pub(crate) const fn double(name: &'static str) -> Column {
    Column::new(name, Type::Double)
}

pub(crate) const fn numeric(name: &'static str) -> Column {
    Column::new(name, Type::Numeric)
}

pub(crate) const fn timestamp(name: &'static str) -> Column {
    Column::new(name, Type::Timestamp)
}

/// A named constraint over a table's own columns.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Constraint {
    Unique {
        name: &'static str,
        columns: &'static [&'static str],
    },
    Check {
        name: &'static str,
        condition: &'static str,
        /// The same condition in SQLite's words, where they differ.
        sqlite: Option<&'static str>,
    },
}

impl Constraint {
    pub(crate) const fn on_sqlite(mut self, condition: &'static str) -> Self {
        if let Self::Check { sqlite, .. } = &mut self {
            *sqlite = Some(condition);
        }
        self
    }
}

pub(crate) const fn unique(name: &'static str, columns: &'static [&'static str]) -> Constraint {
    Constraint::Unique { name, columns }
}

pub(crate) const fn check(name: &'static str, condition: &'static str) -> Constraint {
    Constraint::Check {
        name,
        condition,
        sqlite: None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Btree,
    /// GIN over the trigrams of a text, for searches by a part of it. It needs PostgreSQL's
    /// extension `pg_trgm` and is left out where that is not installed.
    Trigram,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    /// Column names, or SQL expressions.
    pub(crate) parts: &'static [&'static str],
    pub(crate) unique: bool,
    pub(crate) method: Method,
    pub(crate) filter: Option<&'static str>,
    /// Set where the expression has no counterpart in SQLite.
    pub(crate) only_on_postgres: bool,
}

impl Index {
    pub(crate) const fn filtered(mut self, condition: &'static str) -> Self {
        self.filter = Some(condition);
        self
    }

    pub(crate) const fn only_on_postgres(mut self) -> Self {
        self.only_on_postgres = true;
        self
    }
}

pub(crate) const fn index(name: &'static str, parts: &'static [&'static str]) -> Index {
    Index {
        name,
        parts,
        unique: false,
        method: Method::Btree,
        filter: None,
        only_on_postgres: false,
    }
}

pub(crate) const fn unique_index(name: &'static str, parts: &'static [&'static str]) -> Index {
    let mut index = index(name, parts);
    index.unique = true;
    index
}

pub(crate) const fn trigram_index(name: &'static str, parts: &'static [&'static str]) -> Index {
    let mut index = index(name, parts);
    index.method = Method::Trigram;
    index.only_on_postgres = true;
    index
}

/// A table. Its primary key is `id` unless another one is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    pub(crate) primary_key: &'static [&'static str],
    pub(crate) constraints: &'static [Constraint],
    pub(crate) indexes: &'static [Index],
}

impl Table {
    pub(crate) const fn new(name: &'static str, columns: &'static [Column]) -> Self {
        Self {
            name,
            columns,
            primary_key: &["id"],
            constraints: &[],
            indexes: &[],
        }
    }

    pub(crate) const fn primary_key(mut self, columns: &'static [&'static str]) -> Self {
        self.primary_key = columns;
        self
    }

    pub(crate) const fn constraints(mut self, constraints: &'static [Constraint]) -> Self {
        self.constraints = constraints;
        self
    }

    pub(crate) const fn indexes(mut self, indexes: &'static [Index]) -> Self {
        self.indexes = indexes;
        self
    }
}
