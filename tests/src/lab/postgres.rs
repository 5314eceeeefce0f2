//! A private PostgreSQL cluster from the system's binaries, never the system's own cluster.

use std::{
    net::{Ipv4Addr, TcpStream},
    os::unix::{fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    thread,
    time::Duration,
};

use nix::{sys::signal::Signal, unistd::Uid};
use serde::{Deserialize, Serialize};

use super::{
    error::{Doing, LabError},
    ports,
    privilege::{Account, account},
    process::{Server, run},
    scratch::{Scratch, write_file},
    watchdog::Watchdog,
};

/// Superuser of the private cluster, and its password.
const ROLE: &str = "postern";

/// How to reach a cluster; plain data, so that it can be handed to another process.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostgresAddress {
    /// Port on 127.0.0.1.
    pub port: u16,
    /// Directory of the unix socket.
    pub socket_directory: PathBuf,
    /// Superuser.
    pub user: String,
    /// Its password, asked for over TCP and over the socket.
    pub password: String,
    /// Directory of `psql`, `createdb` and the rest.
    pub programs: PathBuf,
}

impl PostgresAddress {
    /// The URL of a database over TCP.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://{}:{}@127.0.0.1:{}/{database}",
            self.user, self.password, self.port
        )
    }

    /// Creates an empty database and answers its URL.
    pub fn create_database(&self, name: &str) -> Result<String, LabError> {
        run(self.program("createdb").arg(name))?;
        Ok(self.url(name))
    }

    /// Drops a database, throwing out whoever is connected.
    pub fn drop_database(&self, name: &str) -> Result<(), LabError> {
        run(self.program("dropdb").args(["--force", name])).map(drop)
    }

    /// A client program of the same version, set to connect to this cluster.
    #[must_use]
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .env("PGHOST", "127.0.0.1")
            .env("PGPORT", self.port.to_string())
            .env("PGUSER", &self.user)
            .env("PGPASSWORD", &self.password)
            .env("PGDATABASE", "postgres");
        command
    }
}

/// A running cluster.
#[derive(Debug)]
pub struct Postgres {
    server: Server,
    address: PostgresAddress,
    launch: Launch,
}

/// How a cluster is started, and started again on the same data.
#[derive(Debug)]
struct Launch {
    home: PathBuf,
    log: PathBuf,
    run_as: Option<Account>,
    settings: Vec<String>,
    watchdog: Arc<Watchdog>,
}

impl Launch {
    fn start(&self, address: &PostgresAddress) -> Result<Server, LabError> {
        let mut command = as_user(&address.programs.join("postgres"), &self.home, self.run_as);
        command.arg("-D").arg(self.home.join("data"));
        for setting in &self.settings {
            command.arg("-c").arg(setting);
        }
        let mut server = Server::start(
            "PostgreSQL",
            command,
            &self.log,
            // "Fast": clients are disconnected, not waited for.
            Signal::SIGINT,
            &self.watchdog,
        )?;
        server.wait_until(|| {
            TcpStream::connect((Ipv4Addr::LOCALHOST, address.port)).is_ok()
                && address
                    .program("pg_isready")
                    .output()
                    .is_ok_and(|answer| answer.status.success())
        })?;
        Ok(server)
    }
}

/// How a cluster ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As an orderly restart does it: transactions are broken off, everything is written down.
    Fast,
    /// At once, and what was committed is recovered at the next start.
    Immediate,
    /// Killed, as by the system when it needs memory.
    Killed,
}

impl Postgres {
    /// Makes a cluster in the scratch directory and starts it; as another user when we are root.
    pub fn start(scratch: &Scratch, watchdog: &Arc<Watchdog>) -> Result<Self, LabError> {
        Self::start_with(scratch, watchdog, "postgres", SPEED_OVER_SAFETY)
    }

    /// The same, but what it says is committed is on the disk: for measurements.
    pub fn start_durable(scratch: &Scratch, watchdog: &Arc<Watchdog>) -> Result<Self, LabError> {
        Self::start_with(scratch, watchdog, "durable-postgres", &[])
    }

