//! The identity provider double: Microsoft's v2.0 endpoints, in-process, for the lab and the suite.
//!
//! [`Identity`] serves `/{tenant}/oauth2/v2.0/authorize` and `/token` as Microsoft's platform does where it matters to
//! a mail client (redirect URIs compared exactly, codes good once, PKCE, scopes of one resource a token request,
//! rotation, expiry, refusals in its JSON shape), `/introspect` for the mail server, and a control API by which tests
//! make things go wrong. Facts are from Microsoft's public documentation (MicrosoftDocs/entra-docs, identity platform).
//!
//! Where it differs on purpose, it is the stricter one: a token holds only the scopes that were asked for, PKCE takes
//! S256 only, unknown parameters of OAuth's own are not guessed at. It knows no passwords, sessions, id tokens or device
//! codes.

mod application;
mod authorize;
mod client;
pub mod config;
pub mod control;
pub mod fault;
mod form;
pub mod independent;
mod jwt;
mod page;
pub mod problem;
pub mod scope;
pub mod seen;
mod server;
pub mod state;
pub mod tenant;
mod token;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use actix_web::web;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rand::RngCore as _;

pub use client::Control;
pub use config::{Audience, Client, HOME_TENANT, IdentityConfig, PERSONAL_TENANT, Rotation, User};
pub use control::Order;
pub use fault::{Endpoint, Fault, FaultOrder};
pub use independent::IndependentProvider;
pub use seen::{Counters, TokenRequest};

use server::{Server, Shared};
use state::State;

/// What can go wrong between a test and the double.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The order names an application that is not registered.
    #[error("no application with the id {0} is registered; register it first")]
    UnknownClient(String),
    /// The order names an account that does not exist.
    #[error("no account signs in as {0}; add it first")]
    UnknownUser(String),
    /// The order names scopes that no token can hold.
    #[error("no token can be made for the scopes: {0}")]
    Scope(String),
    /// The control API refused.
    #[error("the identity provider refused the order: {0}")]
    Refused(String),
    /// The control API could not be reached or answered something else.
    #[error("the identity provider's control API could not be used")]
    Http(#[from] reqwest::Error),
}

/// A running double; dropped, it stops.
pub struct Identity {
    shared: web::Data<Shared>,
    server: Server,
}

impl std::fmt::Debug for Identity {
    /// Leaves out the memory, which is full of tokens.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Identity")
            .field("address", &self.server.address)
            .finish_non_exhaustive()
    }
}

impl Identity {
    /// Starts it on a thread of its own.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub fn start(config: IdentityConfig) -> io::Result<Self> {
        let listen = config
            .listen
            .unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        let key = config
            .control_key
            .clone()
            .unwrap_or_else(|| random_token(32));
        let shared = web::Data::new(Shared::new(State::new(config), key));
        let server = Server::start(listen, shared.clone())?;
        Ok(Self { shared, server })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// As in `http://127.0.0.1:1234`, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// What the parameter `microsoft_outlook.endpoint` has to be: as in `http://127.0.0.1:1234/common/oauth2/v2.0/`.
    pub fn endpoint(&self, tenant: &str) -> String {
        format!("{}/{tenant}/oauth2/v2.0/", self.base_url())
    }

    /// The address for the mail server's token checks, with name and password in it as Dovecot wants them.
    pub fn introspection_url(&self) -> String {
        let state = self.shared.lock();
        let (name, password) = &state.config.introspection_client;
        format!(
            "http://{name}:{password}@{}/introspect",
            self.server.address
        )
    }

    /// How another process reaches the control API.
    pub fn control(&self) -> Control {
        Control {
            base_url: self.base_url(),
            key: self.shared.control_key.clone(),
        }
    }

    /// Gives any order; the methods below are shorter.
    ///
    /// # Errors
    /// When it names an application, an account or a scope that does not exist.
    pub fn order(&self, order: Order) -> Result<serde_json::Value, Error> {
        control::apply(&mut self.shared.lock(), order)
    }

    /// Registers an application, in place of one with the same id.
    pub fn add_client(&self, client: Client) {
        self.shared.lock().add_client(client);
    }

    /// Registers one more redirect URI.
    ///
    /// # Errors
    /// When there is no such application.
    pub fn add_redirect_uri(&self, client_id: &str, uri: &str) -> Result<(), Error> {
        self.shared
            .lock()
            .client_mut(client_id)?
            .client
            .redirect_uris
            .push(uri.to_owned());
        Ok(())
    }

    /// Adds a client secret beside those that exist.
    ///
    /// # Errors
    /// When there is no such application.
    pub fn add_secret(&self, client_id: &str, secret: &str) -> Result<(), Error> {
        self.shared
            .lock()
            .client_mut(client_id)?
            .client
            .secrets
            .push(secret.to_owned());
        Ok(())
    }

    /// Lets a client secret expire (AADSTS7000222).
    ///
    /// # Errors
    /// When there is no such application.
    pub fn expire_secret(&self, client_id: &str, secret: &str) -> Result<(), Error> {
        self.shared
            .lock()
            .client_mut(client_id)?
            .expired_secrets
            .push(secret.to_owned());
        Ok(())
    }

    /// Adds an account, in place of one with the same login.
    pub fn add_user(&self, user: User) {
        self.shared.lock().add_user(user);
    }

    /// Queues a fault behind those that wait.
    pub fn queue_fault(&self, fault: FaultOrder) {
        self.shared.lock().faults.queue(fault);
    }

    /// Forgets the faults that wait.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Sets how long access tokens given out from now on are good.
    pub fn set_access_token_lifetime(&self, lifetime: std::time::Duration) {
        self.shared.lock().config.access_token_lifetime = lifetime;
    }

    /// Sets what happens to used refresh tokens.
    pub fn set_rotation(&self, rotation: Rotation) {
        self.shared.lock().config.rotation = rotation;
    }

    /// Puts the double's clock ahead, so that expiry can be met without waiting for it.
    pub fn advance_clock(&self, by: std::time::Duration) {
        self.shared.lock().advance_clock(by);
    }

    /// Ends all grants of an account (AADSTS50173) and voids its access tokens.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn revoke_grants(&self, login: &str) -> Result<(), Error> {
        self.shared.lock().revoke_grants(login)
    }

    /// Voids the access tokens of an account; its refresh tokens stay good.
    ///
    /// # Errors
    /// When there is no such account.
    pub fn expire_access_tokens(&self, login: &str) -> Result<(), Error> {
        self.shared.lock().expire_access_tokens(login)
    }

    /// Makes an access token without a flow.
    ///
    /// # Errors
    /// When there is no such account, or the scopes are not of one resource.
    pub fn mint_access_token(
        &self,
        login: &str,
        client_id: &str,
        scope: &str,
    ) -> Result<String, Error> {
        self.shared
            .lock()
            .mint_access_token(login, client_id, scope)
    }

    /// The token requests seen, oldest first.
    pub fn token_requests(&self) -> Vec<TokenRequest> {
        self.shared.lock().seen.clone()
    }

    /// How often things happened.
    pub fn counters(&self) -> Counters {
        self.shared.lock().counters
    }
}

/// A short name for a secret, by which tests can tell whether two are the same without either being written down.
pub fn fingerprint(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, secret.as_bytes()).as_ref()[..12])
}

/// Random text of this length, of characters that need no encoding in URLs.
pub(crate) fn random_token(length: usize) -> String {
    let mut bytes = vec![0_u8; length];
    rand::rng().fill_bytes(&mut bytes);
    let mut text = URL_SAFE_NO_PAD.encode(bytes);
    text.truncate(length);
    text
}
