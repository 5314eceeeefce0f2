//! What can keep the lab from starting, in words that say what to do about it.

use std::{fmt, io, path::Path};

/// Why a server of the lab could not be started or used.
///
/// `Debug` prints the same sentence as `Display`, because a failing test shows `Debug`.
#[derive(thiserror::Error)]
pub enum LabError {
    /// Debian packages are missing and this user may not install them.
    #[error("missing programs; please run: {command}")]
    MissingPackages {
        /// The one command that installs them.
        command: String,
    },
    /// `apt-get` ran and did not succeed.
    #[error("installing packages failed ({step}): {output}")]
    Installation {
        /// The command that failed.
        step: String,
        /// The end of what it printed.
        output: String,
    },
    /// Postfix and the other servers change users at their start, which only root may do.
    #[error(
        "the lab's mail servers start only as root: run this as root, or allow this user passwordless sudo"
    )]
    NotRoot,
    /// A test that needs the lab ran without it.
    #[error(
        "this test needs running servers: run it by `cargo xtask test` ({variable} is not set)"
    )]
    NotRunning {
        /// The environment variable that `cargo xtask test` would have set.
        variable: &'static str,
    },
    /// A file, directory or process could not be handled.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, with the path or program.
        doing: String,
        /// What the system answered.
        source: io::Error,
    },
    /// A server ended or stayed silent while it was being started.
    #[error("{server} did not start: {reason}\n{log}")]
    Start {
        /// The server's name.
        server: String,
        /// What was seen.
        reason: String,
        /// The end of its log.
        log: String,
    },
    /// A helper program answered with failure.
    #[error("{program} failed: {output}")]
    Program {
        /// The program and what it was asked to do.
        program: String,
        /// What it printed.
        output: String,
    },
    /// The certificates could not be made.
    #[error("the lab's certificates could not be made")]
    Certificate(#[from] rcgen::Error),
    /// The description of a running lab cannot be read.
    #[error("the description of the lab in {path} cannot be read: {source}")]
    Description {
        /// The file.
        path: String,
        /// What the JSON parser says.
        source: serde_json::Error,
    },
    /// A mail server refused a message that the lab delivers.
    #[error("delivery to {recipient} was refused: {reply}")]
    Delivery {
        /// The envelope recipient.
        recipient: String,
        /// The server's last reply line.
        reply: String,
    },
    /// The identity provider's double did not start.
    #[error("the identity provider did not start: {0}")]
    Identity(String),
}

impl fmt::Debug for LabError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Adds what was being done to an I/O error.
pub(crate) trait Doing<T> {
    /// Turns the error into [`LabError::Io`] with a description such as `reading /x`.
    fn doing(self, what: impl fmt::Display) -> Result<T, LabError>;
}

impl<T> Doing<T> for io::Result<T> {
    fn doing(self, what: impl fmt::Display) -> Result<T, LabError> {
        self.map_err(|source| LabError::Io {
            doing: what.to_string(),
            source,
        })
    }
}

/// The last lines of a log file, for error messages; empty when there is none.
pub(crate) fn tail(path: &Path, lines: usize) -> String {
    let Ok(bytes) = std::fs::read(path) else {
        return String::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
