//! Step 9: how the permission to use a mailbox is had and who may give it; and what administrators were told already.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::OnDelete::SetNull;
use crate::schema::{Table, integer, timestamp, varchar};

const TABLES: &[Table] = &[CONNECTION, TOLD];

/// What is set up for the OAuth connection of a mailbox, and whose account it is.
const CONNECTION: Table = Table::new(
    "postern_oauth_connection",
    &[
        // `ir.mail_server` or `fetchmail.server`, and the record.
        varchar("model").not_null(),
        integer("res_id").not_null(),
        // `application` where the application uses the mailbox by itself; else a person consents.
        varchar("grant_type"),
        // The user who may connect it beside the administrators.
        integer("owner_id").references("res_users", SetNull),
        // The account that was connected, where its token says so.
        varchar("account"),
    ],
)
.primary_key(&["model", "res_id"]);

/// What was told, so that it is told once by all replicas together.
const TOLD: Table = Table::new(
    "postern_told",
    &[
        // What it was about, such as the name of a parameter.
        varchar("subject").not_null(),
        // Which of its news was told last.
        varchar("news").not_null(),
        timestamp("told_at").not_null(),
    ],
)
.primary_key(&["subject"]);

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0009_connections"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        emit::create_missing(manager.get_connection(), TABLES).await
    }
}
