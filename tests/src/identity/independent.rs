//! An OAuth provider that is not ours: npm `oidc-provider`, certified, behind the paths of Microsoft's endpoints.
//!
//! Installed once into the build directory from the lock file in `tests/oidc-provider`, started per test.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::installed::{self, Recipe};

/// How long Node may take until it answers.
const START: Duration = Duration::from_secs(30);
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oidc-provider");
const FILES: [&str; 3] = ["package-lock.json", "package.json", "server.mjs"];
const HINT: &str =
    "the independent provider needs Node 20 or newer with npm (apt-get install nodejs npm)";

/// A running provider; dropped, it stops.
#[derive(Debug)]
pub struct IndependentProvider {
    base_url: String,
    child: Child,
    /// The provider ends when this closes, also when our process is killed.
    _alive: Option<ChildStdin>,
}

impl IndependentProvider {
    /// The id of the one application it knows.
    pub const CLIENT_ID: &str = "postern";
    /// Its secret.
    pub const CLIENT_SECRET: &str = "posternsecret";

    /// Installs what is missing, starts the provider for one redirect URI on a free port and waits until it is ready.
    /// What it prints goes to `independent-provider.log` in `scratch`.
    ///
    /// # Errors
    /// When Node or npm are missing or fail; the message says what to install or where the log is.
    pub fn start(scratch: &Path, redirect_uri: &str) -> io::Result<Self> {
        Self::start_at(0, scratch, redirect_uri)
    }

    /// The same on a port that others know already.
    ///
    /// # Errors
    /// As for [`Self::start`].
    pub fn start_at(port: u16, scratch: &Path, redirect_uri: &str) -> io::Result<Self> {
        let home = install()?;
        let log_path = scratch.join("independent-provider.log");
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(home)
            .env("OIDC_PORT", port.to_string())
            .env("OIDC_REDIRECT_URI", redirect_uri)
            .env("OIDC_CLIENT_ID", Self::CLIENT_ID)
            .env("OIDC_CLIENT_SECRET", Self::CLIENT_SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log_path)?)
            .spawn()
            .map_err(|error| installed::missing("node", HINT, &error))?;
        let alive = child.stdin.take();
        // From here on the drop of the half-made provider ends Node if anything fails.
        let mut provider = Self {
            base_url: String::new(),
            child,
            _alive: alive,
        };
        provider.base_url = provider.wait_until_ready().ok_or_else(|| {
            io::Error::other(format!(
                "oidc-provider did not come up; see {}",
                log_path.display()
            ))
        })?;
        Ok(provider)
    }

    /// As in `http://127.0.0.1:1234`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What the parameter `microsoft_outlook.endpoint` has to be. The provider knows no tenant but `common`.
    pub fn endpoint(&self) -> String {
        format!("{}/common/oauth2/v2.0/", self.base_url)
    }

    /// The address for the mail server's token checks, with name and password in it as Dovecot wants them.
    pub fn introspection_url(&self) -> String {
        let authority = self.base_url.trim_start_matches("http://");
        format!("http://dovecot:dovecotsecret@{authority}/token/introspection")
    }

    fn wait_until_ready(&mut self) -> Option<String> {
        let output = self.child.stdout.take()?;
        let (tell, told) = mpsc::channel();
        // Reads on after the first line, or Node would block on a full pipe. Ends with Node.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(url) = line.strip_prefix("ready ") {
                    // The receiver is gone if it took too long; nobody wants to know then.
                    let _ = tell.send(url.to_owned());
                }
            }
        });
        told.recv_timeout(START).ok()
    }
}

impl Drop for IndependentProvider {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the build directory hold the packages of the lock file and returns where.
fn install() -> io::Result<PathBuf> {
    installed::install(Recipe {
        name: "oidc-provider",
        source: Path::new(SOURCE),
        files: &FILES,
        commands: &[installed::NPM_CI],
        hint: HINT,
    })
}
