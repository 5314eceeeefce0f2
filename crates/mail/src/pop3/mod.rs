//! Fetching mail over POP3 (RFC 1939): a client of our own, since the existing crates spin on a
//! closed connection.
//!
//! Deletions count only once [`Pop3Connection::quit`] has been answered: a session that ends in
//! any other way leaves the mailbox as it was.

mod connection;
#[cfg(test)]
mod tests;

pub use connection::{Pop3Connection, Pop3Server};
