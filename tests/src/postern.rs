//! A Postern under test: the real binary as a process of its own, on a fresh database and a free port.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::lab::{Database, Described, LabError, postern_binary};
use crate::rpc_client::{Rpc, RpcError};

/// The administrator's login.
pub const ADMIN: &str = "admin";

/// The administrator's password of every Postern under test.
pub const ADMIN_PASSWORD: &str = "correct-horse-battery";

/// A free port of the loopback.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A generous bound for a start or a stop on a busy machine.
const PATIENCE: Duration = Duration::from_secs(90);

/// What Postern is to be like.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the data is.
    pub database: Database,
    /// A database that is there already and stays, instead of a fresh one.
    pub existing: Option<String>,
    /// Whether the queue, fetching and schedules run by themselves.
    pub jobs: bool,
    /// The authority to trust in place of the lab's.
    pub authority: Option<PathBuf>,
    /// What is started in place of the program, and becomes it.
    pub program: Option<PathBuf>,
    /// More settings, by the names of their variables.
    pub variables: Vec<(&'static str, String)>,
}

impl Options {
    /// Serves calls on this database and does nothing by itself, so that a test sees only what it asked for.
    #[must_use]
    pub fn on(database: Database) -> Self {
        Self {
            database,
            existing: None,
            jobs: false,
            authority: None,
            program: None,
            variables: Vec::new(),
        }
    }

    /// As [`Options::on`], on the PostgreSQL database with this address.
    #[must_use]
    pub fn in_existing(url: &str) -> Self {
        Self {
            existing: Some(url.to_owned()),
            ..Self::on(Database::Postgres)
        }
    }

    /// The same with one more setting.
    #[must_use]
    pub fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    /// The same with background work.
    #[must_use]
    pub fn with_jobs(mut self) -> Self {
        self.jobs = true;
        self
    }
}

/// A Postern beside another one, on the same database.
#[derive(Debug)]
pub struct Replica(Child);

impl Drop for Replica {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Why a Postern could not be started.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The lab's part.
    #[error(transparent)]
    Lab(#[from] LabError),
    /// A file or the process.
    #[error("Postern could not be started")]
    Io(#[from] std::io::Error),
    /// It ended before it was ready.
    #[error("Postern ended before it was ready; it printed: {printed}\nand logged: {log}")]
    Ended {
        /// Its standard output.
        printed: String,
        /// Its log.
        log: String,
    },
    /// Its banner has no address or database.
    #[error("the banner does not say where Postern listens: {0}")]
    Banner(String),
}

/// A running Postern. Dropped, it is ended by SIGTERM and has to end with status 0; its data goes with it, unless the
/// test fails: then the directory stays and the end of the log is shown.
#[derive(Debug)]
pub struct Postern {
    child: Child,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
    database_name: String,
    directory: PathBuf,
    launch: Launch,
    store: Store,
    ended: bool,
}

/// How it is started.
#[derive(Debug)]
struct Launch {
    url: String,
    authority: PathBuf,
    program: PathBuf,
    jobs: bool,
    variables: Vec<(&'static str, String)>,
}

impl Launch {
    fn start(&self, directory: &Path, listen: SocketAddr) -> std::io::Result<Child> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(directory.join("log"))?;
        let mut command = clean_command(&self.program);
        command
            .args(["--listen", &listen.to_string()])
            .args(["--log", "debug", "--tls-ca"])
            .arg(&self.authority)
            .current_dir(directory)
            // The variable, because the address of a database may hold its password.
            .env("POSTERN_DATABASE_URL", &self.url)
            .env("POSTERN_ADMIN_PASSWORD", ADMIN_PASSWORD)
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log);
        if !self.jobs {
            command.arg("--no-jobs");
        }
        command.spawn()
    }
}

/// What has to be thrown away at the end.
#[derive(Debug)]
enum Store {
    File,
    Database(Box<Described>, String),
    /// Somebody else's.
    Nothing,
}

impl Postern {
    /// Starts it and waits until it answers; takes one to two seconds.
    ///
    /// # Errors
    /// When the binary, the database or the start fails; the message holds what Postern printed and logged.
    pub fn start(lab: &Described, options: &Options) -> Result<Self, Error> {
        let name = format!("postern_{}", uuid::Uuid::new_v4().simple());
        let directory = std::env::temp_dir().join(&name);
        fs::create_dir_all(&directory)?;
        let (url, store) = match (&options.existing, options.database) {
            (Some(url), _) => (url.clone(), Store::Nothing),
            (None, Database::Sqlite) => (
                format!("sqlite://{}/{name}.sqlite", directory.display()),
                Store::File,
            ),
            (None, Database::Postgres) => (
                lab.postgres.create_database(&name)?,
                Store::Database(Box::new(lab.clone()), name),
            ),
        };
        let launch = Launch {
            url,
            authority: options
                .authority
                .clone()
                .unwrap_or_else(|| lab.authority.clone()),
            program: options.program.clone().unwrap_or_else(postern_binary),
            jobs: options.jobs,
            variables: options.variables.clone(),
        };
        let mut child = launch.start(&directory, ANY_PORT)?;
        let output = child.stdout.take().map(BufReader::new);
        let mut postern = Self {
            child,
            output: output.ok_or_else(|| Error::Banner(String::new()))?,
            address: ANY_PORT,
            database_name: String::new(),
            directory,
            launch,
            store,
            ended: false,
        };
        postern.read_address()?;
        Ok(postern)
    }

