//! One POP3 session.

use std::net::SocketAddr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use crate::certificate::Certificate;
use crate::sasl::{self, Challenge, Credential, Credentials};
use crate::server::{Encryption, Server};
use crate::stream::{Lines, Stream, within};
use crate::tls::Trust;
use crate::transport_error::{Cause, Peer, Phase, Reply, TransportError, printable};

/// Longest line of a reply; messages have longer ones than the standard says.
const MAX_LINE: usize = 1024 * 1024;
/// Most bytes of a list: a mailbox of hundreds of thousands of messages.
const MAX_LIST: u64 = 16 * 1024 * 1024;

/// A server to fetch mail from.
#[derive(Clone, Debug)]
pub struct Pop3Server {
    /// Where it is, and how to talk to it.
    pub server: Server,
    /// The largest message that [`Pop3Connection::retr`] reads, in bytes.
    pub max_message_bytes: u64,
}

impl Pop3Server {
    /// A server whose messages are read up to 64 MiB.
    pub fn new(server: Server) -> Self {
        Pop3Server {
            server,
            max_message_bytes: 64 * 1024 * 1024,
        }
    }
}

/// An open session with a mailbox server.
#[derive(Debug)]
pub struct Pop3Connection {
    lines: Lines,
    server: Pop3Server,
    peer: Peer,
    /// False while an exchange is under way: one that was broken off leaves the session out of step.
    in_step: bool,
}

impl Pop3Connection {
    /// Connects, reads the greeting, and upgrades to TLS where asked for (`STLS`, RFC 2595).
    ///
    /// # Errors
    /// In the phases Resolve, Connect, Tls, Greeting and StartTls.
    pub async fn connect(target: &Pop3Server, trust: &Trust) -> Result<Self, TransportError> {
        let peer = Peer {
            protocol: "POP3",
            host: target.server.host.clone(),
            port: target.server.port,
        };
        let stream = Stream::open(&target.server, &peer, trust).await?;
        let mut connection = Pop3Connection {
            lines: Lines::new(stream),
            server: target.clone(),
            peer,
            in_step: true,
        };
        let limit = connection.server.server.timeouts.greeting;
        connection.receive_ok(Phase::Greeting, limit).await?;
        if connection.server.server.encryption == Encryption::StartTls {
            connection = connection.stls(trust).await?;
        }
        tracing::debug!(server = %connection.peer, tls = connection.is_encrypted(), "connected");
        Ok(connection)
    }

    async fn stls(mut self, trust: &Trust) -> Result<Self, TransportError> {
        match self.command(Phase::StartTls, "STLS").await {
            Ok(_) => {}
            Err(error) if error.reply().is_some() => {
                return Err(self.fail(Phase::StartTls, Cause::StartTlsNotOffered));
            }
            Err(error) => return Err(error),
        }
        let stream = self
            .lines
            .into_stream()
            .map_err(|cause| TransportError::new(&self.peer, Phase::StartTls, cause))?
            .secure(&self.server.server, &self.peer, trust)
            .await?;
        Ok(Pop3Connection {
            lines: Lines::new(stream),
            ..self
        })
    }

    /// Whether the line is under TLS.
    pub fn is_encrypted(&self) -> bool {
        self.lines.stream().is_tls()
    }

    /// The address that the host name led to, if it is known.
    pub fn remote(&self) -> Option<SocketAddr> {
        self.lines.stream().remote()
    }

    /// The certificate that the server showed; none in clear.
    pub fn certificate(&self) -> Option<Certificate> {
        self.lines.stream().certificate()
    }

    /// The largest message that [`Self::retr`] reads, in bytes.
    pub fn max_message_bytes(&self) -> u64 {
        self.server.max_message_bytes
    }

    /// Whether the session is in step: an error other than a refusal ends it.
    pub fn is_usable(&self) -> bool {
        self.in_step
    }

