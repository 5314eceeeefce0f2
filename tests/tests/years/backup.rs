//! A backup as docs/operations.md tells to make one, taken while mails are written and sent, and restored elsewhere.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{Database, Described};
use tests::postern::{Error, Postern};
use tests::rpc_client::Rpc;
use tests::sink::{Faults, Sink};
use tests::steps::{self, Application};

use crate::place::{Place, run};

/// A key for the vault, as its file has it.
const KEY: &str = "backup:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const WRITERS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(90);

/// What has to be done before a restored database is used, where nothing may be sent twice.
const PUT_ASIDE: &str = "UPDATE mail_mail SET state = 'cancel' WHERE state = 'outgoing' OR state = 'exception' AND id IN (SELECT mail_id FROM postern_outbox WHERE next_attempt IS NOT NULL); \
     DELETE FROM postern_outbox;";

/// Backs the database up into a file.
fn back_up(place: &Place, file: &Path) {
    match place {
        Place::Postgres(cluster, name) => {
            let mut command = cluster.program("pg_dump");
            run(command.args(["--format=custom", name, "--file"]).arg(file));
        }
        Place::Sqlite(_) => {
            let backup = format!(".backup '{}'", file.display());
            run(Command::new("sqlite3").arg(place.file()).arg(backup));
        }
    }
}

/// Makes a new database of the file.
fn restore(lab: &Described, database: Database, file: &Path) -> Place {
    let place = Place::empty(lab, database);
    match &place {
        Place::Postgres(cluster, name) => {
            let mut command = cluster.program("pg_restore");
            run(command
                .args(["--no-owner", "--exit-on-error", "--dbname", name])
                .arg(file));
        }
        Place::Sqlite(_) => {
            std::fs::copy(file, place.file()).unwrap();
        }
    }
    place
}

/// Leads the server of the database to another sink.
fn redirect(place: &Place, sink: &Sink) {
    let port = sink.port();
    place.sql(&format!(
        "UPDATE ir_mail_server SET smtp_port = {port} WHERE name = 'Sink'"
    ));
}

fn message_ids(place: &Place, condition: &str) -> BTreeSet<String> {
    let rows = place.sql(&format!(
        "SELECT g.message_id FROM mail_mail m JOIN mail_message g ON g.id = m.mail_message_id \
         LEFT JOIN postern_outbox o ON o.mail_id = m.id WHERE {condition}"
    ));
    rows.lines().map(str::to_owned).collect()
}

/// A server that takes everything slowly, and a mailbox that is connected by OAuth.
async fn set_up(lab: &Described, postern: &Postern, admin: &Rpc, sink: &Sink) -> i64 {
    for (key, value) in [
        ("postern.outbox.grace_seconds", "0"),
        ("postern.outbox.lease_seconds", "4"),
    ] {
        admin.set_param(key, value).await.unwrap();
    }
    let server =
        json!({"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": sink.port(), "sequence": 1});
    admin.create("ir.mail_server", server).await.unwrap();
    let mailbox = steps::new_account(lab, "backup").await.unwrap();
    steps::register(lab, postern).await.unwrap();
    steps::enter_application(admin, postern, Application::of(lab))
        .await
        .unwrap();
    let mail = (lab.host.as_str(), &lab.mail);
    let server = steps::outgoing_server(admin, mail, &mailbox).await.unwrap();
    let page = steps::connect(admin, "ir.mail_server", server, &mailbox)
        .await
        .unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    server
}