    /// Ends it at once, as a power failure would, and starts it again on the same data. It listens at
    /// another port then.
    ///
    /// # Errors
    /// When the start fails.
    pub fn crash_and_restart(&mut self) -> Result<(), Error> {
        self.child.kill()?;
        self.child.wait()?;
        self.ended = true;
        self.start_again(ANY_PORT)
    }

    /// Stops it as an upgrade does, by SIGTERM, and starts it again on the same data at the same address.
    ///
    /// # Errors
    /// When it does not end in time with status 0, or the start fails.
    pub fn replace(&mut self) -> Result<(), Error> {
        let status = self.stop()?;
        if !status.success() {
            let problem = format!("it ended with {status}");
            return Err(std::io::Error::other(problem).into());
        }
        self.start_again(self.address)
    }

    fn start_again(&mut self, listen: SocketAddr) -> Result<(), Error> {
        let mut child = self.launch.start(&self.directory, listen)?;
        let output = child.stdout.take().map(BufReader::new);
        self.output = output.ok_or_else(|| Error::Banner(String::new()))?;
        self.child = child;
        self.ended = false;
        self.read_address()
    }

    /// The address of its database.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.launch.url
    }

    fn read_address(&mut self) -> Result<(), Error> {
        let banner = self.read_banner()?;
        let said = |label: &str| {
            let (_, rest) = banner.split_once(label)?;
            rest.split_whitespace().next()
        };
        let address = said("http://").and_then(|address| address.parse().ok());
        self.address = address.ok_or_else(|| Error::Banner(banner.clone()))?;
        let database_name = said("database").ok_or_else(|| Error::Banner(banner.clone()))?;
        database_name.clone_into(&mut self.database_name);
        Ok(())
    }

    /// Reads the lines up to the login, which every start prints.
    fn read_banner(&mut self) -> Result<String, Error> {
        let mut banner = String::new();
        while !banner.contains("login") {
            if self.output.read_line(&mut banner)? == 0 {
                self.ended = true;
                return Err(Error::Ended {
                    printed: banner,
                    log: self.log(),
                });
            }
        }
        Ok(banner)
    }

    /// As in `http://127.0.0.1:1234`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The number of its process.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds in memory now, in KiB; 0 where the system does not tell.
    #[must_use]
    pub fn resident_memory(&self) -> u64 {
        resident_memory(self.process())
    }

