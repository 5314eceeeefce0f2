//! Under which address a browser reached the program.

use std::net::IpAddr;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use url::Url;

/// How the pages are set up.
#[derive(Clone, Copy, Debug, Default)]
pub struct Settings {
    /// Whether `Forwarded` and `X-Forwarded-*` are believed. Only right behind a proxy that sets
    /// them itself: otherwise any client could claim another address.
    pub trust_forwarded: bool,
}

fn settings(request: &HttpRequest) -> Settings {
    request
        .app_data::<web::Data<Settings>>()
        .map(|settings| ***settings)
        .unwrap_or_default()
}

/// True when the browser came by https, to this program or to the proxy in front of it.
pub fn is_https(request: &HttpRequest) -> bool {
    if settings(request).trust_forwarded {
        request.connection_info().scheme() == "https"
    } else {
        request.app_config().secure()
    }
}

/// The address the browser used, as `scheme://host[:port]`; `None` when it sent no usable host.
pub fn base_url(request: &HttpRequest) -> Option<String> {
    let scheme = if is_https(request) { "https" } else { "http" };
    let host = if settings(request).trust_forwarded {
        request.connection_info().host().to_owned()
    } else {
        match request.headers().get(header::HOST) {
            Some(host) => host.to_str().ok()?.to_owned(),
            None => request.uri().authority()?.to_string(),
        }
    };
    let url = Url::parse(&format!("{scheme}://{host}")).ok()?;
    // Only a host and a port may get into the addresses that are made of this.
    let bare = url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    bare.then(|| url.origin().ascii_serialization())
}

/// The network address of the browser, by which its failed sign-ins are counted.
///
/// Behind a proxy it is the last address in `X-Forwarded-For`, which is the one that the proxy
/// itself saw: those before it are the browser's own words.
pub fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let forwarded = || {
        let lists = request.headers().get_all("X-Forwarded-For");
        let last = lists.last()?.to_str().ok()?.rsplit(',').next()?;
        last.trim().parse().ok()
    };
    let seen = || request.peer_addr().map(|peer| peer.ip());
    if settings(request).trust_forwarded {
        forwarded().or_else(seen)
    } else {
        seen()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn behind_proxy() -> TestRequest {
        TestRequest::get()
            .insert_header((header::HOST, "10.0.0.1:8069"))
            .insert_header(("X-Forwarded-Proto", "https"))
            .insert_header(("X-Forwarded-Host", "mail.example.com"))
    }

    #[test]
    fn forwarded_headers_count_only_when_they_are_trusted() {
        let request = behind_proxy().to_http_request();
        assert_eq!(base_url(&request).as_deref(), Some("http://10.0.0.1:8069"));
        assert!(!is_https(&request));
        let trusted = web::Data::new(Settings {
            trust_forwarded: true,
        });
        let request = behind_proxy().app_data(trusted).to_http_request();
        assert_eq!(
            base_url(&request).as_deref(),
            Some("https://mail.example.com")
        );
        assert!(is_https(&request));
    }

    #[test]
    fn a_browser_cannot_choose_the_address_it_is_counted_by() {
        let coming = || {
            TestRequest::get()
                .peer_addr(([10, 0, 0, 1], 5000).into())
                .insert_header(("X-Forwarded-For", "192.0.2.66, 198.51.100.7"))
        };
        let seen = client_address(&coming().to_http_request());
        assert_eq!(seen, Some(IpAddr::from([10, 0, 0, 1])));
        let trusted = web::Data::new(Settings {
            trust_forwarded: true,
        });
        let seen = client_address(&coming().app_data(trusted).to_http_request());
        assert_eq!(seen, Some(IpAddr::from([198, 51, 100, 7])));
    }

    #[test]
    fn a_host_header_with_more_than_a_host_is_no_address() {
        for host in ["a/b", "a?x", "u:p@a", ""] {
            let request = TestRequest::get()
                .insert_header((header::HOST, host))
                .to_http_request();
            assert_eq!(base_url(&request), None, "{host:?}");
        }
    }
}
