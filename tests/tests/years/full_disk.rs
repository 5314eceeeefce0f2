//! The disk of the database fills up while mails are written and sent, and has room again.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{Database, Described, Postgres, Scratch, Watchdog};
use tests::postern::{Options, Postern};
use tests::rpc_client::{Rpc, RpcError};
use tests::sink::{Faults, Sink};

const PATIENCE: Duration = Duration::from_secs(60);
const MAILS: usize = 20;
/// How often something is written to a full disk.
const TRIES: usize = 400;

/// A small disk, as long as it is needed.
struct Disk(PathBuf);

impl Disk {
    /// `None`, and a word about it, where this process may not mount one.
    fn mount(place: &Path, mebibytes: u32) -> Option<Self> {
        std::fs::create_dir_all(place).unwrap();
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(place)
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(place.to_owned()));
        }
        println!("not tested: no disk can be mounted here");
        None
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let rest = vec![0; 64 * 1024];
        let mut file = std::fs::File::create(self.0.join("filler")).unwrap();
        while std::io::Write::write_all(&mut file, &rest).is_ok() {}
    }

    fn make_room(&self) {
        std::fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg("-l").arg(&self.0).status().ok();
    }
}

/// What was acknowledged, and what was said instead.
#[derive(Default)]
struct Told {
    contacts: Vec<(i64, String)>,
    refusals: Vec<String>,
}

impl Told {
    async fn write(&mut self, admin: &Rpc) -> bool {
        let name = format!("contact {}", self.contacts.len() + self.refusals.len());
        // Too much for a page that happens to have room.
        let values = json!({"name": name, "comment": "long ".repeat(4000)});
        match admin.create("res.partner", values).await {
            Ok(id) => {
                self.contacts.push((id, name));
                true
            }
            Err(RpcError::Refused(refusal)) => {
                assert_eq!(refusal.name, "psycopg2.OperationalError");
                self.refusals.push(refusal.message);
                false
            }
            Err(other) => panic!("no error of Odoo's: {other:?}"),
        }
    }
}

/// Writes until the disk is full and beyond, makes room, and looks whether all is as it should.
async fn endure(postern: &Postern, disk: &Disk, mut restart: impl FnMut()) -> String {
    let slow = Faults {
        stall: 200,
        ..Faults::default()
    };
    let sink = Sink::start(slow, 9).await.unwrap();
    let admin = postern.admin().await.unwrap();
    let grace = admin.set_param("postern.outbox.grace_seconds", "0");
    grace.await.unwrap();
    let server = json!({"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": sink.port()});
    admin.create("ir.mail_server", server).await.unwrap();
    let mut told = Told::default();
    for _ in 0..10 {
        assert!(told.write(&admin).await);
    }
    let mail = json!({"subject": "Full", "body_html": "<p>x</p>", "email_from": "postern@example.org", "email_to": "kim@example.org"});
    let mails = json!([vec![mail; MAILS]]);
    admin.call("mail.mail", "create", mails).await.unwrap();

    disk.fill();
    let mut tries = 0;
    while told.refusals.len() < 5 {
        told.write(&admin).await;
        tries += 1;
        assert!(tries < TRIES, "the disk is not full");
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    disk.make_room();
    restart();
    let begin = Instant::now();
    while !told.write(&admin).await {
        assert!(begin.elapsed() < PATIENCE, "{:?}", told.refusals.last());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let recovered = begin.elapsed();

    let rows = admin.call(
        "res.partner",
        "search_read",
        json!([[["name", "=like", "contact %"]], ["name"]]),
    );
    let rows = rows.await.unwrap();
    let stored: Vec<(i64, String)> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            (
                row["id"].as_i64().unwrap(),
                row["name"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    for contact in &told.contacts {
        assert!(stored.contains(contact), "{contact:?} was acknowledged");
    }
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
    assert_eq!(taken.len(), MAILS);
    assert!(
        taken.values().all(|times| *times == 1),
        "a mail was sent twice"
    );
    assert!(!postern.log().contains("panicked"));
    let clear = told
        .refusals
        .iter()
        .filter(|text| text.contains("no room") || text.contains("cannot be used at the moment"));
    assert_eq!(clear.count(), told.refusals.len(), "{:?}", told.refusals);
    format!(
        "{} writes acknowledged and all there, {} refused ({:?}), writing again {:.1} s after there was room, {MAILS} mails sent once",
        told.contacts.len(),
        told.refusals.len(),
        told.refusals[0],
        recovered.as_secs_f64()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_and_is_told_on_sqlite() {
    let lab = Described::from_env();
    if !lab.databases.contains(&Database::Sqlite) {
        return;
    }
    let scratch = Scratch::create(false).unwrap();
    let Some(disk) = Disk::mount(&scratch.path().join("disk"), 24) else {
        return;
    };
    let file = disk.0.join("postern.sqlite");
    let options = Options {
        existing: Some(format!("sqlite://{}", file.display())),
        ..Options::on(Database::Sqlite)
    };
    let postern = Postern::start(&lab, &options.with_jobs()).unwrap();
    let told = endure(&postern, &disk, || {}).await;
    drop(postern);
    let check = Command::new("sqlite3")
        .arg(&file)
        .arg("PRAGMA integrity_check")
        .output();
    assert_eq!(check.unwrap().stdout, b"ok\n");
    println!("sqlite: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_loses_nothing_and_is_told_on_postgresql() {
    let lab = Described::from_env();
    if !lab.databases.contains(&Database::Postgres) {
        return;
    }
    let watchdog = Arc::new(Watchdog::start().unwrap());
    let scratch = Scratch::create(false).unwrap();
    let Some(disk) = Disk::mount(&scratch.path().join("durable-postgres"), 192) else {
        return;
    };
    let mut cluster = Postgres::start_durable(&scratch, &watchdog).unwrap();
    let url = cluster.address().create_database("full").unwrap();
    let postern = Postern::start(&lab, &Options::in_existing(&url).with_jobs()).unwrap();
    // Without room for its log PostgreSQL ends, as it should.
    let restart = || {
        if !cluster.is_running() {
            cluster.start_again().unwrap();
        }
    };
    let told = endure(&postern, &disk, restart).await;
    println!("postgres: {told}");
}
