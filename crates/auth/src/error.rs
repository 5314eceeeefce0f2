//! What can be wrong with the settings of this crate, in words for the person who set them.

/// A setting this crate cannot work with. What a provider answers is a
/// [`ProviderError`](crate::oauth::ProviderError) instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The provider's endpoint is not a URL.
    #[error(
        "the OAuth endpoint {value:?} is not a complete URL; give one like \
         https://login.microsoftonline.com/common/oauth2/v2.0/"
    )]
    EndpointUnreadable {
        /// The value as it was set.
        value: String,
        /// What the URL parser said.
        source: url::ParseError,
    },
    /// The endpoint would carry the client secret unprotected, or is not HTTP at all.
    #[error(
        "the OAuth endpoint on {host:?} uses the scheme {scheme:?}; use https (plain http is \
         accepted only for this machine itself, because the client secret goes there)"
    )]
    EndpointUnprotected {
        /// Host part of the endpoint.
        host: String,
        /// Scheme part of the endpoint.
        scheme: String,
    },
    /// The endpoint has a user name or a password in it.
    #[error("the OAuth endpoint on {host:?} must not have a user name or password in its URL")]
    EndpointWithCredentials {
        /// Host part of the endpoint.
        host: String,
    },
    /// The address the provider shall send the browser back to is not a URL.
    #[error(
        "the redirect address {value:?} is not a complete URL; set web.base.url to the address \
         users reach this server at, for example https://mail.example.com"
    )]
    RedirectAddress {
        /// The address as it was composed.
        value: String,
        /// What the URL parser said.
        source: url::ParseError,
    },
    /// No application is registered with the provider yet.
    #[error("the OAuth client id is empty; enter the one of your app registration in the settings")]
    ClientIdMissing,
    /// The certificate that the application is to be known by, or its private key, cannot be used.
    #[error("the application's certificate cannot be used: {0}")]
    ClientCertificate(&'static str),
    /// The extra authorities could not be read.
    #[error("the additional certificate authorities are not readable as PEM certificates")]
    Authorities(#[source] reqwest::Error),
    /// The extra authorities hold no certificate.
    #[error(
        "the additional certificate authorities hold no certificate; \
         expected blocks beginning with -----BEGIN CERTIFICATE-----"
    )]
    NoAuthorities,
    /// The HTTP client could not be set up.
    #[error(
        "the HTTPS client cannot start, most often because the system has no certificate \
         authorities; install the package ca-certificates"
    )]
    HttpClient(#[source] reqwest::Error),
}
