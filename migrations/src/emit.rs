//! Table descriptions to SQL, for PostgreSQL and for SQLite, and the running of that SQL.

use std::collections::{HashMap, HashSet};

use sea_orm_migration::prelude::{ConnectionTrait, DbErr};
use sea_orm_migration::sea_orm::{DbBackend, Statement};

use crate::home;
use crate::schema::{
    Column, ColumnIndex, Constraint, Default, Index, Method, OnDelete, Reference, Table, Type,
};

/// Creates those of `tables` that are not there yet, with their keys and indexes.
///
/// A table that exists gets the columns that it lacks. In the database of an Odoo none but Postern's
/// own tables are touched.
///
/// # Errors
/// If an existing table lacks a column that cannot be added, or if the database refuses a
/// statement.
pub(crate) async fn create_missing<C: ConnectionTrait>(
    db: &C,
    tables: &[Table],
) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    let is_guest = home::is_adopted(db).await?;
    let existing = existing_columns(db).await?;
    let mut missing = Vec::new();
    let ours = |table: &&Table| !is_guest || home::is_ours(table.name);
    for table in tables.iter().filter(ours) {
        match existing.get(table.name) {
            None => missing.push(table),
            Some(columns) => {
                for statement in add_columns(backend, table, columns)? {
                    db.execute_unprepared(&statement).await?;
                }
            }
        }
    }
    let has_trigrams = has_trigrams(db).await?;

    for table in &missing {
        for statement in create_table(backend, table) {
            db.execute_unprepared(&statement).await?;
        }
    }
    if backend == DbBackend::Postgres {
        // Only now does every table exist that a key may point to; many point to each other.
        for statement in missing
            .iter()
            .filter_map(|table| add_foreign_keys(table, is_guest))
        {
            db.execute_unprepared(&statement).await?;
        }
    }
    for table in &missing {
        for statement in create_indexes(backend, table, has_trigrams) {
            db.execute_unprepared(&statement).await?;
        }
    }
    Ok(())
}

/// The column names of every table of the database's present schema.
async fn existing_columns<C: ConnectionTrait>(
    db: &C,
) -> Result<HashMap<String, HashSet<String>>, DbErr> {
    let backend = db.get_database_backend();
    let query = match backend {
        DbBackend::Sqlite => {
            "SELECT t.name AS table_name, c.name AS column_name \
             FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'"
        }
        _ => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns \
             WHERE table_schema = current_schema()"
        }
    };
    let mut tables: HashMap<String, HashSet<String>> = HashMap::new();
    for row in db
        .query_all_raw(Statement::from_string(backend, query))
        .await?
    {
        let (table, column) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        tables.entry(table).or_default().insert(column);
    }
    Ok(tables)
}

/// The statements that give an existing table the columns it lacks. Their keys and indexes are
/// left to the Odoo module that they belong to.
fn add_columns(
    backend: DbBackend,
    table: &Table,
    existing: &HashSet<String>,
) -> Result<Vec<String>, DbErr> {
    table
        .columns
        .iter()
        .filter(|column| !existing.contains(column.name))
        .map(|column| {
            if !column.nullable {
                return Err(DbErr::Custom(format!(
                    "the table {table} exists already, but without the column {column}, for which \
                     no value is known: give Postern a database of its own, or one in which \
                     Odoo 18 with its module mail is installed",
                    table = table.name,
                    column = column.name,
                )));
            }
            let clause = if backend == DbBackend::Sqlite {
                sqlite_column(column, table)
            } else {
                postgres_column(column, table)
            };
            Ok(format!(
                "ALTER TABLE {} ADD COLUMN {clause}",
                quoted(table.name)
            ))
        })
        .collect()
}

/// Whether trigram indexes can be created here.
async fn has_trigrams<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    let backend = db.get_database_backend();
    if backend != DbBackend::Postgres {
        return Ok(false);
    }
    let query = "SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'";
    let found = db
        .query_one_raw(Statement::from_string(backend, query))
        .await?;
    Ok(found.is_some())
}

