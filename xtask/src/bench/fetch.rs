//! `cargo xtask bench fetch`: mails from Dovecot over TLS into PostgreSQL, every one committed, beside
//! `mbsync` that writes the same mailbox into a Maildir in the same run.

mod mailbox;
mod mails;
mod mbsync;

use std::{
    path::Path,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use ::tests::lab::{
    Certificates, Dovecot, DovecotOptions, LabError, PASSWORD, Postgres, Privilege, Scratch,
    Watchdog, packages,
};
use serde_json::json;

use self::mailbox::Imap;
use super::{
    Options,
    measure::{family_time, median, most_memory, processor_time},
    servers::{self, Binaries, Measured},
};
use crate::{Failure, interrupt::Interrupt, rpc::Caller, workspace::Workspace};

/// The mailbox that both read.
const USER: &str = "bench@example.test";
/// What Postern is to reach of `mbsync`'s rate.
const LEAST_SHARE: f64 = 1.0;
/// What it may hold in memory, in MiB.
const MOST_MEMORY: f64 = 100.0;

/// What both read from and write to.
struct Lab {
    scratch: Scratch,
    certificates: Certificates,
    dovecot: Dovecot,
    postgres: Postgres,
    watchdog: Arc<Watchdog>,
}

/// One fetch of the whole mailbox.
struct Fetch {
    seconds: f64,
    /// In KiB.
    memory: u64,
    /// Of the program itself and of the database.
    processor: (Duration, Duration),
}

/// Measures and prints.
pub fn run(options: &Options, interrupt: &Interrupt) -> Result<(), Failure> {
    packages::ensure_for_measurements()?;
    if Privilege::detect() != Privilege::Root {
        return Err(LabError::NotRoot.into());
    }
    let workspace = Workspace::load()?;
    let binaries = Binaries::build(&workspace, options.postern.as_deref())?;
    interrupt.check()?;
    let lab = Lab::start()?;
    let mut imap = Imap::sign_in(lab.dovecot.imap, USER, PASSWORD)?;
    eprint!("filling the mailbox ...");
    let bytes = mails::fill(&mut imap, options.mails)?;
    eprint!("\r{:60}\r", "");
    let (mut theirs, mut ours) = (Vec::new(), Vec::new());
    for round in 1..=options.rounds {
        interrupt.check()?;
        eprint!("\rround {round} of {}: mbsync  ", options.rounds);
        theirs.push(mbsync::fetch(&lab, round, options.mails)?);
        interrupt.check()?;
        eprint!("\rround {round} of {}: Postern ", options.rounds);
        ours.push(lab.postern(&binaries, round, options.mails)?);
        imap.unmark_all()?;
    }
    eprint!("\r{:60}\r", "");
    print!("{}", table(options, bytes, &theirs, &ours));
    Ok(())
}

impl Lab {
    fn start() -> Result<Self, Failure> {
        let watchdog = Arc::new(Watchdog::start()?);
        let scratch = Scratch::create(false)?;
        let certificates = Certificates::create(&scratch)?;
        let dovecot = Dovecot::start(
            &DovecotOptions {
                name: "dovecot".to_owned(),
                // Nobody signs in with a token here.
                introspection_url: "http://127.0.0.1:9/".to_owned(),
            },
            &scratch,
            &certificates,
            &watchdog,
        )?;
        // Every mail is to be on the disk when it counts as stored.
        let postgres = Postgres::start_durable(&scratch, &watchdog)?;
        Ok(Self {
            scratch,
            certificates,
            dovecot,
            postgres,
            watchdog,
        })
    }

    /// Lets a Postern with a database of its own fetch the mailbox.
    fn postern(&self, binaries: &Binaries, round: u32, mails: u32) -> Result<Fetch, Failure> {
        let database = format!("fetch_{round}");
        let url = self.postgres.address().create_database(&database)?;
        let mut command = Command::new(&binaries.postern);
        command
            .args(["--listen", "127.0.0.1:0", "--no-jobs", "--tls-ca"])
            .arg(&self.certificates.authority)
            .env("POSTERN_DATABASE_URL", url)
            .env("POSTERN_ADMIN_PASSWORD", servers::PASSWORD);
        let name = format!("Postern {round}");
        let postern = servers::start(&name, command, self.scratch.path(), &self.watchdog)?;
        let fetch = self.fetch_by(&postern, mails);
        drop(postern);
        self.postgres.address().drop_database(&database)?;
        fetch
    }

    fn fetch_by(&self, postern: &Measured, mails: u32) -> Result<Fetch, Failure> {
        let caller = Caller::sign_in(postern.address, servers::PASSWORD)?;
        let values = json!([{
            "name": "bench", "server_type": "imap", "server": "localhost",
            "port": self.dovecot.imaps, "is_ssl": true, "user": USER, "password": PASSWORD,
        }]);
        let server = caller.execute("fetchmail.server", "create", &values)?;
        let used = || {
            (
                processor_time(postern.process()).unwrap_or_default(),
                family_time(self.postgres.process()),
            )
        };
        let before = used();
        let begin = Instant::now();
        caller.execute("fetchmail.server", "fetch_mail", &json!([[server]]))?;
        let seconds = begin.elapsed().as_secs_f64();
        let after = used();
        let domain = json!([[["message_type", "=", "email"]]]);
        let stored = caller.execute("mail.message", "search_count", &domain)?;
        let kept = caller.execute("postern.quarantine", "search_count", &json!([[]]))?;
        if stored != json!(mails) || kept != json!(0) {
            return Err(format!(
                "of {mails} mails Postern stored {stored}, and {kept} are in the quarantine"
            )
            .into());
        }
        Ok(Fetch {
            seconds,
            memory: most_memory(postern.process()).unwrap_or_default(),
            processor: (
                after.0.saturating_sub(before.0),
                after.1.saturating_sub(before.1),
            ),
        })
    }

    fn directory(&self) -> &Path {
        self.scratch.path()
    }
}

fn table(options: &Options, bytes: u64, theirs: &[Fetch], ours: &[Fetch]) -> String {
    let mails = f64::from(options.mails);
    let line = |name: &str, fetches: &[Fetch]| {
        let rate = median(fetches.iter().map(|fetch| mails / fetch.seconds).collect());
        let memory = fetches.iter().map(|fetch| fetch.memory).max();
        let each = |time: fn(&Fetch) -> Duration| {
            let micros = fetches
                .iter()
                .map(|fetch| time(fetch).as_secs_f64() * 1e6 / mails);
            median(micros.collect())
        };
        format!(
            "{name:<24} {rate:>8.0} {:>10.0} {:>10.0} {:>8.1}",
            each(|fetch| fetch.processor.0),
            each(|fetch| fetch.processor.1),
            memory.unwrap_or_default() as f64 / 1024.0
        )
    };
    let shares = theirs.iter().zip(ours);
    let share = median(
        shares
            .map(|(their, our)| their.seconds / our.seconds)
            .collect(),
    );
    let memory = ours.iter().map(|fetch| fetch.memory).max();
    let memory = memory.unwrap_or_default() as f64 / 1024.0;
    let missed = if share < LEAST_SHARE || memory >= MOST_MEMORY {
        "  missed"
    } else {
        ""
    };
    format!(
        "{} mails, {:.0} MB, from Dovecot over TLS; medians of {} rounds\n\n\
         {:<24} {:>8} {:>10} {:>10} {:>8}\n{}\n{} {share:>9.2}x{missed}\n\n\
         to reach: {LEAST_SHARE:.2}x of mbsync's rate with its fsync, less than {MOST_MEMORY:.0} MiB\n",
        options.mails,
        bytes as f64 / 1e6,
        ours.len(),
        "",
        "mails/s",
        "own µs",
        "db µs",
        "MiB",
        line("mbsync into a Maildir", theirs),
        line("Postern into PostgreSQL", ours),
    )
}
