//! One IMAP session: greeting, TLS, signing in, and the exchange of commands and responses.

use std::net::SocketAddr;
use std::time::Duration;

use async_imap::Client;
use async_imap::imap_proto::Response;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::AsyncWriteExt;
use words::Text;

use super::bounded::Bounded;
use super::response::{Step, names, step_of, tells_of_mail, unreadable, welcome};
use super::syntax;
use crate::certificate::Certificate;
use crate::sasl::{self, Challenge, Credential, Credentials};
use crate::server::{Encryption, Server};
use crate::stream::{Stream, broken, within};
use crate::tls::Trust;
use crate::transport_error::{Cause, Peer, Phase, TransportError};

/// What the responses to one command may bring, where it is not a message: a search in a mailbox
/// of a million messages stays below.
pub(super) const ALLOWANCE: u64 = 16 * 1024 * 1024;
/// A server asks for a response once, and comments on a refused token once.
const MAX_CHALLENGES: usize = 3;

/// A server to fetch mail from.
#[derive(Clone, Debug)]
pub struct ImapServer {
    /// Where it is, and how to talk to it.
    pub server: Server,
    /// The largest message that [`ImapConnection::fetch`] reads, in bytes.
    pub max_message_bytes: u64,
}

impl ImapServer {
    /// A server whose messages are read up to 64 MiB, more than the large providers take.
    pub fn new(server: Server) -> Self {
        ImapServer {
            server,
            max_message_bytes: 64 * 1024 * 1024,
        }
    }
}

/// An open session with a mailbox server.
#[derive(Debug)]
pub struct ImapConnection {
    client: Client<Bounded<Stream>>,
    pub(super) server: ImapServer,
    peer: Peer,
    tags: u32,
    capabilities: Vec<String>,
    preauthenticated: bool,
    /// False from the first byte of a command to its tagged response: an exchange that was
    /// broken off leaves the session out of step for good.
    in_step: bool,
    /// The server told of mail since the mailbox was opened, while it answered another command.
    pub(super) has_news: bool,
}

impl ImapConnection {
    /// Connects, reads the greeting and the capabilities, and upgrades to TLS where asked for.
    ///
    /// # Errors
    /// In the phases Resolve, Connect, Tls, Greeting, Capability and StartTls.
    pub async fn connect(target: &ImapServer, trust: &Trust) -> Result<Self, TransportError> {
        let peer = Peer {
            protocol: "IMAP",
            host: target.server.host.clone(),
            port: target.server.port,
        };
        let stream = Stream::open(&target.server, &peer, trust).await?;
        let mut connection = ImapConnection {
            client: Client::new(Bounded::new(stream, ALLOWANCE)),
            server: target.clone(),
            peer,
            tags: 0,
            capabilities: Vec::new(),
            preauthenticated: false,
            in_step: true,
            has_news: false,
        };
        connection.greeting().await?;
        if target.server.encryption == Encryption::StartTls {
            connection = connection.starttls(trust).await?;
        }
        if connection.capabilities.is_empty() {
            connection.ask_capabilities().await?;
        }
        tracing::debug!(server = %connection.peer, tls = connection.is_encrypted(), "connected");
        Ok(connection)
    }

    async fn greeting(&mut self) -> Result<(), TransportError> {
        let limit = self.server.server.timeouts.greeting;
        let welcome = self.next(Phase::Greeting, limit, welcome).await?;
        let (preauthenticated, offered) =
            welcome.map_err(|cause| self.fail(Phase::Greeting, cause))?;
        self.preauthenticated = preauthenticated;
        self.capabilities = offered;
        Ok(())
    }

    async fn starttls(mut self, trust: &Trust) -> Result<Self, TransportError> {
        if self.capabilities.is_empty() {
            self.ask_capabilities().await?;
        }
        if self.preauthenticated || !self.has_capability("STARTTLS") {
            return Err(self.fail(Phase::StartTls, Cause::StartTlsNotOffered));
        }
        self.run(Phase::StartTls, "STARTTLS", |_| {}).await?;
        // What the parser had read ahead is dropped with it: nothing said in clear counts any more.
        let stream = self.client.into_inner().into_inner();
        let stream = stream
            .secure(&self.server.server, &self.peer, trust)
            .await?;
        Ok(ImapConnection {
            client: Client::new(Bounded::new(stream, ALLOWANCE)),
            capabilities: Vec::new(),
            ..self
        })
    }