/// The statements that create a table. On SQLite they carry its foreign keys too, because SQLite
/// cannot add them later; it does not mind that the target comes later.
fn create_table(backend: DbBackend, table: &Table) -> Vec<String> {
    let on_sqlite = backend == DbBackend::Sqlite;
    let mut statements = Vec::new();
    let mut items = Vec::new();

    for column in table.columns {
        if let (false, Some(Default::Sequence(sequence))) = (on_sqlite, column.default) {
            statements.push(format!(
                "CREATE SEQUENCE IF NOT EXISTS {} AS integer",
                quoted(sequence)
            ));
        }
        items.push(if on_sqlite {
            sqlite_column(column, table)
        } else {
            postgres_column(column, table)
        });
    }
    // SQLite wants a self-numbering key declared on the column itself.
    if !(on_sqlite && numbers_itself(table)) {
        items.push(format!(
            "CONSTRAINT {} PRIMARY KEY ({})",
            quoted(&format!("{}_pkey", table.name)),
            column_list(table.primary_key)
        ));
    }
    for constraint in table.constraints {
        items.push(constraint_clause(constraint, on_sqlite));
    }
    if on_sqlite {
        items.extend(foreign_keys(table, false));
    }

    statements.push(format!(
        "CREATE TABLE {} (\n  {}\n)",
        quoted(table.name),
        items.join(",\n  ")
    ));
    statements
}

fn numbers_itself(table: &Table) -> bool {
    table.primary_key == ["id"]
}

fn is_serial(column: &Column, table: &Table) -> bool {
    numbers_itself(table) && column.name == "id"
}

fn postgres_column(column: &Column, table: &Table) -> String {
    if is_serial(column, table) && column.default.is_none() {
        // `serial` makes the sequence <table>_id_seq, as Odoo does.
        return format!("{} serial NOT NULL", quoted(column.name));
    }
    let kind = match column.kind {
        Type::Integer => "integer".to_owned(),
        Type::BigInt => "bigint".to_owned(),
        Type::Boolean => "boolean".to_owned(),
        Type::Varchar(None) => "character varying".to_owned(),
        Type::Varchar(Some(limit)) => format!("character varying({limit})"),
        Type::Text => "text".to_owned(),
        Type::Jsonb => "jsonb".to_owned(),
        Type::Bytea => "bytea".to_owned(),
        Type::Double => "double precision".to_owned(),
        Type::Numeric => "numeric".to_owned(),
        Type::Timestamp => "timestamp without time zone".to_owned(),
    };
    let default = column.default.map(|default| match default {
        Default::Sequence(sequence) => format!("nextval('{sequence}'::regclass)"),
        Default::Literal(literal) => literal.to_owned(),
        Default::Now(zone) => format!("(now() AT TIME ZONE '{zone}')"),
    });
    column_clause(column, &kind, default)
}

/// The declared types decide how the driver reads a value (`BOOLEAN`, `DATETIME`) and which
/// affinity SQLite gives a column: the word TEXT in a JSON column's type keeps a JSON number from
/// being stored as a number.
fn sqlite_column(column: &Column, table: &Table) -> String {
    if is_serial(column, table) {
        // AUTOINCREMENT: the number of a deleted record is never given to another one.
        return format!(
            "{} INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT",
            quoted(column.name)
        );
    }
    let kind = match column.kind {
        Type::Integer => "INTEGER".to_owned(),
        Type::BigInt => "BIGINT".to_owned(),
        Type::Boolean => "BOOLEAN".to_owned(),
        Type::Varchar(None) => "VARCHAR".to_owned(),
        Type::Varchar(Some(limit)) => format!("VARCHAR({limit})"),
        Type::Text => "TEXT".to_owned(),
        Type::Jsonb => "JSONB_TEXT".to_owned(),
        Type::Bytea => "BLOB".to_owned(),
        Type::Double | Type::Numeric => "REAL".to_owned(),
        Type::Timestamp => "DATETIME".to_owned(),
    };
    let default = column.default.and_then(|default| match default {
        Default::Sequence(_) => None,
        Default::Literal(literal) => Some(literal.to_owned()),
        Default::Now(_) => Some("(strftime('%Y-%m-%d %H:%M:%f', 'now'))".to_owned()),
    });
    column_clause(column, &kind, default)
}

