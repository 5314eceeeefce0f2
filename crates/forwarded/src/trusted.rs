//! Whose word on `X-Forwarded-*` is believed.

use std::net::IpAddr;

use ipnet::IpNet;

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
    /// Whether who connects from this address is believed.
    pub(crate) fn includes(&self, peer: Option<IpAddr>) -> bool {
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
