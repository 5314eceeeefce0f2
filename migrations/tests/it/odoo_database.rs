//! The database that stands for Odoo's in the suite: its tables are Odoo's to the letter, keys included.

use std::collections::BTreeSet;

use crate::database::{Scratch, run};
use crate::fixture::whole_tables;
use crate::postgres::{columns, constraints, expected_columns, indexes};

#[tokio::test]
async fn the_tables_of_the_suite_are_odoos_to_the_letter() {
    let Some(scratch) = Scratch::create().await else {
        return;
    };
    let db = scratch.connect().await;
    run(
        &db,
        include_str!("../../../tests/fixtures/odoo18/tables.sql"),
    )
    .await;
    run(&db, include_str!("../../../tests/fixtures/odoo18/rows.sql")).await;
    for table in whole_tables() {
        assert_eq!(columns(&db, &table).await, expected_columns(&table));
        assert_eq!(constraints(&db, &table).await, table.constraints);
        let expected: BTreeSet<String> = table
            .indexes
            .iter()
            .map(|index| index.definition.clone())
            .collect();
        assert_eq!(indexes(&db, &table).await, expected);
    }
    scratch.remove().await;
}
