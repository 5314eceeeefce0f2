//! `cargo xtask bench outbox`: mails from the queue into a server, beside Postfix's own load generator into the same.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use ::tests::lab::{
    self, DOMAIN, Lab, LabOptions, PASSWORD, Postgres, PostgresAddress, Scratch, Server, Watchdog,
};
use nix::sys::signal::Signal;
use serde::{Deserialize, Serialize};

use super::{measure::most_memory, servers::Measured};
use crate::{Failure, interrupt::Interrupt};

/// Sessions with the server at once, of Postern and of the yardstick.
const SESSIONS: u32 = 16;
const DATABASE: &str = "bench_outbox";
/// The longest that one measurement may take.
const PATIENCE: &str = "300 seconds";

/// A set of mails.
struct Load {
    name: &'static str,
    mails: u32,
    bytes: u32,
}

const LOADS: [Load; 2] = [
    Load {
        name: "2 kB",
        mails: 10_000,
        bytes: 2_000,
    },
    Load {
        name: "50 kB",
        mails: 1_000,
        bytes: 50_000,
    },
];

/// What one measurement found.
#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    processes: u32,
    /// Mails a second, of the yardstick and of Postern.
    yardstick: f64,
    rate: f64,
    /// The least that the ratio is to be; none for what is only shown.
    wanted: Option<f64>,
    /// The most memory that one process held, in MiB.
    memory: f64,
}

/// Measures and prints.
pub fn run(postern: &Path, keep: Option<&Path>, interrupt: &Interrupt) -> Result<(), Failure> {
    let bench = Bench::start(postern)?;
    let mut lines = Vec::new();
    for load in &LOADS {
        interrupt.check()?;
        eprintln!("{} into smtp-sink", load.name);
        let yardstick = bench.source(load, bench.sink_port, true)?;
        for processes in 1..=3 {
            interrupt.check()?;
            let (rate, memory) = bench.postern(load, processes, &Target::Sink)?;
            lines.push(Line {
                name: format!("{} into smtp-sink", load.name),
                processes,
                yardstick,
                rate,
                wanted: (processes == 1).then_some(0.2),
                memory,
            });
        }
        interrupt.check()?;
        eprintln!("{} into Postfix", load.name);
        let yardstick = bench.source(load, bench.lab.described().mail.smtp, false)?;
        let (rate, memory) = bench.postern(load, 1, &Target::Postfix)?;
        lines.push(Line {
            name: format!("{} into Postfix (STARTTLS, AUTH)", load.name),
            processes: 1,
            yardstick,
            rate,
            wanted: Some(0.8),
            memory,
        });
    }
    print!("{}", table(&lines));
    if let Some(file) = keep {
        fs::write(file, serde_json::to_vec_pretty(&lines)?)?;
        println!("kept in {}", file.display());
    }
    Ok(())
}

fn table(lines: &[Line]) -> String {
    let mut text = format!(
        "{SESSIONS} sessions; the yardstick is smtp-source into the same server, over kept sessions into smtp-sink\n\
         {:<34} {:>9} {:>12} {:>10} {:>6} {:>7} {:>11}\n",
        "", "processes", "smtp-source", "Postern/s", "ratio", "wanted", "memory"
    );
    for line in lines {
        let wanted = line
            .wanted
            .map_or_else(String::new, |wanted| format!("{wanted:.1}"));
        let _ = writeln!(
            text,
            "{:<34} {:>9} {:>10.0}/s {:>10.0} {:>6.2} {:>7} {:>7.0} MiB",
            line.name,
            line.processes,
            line.yardstick,
            line.rate,
            line.rate / line.yardstick,
            wanted,
            line.memory
        );
    }
    text
}

enum Target {
    Sink,
    Postfix,
}

struct Bench {
    postern: PathBuf,
    sink_port: u16,
    _sink: Server,
    url: String,
    address: PostgresAddress,
    _postgres: Postgres,
    lab: Lab,
    scratch: Scratch,
    watchdog: Arc<Watchdog>,
}

