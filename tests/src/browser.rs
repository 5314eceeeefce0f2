//! A browser as people use it: Chromium without a window, driven by chromedriver, and what axe finds on its pages.

use std::fs;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};
use thirtyfour::common::capabilities::chromium::ChromiumLikeCapabilities as _;
use thirtyfour::error::WebDriverError;
use thirtyfour::prelude::ElementQueryable as _;
use thirtyfour::{By, DesiredCapabilities, LoggingPrefsLogLevel, WebDriver, WebElement};

use crate::installed::{self, NPM_CI, Recipe};
use crate::lab::packages::program;
use crate::lab::ports;

/// How long chromedriver may take until it listens.
const START: Duration = Duration::from_secs(60);
/// How long an element may take to appear.
const PATIENCE: Duration = Duration::from_secs(20);
/// Chromium phones home less with these, and runs as root and on machines without a graphics card.
const ARGUMENTS: [&str; 10] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// Why the browser could not do something.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A program is missing or failed.
    #[error("the browser could not be started")]
    Io(#[from] io::Error),
    /// The browser refused, or an element is not there.
    #[error("the browser: {0}")]
    Driver(#[from] WebDriverError),
    /// On the page at this address, with its text.
    #[error("{what} at {url}: {source}\n{page}")]
    Page {
        /// What was looked for.
        what: String,
        /// The address.
        url: String,
        /// What the page says.
        page: String,
        /// What the browser answered.
        source: Box<WebDriverError>,
    },
}

/// A window of its own profile. Dropped, it closes.
#[derive(Debug)]
pub struct Browser {
    /// Only gone while the window closes.
    driver: Option<WebDriver>,
    axe: String,
    _chromedriver: Chromedriver,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // chromedriver closes the window when it ends; the driver's own end would block this thread, which it needs for
        // the answer.
        if let Some(driver) = self.driver.take() {
            let _ = driver.leak();
        }
    }
}

#[derive(Debug)]
struct Chromedriver(Child);

impl Drop for Chromedriver {
    fn drop(&mut self) {
        // Asked by this signal, it closes its browsers and removes their profiles.
        if let Ok(id) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = self.0.wait();
    }
}

impl Browser {
    /// Opens a window that asks for pages in this language, as in `vi`.
    ///
    /// # Errors
    /// When Chromium, chromedriver or axe are missing or fail.
    pub async fn open(language: &str) -> Result<Browser, Error> {
        let home = install_axe()?;
        let axe = fs::read_to_string(home.join("node_modules/axe-core/axe.min.js"))?;
        let (chromedriver, port) = start()?;
        let mut wanted = DesiredCapabilities::chrome();
        for argument in ARGUMENTS {
            wanted.add_arg(argument)?;
        }
        wanted.add_arg(&format!("--accept-lang={language}"))?;
        wanted.add_arg("--window-size=1200,900")?;
        wanted.set_browser_log_level(LoggingPrefsLogLevel::All)?;
        if let Some(chromium) = program("chromium") {
            wanted.set_binary(&chromium.to_string_lossy())?;
        }
        let driver = WebDriver::new(format!("http://127.0.0.1:{port}"), wanted).await?;
        Ok(Browser {
            driver: Some(driver),
            axe,
            _chromedriver: chromedriver,
        })
    }

    fn driver(&self) -> Result<&WebDriver, Error> {
        let gone = || Error::Io(io::Error::other("the window was closed"));
        self.driver.as_ref().ok_or_else(gone)
    }

    /// Goes to an address and waits until the page is there.
    ///
    /// # Errors
    /// When it cannot be loaded.
    pub async fn visit(&self, url: &str) -> Result<(), Error> {
        Ok(self.driver()?.goto(url).await?)
    }

