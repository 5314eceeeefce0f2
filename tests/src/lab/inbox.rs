//! Mailboxes read by a client that is not ours: Python's imaplib.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use base64::Engine as _;
use serde::Deserialize;

use super::{
    error::{Doing, LabError},
    packages,
};

/// A message as it lies in the mailbox.
#[derive(Clone, Debug)]
pub struct StoredMessage {
    /// IMAP flags, such as `\Seen`; reading here sets none.
    pub flags: Vec<String>,
    /// The bytes, with CRLF line ends.
    pub raw: Vec<u8>,
}

impl StoredMessage {
    /// The bytes as text, for a look at headers.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }
}

/// All messages of the INBOX of `user` on localhost, over TLS verified against `authority`.
pub fn read_inbox(
    port: u16,
    user: &str,
    password: &str,
    authority: &Path,
) -> Result<Vec<StoredMessage>, LabError> {
    #[derive(Deserialize)]
    struct Printed {
        flags: Vec<String>,
        raw: String,
    }
    let printed = python(
        include_str!("../../fixtures/read_inbox.py"),
        &[
            "localhost",
            &port.to_string(),
            user,
            password,
            &authority.display().to_string(),
        ],
    )?;
    let unreadable = |output: String| LabError::Program {
        program: "read_inbox.py".to_owned(),
        output,
    };
    let messages: Vec<Printed> =
        serde_json::from_str(&printed).map_err(|error| unreadable(error.to_string()))?;
    messages
        .into_iter()
        .map(|message| {
            let raw = base64::engine::general_purpose::STANDARD
                .decode(message.raw)
                .map_err(|error| unreadable(error.to_string()))?;
            Ok(StoredMessage {
                flags: message.flags,
                raw,
            })
        })
        .collect()
}

/// Runs a Python program given as text, and answers what it printed.
pub fn python(program: &str, arguments: &[&str]) -> Result<String, LabError> {
    python_reading("", program, arguments)
}

/// Like [`python`], with something to read: secrets do not belong into the list of processes.
pub fn python_reading(input: &str, program: &str, arguments: &[&str]) -> Result<String, LabError> {
    let python = packages::program("python3").unwrap_or_else(|| "python3".into());
    // The program's own text would drown what went wrong.
    let name = format!("python3 {}", arguments.join(" "));
    let doing = || format!("running {name}");
    let mut child = Command::new(python)
        .arg("-c")
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .doing(doing())?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that reads nothing may have closed it.
        let _ = pipe.write_all(input.as_bytes());
    }
    let output = child.wait_with_output().doing(doing())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(LabError::Program {
        program: name,
        output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
