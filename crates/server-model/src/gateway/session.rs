//! Sessions with mailboxes: what a server's row says, turned into a connection that is signed in.

use std::net::SocketAddr;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use mail::Certificate;
use mail::imap::{ImapConnection, ImapServer};
use mail::pop3::{Pop3Connection, Pop3Server};
use mail::sasl::Credentials;
use mail::server::{Encryption, Server, Timeouts};
use mail::tls::Trust;
use mail::transport_error::TransportError;
use secrecy::SecretString;

use words::{Text, say};

use crate::env::Caller;
use crate::error::{Error, Result};
use crate::models::fetchmail_server::Model as FetchServer;
use crate::oauth_flow::{self, Service};
use crate::outbox::smtp::Failure;
use crate::unverified::{self, Line, Unverified};

/// What IMAP and POP3 have in common up to the moment at which the mailbox is open.
pub trait Session: Sized {
    /// Connects, up to the greeting.
    fn connect(server: Server, trust: &Trust) -> BoxFuture<'_, Result<Self, TransportError>>;

    /// Signs in.
    fn sign_in<'a>(
        &'a mut self,
        credentials: &'a Credentials,
    ) -> BoxFuture<'a, Result<(), TransportError>>;

    /// The address that the host name led to.
    fn remote(&self) -> Option<SocketAddr>;

    /// The certificate that the server showed.
    fn certificate(&self) -> Option<Certificate>;

    /// Opens the mailbox without changing anything in it; says what it holds.
    fn look(&mut self) -> BoxFuture<'_, Result<Text, TransportError>>;

    /// Says goodbye.
    fn leave(self) -> BoxFuture<'static, ()>;
}

impl Session for ImapConnection {
    fn connect(server: Server, trust: &Trust) -> BoxFuture<'_, Result<Self, TransportError>> {
        async move { ImapConnection::connect(&ImapServer::new(server), trust).await }.boxed()
    }

    fn sign_in<'a>(
        &'a mut self,
        credentials: &'a Credentials,
    ) -> BoxFuture<'a, Result<(), TransportError>> {
        self.authenticate(credentials).boxed()
    }

    fn remote(&self) -> Option<SocketAddr> {
        ImapConnection::remote(self)
    }

    fn certificate(&self) -> Option<Certificate> {
        ImapConnection::certificate(self)
    }

    fn look(&mut self) -> BoxFuture<'_, Result<Text, TransportError>> {
        async move {
            let inbox = self.select("INBOX").await?;
            Ok(say!("doctor-inbox-opened", count = inbox.exists))
        }
        .boxed()
    }

    fn leave(self) -> BoxFuture<'static, ()> {
        self.logout().boxed()
    }
}

impl Session for Pop3Connection {
    fn connect(server: Server, trust: &Trust) -> BoxFuture<'_, Result<Self, TransportError>> {
        async move { Pop3Connection::connect(&Pop3Server::new(server), trust).await }.boxed()
    }

    fn sign_in<'a>(
        &'a mut self,
        credentials: &'a Credentials,
    ) -> BoxFuture<'a, Result<(), TransportError>> {
        self.authenticate(credentials).boxed()
    }

    fn remote(&self) -> Option<SocketAddr> {
        Pop3Connection::remote(self)
    }

    fn certificate(&self) -> Option<Certificate> {
        Pop3Connection::certificate(self)
    }

    fn look(&mut self) -> BoxFuture<'_, Result<Text, TransportError>> {
        async move {
            let (count, _) = self.stat().await?;
            Ok(say!("doctor-mailbox-opened", count))
        }
        .boxed()
    }

    fn leave(self) -> BoxFuture<'static, ()> {
        async move {
            self.quit().await.ok();
        }
        .boxed()
    }
}

/// Connects and signs in. A token that the server refuses is renewed once.
///
/// # Errors
/// [`Error::Outside`] that says at which step it failed.
pub async fn open<S: Session>(
    caller: &Caller,
    server: &FetchServer,
    timeouts: Timeouts,
) -> Result<S> {
    let target = endpoint(server, timeouts)?;
    let mut refused: Option<SecretString> = None;
    loop {
        let credentials = credentials(caller, server, refused.as_ref()).await?;
        let mut session: S = dial(caller, server, &target).await?;
        match session.sign_in(&credentials).await {
            Ok(()) => return Ok(session),
            Err(error) => match (&credentials, &refused) {
                (Credentials::OAuth { token, .. }, None) if error.is_auth_refused() => {
                    refused = Some(token.clone());
                }
                _ => return Err(transport_error(server, &error)),
            },
        }
    }
}

/// Connects without signing in.
///
/// # Errors
/// [`Failure`] that says at which step it failed.
pub(crate) async fn dial<S: Session>(
    caller: &Caller,
    server: &FetchServer,
    target: &Server,
) -> Result<S, Failure> {
    let line = Line {
        host: &target.host,
        port: target.port,
        encrypted: target.encryption != Encryption::None,
        by_token: Service::of(&server.server_type).is_some(),
    };
    let trust = unverified::trust_for(caller, line).await?;
    S::connect(target.clone(), &trust)
        .await
        .map_err(|error| Failure::Session(server.name.clone(), error))
}

/// What is to be said of a mailbox's server whose certificate nobody verifies.
pub fn warning_of(server: &FetchServer, unverified: &Unverified) -> Option<Text> {
    let line = Line {
        host: server.server.as_deref().unwrap_or_default(),
        port: u16::try_from(server.port.unwrap_or_default()).unwrap_or_default(),
        encrypted: server.is_ssl.unwrap_or(false),
        by_token: Service::of(&server.server_type).is_some(),
    };
    line.warning(unverified)
}

/// The address of the mailbox's server.
///
/// # Errors
/// [`Error::User`] when what was entered does not suffice.
pub(crate) fn endpoint(server: &FetchServer, timeouts: Timeouts) -> Result<Server> {
    let host = server.server.as_deref().map(str::trim).unwrap_or_default();
    if host.is_empty() {
        return Err(Error::User(
            say!("error-mailbox-no-host", server = %server.name).about("server"),
        ));
    }
    let port = u16::try_from(server.port.unwrap_or(0))
        .ok()
        .filter(|port| *port > 0)
        .ok_or_else(|| {
            Error::User(say!("error-mailbox-no-port", server = %server.name).about("port"))
        })?;
    let encryption = if server.is_ssl.unwrap_or(false) {
        Encryption::Tls
    } else {
        Encryption::None
    };
    Ok(Server::new(host, port, encryption).with_timeouts(timeouts))
}

/// What to sign in with. `refused` is a token that the server just turned down.
///
/// # Errors
/// When a token cannot be had.
pub(crate) async fn credentials(
    caller: &Caller,
    server: &FetchServer,
    refused: Option<&SecretString>,
) -> Result<Credentials> {
    let user = server.user.clone().unwrap_or_default();
    if let Some(service) = Service::of(&server.server_type) {
        let token =
            oauth_flow::access_token(caller, service, "fetchmail.server", server.id, refused)
                .await?;
        return Ok(Credentials::oauth(user, token));
    }
    let password = SecretString::from(server.password.clone().unwrap_or_default());
    Ok(Credentials::password(user, password))
}

/// What a failed step says to the person.
pub fn transport_error(server: &FetchServer, error: &TransportError) -> Error {
    Error::Outside {
        code: error.entry().code,
        message: say!(
            "transport-of-server",
            server = &server.name,
            problem = error.text()
        ),
    }
}
