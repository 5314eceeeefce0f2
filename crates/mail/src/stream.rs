//! The line to a server: lookup, TCP, TLS, and reading line by line within bounds.

use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::certificate::Certificate;
use crate::server::{Encryption, Server};
use crate::tls::Trust;
use crate::transport_error::{Cause, Peer, Phase, TransportError};

/// A connection, in clear or under TLS.
#[derive(Debug)]
pub(crate) enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Looks the host up and connects, under TLS if the server wants it from the first byte.
    pub(crate) async fn open(
        server: &Server,
        peer: &Peer,
        trust: &Trust,
    ) -> Result<Self, TransportError> {
        let addresses = resolve(server, peer).await?;
        let addresses = trust
            .destinations()
            .among(addresses, SocketAddr::ip)
            .map_err(|refusal| {
                TransportError::new(peer, Phase::Connect, Cause::Forbidden(refusal))
            })?;
        let tcp = connect(server, peer, &addresses).await?;
        // Commands are small and answered one by one: waiting to fill a packet only costs time.
        // A socket that cannot do it works without.
        let _ = tcp.set_nodelay(true);
        let stream = Stream::Plain(tcp);
        match server.encryption {
            Encryption::Tls => stream.secure(server, peer, trust).await,
            Encryption::None | Encryption::StartTls => Ok(stream),
        }
    }

    /// The TLS handshake on an open connection.
    pub(crate) async fn secure(
        self,
        server: &Server,
        peer: &Peer,
        trust: &Trust,
    ) -> Result<Self, TransportError> {
        let fail = |cause| TransportError::new(peer, Phase::Tls, cause);
        let tcp = match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(_) => return Ok(self),
        };
        let host = ascii_host(&server.host).ok_or_else(|| fail(Cause::HostName))?;
        let name = ServerName::try_from(host).map_err(|_| fail(Cause::HostName))?;
        let handshake = TlsConnector::from(trust.client_config()).connect(name, tcp);
        match tokio::time::timeout(server.timeouts.tls, handshake).await {
            Ok(Ok(stream)) => Ok(Stream::Tls(Box::new(stream))),
            Ok(Err(error)) => Err(fail(Cause::Tls(error))),
            Err(_) => Err(fail(Cause::TimedOut(server.timeouts.tls))),
        }
    }

    pub(crate) fn is_tls(&self) -> bool {
        matches!(self, Stream::Tls(_))
    }

    /// Our own address, for introducing ourselves.
    pub(crate) fn local_ip(&self) -> Option<IpAddr> {
        self.tcp().local_addr().ok().map(|address| address.ip())
    }

    /// The address at the other end.
    pub(crate) fn remote(&self) -> Option<SocketAddr> {
        self.tcp().peer_addr().ok()
    }

    /// The certificate that the server showed; none in clear.
    pub(crate) fn certificate(&self) -> Option<Certificate> {
        match self {
            Stream::Plain(_) => None,
            Stream::Tls(tls) => Certificate::read(tls.get_ref().1.peer_certificates()?.first()?),
        }
    }

    fn tcp(&self) -> &TcpStream {
        match self {
            Stream::Plain(tcp) => tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        }
    }
}

async fn resolve(server: &Server, peer: &Peer) -> Result<Vec<SocketAddr>, TransportError> {
    let fail = |cause| TransportError::new(peer, Phase::Resolve, cause);
    let host = ascii_host(&server.host).ok_or_else(|| fail(Cause::HostName))?;
    let limit = server.timeouts.connect;
    let found = match tokio::time::timeout(limit, lookup_host((host.as_str(), server.port))).await {
        Ok(Ok(found)) => found.collect::<Vec<_>>(),
        Ok(Err(error)) => return Err(fail(Cause::Lookup(error))),
        Err(_) => return Err(fail(Cause::TimedOut(limit))),
    };
    if found.is_empty() {
        return Err(fail(Cause::NoAddress));
    }
    Ok(found)
}

/// Tries the addresses in the order of the lookup. Where none can be connected to, the failure that says most is told.
async fn connect(
    server: &Server,
    peer: &Peer,
    addresses: &[SocketAddr],
) -> Result<TcpStream, TransportError> {
    let limit = server.timeouts.connect;
    let mut told = Cause::NoAddress;
    for address in addresses {
        let failed = match tokio::time::timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => Cause::Connect(error),
            Err(_) => Cause::TimedOut(limit),
        };
        told = more_telling(told, failed);
    }
    Err(TransportError::new(peer, Phase::Connect, told))
}

/// The one of two failures to connect that says more of the server. An address to which this machine has no way says
/// nothing of it: `localhost` and many a server have one for IPv6 too, which machines and containers often lack.
fn more_telling(before: Cause, now: Cause) -> Cause {
    let has_no_way = |cause: &Cause| match cause {
        Cause::Connect(error) => matches!(
            error.kind(),
            io::ErrorKind::AddrNotAvailable
                | io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::Unsupported
        ),
        cause => matches!(cause, Cause::NoAddress),
    };
    if has_no_way(&now) && !has_no_way(&before) {
        before
    } else {
        now
    }
}

