//! Rounds of load, and what the processes used meanwhile.

use std::{
    collections::HashMap,
    fs,
    io::Write as _,
    process::{Command, Stdio},
    time::Duration,
};

use serde::Deserialize;
use serde_json::json;

use super::{
    calls::Call,
    servers::{Binaries, Servers},
};
use crate::Failure;

/// What the load tells.
#[derive(Debug, Deserialize)]
struct Figures {
    seconds: f64,
    microseconds: Vec<u32>,
}

/// All rounds of one call.
#[derive(Debug)]
pub struct Run {
    /// The name of the call.
    pub name: &'static str,
    /// Whether the product answered.
    pub is_product: bool,
    /// Calls a second, of each round.
    pub rates: Vec<f64>,
    /// How long each call took, in microseconds, in no order.
    pub microseconds: Vec<u32>,
    /// Seconds that count, all rounds together.
    pub seconds: f64,
    /// What the server's process used in all rounds, warm-up included.
    server_time: Duration,
    /// What the database's processes used.
    database_time: Duration,
    /// Calls that these two stand for, estimated from the rate.
    calls: f64,
    /// The most memory that the server's process held at once, in KiB.
    pub memory: u64,
}

impl Run {
    /// Nothing measured yet.
    pub fn new(call: &Call) -> Self {
        Self {
            name: call.name,
            is_product: call.is_product,
            rates: Vec::new(),
            microseconds: Vec::new(),
            seconds: 0.0,
            server_time: Duration::ZERO,
            database_time: Duration::ZERO,
            calls: 0.0,
            memory: 0,
        }
    }

    /// Measures for a while.
    pub fn round(
        &mut self,
        binaries: &Binaries,
        servers: &Servers,
        call: &Call,
        connections: u32,
        warm_up: Duration,
        each: Duration,
    ) -> Result<(), Failure> {
        let server = if call.is_product {
            &servers.postern
        } else {
            &servers.bare
        };
        let used = |process: u32| processor_time(process).unwrap_or_default();
        let before = (
            used(server.process()),
            family_time(servers.postgres_process()),
        );
        let figures = load(binaries, call, connections, warm_up, each)?;
        let after = (
            used(server.process()),
            family_time(servers.postgres_process()),
        );
        let rate = figures.microseconds.len() as f64 / figures.seconds;
        self.rates.push(rate);
        self.seconds += figures.seconds;
        self.microseconds.extend(figures.microseconds);
        self.server_time += after.0.saturating_sub(before.0);
        self.database_time += after.1.saturating_sub(before.1);
        self.calls += rate * (warm_up + each).as_secs_f64();
        self.memory = most_memory(server.process()).unwrap_or_default();
        Ok(())
    }

    /// Microseconds of processor time for one call: in the server, and in the database.
    pub fn processor_time(&self) -> (f64, f64) {
        let each = |time: Duration| time.as_secs_f64() * 1e6 / self.calls.max(1.0);
        (each(self.server_time), each(self.database_time))
    }
}

fn load(
    binaries: &Binaries,
    call: &Call,
    connections: u32,
    warm_up: Duration,
    each: Duration,
) -> Result<Figures, Failure> {
    let task = json!({
        "address": call.address,
        "request": call.request(),
        "connections": connections,
        "warm_up": warm_up.as_secs_f64(),
        "seconds": each.as_secs_f64(),
    });
    let mut child = Command::new(&binaries.load)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        input.write_all(task.to_string().as_bytes())?;
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        return Err(format!("the load on {:?} failed", call.name).into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What a process has used of the processor so far, from `/proc`.
pub fn processor_time(process: u32) -> Option<Duration> {
    Some(stat(process)?.1)
}

/// What a process and its children have used so far.
pub fn family_time(parent: u32) -> Duration {
    let all: HashMap<u32, (u32, Duration)> = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|process| Some((process, stat(process)?)))
        .collect();
    all.iter()
        .filter(|(process, (its_parent, _))| **process == parent || *its_parent == parent)
        .map(|(_, (_, time))| *time)
        .sum()
}

/// The parent of a process, and the processor time that it used in itself and in the kernel.
fn stat(process: u32) -> Option<(u32, Duration)> {
    let text = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything; what follows it is the state, the parent, ...
    let (_, rest) = text.rsplit_once(')')?;
    let words: Vec<&str> = rest.split_whitespace().collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    let parent = u32::try_from(number(1)?).ok()?;
    // In hundredths of a second: the kernel's unit on every architecture that Linux has today.
    let ticks = number(11)? + number(12)?;
    Some((parent, Duration::from_millis(ticks * 10)))
}

/// The most memory that a process has held so far, in KiB.
pub fn most_memory(process: u32) -> Option<u64> {
    status(process, "VmHWM:")
}

fn status(process: u32, name: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let (_, rest) = text.split_once(name)?;
    rest.split_whitespace().next()?.parse().ok()
}

/// What a process holds in memory now, in KiB.
pub fn resident_memory(process: u32) -> Option<u64> {
    status(process, "VmRSS:")
}

/// The median; 0 of nothing.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_unstable_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() % 2 {
        _ if numbers.is_empty() => 0.0,
        0 => f64::midpoint(numbers[middle - 1], numbers[middle]),
        _ => numbers[middle],
    }
}
