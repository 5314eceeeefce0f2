//! The transaction of a caller at work: its statements, and its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, ExecResult, QueryResult};

use super::Env;
use crate::dialect;
use crate::error::{Error, Result};
use crate::home::caches;
use crate::sql::Sql;

impl Env {
    /// Which database it is.
    pub fn db(&self) -> DbBackend {
        self.backend().database().backend()
    }

    /// An empty statement for this database.
    pub fn sql(&self, text: &str) -> Sql {
        Sql::with(self.db(), text).folding_with(self.backend().database().folding())
    }

    /// The connection, for statements of sea-orm's entities.
    pub fn connection(&self) -> &DatabaseTransaction {
        &self.tx.connection
    }

    /// Runs a statement and gives its rows.
    ///
    /// # Errors
    /// What the database refuses, as [`dialect::database_error`] tells it.
    pub async fn rows(&self, sql: Sql) -> Result<Vec<QueryResult>> {
        self.tx
            .connection
            .query_all_raw(sql.build())
            .await
            .map_err(dialect::database_error)
    }

    /// Runs a statement and gives its first row.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn row(&self, sql: Sql) -> Result<Option<QueryResult>> {
        self.tx
            .connection
            .query_one_raw(sql.build())
            .await
            .map_err(dialect::database_error)
    }

    /// Runs a statement for its effect.
    ///
    /// # Errors
    /// What the database refuses.
    pub async fn execute(&self, sql: Sql) -> Result<ExecResult> {
        self.tx
            .connection
            .execute_raw(sql.build())
            .await
            .map_err(dialect::database_error)
    }

    /// Commits, and then does what was put off until after it.
    ///
    /// # Errors
    /// When the database refuses the commit; then nothing was written.
    pub async fn commit(self) -> Result<()> {
        let Env { tx, caller } = self;
        let tx = Arc::into_inner(tx).ok_or_else(|| {
            Error::Internal("A transaction was still in use when it should end.".into())
        })?;
        tx.connection
            .commit()
            .await
            .map_err(dialect::database_error)?;
        let changed = tx.changes_caches.load(Ordering::Relaxed);
        if changed != 0 {
            caches::signal(&caller.backend, changed).await;
        }
        if tx.changes_groups.load(Ordering::Relaxed) {
            caller.backend.group_names().forget();
        }
        if tx.wakes_outbox.load(Ordering::Relaxed) {
            caller.backend.wake_outbox();
        }
        Ok(())
    }

    /// Ends a transaction that has only read. Nobody waits for the database to note it.
    pub fn end_reading(self) {
        drop(self);
    }

    /// Takes everything back.
    ///
    /// # Errors
    /// When the connection is lost, in which case the database takes it back by itself.
    pub async fn rollback(self) -> Result<()> {
        match Arc::into_inner(self.tx) {
            Some(tx) => tx
                .connection
                .rollback()
                .await
                .map_err(dialect::database_error),
            None => Ok(()),
        }
    }
}
