//! A proxy in front of an IMAP server that ends sessions in bad moments: in the middle of a message, or
//! with the farewell of a server whose patience with a token has ended.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use rand::{Rng, SeedableRng, rngs::StdRng};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

/// The proxy. It serves until it is dropped.
#[derive(Debug)]
pub struct Unruly {
    /// Where it listens on the loopback, within TLS.
    pub port: u16,
    /// The authority (PEM) that its certificate is to be trusted by.
    pub authority: PathBuf,
    shared: Arc<Shared>,
    farewell: watch::Sender<u64>,
    serving: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    is_calm: AtomicBool,
    cuts: AtomicU64,
    farewells: AtomicU64,
    random: Mutex<StdRng>,
}

impl Unruly {
    /// Starts a proxy for the server that listens on this port in clear. `directory` is where its
    /// authority goes.
    ///
    /// # Errors
    /// When no certificate can be made or no port is free.
    pub async fn start(server: u16, directory: &Path, seed: u64) -> io::Result<Self> {
        let (authority, acceptor) = certified(directory).map_err(io::Error::other)?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            is_calm: AtomicBool::new(false),
            cuts: AtomicU64::new(0),
            farewells: AtomicU64::new(0),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
        });
        let (farewell, heard) = watch::channel(0);
        let for_all = Arc::clone(&shared);
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let line = Line {
                    shared: Arc::clone(&for_all),
                    farewell: heard.clone(),
                };
                let acceptor = acceptor.clone();
                // Errors are what this is for.
                tokio::spawn(async move { line.carry(client, acceptor, server).await.ok() });
            }
        });
        Ok(Self {
            port,
            authority,
            shared,
            farewell,
            serving,
        })
    }

    /// Ends all sessions with `BYE`, each between two responses.
    pub fn say_farewell(&self) {
        self.farewell.send_modify(|count| *count += 1);
    }

    /// From now on it carries everything as it is.
    pub fn calm_down(&self) {
        self.shared.is_calm.store(true, Ordering::Relaxed);
    }

    /// How many sessions were cut within a message, and how many ended with a farewell.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        (
            self.shared.cuts.load(Ordering::Relaxed),
            self.shared.farewells.load(Ordering::Relaxed),
        )
    }
}

impl Drop for Unruly {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// One connection.
struct Line {
    shared: Arc<Shared>,
    farewell: watch::Receiver<u64>,
}

impl Line {
    async fn carry(
        mut self,
        client: TcpStream,
        acceptor: TlsAcceptor,
        server: u16,
    ) -> io::Result<()> {
        let client = acceptor.accept(client).await?;
        let server = TcpStream::connect(("127.0.0.1", server)).await?;
        server.set_nodelay(true)?;
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = server.into_split();
        let mut upwards = tokio::spawn(async move {
            tokio::io::copy(&mut from_client, &mut to_server).await.ok();
        });
        // So much passes before the session is cut within the next message.
        let mut left = {
            let mut random = self.shared.random.lock();
            let random = random.as_mut().map_err(|_| io::ErrorKind::Other)?;
            random.random_range(5_000..60_000_usize)
        };
        self.farewell.mark_unchanged();
        let mut follower = Follower::default();
        let mut buffer = [0; 4096];
        let outcome = loop {
            let read = tokio::select! {
                read = from_server.read(&mut buffer) => read?,
                Ok(()) = self.farewell.changed(), if follower.is_between() => {
                    self.shared.farewells.fetch_add(1, Ordering::Relaxed);
                    to_client.write_all(b"* BYE the access token has expired\r\n").await.ok();
                    break Ok(());
                }
                _ = &mut upwards => break Ok(()),
            };
            if read == 0 {
                break Ok(());
            }
            let some = &buffer[..read];
            let in_message = follower.feed(some);
            left = left.saturating_sub(read);
            let is_calm = self.shared.is_calm.load(Ordering::Relaxed);
            if left == 0 && in_message && !is_calm {
                self.shared.cuts.fetch_add(1, Ordering::Relaxed);
                to_client.write_all(&some[..read / 2]).await.ok();
                break Ok(());
            }
            to_client.write_all(some).await?;
            to_client.flush().await?;
        };
        upwards.abort();
        to_client.shutdown().await.ok();
        outcome
    }
}

/// Follows the lines and literals of a server.
#[derive(Debug, Default)]
struct Follower {
    line: Vec<u8>,
    literal: usize,
}

impl Follower {
    /// Whether a response has just ended.
    fn is_between(&self) -> bool {
        self.literal == 0 && self.line.is_empty()
    }

    /// Reads on; true when these bytes end within a literal.
    fn feed(&mut self, mut bytes: &[u8]) -> bool {
        while let Some((first, rest)) = bytes.split_first() {
            if self.literal > 0 {
                let skipped = self.literal.min(bytes.len());
                self.literal -= skipped;
                bytes = &bytes[skipped..];
                continue;
            }
            self.line.push(*first);
            bytes = rest;
            if *first == b'\n' {
                self.literal = announced(&self.line).unwrap_or_default();
                if self.literal == 0 {
                    self.line.clear();
                } else {
                    // The response goes on behind the literal.
                    self.line.truncate(1);
                }
            }
        }
        self.literal > 0
    }
}

/// The size in `{123}` at the end of a line.
fn announced(line: &[u8]) -> Option<usize> {
    let inside = line.strip_suffix(b"}\r\n")?;
    let open = inside.iter().rposition(|byte| *byte == b'{')?;
    std::str::from_utf8(&inside[open + 1..]).ok()?.parse().ok()
}

fn certified(
    directory: &Path,
) -> Result<(PathBuf, TlsAcceptor), Box<dyn std::error::Error + Send + Sync>> {
    let key = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Authority of an unruly proxy");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let file = directory.join("unruly-authority.pem");
    std::fs::write(&file, params.self_signed(&key)?.pem())?;
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate()?;
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()])?.signed_by(&key, &issuer)?;
    let chain = vec![CertificateDer::from_pem_slice(
        certificate.pem().as_bytes(),
    )?];
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    Ok((file, TlsAcceptor::from(Arc::new(config))))
}

#[cfg(test)]
mod tests {
    use super::Follower;

    #[test]
    fn literals_are_followed_across_boundaries() {
        let mut follower = Follower::default();
        assert!(follower.is_between());
        assert!(!follower.feed(b"* 1 FETCH (BODY[] {"));
        assert!(follower.feed(b"5}\r\nab"));
        assert!(!follower.feed(b"c\r\n"));
        assert!(!follower.is_between(), "the response is not over");
        assert!(!follower.feed(b")\r\nA1 OK\r\n"));
        assert!(follower.is_between());
    }
}