impl Bench {
    fn start(postern: &Path) -> Result<Self, Failure> {
        let watchdog = Arc::new(Watchdog::start()?);
        let scratch = Scratch::create(false)?;
        let lab = Lab::start(&LabOptions::default())?;
        // One that writes to the disk what it says is committed, unlike the lab's.
        let postgres = Postgres::start_durable(&scratch, &watchdog)?;
        let address = postgres.address().clone();
        let url = address.create_database(DATABASE)?;
        let sink_port = lab::ports::free()?;
        let mut command = Command::new(program("smtp-sink"));
        command
            .args([
                "-u",
                "nobody",
                "-c",
                &format!("127.0.0.1:{sink_port}"),
                "1000",
            ])
            .current_dir(scratch.path());
        let mut sink = Server::start(
            "smtp-sink",
            command,
            &scratch.path().join("sink.log"),
            Signal::SIGTERM,
            &watchdog,
        )?;
        sink.wait_until(|| lab::greets(sink_port, "220"))?;
        let bench = Self {
            postern: postern.to_owned(),
            sink_port,
            _sink: sink,
            url,
            address,
            _postgres: postgres,
            lab,
            scratch,
            watchdog,
        };
        // The tables and the parameters.
        drop(bench.process(0, false)?);
        bench.sql(
            "INSERT INTO ir_config_parameter (key, value) VALUES ('postern.outbox.grace_seconds', '0')",
        )?;
        Ok(bench)
    }

    /// A Postern on the database of the bench, with or without its jobs.
    fn process(&self, number: u32, jobs: bool) -> Result<Measured, Failure> {
        let mut command = Command::new(&self.postern);
        command
            .args(["--listen", "127.0.0.1:0", "--workers", "1", "--tls-ca"])
            .arg(&self.lab.described().authority)
            .env("POSTERN_DATABASE_URL", &self.url)
            .env("POSTERN_ADMIN_PASSWORD", super::servers::PASSWORD);
        if !jobs {
            command.arg("--no-jobs");
        }
        super::servers::start(
            &format!("Postern {number}"),
            command,
            self.scratch.path(),
            &self.watchdog,
        )
    }

    /// Mails a second of Postfix's generator.
    fn source(&self, load: &Load, port: u16, keep_sessions: bool) -> Result<f64, Failure> {
        let mut command = Command::new(program("smtp-source"));
        if keep_sessions {
            command.arg("-d");
        }
        command
            .args(["-s", &SESSIONS.to_string(), "-m", &load.mails.to_string()])
            .args([
                "-l",
                &load.bytes.to_string(),
                "-f",
                &format!("postern@{DOMAIN}"),
            ])
            .args(["-t", "someone@discard.test", &format!("127.0.0.1:{port}")])
            .stdout(Stdio::null());
        let begin = Instant::now();
        if !command.status()?.success() {
            return Err("smtp-source failed".into());
        }
        Ok(f64::from(load.mails) / begin.elapsed().as_secs_f64())
    }

    /// Mails a second of so many Posterns that share the queue, and the most memory one held in MiB.
    fn postern(&self, load: &Load, processes: u32, target: &Target) -> Result<(f64, f64), Failure> {
        self.sql("DELETE FROM mail_message; DELETE FROM ir_mail_server; VACUUM ANALYZE")?;
        let ports = &self.lab.described().mail;
        let server = match target {
            Target::Sink => format!("'127.0.0.1', {}, 'none', NULL, NULL", self.sink_port),
            Target::Postfix => format!(
                "'localhost', {}, 'starttls', 'postern@{DOMAIN}', '{PASSWORD}'",
                ports.submission
            ),
        };
        self.sql(&format!(
            "INSERT INTO ir_mail_server (name, smtp_host, smtp_port, smtp_encryption, smtp_user, smtp_pass, smtp_authentication, active, sequence, from_filter) \
             SELECT 'Bench', s.*, 'login', true, 10, '{DOMAIN}' FROM (VALUES ({server})) AS s"
        ))?;
        let servers = (1..=processes)
            .map(|number| self.process(number, true))
            .collect::<Result<Vec<_>, _>>()?;
        let seconds = self.drain(load)?;
        let memory = servers
            .iter()
            .filter_map(|server| most_memory(server.process()))
            .max()
            .unwrap_or_default();
        let failed = self.sql("SELECT count(*) FROM mail_mail WHERE state <> 'sent'")?;
        if failed.trim() != "0" {
            return Err(format!("{} mails did not go out", failed.trim()).into());
        }
        Ok((f64::from(load.mails) / seconds, memory as f64 / 1024.0))
    }

