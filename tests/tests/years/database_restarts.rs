//! PostgreSQL ends and starts again while programs write, mails go out and mails come in.

use std::collections::{BTreeMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sqlx::{Connection as _, PgConnection, Row as _};
use tests::lab::{Database, Described, End, Postgres, Scratch, Watchdog};
use tests::postern::{ADMIN_PASSWORD, Options, Postern};
use tests::rpc_client::{Rpc, RpcError};
use tests::sink::{Faults, Sink};
use tests::steps::{self, Application};

/// Names how often each kind of restart happens.
const ROUNDS_VARIABLE: &str = "POSTERN_FAULT_RESTARTS";
const ROUNDS: usize = 1;
const CLIENTS: usize = 6;
/// How long PostgreSQL works, and how long it is away.
const UP: Duration = Duration::from_millis(1500);
const AWAY: Duration = Duration::from_millis(1500);
/// "Within seconds", on a machine that builds at the same time.
const RECOVERY: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(45);

/// What the clients were told.
#[derive(Default)]
struct Told {
    /// Contacts by id, and mails.
    contacts: Vec<(i64, String)>,
    mails: Vec<i64>,
    /// Errors by name and text.
    errors: BTreeMap<String, usize>,
    last_success: Option<Instant>,
    slowest: Duration,
}

impl Told {
    /// Notes what a program was told about a contact of this name, or a mail.
    fn note(&mut self, answer: Result<Value, RpcError>, name: Option<String>, took: Duration) {
        self.slowest = self.slowest.max(took);
        match answer {
            Ok(id) => {
                let id = id.as_i64().unwrap();
                self.last_success = Some(Instant::now());
                match name {
                    Some(name) => self.contacts.push((id, name)),
                    None => self.mails.push(id),
                }
            }
            Err(RpcError::Refused(refusal)) => {
                assert_eq!(refusal.code, 200);
                let text = format!("{refusal:?}");
                *self.errors.entry(text).or_default() += 1;
            }
            Err(other) => panic!("no error of Odoo's: {other:?}"),
        }
    }
}

/// A program that writes contacts and mails, one after the other, and goes on after errors.
async fn write(rpc: Rpc, uid: i64, client: usize, told: Arc<Mutex<Told>>, stop: Arc<AtomicBool>) {
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        let name = format!("contact {client}.{number}");
        let is_mail = number % 4 == 3;
        let (model, values) = if is_mail {
            let mail = json!({
                "subject": name, "body_html": "<p>Hello</p>", "email_from": "postern@example.org",
                "email_to": "somebody@example.org",
            });
            ("mail.mail", mail)
        } else {
            ("res.partner", json!({"name": name}))
        };
        let begin = Instant::now();
        let answer = rpc
            .execute_kw(
                (uid, ADMIN_PASSWORD),
                model,
                "create",
                json!([values]),
                json!({}),
            )
            .await;
        told.lock()
            .unwrap()
            .note(answer, (!is_mail).then_some(name), begin.elapsed());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A mailbox that is watched, and a server that mails go out by.
async fn set_up(lab: &Described, postern: &Postern, admin: &Rpc, sink: &Sink) -> String {
    let grace = admin.set_param("postern.outbox.grace_seconds", "0");
    grace.await.unwrap();
    let server = json!({"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": sink.port()});
    admin.create("ir.mail_server", server).await.unwrap();
    let mailbox = steps::new_account(lab, "restarts").await.unwrap();
    steps::register(lab, postern).await.unwrap();
    steps::enter_application(admin, postern, Application::of(lab))
        .await
        .unwrap();
    let server = steps::incoming_server(admin, ("localhost", &lab.mail), &mailbox)
        .await
        .unwrap();
    let page = steps::connect(admin, "fetchmail.server", server, &mailbox)
        .await
        .unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    let confirmed = admin.call(
        "fetchmail.server",
        "button_confirm_login",
        json!([[server]]),
    );
    confirmed.await.unwrap();
    mailbox
}

/// Delivers mails into the mailbox until told to stop; answers how many.
async fn arrive(lab: Described, mailbox: String, stop: Arc<AtomicBool>) -> usize {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let raw = format!(
            "From: kim@client.example\r\nTo: {mailbox}\r\nMessage-Id: <{number}.{mailbox}>\r\nSubject: incoming {number}\r\n\r\nHello\r\n"
        );
        lab.deliver(&mailbox, raw.as_bytes()).unwrap();
        number += 1;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    number
}

/// Whether the program says that it can be used.
async fn health(postern: &Postern) -> u16 {
    let anonymous = Rpc::anonymous(&postern.base_url(), postern.database_name());
    anonymous.get("/web/health?db=1").await.unwrap().status
}

#[tokio::test(flavor = "multi_thread")]
async fn no_acknowledged_write_is_lost_when_postgresql_is_restarted_under_load() {
    let lab = Described::from_env();
    if !lab.databases.contains(&Database::Postgres) {
        return;
    }
    let rounds = std::env::var(ROUNDS_VARIABLE).map_or(ROUNDS, |text| text.parse().unwrap());
    let watchdog = Arc::new(Watchdog::start().unwrap());
    let scratch = Scratch::create(false).unwrap();
    let mut cluster = Postgres::start_durable(&scratch, &watchdog).unwrap();
    let url = cluster.address().create_database("restarts").unwrap();
    let sink = Sink::start(Faults::default(), 7).await.unwrap();
    let postern = Postern::start(&lab, &Options::in_existing(&url).with_jobs()).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = set_up(&lab, &postern, &admin, &sink).await;

    let told = Arc::new(Mutex::new(Told::default()));
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let rpc = Rpc::anonymous(&postern.base_url(), postern.database_name());
            let (told, stop) = (Arc::clone(&told), Arc::clone(&stop));
            tokio::spawn(write(rpc, admin.uid(), client, told, stop))
        })
        .collect();
    let arriving = tokio::spawn(arrive(lab.clone(), mailbox, Arc::clone(&stop)));
    let mut recoveries = Vec::new();
    for how in [End::Fast, End::Immediate, End::Killed].repeat(rounds) {
        tokio::time::sleep(UP).await;
        cluster.end(how).unwrap();
        let gone = Instant::now();
        assert_eq!(health(&postern).await, 503, "there is no database");
        assert!(
            gone.elapsed() < Duration::from_secs(6),
            "health has to answer soon"
        );
        tokio::time::sleep(AWAY.saturating_sub(gone.elapsed())).await;
        cluster.start_again().unwrap();
        let back = Instant::now();
        while told.lock().unwrap().last_success.is_none_or(|at| at < back) {
            assert!(back.elapsed() < RECOVERY, "nothing can be written");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        recoveries.push((how, back.elapsed()));
        assert_eq!(health(&postern).await, 200);
    }
    tokio::time::sleep(UP).await;
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let arrived = arriving.await.unwrap();
    let told = Arc::into_inner(told).unwrap().into_inner().unwrap();

    let mut db = PgConnection::connect(&url).await.unwrap();
    let settled = settled(&mut db, arrived).await;
    assert_nothing_is_lost(&mut db, &told, &sink).await;
    let log = postern.log();
    assert!(!log.contains("panicked"), "something broke");
    let errors: usize = told.errors.values().sum();
    println!(
        "{} restarts: {} writes acknowledged and all there, {errors} refused {:?}, the slowest call {:.1} s; \
         writing again after {recoveries:.2?}; {} mails sent once and {arrived} fetched once, the last {:.1} s after the end",
        recoveries.len(),
        told.contacts.len() + told.mails.len(),
        told.errors,
        told.slowest.as_secs_f64(),
        told.mails.len(),
        settled.as_secs_f64()
    );
    for error in told.errors.keys() {
        assert!(
            error.starts_with("psycopg2.OperationalError: The database"),
            "{error}"
        );
    }
}

/// Waits until all mails went out and came in.
async fn settled(db: &mut PgConnection, arrived: usize) -> Duration {
    let begin = Instant::now();
    loop {
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM mail_mail WHERE state = 'outgoing'), (SELECT count(*) FROM mail_message WHERE subject LIKE 'incoming %')",
        )
        .fetch_one(&mut *db)
        .await
        .unwrap();
        let (waiting, fetched): (i64, i64) = (row.get(0), row.get(1));
        if waiting == 0 && fetched >= i64::try_from(arrived).unwrap() {
            return begin.elapsed();
        }
        assert!(
            begin.elapsed() < PATIENCE,
            "{waiting} mails wait, {fetched} of {arrived} came in"
        );
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn assert_nothing_is_lost(db: &mut PgConnection, told: &Told, sink: &Sink) {
    let rows = sqlx::query("SELECT id, name FROM res_partner WHERE name LIKE 'contact %'")
        .fetch_all(&mut *db)
        .await
        .unwrap();
    let stored: HashSet<(i64, String)> = rows
        .iter()
        .map(|row| (i64::from(row.get::<i32, _>(0)), row.get(1)))
        .collect();
    for contact in &told.contacts {
        assert!(stored.contains(contact), "{contact:?} was acknowledged");
    }
    let refused: usize = told.errors.values().sum();
    // What was refused while it was being committed may be there all the same, as with any database.
    assert!(stored.len() <= told.contacts.len() + refused);
    let rows = sqlx::query(
        "SELECT m.id, m.state, g.message_id, COALESCE(m.failure_reason, '') FROM mail_mail m JOIN mail_message g ON g.id = m.mail_message_id",
    )
    .fetch_all(&mut *db)
    .await
    .unwrap();
    let taken = sink.taken();
    let mut known = HashSet::new();
    for row in &rows {
        let (state, reason): (String, String) = (row.get(1), row.get(3));
        assert_eq!(state, "sent", "{reason}");
        let id: String = row.get(2);
        assert_eq!(taken.get(&id), Some(&1), "{id}");
        known.insert(i64::from(row.get::<i32, _>(0)));
    }
    assert!(told.mails.iter().all(|mail| known.contains(mail)));
    assert_eq!(taken.len(), rows.len());
    let twice: i64 = sqlx::query_scalar(
        "SELECT count(*) - count(DISTINCT subject) FROM mail_message WHERE subject LIKE 'incoming %'",
    )
    .fetch_one(&mut *db)
    .await
    .unwrap();
    assert_eq!(twice, 0, "a mail was stored twice");
}
