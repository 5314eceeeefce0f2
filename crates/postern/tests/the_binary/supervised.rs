//! A service under systemd: what it tells, and the unit that starts it.

use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::service::{PATIENCE, Service, directory, postern};

/// What the service tells next.
fn told(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 256];
    let length = socket.recv(&mut buffer).expect("it is told something");
    String::from_utf8_lossy(&buffer[..length]).trim().to_owned()
}

/// A service that is supervised, and the socket by which it tells.
fn supervised(test: &str) -> (Service, UnixDatagram) {
    let place = directory(test);
    let path = place.join("socket");
    let socket = UnixDatagram::bind(&path).expect("a socket with a short enough path");
    socket.set_read_timeout(Some(PATIENCE)).expect("a bound");
    let mut command = postern(&place);
    command
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "300000")
        .env_remove("WATCHDOG_PID");
    (Service::start(command), socket)
}

#[test]
fn systemd_is_told_when_it_is_ready_that_it_lives_and_when_it_stops() {
    let (service, socket) = supervised("notify");
    assert_eq!(told(&socket), "READY=1");
    assert_eq!(told(&socket), "WATCHDOG=1");
    assert_eq!(told(&socket), "WATCHDOG=1");
    service.signal(Signal::SIGTERM);
    while told(&socket) != "STOPPING=1" {}
}

#[test]
fn a_service_that_does_not_answer_itself_does_not_say_that_it_lives() {
    let (service, socket) = supervised("silent");
    while told(&socket) != "WATCHDOG=1" {}
    service.signal(Signal::SIGSTOP);
    // What it had sent before is read; then there is nothing.
    let a_while = Duration::from_secs(1);
    socket.set_read_timeout(Some(a_while)).expect("a bound");
    let mut buffer = [0; 256];
    let silence = loop {
        if let Err(error) = socket.recv(&mut buffer) {
            break error;
        }
    };
    assert_eq!(silence.kind(), ErrorKind::WouldBlock, "{silence}");
    service.signal(Signal::SIGCONT);
    socket.set_read_timeout(Some(PATIENCE)).expect("a bound");
    assert_eq!(told(&socket), "WATCHDOG=1");
}

#[test]
fn the_unit_is_one_that_systemd_takes() {
    let unit = include_str!("../../../../docs/deploy/postern.service");
    // systemd looks whether the program is there.
    let unit = unit.replace("/usr/local/bin/postern", env!("CARGO_BIN_EXE_postern"));
    let file = directory("unit").join("postern.service");
    std::fs::write(&file, unit).expect("a file");
    let verified = Command::new("systemd-analyze")
        .arg("verify")
        .arg(&file)
        .output();
    match verified {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            println!("not run: there is no systemd-analyze");
        }
        verified => {
            let verified = verified.expect("systemd-analyze can be started");
            let said = String::from_utf8_lossy(&verified.stderr);
            // What it cannot read it tells and passes over, with status 0.
            assert!(verified.status.success() && said.is_empty(), "{said}");
        }
    }
}
