//! The binary: reads its settings, puts the service together, and runs it until it is told to stop.

mod banner;
mod config;
mod error;
mod files;
mod health;
mod mailgate;
mod password;
mod requests;
mod server;
mod signals;
mod telemetry;
mod vault;

use std::process::ExitCode;

use clap::Parser;

use config::{Arguments, Command, Config, Surroundings, Vault};
use error::Error;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) if mailgate::is_meant() => return mailgate::misused(&error),
        Err(error) => error.exit(),
    };
    if let Some(Command::Mailgate(options)) = &arguments.command {
        return mailgate::run(options);
    }
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", error.with_causes());
            error.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Error> {
    let around = Surroundings {
        variable: &|name| std::env::var_os(name),
        read: &|path| std::fs::read(path),
        run: &files::printed,
    };
    if let Some(Command::Health) = arguments.command {
        return health::ask(Config::load_listen(arguments, &around)?);
    }
    if let Some(Command::Vault(Vault::Key { id })) = &arguments.command {
        return vault::print_key(id.as_deref());
    }
    let config = Config::load(arguments, &around)?;
    telemetry::install(&config.log, config.log_format);
    // An error means that a provider is installed already, and then it is this one: it is the only
    // one that is compiled in.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?
        .block_on(async {
            match &arguments.command {
                Some(Command::Vault(task)) => vault::run(&config, task).await,
                _ => server::run(config).await,
            }
        })
}
