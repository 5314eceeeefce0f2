//! Whom we trust, and how we show who we are: the rustls configuration of every connection.

use std::fmt;
use std::sync::Arc;

use destinations::Destinations;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use rustls_platform_verifier::Verifier;
use words::{Text, say};

/// Why a TLS configuration could not be made.
#[derive(Debug, thiserror::Error)]
#[error("{}", self.text())]
pub enum TlsConfigError {
    /// The PEM text of certificates cannot be read.
    Pem {
        /// Which text.
        what: Pem,
        /// What the reader says.
        source: rustls::pki_types::pem::Error,
    },
    /// A PEM text without a certificate.
    Empty(Pem),
    /// The private key cannot be read. What is wrong with it is not said: it is a secret.
    Key,
    /// The certificate and the key do not belong together, or rustls refuses them.
    Identity(#[source] rustls::Error),
    /// The roots of the system cannot be loaded.
    Roots(#[source] rustls::Error),
}

/// A PEM text with certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pem {
    /// What we show to a server.
    Client,
    /// Whom we trust beside the system's authorities.
    Authorities,
}

impl Pem {
    fn text(self) -> Text {
        match self {
            Pem::Client => say!("tls-pem-client"),
            Pem::Authorities => say!("tls-pem-authorities"),
        }
    }
}

impl TlsConfigError {
    /// What is wrong, in words.
    pub fn text(&self) -> Text {
        match self {
            TlsConfigError::Pem { what, source } => {
                say!("tls-pem", what = what.text(), why = %source)
            }
            TlsConfigError::Empty(what) => say!("tls-empty", what = what.text()),
            TlsConfigError::Key => say!("tls-key"),
            TlsConfigError::Identity(why) => say!("tls-identity", why = %why),
            TlsConfigError::Roots(why) => say!("tls-roots", why = %why),
        }
    }
}

/// A client certificate with its key, for servers that ask for one.
#[derive(Clone)]
pub struct ClientIdentity {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

impl ClientIdentity {
    /// Reads a certificate (chain, leaf first) and its unencrypted private key from PEM texts.
    ///
    /// # Errors
    /// If either cannot be read. Whether they belong together is found out by [`Trust::with_identity`].
    pub fn from_pem(certificate: &[u8], key: &[u8]) -> Result<Self, TlsConfigError> {
        Ok(ClientIdentity {
            chain: certificates(certificate, Pem::Client)?,
            key: Arc::new(PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsConfigError::Key)?),
        })
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientIdentity")
            .field("certificates", &self.chain.len())
            .finish_non_exhaustive()
    }
}

/// The authorities whose certificates are accepted. Cheap to clone; make one and keep it.
///
/// Certificates are verified, for DNS names and for IP addresses alike, unless [`Trust::unverified`] says otherwise.
#[derive(Clone, Debug)]
pub struct Trust {
    verifier: Arc<dyn ServerCertVerifier>,
    config: Arc<ClientConfig>,
    destinations: Destinations,
}

impl Trust {
    /// The authorities of the operating system, and those of the PEM text beside them.
    ///
    /// # Errors
    /// If the PEM text holds no certificate, or there are no authorities at all.
    pub fn new(extra_roots_pem: Option<&[u8]>) -> Result<Self, TlsConfigError> {
        let extra = match extra_roots_pem {
            Some(pem) => certificates(pem, Pem::Authorities)?,
            None => Vec::new(),
        };
        let verifier =
            Verifier::new_with_extra_roots(extra, provider()).map_err(TlsConfigError::Roots)?;
        let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
        let config = config(Arc::clone(&verifier), None)?;
        Ok(Trust {
            verifier,
            config,
            destinations: Destinations::default(),
        })
    }

    /// The same trust, and connections to these addresses only.
    #[must_use]
    pub fn within(self, destinations: Destinations) -> Self {
        Trust {
            destinations,
            ..self
        }
    }

    /// Where connections may go.
    pub(crate) fn destinations(&self) -> Destinations {
        self.destinations
    }

    /// The same trust, showing a client certificate to servers that ask.
    ///
    /// # Errors
    /// If certificate and key do not belong together.
    pub fn with_identity(&self, identity: &ClientIdentity) -> Result<Self, TlsConfigError> {
        Ok(Trust {
            verifier: Arc::clone(&self.verifier),
            config: config(Arc::clone(&self.verifier), Some(identity))?,
            destinations: self.destinations,
        })
    }

    /// Trust in whatever certificate one server shows: for a server that somebody decided, explicitly and by its
    /// name, to take as it is. The line is encrypted, but nobody knows to whom.
    ///
    /// # Errors
    /// If rustls refuses the configuration.
    pub fn unverified(&self) -> Result<Self, TlsConfigError> {
        let verifier: Arc<dyn ServerCertVerifier> = Arc::new(AnyCertificate(provider()));
        let config = config(Arc::clone(&verifier), None)?;
        Ok(Trust {
            verifier,
            config,
            destinations: self.destinations,
        })
    }

    /// The rustls configuration, for whoever else speaks TLS on the same trust.
    pub fn client_config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config)
    }
}

/// Takes any certificate. What the server signs with its key is checked all the same, so that the line is with
/// whoever holds that certificate.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn config(
    verifier: Arc<dyn ServerCertVerifier>,
    identity: Option<&ClientIdentity>,
) -> Result<Arc<ClientConfig>, TlsConfigError> {
    // "dangerous" is rustls' word for any verifier that it does not bring itself; the usual one is
    // webpki with the roots of the platform, so nothing is loosened here.
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(TlsConfigError::Roots)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain.clone(), identity.key.clone_key())
            .map_err(TlsConfigError::Identity)?,
    };
    Ok(Arc::new(config))
}

fn certificates(pem: &[u8], what: Pem) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let found = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| TlsConfigError::Pem { what, source })?;
    if found.is_empty() {
        return Err(TlsConfigError::Empty(what));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_peer::Authority;

    #[test]
    fn a_text_without_certificates_is_refused() {
        let error = Trust::new(Some(b"hello")).expect_err("no certificate inside");
        assert!(error.to_string().contains("BEGIN CERTIFICATE"), "{error}");
    }

    #[test]
    fn a_key_of_another_certificate_is_refused() {
        let authority = Authority::new();
        let (certificate, _) = authority.issue();
        let (_, other_key) = authority.issue();
        let identity = ClientIdentity::from_pem(certificate.as_bytes(), other_key.as_bytes())
            .expect("both can be read");
        let trust = Trust::new(Some(authority.pem().as_bytes())).expect("an authority");
        let error = trust.with_identity(&identity).expect_err("not a pair");
        assert!(matches!(error, TlsConfigError::Identity(_)), "{error}");
    }

    #[test]
    fn an_identity_does_not_show_its_key() {
        let (certificate, key) = Authority::new().issue();
        let identity =
            ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).expect("a pair");
        assert_eq!(
            format!("{identity:?}"),
            "ClientIdentity { certificates: 1, .. }"
        );
    }
}
