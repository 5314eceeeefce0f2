//! A webhook's receiver that has its bad moments, by script.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// One request to the receiver.
#[derive(Clone, Debug)]
pub struct Delivered {
    headers: String,
    /// What was posted.
    pub body: Vec<u8>,
}

impl Delivered {
    /// The value of a header.
    ///
    /// # Panics
    /// When there is none of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> String {
        let value = self.headers.lines().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        });
        value.unwrap_or_else(|| panic!("there is no {name} in {}", self.headers))
    }
}

/// Takes requests and treats each by the script: a status to answer with, or none to hang up without an
/// answer.
///
/// # Panics
/// When a request breaks off.
pub async fn start(script: Vec<Option<u16>>) -> (String, tokio::task::JoinHandle<Vec<Delivered>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}/hook", listener.local_addr().unwrap());
    let taking = tokio::spawn(async move {
        let mut taken = Vec::new();
        for answer in script {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 4096];
            let delivered = loop {
                if let Some(delivered) = whole(&request) {
                    break delivered;
                }
                let read = stream.read(&mut buffer).await.unwrap();
                request.extend_from_slice(&buffer[..read]);
            };
            taken.push(delivered);
            if let Some(status) = answer {
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
        taken
    });
    (address, taking)
}

fn whole(request: &[u8]) -> Option<Delivered> {
    let end = request.windows(4).position(|four| four == b"\r\n\r\n")?;
    let headers = String::from_utf8_lossy(&request[..end]).into_owned();
    let body = &request[end + 4..];
    let length = headers.lines().find_map(|line| {
        line.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .trim()
            .parse::<usize>()
            .ok()
    })?;
    (body.len() >= length).then(|| Delivered {
        headers,
        body: body.to_vec(),
    })
}
