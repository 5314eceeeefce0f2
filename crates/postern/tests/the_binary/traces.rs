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

#[test]
fn calls_are_traced_for_a_collector_that_is_named_and_carry_no_secret() {
    let place = directory("traces");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let collector = format!("http://{}", listener.local_addr().expect("an address"));
    let (ended, until) = std::sync::mpsc::channel();
    let collected = thread::spawn(move || collect(listener, &until));

    let mut command = postern(&place);
    command
        .env("POSTERN_ADMIN_PASSWORD", "the first password")
        .env("POSTERN_OTLP_ENDPOINT", &collector);
    let service = Service::start(command);
    let args = r#"["postern", 2, "the first password", "ir.mail_server", "search_count", [[]]]"#;
    let call =
        format!(r#"{{"params": {{"service": "object", "method": "execute_kw", "args": {args}}}}}"#);
    assert!(service.post("/jsonrpc", &call).contains("\"result\":0"));
    service.end(Signal::SIGTERM);
    ended.send(()).expect("the collector waits");

    let told = collected.join().expect("the collector ends");
    assert!(told.contains("POST /v1/traces"), "{told}");
    for word in [
        "postern",
        "request",
        "/jsonrpc",
        "ir.mail_server.search_count",
    ] {
        assert!(told.contains(word), "{word} is missing: {told}");
    }
    assert!(!told.contains("the first password"));

    let output = postern(&place)
        .args(["--otlp-endpoint", "collector:4318"])
        .output()
        .expect("the binary can be started");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        said.contains("--otlp-endpoint") && said.contains("http://127.0.0.1:4318"),
        "{said}"
    );
}
