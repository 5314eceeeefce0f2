//! Servers for the tests of this crate: each plays a written dialogue on a loopback port.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::server::{Encryption, Server, Timeouts};
use crate::tls::Trust;

/// A private certificate authority.
pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(
            DnType::CommonName,
            format!("Authority {}", rand::random::<u64>()),
        );
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Authority(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for 127.0.0.1 with its key, in PEM.
    pub(crate) fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        (certificate.pem(), key.serialize_pem())
    }

    pub(crate) fn trust(&self) -> Trust {
        Trust::new(Some(self.pem().as_bytes())).expect("a trust")
    }

    fn acceptor(&self) -> TlsAcceptor {
        let (certificate, key) = self.issue();
        let chain =
            vec![CertificateDer::from_pem_slice(certificate.as_bytes()).expect("a certificate")];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("a server configuration");
        TlsAcceptor::from(Arc::new(config))
    }
}

/// One step of a dialogue, seen from the server.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Says these lines, as they are.
    Say(String),
    /// Reads a line, which must start so.
    Hear(String),
    /// Reads lines up to a lone dot.
    HearMessage,
    /// Upgrades the connection.
    Secure,
    /// Says nothing and keeps the line open until the client leaves.
    Hang,
}

/// Says a line.
pub(crate) fn say(line: &str) -> Step {
    Step::Say(format!("{line}\r\n"))
}

/// Expects a line that starts so.
pub(crate) fn hear(start: &str) -> Step {
    Step::Hear(start.to_owned())
}

/// A server that plays one dialogue to one client.
pub(crate) struct Peer {
    port: u16,
    authority: Authority,
    heard: JoinHandle<Vec<String>>,
}

impl Peer {
    /// A server in clear, able to upgrade.
    pub(crate) async fn plain(steps: Vec<Step>) -> Self {
        Self::start(steps, false).await
    }

    /// A server under TLS from the first byte.
    pub(crate) async fn tls(steps: Vec<Step>) -> Self {
        Self::start(steps, true).await
    }

    async fn start(steps: Vec<Step>, tls: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let authority = Authority::new();
        let acceptor = authority.acceptor();
        let heard = tokio::spawn(async move {
            let (tcp, _) = listener.accept().await.expect("a client");
            let mut line: Line = BufReader::new(Box::new(tcp));
            if tls {
                match secured(line, &acceptor).await {
                    Some(secure) => line = secure,
                    None => return Vec::new(),
                }
            }
            play(line, steps, &acceptor).await
        });
        Peer {
            port,
            authority,
            heard,
        }
    }

    pub(crate) fn trust(&self) -> Trust {
        self.authority.trust()
    }

    /// How to reach it, with short timeouts: a test that waits has failed.
    pub(crate) fn server(&self, encryption: Encryption) -> Server {
        Server::new("127.0.0.1", self.port, encryption)
            .with_timeouts(Timeouts::all(Duration::from_secs(5)))
    }

    /// All lines it heard. Fails the test if the client did not keep to the dialogue.
    pub(crate) async fn heard(self) -> Vec<String> {
        self.heard.await.expect("the dialogue was kept")
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}
type Line = BufReader<Box<dyn Duplex>>;

async fn secured(line: Line, acceptor: &TlsAcceptor) -> Option<Line> {
    let stream = acceptor.accept(line.into_inner()).await.ok()?;
    Some(BufReader::new(Box::new(stream)))
}

async fn play(mut line: Line, steps: Vec<Step>, acceptor: &TlsAcceptor) -> Vec<String> {
    let mut heard = Vec::new();
    for step in steps {
        match step {
            // A client that has already left cannot be told anything, which is what some tests are about.
            Step::Say(text) => {
                let _ = line.write_all(text.as_bytes()).await;
                let _ = line.flush().await;
            }
            Step::Hear(start) => {
                let text = hear_line(&mut line).await;
                assert!(
                    text.starts_with(&start),
                    "expected {start:?}, heard {text:?}"
                );
                heard.push(text);
            }
            Step::HearMessage => loop {
                let text = hear_line(&mut line).await;
                let ended = text == ".";
                heard.push(text);
                if ended {
                    break;
                }
            },
            Step::Secure => match secured(line, acceptor).await {
                Some(secure) => line = secure,
                None => return heard,
            },
            Step::Hang => {
                let mut rest = String::new();
                while line.read_line(&mut rest).await.is_ok_and(|read| read > 0) {}
                heard.extend(rest.lines().map(str::to_owned));
            }
        }
    }
    heard
}

async fn hear_line(line: &mut Line) -> String {
    let mut text = String::new();
    let read = line.read_line(&mut text).await.expect("a readable line");
    assert!(read > 0, "the client left too early");
    assert!(text.ends_with("\r\n"), "not a whole line: {text:?}");
    text.truncate(text.len() - 2);
    text
}
