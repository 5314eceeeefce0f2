//! The schema on PostgreSQL, compared with Odoo's definition by definition.

use std::collections::BTreeSet;

use migrations::migrate;
use migrations::sea_orm::DatabaseConnection;

use crate::database::{Scratch, get, rows, run, values};
use crate::fixture::{Table, tables};

#[tokio::test]
async fn every_table_is_odoos_to_the_letter() {
    let Some(scratch) = Scratch::create().await else {
        return;
    };
    let db = scratch.connect().await;
    let applied = migrate(&db).await.expect("the steps apply");
    assert_eq!(applied.len(), 11);
    for table in tables() {
        assert_eq!(columns(&db, &table).await, expected_columns(&table));
        assert_eq!(constraints(&db, &table).await, table.constraints);
        let expected = table
            .indexes
            .iter()
            .filter(|index| !index.needs_trigrams())
            .map(|index| index.definition.clone())
            .collect();
        assert_eq!(indexes(&db, &table).await, expected);
    }
    let again = migrate(&db).await.expect("there is nothing left to apply");
    assert!(again.is_empty(), "applied again: {again:?}");
    scratch.remove().await;
}

#[tokio::test]
async fn trigram_indexes_are_made_where_the_extension_is_installed() {
    let Some(scratch) = Scratch::create().await else {
        return;
    };
    let db = scratch.connect().await;
    run(&db, "CREATE EXTENSION pg_trgm").await;
    migrate(&db).await.expect("the steps apply");
    for table in tables() {
        let expected = table
            .indexes
            .iter()
            .map(|index| index.definition.clone())
            .collect();
        assert_eq!(indexes(&db, &table).await, expected);
    }
    scratch.remove().await;
}

#[tokio::test]
async fn of_replicas_that_start_at_once_one_migrates() {
    let Some(scratch) = Scratch::create().await else {
        return;
    };
    let mut replicas = Vec::new();
    for _ in 0..4 {
        let db = scratch.connect().await;
        replicas.push(tokio::spawn(async move { migrate(&db).await }));
    }
    let mut applied = Vec::new();
    for replica in replicas {
        let steps = replica
            .await
            .expect("the replica did not panic")
            .expect("every replica starts");
        applied.push(steps.len());
    }
    applied.sort_unstable();
    assert_eq!(applied, [0, 0, 0, 11]);
    scratch.remove().await;
}

#[tokio::test]
async fn a_failed_start_leaves_nothing_behind() {
    let Some(scratch) = Scratch::create().await else {
        return;
    };
    let db = scratch.connect().await;
    // The second step fails on this, when the first has made its tables.
    run(&db, "CREATE TABLE postern_outbox (state text)").await;
    migrate(&db)
        .await
        .expect_err("the table in the way has no key");
    let tables: Vec<String> = values(
        &db,
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'",
    )
    .await;
    assert_eq!(tables, ["postern_outbox"]);
    scratch.remove().await;
}

pub(crate) fn expected_columns(table: &Table) -> Vec<String> {
    table
        .columns
        .iter()
        .map(|column| {
            describe(
                &column.name,
                &column.kind,
                column.nullable,
                column.default.as_deref(),
            )
        })
        .collect()
}

pub(crate) async fn columns(db: &DatabaseConnection, table: &Table) -> Vec<String> {
    let sql = format!(
        "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, \
                pg_get_expr(d.adbin, d.adrelid) \
         FROM pg_attribute a \
         LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         WHERE a.attrelid = '{}'::regclass AND a.attnum > 0 ORDER BY a.attnum",
        table.name
    );
    rows(db, &sql)
        .await
        .iter()
        .map(|row| {
            describe(
                &get::<String>(row, 0),
                &get::<String>(row, 1),
                get(row, 2),
                get::<Option<String>>(row, 3).as_deref(),
            )
        })
        .collect()
}

fn describe(name: &str, kind: &str, nullable: bool, default: Option<&str>) -> String {
    let null = if nullable { "null" } else { "not null" };
    format!("{name} {kind} {null} default {default:?}")
}

pub(crate) async fn constraints(db: &DatabaseConnection, table: &Table) -> BTreeSet<String> {
    let sql = format!(
        "SELECT conname || ': ' || pg_get_constraintdef(oid) FROM pg_constraint \
         WHERE conrelid = '{}'::regclass AND contype IN ('c', 'f', 'p', 'u')",
        table.name
    );
    values(db, &sql).await.into_iter().collect()
}

pub(crate) async fn indexes(db: &DatabaseConnection, table: &Table) -> BTreeSet<String> {
    let sql = format!(
        "SELECT pg_get_indexdef(indexrelid) FROM pg_index WHERE indrelid = '{}'::regclass",
        table.name
    );
    values(db, &sql).await.into_iter().collect()
}
