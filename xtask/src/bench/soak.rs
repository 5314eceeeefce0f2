//! `cargo xtask bench soak`: a million calls of many kinds, with what becomes of speed, errors and memory.

use std::{path::Path, process::Command, sync::Arc};

use ::tests::{
    lab::{Postgres, Scratch, Watchdog},
    soak::{Part, Soak, growth},
};

use super::servers::{self, PASSWORD};
use crate::{Failure, interrupt::Interrupt, rpc::Caller};

const DATABASE: &str = "bench_soak";

/// Makes so many calls by so many clients at once, and prints how things stand after each tenth.
pub fn run(postern: &Path, calls: u64, clients: u32, interrupt: &Interrupt) -> Result<(), Failure> {
    let watchdog = Arc::new(Watchdog::start()?);
    let scratch = Scratch::create(false)?;
    let postgres = Postgres::start(&scratch, &watchdog)?;
    let url = postgres.address().create_database(DATABASE)?;
    let mut command = Command::new(postern);
    command
        // With the jobs and all else as it comes; the log goes into a file.
        .args(["--listen", "127.0.0.1:0"])
        .env("POSTERN_DATABASE_URL", &url)
        .env("POSTERN_ADMIN_PASSWORD", PASSWORD);
    let measured = servers::start("Postern", command, scratch.path(), &watchdog)?;
    interrupt.check()?;
    let caller = Caller::sign_in(measured.address, PASSWORD)?;
    let soak = Soak {
        base_url: format!("http://{}", measured.address),
        database: caller.database().to_owned(),
        uid: caller.uid(),
        password: PASSWORD.to_owned(),
        process: measured.process(),
        calls,
        clients: u64::from(clients),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    let parts = runtime.block_on(async {
        tokio::select! {
            parts = soak.run(|part| println!("{}", part.line())) => parts.map_err(Failure::from),
            () = interrupted(interrupt) => Err("interrupted before the end".into()),
        }
    })?;
    println!("\n{}", summary(&parts));
    Ok(())
}

async fn interrupted(interrupt: &Interrupt) {
    while interrupt.check().is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

fn summary(parts: &[Part]) -> String {
    let Some(last) = parts.last() else {
        return "no calls".to_owned();
    };
    let seconds: f64 = parts
        .iter()
        .map(|part| last.calls as f64 / parts.len() as f64 / part.rate)
        .sum();
    format!(
        "{} calls in {seconds:.0} s ({:.0}/s), {} errors; memory grew by {:.1} MiB after the first fifth",
        last.calls,
        last.calls as f64 / seconds,
        last.errors,
        growth(parts) as f64 / 1024.0
    )
}
