//! What an Odoo 18 database was seen to have, less what is left out here on purpose.

use std::collections::BTreeSet;

use migrations::OMITTED_FOREIGN_KEYS;
use migrations::sea_orm::JsonValue;

/// A table as PostgreSQL's catalog describes it.
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// `name: definition`, as `pg_get_constraintdef` writes it.
    pub(crate) constraints: BTreeSet<String>,
    pub(crate) indexes: Vec<Index>,
}

pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: String,
    pub(crate) nullable: bool,
    pub(crate) default: Option<String>,
}

pub(crate) struct Index {
    pub(crate) name: String,
    /// As `pg_get_indexdef` writes it.
    pub(crate) definition: String,
}

impl Index {
    pub(crate) fn needs_trigrams(&self) -> bool {
        self.definition.contains("gin_trgm_ops")
    }

    pub(crate) fn needs_postgres(&self) -> bool {
        self.needs_trigrams() || self.definition.contains("regexp_replace")
    }
}

/// The 40 tables, as Postern makes them.
pub(crate) fn tables() -> Vec<Table> {
    let mut tables = whole_tables();
    for table in &mut tables {
        leave_out_keys(table);
    }
    tables
}

/// The 40 tables, as Odoo has them.
pub(crate) fn whole_tables() -> Vec<Table> {
    let fixture: JsonValue = include_str!("../fixtures/odoo18_tables.json")
        .parse()
        .expect("the fixture is JSON");
    let tables: Vec<_> = fixture
        .as_object()
        .expect("the fixture is an object")
        .iter()
        .map(|(name, table)| Table {
            name: name.clone(),
            columns: list(table, "columns").iter().map(column).collect(),
            constraints: constraints(table),
            indexes: list(table, "indexes")
                .iter()
                .map(|index| Index {
                    name: text(index, "name"),
                    definition: text(index, "definition"),
                })
                .collect(),
        })
        .collect();
    assert_eq!(tables.len(), 40);
    tables
}

fn column(column: &JsonValue) -> Column {
    Column {
        name: text(column, "name"),
        kind: text(column, "type"),
        nullable: column["null"].as_bool().expect("null is a boolean"),
        default: column
            .get("default")
            .and_then(JsonValue::as_str)
            .map(str::to_owned),
    }
}

fn constraints(table: &JsonValue) -> BTreeSet<String> {
    list(table, "constraints")
        .iter()
        .map(|constraint| {
            format!(
                "{}: {}",
                text(constraint, "name"),
                text(constraint, "definition")
            )
        })
        .collect()
}

fn leave_out_keys(table: &mut Table) {
    let constraints = &mut table.constraints;
    for (name, column, target) in OMITTED_FOREIGN_KEYS {
        if *name == table.name {
            let key = format!("FOREIGN KEY ({column}) REFERENCES {target}(id)");
            let before = constraints.len();
            constraints.retain(|constraint| !constraint.contains(&key));
            assert_eq!(constraints.len() + 1, before, "Odoo has no key {key}");
        }
    }
}

fn list<'a>(value: &'a JsonValue, key: &str) -> &'a Vec<JsonValue> {
    value[key].as_array().expect("a list")
}

fn text(value: &JsonValue, key: &str) -> String {
    value[key].as_str().expect("a text").to_owned()
}
