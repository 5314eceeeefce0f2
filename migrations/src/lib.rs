//! The steps that bring a database to the schema Postern needs, on PostgreSQL and on SQLite.
//!
//! The first step makes the tables that an Odoo 18 database keeps its mail in, exactly as Odoo
//! does; the second adds Postern's own, prefixed `postern_`; the third writes the records that a
//! new Odoo database starts with; the fourth makes the tables of two of Odoo's wizards, the fifth
//! some of Odoo's links and one more table of Postern's, the sixth what the queue needs, the seventh
//! what incoming mail needs beside, the eighth and ninth what is known of OAuth mailboxes, the tenth what
//! became of attempts to send, the eleventh the trail of administrative acts.
//!
//! In the database of an Odoo, which has been adopted ([`adoption`]), the steps leave Odoo's tables and
//! records alone: only Postern's own tables are made there, and none has a key into one of Odoo's.

pub mod adoption;
mod emit;
mod home;
mod m0001_odoo_tables;
mod m0002_postern_tables;
mod m0003_first_records;
mod m0004_wizards;
mod m0005_links;
mod m0006_outbox;
mod m0007_incoming;
mod m0008_oauth;
mod m0009_connections;
mod m0010_mail_story;
mod m0011_audit;
mod schema;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DynIden, IsolationLevel,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};

pub use home::{Home, home};
pub use m0001_odoo_tables::OMITTED_FOREIGN_KEYS;
pub use sea_orm_migration::sea_orm;

/// The PostgreSQL advisory lock that one migrating replica holds: the letters `postern` and a 1.
/// Whoever else locks by number in the same database is to choose another.
const LOCK: i64 = i64::from_be_bytes(*b"postern\x01");

/// The list of steps. Applied ones are recorded in the table `postern_migration`.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_odoo_tables::Step),
            Box::new(m0002_postern_tables::Step),
            Box::new(m0003_first_records::Step),
            Box::new(m0004_wizards::Step),
            Box::new(m0005_links::Step),
            Box::new(m0006_outbox::Step),
            Box::new(m0007_incoming::Step),
            Box::new(m0008_oauth::Step),
            Box::new(m0009_connections::Step),
            Box::new(m0010_mail_story::Step),
            Box::new(m0011_audit::Step),
        ]
    }

    fn migration_table_name() -> DynIden {
        "postern_migration".into_iden()
    }
}

/// Whether all steps were applied, without changing anything.
///
/// # Errors
/// If the database cannot be read, or has been migrated by a newer Postern.
pub async fn is_current<C: ConnectionTrait>(db: &C) -> Result<bool, DbErr> {
    let pending = Migrator::get_pending_migrations_read_only(db).await?;
    Ok(pending.is_empty())
}

/// Applies the steps that `db` has not seen yet and returns their names, in order.
///
/// All of it happens in one transaction: a failed start leaves nothing half done. Any number of
/// replicas may call this at once; one works, the others wait and then find nothing to do. The
/// migration library takes no lock of its own, so on PostgreSQL an advisory lock is taken that
/// ends with the transaction, on the same connection, and on SQLite the transaction begins as a
/// writing one.
///
/// # Errors
/// If the database refuses a statement (most often: the role may not create tables), if the
/// database has been migrated by a newer Postern, whose steps are unknown here, or if it is that of an
/// Odoo and has not been adopted.
pub async fn migrate(db: &DatabaseConnection) -> Result<Vec<String>, DbErr> {
    let transaction = begin(db).await?;
    let applied = migrate_within(&transaction, &|_, _| {}).await?;
    transaction.commit().await?;
    Ok(applied)
}

/// Who wants to know how many steps were taken, and of how many.
pub type Passed<'a> = &'a (dyn Fn(usize, usize) + Send + Sync);

/// [`migrate`], in a transaction that the caller has begun and commits: on SQLite a writing one, on PostgreSQL one
/// that sees what others committed before each statement (read committed).
///
/// # Errors
/// As for [`migrate`].
pub async fn migrate_within(
    transaction: &DatabaseTransaction,
    passed: Passed<'_>,
) -> Result<Vec<String>, DbErr> {
    lock(transaction).await?;
    if home(transaction).await? == Home::Odoo {
        return Err(DbErr::Custom(
            "this is the database of an Odoo, which Postern has to adopt first (`postern adopt`)"
                .into(),
        ));
    }
    apply(transaction, passed).await
}

/// Begins a transaction that no other replica is in, nor any adoption.
async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db
        .begin_with_options(match db.get_database_backend() {
            DbBackend::Sqlite => TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            },
            // After the wait for the lock, the work of the replica before must be visible.
            _ => TransactionOptions {
                isolation_level: Some(IsolationLevel::ReadCommitted),
                ..TransactionOptions::default()
            },
        })
        .await?;
    lock(&transaction).await?;
    Ok(transaction)
}

/// Waits until no other replica is at it, and keeps others out until the transaction ends.
async fn lock(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        let lock = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT pg_advisory_xact_lock($1)",
            [LOCK.into()],
        );
        transaction.query_one_raw(lock).await?;
    }
    Ok(())
}

/// Applies the steps that were not applied yet, and gives their names.
async fn apply(
    transaction: &DatabaseTransaction,
    passed: Passed<'_>,
) -> Result<Vec<String>, DbErr> {
    let pending: Vec<String> = Migrator::get_pending_migrations(transaction)
        .await?
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    for done in 0..pending.len() {
        passed(done, pending.len());
        Migrator::up(transaction, Some(1)).await?;
    }
    if !pending.is_empty() {
        passed(pending.len(), pending.len());
    }
    Ok(pending)
}