    /// Signs in with a password (`USER`, `PASS`) or a token (`AUTH XOAUTH2`).
    ///
    /// # Errors
    /// In the phase Auth.
    pub async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), TransportError> {
        match credentials {
            Credentials::Password { user, password } => self.login(user, password).await,
            Credentials::OAuth { user, token } => self.xoauth2(user, token).await,
        }
    }

    /// Signs in with a password.
    ///
    /// # Errors
    /// In the phase Auth.
    pub async fn login(
        &mut self,
        user: &str,
        password: &SecretString,
    ) -> Result<(), TransportError> {
        let secret = password.expose_secret();
        for (what, value) in [(Credential::User, user), (Credential::Password, secret)] {
            sasl::refuse_controls(what, value)
                .map_err(|e| self.fail(Phase::Auth, Cause::InvalidInput(e)))?;
        }
        self.command(Phase::Auth, &format!("USER {user}")).await?;
        let line = SecretString::from(format!("PASS {secret}"));
        match self.command(Phase::Auth, line.expose_secret()).await {
            Ok(_) => Ok(()),
            Err(error) => Err(self.redacted(error, user, password)),
        }
    }

    /// Signs in with an OAuth access token, only under TLS. The response follows the server's
    /// consent, since command lines are limited to 255 bytes (RFC 5034 section 4).
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
        let response = sasl::xoauth2(user, token)
            .map_err(|e| self.fail(Phase::Auth, Cause::InvalidInput(e)))?;
        let limit = self.server.server.timeouts.command;
        self.send(Phase::Auth, "AUTH XOAUTH2").await?;
        let mut line = self.receive(Phase::Auth, limit).await?;
        let mut challenge = None;
        if line.starts_with('+') && !line.starts_with("+OK") {
            let encoded = sasl::encode(response.expose_secret());
            self.send(Phase::Auth, encoded.expose_secret()).await?;
            line = self.receive(Phase::Auth, limit).await?;
        }
        if line.starts_with("+ ") {
            // The token was refused: this is the comment on it, and an empty line asks for the verdict.
            challenge = Challenge::decode(&line[2..]);
            self.send(Phase::Auth, "").await?;
            line = self.receive(Phase::Auth, limit).await?;
        }
        self.accepted(Phase::Auth, &line)
            .map(drop)
            .map_err(|error| self.redacted(error, user, token).with_challenge(challenge))
    }

    /// How many messages there are, and their total size in bytes.
    ///
    /// # Errors
    /// In the phase List.
    pub async fn stat(&mut self) -> Result<(u32, u64), TransportError> {
        let line = self.command(Phase::List, "STAT").await?;
        let mut numbers = line.split_ascii_whitespace();
        let count = numbers.next().and_then(|n| n.parse().ok());
        let octets = numbers.next().and_then(|n| n.parse().ok());
        count
            .zip(octets)
            .ok_or_else(|| self.garbled(Phase::List, &line))
    }

    /// The numbers of the messages, each with its size in bytes.
    ///
    /// # Errors
    /// In the phase List.
    pub async fn list(&mut self) -> Result<Vec<(u32, u64)>, TransportError> {
        self.command(Phase::List, "LIST").await?;
        self.numbered(|value| value.parse().ok()).await
    }

    /// The numbers of the messages, each with an identifier that stays the same over sessions.
    /// None if the server does not know the command, which is optional.
    ///
    /// # Errors
    /// In the phase List.
    pub async fn uidl(&mut self) -> Result<Option<Vec<(u32, String)>>, TransportError> {
        match self.command(Phase::List, "UIDL").await {
            Ok(_) => {}
            Err(error) if error.reply().is_some() => return Ok(None),
            Err(error) => return Err(error),
        }
        self.numbered(|value| Some(value.to_owned()))
            .await
            .map(Some)
    }

    /// A whole message.
    ///
    /// # Errors
    /// In the phase Fetch. A message over the limit ends the session, since what is left of it
    /// would have to be read to go on: look at [`Self::list`] first.
    pub async fn retr(&mut self, number: u32) -> Result<Vec<u8>, TransportError> {
        self.command(Phase::Fetch, &format!("RETR {number}"))
            .await?;
        self.multiline(Phase::Fetch, self.server.max_message_bytes)
            .await
    }

    /// Marks a message for deletion, which happens with [`Self::quit`].
    ///
    /// # Errors
    /// In the phase Store.
    pub async fn dele(&mut self, number: u32) -> Result<(), TransportError> {
        self.command(Phase::Store, &format!("DELE {number}"))
            .await
            .map(drop)
    }

    /// Ends the session, which carries out the deletions.
    ///
    /// # Errors
    /// In the phase Quit: messages marked for deletion may still be there, and will be seen again.
    pub async fn quit(mut self) -> Result<(), TransportError> {
        // Servers do the work of all deletions here, so this is no quick farewell.
        let limit = self.server.server.timeouts.data_block;
        self.send(Phase::Quit, "QUIT").await?;
        let answer = self.receive_ok(Phase::Quit, limit).await.map(drop);
        self.lines.close(self.server.server.timeouts.quit).await;
        answer
    }

    /// Lines of a number and a value.
    async fn numbered<T>(
        &mut self,
        value: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<(u32, T)>, TransportError> {
        let text = self.multiline(Phase::List, MAX_LIST).await?;
        let text = String::from_utf8_lossy(&text);
        text.lines()
            .map(|line| {
                let (number, rest) = line.trim().split_once(' ')?;
                let first = rest.split_ascii_whitespace().next()?;
                Some((number.parse().ok()?, value(first)?))
            })
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| self.garbled(Phase::List, "a line of the list"))
    }

    /// The lines up to the lone dot, with CRLF ends, without the dots that were doubled.
    async fn multiline(&mut self, phase: Phase, limit: u64) -> Result<Vec<u8>, TransportError> {
        let time = self.server.server.timeouts.data_block;
        let mut text = Vec::new();
        self.in_step = false;
        loop {
            let line = within(time, self.lines.read_line(MAX_LINE))
                .await
                .map_err(|cause| self.fail(phase, cause))?;
            let line = match line.as_slice() {
                b"." => break,
                [b'.', rest @ ..] => rest,
                line => line,
            };
            if (text.len() + line.len() + 2) as u64 > limit {
                return Err(self.fail(phase, Cause::TooLarge { size: None, limit }));
            }
            text.extend_from_slice(line);
            text.extend_from_slice(b"\r\n");
        }
        self.in_step = true;
        Ok(text)
    }

    /// Sends a command and gives the words after `+OK`.
    async fn command(&mut self, phase: Phase, line: &str) -> Result<String, TransportError> {
        let limit = self.server.server.timeouts.command;
        self.send(phase, line).await?;
        self.receive_ok(phase, limit).await
    }

    async fn send(&mut self, phase: Phase, line: &str) -> Result<(), TransportError> {
        if !self.in_step {
            return Err(self.fail(phase, Cause::Unusable));
        }
        self.in_step = false;
        let limit = self.server.server.timeouts.command;
        let line = SecretString::from(format!("{line}\r\n"));
        within(limit, self.lines.write(line.expose_secret().as_bytes()))
            .await
            .map_err(|cause| self.fail(phase, cause))
    }

    async fn receive_ok(
        &mut self,
        phase: Phase,
        limit: Duration,
    ) -> Result<String, TransportError> {
        let line = self.receive(phase, limit).await?;
        self.accepted(phase, &line)
    }

    async fn receive(&mut self, phase: Phase, limit: Duration) -> Result<String, TransportError> {
        let line = within(limit, self.lines.read_line(MAX_LINE))
            .await
            .map_err(|cause| self.fail(phase, cause))?;
        self.in_step = true;
        Ok(String::from_utf8_lossy(&line).into_owned())
    }

    /// The words after `+OK`; an error for `-ERR` and for what is neither.
    fn accepted(&mut self, phase: Phase, line: &str) -> Result<String, TransportError> {
        if let Some(words) = line.strip_prefix("+OK") {
            return Ok(words.trim().to_owned());
        }
        match line.strip_prefix("-ERR") {
            Some(words) => Err(self.fail(phase, Cause::Refused(Reply::tagged("-ERR", words)))),
            None => {
                self.in_step = false;
                Err(self.garbled(phase, line))
            }
        }
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

    fn garbled(&self, phase: Phase, line: &str) -> TransportError {
        let start: String = printable(line).chars().take(80).collect();
        self.fail(phase, Cause::Garbled(format!("{start:?}")))
    }

    fn fail(&self, phase: Phase, cause: Cause) -> TransportError {
        TransportError::new(&self.peer, phase, cause)
    }
}
