//! A token endpoint on a real socket that follows a script.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::oauth::{Provider, microsoft};

/// What the endpoint does with a request.
pub(super) enum Script {
    /// Answers with these bytes and closes.
    Reply(Vec<u8>),
    /// Reads the request and stays silent.
    Silence,
    /// Closes without an answer.
    Close,
}

/// A request as it arrived.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) head: String,
    pub(super) form: BTreeMap<String, String>,
}

pub(super) fn http(status: &str, headers: &str, body: &str) -> Script {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}Connection: close\r\n\r\n{body}"
    );
    Script::Reply(text.into_bytes())
}

pub(super) fn json(status: &str, body: &str) -> Script {
    http(status, "Content-Type: application/json\r\n", body)
}

/// Serves one script for each connection, one after the other; the task ends with what was seen.
pub(super) async fn endpoint(scripts: Vec<Script>) -> (Provider, JoinHandle<Vec<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let task = tokio::spawn(async move {
        let mut seen = Vec::new();
        for script in scripts {
            let (stream, _) = listener.accept().await.expect("a connection");
            seen.push(serve(stream, script).await);
        }
        seen
    });
    let url = format!("http://{address}/t/");
    (
        microsoft::provider(Some(&url)).expect("a loopback endpoint"),
        task,
    )
}

pub(super) async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, script: Script) -> Seen {
    let seen = read_request(&mut stream).await;
    match script {
        Script::Reply(bytes) => {
            // The client may hang up on an answer it finds too long.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Script::Silence => tokio::time::sleep(Duration::from_secs(5)).await,
        Script::Close => {}
    }
    seen
}

pub(super) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Seen {
    let mut bytes = Vec::new();
    let head_end = loop {
        let at = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(at) = at {
            break at + 4;
        }
        assert_ne!(
            stream.read_buf(&mut bytes).await.expect("readable"),
            0,
            "no whole head"
        );
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).expect("a head in ASCII");
    let length: usize = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")?
                .parse()
                .ok()
        })
        .expect("a length");
    while bytes.len() < head_end + length {
        assert_ne!(
            stream.read_buf(&mut bytes).await.expect("readable"),
            0,
            "no whole body"
        );
    }
    let form = url::form_urlencoded::parse(&bytes[head_end..])
        .into_owned()
        .collect();
    Seen { head, form }
}
