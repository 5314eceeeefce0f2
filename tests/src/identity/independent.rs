//! An OAuth provider that is not ours: npm `oidc-provider`, certified, behind the paths of Microsoft's endpoints.
//!
//! Installed once into the build directory from the lock file in `tests/oidc-provider`, started per test.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// How long Node may take until it answers.
const START: Duration = Duration::from_secs(30);
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/oidc-provider");
const FILES: [&str; 3] = ["package.json", "package-lock.json", "server.mjs"];

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
            .map_err(|error| missing("node", &error))?;
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

/// Makes `target/oidc-provider` hold the packages of the lock file and returns that directory.
fn install() -> io::Result<PathBuf> {
    let home = target_directory().join("oidc-provider");
    fs::create_dir_all(&home)?;
    // Several test processes may come at once; the first installs, the others wait. Unlocked when the file closes.
    let lock = File::create(home.join(".lock"))?;
    lock.lock()?;
    let wanted = fs::read_to_string(Path::new(SOURCE).join("package-lock.json"))?;
    let stamp = home.join(".installed");
    for file in FILES {
        // Replaced in one step, for another test's Node may be reading it.
        let fresh = home.join(format!("{file}.new"));
        fs::copy(Path::new(SOURCE).join(file), &fresh)?;
        fs::rename(&fresh, home.join(file))?;
    }
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(home);
    }
    let output = Command::new("npm")
        .args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--no-update-notifier",
        ])
        .current_dir(&home)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| missing("npm", &error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(io::Error::other(format!(
            "npm ci in {} failed: {}",
            home.display(),
            said.trim()
        )));
    }
    fs::write(stamp, wanted)?;
    Ok(home)
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

fn missing(program: &str, error: &io::Error) -> io::Error {
    let hint =
        "the independent provider needs Node 18 or newer with npm (apt-get install nodejs npm)";
    io::Error::new(
        error.kind(),
        format!("{program} could not be started: {error}; {hint}"),
    )
}
