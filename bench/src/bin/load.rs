//! Calls one address again and again over kept connections and tells how long the answers took:
//! the load of `cargo xtask bench`, a program of its own so that it is built with optimisations.
//!
//! One thread a connection and no runtime: what the load costs is taken from what the servers get.
//! Reads a [`Task`] as JSON from its input and writes a [`Figures`] to its output.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

/// What is to be called.
#[derive(Deserialize)]
struct Task {
    address: SocketAddr,
    /// The request with its head and body, as it goes over the wire.
    request: String,
    connections: usize,
    /// How long calls are made before they are counted, in seconds.
    warm_up: f64,
    /// How long calls are counted, in seconds.
    seconds: f64,
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let task: Task = serde_json::from_reader(std::io::stdin())?;
    let begin = Instant::now() + Duration::from_secs_f64(task.warm_up);
    let end = begin + Duration::from_secs_f64(task.seconds);
    let taken: Result<Vec<Vec<u32>>, Failure> = thread::scope(|threads| {
        let workers: Vec<_> = (0..task.connections)
            .map(|_| threads.spawn(|| work(&task, begin, end)))
            .collect();
        workers
            .into_iter()
            .map(|worker| {
                worker
                    .join()
                    .unwrap_or_else(|_| Err("a thread broke".into()))
            })
            .collect()
    });
    let taken: Vec<u32> = taken?.concat();
    println!(
        "{}",
        json!({"seconds": task.seconds, "microseconds": taken})
    );
    Ok(())
}

/// Calls until the end; the microseconds of each call that was answered within the time that counts.
fn work(task: &Task, begin: Instant, end: Instant) -> Result<Vec<u32>, Failure> {
    let mut stream = TcpStream::connect(task.address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut taken = Vec::with_capacity(64 * 1024);
    let mut answer = vec![0; 1024 * 1024];
    loop {
        let sent = Instant::now();
        stream.write_all(task.request.as_bytes())?;
        receive(&mut stream, &mut answer)?;
        let done = Instant::now();
        if done > end {
            return Ok(taken);
        }
        if sent >= begin {
            taken.push(u32::try_from((done - sent).as_micros()).unwrap_or(u32::MAX));
        }
    }
}

/// Reads one answer to its end; a fault is an error, so that nobody measures refusals.
fn receive(stream: &mut TcpStream, answer: &mut [u8]) -> Result<(), Failure> {
    let mut read = 0;
    let mut whole = None;
    while whole.is_none_or(|whole| read < whole) {
        let count = stream.read(&mut answer[read..])?;
        if count == 0 {
            return Err("the server closed the connection, or its answer is too long".into());
        }
        read += count;
        if whole.is_none() {
            whole = length(&answer[..read])?;
        }
    }
    Ok(())
}

/// The length of an answer with its head, once the head is complete.
fn length(read: &[u8]) -> Result<Option<usize>, Failure> {
    let Some(head) = read.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&read[..head])?;
    if !text.starts_with("HTTP/1.1 200") {
        return Err(format!("the server answers {text}").into());
    }
    let body = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let body = body.ok_or("an answer without its length")?;
    if read[head..].starts_with(b"\r\n\r\n{\"jsonrpc\":\"2.0\",\"id\":1,\"error\"") {
        return Err("the server refuses the call".into());
    }
    Ok(Some(head + 4 + body))
}
