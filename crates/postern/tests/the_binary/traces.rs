//! Traces, as a collector gets them.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::service::{PATIENCE, Service, directory, postern};

/// What a collector is sent until the service has ended: the heads and bodies of all requests, as far as they are text.
fn collect(listener: TcpListener, until: &std::sync::mpsc::Receiver<()>) -> String {
    listener.set_nonblocking(true).expect("it can be asked");
    let mut all = String::new();
    while until.try_recv().is_err() {
        let Ok((mut stream, _)) = listener.accept() else {
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        stream.set_nonblocking(false).expect("it can wait");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        let mut received = Vec::new();
        let mut some = [0; 4096];
        loop {
            let text = String::from_utf8_lossy(&received).to_ascii_lowercase();
            let head = text.find("\r\n\r\n").map(|end| end + 4);
            let length = text
                .split_once("content-length: ")
                .and_then(|(_, rest)| rest.split("\r\n").next()?.parse::<usize>().ok());
            // What is no text may be longer when it is shown; the head is all ASCII.
            if let (Some(head), Some(length)) = (head, length)
                && received.len() >= head + length
            {
                break;
            }
            match stream.read(&mut some).expect("it sends") {
                0 => break,
                read => received.extend_from_slice(&some[..read]),
            }
        }
        let answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        stream.write_all(answer.as_bytes()).expect("it reads");
        all.push_str(&String::from_utf8_lossy(&received));
    }
    all
}

/// What a collector got in the time of `work`, which is given a service that sends its traces there.
fn traced(test: &str, work: impl FnOnce(&Service)) -> String {
    let place = directory(test);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let collector = format!("http://{}", listener.local_addr().expect("an address"));
    let (ended, until) = std::sync::mpsc::channel();
    let collected = thread::spawn(move || collect(listener, &until));
    let mut command = postern(&place);
    command
        .env("POSTERN_ADMIN_PASSWORD", "the first password")
        .env("POSTERN_OTLP_ENDPOINT", &collector);
    let service = Service::start(command);
    work(&service);
    service.end(Signal::SIGTERM);
    ended.send(()).expect("the collector waits");
    let told = collected.join().expect("the collector ends");
    assert!(told.contains("POST /v1/traces"), "{told}");
    told
}

/// The call that counts the records of a model.
fn counting(model: &str) -> String {
    let args = format!(r#"["postern", 2, "the first password", "{model}", "search_count", [[]]]"#);
    format!(r#"{{"params": {{"service": "object", "method": "execute_kw", "args": {args}}}}}"#)
}

#[test]
fn calls_are_traced_for_a_collector_that_is_named_and_carry_no_secret() {
    let told = traced("traces", |service| {
        let answer = service.post("/jsonrpc", &counting("ir.mail_server"));
        assert!(answer.contains("\"result\":0"), "{answer}");
    });
    for word in [
        "postern",
        "request",
        "/jsonrpc",
        "ir.mail_server.search_count",
    ] {
        assert!(told.contains(word), "{word} is missing: {told}");
    }
    assert!(!told.contains("the first password"));
}

#[test]
fn a_trace_of_the_caller_is_continued_as_far_as_it_is_sampled() {
    // Ids are bytes, and these are letters, which can be found in what the collector gets.
    let header = |trace: &[u8; 16], sampled: &str| {
        let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
        format!(
            "Traceparent: 00-{}-{}-{sampled}\r\n",
            hex(trace),
            hex(b"a-caller")
        )
    };
    let told = traced("continued", |service| {
        for (lines, model) in [
            (header(b"trace-of-caller!", "01"), "ir.mail_server"),
            (header(b"is-not-sampled!!", "00"), "fetchmail.server"),
            (header(b"flags-are-wrong!", "x1"), "mail.mail"),
        ] {
            let answer = service.post_with("/jsonrpc", &lines, &counting(model));
            assert!(answer.contains("\"result\":0"), "{answer}");
        }
    });
    for word in [
        "trace-of-caller!",
        "a-caller",
        "ir.mail_server.search_count",
        "mail.mail.search_count",
    ] {
        assert!(told.contains(word), "{word} is missing: {told}");
    }
    for word in [
        "is-not-sampled!!",
        "fetchmail.server.search_count",
        "flags-are-wrong!",
    ] {
        assert!(!told.contains(word), "{word} was sent: {told}");
    }
}

#[test]
fn a_collector_without_a_scheme_is_refused() {
    let output = postern(&directory("no_collector"))
        .args(["--otlp-endpoint", "collector:4318"])
        .output()
        .expect("the binary can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("--otlp-endpoint") && said.contains("http://127.0.0.1:4318"),
        "{said}"
    );
}
