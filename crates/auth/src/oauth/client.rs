//! Asks a provider's token endpoint: once for a code, then for each refresh; or for a token of the application itself.
//!
//! The `oauth2` crate composes the requests and reads the answers; the connection is ours
//! ([`crate::http`]), and an answer is bounded in time and length.

use std::pin::Pin;
use std::time::Duration;

use chrono::{DateTime, Utc};
use destinations::{Destinations, Refusal};
use oauth2::basic::{
    BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse,
};
use oauth2::http::header::RETRY_AFTER;
use oauth2::{
    AuthType, AuthorizationCode, ClientId, ClientSecret, EndpointNotSet, EndpointSet, HttpRequest,
    HttpResponse, PkceCodeVerifier, RefreshToken, RequestTokenError, Scope, StandardRevocableToken,
    TokenUrl,
};
use secrecy::{ExposeSecret, SecretString};

use super::errors::{Answer, ProviderError};
use super::provider::{Application, Provider};
use super::reply::{TokenReply, TokenSet};
use super::scrub::Scrubber;
use crate::Error;
use crate::http::Http;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(20);
/// A token answer has 2 to 8 KiB; what is longer is something else.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// No provider's word keeps us waiting for longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The `oauth2` crate's client with our tolerant reading of answers and a token endpoint.
type TokenClient = oauth2::Client<
    BasicErrorResponse,
    TokenReply,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// What a code is exchanged with.
#[derive(Debug, Clone, Copy)]
pub struct CodeGrant<'a> {
    /// The code the provider sent the browser back with. If there was none, the provider is asked
    /// with an empty one, as Odoo does: its refusal says more than we could.
    pub code: Option<&'a str>,
    /// The scopes of the authorize link, unchanged.
    pub scope: &'a str,
    /// The [`pkce::verifier`](crate::pkce::verifier) whose challenge was in the link.
    pub code_verifier: Option<&'a SecretString>,
}

/// What a new access token is asked with.
#[derive(Debug, Clone, Copy)]
pub struct RefreshGrant<'a> {
    /// The newest refresh token of the mailbox.
    pub refresh_token: &'a SecretString,
    /// The scopes the access token shall have, of one resource.
    pub scope: &'a str,
}

/// The way to token endpoints. Make one and share it; cloning is cheap.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    http: Http,
}

impl OAuthClient {
    /// A client that trusts the system's certificate authorities and those in `extra_roots_pem`.
    ///
    /// # Errors
    /// If the extra authorities are not PEM certificates, or the system has none at all.
    pub fn new(extra_roots_pem: Option<&[u8]>) -> Result<OAuthClient, Error> {
        OAuthClient::with_timeouts(extra_roots_pem, CONNECT_TIMEOUT, TOTAL_TIMEOUT)
    }

    fn with_timeouts(
        extra_roots_pem: Option<&[u8]>,
        connect: Duration,
        total: Duration,
    ) -> Result<OAuthClient, Error> {
        let http = Http::new(extra_roots_pem, connect, total)?;
        Ok(OAuthClient { http })
    }

    /// The same, connecting to these addresses only.
    ///
    /// # Errors
    /// As for [`OAuthClient::new`].
    pub fn within(
        extra_roots_pem: Option<&[u8]>,
        destinations: Destinations,
    ) -> Result<OAuthClient, Error> {
        let http = Http::within(
            extra_roots_pem,
            CONNECT_TIMEOUT,
            TOTAL_TIMEOUT,
            destinations,
        )?;
        Ok(OAuthClient { http })
    }

