//! Step 7: what fetching remembers of each mail, which process works on a mailbox, and the mails
//! that are handed on to another program.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::OnDelete::{Cascade, Restrict, SetNull};
use crate::schema::{Table, boolean, bytea, id, index, integer, text, timestamp, unique, varchar};

const TABLES: &[Table] = &[LEASE, HANDOFF, HANDOFF_MAIL];

/// Which process works on a mailbox, and until when others leave it alone.
const LEASE: Table = Table::new(
    "postern_mailbox_lease",
    &[
        integer("fetchmail_server_id")
            .not_null()
            .references("fetchmail_server", Cascade),
        // What it does there: `fetch`, or `watch` for the one that waits for new mail.
        varchar("purpose").not_null(),
        varchar("holder").not_null(),
        timestamp("expires_at").not_null(),
    ],
)
.primary_key(&["fetchmail_server_id", "purpose"]);

/// Where the mails of an incoming server go that are not for Postern.
const HANDOFF: Table = Table::new(
    "postern_handoff",
    &[
        id(),
        varchar("name").not_null(),
        boolean("active"),
        integer("fetchmail_server_id")
            .not_null()
            .references("fetchmail_server", Cascade),
        varchar("kind").not_null(),
        varchar("url").not_null(),
        varchar("database"),
        varchar("login"),
        varchar("secret"),
        varchar("model"),
        varchar("scope").not_null(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
)
.constraints(&[unique(
    "postern_handoff_server_uniq",
    &["fetchmail_server_id"],
)]);

/// The mails that wait to be handed on.
const HANDOFF_MAIL: Table = Table::new(
    "postern_handoff_mail",
    &[
        id(),
        // No cascade: what still waits must not be lost with the settings.
        integer("handoff_id")
            .not_null()
            .references("postern_handoff", Restrict)
            .indexed(),
        // The same for every attempt, so that a receiver recognises a repetition.
        varchar("key").not_null(),
        varchar("model"),
        varchar("subject"),
        bytea("raw"),
        varchar("state").not_null(),
        integer("attempts").not_null().default("0"),
        text("reason"),
        timestamp("next_at").not_null(),
        varchar("claimed_by"),
        timestamp("create_date").not_null().default_now("utc"),
    ],
)
.constraints(&[unique("postern_handoff_mail_key_uniq", &["key"])])
.indexes(&[index(
    "postern_handoff_mail_next_at_idx",
    &["state", "next_at"],
)]);

/// What the table of the fetched mails gets beside what it has.
const OF_FETCHED: Table = Table::new(
    "postern_fetched",
    &[
        // The SHA-1 of the mail as it came, by which it is recognised when a server has numbered
        // its mails anew.
        bytea("digest"),
        // False until the mail is marked as seen in its mailbox.
        boolean("is_marked"),
    ],
);

const INDEXES: [&str; 2] = [
    "CREATE INDEX postern_fetched_server_digest_idx ON postern_fetched (fetchmail_server_id, digest) WHERE digest IS NOT NULL",
    "CREATE INDEX postern_fetched_unmarked_idx ON postern_fetched (fetchmail_server_id) WHERE NOT is_marked",
];

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0007_incoming"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        emit::create_missing(db, TABLES).await?;
        emit::create_missing(db, &[OF_FETCHED]).await?;
        for index in INDEXES {
            db.execute_unprepared(index).await?;
        }
        Ok(())
    }
}
