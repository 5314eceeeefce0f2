//! Servers as child processes: logs in files, own process group, stopped when dropped.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill, killpg},
    unistd::Pid,
};

use super::{
    error::{Doing, LabError, tail},
    watchdog::Watchdog,
};

/// How long a server may take to its first words; a cold Postfix on a busy machine needs several seconds.
const START: Duration = Duration::from_secs(60);

/// How long a server may take to end before it is killed; Dovecot needs about three seconds.
const STOP: Duration = Duration::from_secs(8);

/// A running server.
#[derive(Debug)]
pub struct Server {
    name: String,
    child: Child,
    log: PathBuf,
    stop: Signal,
    watchdog: Arc<Watchdog>,
    pid_file: Option<PathBuf>,
    session: Option<Pid>,
    asked: bool,
}

impl Server {
    /// Starts `command` in a process group of its own, its output going to `log`.
    ///
    /// `stop` is the signal on which this server ends cleanly and soon.
    pub fn start(
        name: &str,
        mut command: Command,
        log: &Path,
        stop: Signal,
        watchdog: &Arc<Watchdog>,
    ) -> Result<Self, LabError> {
        // A file, not a pipe: a server's grandchildren would keep a pipe open for ever.
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .doing(format_args!("opening {}", log.display()))?;
        let err = out
            .try_clone()
            .doing(format_args!("opening {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .process_group(0)
            .spawn()
            .doing(format_args!("starting {name}"))?;
        let server = Self {
            name: name.to_owned(),
            child,
            log: log.to_owned(),
            stop,
            watchdog: Arc::clone(watchdog),
            pid_file: None,
            session: None,
            asked: false,
        };
        watchdog.watch(server.group().as_raw(), stop);
        Ok(server)
    }

    /// Says that the process we start is only the parent of the real server, which makes a session
    /// of its own and writes its process id into this file.
    pub fn leads_to(&mut self, pid_file: PathBuf) {
        self.pid_file = Some(pid_file);
    }

    /// Waits until `ready` is true; fails with the log's end when the server ends or stays silent.
    pub fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), LabError> {
        let begin = Instant::now();
        loop {
            self.look_for_session();
            if ready() {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(self.failed(format!("it ended with {status}")));
            }
            if begin.elapsed() > START {
                return Err(self.failed(format!("not ready after {} s", START.as_secs())));
            }
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// The number of the process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Sends the stop signal once, without waiting, so that several servers end at the same time.
    pub fn ask_to_stop(&mut self) {
        self.look_for_session();
        if !self.asked && self.is_running() {
            // The parent of a session sees its child end, and then ends itself.
            let _ = killpg(self.session.unwrap_or(self.group()), self.stop);
        }
        self.asked = true;
    }

    /// Sends its first process another signal than its own, and waits until that has ended.
    pub fn end_by(&mut self, signal: Signal) -> Result<(), LabError> {
        let begin = Instant::now();
        let _ = kill(self.group(), signal);
        while self.is_running() {
            if begin.elapsed() > START {
                return Err(self.failed(format!("{signal} does not end it")));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn look_for_session(&mut self) {
        if self.session.is_none()
            && let Some(file) = &self.pid_file
            && let Ok(text) = std::fs::read_to_string(file)
            && let Ok(number) = text.trim().parse()
        {
            self.session = Some(Pid::from_raw(number));
            self.watchdog.watch(number, self.stop);
        }
    }

    fn group(&self) -> Pid {
        // A process id always fits: Linux counts to 2^22 at most.
        Pid::from_raw(i32::try_from(self.child.id()).unwrap_or(i32::MAX))
    }

    fn failed(&self, reason: String) -> LabError {
        LabError::Start {
            server: self.name.clone(),
            reason,
            log: tail(&self.log, 15),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.ask_to_stop();
        let begin = Instant::now();
        while self.is_running() && begin.elapsed() < STOP {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Whoever is left, the server itself or a child that missed its end.
        for group in [Some(self.group()), self.session].into_iter().flatten() {
            let _ = killpg(group, Signal::SIGKILL);
            self.watchdog.forget(group.as_raw());
        }
        let _ = self.child.wait();
    }
}

/// Whether a server on 127.0.0.1 greets with `greeting` first, as SMTP, IMAP and POP3 servers do.
#[must_use]
pub fn greets(port: u16, greeting: &str) -> bool {
    let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else {
        return false;
    };
    if stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .is_err()
    {
        return false;
    }
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let greeted = stream
        .by_ref()
        .take(1024)
        .read_line(&mut line)
        .is_ok_and(|_| line.starts_with(greeting));
    // A polite end keeps `lost connection` out of the server's log.
    let _ = stream.get_mut().write_all(match greeting {
        "* OK" => b"a LOGOUT\r\n".as_slice(),
        _ => b"QUIT\r\n".as_slice(),
    });
    greeted
}

/// Runs a helper program to its end; fails with what it printed.
pub fn run(command: &mut Command) -> Result<String, LabError> {
    let program = format!("{command:?}");
    let output = command
        .stdin(Stdio::null())
        .output()
        .doing(format_args!("running {program}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Err(LabError::Program {
        program,
        output: text.trim().to_owned(),
    })
}
