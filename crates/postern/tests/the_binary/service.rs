//! A binary that runs, with a directory of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// A generous bound for a start or a stop on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A directory of its own for one test, empty at the beginning.
pub fn directory(test: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = std::fs::remove_dir_all(&directory);
    std::fs::create_dir_all(&directory).expect("cargo's directory for tests is writable");
    directory
}

/// The binary with nothing of this environment's settings.
pub fn postern(directory: &PathBuf) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postern"));
    command.current_dir(directory).env_remove("DATABASE_URL");
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("POSTERN_") {
            command.env_remove(name);
        }
    }
    command
}

/// A service that runs, and what it has printed so far.
pub struct Service {
    child: Child,
    output: BufReader<ChildStdout>,
    pub banner: String,
}

impl Service {
    /// Starts the binary on a free port and reads its banner.
    pub fn start(mut command: Command) -> Service {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the binary can be started");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut banner = String::new();
        // The login is said by each start, with at most two lines about the password behind it,
        // which the rest of the output shows once the service has ended.
        while !banner.contains("login") {
            let read = output.read_line(&mut banner).expect("text");
            assert!(read > 0, "the service ended before it was ready: {banner}");
        }
        Service {
            child,
            output,
            banner,
        }
    }

    pub fn address(&self) -> String {
        let (_, rest) = self.banner.split_once("http://").expect("an address");
        rest.split_whitespace()
            .next()
            .expect("an address")
            .to_owned()
    }

    pub fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        write!(
            stream,
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    pub fn post(&self, path: &str, json: &str) -> String {
        self.post_with(path, "", json)
    }

    /// Posts with these lines of the header beside the usual ones, each with its line end.
    pub fn post_with(&self, path: &str, lines: &str, json: &str) -> String {
        let mut stream = TcpStream::connect(self.address()).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{lines}\r\n{json}",
            json.len()
        )
        .expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        answer
    }

    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).expect("a process id");
        kill(Pid::from_raw(id), signal).expect("it runs");
    }

    /// Ends the service by `signal`; how it ended, and all that it printed.
    pub fn end(mut self, signal: Signal) -> (ExitStatus, String) {
        self.signal(signal);
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(begin.elapsed() < PATIENCE, "{signal} does not end it");
            thread::sleep(Duration::from_millis(20));
        };
        let mut printed = self.banner.clone();
        self.output.read_to_string(&mut printed).expect("text");
        (status, printed)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn password_in(printed: &str) -> Option<&str> {
    let (_, rest) = printed.split_once("password")?;
    rest.split_whitespace().next()
}
