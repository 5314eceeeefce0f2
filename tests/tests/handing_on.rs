//! Mails that are for another program: handed in to a second Postern that stands for an Odoo, and to a
//! webhook whose receiver has its bad moments. And `postern mailgate`, the way in for a pipe.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use auth::remote::signature;
use secrecy::SecretString;
use serde_json::{Value, json};
use tests::lab::{self, Database, Described, PASSWORD, postern_binary};
use tests::postern::{ADMIN, ADMIN_PASSWORD, Options, Postern};
use tests::receiver;
use tests::rpc_client::Rpc;
use tests::steps;

/// How long a mail may take from one program to the other, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A Postern that waits for mail in a mailbox of its own.
struct Receiving {
    lab: Described,
    postern: Postern,
    admin: Rpc,
    mailbox: String,
    server: i64,
}

impl Receiving {
    /// `None` when this run leaves the database out.
    async fn start(database: Database) -> Option<Self> {
        let lab = Described::from_env();
        if !lab.databases.contains(&database) {
            return None;
        }
        let postern = Postern::start(&lab, &Options::on(database).with_jobs()).unwrap();
        let admin = postern.admin().await.unwrap();
        let mailbox = format!("handing-{}@{}", uuid::Uuid::new_v4().simple(), lab.domain);
        let values = json!({
            "name": "Handing on", "server_type": "imap", "server": lab.host, "is_ssl": true,
            "port": lab.mail.imaps, "user": mailbox, "password": PASSWORD,
        });
        let server = admin.create("fetchmail.server", values).await.unwrap();
        Some(Self {
            lab,
            postern,
            admin,
            mailbox,
            server,
        })
    }

    async fn confirm(&self) {
        let ids = json!([[self.server]]);
        self.admin
            .call("fetchmail.server", "button_confirm_login", ids)
            .await
            .unwrap();
    }

    fn arrives(&self, raw: &str) {
        let from = "kim@client.example";
        lab::deliver(self.lab.mail.lmtp, from, &self.mailbox, raw.as_bytes()).unwrap();
    }
}

async fn count(admin: &Rpc, model: &str, domain: Value) -> i64 {
    let count = admin.call(model, "search_count", json!([domain])).await;
    count.unwrap().as_i64().unwrap()
}

