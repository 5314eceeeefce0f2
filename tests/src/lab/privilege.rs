//! Who we are, and as whom servers run that refuse root.

use std::process::{Command, Stdio};

use nix::unistd::{Uid, User};

use super::error::LabError;

/// What this process may do on the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Privilege {
    /// Root: everything.
    Root,
    /// A user that may run commands as root without a password.
    Sudo,
    /// A user without further rights.
    User,
}

impl Privilege {
    /// Asks the system; never prompts for a password.
    #[must_use]
    pub fn detect() -> Self {
        if Uid::effective().is_root() {
            return Self::Root;
        }
        let may_sudo = Command::new("sudo")
            .args(["-n", "true"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if may_sudo { Self::Sudo } else { Self::User }
    }
}

/// A user's number and main group.
#[derive(Clone, Copy, Debug)]
pub struct Account {
    /// User id.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
}

/// The first of these users that exists on this machine.
pub fn account(names: &[&str]) -> Result<Account, LabError> {
    names
        .iter()
        .find_map(|name| User::from_name(name).ok().flatten())
        .map(|user| Account {
            uid: user.uid.as_raw(),
            gid: user.gid.as_raw(),
        })
        .ok_or_else(|| LabError::Program {
            program: format!("looking up the user {}", names.join(" or ")),
            output: "no such user on this machine".to_owned(),
        })
}
