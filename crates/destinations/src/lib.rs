//! Where connections may go that somebody else named: to mail servers, token endpoints, webhooks.
//!
//! Whoever may name a host could have this machine talk to its own neighbourhood and tell the answer (server-side request
//! forgery). The services in which clouds keep the credentials of their machines are no mail servers, so that nobody gets
//! there; private networks are for most a place where mail servers are, and can be closed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Which addresses may be connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destinations {
    private: bool,
}

impl Default for Destinations {
    fn default() -> Self {
        Destinations { private: true }
    }
}

/// Why an address is not connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is where clouds keep the credentials of their machines, or a neighbour on the same wire (link-local, RFC 3927 and
    /// RFC 4291 section 2.5.6).
    Metadata(IpAddr),
    /// It is in a private network (RFC 1918, RFC 4193, RFC 6598) or this machine itself, which the settings close.
    Private(IpAddr),
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Refusal::Metadata(address) => write!(
                f,
                "{address} is never connected to: there clouds keep the credentials of their machines"
            ),
            Refusal::Private(address) => write!(
                f,
                "{address} is in a private network, which --private-networks=false closes"
            ),
        }
    }
}

impl std::error::Error for Refusal {}

/// Services of clouds outside of the link-local networks: AWS over IPv6, Alibaba, Azure, Oracle.
const METADATA: [IpAddr; 4] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

impl Destinations {
    /// Everywhere but to the services of clouds; with `private` false not to private networks either.
    pub fn new(private: bool) -> Destinations {
        Destinations { private }
    }

    /// Whether this address may be connected to.
    ///
    /// # Errors
    /// The reason, when it may not.
    pub fn check(self, address: IpAddr) -> Result<(), Refusal> {
        // An IPv4 address in the clothes of IPv6 is what it is.
        let address = address.to_canonical();
        if METADATA.contains(&address) || is_link_local(address) {
            return Err(Refusal::Metadata(address));
        }
        if !self.private && is_private(address) {
            return Err(Refusal::Private(address));
        }
        Ok(())
    }

    /// Those of the addresses that may be connected to.
    ///
    /// # Errors
    /// The reason for the last one, when none may; none of none is fine.
    pub fn among<T>(self, addresses: Vec<T>, ip: impl Fn(&T) -> IpAddr) -> Result<Vec<T>, Refusal> {
        let mut refusal = None;
        let mut open = Vec::with_capacity(addresses.len());
        for address in addresses {
            match self.check(ip(&address)) {
                Ok(()) => open.push(address),
                Err(reason) => refusal = Some(reason),
            }
        }
        match refusal {
            Some(reason) if open.is_empty() => Err(reason),
            _ => Ok(open),
        }
    }
}

fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private()
                || address.is_loopback()
                || first == 0
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unspecified() || address.is_unique_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(private: bool, address: &str) -> bool {
        let address = address.parse().expect("an address");
        Destinations::new(private).check(address).is_ok()
    }

    #[test]
    fn the_services_of_clouds_are_closed_whatever_the_settings_say() {
        for address in [
            "169.254.169.254",
            "169.254.170.2",
            "::ffff:169.254.169.254",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
        ] {
            assert!(!check(true, address) && !check(false, address), "{address}");
        }
    }

    #[test]
    fn private_networks_are_open_unless_the_settings_close_them() {
        for address in [
            "127.0.0.1",
            "::1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "fd12::1",
            "::ffff:10.0.0.1",
        ] {
            assert!(check(true, address) && !check(false, address), "{address}");
        }
        for address in ["52.98.0.1", "2603:1026::1", "172.32.0.1", "100.128.0.1"] {
            assert!(check(true, address) && check(false, address), "{address}");
        }
    }

    #[test]
    fn of_several_addresses_the_open_ones_are_left() {
        let addresses = |list: &[&str]| -> Vec<IpAddr> {
            list.iter()
                .map(|text| text.parse().expect("an address"))
                .collect()
        };
        let among = |list| Destinations::new(false).among(addresses(list), |address| *address);
        assert_eq!(
            among(&["10.0.0.1", "52.98.0.1"]),
            Ok(addresses(&["52.98.0.1"]))
        );
        assert!(matches!(among(&["10.0.0.1"]), Err(Refusal::Private(_))));
        assert_eq!(among(&[]), Ok(Vec::new()));
    }
}