    /// Exchanges the code of a finished sign-in for tokens (RFC 6749, section 4.1.3).
    ///
    /// Not repeated on failure: the provider may have used up the code.
    ///
    /// # Errors
    /// What the provider refused, or why it could not be asked.
    pub async fn exchange_code(
        &self,
        provider: &Provider,
        application: &Application,
        grant: &CodeGrant<'_>,
    ) -> Result<TokenSet, Box<ProviderError>> {
        let code = grant.code.unwrap_or_default();
        let verifier = grant.code_verifier.map(ExposeSecret::expose_secret);
        let proof = application.assertion(provider);
        let sent = [code, verifier.unwrap_or_default()];
        let scrubber = scrubber(application, proof.as_ref(), sent);
        let client = token_client(provider, application);

        let code = AuthorizationCode::new(code.to_owned());
        let mut request = client.exchange_code(code);
        if let Some(verifier) = verifier {
            request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()));
        }
        if provider.family().repeats_parameters() {
            request = request.add_extra_param("scope", grant.scope);
        }
        for (name, value) in proof.iter().flatten() {
            request = request.add_extra_param(*name, value.expose_secret());
        }

        let asked = Utc::now();
        let send = self.sender();
        let reply = request.request_async(&send).await;
        conclude("authorization_code", provider, asked, reply, &scrubber)
    }

    /// Asks for a new access token (RFC 6749, section 6).
    ///
    /// A refresh token in the answer replaces the one in use and must be stored before the access
    /// token is used; without one in the answer, the one in use stays.
    ///
    /// # Errors
    /// What the provider refused, or why it could not be asked. Keep the tokens if it
    /// [is transient](ProviderError::is_transient).
    pub async fn refresh(
        &self,
        provider: &Provider,
        application: &Application,
        grant: &RefreshGrant<'_>,
    ) -> Result<TokenSet, Box<ProviderError>> {
        let token = grant.refresh_token.expose_secret();
        let proof = application.assertion(provider);
        let scrubber = scrubber(application, proof.as_ref(), [token]);
        let client = token_client(provider, application);

        let token = RefreshToken::new(token.to_owned());
        let mut request = client
            .exchange_refresh_token(&token)
            .add_scope(Scope::new(grant.scope.to_owned()));
        if provider.family().repeats_parameters() {
            request = request.add_extra_param("redirect_uri", application.redirect_uri.as_str());
        }
        for (name, value) in proof.iter().flatten() {
            request = request.add_extra_param(*name, value.expose_secret());
        }

        let asked = Utc::now();
        let send = self.sender();
        let reply = request.request_async(&send).await;
        conclude("refresh_token", provider, asked, reply, &scrubber)
    }

    /// Asks for an access token of the application itself, for which an administrator of the provider gave it
    /// permission (RFC 6749, section 4.4). There is no refresh token; it is asked for again.
    ///
    /// # Errors
    /// What the provider refused, or why it could not be asked.
    pub async fn client_credentials(
        &self,
        provider: &Provider,
        application: &Application,
        scope: &str,
    ) -> Result<TokenSet, Box<ProviderError>> {
        let proof = application.assertion(provider);
        let scrubber = scrubber(application, proof.as_ref(), []);
        let client = token_client(provider, application);

        let scope = Scope::new(scope.to_owned());
        let mut request = client.exchange_client_credentials().add_scope(scope);
        for (name, value) in proof.iter().flatten() {
            request = request.add_extra_param(*name, value.expose_secret());
        }

        let asked = Utc::now();
        let send = self.sender();
        let reply = request.request_async(&send).await;
        conclude("client_credentials", provider, asked, reply, &scrubber)
    }

    /// What the `oauth2` crate sends requests with. It borrows nothing: futures that hold a borrow
    /// through that crate's traits are not seen as `Send` by the compiler.
    fn sender(&self) -> impl Fn(HttpRequest) -> SendFuture + Send + Sync + 'static {
        let http = self.http.clone();
        move |request| Box::pin(send(http.clone(), request))
    }
}

type SendFuture = Pin<Box<dyn Future<Output = Result<HttpResponse, SendError>> + Send>>;

