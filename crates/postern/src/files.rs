//! The files that the service makes itself, those of an Odoo that it reads, and what commands print.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use server_model::home::Filestore;

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

/// The folder in which an Odoo keeps the contents of attachments.
pub struct OdooFilestore(pub PathBuf);

impl Filestore for OdooFilestore {
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        // Odoo calls a file by the SHA-1 of its content, in a folder of the first two digits.
        let is_digits =
            |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_hexdigit());
        match name.split_once('/') {
            Some((folder, file)) if is_digits(folder) && is_digits(file) => {
                std::fs::read(self.0.join(folder).join(file))
            }
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "that is no name of a file as Odoo gives them",
            )),
        }
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

#[cfg(test)]
mod tests {
    use server_model::home::Filestore as _;

    use super::OdooFilestore;

    #[test]
    fn only_files_of_the_filestore_are_read() {
        let folder = std::env::temp_dir().join(format!("filestore-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("ab")).expect("a folder");
        std::fs::write(folder.join("ab/abcd"), "content").expect("a file");
        std::fs::write(folder.join("secret"), "no attachment").expect("a file");
        let filestore = OdooFilestore(folder.clone());
        let read = |name: &str| filestore.read(name);
        assert_eq!(read("ab/abcd").expect("it is there"), b"content");
        for name in [
            "ab/../secret",
            "../etc",
            "secret",
            "/etc/passwd",
            "ab/",
            "ab/ef",
        ] {
            assert!(read(name).is_err(), "{name}");
        }
        std::fs::remove_dir_all(folder).expect("the folder goes");
    }
}
