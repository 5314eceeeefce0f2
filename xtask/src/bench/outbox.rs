//! `cargo xtask bench outbox`: mails from the queue into a server, beside Postfix's own load generator into the same.

use std::{
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt,
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

use super::{
    measure::{median, most_memory},
    servers::Measured,
};
use crate::{Failure, interrupt::Interrupt};

/// Sessions with the server at once, of Postern and of the yardstick.
const SESSIONS: u32 = 16;
const DATABASE: &str = "bench_outbox";
/// How often each measurement with one process is taken; the median counts.
const ROUNDS: usize = 3;
/// The longest that one measurement may take.
const PATIENCE: &str = "300 seconds";

/// A set of mails.
struct Load {
    name: &'static str,
    mails: u32,
    /// How long a message is, as it goes out.
    bytes: u32,
}

impl Load {
    /// How long the text of such a mail is. It goes out twice, as HTML and as plain text, under a
    /// head of about 700 bytes.
    fn text(&self) -> u32 {
        self.bytes.saturating_sub(700) / 2
    }
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
#[derive(Clone, Debug, Serialize, Deserialize)]
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
        let bytes = bench.message_size(load)?;
        println!("{}: a message has {bytes} bytes", load.name);
        let sink = Target::Sink(bench.sink_port);
        lines.push(bench.beside(load, bytes, &sink, 0.2)?);
        for processes in 2..=3 {
            interrupt.check()?;
            let (rate, memory) = bench.postern(load, processes, &sink)?;
            lines.push(Line {
                processes,
                rate,
                wanted: None,
                memory,
                ..lines[lines.len() - 1].clone()
            });
        }
        interrupt.check()?;
        lines.push(bench.beside(load, bytes, &Target::Postfix, 0.8)?);
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
        "{SESSIONS} sessions; the yardstick is smtp-source with messages of the same size into the same server, over kept sessions\n\
         into smtp-sink, without TLS and signing in into Postfix; medians of {ROUNDS} rounds for one process\n\
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
    /// A sink at this port.
    Sink(u16),
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
        let (sink, sink_port) = smtp_sink(scratch.path(), &["-c"], &watchdog)?;
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

    /// How many bytes a message of this load has when Postern sends it: one is sent to a sink that
    /// keeps it.
    fn message_size(&self, load: &Load) -> Result<u64, Failure> {
        let folder = self.scratch.path().join(format!("kept-{}", load.bytes));
        fs::create_dir(&folder)?;
        // The sink gives up its rights before it writes.
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777))?;
        let (_sink, port) = smtp_sink(&folder, &["-d", "kept."], &self.watchdog)?;
        let one = Load { mails: 1, ..*load };
        self.postern(&one, 1, &Target::Sink(port))?;
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with("kept.") {
                return Ok(entry.metadata()?.len());
            }
        }
        Err("the sink kept no message".into())
    }

    /// One Postern and the yardstick in turns: a machine that is slower for a while is so for both.
    fn beside(
        &self,
        load: &Load,
        bytes: u64,
        target: &Target,
        wanted: f64,
    ) -> Result<Line, Failure> {
        let (into, port) = match target {
            Target::Sink(port) => ("smtp-sink", *port),
            Target::Postfix => ("Postfix (STARTTLS, AUTH)", self.lab.described().mail.smtp),
        };
        let (mut yardsticks, mut rates, mut most) = (Vec::new(), Vec::new(), 0.0_f64);
        for round in 1..=ROUNDS {
            eprintln!("{} into {into}, round {round} of {ROUNDS}", load.name);
            let kept = matches!(target, Target::Sink(_));
            yardsticks.push(self.source(load, bytes, port, kept)?);
            let (rate, memory) = self.postern(load, 1, target)?;
            rates.push(rate);
            most = most.max(memory);
        }
        Ok(Line {
            name: format!("{} into {into}", load.name),
            processes: 1,
            yardstick: median(yardsticks),
            rate: median(rates),
            wanted: Some(wanted),
            memory: most,
        })
    }

    /// Mails a second of Postfix's generator, of so many bytes each.
    fn source(
        &self,
        load: &Load,
        bytes: u64,
        port: u16,
        keep_sessions: bool,
    ) -> Result<f64, Failure> {
        let mut command = Command::new(program("smtp-source"));
        if keep_sessions {
            command.arg("-d");
        }
        command
            .args(["-s", &SESSIONS.to_string(), "-m", &load.mails.to_string()])
            .args(["-l", &bytes.to_string(), "-f", &format!("postern@{DOMAIN}")])
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
            Target::Sink(port) => format!("'127.0.0.1', {port}, 'none', NULL, NULL"),
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
        let (mails, bytes) = (load.mails, load.text());
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

/// Postfix's sink on a free port, and the port.
fn smtp_sink(
    folder: &Path,
    options: &[&str],
    watchdog: &Arc<Watchdog>,
) -> Result<(Server, u16), Failure> {
    let port = lab::ports::free()?;
    let mut command = Command::new(program("smtp-sink"));
    command
        .args(["-u", "nobody"])
        .args(options)
        .args([&format!("127.0.0.1:{port}"), "1000"])
        .current_dir(folder);
    let log = folder.join("sink.log");
    let mut sink = Server::start("smtp-sink", command, &log, Signal::SIGTERM, watchdog)?;
    sink.wait_until(|| lab::greets(port, "220"))?;
    Ok((sink, port))
}

fn program(name: &str) -> PathBuf {
    lab::packages::program(name).unwrap_or_else(|| PathBuf::from(name))
}
