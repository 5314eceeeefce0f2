//! Step 10: what became of each attempt to send a mail, and when an outgoing server took a mail last.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::OnDelete::Cascade;
use crate::schema::{Table, id, index, integer, text, timestamp, varchar};

const TABLES: &[Table] = &[ATTEMPT, SUCCESS];

/// The attempts of mails that did not go out at once. A mail that went out with its first attempt has none.
const ATTEMPT: Table = Table::new(
    "postern_mail_attempt",
    &[
        id(),
        integer("mail_id")
            .not_null()
            .references("mail_mail", Cascade),
        timestamp("attempted_at").not_null(),
        // The server's id and name as they were; 0 for the server of the configuration. No key: the story outlives it.
        integer("mail_server_id"),
        varchar("server"),
        // `sent`, `later`, `failed` or `doubt`.
        varchar("outcome").not_null(),
        // The failure's name in the atlas.
        varchar("code"),
        // What was told, the server's reply included: a message and its arguments, to be told in any language.
        text("reason"),
        timestamp("next_attempt"),
    ],
)
.indexes(&[index("postern_mail_attempt_mail_id_index", &["mail_id"])]);

/// When a server took a mail last. Written every few seconds at most.
const SUCCESS: Table = Table::new(
    "postern_mail_server_success",
    &[
        integer("mail_server_id")
            .not_null()
            .references("ir_mail_server", Cascade),
        timestamp("last_success").not_null(),
    ],
)
.primary_key(&["mail_server_id"]);

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0010_mail_story"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        emit::create_missing(manager.get_connection(), TABLES).await
    }
}
