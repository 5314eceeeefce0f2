//! `postern health`: asks the service that runs here whether it is well.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::Error;

/// How long each of connecting, asking and waiting for the answer may take.
const PATIENCE: Duration = Duration::from_secs(3);
/// Of the answer only the first line is needed.
const ENOUGH: u64 = 4_096;

/// Gets `/web/health` from the service that listens at `listen`.
///
/// # Errors
/// If nobody answers there, or anything but status 200.
pub fn ask(listen: SocketAddr) -> Result<(), Error> {
    let address = reachable(listen);
    let unhealthy = |problem: String| Error::Unhealthy { address, problem };
    let answer = get(address).map_err(|error| unhealthy(error.to_string()))?;
    let status = answer.lines().next().unwrap_or_default();
    match status.split(' ').nth(1) {
        Some("200") if status.starts_with("HTTP/1.") => Ok(()),
        _ => Err(unhealthy(format!("the answer was {status:?}"))),
    }
}

/// Who listens on all addresses is asked on the loopback.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn get(address: SocketAddr) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    // In one piece: who answers after the first and hangs up would break off the rest.
    let request =
        format!("GET /web/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ENOUGH).read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    use super::{ask, reachable};

    /// Answers one request with `answer` and returns what `ask` made of it.
    fn asked(answer: &'static str) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a connection");
            let mut request = [0_u8; 1_024];
            let length = stream.read(&mut request).expect("a request");
            stream
                .write_all(answer.as_bytes())
                .expect("an open connection");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let outcome = ask(address).map_err(|error| error.to_string());
        let request = peer.join().expect("the peer answers");
        assert!(
            request.starts_with("GET /web/health HTTP/1.1\r\n"),
            "{request}"
        );
        outcome
    }

    #[test]
    fn only_status_200_is_healthy() {
        assert_eq!(
            asked("HTTP/1.1 200 OK\r\n\r\n{\"status\":\"pass\"}"),
            Ok(())
        );
        let problem = asked("HTTP/1.1 503 Service Unavailable\r\n\r\n").expect_err("unwell");
        assert!(problem.contains("503"), "{problem}");
        assert!(asked("220 mail.example.test ESMTP 200\r\n").is_err());
        assert!(asked("").is_err());
    }

    #[test]
    fn who_listens_everywhere_is_asked_on_the_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8069", "127.0.0.1:8069"),
            ("[::]:80", "[::1]:80"),
            ("192.0.2.7:1", "192.0.2.7:1"),
        ] {
            let listen = listen.parse().expect("an address");
            assert_eq!(reachable(listen), asked.parse().expect("an address"));
        }
    }

    #[test]
    fn nobody_there_is_not_healthy() {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = free.local_addr().expect("an address");
        drop(free);
        assert!(ask(address).is_err());
    }
}
