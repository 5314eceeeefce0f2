//! Somebody with a browser in front of a fresh Postern, who looks at each page closely.

use std::fs;
use std::path::PathBuf;

use tests::browser::Browser;
use tests::identity::User;
use tests::lab::{Database, Described};
use tests::postern::{ADMIN, ADMIN_PASSWORD, Options, Postern};
use tests::steps;

/// Where pictures are to be put, if any are to be taken: set by `cargo xtask shots`.
fn shots() -> Option<PathBuf> {
    std::env::var_os("POSTERN_SHOTS").map(PathBuf::from)
}

/// A browser, the Postern it looks at, and a mailbox that can be connected.
pub struct Surfer {
    pub lab: Described,
    pub postern: Postern,
    pub browser: Browser,
    pub mailbox: String,
    /// The tag of the language that the pages are to be in.
    language: &'static str,
}

impl Surfer {
    /// On an empty database of this kind; nobody where the suite is not for that one.
    pub async fn start(database: Database, language: &'static str) -> Option<Surfer> {
        let lab = Described::from_env();
        if !lab.databases.contains(&database) {
            return None;
        }
        let postern = Postern::start(&lab, &Options::on(database)).unwrap();
        steps::register(&lab, &postern).await.unwrap();
        let mailbox = if shots().is_some() {
            // One that can be read in a picture.
            let login = format!("notifications.{language}@{}", lab.domain);
            let user = User::new(&login);
            lab.identity.control.add_user(user).await.unwrap();
            login
        } else {
            steps::new_account(&lab, "browser").await.unwrap()
        };
        let browser = Browser::open(language).await.unwrap();
        Some(Surfer {
            lab,
            postern,
            browser,
            mailbox,
            language,
        })
    }

    /// Opens a page of Postern's.
    pub async fn visit(&self, path: &str) {
        let url = format!("{}{path}", self.postern.base_url());
        self.browser.visit(&url).await.unwrap();
    }

    /// The path of the page, with its query.
    pub async fn path(&self) -> String {
        let address = self.browser.address().await.unwrap();
        let path = address.strip_prefix(&self.postern.base_url());
        path.unwrap_or_else(|| panic!("{address} is elsewhere"))
            .to_owned()
    }

    /// Takes a picture for the walk-through of the documentation, if somebody asked for them.
    pub async fn picture(&self, name: &str) {
        let Some(place) = shots() else {
            return;
        };
        let place = place.join(self.language);
        fs::create_dir_all(&place).unwrap();
        // As high as the page is, within reason.
        let height = "window.scrollTo(0, 0); document.activeElement.blur();\
            return Math.min(document.documentElement.scrollHeight, 1400)";
        let height = self.browser.run(height, vec![]).await.unwrap();
        let height = u32::try_from(height.as_u64().unwrap()).unwrap();
        self.browser.resize(1120, height.max(500)).await.unwrap();
        let picture = self.browser.picture().await.unwrap();
        fs::write(place.join(format!("{name}.png")), picture).unwrap();
    }

    /// Signs in as the administrator, from wherever the sign-in page was met.
    pub async fn sign_in(&self) {
        self.fill("#login", ADMIN).await;
        self.fill("#password", ADMIN_PASSWORD).await;
        self.click("main button[type=submit]").await;
    }

    pub async fn click(&self, css: &str) {
        self.browser.click(css).await.unwrap();
    }

    pub async fn fill(&self, css: &str, text: &str) {
        self.browser.fill(css, text).await.unwrap();
    }

    /// Waits for the green note, and answers what it says.
    pub async fn success(&self) -> String {
        self.browser.find("main [role=status].good").await.unwrap();
        let note = self.browser.text("main [role=status].good").await;
        note.unwrap()
    }

    /// Makes sure that the page is in the language, without errors in the console, and usable by everybody.
    pub async fn examine(&self) {
        let lang = self
            .browser
            .run("return document.documentElement.lang", vec![]);
        let path = self.path().await;
        assert_eq!(lang.await.unwrap(), self.language, "{path}");
        self.no_errors().await;
        let found = self.browser.accessibility().await.unwrap();
        assert!(found.is_empty(), "{path}: {}", found.join("\n"));
    }

    /// Makes sure that nothing went wrong in the console: no script failed, nothing broke the policy.
    pub async fn no_errors(&self) {
        let mut errors = self.browser.console().await.unwrap();
        // The provider's pages are not ours.
        errors.retain(|line| !line.starts_with(&self.lab.identity.base_url));
        let path = self.browser.address().await.unwrap();
        assert!(errors.is_empty(), "{path}: {}", errors.join("\n"));
    }

    /// Ends all of it, and makes sure that no error was left in the console.
    pub async fn leave(self) {
        self.no_errors().await;
    }
}
