//! Google's endpoints and scope.
//!
//! Source: Google's pages "Using OAuth 2.0 for Web Server Applications" and "OAuth 2.0 Mechanism"
//! of Gmail.

use url::Url;

use super::provider::{Family, Provider};
use crate::Error;

/// Where the browser goes.
pub const AUTHORIZE_ENDPOINT: &str = "https://accounts.google.com/o/oauth2/v2/auth";
/// Where codes and refresh tokens are exchanged.
pub const TOKEN_ENDPOINT: &str = "https://oauth2.googleapis.com/token";
/// Permission to use SMTP and IMAP; Gmail has no narrower one for these.
pub const MAIL: &str = "https://mail.google.com/";

/// Google's public endpoints. For a stand-in, use [`Provider::new`].
///
/// # Errors
/// None in practice: both addresses are constants.
pub fn provider() -> Result<Provider, Error> {
    let read = |text: &str| {
        Url::parse(text).map_err(|source| Error::EndpointUnreadable {
            value: text.to_owned(),
            source,
        })
    };
    Provider::new(
        Family::Google,
        read(AUTHORIZE_ENDPOINT)?,
        read(TOKEN_ENDPOINT)?,
    )
}
