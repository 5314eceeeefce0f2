//! Step 8: what is known of the OAuth mailboxes beside their tokens.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::{Table, integer, text, timestamp, varchar};

const TABLES: &[Table] = &[MAILBOX];

/// Which process renews a mailbox's tokens, and whether the provider still grants them.
const MAILBOX: Table = Table::new(
    "postern_oauth_mailbox",
    &[
        // `ir.mail_server` or `fetchmail.server`, and the record.
        varchar("model").not_null(),
        integer("res_id").not_null(),
        // The process that asks the provider, and until when others leave it to that.
        varchar("renewing_by"),
        timestamp("renewing_until"),
        // The provider wants to be left alone until then.
        timestamp("not_before"),
        // What the provider said last, when it gave no tokens: since when, a stable code, who has to
        // act (`reconnect` or `configuration`; none where it is tried again), and the words for a
        // person.
        timestamp("failing_since"),
        varchar("error_code"),
        varchar("remedy_by"),
        text("reason"),
    ],
)
.primary_key(&["model", "res_id"]);

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0008_oauth"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        emit::create_missing(manager.get_connection(), TABLES).await
    }
}