    /// The name that clients give as the database's.
    #[must_use]
    pub fn database_name(&self) -> &str {
        &self.database_name
    }

    /// Where the provider sends the browser back to.
    #[must_use]
    pub fn redirect_uri(&self) -> String {
        format!("{}/microsoft_outlook/confirm", self.base_url())
    }

    /// A session of the administrator.
    ///
    /// # Errors
    /// When the sign-in fails.
    pub async fn admin(&self) -> Result<Rpc, RpcError> {
        self.sign_in(ADMIN, ADMIN_PASSWORD).await
    }

    /// A session of any user.
    ///
    /// # Errors
    /// When the sign-in fails.
    pub async fn sign_in(&self, login: &str, password: &str) -> Result<Rpc, RpcError> {
        Rpc::sign_in(&self.base_url(), &self.database_name, login, password).await
    }

    /// Everything logged so far, at the level `debug`.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.directory.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Runs the same program on the same data with other words on its command line, to its end.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn command(&self, arguments: &[&str]) -> std::io::Result<Output> {
        clean_command(&postern_binary())
            .arg("--tls-ca")
            .arg(&self.launch.authority)
            .args(arguments)
            .current_dir(&self.directory)
            .env("POSTERN_DATABASE_URL", &self.launch.url)
            .stdin(Stdio::null())
            .output()
    }

    /// One more Postern on the same PostgreSQL database, with background work; it is killed when dropped.
    ///
    /// # Errors
    /// When it cannot be started, or the database is a file, which has one Postern.
    pub fn replica(&self) -> Result<Replica, Error> {
        let Store::Database(lab, name) = &self.store else {
            return Err(Error::Banner("an SQLite file has one Postern".to_owned()));
        };
        let child = clean_command(&postern_binary())
            .args(["--listen", "127.0.0.1:0", "--log", "debug", "--tls-ca"])
            .arg(&lab.authority)
            .current_dir(&self.directory)
            .env("POSTERN_DATABASE_URL", lab.postgres.url(name))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(
                File::options()
                    .append(true)
                    .open(self.directory.join("log"))?,
            )
            .spawn()?;
        Ok(Replica(child))
    }

    /// Ends it by SIGTERM and answers how it ended.
    ///
    /// # Errors
    /// When it cannot be signalled or does not end in time.
    pub fn stop(&mut self) -> std::io::Result<ExitStatus> {
        self.ended = true;
        let id = i32::try_from(self.child.id()).unwrap_or(i32::MAX);
        kill(Pid::from_raw(id), Signal::SIGTERM).map_err(std::io::Error::from)?;
        let begin = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                let mut rest = String::new();
                self.output.read_to_string(&mut rest)?;
                return Ok(status);
            }
            if begin.elapsed() > PATIENCE {
                self.child.kill()?;
                self.child.wait()?;
                return Err(std::io::Error::other("SIGTERM did not end Postern"));
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Postern {
    fn drop(&mut self) {
        let failed = thread::panicking();
        let status = if self.ended { None } else { Some(self.stop()) };
        if failed {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let end = lines[lines.len().saturating_sub(40)..].join("\n");
            eprintln!("--- the end of {}/log\n{end}", self.directory.display());
        } else {
            fs::remove_dir_all(&self.directory).ok();
        }
        if let Store::Database(lab, name) = &self.store {
            lab.postgres.drop_database(name).ok();
        }
        if let (false, Some(status)) = (failed, status) {
            assert!(
                status.as_ref().is_ok_and(ExitStatus::success),
                "Postern did not end with status 0: {status:?}"
            );
        }
    }
}

/// What a process holds in memory now, in KiB; 0 where the system does not tell.
#[must_use]
pub fn resident_memory(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let number = status
        .split_once("VmRSS:")
        .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok());
    number.unwrap_or_default()
}

/// A command with none of the settings of the environment that the suite runs in.
fn clean_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("POSTERN_") || text == "DATABASE_URL" {
            command.env_remove(&name);
        }
    }
    command
}
