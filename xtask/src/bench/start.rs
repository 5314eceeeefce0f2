//! `cargo xtask bench start`: how long a start takes until the first answer, what an idle Postern holds, and how large the
//! program is.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use ::tests::lab::{Scratch, ports};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::measure::{median, resident_memory};
use crate::{Failure, interrupt::Interrupt};

const ROUNDS: usize = 9;
/// How long it stands idle before its memory is looked at.
const IDLE: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(30);

/// Measures and prints.
pub fn run(postern: &Path, interrupt: &Interrupt) -> Result<(), Failure> {
    let scratch = Scratch::create(false)?;
    // The first start makes the database, which is not what is measured.
    let first = Running::start(postern, scratch.path())?;
    let made = first.answered;
    drop(first);
    let (mut starts, mut idle) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        interrupt.check()?;
        let running = Running::start(postern, scratch.path())?;
        starts.push(running.answered.as_secs_f64() * 1000.0);
        thread::sleep(IDLE);
        let kibibytes = resident_memory(running.child.id()).unwrap_or_default();
        idle.push(kibibytes as f64 / 1024.0);
    }
    let megabytes = fs::metadata(postern)?.len() as f64 / 1_000_000.0;
    println!("medians of {ROUNDS} starts on an existing SQLite database\n");
    println!("{:<34} {:>9} {:>9}", "", "measured", "wanted");
    let line = |name: &str, value: f64, wanted: u32, unit: &str| {
        println!("{name:<34} {value:>6.1} {unit:<2} {wanted:>6} {unit}");
    };
    line("start to the first answer", median(starts), 150, "ms");
    line("idle memory", median(idle), 40, "MB");
    line("the program", megabytes, 40, "MB");
    println!(
        "{:<34} {:>6.0} ms",
        "the very first start",
        made.as_secs_f64() * 1000.0
    );
    Ok(())
}

/// A Postern that has answered; it ends when dropped.
struct Running {
    child: Child,
    answered: Duration,
}

impl Running {
    fn start(postern: &Path, folder: &Path) -> Result<Running, Failure> {
        let port = ports::free()?;
        let begin = Instant::now();
        let child = Command::new(postern)
            .args(["--listen", &format!("127.0.0.1:{port}"), "--log", "off"])
            .current_dir(folder)
            .env_remove("DATABASE_URL")
            .env("POSTERN_ADMIN_PASSWORD", super::servers::PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut running = Running {
            child,
            answered: Duration::ZERO,
        };
        while !answers(port) {
            if begin.elapsed() > PATIENCE {
                return Err("it does not answer".into());
            }
            thread::sleep(Duration::from_millis(1));
        }
        running.answered = begin.elapsed();
        Ok(running)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = self.child.wait();
    }
}

fn answers(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream
            .write_all(b"GET /web/health?db=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}
