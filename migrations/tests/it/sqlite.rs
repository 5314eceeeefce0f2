//! The schema on SQLite.

use std::collections::BTreeSet;

use migrations::migrate;
use migrations::sea_orm::DatabaseConnection;
use migrations::sea_orm::prelude::DateTime;

use crate::database::{connect, get, rows, run, sqlite, values};
use crate::fixture::tables;

async fn migrated() -> DatabaseConnection {
    let db = sqlite().await;
    migrate(&db).await.expect("the steps apply");
    db
}

#[tokio::test]
async fn every_step_applies_once() {
    let db = sqlite().await;
    let first = migrate(&db).await.expect("the steps apply");
    assert_eq!(
        first,
        [
            "m0001_odoo_tables",
            "m0002_postern_tables",
            "m0003_first_records",
            "m0004_wizards",
            "m0005_links",
            "m0006_outbox",
            "m0007_incoming",
            "m0008_oauth",
            "m0009_connections",
            "m0010_mail_story",
            "m0011_audit"
        ]
    );
    let second = migrate(&db).await.expect("there is nothing left to apply");
    assert!(second.is_empty(), "applied again: {second:?}");
}

#[tokio::test]
async fn of_processes_that_start_at_once_on_one_file_one_migrates() {
    let file = std::env::temp_dir().join(format!("postern-migrations-{}.db", std::process::id()));
    let url = format!("sqlite://{}?mode=rwc", file.display());
    let mut processes = Vec::new();
    for _ in 0..3 {
        let db = connect(&url).await;
        processes.push(tokio::spawn(async move { migrate(&db).await }));
    }
    let mut applied = Vec::new();
    for process in processes {
        let steps = process
            .await
            .expect("the process did not panic")
            .expect("every process starts");
        applied.push(steps.len());
    }
    std::fs::remove_file(&file).expect("the file was made");
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 11]);
}

#[tokio::test]
async fn no_reference_leads_nowhere() {
    let db = migrated().await;
    let broken: Vec<String> = values(&db, "PRAGMA foreign_key_check").await;
    assert!(broken.is_empty(), "broken references in {broken:?}");
}

#[tokio::test]
async fn every_table_has_odoos_columns_in_odoos_order() {
    let db = migrated().await;
    for table in tables() {
        let expected: Vec<_> = table
            .columns
            .iter()
            .map(|column| {
                let kind = match column.kind.as_str() {
                    "integer" => "INTEGER".to_owned(),
                    "boolean" => "BOOLEAN".to_owned(),
                    "text" => "TEXT".to_owned(),
                    "jsonb" => "JSONB_TEXT".to_owned(),
                    "bytea" => "BLOB".to_owned(),
                    "double precision" | "numeric" => "REAL".to_owned(),
                    "timestamp without time zone" => "DATETIME".to_owned(),
                    other => other.replace("character varying", "VARCHAR"),
                };
                (column.name.clone(), kind, column.nullable)
            })
            .collect();
        let sql = format!(
            "SELECT name, type, \"notnull\" FROM pragma_table_info('{}')",
            table.name
        );
        let actual: Vec<(String, String, bool)> = rows(&db, &sql)
            .await
            .iter()
            .map(|row| (get(row, 0), get(row, 1), !get::<bool>(row, 2)))
            .collect();
        assert_eq!(actual, expected, "in table {}", table.name);
    }
}

#[tokio::test]
async fn every_table_has_odoos_constraints() {
    let db = migrated().await;
    for table in tables() {
        let sql = format!(
            "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = '{}'",
            table.name
        );
        let definition = values::<String>(&db, &sql).await.concat();
        for constraint in &table.constraints {
            let (name, _) = constraint
                .split_once(": ")
                .expect("a name and a definition");
            let on_the_column = format!("{}_pkey", table.name) == name
                && definition.contains("INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT");
            assert!(
                on_the_column || definition.contains(&format!("CONSTRAINT \"{name}\" ")),
                "{name} is missing in {definition}"
            );
        }
    }
}

#[tokio::test]
async fn every_index_is_there_but_those_that_only_postgresql_can_have() {
    let db = migrated().await;
    for table in tables() {
        let own = |name: &str| {
            // The indexes behind keys and unique constraints are nameless in SQLite.
            let constraint = format!("{name}: ");
            table
                .constraints
                .iter()
                .any(|other| other.starts_with(&constraint))
        };
        let expected: BTreeSet<_> = table
            .indexes
            .iter()
            .filter(|index| !index.needs_postgres() && !own(&index.name))
            .map(|index| index.name.clone())
            .collect();
        let sql = format!(
            "SELECT name FROM sqlite_master \
             WHERE type = 'index' AND tbl_name = '{}' AND sql IS NOT NULL",
            table.name
        );
        let actual: BTreeSet<_> = values::<String>(&db, &sql).await.into_iter().collect();
        assert_eq!(actual, expected, "of table {}", table.name);
    }
}

#[tokio::test]
async fn the_id_of_a_deleted_record_is_never_given_away_again() {
    let db = migrated().await;
    let insert = "INSERT INTO mail_gateway_allowed (email) VALUES ('a@example.com') RETURNING id";
    let first: Vec<i32> = values(&db, insert).await;
    run(&db, "DELETE FROM mail_gateway_allowed").await;
    let second: Vec<i32> = values(&db, insert).await;
    assert!(second > first, "{second:?} after {first:?}");
}

#[tokio::test]
async fn the_present_moment_is_a_default_that_reads_as_a_date() {
    let db = migrated().await;
    run(
        &db,
        "INSERT INTO ir_model_data (module, name, model) VALUES ('base', 'x', 'res.users')",
    )
    .await;
    let dates: Vec<DateTime> = values(
        &db,
        "SELECT create_date FROM ir_model_data WHERE name = 'x'",
    )
    .await;
    let records: Vec<DateTime> = values(
        &db,
        "SELECT create_date FROM ir_model_data WHERE name = 'user_root'",
    )
    .await;
    assert!((dates[0] - records[0]).num_seconds().abs() < 60);
}
