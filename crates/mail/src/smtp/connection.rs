//! One SMTP session: greeting, `EHLO`, STARTTLS, and the exchange of commands and replies.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Noop, Quit, Rcpt, Rset, Starttls};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::response::Response;
use secrecy::{ExposeSecret, SecretString};

use super::capabilities::Capabilities;
use super::envelope::Envelope;
use crate::certificate::Certificate;
use crate::server::{Encryption, Server};
use crate::stream::{Lines, Stream, within};
use crate::tls::{ClientIdentity, Trust};
use crate::transport_error::{Cause, Peer, Phase, Reply, TransportError};

/// Longest line of a reply. RFC 5321 allows 512; real servers say more.
const MAX_REPLY_LINE: usize = 4096;
/// Most lines of one reply.
const MAX_REPLY_LINES: usize = 100;

/// A server to send mail through.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// Where it is, and how to talk to it.
    pub server: Server,
    /// Our name in `EHLO`; without one our address in brackets is used.
    pub hello_name: Option<String>,
    /// A client certificate, for servers that authenticate by it.
    pub identity: Option<ClientIdentity>,
}

impl SmtpServer {
    /// A server without a name for us and without a client certificate.
    pub fn new(server: Server) -> Self {
        SmtpServer {
            server,
            hello_name: None,
            identity: None,
        }
    }
}

/// An open session with a mail server.
///
/// Dropping it hangs up without a farewell, which servers tolerate; [`SmtpConnection::quit`] is
/// the polite way.
#[derive(Debug)]
pub struct SmtpConnection {
    pub(super) lines: Lines,
    pub(super) server: Server,
    pub(super) peer: Peer,
    pub(super) capabilities: Capabilities,
    /// False from the first byte of a command to the last of its reply: an exchange that was
    /// broken off, also by dropping its future, leaves the session out of step for good.
    in_step: bool,
    /// A mail transaction was begun and neither finished nor reset.
    pub(super) in_transaction: bool,
    /// The server said go: whatever comes next is the text of a mail, to it.
    pub(super) awaits_text: bool,
}

impl SmtpConnection {
    /// Connects, reads the greeting, introduces itself, and upgrades to TLS where asked for.
    ///
    /// # Errors
    /// In the phases Resolve, Connect, Tls, Greeting, Ehlo and StartTls. A client certificate
    /// that cannot be used is a failure of the phase Tls.
    pub async fn connect(target: &SmtpServer, trust: &Trust) -> Result<Self, TransportError> {
        let server = target.server.clone();
        let peer = Peer {
            protocol: "SMTP",
            host: server.host.clone(),
            port: server.port,
        };
        let trust = match &target.identity {
            None => trust.clone(),
            Some(identity) => trust.with_identity(identity).map_err(|error| {
                TransportError::new(&peer, Phase::Tls, Cause::InvalidInput(error.text()))
            })?,
        };
        let stream = Stream::open(&server, &peer, &trust).await?;
        let hello = hello_id(target.hello_name.as_deref(), stream.local_ip());
        let mut connection = SmtpConnection {
            lines: Lines::new(stream),
            server,
            peer,
            capabilities: Capabilities::default(),
            in_step: true,
            in_transaction: false,
            awaits_text: false,
        };
        connection.greeting().await?;
        connection.hello(&hello).await?;
        if connection.server.encryption == Encryption::StartTls {
            connection = connection.starttls(&trust).await?;
            // What was offered in clear may have been forged: only the offers under TLS count.
            connection.hello(&hello).await?;
        }
        tracing::debug!(server = %connection.peer, tls = connection.is_encrypted(), "connected");
        Ok(connection)
    }

    async fn greeting(&mut self) -> Result<(), TransportError> {
        let limit = self.server.timeouts.greeting;
        let response = self.receive(Phase::Greeting, limit).await?;
        self.expect(Phase::Greeting, &response, &[220])
    }

    /// `EHLO`, or for a server that does not know it `HELO`.
    async fn hello(&mut self, hello: &ClientId) -> Result<(), TransportError> {
        let limit = self.server.timeouts.command;
        let ehlo = Ehlo::new(hello.clone()).to_string();
        let response = self.command(Phase::Ehlo, limit, &ehlo).await?;
        if matches!(code(&response), 500 | 501 | 502 | 504 | 550) {
            let helo = format!("HELO {hello}\r\n");
            let response = self.command(Phase::Ehlo, limit, &helo).await?;
            self.capabilities = Capabilities::default();
            return self.expect(Phase::Ehlo, &response, &[250]);
        }
        self.expect(Phase::Ehlo, &response, &[250])?;
        self.capabilities = Capabilities::from_reply(&response);
        Ok(())
    }

