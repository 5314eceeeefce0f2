//! The conformance kit: recorded answers of Odoo 18, asked of Postern on both databases, each fresh and then used.
//!
//! The kit is not part of this repository. `POSTERN_CONFORMANCE` names its folder; without it nothing is run, and the
//! test says so.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use tests::lab::{Database, Described, Scratch};
use tests::postern::{ADMIN, ADMIN_PASSWORD, Options, Postern};

const VARIABLE: &str = "POSTERN_CONFORMANCE";
const DIFFERENCES: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/fixtures/conformance/differences.txt"
);

struct Kit {
    folder: PathBuf,
    /// Key and certificate of the servers that the kit hosts, and the authority that signed it.
    scratch: Scratch,
}

impl Kit {
    /// `None` when no kit was given.
    fn find() -> Option<Self> {
        let Some(folder) = std::env::var_os(VARIABLE) else {
            println!("not run: {VARIABLE} does not name the folder of the conformance kit");
            return None;
        };
        let kit = Self {
            folder: PathBuf::from(folder),
            scratch: Scratch::create(false).unwrap(),
        };
        let made = kit
            .runner()
            .arg("--make-tls")
            .arg(kit.scratch.path())
            .output();
        let made = made.unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        Some(kit)
    }

    fn runner(&self) -> Command {
        let mut command = Command::new(self.folder.join("run"));
        command.current_dir(&self.folder);
        command
    }

    /// Runs all areas against Postern; what the runner printed when not all passed.
    fn run(&self, postern: &Postern) -> Result<(), String> {
        let mut command = self.runner();
        command
            .args([
                "--url",
                &postern.base_url(),
                "--db",
                postern.database_name(),
            ])
            .args(["--login", ADMIN, "--password", ADMIN_PASSWORD])
            .arg("--tls-pem")
            .arg(self.scratch.path().join("server.pem"));
        if Path::new(DIFFERENCES).exists() {
            command.args(["--differences", DIFFERENCES]);
        }
        let output = command.output().unwrap();
        let printed = [output.stdout, output.stderr].concat();
        let printed = String::from_utf8_lossy(&printed).into_owned();
        println!("{}", printed.lines().last().unwrap_or_default());
        if output.status.success() {
            Ok(())
        } else {
            Err(printed)
        }
    }
}

fn conforms(database: Database) {
    let lab = Described::from_env();
    let Some(kit) = Kit::find().filter(|_| lab.databases.contains(&database)) else {
        return;
    };
    let options = Options {
        authority: Some(kit.scratch.path().join("ca.pem")),
        ..Options::on(database)
    };
    let postern = Postern::start(&lab, &options).unwrap();
    for state in ["fresh", "used"] {
        if let Err(printed) = kit.run(&postern) {
            panic!("on a {state} database:\n{printed}");
        }
    }
}

#[test]
fn every_area_of_the_kit_passes_on_sqlite_fresh_and_used() {
    conforms(Database::Sqlite);
}

#[test]
fn every_area_of_the_kit_passes_on_postgresql_fresh_and_used() {
    conforms(Database::Postgres);
}
