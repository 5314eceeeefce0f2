//! The figures: as a table for people, and in a file to compare with.

use std::{fmt::Write as _, fs, path::Path};

use serde::{Deserialize, Serialize};

use super::measure::{Run, median};
use crate::Failure;

/// The least share of the yardstick's throughput.
const LEAST_THROUGHPUT: f64 = 0.6;
/// The most that the 99th percentile may be, as a multiple of the yardstick's.
const MOST_P99: f64 = 3.0;

/// What one run of the bench found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Report {
    connections: u32,
    lines: Vec<Line>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Line {
    name: String,
    is_product: bool,
    /// Calls a second.
    rate: f64,
    /// In milliseconds.
    p50: f64,
    p99: f64,
    /// Processor time of one call in microseconds.
    server_time: f64,
    database_time: f64,
    /// The most memory held, in MiB.
    memory: f64,
    /// Throughput as a share of the yardstick's: the median of the rounds.
    throughput: Option<f64>,
    /// The 99th percentile as a multiple of the yardstick's.
    slowness: Option<f64>,
}

impl Report {
    /// Works the figures out; the first run is the yardstick.
    pub fn of(runs: &[Run], connections: u32) -> Self {
        let yardstick = runs.first();
        let lines = runs
            .iter()
            .map(|run| {
                let mut sorted = run.microseconds.clone();
                sorted.sort_unstable();
                let (server_time, database_time) = run.processor_time();
                let other = yardstick.filter(|_| run.is_product);
                let p99 = percentile(&sorted, 99.0);
                Line {
                    name: run.name.to_owned(),
                    is_product: run.is_product,
                    rate: sorted.len() as f64 / run.seconds,
                    p50: percentile(&sorted, 50.0),
                    p99,
                    server_time,
                    database_time,
                    memory: run.memory as f64 / 1024.0,
                    throughput: other.map(|other| share(&run.rates, &other.rates)),
                    slowness: other.map(|other| {
                        let mut sorted = other.microseconds.clone();
                        sorted.sort_unstable();
                        p99 / percentile(&sorted, 99.0)
                    }),
                }
            })
            .collect();
        Self { connections, lines }
    }

    /// Reads what [`Report::write`] wrote.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        Ok(serde_json::from_slice(&text)?)
    }

    /// Writes the figures, to be compared with later.
    pub fn write(&self, file: &Path) -> Result<(), Failure> {
        Ok(fs::write(file, serde_json::to_vec_pretty(self)?)?)
    }

    /// The table, with the ratios of an earlier run where there is one.
    pub fn table(&self, before: Option<&Self>) -> String {
        let mut text = format!(
            "search_read of 80 records with 10 fields, {} clients at once\n\n",
            self.connections
        );
        let _ = writeln!(
            text,
            "{:<22} {:>8} {:>8} {:>8} {:>10} {:>10} {:>8} {:>10} {:>8}",
            "", "calls/s", "p50 ms", "p99 ms", "server µs", "db µs", "MiB", "throughput", "p99"
        );
        for line in &self.lines {
            let _ = write!(
                text,
                "{:<22} {:>8.0} {:>8.2} {:>8.2} {:>10.0} {:>10.0} {:>8.1}",
                line.name,
                line.rate,
                line.p50,
                line.p99,
                line.server_time,
                line.database_time,
                line.memory
            );
            if let (Some(throughput), Some(slowness)) = (line.throughput, line.slowness) {
                let _ = write!(text, " {throughput:>9.2}x {slowness:>7.2}x");
                if throughput < LEAST_THROUGHPUT || slowness >= MOST_P99 {
                    text.push_str("  missed");
                }
            }
            text.push('\n');
            let earlier = before.and_then(|before| before.line(&line.name));
            if let Some((throughput, slowness)) =
                earlier.and_then(|earlier| earlier.throughput.zip(earlier.slowness))
            {
                let _ = writeln!(
                    text,
                    "{:>88} {throughput:>9.2}x {slowness:>7.2}x",
                    "before:"
                );
            }
        }
        let _ = writeln!(
            text,
            "\nto reach: throughput at least {LEAST_THROUGHPUT:.2}x, p99 under {MOST_P99:.2}x of the bare handler's"
        );
        text
    }

    fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }
}

/// The median over the rounds of how one rate relates to the other in the same round: a round that
/// something else disturbed does not decide.
fn share(rates: &[f64], others: &[f64]) -> f64 {
    median(
        rates
            .iter()
            .zip(others)
            .map(|(rate, other)| rate / other)
            .collect(),
    )
}

/// In milliseconds, of sorted microseconds.
fn percentile(sorted: &[u32], percent: f64) -> f64 {
    let at = (sorted.len() as f64 * percent / 100.0).ceil() as usize;
    sorted
        .get(at.saturating_sub(1))
        .map_or(0.0, |microseconds| f64::from(*microseconds) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::{percentile, share};

    #[test]
    fn a_percentile_is_the_least_value_that_so_many_do_not_exceed() {
        let sorted: Vec<u32> = (1..=200).map(|nth| nth * 1000).collect();
        assert_eq!(percentile(&sorted, 50.0), 100.0);
        assert_eq!(percentile(&sorted, 99.0), 198.0);
        assert_eq!(percentile(&[7000], 99.0), 7.0);
        assert_eq!(percentile(&[], 99.0), 0.0);
    }

    #[test]
    fn a_disturbed_round_does_not_decide() {
        assert_eq!(share(&[50.0, 5.0, 60.0], &[100.0, 100.0, 100.0]), 0.5);
        assert_eq!(share(&[50.0, 60.0], &[100.0, 100.0]), 0.55);
    }
}
