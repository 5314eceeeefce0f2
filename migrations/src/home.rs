//! Whose database it is: Postern's own, or that of an Odoo in which Postern is a guest.

use sea_orm_migration::prelude::{ConnectionTrait, DbErr};
use sea_orm_migration::sea_orm::{DbBackend, Statement};

/// Whose database it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// Postern's, or nobody's yet.
    Own,
    /// That of an Odoo, which Postern must not work in.
    Odoo,
    /// That of an Odoo that was adopted: Postern's tables stand beside Odoo's.
    Adopted,
}

/// The table by which an adopted database is known.
pub(crate) const ADOPTION: &str = "postern_adoption";

/// Whether a table is Postern's and not one that Odoo has too.
pub(crate) fn is_ours(table: &str) -> bool {
    table.starts_with("postern_")
}

/// Looks whose database it is. An Odoo is known by what a database of Postern's never has: the views of
/// its screens and the marks by which its processes tell each other to forget what they remember.
///
/// # Errors
/// If the database cannot be read.
pub async fn home<C: ConnectionTrait>(db: &C) -> Result<Home, DbErr> {
    if is_adopted(db).await? {
        return Ok(Home::Adopted);
    }
    let is_odoos = finds(
        db,
        "SELECT COALESCE(to_regclass('ir_ui_view'), to_regclass('base_registry_signaling'), \
         to_regclass('orm_signaling_registry')) IS NOT NULL \
         OR (to_regclass('ir_module_module') IS NOT NULL AND to_regclass('postern_migration') IS NULL)",
    )
    .await?;
    Ok(if is_odoos { Home::Odoo } else { Home::Own })
}

/// Whether it is an adopted database.
pub(crate) async fn is_adopted<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    finds(db, &format!("SELECT to_regclass('{ADOPTION}') IS NOT NULL")).await
}

/// What a question to PostgreSQL answers. Odoo knows no other database.
async fn finds<C: ConnectionTrait>(db: &C, question: &str) -> Result<bool, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(false);
    }
    let question = Statement::from_string(DbBackend::Postgres, question);
    match db.query_one_raw(question).await? {
        Some(row) => row.try_get_by_index(0),
        None => Ok(false),
    }
}
