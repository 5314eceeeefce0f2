//! Permission to use a mailbox without its password: the OAuth 2.0 authorization code flow with
//! PKCE (RFC 6749, RFC 7636), for Microsoft and Google, as Odoo speaks it; and the permission of an
//! application to use mailboxes by itself.
//!
//! - [`Application`] is who we are, [`Provider`] is who we ask, [`AuthorizeRequest`] is the link
//!   an administrator opens;
//! - [`OAuthClient`] exchanges the code that comes back and refreshes tokens later, or asks for the
//!   application itself;
//! - [`ProviderError`] says what went wrong, what to do, and whether trying again makes sense;
//!   [`entries`] is all that it knows;
//! - [`Claims`] is what an access token says about itself, where it can be read.

mod atlas;
mod claims;
mod client;
mod credential;
mod errors;
pub mod google;
pub mod microsoft;
mod provider;
mod reply;
mod scrub;

pub use atlas::{Cause, Entry, ErrorClass, entries};
pub use claims::Claims;
pub use client::{CodeGrant, OAuthClient, RefreshGrant};
pub use credential::ClientCertificate;
pub use errors::ProviderError;
pub use provider::{Application, AuthorizeRequest, Family, Provider};
pub use reply::TokenSet;
