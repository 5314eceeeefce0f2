//! Under which address a client reached the program.

use std::net::IpAddr;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use url::Url;

/// How the wire is set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Whether `Forwarded` and `X-Forwarded-*` are believed. Only right behind a proxy that sets
    /// them itself: otherwise any client could claim another address.
    pub trust_forwarded: bool,
}

/// True when the client came by https, to this program or to the proxy in front of it.
pub fn is_https(request: &HttpRequest, settings: &Settings) -> bool {
    if settings.trust_forwarded {
        request.connection_info().scheme() == "https"
    } else {
        request.app_config().secure()
    }
}

/// The address the client used, as `scheme://host[:port]`; `None` when it sent no usable host.
pub fn base_url(request: &HttpRequest, settings: &Settings) -> Option<String> {
    let scheme = if is_https(request, settings) {
        "https"
    } else {
        "http"
    };
    let host = if settings.trust_forwarded {
        request.connection_info().host().to_owned()
    } else {
        match request.headers().get(header::HOST) {
            Some(host) => host.to_str().ok()?.to_owned(),
            None => request.uri().authority()?.to_string(),
        }
    };
    origin(&format!("{scheme}://{host}"))
}

/// An address of a server that serves web pages, as `scheme://host[:port]`; `None` for anything
/// more or else, which would end up in the addresses that are made of it.
pub fn origin(address: &str) -> Option<String> {
    let url = Url::parse(address).ok()?;
    let bare = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    bare.then(|| url.origin().ascii_serialization())
}

/// The network address of the client, by which its failed logins are counted.
///
/// Behind a proxy it is the last address in `X-Forwarded-For`, which is the one that the proxy
/// itself saw: those before it are the client's own words.
pub fn client_address(request: &HttpRequest, settings: &Settings) -> Option<IpAddr> {
    let forwarded = || {
        let lists = request.headers().get_all("X-Forwarded-For");
        let last = lists.last()?.to_str().ok()?.rsplit(',').next()?;
        last.trim().parse().ok()
    };
    let seen = || request.peer_addr().map(|peer| peer.ip());
    if settings.trust_forwarded {
        forwarded().or_else(seen)
    } else {
        seen()
    }
}

/// [`client_address`] by the settings that the routes were given.
pub fn address_of(request: &HttpRequest) -> Option<IpAddr> {
    let settings = request.app_data::<web::Data<Settings>>();
    client_address(
        request,
        settings.map_or(&Settings::default(), |settings| settings),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    const PLAIN: Settings = Settings {
        trust_forwarded: false,
    };
    const BEHIND_PROXY: Settings = Settings {
        trust_forwarded: true,
    };

    #[test]
    fn the_host_header_gives_the_address() {
        let request = TestRequest::get()
            .insert_header((header::HOST, "127.0.0.1:8069"))
            .to_http_request();
        assert_eq!(
            base_url(&request, &PLAIN).as_deref(),
            Some("http://127.0.0.1:8069")
        );
        assert!(!is_https(&request, &PLAIN));
    }

    #[test]
    fn forwarded_headers_count_only_when_trusted() {
        let request = TestRequest::get()
            .insert_header((header::HOST, "10.0.0.1:8069"))
            .insert_header(("X-Forwarded-Proto", "https"))
            .insert_header(("X-Forwarded-Host", "mail.example.com"))
            .to_http_request();
        assert_eq!(
            base_url(&request, &PLAIN).as_deref(),
            Some("http://10.0.0.1:8069")
        );
        assert!(!is_https(&request, &PLAIN));
        assert_eq!(
            base_url(&request, &BEHIND_PROXY).as_deref(),
            Some("https://mail.example.com")
        );
        assert!(is_https(&request, &BEHIND_PROXY));
    }

    #[test]
    fn the_client_is_who_the_proxy_saw_and_not_who_it_says_it_is() {
        let request = TestRequest::get()
            .peer_addr(([10, 0, 0, 1], 5000).into())
            .insert_header(("X-Forwarded-For", "192.0.2.66, 2001:db8::7"))
            .to_http_request();
        let address = |settings| client_address(&request, &settings).map(|ip| ip.to_string());
        assert_eq!(address(PLAIN).as_deref(), Some("10.0.0.1"));
        assert_eq!(address(BEHIND_PROXY).as_deref(), Some("2001:db8::7"));
        let bare = TestRequest::get()
            .peer_addr(([10, 0, 0, 1], 5000).into())
            .to_http_request();
        let address = client_address(&bare, &BEHIND_PROXY);
        assert_eq!(address, Some(IpAddr::from([10, 0, 0, 1])));
    }

    #[test]
    fn only_servers_of_web_pages_are_origins() {
        for (address, expected) in [
            ("https://mail.example.com", Some("https://mail.example.com")),
            (
                "https://mail.example.com:443/",
                Some("https://mail.example.com"),
            ),
            ("http://127.0.0.1:8069", Some("http://127.0.0.1:8069")),
            ("https://mail.example.com/odoo", None),
            ("https://u:p@mail.example.com", None),
            ("javascript:alert(1)", None),
            ("ftp://mail.example.com", None),
            ("mail.example.com", None),
        ] {
            assert_eq!(origin(address).as_deref(), expected, "{address}");
        }
    }

    #[test]
    fn a_host_with_anything_more_is_no_address() {
        for host in ["a/b", "a?x", "a#x", "u@a", "u:p@a", "a b", ""] {
            let request = TestRequest::get()
                .insert_header((header::HOST, host))
                .to_http_request();
            assert_eq!(base_url(&request, &PLAIN), None, "{host:?}");
        }
    }
}
