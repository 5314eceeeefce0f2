//! Which Debian packages the lab needs, which are missing, and how they come.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use super::{
    error::{Doing, LabError},
    postgres,
    privilege::Privilege,
};

/// How to see that a package is there: by what it brings, since it may have come another way.
enum Sign {
    /// A program in the search path or a system directory.
    Program(&'static str),
    /// A file.
    File(&'static str),
    /// PostgreSQL's server binaries of any version.
    Postgres,
    /// A module of Python.
    Module(&'static str),
}

/// What the servers of the lab are.
const FOR_SERVERS: [(&str, Sign); 5] = [
    ("postgresql", Sign::Postgres),
    ("postfix", Sign::Program("postfix")),
    ("dovecot-imapd", Sign::File("/usr/lib/dovecot/imap")),
    ("dovecot-pop3d", Sign::File("/usr/lib/dovecot/pop3")),
    ("dovecot-lmtpd", Sign::File("/usr/lib/dovecot/lmtp")),
];

/// What tests need beside: clients, proxies, and what makes trouble.
const FOR_TESTS: [(&str, Sign); 12] = [
    ("faketime", Sign::Program("faketime")),
    ("pgbouncer", Sign::Program("pgbouncer")),
    ("nginx", Sign::Program("nginx")),
    ("caddy", Sign::Program("caddy")),
    ("sqlite3", Sign::Program("sqlite3")),
    ("python3", Sign::Program("python3")),
    // For Odoo's clients in Python, which come into an environment of their own.
    ("python3-venv", Sign::Module("ensurepip")),
    ("openssl", Sign::Program("openssl")),
    ("nodejs", Sign::Program("node")),
    ("npm", Sign::Program("npm")),
    ("chromium", Sign::Program("chromium")),
    ("chromium-driver", Sign::Program("chromedriver")),
];

/// A program by its name, also where Debian keeps the servers and an ordinary user's path does not look.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|candidate| {
            fs::metadata(candidate)
                .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
        })
}

/// A program by its name, which is its package's name too, or the command that would install it.
pub(super) fn required(name: &str) -> Result<PathBuf, LabError> {
    program(name).ok_or_else(|| LabError::MissingPackages {
        command: format!("sudo apt-get install {name}"),
    })
}

/// What only some measurements need beside.
const FOR_MEASUREMENTS: [(&str, Sign); 1] = [("isync", Sign::Program("mbsync"))];

/// What pictures need beside: the letters of all languages.
const FOR_PICTURES: [(&str, Sign); 2] = [
    (
        "fonts-noto-core",
        Sign::File("/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf"),
    ),
    (
        "fonts-noto-cjk",
        Sign::File("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
    ),
];

/// The packages whose programs are not on this machine.
#[must_use]
pub fn missing() -> Vec<&'static str> {
    [missing_of(&FOR_SERVERS), missing_of(&FOR_TESTS)].concat()
}

fn missing_of(needed: &[(&'static str, Sign)]) -> Vec<&'static str> {
    needed
        .iter()
        .filter(|(_, sign)| !match sign {
            Sign::Program(name) => program(name).is_some(),
            Sign::File(path) => Path::new(path).exists(),
            Sign::Postgres => postgres::programs().is_some(),
            Sign::Module(name) => python_has(name),
        })
        .map(|(package, _)| *package)
        .collect()
}

fn python_has(module: &str) -> bool {
    let Some(python) = program("python3") else {
        return false;
    };
    let import = format!("import {module}");
    let mut command = Command::new(python);
    command.args(["-c", &import]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Installs what is missing, for the servers only or for the tests too, or fails with the one command that would.
pub fn ensure(servers_only: bool) -> Result<(), LabError> {
    if servers_only {
        install(&|| missing_of(&FOR_SERVERS))
    } else {
        install(&missing)
    }
}

/// The same for what fetching is measured against.
pub fn ensure_for_measurements() -> Result<(), LabError> {
    ensure(false)?;
    install(&|| missing_of(&FOR_MEASUREMENTS))
}

/// The same for pictures of pages.
pub fn ensure_for_pictures() -> Result<(), LabError> {
    ensure(false)?;
    install(&|| missing_of(&FOR_PICTURES))
}

fn install(of: &dyn Fn() -> Vec<&'static str>) -> Result<(), LabError> {
    let missing = of();
    if missing.is_empty() {
        return Ok(());
    }
    let privilege = Privilege::detect();
    if privilege == Privilege::User || program("apt-get").is_none() {
        return Err(LabError::MissingPackages {
            command: format!("sudo apt-get install {}", missing.join(" ")),
        });
    }
    eprintln!("installing {} ...", missing.join(" "));
    let installer = Installer { privilege };
    let _guard = installer.keep_services_from_starting()?;
    installer.answer_questions()?;
    installer.run("apt-get", &["-q", "update"])?;
    let mut arguments = vec!["-q", "install", "-y", "--no-install-recommends"];
    arguments.extend(&missing);
    installer.run("apt-get", &arguments)?;
    let still = of();
    if still.is_empty() {
        Ok(())
    } else {
        Err(LabError::Installation {
            step: format!("apt-get {}", arguments.join(" ")),
            output: format!("it ended well, yet {} is not there", still.join(" ")),
        })
    }
}

/// Debian asks this file before it starts a freshly installed service; 101 means no.
const POLICY: &str = "/usr/sbin/policy-rc.d";

struct Installer {
    privilege: Privilege,
}

impl Installer {
    fn command(&self, program: &str) -> Command {
        let mut command = if self.privilege == Privilege::Sudo {
            let mut sudo = Command::new("sudo");
            sudo.args(["-n", "env", "DEBIAN_FRONTEND=noninteractive", program]);
            sudo
        } else {
            Command::new(program)
        };
        command
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null());
        command
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Result<(), LabError> {
        let mut command = self.command(program);
        if program == "apt-get" {
            // Another installation may be at work, such as a fresh machine's first update.
            command.args(["-o", "DPkg::Lock::Timeout=300"]);
        }
        let step = format!("{program} {}", arguments.join(" "));
        let output = command
            .args(arguments)
            .output()
            .doing(format_args!("running {step}"))?;
        if output.status.success() {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        Err(LabError::Installation {
            step,
            output: lines[lines.len().saturating_sub(8)..].join("\n"),
        })
    }

    /// Postfix asks how this machine sends mail; it is not to.
    fn answer_questions(&self) -> Result<(), LabError> {
        self.run(
            "sh",
            &[
                "-c",
                "echo 'postfix postfix/main_mailer_type select No configuration' | debconf-set-selections",
            ],
        )
    }

    /// The machine's own mail servers and database stay as they are, unless it has its own policy.
    fn keep_services_from_starting(&self) -> Result<Option<Policy<'_>>, LabError> {
        if Path::new(POLICY).exists() {
            return Ok(None);
        }
        self.run(
            "sh",
            &[
                "-c",
                &format!("printf '#!/bin/sh\\nexit 101\\n' > {POLICY} && chmod 755 {POLICY}"),
            ],
        )?;
        Ok(Some(Policy { installer: self }))
    }
}

/// Takes the policy away again.
struct Policy<'a> {
    installer: &'a Installer,
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.installer.run("rm", &["-f", POLICY]) {
            eprintln!("{POLICY} is left behind: {error}");
        }
    }
}
