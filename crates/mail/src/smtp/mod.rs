//! Sending mail: the client side of SMTP submission (RFC 5321, RFC 6409).
//!
//! Commands and replies are lettre's types (`Mail`, `Rcpt`, `Data`, `Response`, …), but its
//! `AsyncSmtpConnection` is not used, because it
//! * keeps what it had read ahead across STARTTLS, so that replies injected before the handshake
//!   count as if they came after it, and takes only its own kind of TLS configuration;
//! * turns a refusal into an error without the lines of the reply, and an XOAUTH2 challenge into
//!   a client error, which loses what the provider says;
//! * reads greeting and `EHLO` in one step, without a time limit, and forgets `SIZE`.
//!
//! The steps of a mail out: [`SmtpConnection::connect`], [`SmtpConnection::authenticate`],
//! [`SmtpConnection::prepare`] (`MAIL`, `RCPT`), then, after the caller has written down that it is
//! about to happen, [`PreparedDelivery::data`]. Once the final dot is sent, only the server's reply
//! decides; an error without one has [`Severity::Ambiguous`](crate::Severity::Ambiguous).

mod auth;
mod capabilities;
mod connection;
mod content;
mod delivery;
mod envelope;
#[cfg(test)]
mod tests;

pub use capabilities::Capabilities;
pub use connection::{SmtpConnection, SmtpServer};
pub use delivery::{Delivery, PreparedDelivery, Recipient};
pub use envelope::{Envelope, EnvelopeError};
