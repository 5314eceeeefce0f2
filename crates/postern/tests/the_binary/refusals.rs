//! Starts that end at once: settings that cannot be used, places that are not there, and the help.

use std::net::TcpListener;
use std::process::{Command, Output, Stdio};

use crate::service::{directory, postern};

/// Runs the binary to its end, which has to come by itself.
fn refused(test: &str, prepare: impl FnOnce(&mut Command)) -> Output {
    let directory = directory(test);
    let mut command = postern(&directory);
    prepare(&mut command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .expect("the binary can be started");
    let left: Vec<_> = std::fs::read_dir(&directory)
        .expect("the directory")
        .collect();
    assert!(
        left.is_empty(),
        "a refused start leaves files behind: {left:?}"
    );
    output
}

#[track_caller]
fn assert_refusal(output: &Output, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is missing in: {text}");
    }
}

#[test]
fn a_wrong_value_ends_the_start_with_status_2_and_a_sentence() {
    let output = refused("wrong_flag", |command| {
        command.args(["--listen", "everywhere"]);
    });
    assert_refusal(&output, &["--listen", "\"everywhere\"", "127.0.0.1:8069"]);
    let output = refused("wrong_variable", |command| {
        command.env("POSTERN_WORKERS", "none");
    });
    assert_refusal(
        &output,
        &["--workers", "POSTERN_WORKERS", "\"none\"", "from 1"],
    );
    let output = refused("wrong_database", |command| {
        command.env("DATABASE_URL", "mysql://me:hidden@db/mail");
    });
    assert_refusal(&output, &["--database-url", "\"mysql\"", "postgres://"]);
    assert!(!String::from_utf8_lossy(&output.stderr).contains("hidden"));
    let output = refused("unknown_flag", |command| {
        command.arg("--colour");
    });
    assert_refusal(&output, &["--colour"]);
}

#[test]
fn a_taken_address_ends_the_start_before_anything_is_made() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("an address").to_string();
    let output = refused("taken", |command| {
        command.args(["--listen", &address]);
    });
    assert_refusal(&output, &["--listen", &address, "listens there already"]);
}

#[test]
fn a_file_in_a_directory_that_does_not_exist_is_refused() {
    let output = refused("no_directory", |command| {
        command.args([
            "--listen",
            "127.0.0.1:0",
            "--database-url",
            "sqlite://none/a.sqlite",
        ]);
    });
    assert_refusal(&output, &["--database-url", "none/a.sqlite", "directory"]);
}

#[test]
fn a_database_server_that_is_not_there_ends_the_start_with_status_1_and_without_the_password() {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = free.local_addr().expect("an address").port();
    drop(free);
    let output = refused("no_server", |command| {
        command.args(["--listen", "127.0.0.1:0"]).env(
            "POSTERN_DATABASE_URL",
            format!("postgres://me:hidden@127.0.0.1:{port}/mail"),
        );
    });
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains(&format!("PostgreSQL at 127.0.0.1:{port}/mail")),
        "{text}"
    );
    assert!(!text.contains("hidden"), "{text}");
}

#[test]
fn help_tells_the_defaults_the_variables_and_the_exit_statuses() {
    let output = refused("help", |command| {
        command.arg("--help");
    });
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8_lossy(&output.stdout);
    for part in [
        "--database-url",
        "sqlite://postern.sqlite",
        "POSTERN_LISTEN",
        "127.0.0.1:8069",
        "--no-jobs",
        "--tls-ca",
        "POSTERN_ADMIN_PASSWORD",
        "SIGTERM",
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
}
