//! Whose database it is: Postern's own, or that of an Odoo beside which Postern works; and what follows
//! from that. It is looked up once, when the program is put together.
//!
//! In Odoo's database nothing of Odoo's is changed but the records that a call or a mail is about: the
//! registry is not written down there ([`crate::mirror`]), secrets stay readable unless somebody asked
//! for the opposite, and Odoo is told to forget what it remembers ([`caches`]). What Odoo does meanwhile
//! is noticed ([`watch`]).

pub(crate) mod caches;
pub(crate) mod fence;
mod needs;
pub(crate) mod watch;

use std::io;
use std::sync::Arc;

pub use needs::{holds, needs};

use words::say;

use crate::database::Database;
use crate::error::{Error, Result};
use crate::orm::convert;

/// The folder in which Odoo keeps the contents of attachments.
pub trait Filestore: Send + Sync {
    /// The content of a file, by the name that `ir.attachment` has for it (`store_fname`).
    ///
    /// # Errors
    /// What the system says when it cannot be read.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
}

/// Whose database it is.
#[derive(Clone, Default)]
pub struct Home {
    is_odoos: bool,
    filestore: Option<Arc<dyn Filestore>>,
}

impl Home {
    /// Looks whether an Odoo's database was adopted. Files of an Odoo are read from `filestore`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(database: &Database, filestore: Option<Arc<dyn Filestore>>) -> Result<Home> {
        let is_odoos = database.backend() == sea_orm::DbBackend::Postgres
            && match database
                .row(database.sql("SELECT to_regclass('postern_adoption') IS NOT NULL"))
                .await?
            {
                Some(row) => convert::get(&row, 0)?.unwrap_or(false),
                None => false,
            };
        Ok(Home {
            is_odoos,
            filestore,
        })
    }

    /// Whether it is that of an Odoo.
    pub fn is_odoos(&self) -> bool {
        self.is_odoos
    }

    /// The content of an attachment, from its columns `db_datas` and `store_fname`; nothing where it has
    /// none.
    ///
    /// # Errors
    /// [`Error::User`] for a file of Odoo's that cannot be read.
    pub async fn content(
        &self,
        db_datas: Option<Vec<u8>>,
        store_fname: Option<String>,
    ) -> Result<Option<Vec<u8>>> {
        let name = store_fname.filter(|name| self.is_odoos && !name.is_empty());
        let Some(name) = name else {
            return Ok(db_datas);
        };
        let Some(filestore) = self.filestore.clone() else {
            return Err(Error::User(say!("error-filestore-unknown", ?name)));
        };
        let file = name.clone();
        let read = tokio::task::spawn_blocking(move || filestore.read(&file)).await;
        let read = read.map_err(|_| Error::Internal("The program is shutting down.".into()))?;
        read.map(Some)
            .map_err(|error| Error::User(say!("error-filestore-unreadable", ?name, %error)))
    }
}
