//! What stands in the source files: where files and the environment may be touched, and how long a room may be.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// Lines in a file; the aim is 500, and beyond this it is two rooms.
const LONGEST: usize = 600;

/// Directories whose code may read files and the environment: the binary, and what stands outside the house.
const FREE: [&str; 4] = ["crates/postern/", "tests/", "bench/", "xtask/"];

/// Files, processes and the environment, as code names them.
const OUTSIDE_WORLD: [&str; 9] = [
    "env::var",
    "env::args",
    "std::fs",
    "tokio::fs",
    "File::open",
    "File::create",
    "process::Command",
    "process::exit",
    "tokio::process",
];

/// A sentence for each breach in any `.rs` file of the workspace.
pub fn breaches(root: &Path) -> io::Result<Vec<String>> {
    let mut breaches = Vec::new();
    for file in files(root)? {
        let text = fs::read_to_string(&file)?;
        let name = file.strip_prefix(root).unwrap_or(&file);
        breaches.extend(breaches_in(&name.to_string_lossy(), &text));
    }
    Ok(breaches)
}

/// What stands in all source files, the tests included.
pub fn texts(root: &Path) -> io::Result<Vec<String>> {
    files(root)?.iter().map(fs::read_to_string).collect()
}

/// All `.rs` files of the workspace, in order.
fn files(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for directory in ["crates", "migrations", "tests", "bench", "xtask"] {
        collect(&root.join(directory), &mut files)?;
    }
    files.sort();
    Ok(files)
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let path = entry.path();
        let name = entry.file_name();
        if entry.file_type()?.is_dir() {
            if name != "target" && name != "node_modules" {
                collect(&path, files)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn breaches_in(name: &str, text: &str) -> Vec<String> {
    let mut breaches = Vec::new();
    if !text.starts_with("//") {
        breaches.push(format!(
            "{name}: opens with a `//!` line that says what the room is for"
        ));
    }
    let lines = text.lines().count();
    if lines > LONGEST {
        breaches.push(format!(
            "{name}: {lines} lines; over {LONGEST} it is two rooms"
        ));
    }
    let is_product = name.contains("/src/") && !FREE.iter().any(|free| name.starts_with(free));
    if !is_product {
        return breaches;
    }
    for (number, line) in text.lines().enumerate() {
        // By custom the tests of a file are its end, and they may read what they like.
        if line.trim() == "#[cfg(test)]" {
            break;
        }
        let code = line.split("//").next().unwrap_or_default();
        for word in OUTSIDE_WORLD.iter().filter(|word| code.contains(**word)) {
            breaches.push(format!(
                "{name}:{}: `{word}`: files, processes and the environment belong to crates/postern; pass the value in",
                number + 1
            ));
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::breaches_in;

    #[test]
    fn the_environment_is_a_breach_outside_the_binary_only() {
        let text = "//! A room.\nfn x() { std::env::var(\"HOME\"); }\n";
        assert_eq!(breaches_in("crates/mail/src/x.rs", text).len(), 1);
        assert_eq!(breaches_in("crates/postern/src/x.rs", text).len(), 0);
    }

    #[test]
    fn comments_and_the_tests_at_the_end_are_free() {
        let text =
            "//! A room.\n// std::fs is not ours\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        assert_eq!(
            breaches_in("crates/mail/src/x.rs", text),
            Vec::<String>::new()
        );
    }

    #[test]
    fn a_file_without_an_opening_line_or_of_too_many_lines_is_a_breach() {
        assert_eq!(breaches_in("tests/src/x.rs", "fn x() {}\n").len(), 1);
        let long = format!("//! Long.\n{}", "\n".repeat(600));
        assert_eq!(breaches_in("tests/src/x.rs", &long).len(), 1);
    }
}
