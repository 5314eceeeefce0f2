//! The way out over HTTP, to token endpoints and to programs that mail is handed on to. It is strict: certificates are
//! always verified, redirects are not followed (secrets would go along), proxies of the environment are not used, what
//! is nobody's business is not connected to, and each request has a connection of its own, so that a parked
//! connection gone stale cannot cost a code, which works only once.

use std::error::Error as StdError;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use destinations::{Destinations, Refusal};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};
use words::{Text, say};

use crate::Error;

const USER_AGENT: &str = concat!("Postern/", env!("CARGO_PKG_VERSION"));

/// A client. Make one and share it; cloning is cheap.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    destinations: Destinations,
}

impl Http {
    /// A client that trusts the system's certificate authorities and those in `extra_roots_pem`, with a limit for
    /// connecting and one for everything together.
    ///
    /// # Errors
    /// If the extra authorities are not PEM certificates, or the system has none at all.
    pub(crate) fn new(
        extra_roots_pem: Option<&[u8]>,
        connect: Duration,
        total: Duration,
    ) -> Result<Http, Error> {
        Http::within(extra_roots_pem, connect, total, Destinations::default())
    }

    /// The same, connecting to these addresses only.
    ///
    /// # Errors
    /// As for [`Http::new`].
    pub(crate) fn within(
        extra_roots_pem: Option<&[u8]>,
        connect: Duration,
        total: Duration,
        destinations: Destinations,
    ) -> Result<Http, Error> {
        let roots = extra_roots_pem.map(read_roots).transpose()?;
        let client = reqwest::Client::builder()
            .tls_backend_rustls()
            .tls_certs_merge(roots.unwrap_or_default())
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .user_agent(USER_AGENT)
            .connect_timeout(connect)
            .timeout(total)
            .pool_max_idle_per_host(0)
            .dns_resolver(Arc::new(Guarded(destinations)))
            .build()
            .map_err(Error::HttpClient)?;
        Ok(Http {
            client,
            destinations,
        })
    }

    /// The client itself, once [`check`](Self::check) has nothing against the address.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Looks at an address whose host is written as a number, which nobody looks up.
    ///
    /// # Errors
    /// The reason why it is not connected to.
    pub(crate) fn check(&self, url: &Url) -> Result<(), Refusal> {
        match url.host() {
            Some(Host::Ipv4(address)) => self.destinations.check(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => self.destinations.check(IpAddr::V6(address)),
            Some(Host::Domain(_)) | None => Ok(()),
        }
    }
}

/// Looks names up, and leaves out what is not connected to.
struct Guarded(Destinations);

impl Resolve for Guarded {
    fn resolve(&self, name: Name) -> Resolving {
        let destinations = self.0;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let open = destinations.among(found.collect(), SocketAddr::ip)?;
            let addresses: Addrs = Box::new(open.into_iter());
            Ok(addresses)
        })
    }
}

/// What a person is told of it.
pub(crate) fn forbidden(refusal: &Refusal) -> Text {
    match refusal {
        Refusal::Metadata(address) => say!("remote-forbidden-metadata", address = %address),
        Refusal::Private(address) => say!("remote-forbidden-private", address = %address),
    }
}

/// The refusal that a failed request has behind it, if that is why it failed.
pub(crate) fn refusal_in(error: &reqwest::Error) -> Option<Refusal> {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refusal) = error.downcast_ref::<Refusal>() {
            return Some(*refusal);
        }
        cause = error.source();
    }
    None
}

fn read_roots(pem: &[u8]) -> Result<Vec<reqwest::Certificate>, Error> {
    let roots = reqwest::Certificate::from_pem_bundle(pem).map_err(Error::Authorities)?;
    if roots.is_empty() {
        Err(Error::NoAuthorities)
    } else {
        Ok(roots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_closed_is_closed_by_number_and_by_name() {
        let wait = Duration::from_secs(5);
        let open = Http::new(None, wait, wait).expect("a client");
        let closed = Destinations::new(false);
        let closed = Http::within(None, wait, wait, closed).expect("a client");
        let url = |text: &str| Url::parse(text).expect("a URL");
        let metadata = url("http://169.254.169.254/latest/meta-data/");
        assert!(matches!(open.check(&metadata), Err(Refusal::Metadata(_))));
        assert!(matches!(
            closed.check(&url("https://[::1]/")),
            Err(Refusal::Private(_))
        ));
        assert!(open.check(&url("https://127.0.0.1/")).is_ok());

        let here = url("http://localhost:9/");
        closed
            .check(&here)
            .expect("a name is looked at when it is looked up");
        let error = closed.client().get(here).send().await.expect_err("closed");
        assert!(
            matches!(refusal_in(&error), Some(Refusal::Private(_))),
            "{error:?}"
        );
        let error = open.client().get("http://localhost:9/").send().await;
        assert_eq!(refusal_in(&error.expect_err("nobody listens there")), None);
    }
}
