//! Postern coming to a database that has Odoo's tables and records already.

use migrations::migrate;
use migrations::sea_orm::DatabaseConnection;

use crate::database::{Scratch, is_sqlite, run, sqlite, values};

/// Makes of a migrated database what Odoo would have left: its tables, without Postern's, with
/// its own records, and without the columns of a module that is not installed.
async fn like_odoos(db: &DatabaseConnection) {
    migrate(db).await.expect("the steps apply");
    for table in [
        "postern_migration",
        "postern_mailbox_lease",
        "postern_handoff_mail",
        "postern_handoff",
        "postern_session",
        "postern_mailbox_cursor",
        "postern_outbox",
        "postern_mail_attempt",
        "postern_mail_server_success",
        "postern_fetched",
        "postern_quarantine",
        "postern_mail_budget",
        "postern_mail_budget_use",
        "postern_mail_budget_slot",
    ] {
        run(db, &format!("DROP TABLE {table}")).await;
    }
    run(db, "UPDATE res_partner SET name = 'Odoo' WHERE id = 1").await;
    run(
        db,
        "ALTER TABLE ir_mail_server DROP COLUMN google_gmail_refresh_token",
    )
    .await;
}

async fn keeps_what_it_finds_and_adds_what_is_missing(db: &DatabaseConnection) {
    like_odoos(db).await;
    let applied = migrate(db).await.expect("Postern moves in");
    assert_eq!(applied.len(), 11);

    let names: Vec<String> = values(db, "SELECT name FROM res_partner WHERE id = 1").await;
    assert_eq!(names, ["Odoo"]);
    let users: Vec<i32> = values(db, "SELECT id FROM res_users ORDER BY id").await;
    assert_eq!(users, [1, 2, 3, 4, 5]);
    run(db, "SELECT google_gmail_refresh_token FROM ir_mail_server").await;
    run(db, "SELECT lease_until FROM postern_outbox").await;
}

#[tokio::test]
async fn it_keeps_what_it_finds_on_sqlite() {
    let db = sqlite().await;
    keeps_what_it_finds_and_adds_what_is_missing(&db).await;
}

#[tokio::test]
async fn it_waits_for_an_adoption_on_postgresql() {
    if let Some(scratch) = Scratch::create().await {
        let db = scratch.connect().await;
        like_odoos(&db).await;
        let error = migrate(&db).await.expect_err("it was not adopted");
        assert!(error.to_string().contains("postern adopt"), "{error}");
        scratch.remove().await;
    }
}

#[tokio::test]
async fn it_refuses_a_table_that_is_not_odoos_and_says_which() {
    let db = sqlite().await;
    assert!(is_sqlite(&db));
    run(&db, "CREATE TABLE mail_mail (id INTEGER PRIMARY KEY)").await;
    let error = migrate(&db)
        .await
        .expect_err("such a table cannot be used")
        .to_string();
    assert!(error.contains("mail_mail"), "{error}");
    assert!(error.contains("mail_message_id"), "{error}");
    let tables: Vec<String> = values(
        &db,
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    )
    .await;
    assert_eq!(
        tables,
        ["mail_mail"],
        "a failed start leaves nothing behind"
    );
}