fn column_clause(column: &Column, kind: &str, default: Option<String>) -> String {
    let mut clause = format!("{} {kind}", quoted(column.name));
    if let Some(default) = default {
        clause.push_str(" DEFAULT ");
        clause.push_str(&default);
    }
    if !column.nullable {
        clause.push_str(" NOT NULL");
    }
    clause
}

fn constraint_clause(constraint: &Constraint, on_sqlite: bool) -> String {
    match constraint {
        Constraint::Unique { name, columns } => format!(
            "CONSTRAINT {} UNIQUE ({})",
            quoted(name),
            column_list(columns)
        ),
        Constraint::Check {
            name,
            condition,
            sqlite,
        } => {
            let condition = match sqlite {
                Some(sqlite) if on_sqlite => sqlite,
                _ => condition,
            };
            format!("CONSTRAINT {} CHECK ({condition})", quoted(name))
        }
    }
}

/// The keys of a table; for a guest those into Odoo's tables are left out. They would put triggers on
/// these tables, lock them while they are made, and keep Odoo from truncating them.
fn foreign_keys(table: &Table, is_guest: bool) -> impl Iterator<Item = String> {
    table.columns.iter().filter_map(move |column| {
        let Reference {
            table: target,
            on_delete,
            name,
        } = column
            .references
            .filter(|key| !is_guest || home::is_ours(key.table))?;
        let name = name.map_or_else(
            || format!("{}_{}_fkey", table.name, column.name),
            str::to_owned,
        );
        let action = match on_delete {
            OnDelete::SetNull => "SET NULL",
            OnDelete::Cascade => "CASCADE",
            OnDelete::Restrict => "RESTRICT",
        };
        Some(format!(
            "CONSTRAINT {} FOREIGN KEY ({}) REFERENCES {} (\"id\") ON DELETE {action}",
            quoted(&name),
            quoted(column.name),
            quoted(target),
        ))
    })
}

fn add_foreign_keys(table: &Table, is_guest: bool) -> Option<String> {
    let keys: Vec<_> = foreign_keys(table, is_guest)
        .map(|key| format!("ADD {key}"))
        .collect();
    (!keys.is_empty()).then(|| format!("ALTER TABLE {} {}", quoted(table.name), keys.join(", ")))
}

fn create_indexes(backend: DbBackend, table: &Table, has_trigrams: bool) -> Vec<String> {
    let of_columns = table.columns.iter().filter_map(|column| {
        let filter = match column.index {
            ColumnIndex::None => return None,
            ColumnIndex::Full => String::new(),
            ColumnIndex::WhereSet => format!(" WHERE {} IS NOT NULL", quoted(column.name)),
        };
        Some(format!(
            "CREATE INDEX {} ON {} ({}){filter}",
            quoted(&format!("{}__{}_index", table.name, column.name)),
            quoted(table.name),
            quoted(column.name),
        ))
    });
    let named = table
        .indexes
        .iter()
        .filter(|index| {
            (backend == DbBackend::Postgres || !index.only_on_postgres)
                && (has_trigrams || index.method != Method::Trigram)
        })
        .map(|index| create_index(table, index));
    of_columns.chain(named).collect()
}

fn create_index(table: &Table, index: &Index) -> String {
    let (method, class) = match index.method {
        Method::Btree => ("", ""),
        Method::Trigram => (" USING gin", " gin_trgm_ops"),
    };
    let parts: Vec<_> = index
        .parts
        .iter()
        .map(|part| format!("{}{class}", column_or_expression(part)))
        .collect();
    format!(
        "CREATE {}INDEX {} ON {}{method} ({}){}",
        if index.unique { "UNIQUE " } else { "" },
        quoted(index.name),
        quoted(table.name),
        parts.join(", "),
        index
            .filter
            .map(|filter| format!(" WHERE {filter}"))
            .unwrap_or_default(),
    )
}

fn column_or_expression(part: &str) -> String {
    let is_column = part
        .bytes()
        .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if is_column {
        quoted(part)
    } else {
        format!("({part})")
    }
}

fn column_list(columns: &[&str]) -> String {
    let columns: Vec<_> = columns.iter().map(|column| quoted(column)).collect();
    columns.join(", ")
}

/// Every name is quoted: some of Odoo's (`index`, `references`, `default`) are SQL's own words.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