    fn start_with(
        scratch: &Scratch,
        watchdog: &Arc<Watchdog>,
        name: &str,
        more_settings: &[&str],
    ) -> Result<Self, LabError> {
        let programs = programs().ok_or_else(|| LabError::Program {
            program: "looking for PostgreSQL's binaries".to_owned(),
            output: "no /usr/lib/postgresql/*/bin/initdb".to_owned(),
        })?;
        let home = scratch.directory(name)?;
        // PostgreSQL refuses to run as root.
        let run_as = if Uid::effective().is_root() {
            let user = account(&["postgres", "nobody"])?;
            chown(&home, Some(user.uid), Some(user.gid))
                .doing(format_args!("giving {} away", home.display()))?;
            Some(user)
        } else {
            None
        };
        let data = home.join("data");
        initialise(&programs, &home, &data, run_as)?;

        let port = ports::reserve()?;
        let address = PostgresAddress {
            port: port.number(),
            socket_directory: home.clone(),
            user: ROLE.to_owned(),
            password: ROLE.to_owned(),
            programs: programs.clone(),
        };
        let more_settings = more_settings.iter().map(|&setting| setting.to_owned());
        let launch = Launch {
            settings: settings(&home, port.number())
                .into_iter()
                .chain(more_settings)
                .collect(),
            log: scratch.path().join(format!("{name}.log")),
            run_as,
            watchdog: Arc::clone(watchdog),
            home,
        };
        drop(port);
        let server = launch.start(&address)?;
        Ok(Self {
            server,
            address,
            launch,
        })
    }

    /// Whether its first process runs.
    pub fn is_running(&mut self) -> bool {
        self.server.is_running()
    }

    /// Ends it, and waits until it has ended.
    pub fn end(&mut self, how: End) -> Result<(), LabError> {
        self.server.end_by(match how {
            End::Fast => Signal::SIGINT,
            End::Immediate => Signal::SIGQUIT,
            End::Killed => Signal::SIGKILL,
        })
    }

    /// Starts it again on the same data and at the same port, once it has ended.
    pub fn start_again(&mut self) -> Result<(), LabError> {
        let mut tries = 0;
        loop {
            match self.launch.start(&self.address) {
                Ok(server) => {
                    self.server = server;
                    return Ok(());
                }
                // The last processes of one that was killed still hold its memory for a moment.
                Err(_) if tries < 20 => tries += 1,
                Err(error) => return Err(error),
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// How to reach it.
    #[must_use]
    pub fn address(&self) -> &PostgresAddress {
        &self.address
    }

    /// The number of its first process, the parent of those that serve connections.
    #[must_use]
    pub fn process(&self) -> u32 {
        self.server.process()
    }

    /// Begins to stop, without waiting.
    pub fn ask_to_stop(&mut self) {
        self.server.ask_to_stop();
    }
}

/// The data lives as long as the lab.
const SPEED_OVER_SAFETY: &[&str] = &[
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
];

fn settings(home: &Path, port: u16) -> [String; 5] {
    [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={port}"),
        format!("unix_socket_directories={}", home.display()),
        "max_connections=300".to_owned(),
        "log_min_messages=warning".to_owned(),
    ]
}

fn initialise(
    programs: &Path,
    home: &Path,
    data: &Path,
    run_as: Option<Account>,
) -> Result<(), LabError> {
    let password = home.join("password");
    write_file(&password, ROLE, true)?;
    if let Some(user) = run_as {
        chown(&password, Some(user.uid), Some(user.gid))
            .doing(format_args!("giving {} away", password.display()))?;
    }
    let mut initdb = as_user(&programs.join("initdb"), home, run_as);
    initdb
        .arg("-D")
        .arg(data)
        .args(["-U", ROLE, "-A", "scram-sha-256", "-E", "UTF8"])
        .args(["--locale=C.UTF-8", "--no-sync"])
        .arg(format!("--pwfile={}", password.display()));
    run(&mut initdb).map(drop)
}

fn as_user(program: &Path, home: &Path, run_as: Option<Account>) -> Command {
    let mut command = Command::new(program);
    // Not the caller's directory, which the other user may not enter.
    command.current_dir(home);
    if let Some(user) = run_as {
        command.uid(user.uid).gid(user.gid);
    }
    command
}

/// The newest version's directory of binaries as Debian lays them out.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            let programs = entry.path().join("bin");
            programs
                .join("initdb")
                .exists()
                .then_some((version, programs))
        })
        .collect();
    versions.sort();
    versions.pop().map(|(_, programs)| programs)
}
