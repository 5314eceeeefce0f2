//! `cargo xtask shots`: the pictures of the walk-through, taken while the browser tests walk it.

use std::{
    fs,
    process::{ExitCode, Stdio},
};

use ::tests::lab::{BINARY_VARIABLE, LAB_VARIABLE, packages};

use crate::{
    Failure,
    interrupt::Interrupt,
    lab,
    lab_process::LabProcess,
    workspace::{Workspace, cargo},
};

/// Where the browser tests put pictures, if they are to take any.
const SHOTS_VARIABLE: &str = "POSTERN_SHOTS";
/// Where the documentation has them.
const PLACE: &str = "docs/images";
/// The tests that walk the guide.
const WALKS: &str = "the_guide_is_walked";

/// Walks the guide in each language and takes its pictures.
pub fn run(interrupt: &Interrupt) -> Result<ExitCode, Failure> {
    packages::ensure_for_pictures()?;
    let workspace = Workspace::load()?;
    let postern = workspace.build_postern()?;
    interrupt.check()?;
    let lab = LabProcess::start(&workspace, &lab::Options::default(), interrupt)?;
    let place = workspace.root.join(PLACE);
    fs::create_dir_all(&place)?;
    let status = cargo()
        .args(["test", "--workspace", "--test", "browser", WALKS])
        .current_dir(&workspace.root)
        .env(LAB_VARIABLE, lab.file())
        .env(BINARY_VARIABLE, postern)
        .env(SHOTS_VARIABLE, &place)
        .stdin(Stdio::null())
        .status()?;
    drop(lab);
    println!("the pictures are in {}", place.display());
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
