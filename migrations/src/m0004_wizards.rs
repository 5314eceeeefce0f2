//! Step 4: the short-lived records behind "new API key", in Odoo's own tables.

use sea_orm_migration::prelude::*;

use crate::emit;
use crate::schema::OnDelete::SetNull;
use crate::schema::{Table, id, integer, timestamp, varchar};

pub(crate) const TABLES: &[Table] = &[API_KEY_DESCRIPTION, IDENTITY_CHECK];

/// A key that somebody is about to make: what it is for and how long it lives.
const API_KEY_DESCRIPTION: Table = Table::new(
    "res_users_apikeys_description",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        varchar("name").not_null(),
        varchar("duration").not_null(),
        timestamp("expiration_date"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);

/// A call that waits until its caller has given the password once more.
const IDENTITY_CHECK: Table = Table::new(
    "res_users_identitycheck",
    &[
        id(),
        integer("create_uid").references("res_users", SetNull),
        integer("write_uid").references("res_users", SetNull),
        // The call, as a JSON object of model, ids and method.
        varchar("request"),
        varchar("auth_method"),
        // Odoo keeps the typed password here for a moment; Postern leaves it empty and keeps the
        // outcome of the check with the session.
        varchar("password"),
        timestamp("create_date"),
        timestamp("write_date"),
    ],
);

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0004_wizards"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        emit::create_missing(manager.get_connection(), TABLES).await
    }
}
