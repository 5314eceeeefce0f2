//! Step 3: the records that a new Odoo 18 database starts with, under the same ids and names.
//!
//! The administrator has no password yet: the program sets it at its first start. Models, fields,
//! access rights, record rules and jobs are written by the program from its registry.

mod catalogue;
mod groups;
mod parameters;
mod people;
mod writer;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DbBackend, Statement};

use crate::home;
use writer::Writer;

/// Tables filled under ids of their own choice, whose PostgreSQL sequences must be moved on.
const NUMBERED: &[&str] = &[
    "res_partner",
    "res_company",
    "res_users",
    "res_groups",
    "res_lang",
    "ir_module_module",
    "mail_message_subtype",
];

pub(crate) struct Step;

impl MigrationName for Step {
    fn name(&self) -> &str {
        "m0003_first_records"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        if home::is_adopted(db).await? || has_users(db).await? {
            // The database of an Odoo has all of these records, perhaps edited since.
            return Ok(());
        }
        let writer = Writer::new(db);
        people::write(&writer).await?;
        groups::write(&writer).await?;
        catalogue::write(&writer).await?;
        parameters::write(&writer).await?;
        for table in NUMBERED {
            move_sequence_on(db, table).await?;
        }
        Ok(())
    }
}

async fn has_users<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    let query = Query::select()
        .column("id")
        .from("res_users")
        .limit(1)
        .to_owned();
    Ok(db.query_one(&query).await?.is_some())
}

/// Lets the next insert get the id after the highest one. SQLite does so by itself.
async fn move_sequence_on<C: ConnectionTrait>(db: &C, table: &str) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let statement = Statement::from_string(
        DbBackend::Postgres,
        format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), max(id)) FROM \"{table}\""),
    );
    db.query_one_raw(statement).await?;
    Ok(())
}
