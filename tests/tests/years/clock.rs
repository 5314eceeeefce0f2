//! The clock of the machine jumps, by a day and back, while programs write and mails go out.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{Database, Described};
use tests::postern::{ADMIN_PASSWORD, Options, Postern};
use tests::rpc_client::Rpc;
use tests::sink::{Faults, Sink};

/// Where the clock goes, and how long it stays there.
const JUMPS: [&str; 4] = ["+1d", "+0", "-1d", "+0"];
const STAY: Duration = Duration::from_secs(3);
/// A look at the queue, which comes every 30 seconds whatever the clock says, and what it takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// The library that shows a program another time.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib")
        .unwrap()
        .filter_map(Result::ok);
    let found = folders
        .map(|folder| folder.path().join("faketime/libfaketime.so.1"))
        .find(|library| library.exists());
    found.expect("the package faketime is there")
}

/// A program that writes mails until told to stop; answers their ids.
async fn write_mails(rpc: Rpc, uid: i64, stop: Arc<AtomicBool>) -> Vec<i64> {
    let mut made = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let mail = json!({"subject": "Jump", "body_html": "<p>x</p>", "email_from": "postern@example.org", "email_to": "kim@example.org"});
        let create = rpc.execute_kw(
            (uid, ADMIN_PASSWORD),
            "mail.mail",
            "create",
            json!([mail]),
            json!({}),
        );
        made.push(create.await.unwrap().as_i64().unwrap());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    made
}

async fn jump(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let time = std::env::temp_dir().join(format!("time-{}", uuid::Uuid::new_v4().simple()));
    std::fs::write(&time, "+0\n").unwrap();
    let options = Options::on(database)
        .with_jobs()
        .with("LD_PRELOAD", library().display().to_string())
        .with("FAKETIME_TIMESTAMP_FILE", time.display().to_string())
        .with("FAKETIME_NO_CACHE", "1")
        // As with a real jump: time that passes is measured by another clock.
        .with("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let slow = Faults {
        stall: 50,
        ..Faults::default()
    };
    let sink = Sink::start(slow, 11).await.unwrap();
    let grace = admin.set_param("postern.outbox.grace_seconds", "1");
    grace.await.unwrap();
    let server = json!({"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": sink.port()});
    admin.create("ir.mail_server", server).await.unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let writing = {
        let rpc = Rpc::anonymous(&postern.base_url(), postern.database_name());
        tokio::spawn(write_mails(rpc, admin.uid(), Arc::clone(&stop)))
    };
    tokio::time::sleep(STAY).await;
    let mut dates = Vec::new();
    for to in JUMPS {
        // Replaced in one step: faketime ends a program that finds the file empty.
        let next = time.with_extension("next");
        std::fs::write(&next, format!("{to}\n")).unwrap();
        std::fs::rename(&next, &time).unwrap();
        tokio::time::sleep(STAY).await;
        let newest = json!([[], ["create_date"]]);
        let newest = admin.call_kw(
            "mail.mail",
            "search_read",
            newest,
            json!({"limit": 1, "order": "id desc"}),
        );
        dates.push(newest.await.unwrap()[0]["create_date"].as_str().unwrap()[..10].to_owned());
    }
    stop.store(true, Ordering::Relaxed);
    let made = writing.await.unwrap();
    assert!(
        dates[2] < dates[1] && dates[1] < dates[0],
        "the clock did not jump: {dates:?}"
    );
    let begin = Instant::now();
    let waiting = json!([[["state", "!=", "sent"]]]);
    while admin
        .call("mail.mail", "search_count", waiting.clone())
        .await
        .unwrap()
        != 0
    {
        assert!(begin.elapsed() < PATIENCE, "mails wait on");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let taken = sink.taken();
    assert_eq!(taken.len(), made.len());
    assert!(
        taken.values().all(|times| *times == 1),
        "a mail was sent twice"
    );
    std::fs::remove_file(&time).ok();
    println!(
        "{database}: with jumps {JUMPS:?}, {} mails were written without an error and sent once, the last {:.1} s after the end",
        made.len(),
        begin.elapsed().as_secs_f64()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_delays_nothing_for_long_and_sends_nothing_twice_on_sqlite() {
    jump(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_jumps_delays_nothing_for_long_and_sends_nothing_twice_on_postgresql() {
    jump(Database::Postgres).await;
}
