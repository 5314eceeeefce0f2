//! What cargo knows about this workspace.

use std::{path::PathBuf, process::Command};

use serde::Deserialize;

use crate::Failure;

/// The workspace as `cargo metadata` describes it.
#[derive(Debug, Deserialize)]
pub struct Workspace {
    /// Its members.
    pub packages: Vec<Package>,
    /// Its directory.
    #[serde(rename = "workspace_root")]
    pub root: PathBuf,
    /// Where cargo builds.
    #[serde(rename = "target_directory")]
    pub target: PathBuf,
}

/// A member.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its manifest.
    pub manifest_path: PathBuf,
    /// What it names in its manifest.
    pub dependencies: Vec<Dependency>,
}

/// A line of a manifest's dependencies.
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// The package's name, also where it is renamed.
    pub name: String,
    /// `dev`, `build`, or nothing for a normal dependency.
    pub kind: Option<String>,
}

impl Workspace {
    /// Asks cargo.
    pub fn load() -> Result<Self, Failure> {
        let output = cargo()
            .args(["metadata", "--format-version", "1", "--no-deps"])
            .output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Builds the Postern binary and answers where it is.
    pub fn build_postern(&self) -> Result<PathBuf, Failure> {
        let status = cargo()
            // With the whole workspace, so that it is built with the features that the tests are built with: nothing is
            // compiled twice.
            .args(["build", "--workspace", "--bin", "postern"])
            .current_dir(&self.root)
            .status()?;
        if !status.success() {
            return Err("Postern does not build".into());
        }
        Ok(self.target.join("debug").join("postern"))
    }
}

/// The cargo that runs us.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}
