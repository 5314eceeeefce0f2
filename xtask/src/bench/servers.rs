//! What is measured, running: a private PostgreSQL, Postern on it, and the bare handler beside it.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use ::tests::lab::{Postgres, PostgresAddress, Scratch, Server, Watchdog};
use nix::sys::signal::Signal;

use crate::{
    Failure,
    workspace::{Workspace, cargo},
};

/// The administrator's password of the measured Postern.
pub const PASSWORD: &str = "correct-horse-battery";
/// The database that both servers read.
const DATABASE: &str = "bench";

/// Where cargo put what it built.
#[derive(Debug)]
pub struct Binaries {
    /// The product.
    pub postern: PathBuf,
    bare: PathBuf,
    /// The program that calls.
    pub load: PathBuf,
}

impl Binaries {
    /// Builds all three with optimisations; a Postern that is given is taken as it is.
    pub fn build(workspace: &Workspace, postern: Option<&Path>) -> Result<Self, Failure> {
        let built = build(workspace, "bench", &["bare_search_read", "load"])?;
        Ok(Self {
            postern: build_postern(workspace, postern)?,
            bare: built.join("bare_search_read"),
            load: built.join("load"),
        })
    }
}

/// Builds Postern with optimisations, unless one is given; answers where it is.
pub fn build_postern(workspace: &Workspace, given: Option<&Path>) -> Result<PathBuf, Failure> {
    match given {
        Some(given) => Ok(given.canonicalize()?),
        None => Ok(build(workspace, "postern", &["postern"])?.join("postern")),
    }
}

fn build(workspace: &Workspace, package: &str, programs: &[&str]) -> Result<PathBuf, Failure> {
    let mut command = cargo();
    command.args(["build", "--release", "--package", package]);
    for program in programs {
        command.args(["--bin", program]);
    }
    if !command.current_dir(&workspace.root).status()?.success() {
        return Err("what is to be measured does not build".into());
    }
    Ok(workspace.target.join("release"))
}

/// The running servers; the fields stand in the order in which they are to end.
#[derive(Debug)]
pub struct Servers {
    /// The product.
    pub postern: Measured,
    /// The yardstick.
    pub bare: Measured,
    postgres: Postgres,
    _watchdog: Arc<Watchdog>,
    _scratch: Scratch,
}

/// A server and where it listens.
#[derive(Debug)]
pub struct Measured {
    server: Server,
    /// Its address.
    pub address: SocketAddr,
}

impl Measured {
    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.server.process()
    }
}

impl Servers {
    /// Starts all of them on an empty database, which Postern fills with its first records.
    pub fn start(binaries: &Binaries) -> Result<Self, Failure> {
        let watchdog = Arc::new(Watchdog::start()?);
        let scratch = Scratch::create(false)?;
        let postgres = Postgres::start(&scratch, &watchdog)?;
        let url = postgres.address().create_database(DATABASE)?;

        let mut command = Command::new(&binaries.postern);
        command
            // Everything else as it comes, the log included: it is the program as it is run.
            .args(["--listen", "127.0.0.1:0", "--no-jobs"])
            .env("POSTERN_DATABASE_URL", &url)
            .env("POSTERN_ADMIN_PASSWORD", PASSWORD);
        let postern = start("Postern", command, scratch.path(), &watchdog)?;
        let mut command = Command::new(&binaries.bare);
        command.env("BARE_DATABASE_URL", &url);
        let bare = start("bare handler", command, scratch.path(), &watchdog)?;
        Ok(Self {
            postern,
            bare,
            postgres,
            _watchdog: watchdog,
            _scratch: scratch,
        })
    }

    /// How to reach the database server.
    pub fn postgres(&self) -> &PostgresAddress {
        self.postgres.address()
    }

    /// The number of the database server's first process.
    pub fn postgres_process(&self) -> u32 {
        self.postgres.process()
    }

    /// Brings the statistics up to date that the database plans by, as its own housekeeping would.
    pub fn analyze(&self) -> Result<(), Failure> {
        let status = self
            .postgres()
            .program("psql")
            .args([
                "--quiet",
                "--dbname",
                DATABASE,
                "--command",
                "VACUUM ANALYZE",
            ])
            .status()?;
        if status.success() {
            Ok(())
        } else {
            Err("the database could not be analysed".into())
        }
    }
}

/// Starts a server that prints where it listens.
pub fn start(
    name: &str,
    mut command: Command,
    directory: &Path,
    watchdog: &Arc<Watchdog>,
) -> Result<Measured, Failure> {
    for (variable, _) in std::env::vars_os() {
        let text = variable.to_string_lossy();
        let is_given = command.get_envs().any(|(given, _)| given == variable);
        if !is_given && (text.starts_with("POSTERN_") || text == "DATABASE_URL") {
            command.env_remove(&variable);
        }
    }
    let log = directory.join(format!("{name}.log"));
    command.current_dir(directory);
    let mut server = Server::start(name, command, &log, Signal::SIGTERM, watchdog)?;
    let mut address = None;
    server.wait_until(|| {
        address = printed_address(&log);
        address.is_some()
    })?;
    let address = address.ok_or_else(|| format!("{name} does not say where it listens"))?;
    Ok(Measured { server, address })
}

fn printed_address(log: &Path) -> Option<SocketAddr> {
    let text = fs::read_to_string(log).ok()?;
    let (_, rest) = text.split_once("http://")?;
    // A line that is not written to its end yet may hold half a number.
    let (address, _) = rest.split_once(char::is_whitespace)?;
    address.parse().ok()
}
