//! The lab's private directory, gone when the lab ends.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use super::error::{Doing, LabError};

/// A fresh directory of mode 0755 under the system's temporary directory.
///
/// Mail servers drop to their own users and walk down to their files, so that the usual 0700 of
/// temporary directories would end in `Permission denied` long after the start.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    keep: bool,
}

impl Scratch {
    /// Makes the directory; `keep` leaves it behind for a look at logs and mail.
    pub fn create(keep: bool) -> Result<Self, LabError> {
        let name = format!("postern-lab-{}", uuid::Uuid::new_v4().simple());
        // Unix socket paths end at 107 bytes, hence not the whole random number.
        let path = reachable_temporary_directory().join(&name[..20]);
        fs::create_dir(&path).doing(format_args!("making {}", path.display()))?;
        let scratch = Self { path, keep };
        set_mode(scratch.path(), 0o755)?;
        Ok(scratch)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it outlives the lab.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.keep
    }

    /// Makes a directory inside, mode 0755, and answers its path.
    pub fn directory(&self, name: &str) -> Result<PathBuf, LabError> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).doing(format_args!("making {}", path.display()))?;
        set_mode(&path, 0o755)?;
        Ok(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        // A server's last child may still be writing while the tree is removed.
        for _ in 0..20 {
            if fs::remove_dir_all(&self.path).is_ok() || !self.path.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        eprintln!("could not remove {}", self.path.display());
    }
}

/// Writes a file with mode 0644, or 0600 when `secret`.
pub(crate) fn write_file(path: &Path, content: &str, secret: bool) -> Result<(), LabError> {
    fs::write(path, content).doing(format_args!("writing {}", path.display()))?;
    set_mode(path, if secret { 0o600 } else { 0o644 })
}

/// Sets the permission bits, whatever the umask was.
pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<(), LabError> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .doing(format_args!("setting the mode of {}", path.display()))
}

/// The temporary directory of the environment when every user may pass through it, else `/tmp`.
fn reachable_temporary_directory() -> PathBuf {
    let wanted = std::env::temp_dir();
    let open_to_all = wanted.ancestors().all(|ancestor| {
        fs::metadata(ancestor).is_ok_and(|found| found.permissions().mode() & 0o001 != 0)
    });
    // The longest socket name inside is short; this leaves room for it.
    if open_to_all && wanted.as_os_str().len() < 60 {
        wanted
    } else {
        PathBuf::from("/tmp")
    }
}
