//! How our application proves who it is: by a secret, or by signing with a key whose certificate is registered
//! (`private_key_jwt`: RFC 7521, RFC 7523; Microsoft's page "Microsoft identity platform application authentication
//! certificate credentials").

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, crypto};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use words::say;
use x509_parser::pem::Pem;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::Error;

/// The value of `client_assertion_type` (RFC 7523, section 2.2).
pub(super) const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// The signature that Microsoft asks for: RSA-PSS with SHA-256.
const ALGORITHM: Algorithm = Algorithm::PS256;
/// How long an assertion is good, and by how much the provider's clock may be behind ours, in seconds.
const LIFETIME: i64 = 600;
const SKEW: i64 = 60;

/// What the token endpoint knows our application by.
#[derive(Debug, Clone)]
pub(super) enum Credential {
    /// Nothing: an app registered as a public client, which must not send a secret.
    Nothing,
    /// A client secret.
    Secret(SecretString),
    /// A key and its registered certificate.
    Certificate(ClientCertificate),
}

/// A certificate that is registered with the provider, and its private key.
#[derive(Clone)]
pub struct ClientCertificate {
    /// The certificate's SHA-256 in base64url, by which the provider finds it (`x5t#S256`, RFC 7515).
    thumbprint: String,
    key: EncodingKey,
    not_after: DateTime<Utc>,
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificate")
            .field("thumbprint", &self.thumbprint)
            .field("not_after", &self.not_after)
            .finish_non_exhaustive()
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: &'a str,
    iss: &'a str,
    sub: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

impl ClientCertificate {
    /// Reads both from one PEM text, in any order. Of several certificates the first one counts. The key is one for
    /// RSA, in PKCS #8 or PKCS #1, and not encrypted.
    ///
    /// # Errors
    /// [`Error::ClientCertificate`] when one of them cannot be read, or they do not belong together.
    pub fn from_pem(pem: &SecretString) -> Result<ClientCertificate, Error> {
        let pem = pem.expose_secret();
        let der = certificate_der(pem)?;
        let (_, parsed) = X509Certificate::from_der(&der)
            .map_err(|_| Error::ClientCertificate(say!("oauth-certificate-unreadable")))?;
        let not_after = DateTime::from_timestamp(parsed.validity().not_after.timestamp(), 0)
            .ok_or_else(|| Error::ClientCertificate(say!("oauth-certificate-endless")))?;
        let private_key = private_key(pem)?;
        let key = EncodingKey::from_rsa_pem(private_key.as_bytes())
            .map_err(|_| Error::ClientCertificate(say!("oauth-certificate-no-rsa")))?;
        let certificate = ClientCertificate {
            thumbprint: URL_SAFE_NO_PAD.encode(digest(&SHA256, &der)),
            key,
            not_after,
        };
        let public = DecodingKey::from_rsa_der(&parsed.public_key().subject_public_key.data);
        if !certificate.belongs_to(&public) {
            return Err(Error::ClientCertificate(say!(
                "oauth-certificate-other-key"
            )));
        }
        Ok(certificate)
    }

    /// When it ends; the provider refuses it from then on.
    pub fn not_after(&self) -> DateTime<Utc> {
        self.not_after
    }

    fn belongs_to(&self, public: &DecodingKey) -> bool {
        const PROBE: &[u8] = b"postern";
        crypto::sign(PROBE, &self.key, ALGORITHM)
            .and_then(|signature| crypto::verify(&signature, PROBE, public, ALGORITHM))
            .unwrap_or(false)
    }

    /// A fresh assertion for a token endpoint. The key has signed when it was read, so that signing does not fail; if it
    /// did, the empty assertion would be refused.
    pub(super) fn assertion(&self, client_id: &str, token_endpoint: &str) -> SecretString {
        let now = Utc::now().timestamp();
        let claims = Claims {
            aud: token_endpoint,
            iss: client_id,
            sub: client_id,
            jti: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 16]>()),
            iat: now - SKEW,
            nbf: now - SKEW,
            exp: now - SKEW + LIFETIME,
        };
        let header = Header {
            x5t_s256: Some(self.thumbprint.clone()),
            ..Header::new(ALGORITHM)
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map(SecretString::from)
            .unwrap_or_default()
    }
}

fn certificate_der(pem: &str) -> Result<Vec<u8>, Error> {
    let blocks = Pem::iter_from_buffer(pem.as_bytes());
    let found = blocks
        .filter_map(Result::ok)
        .find(|block| block.label == "CERTIFICATE");
    found
        .map(|block| block.contents)
        .ok_or_else(|| Error::ClientCertificate(say!("oauth-certificate-none")))
}

/// The block with the private key.
fn private_key(pem: &str) -> Result<&str, Error> {
    let labels = ["PRIVATE KEY", "RSA PRIVATE KEY", "ENCRYPTED PRIVATE KEY"];
    let block = labels.iter().find_map(|label| {
        let end = format!("-----END {label}-----");
        let start = pem.find(&format!("-----BEGIN {label}-----"))?;
        let length = pem[start..].find(&end)? + end.len();
        Some(&pem[start..start + length])
    });
    let block = block.ok_or_else(|| Error::ClientCertificate(say!("oauth-certificate-no-key")))?;
    if block.contains("ENCRYPTED") {
        return Err(Error::ClientCertificate(say!(
            "oauth-certificate-encrypted-key"
        )));
    }
    Ok(block)
}

#[cfg(test)]
mod tests;
