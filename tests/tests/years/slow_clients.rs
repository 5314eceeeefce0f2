//! Clients that hold connections and do next to nothing with them, beside one that works.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{Database, Described};
use tests::postern::{ADMIN_PASSWORD, Options, Postern};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

const IN_THE_HEAD: usize = 200;
const IN_THE_BODY: usize = 200;
const UNREADING: usize = 6;
/// What a client that does not read asks for: more than goes into the buffers on the way.
const LARGE: usize = 8 * 1024 * 1024;
/// Far more than any of them is given.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long a call of somebody else may take at the worst, on a machine that builds at the same time.
const SOON: Duration = Duration::from_secs(5);

/// Sends `start`, then a byte now and then, until the server hangs up; answers what it said and after how long.
async fn drip(postern: std::net::SocketAddr, start: String) -> (String, Duration) {
    let mut stream = TcpStream::connect(postern).await.unwrap();
    let begin = Instant::now();
    stream.write_all(start.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while begin.elapsed() < PATIENCE {
        match timeout(Duration::from_secs(1), stream.read(&mut buffer)).await {
            Err(_) => {
                if stream.write_all(b"x").await.is_err() {
                    break;
                }
            }
            Ok(Ok(0) | Err(_)) => break,
            Ok(Ok(count)) => answer.extend_from_slice(&buffer[..count]),
        }
    }
    let text = String::from_utf8_lossy(&answer).into_owned();
    (text, begin.elapsed())
}

/// Asks for something large and reads nothing but its beginning for a while. Answers how much came in all: what was on
/// the way comes, and then an end that is none.
async fn ignore(postern: std::net::SocketAddr, request: String, after: Duration) -> usize {
    let socket = TcpSocket::new_v4().unwrap();
    // Else a system with large buffers takes all of it for a client that reads nothing.
    socket.set_recv_buffer_size(64 * 1024).unwrap();
    let mut stream = socket.connect(postern).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut buffer = vec![0; 1024 * 1024];
    let mut read = stream.read(&mut buffer[..1024]).await.unwrap();
    tokio::time::sleep(after).await;
    while let Ok(Ok(count)) = timeout(SOON, stream.read(&mut buffer)).await {
        if count == 0 {
            break;
        }
        read += count;
    }
    read
}

fn post(path: &str, length: usize) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: postern.test\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_clients_are_hung_up_on_and_nobody_else_waits_for_them() {
    let lab = Described::from_env();
    let database = lab.databases.first().copied().unwrap_or(Database::Sqlite);
    let postern = Postern::start(&lab, &Options::on(database)).unwrap();
    let admin = postern.admin().await.unwrap();
    let file = json!({"name": "large", "datas": "A".repeat(LARGE)});
    let file = admin.create("ir.attachment", file).await.unwrap();
    let (address, before) = (postern.address(), postern.resident_memory());

    let (mut heads, mut bodies, mut readers) = (JoinSet::new(), JoinSet::new(), JoinSet::new());
    for _ in 0..IN_THE_HEAD {
        let start = "POST /jsonrpc HTTP/1.1\r\nHost: pos".to_owned();
        heads.spawn(drip(address, start));
    }
    for number in 0..IN_THE_BODY {
        // By each of the ways in that takes a body.
        let path = ["/jsonrpc", "/jsonrpc/2", "/web/session/authenticate"][number % 3];
        bodies.spawn(drip(address, post(path, 10_000)));
    }
    let read = json!({"jsonrpc": "2.0", "id": 1, "params": {"service": "object", "method": "execute_kw", "args": [
        postern.database_name(), admin.uid(), ADMIN_PASSWORD, "ir.attachment", "read", [[file], ["datas"]],
    ]}})
    .to_string();
    for _ in 0..UNREADING {
        let request = post("/jsonrpc", read.len()) + read.as_str();
        readers.spawn(ignore(address, request, Duration::from_secs(40)));
    }
    let over = Arc::new(AtomicBool::new(false));
    let working = tokio::spawn({
        let (admin, over) = (admin.clone(), Arc::clone(&over));
        async move {
            let (mut calls, mut slowest) = (0, Duration::ZERO);
            while !over.load(Ordering::Relaxed) {
                let begin = Instant::now();
                let count = admin.call("res.users", "search_count", json!([[]]));
                count.await.unwrap();
                slowest = slowest.max(begin.elapsed());
                calls += 1;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            (calls, slowest)
        }
    });
    let heads = ended(heads, "HTTP/1.1 408").await;
    let bodies = ended(bodies, "HTTP/1.1 408").await;
    while let Some(read) = readers.join_next().await {
        let read = read.unwrap();
        assert!(read < LARGE, "an answer that nobody read came whole");
    }
    over.store(true, Ordering::Relaxed);
    let (calls, slowest) = working.await.unwrap();
    assert!(slowest < SOON, "somebody else waited {slowest:?}");
    println!(
        "{IN_THE_HEAD} slow in the head were hung up on after {:.0} s, {IN_THE_BODY} in the body after {:.0} s, {UNREADING} that did not read \
         within 40 s; {calls} calls beside them, the slowest {slowest:.2?}; memory {} MiB, afterwards {} MiB",
        heads.as_secs_f64(),
        bodies.as_secs_f64(),
        before / 1024,
        postern.resident_memory() / 1024,
    );
}

/// Waits until all were hung up on, each with this answer; answers how long the last one held out.
async fn ended(mut clients: JoinSet<(String, Duration)>, wanted: &str) -> Duration {
    let mut longest = Duration::ZERO;
    while let Some(client) = clients.join_next().await {
        let (answer, took) = client.unwrap();
        assert!(answer.starts_with(wanted), "after {took:?}: {answer:?}");
        assert!(took < PATIENCE);
        longest = longest.max(took);
    }
    longest
}
