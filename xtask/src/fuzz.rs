//! `cargo xtask fuzz`: the targets in `fuzz/`, each for a while, with the ordinary compiler.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::Args;

use crate::{
    Failure,
    workspace::{Workspace, cargo},
};

/// What libFuzzer needs to see which way a program took, and how close a comparison was.
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing";
/// An input may take this many seconds before it counts as a failure.
const PATIENCE: u32 = 20;

/// Which targets, and for how long.
#[derive(Args, Debug)]
pub struct Options {
    /// The target; all of them if none is named.
    target: Option<String>,
    /// How long each is fuzzed, in seconds.
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// So many inputs for each instead, from the same beginning each time and without what earlier runs
    /// found out.
    #[arg(long, conflicts_with = "seconds")]
    inputs: Option<u32>,
}

impl Options {
    /// What the run of a target is bounded by, as libFuzzer takes it.
    fn bounds(&self) -> Vec<String> {
        match self.inputs {
            Some(inputs) => vec![format!("-runs={inputs}"), "-seed=1".to_owned()],
            None => vec![format!("-max_total_time={}", self.seconds)],
        }
    }

    fn described(&self) -> String {
        match self.inputs {
            Some(inputs) => format!("{inputs} inputs"),
            None => format!("{} s", self.seconds),
        }
    }
}

/// Builds and runs the targets; fails with the first input that breaks one, and says where it lies.
pub fn run(options: &Options) -> Result<ExitCode, Failure> {
    let workspace = Workspace::load()?;
    let folder = workspace.root.join("fuzz");
    let all = targets(&folder)?;
    let chosen: Vec<String> = match &options.target {
        None => all,
        Some(target) if all.contains(target) => vec![target.clone()],
        Some(target) => {
            return Err(format!(
                "there is no target {target:?}; there are {}",
                all.join(", ")
            )
            .into());
        }
    };
    let built = build(&folder, &workspace.target.join("fuzz"))?;
    for target in &chosen {
        fuzz(target, &built, &folder, &workspace.target, options)?;
    }
    println!(
        "{} targets, {} each, nothing found",
        chosen.len(),
        options.described()
    );
    Ok(ExitCode::SUCCESS)
}

/// The names of the targets: those of their files.
fn targets(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join("fuzz_targets"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "rs") {
            names.extend(
                path.file_stem()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
    }
    names.sort();
    Ok(names)
}

/// Builds all targets; the folder they are in.
fn build(folder: &Path, target: &Path) -> Result<PathBuf, Failure> {
    let host = host()?;
    let status = cargo()
        // With a target named, flags are for it alone: not for what runs during the build.
        .args([
            "build",
            "--locked",
            "--bins",
            "--target",
            &host,
            "--target-dir",
        ])
        .arg(target)
        .env("RUSTFLAGS", COVERAGE)
        .current_dir(folder)
        .status()?;
    if !status.success() {
        return Err("the targets do not build".into());
    }
    Ok(target.join(host).join("debug"))
}

/// The name of this machine's kind, as the compiler knows it.
fn host() -> Result<String, Failure> {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler).arg("-vV").output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host
        .ok_or("the compiler does not say what machine this is")?
        .to_owned())
}

/// Runs one target. What it finds out about the way to new code is kept for the next run.
fn fuzz(
    target: &str,
    built: &Path,
    folder: &Path,
    kept: &Path,
    options: &Options,
) -> Result<(), Failure> {
    let failures = kept.join("fuzz-failures").join(target);
    fs::create_dir_all(&failures)?;
    println!("{target}: {}", options.described());
    let mut command = Command::new(built.join(target));
    command.args(options.bounds()).args([
        format!("-timeout={PATIENCE}"),
        format!("-artifact_prefix={}/", failures.display()),
        "-print_final_stats=1".to_owned(),
        "-verbosity=0".to_owned(),
    ]);
    // What leads to new code is written into the first folder, and read from it.
    let found = match options.inputs {
        None => kept.join("fuzz-corpus").join(target),
        Some(_) => kept.join("fuzz-inputs"),
    };
    if options.inputs.is_some() && found.exists() {
        fs::remove_dir_all(&found)?;
    }
    fs::create_dir_all(&found)?;
    command.arg(found);
    let output = command.arg(folder.join("seeds").join(target)).output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        eprintln!("{said}");
        return Err(format!(
            "{target} was broken by an input, which lies in {}",
            failures.display()
        )
        .into());
    }
    for line in said.lines() {
        let figure = line.strip_prefix("stat::").map(str::trim);
        if let Some(figure) = figure.filter(|figure| figure.starts_with("number_of_executed_units"))
        {
            println!("{target}: {figure}");
        }
    }
    Ok(())
}
