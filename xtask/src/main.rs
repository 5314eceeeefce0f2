//! What a contributor runs: `cargo xtask test | lab | demo | bench | fuzz | shots | check`.

mod bench;
mod check;
mod demo;
mod fuzz;
mod interrupt;
mod lab;
mod lab_process;
mod rpc;
mod shots;
mod suite;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::interrupt::Interrupt;

/// The tasks of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Starts the lab, runs the whole suite against it on SQLite and PostgreSQL, stops the lab.
    Test(suite::Options),
    /// Starts the lab's servers and prints how to reach them; Ctrl-C stops them.
    Lab(lab::Options),
    /// Starts the lab and Postern with a mailbox ready to be connected; Ctrl-C stops all.
    Demo(demo::Options),
    /// Measures calls against a handler with nothing in between; never fails on the figures.
    Bench(bench::Options),
    /// Feeds what reads requests and mails with inputs that lead it everywhere, until something breaks.
    Fuzz(fuzz::Options),
    /// Takes the pictures of the walk-through anew, into `docs/images`.
    Shots,
    /// Checks the rules of the house that the compiler does not know.
    Check,
}

/// What went wrong, in words for the terminal.
type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.task {
        Task::Check => check::run(),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Test(options) => {
            Interrupt::watch().and_then(|interrupt| suite::run(&options, &interrupt))
        }
        Task::Lab(options) => {
            Interrupt::watch().and_then(|interrupt| lab::run(&options, &interrupt))
        }
        Task::Demo(options) => {
            Interrupt::watch().and_then(|interrupt| demo::run(&options, &interrupt))
        }
        Task::Shots => Interrupt::watch().and_then(|interrupt| shots::run(&interrupt)),
        Task::Bench(options) => {
            Interrupt::watch().and_then(|interrupt| bench::run(&options, &interrupt))
        }
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
