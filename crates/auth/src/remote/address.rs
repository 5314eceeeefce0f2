//! Where a program is that takes mail.

use url::{Host, Url};
use words::{Text, say};

use super::RemoteError;

/// The address of a program, over https; plain http is for this machine itself only, because keys and
/// mail go there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    url: Url,
}

impl Address {
    /// Reads an address like `https://odoo.example.com`.
    ///
    /// # Errors
    /// [`RemoteError::Address`] that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Address, RemoteError> {
        let wrong = |problem: Text| RemoteError::Address(say!("remote-address", ?text, problem));
        let url = Url::parse(text.trim()).map_err(|_| wrong(say!("remote-address-incomplete")))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(RemoteError::Address(say!("remote-address-credentials")));
        }
        let is_here = match url.host() {
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err(wrong(say!("remote-address-no-host"))),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            "http" => {
                return Err(wrong(say!("remote-address-unprotected")));
            }
            _ => return Err(wrong(say!("remote-address-scheme"))),
        }
        Ok(Address { url })
    }

    /// The host with its port, for messages.
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The address itself.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// A path below the address.
    pub(super) fn join(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url.set_query(None);
        url.set_fragment(None);
        url
    }
}
