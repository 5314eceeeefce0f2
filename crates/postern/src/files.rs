//! The files that the service makes itself, and what commands print.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes the SQLite file with access for its owner only, unless it is there.
///
/// SQLite would make it readable for everyone that the umask allows, and it holds refresh tokens
/// and password hashes. The files that SQLite puts beside it take over its permissions.
///
/// # Errors
/// What the system says when it cannot be made.
pub fn make_private(path: &Path) -> io::Result<()> {
    match OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
    {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// What a command of the shell prints. What it says on standard error goes where ours goes.
///
/// # Errors
/// When it cannot be run, or ends with another status than 0.
pub fn printed(command: &str) -> io::Result<Vec<u8>> {
    let output = Command::new("/bin/sh")
        .args(["-c", command])
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(io::Error::other(format!("it ended with {}", output.status)))
    }
}

/// The path from the root, for people who started the program elsewhere than they think.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
