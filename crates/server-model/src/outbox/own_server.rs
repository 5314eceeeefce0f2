//! The outgoing server that the program's own configuration names, beside those in the database.

pub use mail::server::Encryption;
use mail::tls::ClientIdentity;
use secrecy::SecretString;

use words::say;

use crate::error::{Error, Result};

/// What the configuration says about outgoing mail. Servers whose authentication is `cli` take host, port and
/// credentials from here, and it is the server where there is no row of `ir.mail_server`.
#[derive(Clone, Debug)]
pub struct OwnServer {
    /// Host name or IP address; without one there is no such server.
    pub host: Option<String>,
    /// The TCP port.
    pub port: u16,
    /// How the line is protected.
    pub encryption: Encryption,
    /// Whom to sign in as; without it nobody signs in.
    pub user: Option<String>,
    /// The password.
    pub password: Option<SecretString>,
    /// A certificate to show to the server.
    pub identity: Option<ClientIdentity>,
    /// The sender, and the address for bounces, of mails for which the database knows neither.
    pub email_from: Option<String>,
    /// The addresses and domains that this server takes mail from; everybody without it.
    pub from_filter: Option<String>,
}

impl Default for OwnServer {
    fn default() -> Self {
        OwnServer {
            host: None,
            port: 25,
            encryption: Encryption::None,
            user: None,
            password: None,
            identity: None,
            email_from: None,
            from_filter: None,
        }
    }
}

impl OwnServer {
    /// The same server, shown a client certificate. Both texts are PEM.
    ///
    /// # Errors
    /// [`Error::User`] when certificate or key cannot be read.
    pub fn with_identity(self, certificate: &[u8], key: &[u8]) -> Result<OwnServer> {
        let identity = ClientIdentity::from_pem(certificate, key)
            .map_err(|error| Error::User(say!("error-own-certificate", why = error.text())))?;
        Ok(OwnServer {
            identity: Some(identity),
            ..self
        })
    }
}
