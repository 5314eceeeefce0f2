//! Odoo's real clients, from their registries, at their usual work; and many of one kind at once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tests::installed::{self, Recipe};
use tests::lab::{Database, Described};
use tests::postern::{ADMIN, ADMIN_PASSWORD, Options, Postern};
use tests::steps::{self, Application};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");
const SUBJECT: &str = "Von einem Programm: Grüße ✉ 日本";

/// Python with the packages of `requirements.txt`.
fn python() -> PathBuf {
    let home = installed::install(Recipe {
        name: "clients-python",
        source: Path::new(SOURCE),
        files: &["requirements.txt"],
        commands: &[
            &["python3", "-m", "venv", "."],
            &[
                "bin/python",
                "-m",
                "pip",
                "install",
                "--quiet",
                "--no-deps",
                "--disable-pip-version-check",
                "-r",
                "requirements.txt",
            ],
        ],
        hint: "the clients in Python need venv and pip (apt-get install python3-venv)",
    });
    home.unwrap().join("bin/python")
}

/// The directory with the packages of `package-lock.json`.
fn node_home() -> PathBuf {
    let recipe = Recipe {
        name: "clients-node",
        source: Path::new(SOURCE),
        files: &["package-lock.json", "package.json"],
        commands: &[installed::NPM_CI],
        hint: "the client in Node needs npm (apt-get install nodejs npm)",
    };
    installed::install(recipe).unwrap()
}

/// A Postern with a mailbox connected, for programs to send from.
struct Place {
    lab: Described,
    postern: Postern,
    mailbox: String,
    api_key: String,
}

impl Place {
    /// `None` when this run leaves the database out.
    async fn start(database: Database) -> Option<Self> {
        let lab = Described::from_env();
        if !lab.databases.contains(&database) {
            return None;
        }
        let postern = Postern::start(&lab, &Options::on(database)).unwrap();
        let admin = postern.admin().await.unwrap();
        let mailbox = steps::new_account(&lab, "clients").await.unwrap();
        steps::register(&lab, &postern).await.unwrap();
        steps::enter_application(&admin, &postern, Application::of(&lab))
            .await
            .unwrap();
        let server = steps::outgoing_server(&admin, (&lab.host, &lab.mail), &mailbox)
            .await
            .unwrap();
        let page = steps::connect(&admin, "ir.mail_server", server, &mailbox)
            .await
            .unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
        let api_key = steps::api_key(&admin, ADMIN_PASSWORD).await.unwrap();
        Some(Self {
            lab,
            postern,
            mailbox,
            api_key,
        })
    }

    /// Lets a program do its work, and looks whether its mails came.
    fn run(&self, mut command: Command, script: &str, mails: usize) {
        let recipient = format!("{}@{}", uuid::Uuid::new_v4().simple(), self.lab.domain);
        let address = self.postern.base_url();
        let (_, port) = address.rsplit_once(':').unwrap();
        let job = json!({
            "url": address,
            "host": "127.0.0.1",
            "port": port.parse::<u16>().unwrap(),
            "db": self.postern.database_name(),
            "login": ADMIN,
            "password": ADMIN_PASSWORD,
            "api_key": self.api_key,
            "mailbox": self.mailbox,
            "recipient": recipient,
            "subject": SUBJECT,
        });
        let said = run_with(command.arg(format!("{SOURCE}/{script}")), &job);
        assert!(said.ends_with("done\n"), "{script}: {said}");
        self.assert_delivered(&recipient, mails);
    }

    fn assert_delivered(&self, recipient: &str, mails: usize) {
        for _ in 0..100 {
            let inbox = self.lab.read_inbox(recipient).unwrap();
            if inbox.len() == mails {
                let text = inbox[0].text().to_lowercase();
                assert!(text.contains("subject: =?utf-8?"), "{text}");
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        panic!("no {mails} mails came\n{}", self.lab.mail_logs(10));
    }
}

/// Runs a program with the job as its input; what it printed.
fn run_with(command: &mut Command, job: &Value) -> String {
    let mut child = command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(job.to_string().as_bytes()).unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed).into_owned();
    assert!(output.status.success(), "{printed}");
    printed
}

async fn in_python(script: &str, mails: usize) {
    let python = python();
    for database in Database::ALL {
        if let Some(place) = Place::start(database).await {
            place.run(Command::new(&python), script, mails);
        }
    }
}

#[tokio::test]
async fn pythons_xmlrpc_client_works_unchanged() {
    in_python("with_xmlrpc_client.py", 1).await;
}

#[tokio::test]
async fn odoorpc_works_unchanged() {
    in_python("with_odoorpc.py", 1).await;
}

#[tokio::test]
async fn odoo_client_lib_works_unchanged_by_all_its_protocols() {
    in_python("with_odoo_client_lib.py", 3).await;
}

#[tokio::test]
async fn odooly_works_unchanged_by_both_its_ways() {
    in_python("with_odooly.py", 2).await;
}

#[tokio::test]
async fn odoo_await_works_unchanged() {
    let home = node_home();
    for database in Database::ALL {
        if let Some(place) = Place::start(database).await {
            let mut node = Command::new("node");
            node.current_dir(&home);
            place.run(node, "with_odoo_await.mjs", 1);
        }
    }
}
