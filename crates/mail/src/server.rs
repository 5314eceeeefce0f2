//! The description of a server to connect to: where it is, how the line is protected, how long to wait.

use std::time::Duration;

/// How the line to a server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// No protection. Passwords may travel so (that is the administrator's choice); OAuth tokens never do.
    None,
    /// Connect in clear, then upgrade (RFC 3207, RFC 2595). A server that does not offer the
    /// upgrade is refused; the connection is never continued in clear.
    StartTls,
    /// TLS from the first byte (RFC 8314).
    Tls,
}

/// How long each phase may take. RFC 5321 section 4.5.3.2 has minutes for each; the defaults
/// are shorter where a person may be waiting, and long where giving up costs certainty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup, and separately each attempt at an address.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// The server's first line.
    pub greeting: Duration,
    /// One command and its reply, where nothing below says otherwise.
    pub command: Duration,
    /// `MAIL` and `RCPT`: servers look things up, and Microsoft 365 slows senders down here.
    pub recipient: Duration,
    /// From `DATA` to its `354`.
    pub data_start: Duration,
    /// Each block of a message, sent or received.
    pub data_block: Duration,
    /// From the final dot to the server's verdict. Long on purpose: giving up early makes the
    /// fate of the mail unknown.
    pub data_end: Duration,
    /// The farewell.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(15),
            tls: Duration::from_secs(15),
            greeting: Duration::from_secs(30),
            command: Duration::from_secs(30),
            recipient: Duration::from_secs(60),
            data_start: Duration::from_secs(60),
            data_block: Duration::from_secs(60),
            data_end: Duration::from_secs(300),
            quit: Duration::from_secs(5),
        }
    }
}

impl Timeouts {
    /// The same limit for every phase: for tests, and for probes that a person waits for.
    pub fn all(limit: Duration) -> Self {
        Timeouts {
            connect: limit,
            tls: limit,
            greeting: limit,
            command: limit,
            recipient: limit,
            data_start: limit,
            data_block: limit,
            data_end: limit,
            quit: limit,
        }
    }
}

/// One end to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// A host name (also an internationalised one) or an IP address, which the certificate must cover.
    pub host: String,
    /// The TCP port.
    pub port: u16,
    /// The protection of the line.
    pub encryption: Encryption,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

impl Server {
    /// A server with the default timeouts.
    pub fn new(host: impl Into<String>, port: u16, encryption: Encryption) -> Self {
        Server {
            host: host.into(),
            port,
            encryption,
            timeouts: Timeouts::default(),
        }
    }

    /// The same server with other timeouts.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }
}
