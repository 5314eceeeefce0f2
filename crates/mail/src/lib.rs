//! The mail world: addresses, MIME, and the connections to SMTP, IMAP and POP3 servers.
//!
//! This crate knows no database, no HTTP, no environment and no files. The first half
//! ([`address`], [`compose`], [`parse`]) turns text into mail and back; the second half
//! ([`smtp`], [`imap`], [`pop3`]) carries it, over [`tls`] and authenticated by [`sasl`]; [`atlas`] knows what
//! goes wrong with that.

pub mod address;
pub mod atlas;
mod certificate;
pub mod compose;
pub mod imap;
pub mod parse;
pub mod pop3;
mod reply;
pub mod sasl;
pub mod server;
pub mod smtp;
mod stream;
#[cfg(test)]
mod test_peer;
pub mod text;
pub mod tls;
pub mod transport_error;

pub use certificate::Certificate;
pub use transport_error::{Phase, Severity, TransportError};

// The parsers of async-imap write what they read to `log` at the trace level, and a bridge from
// `log` to `tracing` is common. The feature `max_level_debug` of `log` compiles those lines away;
// this line fails the build should the feature get lost.
const _: () = assert!((log::STATIC_MAX_LEVEL as usize) <= (log::LevelFilter::Debug as usize));
