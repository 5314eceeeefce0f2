//! `cargo xtask lab`: the servers, until Ctrl-C.

use std::{
    io::Read,
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, ExitCode},
    thread,
};

use ::tests::lab::{Lab, LabError, LabOptions, Privilege, packages};
use clap::Args;

use crate::{Failure, interrupt::Interrupt, suite::DatabaseName};

/// What the lab is to be like.
#[derive(Args, Clone, Debug, Default)]
pub struct Options {
    /// Leave the lab's directory behind for a look at logs and mail.
    #[arg(long)]
    pub keep: bool,
    /// Install what the servers need, and not what tests need beside, such as a browser.
    #[arg(long)]
    pub servers_only: bool,
    /// A redirect URI to register at the identity provider; may be repeated.
    #[arg(long = "redirect-uri", value_name = "URL")]
    pub redirect_uris: Vec<String>,
    /// Write how to reach the servers into this file as JSON (what POSTERN_LAB names).
    #[arg(long, value_name = "FILE")]
    pub describe: Option<PathBuf>,
    /// The databases that tests are to run on; both when not given.
    #[arg(long, hide = true)]
    pub database: Vec<DatabaseName>,
    /// Stop when standard input ends: how another task keeps the lab as long as it lives.
    #[arg(long, hide = true)]
    pub until_input_ends: bool,
}

/// Runs the lab until it is interrupted.
pub fn run(options: &Options, interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    if Privilege::detect() == Privilege::Sudo {
        return Err(as_root().into());
    }
    let mut lab_options = LabOptions {
        keep: options.keep,
        servers_only: options.servers_only,
        ..LabOptions::default()
    };
    lab_options
        .redirect_uris
        .extend(options.redirect_uris.iter().cloned());
    if !options.database.is_empty() {
        lab_options.databases = options.database.iter().map(|&name| name.into()).collect();
    }
    if options.until_input_ends {
        let interrupt = interrupt.clone();
        thread::spawn(move || {
            // Nothing is ever written; a read error is an end too.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            interrupt.raise();
        });
    }
    let lab = Lab::start(&lab_options)?;
    if let Some(file) = &options.describe {
        lab.described().write(file)?;
    }
    if !options.until_input_ends {
        println!("{}\n\nCtrl-C stops it.", lab.described());
    }
    interrupt.wait_until(|| false);
    drop(lab);
    Ok(ExitCode::SUCCESS)
}

/// Replaces this process by the same one as root; returns only when that fails.
fn as_root() -> std::io::Error {
    let Ok(program) = std::env::current_exe() else {
        return std::io::Error::other("this program cannot find itself");
    };
    elevated(Command::new("sudo"), &program)
        .args(std::env::args_os().skip(1))
        .exec()
}

/// The beginning of a command line that runs `program` as root with the search path it has now.
fn elevated(mut sudo: Command, program: &std::path::Path) -> Command {
    let mut path = std::ffi::OsString::from("PATH=");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    sudo.args(["-n", "env"]).arg(path).arg(program);
    sudo
}

/// The command that runs `cargo xtask lab` as root from another task, by sudo where needed.
pub fn command(options: &Options) -> Result<Command, Failure> {
    let program = std::env::current_exe()?;
    let mut command = match Privilege::detect() {
        Privilege::Root => Command::new(program),
        Privilege::Sudo => {
            // Without a terminal of its own, which sudo would otherwise want to manage.
            let mut session = Command::new("setsid");
            session.arg("sudo");
            elevated(session, &program)
        }
        Privilege::User => {
            // Names the missing packages first: the more useful of the two messages.
            packages::ensure(options.servers_only)?;
            return Err(LabError::NotRoot.into());
        }
    };
    command.arg("lab");
    Ok(command)
}
