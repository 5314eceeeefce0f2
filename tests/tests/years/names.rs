//! Names cannot be looked up for a while: mails wait, and go out when the names are back.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{Database, Described, postern_binary};
use tests::postern::{Options, Postern};
use tests::sink::{Faults, Sink};

const NAME: &str = "mail.years.test";
const MAILS: usize = 10;
/// The pauses between attempts double, and on a busy machine there were many.
const PATIENCE: Duration = Duration::from_secs(240);

/// The names that one Postern knows, in place of the machine's.
struct Names(PathBuf);

impl Names {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("names-{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir_all(&folder).unwrap();
        // A name server that is not there.
        std::fs::write(
            folder.join("resolv.conf"),
            "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n",
        )
        .unwrap();
        let names = Self(folder);
        names.lose();
        names
    }

    /// A program that becomes Postern in a place of its own, where only these names are known.
    fn program(&self) -> PathBuf {
        let program = self.0.join("postern");
        let (folder, postern) = (self.0.display(), postern_binary());
        let script = format!(
            "#!/bin/sh\nexec unshare --mount sh -c 'mount --bind {folder}/hosts /etc/hosts && mount --bind {folder}/resolv.conf /etc/resolv.conf && exec \"$0\" \"$@\"' {} \"$@\"\n",
            postern.display()
        );
        std::fs::write(&program, script).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        program
    }

    fn write(&self, text: &str) {
        // The same file, not another one in its place: it is mounted.
        std::fs::write(self.0.join("hosts"), text).unwrap();
    }

    fn know(&self) {
        self.write(&format!("127.0.0.1 localhost {NAME}\n"));
    }

    fn lose(&self) {
        self.write("127.0.0.1 localhost\n");
    }
}

impl Drop for Names {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn may_unshare() -> bool {
    let tried = Command::new("unshare").args(["--mount", "true"]).status();
    tried.is_ok_and(|status| status.success()) && Path::new("/etc/resolv.conf").exists()
}

async fn lose_names(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    if !may_unshare() {
        println!("not tested: no place of its own can be made for a program here");
        return;
    }
    let names = Names::new();
    let mut options = Options::on(database).with_jobs();
    options.program = Some(names.program());
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let sink = Sink::start(Faults::default(), 10).await.unwrap();
    for (key, value) in [
        ("postern.outbox.grace_seconds", "0"),
        ("postern.outbox.retry_seconds", "1"),
    ] {
        admin.set_param(key, value).await.unwrap();
    }
    let server = json!({"name": "Sink", "smtp_host": NAME, "smtp_port": sink.port()});
    admin.create("ir.mail_server", server).await.unwrap();
    let mail = json!({"subject": "Lost", "body_html": "<p>x</p>", "email_from": "postern@example.org", "email_to": "kim@example.org"});
    let mails = json!([vec![mail; MAILS]]);
    let mails = admin.call("mail.mail", "create", mails).await.unwrap();
    let first = mails[0].as_i64().unwrap();

    let begin = Instant::now();
    let reason = loop {
        let row = admin
            .read("mail.mail", first, &["state", "failure_reason"])
            .await
            .unwrap();
        if let Some(reason) = row["failure_reason"].as_str() {
            assert_eq!(row["state"], "outgoing", "a name may come back");
            break reason.to_owned();
        }
        assert!(begin.elapsed() < PATIENCE, "nothing is said of the name");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert!(reason.contains(NAME), "{reason}");
    // A few attempts more, whose pauses grow.
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(sink.taken().len(), 0);
    names.know();
    let begin = Instant::now();
    let waiting = json!([[["state", "!=", "sent"]]]);
    while admin
        .call("mail.mail", "search_count", waiting.clone())
        .await
        .unwrap()
        != 0
    {
        assert!(begin.elapsed() < PATIENCE, "mails wait on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let taken = sink.taken();
    assert_eq!(taken.len(), MAILS);
    assert!(taken.values().all(|times| *times == 1));
    println!(
        "{database}: {MAILS} mails waited with the reason {reason:?} and went out {:.1} s after the name was back",
        begin.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_wait_while_names_cannot_be_looked_up_and_go_out_afterwards_on_sqlite() {
    lose_names(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_wait_while_names_cannot_be_looked_up_and_go_out_afterwards_on_postgresql() {
    lose_names(Database::Postgres).await;
}
