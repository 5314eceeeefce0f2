//! Three Posterns on one PostgreSQL send ten thousand mails to a server that misbehaves in every way it can, while one
//! of them is killed each second: every mail comes to a known end, none is lost, and none is sent twice.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use sqlx::{Connection as _, PgConnection, Row as _};
use tests::lab::{Database, Described, postern_binary};
use tests::postern::{Options, Postern};
use tests::sink::{Faults, Sink};

const MAILS: i32 = 10_000;
const PROCESSES: usize = 3;
/// Far more than it takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(600);

const FAULTS: Faults = Faults {
    no_greeting: 10,
    // Each pause is half a minute and longer.
    throttled: 0,
    sender_later: 10,
    recipient_refused: 10,
    recipient_later: 20,
    cut_in_text: 5,
    text_refused: 5,
    text_later: 10,
    taken_in_silence: 5,
    dropped_in_silence: 5,
    stall: 3,
};

/// A Postern that does the jobs, killed without warning when dropped.
struct Worker(Child);

impl Worker {
    fn start(url: &str, log: &std::path::Path) -> Worker {
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .unwrap();
        let child = Command::new(postern_binary())
            .args(["--listen", "127.0.0.1:0", "--workers", "1", "--log", "warn"])
            .env("POSTERN_DATABASE_URL", url)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Worker(child)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Writes the mails into the queue as a database that has them already would hold them.
async fn queue(db: &mut PgConnection) {
    for statement in [
        "INSERT INTO mail_message (subject, message_type, email_from, message_id, body, date, create_date, write_date) \
         SELECT 'Mail ' || n, 'email_outgoing', 'sender@example.test', '<fault-' || n || '@example.test>', '<p>x</p>', now() at time zone 'UTC', now() at time zone 'UTC', now() at time zone 'UTC' \
         FROM generate_series(1, $1) AS n",
        "INSERT INTO mail_mail (mail_message_id, state, email_to, body_html, create_date, write_date) \
         SELECT id, 'outgoing', 'person' || id || '@example.test', '<p>' || repeat('Hello. ', 40) || '</p>', now() at time zone 'UTC', now() at time zone 'UTC' \
         FROM mail_message WHERE message_id LIKE '<fault-%' AND $1 > 0",
    ] {
        sqlx::query(statement)
            .bind(MAILS)
            .execute(&mut *db)
            .await
            .unwrap();
    }
}

async fn waiting(db: &mut PgConnection) -> i64 {
    sqlx::query_scalar(
        "SELECT count(*) FROM mail_mail m LEFT JOIN postern_outbox o ON o.mail_id = m.id \
         WHERE m.state = 'outgoing' OR o.next_attempt IS NOT NULL OR o.handing IS NOT NULL",
    )
    .fetch_one(db)
    .await
    .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_mail_is_lost_and_none_is_sent_twice_whatever_breaks() {
    let lab = Described::from_env();
    if !lab.databases.contains(&Database::Postgres) {
        return;
    }
    let sink = Sink::start(FAULTS, 20_261_125).await.unwrap();
    let postern = Postern::start(&lab, &Options::on(Database::Postgres)).unwrap();
    let admin = postern.admin().await.unwrap();
    for (key, value) in [
        ("postern.outbox.lease_seconds", "4"),
        ("postern.outbox.retry_seconds", "1"),
        ("postern.outbox.grace_seconds", "0"),
    ] {
        admin
            .call_kw(
                "ir.config_parameter",
                "set_param",
                json!([key, value]),
                json!({}),
            )
            .await
            .unwrap();
    }
    let server = json!({"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": sink.port()});
    admin
        .call_kw("ir.mail_server", "create", json!([server]), json!({}))
        .await
        .unwrap();
    let url = lab.postgres.url(postern.database_name());
    let mut db = PgConnection::connect(&url).await.unwrap();
    queue(&mut db).await;

    let logs = std::env::temp_dir().join(format!("{}-workers.log", postern.database_name()));
    let begin = Instant::now();
    let mut workers: Vec<Worker> = (0..PROCESSES).map(|_| Worker::start(&url, &logs)).collect();
    let mut kills = 0;
    while waiting(&mut db).await > 0 {
        assert!(
            begin.elapsed() < PATIENCE,
            "{} mails still wait; the log is {}",
            waiting(&mut db).await,
            logs.display()
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
        let next = kills % PROCESSES;
        workers[next] = Worker::start(&url, &logs);
        kills += 1;
    }
    let seconds = begin.elapsed().as_secs_f64();
    drop(workers);

    let rows = sqlx::query(
        "SELECT g.message_id, m.state, m.failure_type, m.failure_reason, o.doubt_since IS NOT NULL AS doubt \
         FROM mail_mail m JOIN mail_message g ON g.id = m.mail_message_id LEFT JOIN postern_outbox o ON o.mail_id = m.id \
         WHERE g.message_id LIKE '<fault-%'",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    assert_eq!(rows.len(), usize::try_from(MAILS).unwrap());
    let taken = sink.taken();
    let mut figures: BTreeMap<&str, u32> = BTreeMap::new();
    for row in &rows {
        let id: String = row.get("message_id");
        let state: String = row.get("state");
        let doubt: bool = row.get::<Option<bool>, _>("doubt").unwrap_or(false);
        let reason: String = row
            .get::<Option<String>, _>("failure_reason")
            .unwrap_or_default();
        let times = taken.get(&id).copied().unwrap_or(0);
        assert!(times <= 1, "{id} was sent {times} times: {state} {reason}");
        let fate = match (state.as_str(), doubt) {
            ("sent", _) => {
                assert_eq!(times, 1, "{id} is called sent and was not");
                "sent"
            }
            ("exception", true) => {
                assert!(reason.contains("may have accepted"), "{id}: {reason}");
                if times == 1 {
                    "doubtful, and taken"
                } else {
                    "doubtful, and not taken"
                }
            }
            ("exception", false) => {
                assert_eq!(times, 0, "{id} is called refused and was taken: {reason}");
                assert_eq!(
                    row.get::<Option<String>, _>("failure_type").as_deref(),
                    Some("unknown"),
                    "{reason}"
                );
                "refused"
            }
            other => panic!("{id} has no known fate: {other:?} {reason}"),
        };
        *figures.entry(fate).or_default() += 1;
    }
    let known: std::collections::HashSet<String> =
        rows.iter().map(|row| row.get("message_id")).collect();
    assert!(taken.keys().all(|id| known.contains(id)));
    println!(
        "{MAILS} mails, {PROCESSES} processes, {kills} killed, {seconds:.0} s, {} sessions at once at the most: {figures:?}",
        sink.most_sessions()
    );
    assert!(kills >= 3, "nothing was killed");
    // The slower the machine, the more are killed on the way and the more mails are in doubt; most go out all the same.
    assert!(figures["sent"] > 7_500, "{figures:?}");
    std::fs::remove_file(logs).ok();
}
