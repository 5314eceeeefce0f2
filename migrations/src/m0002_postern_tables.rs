//! Step 2: what Odoo has no place for, in tables named `postern_`.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::OnDelete::{Cascade, SetNull};
use crate::schema::{Table, bigint, bytea, id, index, integer, text, timestamp, unique, varchar};

const TABLES: &[Table] = &[SESSION, MAILBOX_CURSOR, OUTBOX, FETCHED, QUARANTINE];

/// Signed-in browsers and programs. The id itself is only in the cookie; a stolen table opens
/// no session.
const SESSION: Table = Table::new(
    "postern_session",
    &[
        varchar("id_hash").not_null(),
        integer("user_id")
            .not_null()
            .references("res_users", Cascade)
            .indexed(),
        // Binds the session to the user's password, so that changing it ends the session.
        text("token").not_null(),
        timestamp("created_at").not_null().default_now("utc"),
        timestamp("last_seen_at").not_null().default_now("utc"),
        timestamp("expires_at").not_null().indexed(),
        // What a session remembers (context, database name), as a JSON object.
        text("data").not_null().default("'{}'"),
    ],
)
.primary_key(&["id_hash"]);

/// How far each folder of an incoming server has been read (RFC 3501, section 2.3.1.1: a UID
/// means something only together with its UIDVALIDITY).
const MAILBOX_CURSOR: Table = Table::new(
    "postern_mailbox_cursor",
    &[
        id(),
        integer("fetchmail_server_id")
            .not_null()
            .references("fetchmail_server", Cascade),
        varchar("folder").not_null(),
        bigint("uidvalidity").not_null(),
        bigint("last_uid").not_null().default("0"),
        timestamp("updated_at").not_null().default_now("utc"),
    ],
)
.constraints(&[unique(
    "postern_mailbox_cursor_server_folder_uniq",
    &["fetchmail_server_id", "folder"],
)]);

/// The sending of a queued mail: which replica has it until when, how often it was tried, and the
/// journal of how far the conversation with the server got.
const OUTBOX: Table = Table::new(
    "postern_outbox",
    &[
        integer("mail_id")
            .not_null()
            .references("mail_mail", Cascade),
        // Which process has the mail, and until when others leave it alone.
        varchar("claimed_by"),
        timestamp("lease_until"),
        integer("attempts").not_null().default("0"),
        // The letter, counted from one, whose text is being handed over right now.
        integer("handing"),
        // The addresses that a server took the mail for, a line each.
        text("accepted").not_null().default("''"),
    ],
)
.primary_key(&["mail_id"])
.indexes(&[index("postern_outbox_lease_until_idx", &["lease_until"])]);

/// The mails already fetched, so that none is stored twice.
const FETCHED: Table = Table::new(
    "postern_fetched",
    &[
        id(),
        integer("fetchmail_server_id")
            .not_null()
            .references("fetchmail_server", Cascade),
        varchar("folder").not_null(),
        bigint("uidvalidity").not_null(),
        bigint("uid").not_null(),
        // No foreign key: that a mail was fetched stays true after its message is deleted.
        integer("mail_message_id").indexed_where_set(),
    ],
)
.constraints(&[unique(
    "postern_fetched_server_folder_uid_uniq",
    &["fetchmail_server_id", "folder", "uidvalidity", "uid"],
)]);

/// Fetched mails that could not be processed, with their raw bytes, to be replayed.
const QUARANTINE: Table = Table::new(
    "postern_quarantine",
    &[
        id(),
        integer("fetchmail_server_id")
            .references("fetchmail_server", SetNull)
            .indexed(),
        varchar("folder"),
        bigint("uidvalidity"),
        bigint("uid"),
        text("reason").not_null(),
        bytea("raw"),
        integer("attempts").not_null().default("0"),
        timestamp("create_date").not_null().default_now("utc"),
    ],
);

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0002_postern_tables"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        emit::create_missing(manager.get_connection(), TABLES).await
    }
}
