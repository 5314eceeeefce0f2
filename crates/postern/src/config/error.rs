//! Why a configuration is refused, in words that name the setting, the value and the remedy.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// On the command line.
    Flag,
    /// In this environment variable.
    Variable(&'static str),
    /// Under this key of the configuration file.
    File {
        /// The configuration file.
        path: PathBuf,
        /// The key within it.
        key: &'static str,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Flag => f.write_str("the command line"),
            Origin::Variable(name) => write!(f, "the variable {name}"),
            Origin::File { path, key } => write!(f, "`{key}` in {}", path.display()),
        }
    }
}

/// Why the service does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value that cannot be used. The value is quoted in `problem`, unless it may be a secret.
    #[error("{setting} (from {origin}): {problem}. Give {right}.")]
    Value {
        /// The setting's flag, or its variable where it has no flag.
        setting: &'static str,
        /// Where the value was found.
        origin: Origin,
        /// What is wrong with it.
        problem: String,
        /// What would be right.
        right: &'static str,
    },
    /// A file that a setting names cannot be read.
    #[error("{setting} (from {origin}): the file {} cannot be read ({source}). Give {right}.", path.display())]
    Unreadable {
        /// The setting's flag, or its variable where it has no flag.
        setting: &'static str,
        /// Where the file's name was found.
        origin: Origin,
        /// The file.
        path: PathBuf,
        /// What would be right.
        right: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// A command that a setting names does not give what it is for.
    #[error(
        "{setting} (from {origin}): the command failed ({source}). Give one that prints the keys and ends with status 0."
    )]
    Command {
        /// The setting's flag.
        setting: &'static str,
        /// Where the command was found.
        origin: Origin,
        /// What went wrong.
        source: io::Error,
    },
    /// The configuration file is no TOML. Its lines are not quoted: one may hold a secret.
    #[error("--config: {} is not valid TOML: line {line}: {problem}", path.display())]
    Toml {
        /// The configuration file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What the parser expected there.
        problem: String,
    },
    /// The configuration file has a key that is no setting.
    #[error("--config: {} sets `{key}`, which is no setting{hint}. The settings are: {known}.", path.display())]
    UnknownKey {
        /// The configuration file.
        path: PathBuf,
        /// The key.
        key: String,
        /// What may have been meant.
        hint: String,
        /// All keys that there are.
        known: String,
    },
    /// The same thing is said twice, and which of them is meant cannot be known.
    #[error("{first} and {second} are both given. Keep one of them.")]
    Twice {
        /// One way of saying it.
        first: String,
        /// The other.
        second: String,
    },
}
