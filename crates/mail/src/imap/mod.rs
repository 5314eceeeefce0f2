//! Fetching mail over IMAP (RFC 3501).
//!
//! async-imap reads and parses the responses; the commands are written here, for three reasons:
//! its FETCH, STORE and SEARCH take a tagged `NO` or `BAD` for an empty result, its AUTHENTICATE
//! cannot answer the second challenge of a refused token, and it writes commands (with passwords)
//! to the trace log. What it reads is bounded (`bounded.rs`): by itself it would buffer
//! half a gigabyte.
//!
//! Nothing here marks a message as seen by accident: messages are read with `BODY.PEEK[]`.

mod bounded;
mod connection;
mod response;
mod sent;
mod session;
mod syntax;
#[cfg(test)]
mod tests;

pub use connection::{ImapConnection, ImapServer};
pub use session::{Mailbox, MessageInfo};