/// Writes mails, one after the other, until told to stop.
async fn write_mails(admin: Rpc, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::Relaxed) {
        let mail = json!({
            "subject": "Under load", "body_html": "<p>Hello</p>", "email_from": "postern@example.org",
            "email_to": "somebody@example.org",
        });
        admin.create("mail.mail", mail).await.unwrap();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn nothing_waits(place: &Place) {
    let begin = Instant::now();
    while place.number("SELECT count(*) FROM mail_mail WHERE state = 'outgoing'") > 0 {
        assert!(begin.elapsed() < PATIENCE, "mails wait on");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn back_up_and_restore(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let slow = Faults {
        stall: 300,
        ..Faults::default()
    };
    let sink = Sink::start(slow, 4).await.unwrap();
    let place = Place::empty(&lab, database);
    let options = place.options().with_jobs().with("POSTERN_VAULT_KEY", KEY);
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let server = set_up(&lab, &postern, &admin, &sink).await;
    let tokens = steps::tokens(&admin, "ir.mail_server", server)
        .await
        .unwrap();

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..WRITERS)
        .map(|_| tokio::spawn(write_mails(admin.clone(), Arc::clone(&stop))))
        .collect();
    tokio::time::sleep(Duration::from_secs(3)).await;
    let taken_before = sink.taken();
    let files = Place::empty(&lab, Database::Sqlite);
    let file = files.file();
    let begin = Instant::now();
    back_up(&place, &file);
    let took = begin.elapsed();
    tokio::time::sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    drop(postern);

    let restored = restore(&lab, database, &file);
    let sent = message_ids(&restored, "m.state = 'sent'");
    let doubtful = message_ids(&restored, "m.state = 'outgoing' AND o.handing IS NOT NULL");
    let waiting = message_ids(&restored, "m.state = 'outgoing' AND o.handing IS NULL");
    assert!(!sent.is_empty() && !waiting.is_empty(), "the load was none");
    for id in taken_before.keys() {
        assert!(
            sent.contains(id) || doubtful.contains(id),
            "{id} was taken before the backup, which knows nothing of it"
        );
    }
    without_the_key(&lab, &restored);
    let sink = Sink::start(Faults::default(), 5).await.unwrap();
    redirect(&restored, &sink);
    let options = restored
        .options()
        .with_jobs()
        .with("POSTERN_VAULT_KEY", KEY);
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let opened = steps::tokens(&admin, "ir.mail_server", server)
        .await
        .unwrap();
    assert_eq!(opened, tokens);
    assert!(!restored.whole().contains(&tokens.refresh));
    nothing_waits(&restored).await;
    let taken = sink.taken();
    for id in &waiting {
        assert_eq!(taken.get(id), Some(&1), "{id} waited and was not sent once");
    }
    assert_eq!(taken.len(), waiting.len(), "others were sent again");
    let told = message_ids(
        &restored,
        "m.state = 'exception' AND o.doubt_since IS NOT NULL",
    );
    assert_eq!(told, doubtful, "who asks is told that it is not known");
    drop(postern);
    put_aside(&lab, database, &file).await;
    println!(
        "{database}: backed up under load in {:.2} s with {} mails sent, {} being handed over, {} waiting; restored, the waiting went out once, no other",
        took.as_secs_f64(),
        sent.len(),
        doubtful.len(),
        waiting.len()
    );
}

/// A start without the key that sealed the secrets says so, and changes nothing.
fn without_the_key(lab: &Described, restored: &Place) {
    let error = Postern::start(lab, &restored.options()).unwrap_err();
    let Error::Ended { log, .. } = error else {
        panic!("it should have ended: {error:?}");
    };
    assert!(log.contains("\"backup\""), "the key is not named: {log}");
}

/// With what waited put aside, as the documentation tells, nothing is sent that may have been sent since.
async fn put_aside(lab: &Described, database: Database, file: &Path) {
    let documented = include_str!("../../../docs/operations.md");
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words(documented).contains(&words(PUT_ASIDE)));
    let restored = restore(lab, database, file);
    let sink = Sink::start(Faults::default(), 6).await.unwrap();
    redirect(&restored, &sink);
    restored.sql(PUT_ASIDE);
    let aside = restored.number("SELECT count(*) FROM mail_mail WHERE state = 'cancel'");
    let options = restored
        .options()
        .with_jobs()
        .with("POSTERN_VAULT_KEY", KEY);
    let postern = Postern::start(lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    // A run of the queue that was asked for and has ended, instead of a wait for none.
    admin
        .call("mail.mail", "process_email_queue", json!([]))
        .await
        .unwrap();
    assert_eq!(sink.taken().len(), 0);
    // What is to go out all the same is put back by the button of the form.
    let first = restored.number("SELECT min(id) FROM mail_mail WHERE state = 'cancel'");
    let one = json!([[first]]);
    admin
        .call("mail.mail", "mark_outgoing", one.clone())
        .await
        .unwrap();
    admin.call("mail.mail", "send", one).await.unwrap();
    assert_eq!(sink.taken().len(), 1);
    let left = restored.number("SELECT count(*) FROM mail_mail WHERE state = 'cancel'");
    assert_eq!(left, aside - 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_is_restored_and_nothing_is_sent_twice_on_sqlite() {
    back_up_and_restore(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_is_restored_and_nothing_is_sent_twice_on_postgresql() {
    back_up_and_restore(Database::Postgres).await;
}
