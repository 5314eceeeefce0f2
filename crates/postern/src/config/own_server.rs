//! The outgoing server of the configuration itself, in the words of Odoo's configuration file.

use std::fmt;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use secrecy::SecretString;

use super::Surroundings;
use super::arguments::Arguments;
use super::error::ConfigError;
use super::sources::{Sources, setting};
use super::values;

/// The port of SMTP where none is named (RFC 5321 section 4.5.4.2).
const SMTP_PORT: u16 = 25;
/// The port on which TLS begins with the first byte (RFC 8314 section 3.3).
const SUBMISSIONS_PORT: u16 = 465;

/// How the line to the server is protected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// Not at all.
    #[default]
    None,
    /// By STARTTLS.
    StartTls,
    /// By TLS from the first byte.
    Tls,
}

/// The outgoing server that the settings name, and the senders it takes.
#[derive(Debug, Default)]
pub struct OwnServerSettings {
    /// Host name or IP address; without one there is no such server.
    pub server: Option<String>,
    /// The TCP port.
    pub port: u16,
    /// How the line is protected.
    pub protection: Protection,
    /// Whom to sign in as.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// A certificate to show to the server.
    pub identity: Option<PemPair>,
    /// The sender of mails for which the database knows none.
    pub email_from: Option<String>,
    /// The addresses and domains that the server takes mail from.
    pub from_filter: Option<String>,
}

/// A certificate and its private key, each as PEM.
pub struct PemPair {
    /// The certificate, with those between it and its authority.
    pub certificate: Vec<u8>,
    /// The private key.
    pub key: Vec<u8>,
}

/// The key stays out of it.
impl fmt::Debug for PemPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PemPair").finish_non_exhaustive()
    }
}

impl OwnServerSettings {
    /// Puts the settings together.
    ///
    /// # Errors
    /// For the first value that cannot be used.
    pub fn load(
        sources: &Sources<'_>,
        arguments: &Arguments,
        around: &Surroundings<'_>,
    ) -> Result<OwnServerSettings, ConfigError> {
        let text = |setting, flag: &Option<String>| {
            let given = sources.find(setting, flag.clone())?;
            Ok::<_, ConfigError>(given.map(|given| given.text))
        };
        let port = sources
            .find(&setting::SMTP_PORT, arguments.smtp_port.clone())?
            .map_or(Ok(SMTP_PORT), values::port)?;
        let ssl = sources
            .find(&setting::SMTP_SSL, arguments.smtp_ssl.clone())?
            .map_or(Ok(false), values::yes_or_no)?;
        Ok(OwnServerSettings {
            server: sources
                .find(&setting::SMTP_SERVER, arguments.smtp_server.clone())?
                .map(values::host)
                .transpose()?,
            port,
            protection: match (ssl, port) {
                (false, _) => Protection::None,
                (true, SUBMISSIONS_PORT) => Protection::Tls,
                (true, _) => Protection::StartTls,
            },
            user: text(&setting::SMTP_USER, &arguments.smtp_user)?,
            password: sources.secret(&setting::SMTP_PASSWORD, &setting::SMTP_PASSWORD_FILE)?,
            identity: identity(sources, arguments, around, ssl)?,
            email_from: sources
                .find(&setting::EMAIL_FROM, arguments.email_from.clone())?
                .map(values::email_address)
                .transpose()?,
            from_filter: text(&setting::FROM_FILTER, &arguments.from_filter)?,
        })
    }
}

/// The client certificate, which takes two files and a protected line.
fn identity(
    sources: &Sources<'_>,
    arguments: &Arguments,
    around: &Surroundings<'_>,
    ssl: bool,
) -> Result<Option<PemPair>, ConfigError> {
    const CERTIFICATE: &str = "a PEM file with the certificate (-----BEGIN CERTIFICATE-----)";
    const KEY: &str = "a PEM file with the private key of the certificate, without a passphrase";
    let certificate = sources.find(
        &setting::SMTP_CERTIFICATE,
        arguments.smtp_ssl_certificate_filename.clone(),
    )?;
    let key = sources.find(
        &setting::SMTP_PRIVATE_KEY,
        arguments.smtp_ssl_private_key_filename.clone(),
    )?;
    let (certificate, key) = match (certificate, key) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(lone), None) => {
            return Err(lone.refuse(
                "a certificate without its private key can prove nothing".into(),
                "--smtp-ssl-private-key-filename as well",
            ));
        }
        (None, Some(lone)) => {
            return Err(lone.refuse(
                "a private key without its certificate can prove nothing".into(),
                "--smtp-ssl-certificate-filename as well",
            ));
        }
    };
    if !ssl {
        return Err(certificate.refuse(
            "a certificate can only be shown over TLS".into(),
            "--smtp-ssl as well",
        ));
    }
    let certificate_pem = values::file(&certificate, around, CERTIFICATE)?;
    let mut found = CertificateDer::pem_slice_iter(&certificate_pem).peekable();
    if found.peek().is_none() || found.any(|certificate| certificate.is_err()) {
        let problem = format!("{} holds no usable certificate", certificate.text);
        return Err(certificate.refuse(problem, CERTIFICATE));
    }
    let key_pem = values::file(&key, around, KEY)?;
    if PrivateKeyDer::from_pem_slice(&key_pem).is_err() {
        let problem = format!("{} holds no usable private key", key.text);
        return Err(key.refuse(problem, KEY));
    }
    Ok(Some(PemPair {
        certificate: certificate_pem,
        key: key_pem,
    }))
}
