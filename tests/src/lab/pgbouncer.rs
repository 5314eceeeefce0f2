//! A private pgbouncer in transaction mode: each transaction gets whichever session of PostgreSQL is free.

use std::{
    fs::write,
    net::{Ipv4Addr, TcpStream},
    os::unix::process::CommandExt,
    process::Command,
    sync::Arc,
};

use nix::{sys::signal::Signal, unistd::Uid};

use super::{
    error::{Doing, LabError},
    packages, ports,
    postgres::PostgresAddress,
    privilege::account,
    process::Server,
    scratch::{Scratch, write_file},
    watchdog::Watchdog,
};

/// A running pgbouncer.
#[derive(Debug)]
pub struct Pgbouncer {
    _server: Server,
    behind: PostgresAddress,
    port: u16,
}

impl Pgbouncer {
    /// Starts one before this cluster, with so many sessions for a database.
    pub fn start(
        scratch: &Scratch,
        watchdog: &Arc<Watchdog>,
        cluster: &PostgresAddress,
        sessions: u32,
    ) -> Result<Self, LabError> {
        let program = packages::required("pgbouncer")?;
        let home = scratch.directory("pgbouncer")?;
        let users = home.join("users");
        let line = format!("\"{}\" \"{}\"\n", cluster.user, cluster.password);
        write_file(&users, &line, false)?;
        let reserved = ports::reserve()?;
        let port = reserved.number();
        let settings = home.join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = scram-sha-256\nauth_file = {}\npool_mode = transaction\n\
             default_pool_size = {sessions}\nmax_client_conn = 500\n",
            cluster.port,
            users.display()
        );
        write(&settings, text).doing(format_args!("writing {}", settings.display()))?;
        let mut command = Command::new(program);
        command.arg(&settings).current_dir(&home);
        // It refuses to run as root.
        if Uid::effective().is_root() {
            let user = account(&["postgres", "nobody"])?;
            command.uid(user.uid).gid(user.gid);
        }
        drop(reserved);
        let log = home.join("log");
        let mut server = Server::start("pgbouncer", command, &log, Signal::SIGTERM, watchdog)?;
        server.wait_until(|| TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok())?;
        Ok(Self {
            _server: server,
            behind: cluster.clone(),
            port,
        })
    }

    /// The address of a database through it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        let through = PostgresAddress {
            port: self.port,
            ..self.behind.clone()
        };
        through.url(database)
    }
}
