//! What can be wrong with the settings of this crate, in words for the person who set them.

use words::{Text, say};

/// A setting this crate cannot work with. What a provider answers is a
/// [`ProviderError`](crate::oauth::ProviderError) instead.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum Error {
    /// The provider's endpoint is not a URL.
    EndpointUnreadable {
        /// The value as it was set.
        value: String,
        /// What the URL parser said.
        source: url::ParseError,
    },
    /// The endpoint would carry the client secret unprotected, or is not HTTP at all.
    EndpointUnprotected {
        /// Host part of the endpoint.
        host: String,
        /// Scheme part of the endpoint.
        scheme: String,
    },
    /// The endpoint has a user name or a password in it.
    EndpointWithCredentials {
        /// Host part of the endpoint.
        host: String,
    },
    /// The address the provider shall send the browser back to is not a URL.
    RedirectAddress {
        /// The address as it was composed.
        value: String,
        /// What the URL parser said.
        source: url::ParseError,
    },
    /// No application is registered with the provider yet.
    ClientIdMissing,
    /// The certificate that the application is to be known by, or its private key, cannot be used.
    ClientCertificate(Text),
    /// The extra authorities could not be read.
    Authorities(#[source] reqwest::Error),
    /// The extra authorities hold no certificate.
    NoAuthorities,
    /// The HTTP client could not be set up.
    HttpClient(#[source] reqwest::Error),
}

impl Error {
    /// What is wrong, in words.
    pub fn text(&self) -> Text {
        match self {
            Error::EndpointUnreadable { value, .. } => say!("oauth-endpoint-unreadable", ?value),
            Error::EndpointUnprotected { host, scheme } => {
                say!("oauth-endpoint-unprotected", ?host, ?scheme)
            }
            Error::EndpointWithCredentials { host } => {
                say!("oauth-endpoint-with-credentials", ?host)
            }
            Error::RedirectAddress { value, .. } => say!("oauth-redirect-address", ?value),
            Error::ClientIdMissing => say!("oauth-client-id-missing"),
            Error::ClientCertificate(why) => say!("oauth-client-certificate", why),
            Error::Authorities(_) => say!("oauth-authorities"),
            Error::NoAuthorities => say!("oauth-no-authorities"),
            Error::HttpClient(_) => say!("oauth-http-client"),
        }
    }
}
