//! `cargo xtask test`: the whole suite against real servers, and one line at the end.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    process::{Child, ChildStdout, ExitCode, Stdio},
    thread,
    time::{Duration, Instant},
};

use ::tests::lab::{BINARY_VARIABLE, Database, LAB_VARIABLE, Watchdog};
use clap::{Args, ValueEnum};
use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use crate::{
    Failure,
    interrupt::Interrupt,
    lab,
    lab_process::LabProcess,
    workspace::{Workspace, cargo},
};

/// Environment variable with the URL of a PostgreSQL server, for tests that need a database but no lab.
const POSTGRES_VARIABLE: &str = "POSTERN_TEST_PG";

/// Which tests, and on what.
#[derive(Args, Debug)]
pub struct Options {
    /// Run only the tests whose name contains this.
    #[arg(long, value_name = "FILTER")]
    only: Option<String>,
    /// Run the tests that use a database on this one only.
    #[arg(long)]
    database: Option<DatabaseName>,
    /// Leave the lab's directory behind for a look at logs and mail.
    #[arg(long)]
    keep: bool,
}

/// A database by its name on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum DatabaseName {
    /// An SQLite file.
    Sqlite,
    /// The lab's PostgreSQL.
    Postgres,
}

impl From<DatabaseName> for Database {
    fn from(name: DatabaseName) -> Self {
        match name {
            DatabaseName::Sqlite => Self::Sqlite,
            DatabaseName::Postgres => Self::Postgres,
        }
    }
}

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl Tally {
    /// Adds a line of libtest's output if it is a result.
    fn read(&mut self, line: &str) {
        let Some(result) = line.strip_prefix("test result: ") else {
            return;
        };
        let count = |word: &str| -> u64 {
            result
                .split([';', '.'])
                .find_map(|part| part.trim().strip_suffix(word))
                .and_then(|number| number.trim().parse().ok())
                .unwrap_or(0)
        };
        self.passed += count(" passed");
        self.failed += count(" failed");
    }
}

/// Runs the suite; the last line it prints is the tally.
pub fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    let outcome = test(options, interrupt);
    let tally = match outcome {
        Ok(tally) => tally,
        Err(error) => {
            eprintln!("error: {error}");
            Tally {
                passed: 0,
                failed: 1,
            }
        }
    };
    println!("{} passed, {} failed", tally.passed, tally.failed);
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn test(options: &Options, interrupt: &Interrupt) -> Result<Tally, Failure> {
    let workspace = Workspace::load()?;
    let postern = workspace.build_postern()?;
    interrupt.check()?;
    let lab = LabProcess::start(
        &workspace,
        &lab::Options {
            keep: options.keep,
            database: options.database.into_iter().collect(),
            ..lab::Options::default()
        },
        interrupt,
    )?;
    let postgres = lab.described().databases.contains(&Database::Postgres);
    let server_url =
        postgres.then(|| (POSTGRES_VARIABLE, lab.described().postgres.url("postgres")));

    let mut command = cargo();
    command
        .args(["test", "--workspace", "--no-fail-fast"])
        .args(&options.only)
        .current_dir(&workspace.root)
        .env(LAB_VARIABLE, lab.file())
        .env(BINARY_VARIABLE, postern)
        .envs(server_url)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        // One group for cargo, the tests, and the servers that tests start.
        .process_group(0);
    let watchdog = Watchdog::start()?;
    let mut child = command.spawn()?;
    let group = i32::try_from(child.id())?;
    watchdog.watch(group, Signal::SIGTERM);
    let output = child.stdout.take();
    let reader = thread::spawn(move || output.map(show).unwrap_or_default());

    let mut status = None;
    let ended = interrupt.wait_until(|| {
        status = child.try_wait().ok().flatten();
        status.is_some()
    });
    stop(&mut child, Pid::from_raw(group));
    watchdog.forget(group);
    let mut tally = reader.join().unwrap_or_default();
    if options.keep {
        println!(
            "the lab's files are in {}",
            lab.described().scratch.display()
        );
    }
    drop(lab);
    if !ended {
        eprintln!("error: interrupted before the end");
        tally.failed += 1;
    } else if tally.failed == 0 && !status.is_some_and(|status| status.success()) {
        eprintln!("error: cargo test failed without a failing test: see above");
        tally.failed += 1;
    } else if tally == Tally::default() {
        eprintln!("error: no test has such a name");
        tally.failed += 1;
    }
    Ok(tally)
}

/// Ends the whole group: nothing when it ended by itself and left nobody behind.
fn stop(child: &mut Child, group: Pid) {
    let begin = Instant::now();
    while killpg(group, Signal::SIGTERM).is_ok() && begin.elapsed() < Duration::from_secs(5) {
        let _ = child.try_wait();
        thread::sleep(Duration::from_millis(50));
    }
    let _ = killpg(group, Signal::SIGKILL);
    let _ = child.wait();
}

/// Passes the output on as it comes and counts the results in it.
fn show(output: ChildStdout) -> Tally {
    let mut tally = Tally::default();
    let mut output = BufReader::new(output);
    let mut line = Vec::new();
    let mut terminal = std::io::stdout();
    while output
        .read_until(b'\n', &mut line)
        .is_ok_and(|count| count > 0)
    {
        // A closed terminal does not keep the tests from being counted.
        let _ = terminal.write_all(&line);
        let _ = terminal.flush();
        tally.read(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::Tally;

    #[test]
    fn results_of_several_binaries_add_up() {
        let mut tally = Tally::default();
        for line in [
            "running 3 tests",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 10 passed; 3 failed; 0 ignored; 0 measured; 7 filtered out; finished in 1.25s",
            "a test printed: 5 passed",
        ] {
            tally.read(line);
        }
        assert_eq!(
            tally,
            Tally {
                passed: 12,
                failed: 3
            }
        );
    }
}