/// The host as DNS and certificates know it: A-labels, no brackets around IPv6. None if it is no host.
fn ascii_host(host: &str) -> Option<String> {
    let host = host.trim();
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    if bare.parse::<IpAddr>().is_ok() {
        return Some(bare.to_owned());
    }
    idna::domain_to_ascii(bare)
        .ok()
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()))
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_read(cx, buf),
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_write(cx, buf),
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_flush(cx),
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(tcp) => Pin::new(tcp).poll_shutdown(cx),
            Stream::Tls(tls) => Pin::new(tls.as_mut()).poll_shutdown(cx),
        }
    }
}

/// Waits for an operation on the line, and says [`Cause::TimedOut`] when it takes too long.
pub(crate) async fn within<T>(
    limit: Duration,
    operation: impl Future<Output = Result<T, Cause>>,
) -> Result<T, Cause> {
    match tokio::time::timeout(limit, operation).await {
        Ok(done) => done,
        Err(_) => Err(Cause::TimedOut(limit)),
    }
}

/// What an I/O error means: peers that hang up do it in several ways.
pub(crate) fn broken(error: io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::UnexpectedEof
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => Cause::Closed,
        _ => Cause::Io(error),
    }
}

/// A connection read line by line: SMTP and POP3.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: BufReader<Stream>,
}

impl Lines {
    pub(crate) fn new(stream: Stream) -> Self {
        Lines {
            reader: BufReader::new(stream),
        }
    }

    pub(crate) fn stream(&self) -> &Stream {
        self.reader.get_ref()
    }

    /// The stream itself, if nothing has been read ahead: what came before a handshake must
    /// never be taken for what came after it.
    pub(crate) fn into_stream(self) -> Result<Stream, Cause> {
        if self.reader.buffer().is_empty() {
            Ok(self.reader.into_inner())
        } else {
            Err(Cause::StartTlsInjection)
        }
    }

    /// Reads one line of at most `limit` bytes, without its line end.
    pub(crate) async fn read_line(&mut self, limit: usize) -> Result<Vec<u8>, Cause> {
        let mut line = Vec::new();
        loop {
            let available = self.reader.fill_buf().await.map_err(broken)?;
            if available.is_empty() {
                return Err(Cause::Closed);
            }
            let (taken, ended) = match available.iter().position(|&byte| byte == b'\n') {
                Some(end) => (end + 1, true),
                None => (available.len(), false),
            };
            line.extend_from_slice(&available[..taken]);
            self.reader.consume(taken);
            if line.len() > limit {
                return Err(Cause::Garbled(format!("a line of more than {limit} bytes")));
            }
            if ended {
                line.pop();
                if line.last() == Some(&b'\r') {
                    line.pop();
                }
                return Ok(line);
            }
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Cause> {
        let stream = self.reader.get_mut();
        stream.write_all(bytes).await.map_err(broken)?;
        stream.flush().await.map_err(broken)
    }

    /// Whether the line is open and silent. A server that hung up, or says something unasked
    /// (SMTP's `421`), is found out here without waiting.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.reader.fill_buf().now_or_never().is_none()
    }

    /// Closes the line without ceremony.
    pub(crate) async fn close(&mut self, limit: Duration) {
        // The session is over either way: a failed farewell changes nothing.
        let _ = tokio::time::timeout(limit, self.reader.get_mut().shutdown()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_written_as_certificates_know_them() {
        assert_eq!(
            ascii_host(" mail.example.com ").as_deref(),
            Some("mail.example.com")
        );
        assert_eq!(
            ascii_host("bücher.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        assert_eq!(ascii_host("[::1]").as_deref(), Some("::1"));
        assert_eq!(ascii_host("127.0.0.1").as_deref(), Some("127.0.0.1"));
        assert_eq!(ascii_host(""), None);
        assert_eq!(ascii_host("a b"), None);
    }

    #[test]
    fn an_address_without_a_way_to_it_does_not_hide_what_another_said() {
        use io::ErrorKind::{AddrNotAvailable, ConnectionRefused, NetworkUnreachable, TimedOut};
        let cases = [
            (vec![ConnectionRefused, AddrNotAvailable], ConnectionRefused),
            (
                vec![NetworkUnreachable, ConnectionRefused],
                ConnectionRefused,
            ),
            (vec![ConnectionRefused, TimedOut], TimedOut),
            (vec![NetworkUnreachable, AddrNotAvailable], AddrNotAvailable),
        ];
        for (failures, expected) in cases {
            let told = failures
                .iter()
                .map(|kind| Cause::Connect((*kind).into()))
                .fold(Cause::NoAddress, more_telling);
            let Cause::Connect(error) = told else {
                panic!("{told:?} of {failures:?}");
            };
            assert_eq!(error.kind(), expected, "{failures:?}");
        }
    }
}