/// Sends one request. Any status but 200 becomes an error here, as the `oauth2` crate drops status
/// and headers.
async fn send(http: Http, request: HttpRequest) -> Result<HttpResponse, SendError> {
    let request = reqwest::Request::try_from(request)?;
    http.check(request.url()).map_err(SendError::Closed)?;
    let mut response = http.client().execute(request).await?;
    let status = response.status();
    let retry_after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value.to_str().ok()?, Utc::now()));
    let body = read_bounded(&mut response).await?;
    let status = status.as_u16();
    if status != 200 {
        return Err(SendError::Refused(Answer {
            status,
            retry_after,
            body,
        }));
    }
    // Without its headers, so that a wrong Content-Type does not spoil a good answer; an answer
    // too long to be one is as unreadable as an empty one.
    Ok(HttpResponse::new(body.unwrap_or_default()))
}

/// Why there is no answer with status 200.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("the token endpoint could not be asked")]
    Network(#[from] reqwest::Error),
    #[error(transparent)]
    Closed(Refusal),
    #[error("the token endpoint answered {:?}", .0)]
    Refused(Answer),
}

fn token_client(provider: &Provider, application: &Application) -> TokenClient {
    let client = oauth2::Client::new(ClientId::new(application.client_id.clone()))
        .set_auth_type(AuthType::RequestBody)
        .set_redirect_uri(application.redirect_uri.clone())
        .set_token_uri(TokenUrl::from_url(provider.token_endpoint().clone()));
    match application.client_secret() {
        Some(secret) => {
            client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        }
        None => client,
    }
}

fn scrubber<'a>(
    application: &'a Application,
    proof: Option<&'a [(&'static str, SecretString); 2]>,
    sent: impl IntoIterator<Item = &'a str>,
) -> Scrubber {
    let secret = application.client_secret();
    let assertion = proof.map(|[_, (_, assertion)]| assertion);
    let proofs = secret.into_iter().chain(assertion);
    Scrubber::new(
        sent.into_iter()
            .chain(proofs.map(ExposeSecret::expose_secret)),
    )
}

/// The body, or `None` if it is longer than an answer can be.
async fn read_bounded(response: &mut reqwest::Response) -> Result<Option<Vec<u8>>, reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}

/// The header `Retry-After`: seconds, or a date (RFC 9110, section 10.2.3).
fn retry_after(value: &str, now: DateTime<Utc>) -> Option<Duration> {
    let value = value.trim();
    let wait = match value.parse::<u64>() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = DateTime::parse_from_rfc2822(value).ok()?;
            (date.to_utc() - now).to_std().unwrap_or_default()
        }
    };
    Some(wait.min(MAX_RETRY_AFTER))
}

fn conclude(
    grant: &'static str,
    provider: &Provider,
    asked: DateTime<Utc>,
    reply: Result<TokenReply, RequestTokenError<SendError, BasicErrorResponse>>,
    scrubber: &Scrubber,
) -> Result<TokenSet, Box<ProviderError>> {
    let outcome = match reply {
        Ok(reply) => TokenSet::from_reply(&reply, asked.timestamp())
            .ok_or_else(ProviderError::unusable_token),
        Err(RequestTokenError::Request(SendError::Network(error))) => {
            Err(ProviderError::from_network(error))
        }
        Err(RequestTokenError::Request(SendError::Closed(refusal))) => {
            Err(ProviderError::closed(refusal))
        }
        Err(RequestTokenError::Request(SendError::Refused(answer))) => {
            Err(ProviderError::from_answer(&answer, scrubber))
        }
        Err(RequestTokenError::Parse(_, body)) => {
            Err(ProviderError::from_unreadable(&body, scrubber))
        }
        Err(RequestTokenError::ServerResponse(_) | RequestTokenError::Other(_)) => {
            Err(ProviderError::from_unreadable(&[], scrubber))
        }
    };
    tracing::debug!(
        grant,
        host = provider.token_endpoint().host_str(),
        outcome = outcome
            .as_ref()
            .map_or_else(|error| error.code, |_| "tokens"),
        milliseconds = (Utc::now() - asked).num_milliseconds(),
        "token endpoint asked"
    );
    outcome.map_err(Box::new)
}

#[cfg(test)]
mod tests;