/// Waits until so many records match.
async fn wait_for(admin: &Rpc, model: &str, domain: Value, wanted: i64) {
    let begin = Instant::now();
    loop {
        let found = count(admin, model, domain.clone()).await;
        if found == wanted {
            return;
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "{found} and not {wanted} of {model} with {domain}"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn to_another_odoo(database: Database) {
    let Some(here) = Receiving::start(database).await else {
        return;
    };
    let there = Postern::start(&here.lab, &Options::on(database)).unwrap();
    let odoo = there.admin().await.unwrap();
    let key = steps::api_key(&odoo, ADMIN_PASSWORD).await.unwrap();
    let values = json!({
        "name": "The Odoo", "fetchmail_server_id": here.server, "kind": "odoo", "url": there.base_url(),
        "database": there.database_name(), "login": ADMIN, "secret": "a wrong key", "model": "res.partner", "scope": "unrouted",
    });
    let handoff = here.admin.create("postern.handoff", values).await.unwrap();
    here.confirm().await;
    here.arrives("Message-Id: <one@client.example>\r\nFrom: Kim <kim@client.example>\r\nTo: sales@corp.example\r\nSubject: For Odoo\r\n\r\nHello\r\n");
    // The key is wrong, so it waits, and says why.
    let failing = json!([["attempts", ">", 0], ["reason", "ilike", "[remote.denied]"]]);
    wait_for(&here.admin, "postern.handoff.mail", failing, 1).await;
    assert_eq!(
        count(&odoo, "res.partner", json!([["name", "=", "For Odoo"]])).await,
        0
    );
    let values = json!({"secret": key});
    here.admin
        .write("postern.handoff", handoff, values)
        .await
        .unwrap();
    let row = here
        .admin
        .read("postern.handoff", handoff, &["secret", "has_secret"])
        .await
        .unwrap();
    assert_eq!(
        (&row["secret"], &row["has_secret"]),
        (&json!(false), &json!(true)),
        "written and never read"
    );
    let waiting = here
        .admin
        .call("postern.handoff.mail", "search", json!([[]]))
        .await
        .unwrap();
    here.admin
        .call("postern.handoff.mail", "retry", json!([waiting]))
        .await
        .unwrap();
    wait_for(
        &odoo,
        "res.partner",
        json!([
            ["name", "=", "For Odoo"],
            ["email", "ilike", "kim@client.example"]
        ]),
        1,
    )
    .await;
    wait_for(&here.admin, "postern.handoff.mail", json!([]), 0).await;
    let here_too = count(
        &here.admin,
        "mail.message",
        json!([["subject", "=", "For Odoo"]]),
    )
    .await;
    assert_eq!(here_too, 0, "it is the Odoo's");
    let log = here.postern.log();
    assert!(!log.contains(&key), "the key is in the log");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_nothing_asks_for_is_handed_in_to_an_odoo_on_sqlite() {
    to_another_odoo(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_nothing_asks_for_is_handed_in_to_an_odoo_on_postgresql() {
    to_another_odoo(Database::Postgres).await;
}

async fn to_a_webhook(database: Database) {
    let Some(here) = Receiving::start(database).await else {
        return;
    };
    // It refuses, is out, loses its answer, and then takes the mail.
    let (address, taking) = receiver::start(vec![Some(503), Some(400), None, Some(204)]).await;
    let values = json!({
        "name": "The hook", "fetchmail_server_id": here.server, "kind": "webhook", "url": address,
        "secret": "shared secret", "scope": "all",
    });
    here.admin.create("postern.handoff", values).await.unwrap();
    here.confirm().await;
    here.arrives("From: kim@client.example\r\nSubject: For the hook\r\n\r\n\u{e9}\r\n");
    let taken = tokio::time::timeout(PATIENCE, taking)
        .await
        .unwrap()
        .unwrap();
    wait_for(&here.admin, "postern.handoff.mail", json!([]), 0).await;
    let key = taken[0].header("idempotency-key");
    assert!(!key.is_empty());
    let secret = SecretString::from("shared secret");
    for delivered in &taken {
        assert_eq!(
            delivered.header("idempotency-key"),
            key,
            "the same for every attempt"
        );
        let timestamp: i64 = delivered.header("postern-timestamp").parse().unwrap();
        assert_eq!(
            delivered.header("postern-signature"),
            signature(&secret, timestamp, &delivered.body)
        );
        let body = String::from_utf8(delivered.body.clone()).unwrap();
        assert!(
            body.contains("Subject: For the hook\r\n\r\n\u{e9}\r\n"),
            "{body}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_a_mail_again_until_it_has_taken_it_on_sqlite() {
    to_a_webhook(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_gets_a_mail_again_until_it_has_taken_it_on_postgresql() {
    to_a_webhook(Database::Postgres).await;
}

/// Runs `postern mailgate` with a mail on its standard input.
fn gate(arguments: &[&str], password: &str, mail: &[u8]) -> Output {
    let mut child = Command::new(postern_binary())
        .arg("mailgate")
        .args(arguments)
        .env("POSTERN_MAILGATE_PASSWORD", password)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may end before it has read the mail.
    child.stdin.take().unwrap().write_all(mail).ok();
    child.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn mailgate_hands_a_mail_in_and_tells_a_pipe_what_to_do_with_the_others() {
    let lab = Described::from_env();
    let Some(database) = lab.databases.first().copied() else {
        return;
    };
    let postern = Postern::start(&lab, &Options::on(database)).unwrap();
    let admin = postern.admin().await.unwrap();
    let base_url = postern.base_url();
    let (_, port) = base_url.rsplit_once(':').unwrap();
    let uid = admin.uid().to_string();
    let name = postern.database_name().to_owned();
    let known = ["--host", "127.0.0.1", "--port", port, "-d", &name];
    let by_id = [&known[..], &["-u", &uid]].concat();
    // Bytes that are no text in any usual encoding.
    let mail = b"From: Kim <kim@client.example>\nTo: nobody@corp.example\nSubject: By the gate\n\n\xff\xfe\n";

    let taken = gate(
        &[&by_id[..], &["--model", "res.partner"]].concat(),
        ADMIN_PASSWORD,
        mail,
    );
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");
    assert_eq!(
        count(&admin, "res.partner", json!([["name", "=", "By the gate"]])).await,
        1
    );

    let by_login = [&known[..], &["--user", ADMIN, "--model", "res.partner"]].concat();
    let taken = gate(&by_login, ADMIN_PASSWORD, mail);
    assert_eq!(taken.status.code(), Some(0), "{taken:?}");

    let said = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
    let nowhere = gate(&by_id, ADMIN_PASSWORD, mail);
    assert_eq!(nowhere.status.code(), Some(67), "{nowhere:?}");
    assert!(said(&nowhere).contains("belongs"), "{}", said(&nowhere));
    assert!(!said(&nowhere).contains(ADMIN_PASSWORD));
    let refused = gate(&by_id, "wrong", mail);
    assert_eq!(refused.status.code(), Some(75), "{refused:?}");
    let empty = gate(&by_id, ADMIN_PASSWORD, b"");
    assert_eq!(empty.status.code(), Some(65), "{empty:?}");
    let misused = gate(&["--port", "x"], ADMIN_PASSWORD, mail);
    assert_eq!(misused.status.code(), Some(75), "{misused:?}");
    drop(postern);
    let nobody = gate(&by_id, ADMIN_PASSWORD, mail);
    assert_eq!(nobody.status.code(), Some(75), "{nobody:?}");
}
