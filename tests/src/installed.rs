//! Packages from the registries of other languages, put into the build directory once and then kept.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Installs what a lock file of npm names, without running anything of it.
pub const NPM_CI: &[&str] = &[
    "npm",
    "ci",
    "--ignore-scripts",
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
];

/// What to install, and how.
#[derive(Clone, Copy, Debug)]
pub struct Recipe<'a> {
    /// The directory's name within the build directory.
    pub name: &'a str,
    /// Where the files are.
    pub source: &'a Path,
    /// The files to be put there, the first of which pins the versions: when it changes, all is installed anew.
    pub files: &'a [&'a str],
    /// The commands that install, each with its arguments, run in the directory.
    pub commands: &'a [&'a [&'a str]],
    /// What to say when a program is missing.
    pub hint: &'a str,
}

/// Makes sure that it is installed, and answers the directory.
///
/// # Errors
/// When a command is missing or fails.
pub fn install(recipe: Recipe<'_>) -> io::Result<PathBuf> {
    let home = target_directory().join(recipe.name);
    fs::create_dir_all(&home)?;
    // Several test processes may come at once; the first installs, the others wait. Unlocked when the file closes.
    let lock = File::create(home.join(".lock"))?;
    lock.lock()?;
    for file in recipe.files {
        // Replaced in one step, for another test's program may be reading it.
        let fresh = home.join(format!("{file}.new"));
        fs::copy(recipe.source.join(file), &fresh)?;
        fs::rename(&fresh, home.join(file))?;
    }
    let pins = recipe.files.first().copied().unwrap_or_default();
    let wanted = fs::read_to_string(home.join(pins))?;
    let stamp = home.join(".installed");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    for command in recipe.commands {
        run(&home, command, recipe.hint)?;
    }
    fs::write(stamp, wanted)?;
    Ok(home)
}

fn run(home: &Path, command: &[&str], hint: &str) -> io::Result<()> {
    let [program, arguments @ ..] = command else {
        return Ok(());
    };
    let output = Command::new(program)
        .args(arguments)
        .current_dir(home)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing(program, hint, &error))?;
    if output.status.success() {
        return Ok(());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(io::Error::other(format!(
        "{} in {} failed ({hint}): {}",
        command.join(" "),
        home.display(),
        String::from_utf8_lossy(&said).trim()
    )))
}

/// The error for a program that cannot be started, with what to do about it.
pub(crate) fn missing(program: &str, hint: &str, error: &io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("{program} could not be started: {error}; {hint}"),
    )
}

/// The build directory, found from the running test's own place in it, so that a `CARGO_TARGET_DIR` is respected.
fn target_directory() -> PathBuf {
    let beside_the_sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let Ok(program) = std::env::current_exe() else {
        return beside_the_sources;
    };
    let is_target = |directory: &&Path| directory.join("CACHEDIR.TAG").is_file();
    program
        .ancestors()
        .find(is_target)
        .map_or(beside_the_sources, Path::to_path_buf)
}