    /// Puts the mails into the queue and waits until the last one is settled; in seconds from the
    /// commit that queued them.
    fn drain(&self, load: &Load) -> Result<f64, Failure> {
        let Load { mails, bytes, .. } = load;
        // Random words, because a text that is one word over and over would be stored in a few bytes.
        self.sql(&format!(
            "WITH words AS (SELECT n, (SELECT string_agg(md5(n::text || i), ' ') FROM generate_series(1, {bytes} / 33) i) AS text FROM generate_series(1, {mails}) n), \
             messages AS (INSERT INTO mail_message (subject, message_type, email_from, message_id, body, date, create_date, write_date) \
               SELECT 'Mail ' || n, 'email_outgoing', 'postern@{DOMAIN}', '<bench-' || n || '@{DOMAIN}>', '<p>x</p>', now() at time zone 'UTC', now() at time zone 'UTC', now() at time zone 'UTC' FROM words RETURNING id, message_id) \
             INSERT INTO mail_mail (mail_message_id, state, email_to, body_html, create_date, write_date) \
               SELECT m.id, 'outgoing', 'someone@discard.test', '<p>' || w.text || '</p>', now() at time zone 'UTC', now() at time zone 'UTC' FROM words w JOIN messages m ON m.message_id = '<bench-' || w.n || '@{DOMAIN}>'"
        ))?;
        let script = format!(
            "DO $$ DECLARE begin_at timestamptz := clock_timestamp(); BEGIN \
               PERFORM pg_notify('postern_outbox', 'bench'); COMMIT; \
               LOOP \
                 EXIT WHEN NOT EXISTS (SELECT 1 FROM postern_outbox) AND NOT EXISTS (SELECT 1 FROM mail_mail WHERE state = 'outgoing'); \
                 COMMIT; PERFORM pg_sleep(0.05); \
                 EXIT WHEN clock_timestamp() > begin_at + interval '{PATIENCE}'; \
               END LOOP; \
               RAISE NOTICE 'took % seconds', extract(epoch FROM clock_timestamp() - begin_at); END $$"
        );
        let said = self.sql(&script)?;
        said.split_once("took ")
            .and_then(|(_, rest)| rest.split_whitespace().next()?.parse().ok())
            .ok_or_else(|| format!("the queue was not drained: {said}").into())
    }

    /// Runs a script; what it prints, and what it is told.
    fn sql(&self, script: &str) -> Result<String, Failure> {
        let mut command = self.address.program("psql");
        command.args([
            "--quiet",
            "--tuples-only",
            "--no-psqlrc",
            "--set",
            "ON_ERROR_STOP=1",
        ]);
        command.args(["--dbname", DATABASE]);
        // Each by itself: VACUUM is not allowed among others.
        for statement in script.split("; ").filter(|_| !script.starts_with("DO ")) {
            command.args(["--command", statement]);
        }
        if script.starts_with("DO ") {
            command.args(["--command", script]);
        }
        let output = command.output()?;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(format!("psql: {said}").into());
        }
        thread::sleep(Duration::from_millis(50));
        Ok(format!("{}{said}", String::from_utf8_lossy(&output.stdout)))
    }
}

fn program(name: &str) -> PathBuf {
    lab::packages::program(name).unwrap_or_else(|| PathBuf::from(name))
}