    /// Asks what the server offers, which may be more once somebody is signed in.
    ///
    /// # Errors
    /// In the phase Capability.
    pub async fn ask_capabilities(&mut self) -> Result<(), TransportError> {
        let mut offered = Vec::new();
        self.run(Phase::Capability, "CAPABILITY", |response| {
            if let Response::Capabilities(list) = response {
                offered = names(list);
            }
        })
        .await?;
        self.capabilities = offered;
        Ok(())
    }

    /// What the server offered when it was asked last, in upper case: before signing in, as a rule.
    pub fn capabilities(&self) -> &[String] {
        &self.capabilities
    }

    /// Whether the server offers something, such as `IDLE` or `AUTH=XOAUTH2`.
    pub fn has_capability(&self, name: &str) -> bool {
        self.capabilities
            .iter()
            .any(|offered| offered.eq_ignore_ascii_case(name))
    }

    /// Whether the line is under TLS.
    pub fn is_encrypted(&self) -> bool {
        self.client.get_ref().get_ref().is_tls()
    }

    /// The address that the host name led to, if it is known.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.client.get_ref().get_ref().remote()
    }

    /// The certificate that the server showed; none in clear.
    pub fn certificate(&self) -> Option<Certificate> {
        self.client.get_ref().get_ref().certificate()
    }

    /// Whether the session is in step: an error other than a refusal ends it.
    pub fn is_usable(&self) -> bool {
        self.in_step
    }

    /// Signs in with a password (`LOGIN`) or a token (`AUTHENTICATE XOAUTH2`).
    ///
    /// # Errors
    /// As of [`Self::login`] and [`Self::xoauth2`].
    pub async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), TransportError> {
        match credentials {
            Credentials::Password { user, password } => self.login(user, password).await,
            Credentials::OAuth { user, token } => self.xoauth2(user, token).await,
        }
    }

    /// Signs in with a password. What cannot stand between quotes, such as non-ASCII characters,
    /// is sent as a literal in UTF-8.
    ///
    /// # Errors
    /// In the phase Auth.
    pub async fn login(
        &mut self,
        user: &str,
        password: &SecretString,
    ) -> Result<(), TransportError> {
        if self.has_capability("LOGINDISABLED") {
            return Err(self.no_mechanism("LOGIN"));
        }
        let secret = password.expose_secret();
        for (what, value) in [(Credential::User, user), (Credential::Password, secret)] {
            sasl::refuse_controls(what, value).map_err(|e| self.invalid(Phase::Auth, e))?;
        }
        let signed_in = match (syntax::quoted(user), syntax::quoted(secret)) {
            (Some(user), Some(quoted)) => {
                let line = SecretString::from(format!("LOGIN {user} {quoted}"));
                self.run(Phase::Auth, line.expose_secret(), |_| {}).await
            }
            _ => self.login_with_literals(user, secret).await,
        };
        signed_in.map_err(|error| self.redacted(error, user, password))
    }

    /// `LOGIN {4}`, `user {8}`, `password`, each after the server's consent.
    async fn login_with_literals(
        &mut self,
        user: &str,
        password: &str,
    ) -> Result<(), TransportError> {
        let tag = self
            .begin(Phase::Auth, &format!("LOGIN {{{}}}", user.len()), ALLOWANCE)
            .await?;
        for part in [
            format!("{user} {{{}}}", password.len()),
            password.to_owned(),
        ] {
            let part = SecretString::from(part);
            match self.continuation(&tag).await? {
                Some(_) => self.write_line(Phase::Auth, part.expose_secret()).await?,
                None => return Err(self.garbled(Phase::Auth, "a consent was expected")),
            }
        }
        let limit = self.server.server.timeouts.command;
        self.finish(Phase::Auth, &tag, limit, |_| {}).await
    }

    /// Signs in with an OAuth access token, only under TLS. `user` is the mailbox to open, which
    /// may be a shared one that the token's account has access to.
    ///
    /// A refusal in two steps (a comment, then `NO`) is taken to its end; the comment is
    /// [`TransportError::challenge`].
    ///
    /// # Errors
    /// In the phase Auth.
    pub async fn xoauth2(
        &mut self,
        user: &str,
        token: &SecretString,
    ) -> Result<(), TransportError> {
        if !self.is_encrypted() {
            return Err(self.fail(Phase::Auth, Cause::TokenInClear));
        }
        if !self.has_capability("AUTH=XOAUTH2") {
            return Err(self.no_mechanism("AUTH=XOAUTH2"));
        }
        let response = sasl::xoauth2(user, token).map_err(|e| self.invalid(Phase::Auth, e))?;
        let response = sasl::encode(response.expose_secret());
        let mut challenge = None;
        self.exchange_token(&response, &mut challenge)
            .await
            .map_err(|error| self.redacted(error, user, token))
            .map_err(|error| error.with_challenge(challenge))
    }

    async fn exchange_token(
        &mut self,
        response: &SecretString,
        challenge: &mut Option<Challenge>,
    ) -> Result<(), TransportError> {
        let at_once = self.has_capability("SASL-IR");
        let line = if at_once {
            SecretString::from(format!("AUTHENTICATE XOAUTH2 {}", response.expose_secret()))
        } else {
            SecretString::from("AUTHENTICATE XOAUTH2")
        };
        let tag = self
            .begin(Phase::Auth, line.expose_secret(), ALLOWANCE)
            .await?;
        let mut sent = at_once;
        for _ in 0..MAX_CHALLENGES {
            let Some(comment) = self.continuation(&tag).await? else {
                return Ok(());
            };
            if sent {
                *challenge = Challenge::decode(&comment).or(challenge.take());
                self.write_line(Phase::Auth, "").await?;
            } else {
                self.write_line(Phase::Auth, response.expose_secret())
                    .await?;
                sent = true;
            }
        }
        Err(self.garbled(Phase::Auth, "it asks for a response again and again"))
    }

    /// Waits for a continuation and gives its text, or for the tagged OK, which is none.
    async fn continuation(&mut self, tag: &str) -> Result<Option<String>, TransportError> {
        let limit = self.server.server.timeouts.command;
        loop {
            match self.step(Phase::Auth, tag, limit, &mut |_| {}).await? {
                Step::Continue(text) => return Ok(Some(text)),
                Step::Done => return Ok(None),
                Step::Untagged => {}
            }
        }
    }

    /// Waits for a continuation; data before it is passed over.
    pub(super) async fn consent(
        &mut self,
        phase: Phase,
        tag: &str,
        limit: Duration,
    ) -> Result<(), TransportError> {
        loop {
            match self.step(phase, tag, limit, &mut |_| {}).await? {
                Step::Continue(_) => return Ok(()),
                Step::Done => return Err(self.garbled(phase, "a consent was expected")),
                Step::Untagged => {}
            }
        }
    }

    /// Says goodbye. Failures are ignored: everything is settled by then.
    pub async fn logout(mut self) {
        let limit = self.server.server.timeouts.quit;
        let farewell = async {
            let tag = self.begin(Phase::Quit, "LOGOUT", ALLOWANCE).await?;
            self.finish(Phase::Quit, &tag, limit, |_| {}).await
        };
        if let Err(error) = farewell.await {
            tracing::trace!(server = %self.peer, %error, "the server did not say goodbye");
        }
        let _ = tokio::time::timeout(limit, self.client.get_mut().shutdown()).await;
    }

    /// Runs a command to its tagged response and hands the untagged ones to `on`.
    pub(super) async fn run(
        &mut self,
        phase: Phase,
        line: &str,
        on: impl FnMut(&Response<'_>),
    ) -> Result<(), TransportError> {
        let limit = self.server.server.timeouts.command;
        let tag = self.begin(phase, line, ALLOWANCE).await?;
        self.finish(phase, &tag, limit, on).await
    }

    /// Sends a command under a new tag. Its responses may bring `allowance` bytes.
    pub(super) async fn begin(
        &mut self,
        phase: Phase,
        line: &str,
        allowance: u64,
    ) -> Result<String, TransportError> {
        if !self.in_step {
            return Err(self.fail(phase, Cause::Unusable));
        }
        self.in_step = false;
        self.tags = self.tags.wrapping_add(1);
        let tag = format!("P{}", self.tags);
        self.client.get_mut().allow(allowance);
        let line = SecretString::from(format!("{tag} {line}"));
        self.write_line(phase, line.expose_secret()).await?;
        Ok(tag)
    }

    /// Reads to the tagged response. The session is in step again after it.
    pub(super) async fn finish(
        &mut self,
        phase: Phase,
        tag: &str,
        limit: Duration,
        mut on: impl FnMut(&Response<'_>),
    ) -> Result<(), TransportError> {
        while !matches!(self.step(phase, tag, limit, &mut on).await?, Step::Done) {}
        Ok(())
    }

    /// Reads one response. `NO`, `BAD` and a session that the server ends are errors.
    pub(super) async fn step(
        &mut self,
        phase: Phase,
        tag: &str,
        limit: Duration,
        on: &mut impl FnMut(&Response<'_>),
    ) -> Result<Step, TransportError> {
        let mut news = false;
        let step = self
            .next(phase, limit, |response| {
                let step = step_of(phase, tag, response);
                // What comes with the opening of a mailbox was there before.
                news |= phase != Phase::Select && tells_of_mail(response);
                if matches!(step, Ok(Step::Untagged)) {
                    on(response);
                }
                step
            })
            .await?;
        self.has_news |= news;
        self.in_step = matches!(step, Ok(Step::Done) | Err(Cause::Refused(_)));
        step.map_err(|cause| self.fail(phase, cause))
    }

    /// Reads one response and gives what `look` makes of it: the parser's own type has no public name.
    async fn next<T>(
        &mut self,
        phase: Phase,
        limit: Duration,
        look: impl FnOnce(&Response<'_>) -> T,
    ) -> Result<T, TransportError> {
        let read = async {
            match self.client.read_response().await {
                Ok(Some(response)) => Ok(look(response.parsed())),
                Ok(None) => Err(Cause::Closed),
                Err(error) => Err(unreadable(error)),
            }
        };
        within(limit, read)
            .await
            .map_err(|cause| self.fail(phase, cause))
    }

    pub(super) async fn write_line(
        &mut self,
        phase: Phase,
        line: &str,
    ) -> Result<(), TransportError> {
        let limit = self.server.server.timeouts.command;
        let line = SecretString::from(format!("{line}\r\n"));
        let stream = self.client.get_mut();
        let write = async {
            stream
                .write_all(line.expose_secret().as_bytes())
                .await
                .map_err(broken)?;
            stream.flush().await.map_err(broken)
        };
        within(limit, write)
            .await
            .map_err(|cause| self.fail(phase, cause))
    }

    fn redacted(&self, error: TransportError, user: &str, secret: &SecretString) -> TransportError {
        match error.reply() {
            Some(reply) => {
                let reply = reply.clone().without(user, secret);
                self.fail(error.phase(), Cause::Refused(reply))
            }
            None => error,
        }
    }

    fn no_mechanism(&self, wanted: &'static str) -> TransportError {
        let offered = self
            .capabilities
            .iter()
            .filter(|name| name.starts_with("AUTH=") || name.starts_with("LOGIN"))
            .cloned()
            .collect();
        self.fail(Phase::Auth, Cause::NoMechanism { wanted, offered })
    }

    pub(super) fn invalid(&self, phase: Phase, sentence: Text) -> TransportError {
        self.fail(phase, Cause::InvalidInput(sentence))
    }

    fn garbled(&self, phase: Phase, what: &str) -> TransportError {
        self.fail(phase, Cause::Garbled(what.to_owned()))
    }

    pub(super) fn fail(&self, phase: Phase, cause: Cause) -> TransportError {
        TransportError::new(&self.peer, phase, cause)
    }
}
