//! Long work tells a person at a terminal how far it is, and nobody else.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::thread;

use nix::pty::{Winsize, openpty};
use nix::sys::signal::Signal;

use crate::service::{Service, directory, postern};

const OLD_KEY: &str = "old:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";
const BOTH_KEYS: &str = "new:r6+vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr6+vr68=\nold:q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=";

/// Runs the binary to its end with a terminal in place of standard error, and gives what stood there.
fn at_terminal(place: &PathBuf, arguments: &[&str]) -> (Output, String) {
    let size = Winsize {
        ws_row: 24,
        ws_col: 80,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    let terminal = openpty(Some(&size), None).expect("a terminal");
    let mut shown = File::from(terminal.master);
    let reader = thread::spawn(move || {
        let mut text = Vec::new();
        let mut some = [0; 4096];
        // At the end of the program the terminal ends, with an error on Linux.
        while let Ok(read @ 1..) = shown.read(&mut some) {
            text.extend_from_slice(&some[..read]);
        }
        String::from_utf8_lossy(&text).into_owned()
    });
    let output = {
        let mut command = postern(place);
        command
            .args(arguments)
            .env("POSTERN_VAULT_KEY", BOTH_KEYS)
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::from(terminal.slave));
        let child = command.spawn().expect("the binary can be started");
        // The other end of the terminal is closed with the command.
        drop(command);
        child.wait_with_output().expect("it ends")
    };
    (output, reader.join().expect("it is read"))
}

/// A service with one outgoing server, whose password is sealed with the old key.
fn with_a_secret(place: &PathBuf) -> Service {
    let mut command = postern(place);
    command
        .env("POSTERN_ADMIN_PASSWORD", "the first password")
        .env("POSTERN_VAULT_KEY", OLD_KEY)
        .arg("--no-jobs");
    let service = Service::start(command);
    let server = r#"{"name": "One", "smtp_host": "127.0.0.1", "smtp_user": "u", "smtp_pass": "p"}"#;
    let args =
        format!(r#"["postern", 2, "the first password", "ir.mail_server", "create", [{server}]]"#);
    let call =
        format!(r#"{{"params": {{"service": "object", "method": "execute_kw", "args": {args}}}}}"#);
    let answer = service.post("/jsonrpc", &call);
    assert!(answer.contains("\"result\":1"), "{answer}");
    service
}

#[test]
fn a_terminal_shows_how_far_long_work_is_and_is_clean_afterwards() {
    let place = directory("progress");
    let service = with_a_secret(&place);
    let (output, shown) = at_terminal(&place, &["vault", "rotate"]);
    assert!(output.status.success(), "{shown}");
    let (before, _) = shown.split_once("Sealing secrets").expect("it is named");
    assert!(!before.contains('░'), "a bar without a name: {shown:?}");
    assert!(shown.contains("0/1") || shown.contains("1/1"), "{shown:?}");
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(printed, "1 secrets were sealed anew.\n");
    // The last that a terminal is told of a bar is to clear its line.
    let (_, last) = shown.rsplit_once("\u{1b}[2K").expect("a line is cleared");
    assert!(!last.contains("Sealing"), "{shown:?}");

    let (output, shown) = at_terminal(&place, &["doctor"]);
    assert_eq!(output.status.code(), Some(1), "nobody answers there");
    assert!(shown.contains("Examining servers"), "{shown:?}");
    let (output, shown) = at_terminal(&place, &["doctor", "--json"]);
    assert!(!shown.contains("Examining"), "{shown:?}");
    let checks: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(checks.is_array());
    service.end(Signal::SIGTERM);
}

#[test]
fn without_a_terminal_nothing_is_said_of_how_far_work_is() {
    let place = directory("no_progress");
    let service = with_a_secret(&place);
    for arguments in [["vault", "rotate"].as_slice(), &["doctor"]] {
        let output = postern(&place)
            .args(arguments)
            .env("POSTERN_VAULT_KEY", BOTH_KEYS)
            .env("TERM", "xterm")
            .output()
            .expect("the binary can be started");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!said.contains('\u{1b}'), "{said:?}");
        for work in ["Sealing", "Examining"] {
            assert!(!said.contains(work), "{said:?}");
        }
    }
    service.end(Signal::SIGTERM);
}
