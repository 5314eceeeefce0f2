//! The binary: reads its settings, puts the service together, and runs it until it is told to stop.

mod adopt;
mod banner;
mod beside_odoo;
mod config;
mod console;
mod doctor;
mod error;
mod errors;
mod farewell;
mod files;
mod health;
mod mailgate;
mod metrics;
mod pace;
mod password;
mod progress;
mod requests;
mod server;
mod signals;
mod supervisor;
mod telemetry;
mod trace_context;
mod vault;

use std::process::ExitCode;

use clap::Parser;

use config::{Arguments, Command, Config, LogDirective, LogFormat, Surroundings, Vault};
use error::Error;
use progress::Progress;

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
    if let Some(Command::Errors(options)) = &arguments.command {
        return errors::run(options);
    }
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {}", error.with_causes());
            error.exit_code()
        }
    }
}

fn run(arguments: &Arguments) -> Result<ExitCode, Error> {
    let around = Surroundings {
        variable: &|name| std::env::var_os(name),
        read: &|path| std::fs::read(path),
        run: &files::printed,
    };
    if let Some(Command::Health) = arguments.command {
        health::ask(Config::load_listen(arguments, &around)?)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(Command::Vault(Vault::Key { id })) = &arguments.command {
        vault::print_key(id.as_deref())?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut config = Config::load(arguments, &around)?;
    if let Some(Command::Doctor(_) | Command::Console(_) | Command::Adopt(_) | Command::Release(_)) =
        arguments.command
        && arguments.log.is_none()
    {
        // What it has to say stands on standard output.
        config.log = LogDirective::warnings();
    }
    // An error means that a provider is installed already, and then it is this one: it is the only
    // one that is compiled in.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let progress = match &arguments.command {
        Some(Command::Doctor(options)) if options.json => Progress::nowhere(),
        _ if config.log_format == LogFormat::Json => Progress::nowhere(),
        _ => Progress::at_terminal(),
    };
    let _traces = telemetry::install(
        &config.log,
        config.log_format,
        config.otlp_endpoint.as_ref(),
        &progress,
    )?;
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(Error::Runtime)?
        .block_on(async {
            match &arguments.command {
                Some(Command::Doctor(options)) => {
                    return doctor::run(&config, options, &progress).await;
                }
                Some(Command::Console(what)) => console::run(&config, what).await?,
                Some(Command::Adopt(options)) => adopt::adopt(&config, options, &progress).await?,
                Some(Command::Release(options)) => {
                    adopt::release(&config, options, &progress).await?
                }
                Some(Command::Vault(task)) => vault::run(&config, task, &progress).await?,
                _ => server::run(config, &progress).await?,
            }
            Ok(ExitCode::SUCCESS)
        })
}
