//! Under which address a client reached the program: by the connection itself or, where that comes from a proxy whose word
//! is believed, by the `X-Forwarded-*` headers in which the proxy tells what it saw.
//!
//! The application's data says whom to believe ([`Trusted`]); without it nobody is. The header `Forwarded` (RFC 7239) counts
//! from nobody, as in Odoo: the usual proxies hand on what clients wrote there, and it would win over what they say themselves.

mod trusted;

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use url::Url;

pub use trusted::Trusted;

/// True when the client came by https, to this program or to the proxy in front of it.
#[must_use]
pub fn is_https(request: &HttpRequest) -> bool {
    match told(request, "X-Forwarded-Proto") {
        Some(scheme) => scheme.eq_ignore_ascii_case("https"),
        None => request.app_config().secure(),
    }
}

/// The address the client used, as `scheme://host[:port]`; `None` when it sent no usable host.
#[must_use]
pub fn base_url(request: &HttpRequest) -> Option<String> {
    let scheme = if is_https(request) { "https" } else { "http" };
    let asked = || match request.headers().get(header::HOST) {
        Some(host) => host.to_str().ok().map(str::to_owned),
        // HTTP/2 has the host in the address.
        None => request.uri().authority().map(ToString::to_string),
    };
    let host = match told(request, "X-Forwarded-Host") {
        Some(host) => host.to_owned(),
        None => asked()?,
    };
    origin(&format!("{scheme}://{host}"))
}

/// The network address of the client, by which its failed logins are counted.
#[must_use]
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let address = told(request, "X-Forwarded-For").and_then(|address| {
        // Some load balancers put the port behind it.
        let with_port = || address.parse().ok().map(|it: SocketAddr| it.ip());
        address.parse().ok().or_else(with_port)
    });
    address.or_else(|| peer(request))
}

/// An address of a server that serves web pages, as `scheme://host[:port]`; `None` for anything more or else, which would
/// end up in the addresses that are made of it.
#[must_use]
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

fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| peer.ip())
}

/// What the proxy tells in this header, if it is believed: the last of several values, which is the one that it wrote itself.
/// Those before it were there when the request came, and are the client's own words.
fn told<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    let trusted = request.app_data::<web::Data<Trusted>>()?;
    if !trusted.includes(peer(request)) {
        return None;
    }
    let line = request.headers().get_all(name).last()?.to_str().ok()?;
    let value = line.rsplit(',').next()?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;
    use ipnet::IpNet;

    use super::*;

    fn trusting(trusted: Trusted) -> TestRequest {
        TestRequest::get()
            .app_data(web::Data::new(trusted))
            .peer_addr(([10, 1, 2, 3], 5000).into())
            .insert_header((header::HOST, "10.0.0.1:8069"))
    }

    fn behind_proxy() -> TestRequest {
        trusting(Trusted::Anybody)
    }

    #[test]
    fn the_host_header_gives_the_address() {
        let request = TestRequest::get().insert_header((header::HOST, "127.0.0.1:8069"));
        let request = request.to_http_request();
        assert_eq!(base_url(&request).as_deref(), Some("http://127.0.0.1:8069"));
        assert!(!is_https(&request));
    }

    #[test]
    fn only_named_proxies_tell_what_they_saw() {
        let networks = ["10.0.0.0/8", "192.0.2.7/32"].map(|text| text.parse::<IpNet>());
        let at = Trusted::At(
            networks
                .into_iter()
                .map(|it| it.expect("a network"))
                .collect(),
        );
        let cases = [
            (Trusted::Nobody, "10.1.2.3:5", false),
            (Trusted::Anybody, "198.51.100.1:5", true),
            (at.clone(), "10.1.2.3:5", true),
            (at.clone(), "[::ffff:10.1.2.3]:5", true),
            (at.clone(), "192.0.2.7:5", true),
            (at, "192.0.2.8:5", false),
        ];
        for (trusted, peer, is_believed) in cases {
            let request = trusting(trusted)
                .peer_addr(peer.parse().expect("an address"))
                .insert_header(("X-Forwarded-Proto", "https"))
                .insert_header(("X-Forwarded-Host", "mail.example.com"))
                .insert_header(("X-Forwarded-For", "203.0.113.9"))
                .to_http_request();
            assert_eq!(is_https(&request), is_believed, "{peer}");
            let expected = if is_believed {
                "https://mail.example.com"
            } else {
                "http://10.0.0.1:8069"
            };
            assert_eq!(base_url(&request).as_deref(), Some(expected), "{peer}");
            let forwarded = client_address(&request) == Some(IpAddr::from([203, 0, 113, 9]));
            assert_eq!(forwarded, is_believed, "{peer}");
        }
    }

    #[test]
    fn the_client_is_who_the_proxy_saw_and_not_who_it_says_it_is() {
        let request = behind_proxy()
            .insert_header(("X-Forwarded-For", "192.0.2.66, 2001:db8::7"))
            .to_http_request();
        let address = client_address(&request).map(|address| address.to_string());
        assert_eq!(address.as_deref(), Some("2001:db8::7"));
        for (forwarded, expected) in [
            ("203.0.113.9:51234", "203.0.113.9"),
            ("[2001:db8::7]:51234", "2001:db8::7"),
            ("unknown", "10.1.2.3"),
            ("", "10.1.2.3"),
        ] {
            let request = behind_proxy().insert_header(("X-Forwarded-For", forwarded));
            let address = client_address(&request.to_http_request());
            assert_eq!(address.map(|it| it.to_string()).as_deref(), Some(expected));
        }
    }

    #[test]
    fn what_a_client_wrote_before_the_proxy_did_is_passed_over() {
        let request = behind_proxy()
            .insert_header(("X-Forwarded-Proto", "https, http"))
            .append_header(("X-Forwarded-Host", "evil.example"))
            .append_header(("X-Forwarded-Host", "mail.example.com"))
            .to_http_request();
        assert_eq!(
            base_url(&request).as_deref(),
            Some("http://mail.example.com")
        );
    }

    #[test]
    fn the_header_that_proxies_hand_on_unread_counts_from_nobody() {
        let request = behind_proxy()
            .insert_header(("Forwarded", "for=192.0.2.66;host=evil.example;proto=https"))
            .to_http_request();
        assert_eq!(base_url(&request).as_deref(), Some("http://10.0.0.1:8069"));
        let address = client_address(&request);
        assert_eq!(address, Some(IpAddr::from([10, 1, 2, 3])));
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
            assert_eq!(base_url(&request), None, "{host:?}");
        }
    }
}
