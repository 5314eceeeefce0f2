//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};

use rand::Rng as _;

use super::error::{Doing, LabError};

/// Below the range from which Linux takes the ports of outgoing connections, so that a port found
/// free stays free until its server takes it.
const RANGE: std::ops::Range<u16> = 20_000..32_000;

/// A port that stays taken until its server is about to start.
#[derive(Debug)]
pub struct Reserved {
    number: u16,
    _listener: TcpListener,
}

impl Reserved {
    /// The number, to be written into a configuration.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.number
    }
}

/// Reserves a free port of 127.0.0.1; dropping the answer frees it for the server.
pub fn reserve() -> Result<Reserved, LabError> {
    let mut random = rand::rng();
    let mut last = None;
    for _ in 0..200 {
        let number = random.random_range(RANGE);
        match TcpListener::bind((Ipv4Addr::LOCALHOST, number)) {
            Ok(listener) => {
                return Ok(Reserved {
                    number,
                    _listener: listener,
                });
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| std::io::Error::other("no port tried")))
        .doing("looking for a free port of 127.0.0.1")
}

/// A free port as a bare number, for a server that binds it at once.
pub fn free() -> Result<u16, LabError> {
    Ok(reserve()?.number())
}
