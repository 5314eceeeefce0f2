//! Two Posterns behind a pgbouncer in transaction mode, which has far fewer sessions than they have connections.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{Database, Described, Pgbouncer, Scratch, Watchdog};
use tests::postern::{ADMIN_PASSWORD, Error, Options, Postern};
use tests::rpc_client::Rpc;
use tests::sink::{Faults, Sink};
use tests::steps::{self, Application};
use tokio::task::JoinSet;

use crate::place::Place;

const SESSIONS: u32 = 3;
const CLIENTS: usize = 8;
const ROUNDS: usize = 25;
const MAILS: usize = 300;
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn two_posterns_work_through_pgbouncer_in_transaction_mode() {
    let lab = Described::from_env();
    if !lab.databases.contains(&Database::Postgres) {
        return;
    }
    let watchdog = Arc::new(Watchdog::start().unwrap());
    let scratch = Scratch::create(false).unwrap();
    let pooler = Pgbouncer::start(&scratch, &watchdog, &lab.postgres, SESSIONS).unwrap();
    let place = Place::empty(&lab, Database::Postgres);
    let Place::Postgres(_, name) = &place else {
        return;
    };
    let through = Options::in_existing(&pooler.url(name)).with_jobs();
    let error = Postern::start(&lab, &through).unwrap_err();
    let Error::Ended { log, .. } = error else {
        panic!("it should have ended: {error:?}");
    };
    assert!(log.contains("--db-pooler"), "no remedy in: {log}");
    let through = through.with("POSTERN_DB_POOLER", "true");
    // Both make the tables, one after the other.
    let (one, other) = {
        let start = || {
            let (lab, options) = (lab.clone(), through.clone());
            tokio::task::spawn_blocking(move || Postern::start(&lab, &options).unwrap())
        };
        let (one, other) = (start(), start());
        (one.await.unwrap(), other.await.unwrap())
    };
    let admin = one.admin().await.unwrap();
    guide(&lab, &one, &admin).await;
    at_once(&[&one, &other], &admin).await;
    let took = queue(&[&one, &other], &admin, &place).await;
    let told = one
        .command(&["--db-pooler", "queue", "--state", "sent"])
        .unwrap();
    assert!(told.status.success(), "{told:?}");
    let sessions = place.number(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    ));
    assert!(
        (1..=i64::from(SESSIONS)).contains(&sessions),
        "{sessions} sessions are more than the pooler has"
    );
    for postern in [&one, &other] {
        for word in [
            "prepared statement",
            "panicked",
            "SET TRANSACTION ISOLATION LEVEL must",
        ] {
            assert!(!postern.log().contains(word), "{word}");
        }
    }
    println!(
        "through pgbouncer with {SESSIONS} sessions: the guide, {CLIENTS} clients of two Posterns at once, {MAILS} mails once each in {:.1} s",
        took.as_secs_f64()
    );
}

/// A mailbox is connected, mail goes out by it and comes in.
async fn guide(lab: &Described, postern: &Postern, admin: &Rpc) {
    let mailbox = steps::new_account(lab, "pooler").await.unwrap();
    steps::register(lab, postern).await.unwrap();
    steps::enter_application(admin, postern, Application::of(lab))
        .await
        .unwrap();
    let mail = (lab.host.as_str(), &lab.mail);
    let outgoing = steps::outgoing_server(admin, mail, &mailbox).await.unwrap();
    let incoming = steps::incoming_server(admin, mail, &mailbox).await.unwrap();
    for (model, id) in [("ir.mail_server", outgoing), ("fetchmail.server", incoming)] {
        let page = steps::connect(admin, model, id, &mailbox).await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
    }
    let test = admin.call(
        "ir.mail_server",
        "test_smtp_connection",
        json!([[outgoing]]),
    );
    test.await.unwrap();
    let confirm = admin.call(
        "fetchmail.server",
        "button_confirm_login",
        json!([[incoming]]),
    );
    confirm.await.unwrap();
    let mail = json!({"subject": "To myself", "body_html": "<p>x</p>", "email_from": mailbox, "email_to": mailbox});
    let sent = steps::send_mail(admin, mail).await.unwrap();
    let row = admin.read("mail.mail", sent, &["state"]).await.unwrap();
    assert_eq!(row["state"], "sent");
    let raw = format!(
        "From: kim@client.example\r\nTo: {mailbox}\r\nSubject: From outside\r\n\r\nHello\r\n"
    );
    lab.deliver(&mailbox, raw.as_bytes()).unwrap();
    let begin = Instant::now();
    let domain = json!([[["subject", "=", "From outside"]]]);
    while admin
        .call("mail.message", "search_count", domain.clone())
        .await
        .unwrap()
        != 1
    {
        assert!(begin.elapsed() < PATIENCE, "the mail did not come in");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Clients of both on the same record: no error, and no update is lost.
async fn at_once(posterns: &[&Postern; 2], admin: &Rpc) {
    let shared = admin.create("res.partner", json!({"name": "Shared"}));
    let partner = shared.await.unwrap();
    let message = json!({"subject": "Shared", "message_type": "comment"});
    let message = admin.create("mail.message", message).await.unwrap();
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let postern = posterns[client % 2];
        let rpc = Rpc::anonymous(&postern.base_url(), postern.database_name());
        let uid = admin.uid();
        clients.spawn(async move {
            let who = (uid, ADMIN_PASSWORD);
            let call = |model, method, args| rpc.execute_kw(who, model, method, args, json!({}));
            for round in 0..ROUNDS {
                let text = format!("{client}.{round}");
                call("res.partner", "write", json!([[partner], {"city": text}]))
                    .await
                    .unwrap();
                let rows = call("res.partner", "read", json!([[partner], ["city"]]));
                assert!(rows.await.unwrap()[0]["city"].is_string());
                let file = json!([0, 0, {"name": text, "raw": "eA=="}]);
                let link = json!([[message], {"attachment_ids": [file]}]);
                call("mail.message", "write", link).await.unwrap();
            }
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.unwrap();
    }
    let row = admin.read("mail.message", message, &["attachment_ids"]);
    let files = row.await.unwrap()["attachment_ids"]
        .as_array()
        .map(Vec::len);
    assert_eq!(files, Some(CLIENTS * ROUNDS));
}

/// Mails go out once, by both; answers how long that took.
async fn queue(posterns: &[&Postern; 2], admin: &Rpc, place: &Place) -> Duration {
    let sink = Sink::start(Faults::default(), 8).await.unwrap();
    let grace = admin.set_param("postern.outbox.grace_seconds", "0");
    grace.await.unwrap();
    let server = json!({"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": sink.port()});
    admin.create("ir.mail_server", server).await.unwrap();
    let mail = json!({"subject": "Many", "body_html": "<p>x</p>", "email_from": "postern@example.org", "email_to": "kim@example.org"});
    let begin = Instant::now();
    let mails = vec![mail; MAILS];
    let made = admin
        .call("mail.mail", "create", json!([mails]))
        .await
        .unwrap();
    assert_eq!(made.as_array().map(Vec::len), Some(MAILS));
    let other = posterns[1].admin().await.unwrap();
    let asked = other.call("mail.mail", "process_email_queue", json!([]));
    asked.await.unwrap();
    while place.number("SELECT count(*) FROM mail_mail WHERE state <> 'sent'") > 0 {
        assert!(begin.elapsed() < PATIENCE, "mails wait on");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let taken = sink.taken();
    assert_eq!(taken.len(), MAILS);
    assert!(taken.values().all(|times| *times == 1));
    begin.elapsed()
}
