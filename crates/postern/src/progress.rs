//! How far long work has come, for a person at a terminal.
//!
//! Bars stand on standard error, only where that is a terminal, and are taken away when the work ends. The log goes there
//! too, and is written above them.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tracing_subscriber::fmt::MakeWriter;

/// Where the number of parts is known, and where it is not.
const PARTS: &str = "{msg} [{bar:30}] {pos}/{len}, {elapsed}";
const NO_PARTS: &str = "{spinner} {msg}, {elapsed}";
/// How often the time that has passed is drawn.
const TICK: Duration = Duration::from_millis(200);

/// The place where bars stand; nowhere, where nobody would see them. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub struct Progress(Option<MultiProgress>);

impl Progress {
    /// Bars on standard error, if it is a terminal.
    pub fn at_terminal() -> Progress {
        let is_seen = io::stderr().is_terminal();
        Progress(is_seen.then(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr())))
    }

    /// No bars: for who reads what is printed by a program.
    pub fn nowhere() -> Progress {
        Progress(None)
    }

    /// Shows that `what` has begun, in so many parts where that is known.
    pub fn begin(&self, what: &'static str, parts: Option<usize>) -> Bar {
        Bar(self.0.as_ref().map(|bars| {
            // Its looks first: each of the others draws it.
            let bar = ProgressBar::no_length()
                .with_style(style(NO_PARTS))
                .with_message(what);
            let bar = bars.add(bar);
            if let Some(parts) = parts {
                show_parts(&bar, parts);
            }
            bar.enable_steady_tick(TICK);
            bar
        }))
    }
}

/// One piece of work that goes on. It is taken away when this is dropped.
#[derive(Debug)]
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// So many parts are done, of so many.
    pub fn reach(&self, done: usize, parts: usize) {
        let Some(bar) = &self.0 else { return };
        if bar.length() != Some(parts as u64) {
            show_parts(bar, parts);
        }
        bar.set_position(done as u64);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn show_parts(bar: &ProgressBar, parts: usize) {
    bar.set_style(style(PARTS));
    bar.set_length(parts as u64);
}

/// A template is checked when it is read; should ours ever be wrong, the usual one does too.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl<'a> MakeWriter<'a> for Progress {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line(self.clone())
    }
}

/// A line of the log, which comes in one piece.
#[derive(Debug)]
pub struct Line(Progress);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match &self.0.0 {
            Some(bars) => bars.suspend(|| io::stderr().write(line)),
            None => io::stderr().write(line),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_can_be_read() {
        for template in [PARTS, NO_PARTS] {
            ProgressStyle::with_template(template).expect(template);
        }
    }
}