    async fn starttls(mut self, trust: &Trust) -> Result<Self, TransportError> {
        if !self.capabilities.starttls {
            return Err(self.fail(Phase::StartTls, Cause::StartTlsNotOffered));
        }
        let limit = self.server.timeouts.command;
        let response = self
            .command(Phase::StartTls, limit, &Starttls.to_string())
            .await?;
        self.expect(Phase::StartTls, &response, &[220])?;
        let stream = self
            .lines
            .into_stream()
            .map_err(|cause| TransportError::new(&self.peer, Phase::StartTls, cause))?
            .secure(&self.server, &self.peer, trust)
            .await?;
        Ok(SmtpConnection {
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

    /// What the server offers.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// The largest message that the server announces to take, in bytes.
    pub fn max_size(&self) -> Option<u64> {
        self.capabilities.max_size
    }

    /// Whether addresses with non-ASCII local parts can be used.
    pub fn supports_smtputf8(&self) -> bool {
        self.capabilities.smtputf8
    }

    /// Whether another mail can be sent over this session. A server that hung up while the
    /// session was idle is noticed, without asking it.
    pub fn is_usable(&mut self) -> bool {
        self.in_step && !self.awaits_text && self.lines.is_idle()
    }

    /// Tries out whether the server would take a mail: `MAIL`, `RCPT`, `DATA`, and then, instead of
    /// a message, hangs up. Nothing is sent.
    ///
    /// # Errors
    /// In the phases Mail, Rcpt and Data.
    pub async fn probe(mut self, from: &str, to: &str) -> Result<(), TransportError> {
        self.name_both(from, to).await?;
        let limits = self.server.timeouts.clone();
        let response = self
            .command(Phase::Data, limits.data_start, &Data.to_string())
            .await?;
        self.expect(Phase::Data, &response, &[354])?;
        // After 354 there is no polite way out: anything said now would be a message.
        self.hang_up().await;
        Ok(())
    }

    /// Tries out whether the server takes mail from this sender for this recipient: `MAIL`, `RCPT`, and then `RSET`.
    /// Nothing is sent, and the session goes on.
    ///
    /// # Errors
    /// In the phases Mail, Rcpt and Reset.
    pub async fn try_sender(&mut self, from: &str, to: &str) -> Result<(), TransportError> {
        self.name_both(from, to).await?;
        self.reset().await
    }

    /// `MAIL` and `RCPT`.
    async fn name_both(&mut self, from: &str, to: &str) -> Result<(), TransportError> {
        let envelope = Envelope::new(from, [to])
            .map_err(|error| self.fail(Phase::Mail, Cause::InvalidInput(error.text())))?;
        let limits = self.server.timeouts.clone();
        let mail = Mail::new(envelope.sender().cloned(), Vec::new()).to_string();
        let response = self.command(Phase::Mail, limits.recipient, &mail).await?;
        self.expect(Phase::Mail, &response, &[250])?;
        self.in_transaction = true;
        for recipient in envelope.recipients() {
            let rcpt = Rcpt::new(recipient.clone(), Vec::new()).to_string();
            let response = self.command(Phase::Rcpt, limits.recipient, &rcpt).await?;
            self.expect(Phase::Rcpt, &response, &[250, 251])?;
        }
        Ok(())
    }

    /// Forgets a mail transaction that was begun.
    ///
    /// # Errors
    /// In the phase Reset.
    pub async fn reset(&mut self) -> Result<(), TransportError> {
        let limit = self.server.timeouts.command;
        let response = self.command(Phase::Reset, limit, &Rset.to_string()).await?;
        self.expect(Phase::Reset, &response, &[250])?;
        self.in_transaction = false;
        Ok(())
    }

    /// Ends a mail transaction in which no recipient is left. A server that said go all the same gets an
    /// empty text (RFC 2920 section 3.1).
    ///
    /// # Errors
    /// In the phase Reset.
    pub(super) async fn give_up(&mut self) -> Result<(), TransportError> {
        if !self.awaits_text {
            return self.reset().await;
        }
        self.awaits_text = false;
        let limit = self.server.timeouts.data_end;
        self.command(Phase::Reset, limit, ".\r\n").await?;
        self.in_transaction = false;
        Ok(())
    }

    /// Asks the server whether it is still there.
    ///
    /// # Errors
    /// In the phase Reset.
    pub async fn noop(&mut self) -> Result<(), TransportError> {
        let limit = self.server.timeouts.command;
        let response = self.command(Phase::Reset, limit, &Noop.to_string()).await?;
        self.expect(Phase::Reset, &response, &[250])
    }

    /// Says goodbye.
    ///
    /// # Errors
    /// In the phase Quit. All mail of the session is settled by then: it is safe to ignore.
    pub async fn quit(mut self) -> Result<(), TransportError> {
        let limit = self.server.timeouts.quit;
        let said = self.command(Phase::Quit, limit, &Quit.to_string()).await;
        self.hang_up().await;
        let response = said?;
        self.expect(Phase::Quit, &response, &[221])
    }

    pub(super) async fn hang_up(&mut self) {
        self.in_step = false;
        self.lines.close(self.server.timeouts.quit).await;
    }

    /// Sends a command line and reads the reply, whatever it is.
    pub(super) async fn command(
        &mut self,
        phase: Phase,
        limit: Duration,
        line: &str,
    ) -> Result<Response, TransportError> {
        self.write(phase, limit, line.as_bytes()).await?;
        self.receive(phase, limit).await
    }

    /// Like [`Self::command`], for a line that is a secret.
    pub(super) async fn secret_command(
        &mut self,
        limit: Duration,
        prefix: &str,
        secret: &SecretString,
    ) -> Result<Response, TransportError> {
        let line = SecretString::from(format!("{prefix}{}\r\n", secret.expose_secret()));
        self.write(Phase::Auth, limit, line.expose_secret().as_bytes())
            .await?;
        self.receive(Phase::Auth, limit).await
    }

    pub(super) async fn write(
        &mut self,
        phase: Phase,
        limit: Duration,
        bytes: &[u8],
    ) -> Result<(), TransportError> {
        if !self.in_step || self.awaits_text {
            return Err(self.fail(phase, Cause::Unusable));
        }
        self.in_step = false;
        within(limit, self.lines.write(bytes))
            .await
            .map_err(|cause| self.fail(phase, cause))?;
        self.in_step = true;
        Ok(())
    }

    /// Reads one reply. `421` means that the server is closing the session, whatever was asked.
    pub(super) async fn receive(
        &mut self,
        phase: Phase,
        limit: Duration,
    ) -> Result<Response, TransportError> {
        self.in_step = false;
        let response = within(limit, read_reply(&mut self.lines))
            .await
            .map_err(|cause| self.fail(phase, cause))?;
        if code(&response) == 421 {
            return Err(self.refusal(phase, &response));
        }
        self.in_step = true;
        Ok(response)
    }

    pub(super) fn expect(
        &self,
        phase: Phase,
        response: &Response,
        codes: &[u16],
    ) -> Result<(), TransportError> {
        if codes.contains(&code(response)) {
            Ok(())
        } else {
            Err(self.refusal(phase, response))
        }
    }

    /// A negative reply as an error; a positive one that makes no sense here is not a refusal.
    pub(super) fn refusal(&self, phase: Phase, response: &Response) -> TransportError {
        let reply = reply(response);
        if response.is_positive() {
            self.fail(
                phase,
                Cause::Garbled(format!("{reply} makes no sense here")),
            )
        } else {
            self.fail(phase, Cause::Refused(reply))
        }
    }

    pub(super) fn fail(&self, phase: Phase, cause: Cause) -> TransportError {
        TransportError::new(&self.peer, phase, cause)
    }
}

/// Our name for `EHLO`: the given one if it can stand in a command, else our address in brackets
/// (RFC 5321 section 4.1.4).
fn hello_id(name: Option<&str>, local: Option<IpAddr>) -> ClientId {
    let usable = |name: &&str| {
        !name.is_empty() && name.is_ascii() && !name.contains(|c: char| c.is_control() || c == ' ')
    };
    match (name.map(str::trim).filter(usable), local) {
        (Some(name), _) => ClientId::Domain(name.to_owned()),
        (None, Some(IpAddr::V4(address))) => ClientId::Ipv4(address),
        (None, Some(IpAddr::V6(address))) => ClientId::Ipv6(address),
        (None, None) => ClientId::default(),
    }
}

/// Reads the lines of one reply, `250-…` up to `250 …`.
async fn read_reply(lines: &mut Lines) -> Result<Response, Cause> {
    let mut text = String::new();
    for _ in 0..MAX_REPLY_LINES {
        let line = lines.read_line(MAX_REPLY_LINE).await?;
        let line = String::from_utf8_lossy(&line);
        text.push_str(&line);
        // RFC 5321 section 4.2 lets a reply be a bare code; lettre's parser wants the space.
        if line.len() == 3 {
            text.push(' ');
        }
        text.push_str("\r\n");
        if line.as_bytes().get(3) != Some(&b'-') {
            return text.parse().map_err(|_| {
                Cause::Garbled(format!(
                    "it begins with {:?}",
                    text.chars().take(80).collect::<String>()
                ))
            });
        }
    }
    Err(Cause::Garbled(format!(
        "a reply of more than {MAX_REPLY_LINES} lines"
    )))
}

pub(super) fn code(response: &Response) -> u16 {
    response.code().into()
}

/// A reply with its enhanced code (RFC 2034) apart from the words, which it opens on every line.
pub(super) fn reply(response: &Response) -> Reply {
    let enhanced = response.first_word().filter(|word| is_enhanced(word));
    let words: Vec<&str> = response
        .message()
        .map(|line| match enhanced {
            Some(code) => line.strip_prefix(code).unwrap_or(line).trim(),
            None => line.trim(),
        })
        .collect();
    Reply::smtp(code(response), enhanced, &words.join(" "))
}

fn is_enhanced(word: &str) -> bool {
    let parts: Vec<&str> = word.split('.').collect();
    parts.len() == 3
        && matches!(parts[0], "2" | "4" | "5")
        && parts[1..].iter().all(|part| {
            (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        })
}
