//! `cargo xtask check`: the rules of the house that the compiler does not know.

mod dependencies;
mod image;
mod sources;
mod threats;

use std::{fs, process::ExitCode};

use crate::{Failure, workspace::Workspace};

/// Prints every breach; fails when there is one.
pub fn run() -> Result<ExitCode, Failure> {
    let workspace = Workspace::load()?;
    let mut breaches = dependencies::breaches(&workspace.packages);
    breaches.extend(sources::breaches(&workspace.root)?);
    let threats = fs::read_to_string(workspace.root.join("docs/security.md"))?;
    breaches.extend(threats::breaches(
        &threats,
        &sources::texts(&workspace.root)?,
    ));
    let dockerfile = fs::read_to_string(workspace.root.join("Dockerfile"))?;
    breaches.extend(image::breaches(
        &workspace.packages,
        &workspace.root,
        &dockerfile,
    ));
    for breach in &breaches {
        println!("{breach}");
    }
    if breaches.is_empty() {
        println!("the rules of the house hold");
        Ok(ExitCode::SUCCESS)
    } else {
        eprintln!(
            "error: {} breaches of the rules of the house",
            breaches.len()
        );
        Ok(ExitCode::FAILURE)
    }
}
