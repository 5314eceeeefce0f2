//! The records that a new database starts with, the same on both databases.

use migrations::migrate;
use migrations::sea_orm::DatabaseConnection;

use crate::database::{Scratch, get, is_sqlite, rows, run, sqlite, values};

async fn are_those_of_a_new_odoo_database(db: &DatabaseConnection) {
    migrate(db).await.expect("the steps apply");
    users_have_odoos_ids_and_no_password(db).await;
    memberships_are_stored_in_full(db).await;
    every_external_id_leads_to_a_record(db).await;
    parameters_are_there_and_secrets_are_random(db).await;
    names_are_translatable(db).await;
    new_records_get_the_next_id(db).await;
    everything_belongs_to_the_system_user(db).await;
}

#[tokio::test]
async fn on_sqlite() {
    are_those_of_a_new_odoo_database(&sqlite().await).await;
}

#[tokio::test]
async fn on_postgresql() {
    if let Some(scratch) = Scratch::create().await {
        are_those_of_a_new_odoo_database(&scratch.connect().await).await;
        scratch.remove().await;
    }
}

async fn users_have_odoos_ids_and_no_password(db: &DatabaseConnection) {
    let users: Vec<(i32, String, bool, i32, bool, Option<String>)> = rows(
        db,
        "SELECT id, login, active, partner_id, share, password FROM res_users ORDER BY id",
    )
    .await
    .iter()
    .map(|row| {
        (
            get(row, 0),
            get(row, 1),
            get(row, 2),
            get(row, 3),
            get(row, 4),
            get(row, 5),
        )
    })
    .collect();
    let user = |id, login: &str, active, partner, share| {
        (id, login.to_owned(), active, partner, share, None)
    };
    assert_eq!(
        users,
        [
            user(1, "__system__", false, 2, false),
            user(2, "admin", true, 3, false),
            user(3, "default", false, 5, false),
            user(4, "public", false, 4, true),
            user(5, "portaltemplate", false, 6, true),
        ]
    );
}

async fn memberships_are_stored_in_full(db: &DatabaseConnection) {
    for (user, expected) in [
        (2, vec![1, 2, 3, 4, 7, 8, 9, 12, 13]),
        (3, vec![1, 7, 8, 9]),
        (4, vec![11]),
        (5, vec![10]),
    ] {
        let sql = format!("SELECT gid FROM res_groups_users_rel WHERE uid = {user} ORDER BY gid");
        let groups: Vec<i32> = values(db, &sql).await;
        assert_eq!(groups, expected, "of user {user}");
    }
}

async fn every_external_id_leads_to_a_record(db: &DatabaseConnection) {
    let records = rows(db, "SELECT model, res_id, module, name FROM ir_model_data").await;
    // 6 partners, a company, 5 users, 14 groups, 3 languages, 7 modules, 3 subtypes.
    assert_eq!(records.len(), 39);
    for record in &records {
        let (model, id): (String, i32) = (get(record, 0), get(record, 1));
        let table = model.replace('.', "_");
        let sql = format!("SELECT id FROM {table} WHERE id = {id}");
        let found: Vec<i32> = values(db, &sql).await;
        assert_eq!(found, [id], "{model} {id}");
    }
    let admin: Vec<i32> = values(
        db,
        "SELECT res_id FROM ir_model_data \
         WHERE module = 'base' AND name = 'group_system' AND model = 'res.groups'",
    )
    .await;
    assert_eq!(admin, [4]);
}

async fn parameters_are_there_and_secrets_are_random(db: &DatabaseConnection) {
    let own: Vec<String> = values(
        db,
        "SELECT value FROM ir_config_parameter \
         WHERE key IN ('database.uuid', 'database.secret')",
    )
    .await;
    assert_eq!(own.len(), 2);
    assert_ne!(own[0], own[1]);
    assert!(own.iter().all(|value| value.len() == 36), "{own:?}");

    let other = sqlite().await;
    migrate(&other).await.expect("the steps apply");
    let others: Vec<String> = values(
        &other,
        "SELECT value FROM ir_config_parameter WHERE key = 'database.secret'",
    )
    .await;
    assert!(!own.contains(&others[0]));

    let size: Vec<String> = values(
        db,
        "SELECT value FROM ir_config_parameter WHERE key = 'base.default_max_email_size'",
    )
    .await;
    assert_eq!(size, ["10"]);
}

async fn names_are_translatable(db: &DatabaseConnection) {
    let names: Vec<String> = values(
        db,
        "SELECT name ->> 'en_US' FROM mail_message_subtype ORDER BY id",
    )
    .await;
    assert_eq!(names, ["Discussions", "Note", "Activities"]);
}

async fn new_records_get_the_next_id(db: &DatabaseConnection) {
    for (sql, expected) in [
        (
            "INSERT INTO res_partner (name, type) VALUES ('New', 'contact') RETURNING id",
            7,
        ),
        (
            "INSERT INTO res_groups (name) VALUES ('{\"en_US\": \"New\"}') RETURNING id",
            15,
        ),
        (
            "INSERT INTO mail_message_subtype (name) VALUES ('{\"en_US\": \"New\"}') RETURNING id",
            4,
        ),
    ] {
        let ids: Vec<i32> = values(db, sql).await;
        assert_eq!(ids, [expected], "{sql}");
    }
    run(db, "DELETE FROM res_partner WHERE id = 7").await;
    run(db, "DELETE FROM res_groups WHERE id = 15").await;
    run(db, "DELETE FROM mail_message_subtype WHERE id = 4").await;
}

async fn everything_belongs_to_the_system_user(db: &DatabaseConnection) {
    for table in [
        "res_partner",
        "res_company",
        "res_users",
        "res_groups",
        "res_lang",
        "ir_module_module",
        "ir_config_parameter",
        "ir_model_data",
        "mail_message_subtype",
    ] {
        let sql = format!(
            "SELECT id FROM {table} WHERE create_uid IS NULL OR create_uid <> 1 \
             OR write_uid IS NULL OR create_date IS NULL OR write_date IS NULL"
        );
        let unowned: Vec<i32> = values(db, &sql).await;
        assert!(unowned.is_empty(), "{table} {unowned:?}");
    }
    let sql = if is_sqlite(db) {
        "SELECT typeof(create_date) FROM res_partner WHERE id = 1"
    } else {
        "SELECT pg_typeof(create_date)::text FROM res_partner WHERE id = 1"
    };
    let kinds: Vec<String> = values(db, sql).await;
    assert!(kinds == ["text"] || kinds == ["timestamp without time zone"]);
}
