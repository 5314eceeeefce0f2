//! The lab as a process of its own, as root where we are not, that ends when we do.

use std::{
    fs,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

use ::tests::lab::Described;

use crate::{Failure, interrupt::Interrupt, lab, suite::DatabaseName, workspace::Workspace};

/// How long the lab may take to stop before it is killed and its watchdog takes over.
const STOP: Duration = Duration::from_secs(30);

/// A lab in another process.
#[derive(Debug)]
pub struct LabProcess {
    child: Child,
    file: PathBuf,
    described: Described,
}

impl LabProcess {
    /// Starts it and waits until its servers answer.
    pub fn start(
        workspace: &Workspace,
        options: &lab::Options,
        interrupt: &Interrupt,
    ) -> Result<Self, Failure> {
        let file = workspace
            .target
            .join(format!("lab-{}.json", std::process::id()));
        fs::create_dir_all(&workspace.target)?;
        let _ = fs::remove_file(&file);
        let mut command = lab::command(options)?;
        command
            .args(["--until-input-ends", "--describe"])
            .arg(&file);
        if options.keep {
            command.arg("--keep");
        }
        if options.servers_only {
            command.arg("--servers-only");
        }
        for uri in &options.redirect_uris {
            command.args(["--redirect-uri", uri]);
        }
        for database in &options.database {
            command.args(["--database", database.as_str()]);
        }
        let mut child = command
            .stdin(Stdio::piped())
            // Ctrl-C reaches us alone; closing the input then stops the lab in order.
            .process_group(0)
            .spawn()?;
        let mut ended = None;
        let came = interrupt.wait_until(|| {
            ended = child.try_wait().ok().flatten();
            ended.is_some() || file.exists()
        });
        if !came || ended.is_some() {
            end(&mut child);
            interrupt.check()?;
            return Err("the lab did not start".into());
        }
        let described = match Described::read(&file) {
            Ok(described) => described,
            Err(error) => {
                end(&mut child);
                return Err(error.into());
            }
        };
        Ok(Self {
            child,
            file,
            described,
        })
    }

    /// How to reach its servers.
    pub fn described(&self) -> &Described {
        &self.described
    }

    /// The file that says the same, for `POSTERN_LAB`.
    pub fn file(&self) -> &Path {
        &self.file
    }
}

impl Drop for LabProcess {
    fn drop(&mut self) {
        end(&mut self.child);
        let _ = fs::remove_file(&self.file);
    }
}

/// Closes the lab's input and waits for its end.
fn end(child: &mut Child) {
    drop(child.stdin.take());
    let begin = Instant::now();
    while begin.elapsed() < STOP {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let _ = child.kill();
    let _ = child.wait();
}

impl DatabaseName {
    /// As written on the command line.
    fn as_str(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}
