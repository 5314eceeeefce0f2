//! What both kinds of servers show of their connection with Microsoft.

use server_model::error::Result;

use crate::records::{Record, Records};

/// The fields that [`Connection::of`] reads from a record.
pub const FIELDS: [&str; 2] = ["is_microsoft_outlook_configured", "microsoft_outlook_uri"];

/// How far a server has come with its Outlook account.
#[derive(Debug, Default)]
pub struct Connection {
    /// Whether the settings hold the application's id and secret.
    pub configured: bool,
    /// Microsoft's sign-in page for this record, as good as now; empty when there is none.
    pub address: String,
    /// Whether a token is stored, so that Postern may sign in for the account.
    pub connected: bool,
}

impl Connection {
    /// The connection of a record read with [`FIELDS`]. The token itself is not read.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn of(records: Records<'_>, record: &Record) -> Result<Connection> {
        let address = record.text("microsoft_outlook_uri");
        // The endpoint is a setting; whatever it says, a link must not become a script.
        let usable = address.starts_with("https://") || address.starts_with("http://");
        Ok(Connection {
            configured: record.has("is_microsoft_outlook_configured"),
            address: if usable { address } else { String::new() },
            connected: records
                .has_value(record.id(), "microsoft_outlook_refresh_token")
                .await?,
        })
    }
}
