//! The real binary as a process: what it prints, how it stops, and what it refuses.

mod progress;
mod refusals;
mod service;
mod supervised;
mod tasks;
mod traces;

use std::os::unix::fs::PermissionsExt;

use nix::sys::signal::Signal;

use service::{Service, directory, password_in, postern};

#[test]
fn it_starts_without_settings_answers_and_ends_cleanly_by_sigterm() {
    let directory = directory("plain");
    let service = Service::start(postern(&directory));
    assert!(!service.address().ends_with(":0"), "{}", service.banner);
    let answer = service.get("/web/health");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let file = directory.join("postern.sqlite");
    let mode = std::fs::metadata(&file)
        .expect("the database")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600, "others can read the database");
    let (status, printed) = service.end(Signal::SIGTERM);
    assert_eq!(status.code(), Some(0));
    assert!(printed.contains(&file.display().to_string()), "{printed}");
    let password = password_in(&printed).expect("the first start prints a password");
    assert!(password.len() >= 20, "{printed}");
}

#[test]
fn it_ends_cleanly_by_ctrl_c() {
    let service = Service::start(postern(&directory("interrupt")));
    assert_eq!(service.end(Signal::SIGINT).0.code(), Some(0));
}

#[test]
fn the_second_start_prints_no_password() {
    let directory = directory("second");
    let (_, first) = Service::start(postern(&directory)).end(Signal::SIGTERM);
    assert!(password_in(&first).is_some(), "{first}");
    let (status, second) = Service::start(postern(&directory)).end(Signal::SIGTERM);
    assert_eq!(status.code(), Some(0));
    assert_eq!(password_in(&second), None, "{second}");
}

#[test]
fn a_given_password_is_taken_and_not_printed() {
    let mut command = postern(&directory("given"));
    command.env("POSTERN_ADMIN_PASSWORD", "correct-horse-battery");
    command.arg("--no-jobs");
    let (_, printed) = Service::start(command).end(Signal::SIGTERM);
    assert!(printed.contains("POSTERN_ADMIN_PASSWORD"), "{printed}");
    assert!(!printed.contains("correct-horse-battery"), "{printed}");
    assert!(printed.contains("jobs"), "{printed}");
}

#[test]
fn health_tells_a_service_from_its_absence() {
    let directory = directory("health");
    let service = Service::start(postern(&directory));
    let health = |address: &str| {
        postern(&directory)
            .args(["health", "--listen", address])
            .output()
            .expect("the binary can be started")
    };
    let address = service.address();
    let well = health(&address);
    assert_eq!(well.status.code(), Some(0), "{well:?}");
    service.end(Signal::SIGTERM);
    assert_eq!(health(&address).status.code(), Some(1));
}

#[test]
fn the_log_names_the_path_of_a_request_and_never_its_query() {
    let directory = directory("log");
    let log = std::fs::File::create(directory.join("log")).expect("a file");
    let mut command = postern(&directory);
    command
        .args(["--log", "trace", "--log-format", "json"])
        .stderr(log);
    let service = Service::start(command);
    service.get("/microsoft_outlook/confirm?code=hidden-code&state=hidden-state");
    service.end(Signal::SIGTERM);
    let log = std::fs::read_to_string(directory.join("log")).expect("the log");
    let line = log
        .lines()
        .find(|line| line.contains("/microsoft_outlook/confirm"))
        .expect("the request is logged");
    assert!(line.contains(r#""status":"#), "{line}");
    assert!(!log.contains("hidden-"), "{log}");
}
