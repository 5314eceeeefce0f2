//! Step 6: what the queue of outgoing mails needs to try again later, and to keep within a server's
//! budget on all replicas.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::OnDelete::{Cascade, SetNull};
use crate::schema::{Table, id, integer, text, timestamp, unique, varchar};

const TABLES: &[Table] = &[BUDGET, BUDGET_USE, BUDGET_SLOT, OUTBOX];

/// How much a server takes, where it is not what its kind of server takes anyway.
const BUDGET: Table = Table::new(
    "postern_mail_budget",
    &[
        id(),
        integer("mail_server_id")
            .not_null()
            .references("ir_mail_server", Cascade),
        // 0 for no limit, in all three.
        integer("connections").not_null().default("0"),
        integer("messages_per_minute").not_null().default("0"),
        integer("recipients_per_day").not_null().default("0"),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[unique(
    "postern_mail_budget_server_uniq",
    &["mail_server_id"],
)]);

/// How much of it is used. The server 0 is the one from the program's own configuration.
const BUDGET_USE: Table = Table::new(
    "postern_mail_budget_use",
    &[
        integer("mail_server_id").not_null(),
        // Messages by second and recipients by hour, as JSON objects from the start of each, in
        // seconds since 1970, to a number. What is too old to count is dropped at the next use.
        text("messages").not_null().default("'{}'"),
        text("recipients").not_null().default("'{}'"),
        // Until when the server is left alone because it asked for it, and how often it did so
        // since it last took a mail.
        timestamp("paused_until"),
        integer("pauses").not_null().default("0"),
    ],
)
.primary_key(&["mail_server_id"]);

/// Which process has which of a server's connections, and until when others leave it alone.
const BUDGET_SLOT: Table = Table::new(
    "postern_mail_budget_slot",
    &[
        integer("mail_server_id").not_null(),
        integer("number").not_null(),
        varchar("held_by").not_null(),
        timestamp("held_until").not_null(),
    ],
)
.primary_key(&["mail_server_id", "number"]);

/// What the table of step 2 lacks.
const OUTBOX: Table = Table::new(
    "postern_outbox",
    &[
        // Not before this moment; none for a mail that waits for nothing.
        timestamp("next_attempt"),
        // When it was tried for the first time, from which on the time to give up is counted.
        timestamp("first_attempt"),
        // The server that was chosen when it was last looked at; 0 for that of the configuration.
        integer("mail_server_id"),
        // When somebody asked for it to be sent now.
        timestamp("asked_at"),
        // Since when it is unknown whether a server took it, and when that was last looked into.
        timestamp("doubt_since"),
        timestamp("doubt_checked"),
    ],
);

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0006_outbox"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        emit::create_missing(db, TABLES).await?;
        // Few rows are looked at by their lease, and each claim and renewal had to keep it up to date.
        db.execute_unprepared("DROP INDEX IF EXISTS postern_outbox_lease_until_idx")
            .await
            .map(|_| ())
    }
}