    /// The address of the page.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn address(&self) -> Result<String, Error> {
        Ok(self.driver()?.current_url().await?.to_string())
    }

    /// The first element that a CSS selector finds, waited for.
    ///
    /// # Errors
    /// When none appears; the message holds the page.
    pub async fn find(&self, css: &str) -> Result<WebElement, Error> {
        let every = Duration::from_millis(100);
        let query = self.driver()?.query(By::Css(css)).wait(PATIENCE, every);
        match query.first().await {
            Ok(element) => Ok(element),
            Err(error) => Err(Error::Page {
                what: css.to_owned(),
                url: self.address().await.unwrap_or_default(),
                page: self.text("body").await.unwrap_or_default(),
                source: Box::new(error),
            }),
        }
    }

    /// Whether a selector finds something on the page as it is now.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn has(&self, css: &str) -> Result<bool, Error> {
        Ok(!self.driver()?.find_all(By::Css(css)).await?.is_empty())
    }

    /// The visible text of an element.
    ///
    /// # Errors
    /// When there is none.
    pub async fn text(&self, css: &str) -> Result<String, Error> {
        Ok(self.driver()?.find(By::Css(css)).await?.text().await?)
    }

    /// Clicks, and waits for the next page where that leads to one.
    ///
    /// # Errors
    /// When there is no such element, or something covers it.
    pub async fn click(&self, css: &str) -> Result<(), Error> {
        let element = self.find(css).await?;
        element.scroll_into_view().await?;
        Ok(element.click().await?)
    }

    /// Types into an input in place of what stands there.
    ///
    /// # Errors
    /// When there is no such input.
    pub async fn fill(&self, css: &str, text: &str) -> Result<(), Error> {
        let element = self.find(css).await?;
        element.clear().await?;
        Ok(element.send_keys(text).await?)
    }

    /// Runs a script in the page and answers what it returns.
    ///
    /// # Errors
    /// When it throws.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Result<Value, Error> {
        Ok(self
            .driver()?
            .execute(script, arguments)
            .await?
            .json()
            .clone())
    }

    /// How wide and high the window is, in CSS pixels.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn resize(&self, width: u32, height: u32) -> Result<(), Error> {
        // Windows are not made as narrow as a phone's screen; the page can be.
        let metrics =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        let cdp = self.driver()?.cdp();
        cdp.send_raw("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        Ok(())
    }

    /// Whether pages are to be dark.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn darken(&self, dark: bool) -> Result<(), Error> {
        let value = if dark { "dark" } else { "light" };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        let cdp = self.driver()?.cdp();
        cdp.send_raw("Emulation.setEmulatedMedia", features).await?;
        Ok(())
    }

    /// The errors in the console since the last time, breaches of the content security policy among them.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn console(&self) -> Result<Vec<String>, Error> {
        let entries = self.driver()?.browser_log().await?;
        let severe = entries.into_iter().filter(|entry| entry.level == "SEVERE");
        Ok(severe.map(|entry| entry.message).collect())
    }

    /// What axe finds against WCAG 2.2 AA and good practice on the page: a line for each element.
    ///
    /// # Errors
    /// When axe cannot be run.
    pub async fn accessibility(&self) -> Result<Vec<String>, Error> {
        self.driver()?
            .execute(self.axe.as_str(), Vec::new())
            .await?;
        let script = "const done = arguments[arguments.length - 1];\
            const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];\
            axe.run(document, {runOnly: tags}).then(\
              found => done(found.passes.length === 0 ? ['axe found nothing to look at'] : found.violations.flatMap(one => one.nodes.map(node =>\
                one.id + ': ' + node.html + ' ' + node.failureSummary))),\
              error => done(['axe: ' + error]));";
        let found = self.driver()?.execute_async(script, Vec::new()).await?;
        let lines = found.json().as_array().cloned().unwrap_or_default();
        Ok(lines
            .iter()
            .filter_map(|line| line.as_str().map(str::to_owned))
            .collect())
    }

    /// Answers the question that the page asks in a box of its own.
    ///
    /// # Errors
    /// When it asks none.
    pub async fn answer(&self, yes: bool) -> Result<(), Error> {
        let driver = self.driver()?;
        let answered = if yes {
            driver.accept_alert().await
        } else {
            driver.dismiss_alert().await
        };
        Ok(answered?)
    }

    /// Forgets a cookie.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn forget(&self, cookie: &str) -> Result<(), Error> {
        Ok(self.driver()?.delete_cookie(cookie).await?)
    }

    /// The page as a picture: a PNG of what the window shows.
    ///
    /// # Errors
    /// When the browser does not answer.
    pub async fn picture(&self) -> Result<Vec<u8>, Error> {
        Ok(self.driver()?.screenshot_as_png().await?)
    }
}

/// Makes the build directory hold axe and returns where.
fn install_axe() -> io::Result<PathBuf> {
    installed::install(Recipe {
        name: "axe",
        source: Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/axe")),
        files: &["package-lock.json", "package.json"],
        commands: &[NPM_CI],
        hint: "axe comes by npm (apt-get install nodejs npm)",
    })
}

/// Starts chromedriver. It could choose the port itself, but where there is no IPv6 it says 0 then.
fn start() -> io::Result<(Chromedriver, u16)> {
    const HINT: &str = "browser tests need Debian's chromium and chromium-driver";
    let port = ports::free().map_err(io::Error::other)?;
    let mut child = Command::new("chromedriver")
        .arg(format!("--port={port}"))
        .arg("--log-level=WARNING")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| installed::missing("chromedriver", HINT, &error))?;
    let output = child.stdout.take();
    let chromedriver = Chromedriver(child);
    let (tell, told) = mpsc::channel();
    // Reads on after the line that tells of the start, or chromedriver would block on a full pipe.
    std::thread::spawn(move || {
        let lines = output
            .map(BufReader::new)
            .into_iter()
            .flat_map(|o| o.lines());
        for line in lines.map_while(Result::ok) {
            if line.contains("started successfully") {
                // The receiver is gone if it took too long; nobody wants to know then.
                let _ = tell.send(());
            }
        }
    });
    match told.recv_timeout(START) {
        Ok(()) => Ok((chromedriver, port)),
        Err(_) => Err(io::Error::other(
            "chromedriver does not say that it started",
        )),
    }
}
