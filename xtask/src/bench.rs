//! `cargo xtask bench`: what a call costs, as a ratio to what it would cost with nothing in between.

mod calls;
mod fetch;
mod measure;
mod outbox;
mod report;
mod servers;
mod soak;
mod start;

use std::{path::PathBuf, process::ExitCode, thread, time::Duration};

use clap::{Args, ValueEnum};

use self::{
    calls::Call,
    measure::Run,
    report::Report,
    servers::{Binaries, Servers},
};
use crate::{Failure, interrupt::Interrupt, workspace::Workspace};

/// How long each server is called before anything is counted.
const WARM_UP: Duration = Duration::from_secs(2);
/// How long before each later round: the caches are warm then, only the connections are new.
const SETTLE: Duration = Duration::from_millis(300);

/// What is measured, and for how long.
#[derive(Args, Debug)]
pub struct Options {
    /// What to measure.
    #[arg(value_enum, default_value_t = Subject::Rpc)]
    subject: Subject,
    /// How long each kind of call is measured, in seconds, all rounds together.
    #[arg(long, default_value_t = 15.0, value_parser = positive)]
    seconds: f64,
    /// In how many rounds: the kinds of call take turns, so that what else the machine does hits all.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// How many clients call at once.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: u32,
    /// How many mails the mailbox holds, where fetching is measured.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    mails: u32,
    /// How many calls are made, where the program is soaked.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10..))]
    calls: u64,
    /// Measure this Postern instead of building one, to see what a change did.
    #[arg(long, value_name = "FILE")]
    postern: Option<PathBuf>,
    /// Write the figures into this file, as JSON.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
    /// Show the ratios of this file, written by `--keep`, beside the new ones.
    #[arg(long, value_name = "FILE")]
    compare: Option<PathBuf>,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Subject {
    /// `search_read` of 80 mail servers with 10 fields.
    Rpc,
    /// Mails from the queue into smtp-sink and Postfix, beside smtp-source.
    Outbox,
    /// Mails from Dovecot into PostgreSQL, beside `mbsync` that writes them into a Maildir.
    Fetch,
    /// A start until the first answer, idle memory, and the size of the program.
    Start,
    /// A million calls of many kinds: speed, errors and memory after each tenth.
    Soak,
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number > 0.0 && number <= 3600.0 => Ok(number),
        _ => Err("a number of seconds, more than 0 and at most 3600".to_owned()),
    }
}

/// Measures and prints. Figures that are missed are told, and are no failure: a busy machine is
/// no reason for a red build.
pub fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    match options.subject {
        Subject::Rpc => rpc(options, interrupt)?,
        Subject::Outbox => outbox(options, interrupt)?,
        Subject::Fetch => fetch::run(options, interrupt)?,
        Subject::Start => {
            let workspace = Workspace::load()?;
            let postern = servers::build_postern(&workspace, options.postern.as_deref())?;
            start::run(&postern, interrupt)?;
        }
        Subject::Soak => {
            let workspace = Workspace::load()?;
            let postern = servers::build_postern(&workspace, options.postern.as_deref())?;
            soak::run(&postern, options.calls, options.connections, interrupt)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn outbox(options: &Options, interrupt: &Interrupt) -> Result<(), Failure> {
    let workspace = Workspace::load()?;
    let postern = servers::build_postern(&workspace, options.postern.as_deref())?;
    interrupt.check()?;
    outbox::run(&postern, options.keep.as_deref(), interrupt)
}

fn rpc(options: &Options, interrupt: &Interrupt) -> Result<(), Failure> {
    let before = options.compare.as_deref().map(Report::read).transpose()?;
    let workspace = Workspace::load()?;
    let binaries = Binaries::build(&workspace, options.postern.as_deref())?;
    interrupt.check()?;
    let servers = Servers::start(&binaries)?;
    interrupt.check()?;
    let calls = calls::prepare(&servers)?;
    let runs = measure(options, interrupt, &binaries, &servers, &calls)?;
    let report = Report::of(&runs, options.connections);
    print!("{}", report.table(before.as_ref()));
    if let Some(file) = &options.keep {
        report.write(file)?;
        println!("kept in {}", file.display());
    }
    Ok(())
}

fn measure(
    options: &Options,
    interrupt: &Interrupt,
    binaries: &Binaries,
    servers: &Servers,
    calls: &[Call],
) -> Result<Vec<Run>, Failure> {
    let each = Duration::from_secs_f64(options.seconds / f64::from(options.rounds));
    let mut runs: Vec<Run> = calls.iter().map(Run::new).collect();
    for round in 0..options.rounds {
        let warm_up = if round == 0 { WARM_UP } else { SETTLE };
        for (call, run) in calls.iter().zip(&mut runs) {
            interrupt.check()?;
            eprint!(
                "\rround {} of {}: {:<40}",
                round + 1,
                options.rounds,
                call.name
            );
            run.round(binaries, servers, call, options.connections, warm_up, each)?;
            // What the last load left behind (connections on their way back) is not the next one's.
            thread::sleep(Duration::from_millis(100));
        }
    }
    eprint!("\r{:60}\r", "");
    Ok(runs)
}
