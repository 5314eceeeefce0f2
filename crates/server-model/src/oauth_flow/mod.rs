//! Connecting a mailbox by OAuth: the address of the consent, its answer, and tokens to sign in with.

pub mod connection;
mod consent;
pub mod expiry;
pub mod mailbox;
mod secrets;
mod service;
mod tokens;

pub use consent::{ConfirmError, ConfirmQuery, Confirmed, confirm, consent_uri};
pub(crate) use secrets::probe;
pub use service::Service;
pub use tokens::access_token;
