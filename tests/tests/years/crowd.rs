//! A thousand clients that are connected and silent, and two hundred that work, at once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::lab::{Database, Described};
use tests::postern::{ADMIN_PASSWORD, Options, Postern};
use tests::rpc_client::Rpc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

const IDLE: usize = 1000;
const AT_WORK: usize = 200;
/// Names how many calls each of those at work makes.
const CALLS_VARIABLE: &str = "POSTERN_CROWD_CALLS";
const CALLS: usize = 5;

/// Somebody who asks who they are, is silent for long, and asks again; on a new connection if theirs was closed.
struct Silent {
    stream: TcpStream,
    request: Arc<str>,
}

impl Silent {
    async fn connect(postern: &Postern, request: &Arc<str>) -> Self {
        let stream = TcpStream::connect(postern.address()).await.unwrap();
        let mut silent = Self {
            stream,
            request: Arc::clone(request),
        };
        assert!(silent.ask().await, "the first call has to be answered");
        silent
    }

    async fn ask_again(&mut self, postern: &Postern) {
        if !self.ask().await {
            self.stream = TcpStream::connect(postern.address()).await.unwrap();
            assert!(
                self.ask().await,
                "a call on a new connection was not answered"
            );
        }
    }

    /// Whether an answer came; none when the server has closed the connection meanwhile.
    async fn ask(&mut self) -> bool {
        let request = Arc::clone(&self.request);
        if self.stream.write_all(request.as_bytes()).await.is_err() {
            return false;
        }
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer).await {
                Ok(0) | Err(_) if answer.is_empty() => return false,
                Ok(0) | Err(_) => panic!("half an answer: {}", String::from_utf8_lossy(&answer)),
                Ok(count) => answer.extend_from_slice(&buffer[..count]),
            }
            let text = String::from_utf8_lossy(&answer);
            if text.contains(r#""result":[{"id":2,"login":"admin"}]"#) {
                return true;
            }
            assert!(!text.contains("error"), "{text}");
        }
    }
}

/// The request of a silent client, with its credentials.
fn who_am_i(postern: &Postern, uid: i64) -> Arc<str> {
    let call = json!({"jsonrpc": "2.0", "id": 1, "params": {"service": "object", "method": "execute_kw", "args": [
        postern.database_name(), uid, ADMIN_PASSWORD, "res.users", "read", [[uid], ["login"]],
    ]}})
    .to_string();
    format!(
        "POST /jsonrpc HTTP/1.1\r\nHost: postern.test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{call}",
        call.len()
    )
    .into()
}

/// One of those at work: what it reads and writes; every third call writes.
async fn work(rpc: Rpc, uid: i64, number: usize, calls: usize) -> Vec<Duration> {
    let who = (uid, ADMIN_PASSWORD);
    let call = |model, method, args: Value| rpc.execute_kw(who, model, method, args, json!({}));
    let own = call(
        "res.partner",
        "create",
        json!([{"name": format!("Number {number}")}]),
    );
    let own = own.await.unwrap();
    let mut taken = Vec::with_capacity(calls);
    for round in 0..calls {
        let begin = Instant::now();
        match round % 3 {
            0 => {
                let city = json!([[own], {"city": format!("{number}.{round}")}]);
                assert_eq!(call("res.partner", "write", city).await.unwrap(), true);
            }
            1 => {
                let rows = call("res.partner", "read", json!([[own], ["city"]]));
                let city = format!("{number}.{}", round - 1);
                assert_eq!(rows.await.unwrap()[0]["city"], city);
            }
            _ => {
                let domain = json!([[["id", "=", own]], ["name"]]);
                let rows = call("res.partner", "search_read", domain).await.unwrap();
                assert_eq!(rows[0]["name"], format!("Number {number}"));
            }
        }
        taken.push(begin.elapsed());
    }
    taken
}

async fn crowd(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let calls = std::env::var(CALLS_VARIABLE).map_or(CALLS, |text| text.parse().unwrap());
    let postern = Postern::start(&lab, &Options::on(database)).unwrap();
    let uid = postern.admin().await.unwrap().uid();
    let empty = postern.resident_memory();
    let request = who_am_i(&postern, uid);
    let mut idle = Vec::with_capacity(IDLE);
    for _ in 0..IDLE {
        idle.push(Silent::connect(&postern, &request).await);
    }
    let with_idle = postern.resident_memory();

    // One client for all, which opens as many connections as there are calls under way.
    let rpc = Rpc::anonymous(&postern.base_url(), postern.database_name());
    let begin = Instant::now();
    let mut working = JoinSet::new();
    for number in 0..AT_WORK {
        working.spawn(work(rpc.clone(), uid, number, calls));
    }
    let mut taken = Vec::new();
    while let Some(ended) = working.join_next().await {
        taken.extend(ended.unwrap());
    }
    let seconds = begin.elapsed().as_secs_f64();
    let at_work = postern.resident_memory();
    for silent in &mut idle {
        silent.ask_again(&postern).await;
    }
    taken.sort_unstable();
    println!(
        "{database}: {AT_WORK} at work beside {IDLE} idle: {} calls in {seconds:.1} s ({:.0}/s) without an error, median {:.2?}, slowest {:.2?}; \
         memory {} MiB empty, {} MiB with the idle, {} MiB after the work",
        taken.len(),
        taken.len() as f64 / seconds,
        taken[taken.len() / 2],
        taken[taken.len() - 1],
        empty / 1024,
        with_idle / 1024,
        at_work / 1024,
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_work_beside_a_thousand_idle_without_an_error_on_sqlite() {
    crowd(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_work_beside_a_thousand_idle_without_an_error_on_postgresql() {
    crowd(Database::Postgres).await;
}
