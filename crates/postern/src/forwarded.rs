//! Whose word on `Forwarded` and `X-Forwarded-*` is believed: what anybody else says of them is taken away before anyone
//! reads it.

use std::net::IpAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderName;
use actix_web::middleware::Next;
use actix_web::web;
use ipnet::IpNet;

/// The headers by which a proxy tells what it saw (RFC 7239, and its predecessors).
const HEADERS: [&str; 5] = [
    "forwarded",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
];

/// Who is believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Trusted {
    /// Nobody.
    #[default]
    Nobody,
    /// Whoever connects: only where nobody but a proxy can.
    Anybody,
    /// The proxies at these addresses.
    At(Vec<IpNet>),
}

impl Trusted {
    /// Whether anybody at all is believed.
    pub fn anybody_at_all(&self) -> bool {
        *self != Trusted::Nobody
    }

    fn includes(&self, peer: Option<IpAddr>) -> bool {
        match self {
            Trusted::Nobody => false,
            Trusted::Anybody => true,
            Trusted::At(networks) => peer.is_some_and(|peer| {
                let peer = peer.to_canonical();
                networks.iter().any(|network| network.contains(&peer))
            }),
        }
    }
}

/// Takes the headers away from requests of others.
pub async fn strip<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let peer = request.peer_addr().map(|peer| peer.ip());
    let is_believed = request
        .app_data::<web::Data<Trusted>>()
        .is_some_and(|trusted| trusted.includes(peer));
    if !is_believed {
        for name in HEADERS {
            request.headers_mut().remove(HeaderName::from_static(name));
        }
    }
    next.call(request).await
}

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::{App, HttpRequest, middleware};

    use super::*;

    #[actix_web::test]
    async fn only_named_proxies_tell_what_they_saw() {
        let networks = ["10.0.0.0/8", "192.0.2.7/32"];
        let networks = networks.map(|text| text.parse().expect("a network"));
        let cases = [
            (Trusted::Nobody, "10.1.2.3:5", false),
            (Trusted::Anybody, "198.51.100.1:5", true),
            (Trusted::At(networks.to_vec()), "10.1.2.3:5", true),
            (Trusted::At(networks.to_vec()), "[::ffff:10.1.2.3]:5", true),
            (Trusted::At(networks.to_vec()), "192.0.2.7:5", true),
            (Trusted::At(networks.to_vec()), "192.0.2.8:5", false),
        ];
        for (trusted, peer, is_believed) in cases {
            let app = App::new()
                .app_data(web::Data::new(trusted))
                .wrap(middleware::from_fn(strip))
                .default_service(web::to(|request: HttpRequest| async move {
                    request.connection_info().scheme().to_owned()
                }));
            let app = init_service(app).await;
            let request = TestRequest::get()
                .peer_addr(peer.parse().expect("an address"))
                .insert_header(("X-Forwarded-Proto", "https"))
                .to_request();
            let answer = read_body(call_service(&app, request).await).await;
            assert_eq!(answer == "https", is_believed, "{peer}");
        }
    }
}
