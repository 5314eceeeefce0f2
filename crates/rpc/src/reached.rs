//! Under which address a client reached the program.

use actix_web::HttpRequest;
use actix_web::http::header;
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
    let url = Url::parse(&format!("{scheme}://{host}")).ok()?;
    // Whatever is not a host and a port would end up in the addresses that this makes.
    let bare = url.path() == "/"
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    bare.then(|| url.origin().ascii_serialization())
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
    fn a_host_with_anything_more_is_no_address() {
        for host in ["a/b", "a?x", "a#x", "u@a", "u:p@a", "a b", ""] {
            let request = TestRequest::get()
                .insert_header((header::HOST, host))
                .to_http_request();
            assert_eq!(base_url(&request, &PLAIN), None, "{host:?}");
        }
    }
}
