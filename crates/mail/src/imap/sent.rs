//! Looking into the folder of sent mails: whether a mail is there tells whether the server took it.

use async_imap::imap_proto::{MailboxDatum, NameAttribute, Response};

use super::connection::ImapConnection;
use super::syntax;
use crate::transport_error::{Phase, TransportError};

/// What the folder is called where the server does not say which it is (RFC 6154).
const NAMES: [&str; 4] = ["sent items", "sent", "sent messages", "sent mail"];

impl ImapConnection {
    /// Opens the folder of sent mails, to look only. False when the mailbox has none.
    ///
    /// # Errors
    /// In the phase Select.
    pub async fn examine_sent(&mut self) -> Result<bool, TransportError> {
        let mut marked = None;
        let mut named = None;
        self.run(Phase::Select, "LIST \"\" \"*\"", |response| {
            let Response::MailboxData(MailboxDatum::List(folder)) = response else {
                return;
            };
            let has = |attribute| folder.name_attributes.contains(&attribute);
            if has(NameAttribute::NoSelect) {
                return;
            }
            if has(NameAttribute::Sent) {
                marked = Some(folder.name.to_string());
            }
            let last = folder
                .delimiter
                .as_deref()
                .and_then(|delimiter| folder.name.rsplit(delimiter).next())
                .unwrap_or(&folder.name);
            if NAMES.contains(&last.to_ascii_lowercase().as_str()) {
                named.get_or_insert_with(|| folder.name.to_string());
            }
        })
        .await?;
        // The name goes back as it came, already in the encoding of the wire.
        let Some(name) = marked.or(named).as_deref().and_then(syntax::quoted) else {
            return Ok(false);
        };
        self.run(Phase::Select, &format!("EXAMINE {name}"), |_| {})
            .await?;
        Ok(true)
    }

    /// Whether the open mailbox has a message with this Message-Id, angle brackets included.
    ///
    /// # Errors
    /// In the phase Search.
    pub async fn has_message_id(&mut self, message_id: &str) -> Result<bool, TransportError> {
        let Some(quoted) = syntax::quoted(message_id) else {
            // No server could be asked for it; nothing is proved.
            return Ok(false);
        };
        let mut found = false;
        let line = format!("UID SEARCH HEADER Message-ID {quoted}");
        self.run(Phase::Search, &line, |response| {
            if let Response::MailboxData(MailboxDatum::Search(uids)) = response {
                found |= !uids.is_empty();
            }
        })
        .await?;
        Ok(found)
    }
}
