//! Odoo's check constraints refuse the same rows on both databases.

use migrations::migrate;
use migrations::sea_orm::{ConnectionTrait, DatabaseConnection};

use crate::database::{Scratch, run, sqlite};

const REFUSED: &[&str] = &[
    "INSERT INTO ir_model_data (module, name, model) VALUES ('base', 'a b', 'res.users')",
    "INSERT INTO ir_mail_server (name, smtp_authentication, smtp_encryption) \
     VALUES ('x', 'certificate', 'none')",
    "INSERT INTO res_users_apikeys (name, user_id, \"index\") VALUES ('x', 2, '1234567')",
    "INSERT INTO ir_rule (model_id, perm_read, perm_write, perm_create, perm_unlink) \
     VALUES (1, false, false, false, false)",
    "INSERT INTO ir_model_fields (model_id, model, name, field_description, ttype, state) \
     VALUES (1, 'x_y', 'X_big', '{}', 'char', 'manual')",
    "INSERT INTO ir_model_fields (model_id, model, name, field_description, ttype, state) \
     VALUES (1, 'x_y', 'xyz', '{}', 'char', 'manual')",
    "INSERT INTO mail_notification (mail_message_id, notification_type) VALUES (1, 'inbox')",
    "UPDATE res_users SET notification_type = 'inbox' WHERE id = 4",
    "UPDATE res_partner SET name = NULL WHERE id = 3",
    "UPDATE res_groups SET api_key_duration = -1 WHERE id = 1",
];

const ACCEPTED: &[&str] = &[
    "INSERT INTO ir_model_data (module, name, model) VALUES ('base', 'a_b', 'res.users')",
    "INSERT INTO ir_mail_server (name, smtp_authentication, smtp_encryption) \
     VALUES ('x', 'certificate', 'starttls')",
    "INSERT INTO res_users_apikeys (name, user_id, \"index\") VALUES ('x', 2, '12345678')",
    "INSERT INTO ir_model (id, model, name, \"order\") VALUES (1, 'x_y', '{}', 'id')",
    "INSERT INTO ir_model_fields (model_id, model, name, field_description, ttype, state) \
     VALUES (1, 'x_y', 'x_small', '{}', 'char', 'manual')",
    "INSERT INTO ir_rule (model_id, perm_read, perm_write, perm_create, perm_unlink) \
     VALUES (1, true, false, false, false)",
    "UPDATE res_users SET notification_type = 'inbox' WHERE id = 2",
];

async fn hold(db: &DatabaseConnection) {
    migrate(db).await.expect("the steps apply");
    for sql in REFUSED {
        let error = db.execute_unprepared(sql).await.expect_err(sql).to_string();
        assert!(
            error.contains("check constraint") || error.contains("CHECK constraint"),
            "{sql}: {error}"
        );
    }
    for sql in ACCEPTED {
        run(db, sql).await;
    }
}

#[tokio::test]
async fn on_sqlite() {
    hold(&sqlite().await).await;
}

#[tokio::test]
async fn on_postgresql() {
    if let Some(scratch) = Scratch::create().await {
        hold(&scratch.connect().await).await;
        scratch.remove().await;
    }
}
