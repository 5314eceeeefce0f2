//! Step 11: the trail of administrative acts.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::{Table, id, integer, text, timestamp, varchar};

const TABLES: &[Table] = &[AUDIT];

/// One row for each record that something was done to. It has no key into other tables: what was done stays true when the
/// record, or who did it, is gone.
const AUDIT: Table = Table::new(
    "postern_audit",
    &[
        id(),
        timestamp("create_date")
            .not_null()
            .default_now("utc")
            .indexed(),
        integer("user_id").not_null(),
        varchar("login"),
        varchar("address"),
        varchar("act").not_null(),
        varchar("model").not_null(),
        integer("res_id").not_null(),
        varchar("record"),
        // A JSON list of what changed.
        text("changes"),
    ],
);

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0011_audit"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        emit::create_missing(manager.get_connection(), TABLES).await
    }
}
