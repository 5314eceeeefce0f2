//! The queue of outgoing mails as clients see it: what is tried again and when, budgets, several replicas, and proof.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::lab::{Database, Described, PASSWORD, python};
use tests::postern::{Options, Postern};
use tests::rpc_client::Rpc;
use tests::sink::{Faults, Sink};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(180);

struct World {
    postern: Postern,
    admin: Rpc,
    sink: Sink,
    server: i64,
}

/// A Postern whose only outgoing server is a sink, with these parameters.
async fn world(database: Database, jobs: bool, parameters: &[(&str, &str)]) -> World {
    let lab = Described::from_env();
    let sink = Sink::start(Faults::default(), 1).await.unwrap();
    let options = Options {
        jobs,
        ..Options::on(database)
    };
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let fast = [
        ("postern.outbox.grace_seconds", "0"),
        ("postern.outbox.retry_seconds", "1"),
        ("postern.outbox.lease_seconds", "5"),
    ];
    for (key, value) in fast.iter().chain(parameters) {
        admin
            .call("ir.config_parameter", "set_param", json!([key, value]))
            .await
            .unwrap();
    }
    let values = json!({"name": "Sink", "smtp_host": "127.0.0.1", "smtp_port": sink.port()});
    let server = admin.create("ir.mail_server", values).await.unwrap();
    World {
        postern,
        admin,
        sink,
        server,
    }
}

impl World {
    async fn call(&self, model: &str, method: &str, args: Value) -> Value {
        self.admin.call(model, method, args).await.unwrap()
    }

    async fn create(&self, model: &str, values: Value) -> i64 {
        self.admin.create(model, values).await.unwrap()
    }

    async fn send(&self, mails: &[i64]) {
        self.call("mail.mail", "send", json!([mails])).await;
    }

    /// Has the sink do what `faults` says from now on, and nothing else that is wrong.
    fn misbehave(&self, faults: impl Fn(&mut Faults)) {
        let mut all = Faults::default();
        faults(&mut all);
        self.sink.misbehave(all);
    }

    async fn mail(&self) -> i64 {
        let values = json!({"subject": "Hello", "email_from": "ann@example.test",
            "email_to": "kim@example.test", "body_html": "<p>Hello</p>"});
        self.admin.create("mail.mail", values).await.unwrap()
    }

    async fn read(&self, mail: i64) -> Value {
        let fields = json!(["state", "failure_type", "failure_reason"]);
        let rows = self
            .admin
            .call("mail.mail", "read", json!([[mail], fields]));
        rows.await.unwrap()[0].clone()
    }

    /// Waits until the mail is in this state; gives it as it is then.
    async fn wait_for(&self, mail: i64, state: &str) -> Value {
        let begin = Instant::now();
        loop {
            let row = self.read(mail).await;
            if row["state"] == state {
                return row;
            }
            assert!(begin.elapsed() < PATIENCE, "not {state}: {row}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// What a list of servers shows of this one.
    async fn glance(&self) -> Value {
        let ids = json!([[self.server]]);
        let rows = self.admin.call("ir.mail_server", "postern_glance", ids);
        rows.await.unwrap()[0].clone()
    }

    fn taken(&self) -> usize {
        self.sink
            .taken()
            .values()
            .map(|times| *times as usize)
            .sum()
    }
}

fn databases() -> Vec<Database> {
    Described::from_env().databases
}

fn reason(row: &Value) -> &str {
    row["failure_reason"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_mail_refused_for_now_says_when_it_is_tried_again_and_then_goes_out() {
    for database in databases() {
        // Long enough that a slow machine has read the reason before the next attempt.
        let pause = [("postern.outbox.retry_seconds", "5")];
        let world = world(database, true, &pause).await;
        world.misbehave(|faults| faults.recipient_later = 1000);
        let mail = world.mail().await;
        world.send(&[mail]).await;
        let row = world.read(mail).await;
        for words in [
            "450 4.2.1 come back later",
            "tried again",
            "(attempt 2)",
            " UTC",
        ] {
            assert!(reason(&row).contains(words), "{row}");
        }
        world.misbehave(|_| {});
        let row = world.wait_for(mail, "sent").await;
        assert_eq!(
            (&row["failure_type"], &row["failure_reason"]),
            (&json!(false), &json!(false))
        );
        assert_eq!(world.taken(), 1);
    }
}

#[tokio::test]
async fn what_is_refused_for_good_is_not_tried_again_until_somebody_says_so() {
    for database in databases() {
        let world = world(database, true, &[]).await;
        world.misbehave(|faults| faults.text_refused = 1000);
        let mail = world.mail().await;
        let row = world.wait_for(mail, "exception").await;
        assert_eq!(row["failure_type"], "unknown");
        assert!(!reason(&row).contains("tried again"), "{row}");
        world.misbehave(|_| {});
        tokio::time::sleep(Duration::from_secs(3)).await;
        assert_eq!(world.read(mail).await["state"], "exception");
        world
            .call("mail.mail", "action_retry", json!([[mail]]))
            .await;
        world.wait_for(mail, "sent").await;
    }
}

#[tokio::test]
async fn mails_that_wait_for_a_server_go_out_as_soon_as_it_is_put_right() {
    for database in databases() {
        let world = world(database, true, &[("postern.outbox.retry_seconds", "3000")]).await;
        let port = world.sink.port();
        let wrong = json!([[world.server], {"smtp_port": 1}]);
        world.call("ir.mail_server", "write", wrong).await;
        let mail = world.mail().await;
        let begin = Instant::now();
        while world.read(mail).await["failure_reason"] == false {
            assert!(begin.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        // Nobody asked for it, so it is still in the queue.
        assert_eq!(world.read(mail).await["state"], "outgoing");
        let story = world
            .call("mail.mail", "postern_story", json!([[mail]]))
            .await;
        let story = &story[0];
        assert_eq!(
            (&story["attempts"], &story["server"]),
            (&json!(1), &json!("Sink")),
            "{story}"
        );
        assert!(
            story["first_attempt"].is_string() && story["next_attempt"].is_string(),
            "{story}"
        );
        assert_eq!(
            (&story["accepted"], &story["doubtful_since"]),
            (&json!([]), &json!(false))
        );
        assert_eq!(world.glance().await["queue"], 1);
        let right = json!([[world.server], {"smtp_port": port}]);
        world.call("ir.mail_server", "write", right).await;
        world.wait_for(mail, "sent").await;
    }
}

#[tokio::test]
async fn a_server_that_asks_for_a_pause_gets_one_and_no_attempt_is_counted() {
    for database in databases() {
        let world = world(database, false, &[]).await;
        world.misbehave(|faults| faults.throttled = 1000);
        let mail = world.mail().await;
        world.send(&[mail]).await;
        let row = world.read(mail).await;
        assert_eq!(row["state"], "outgoing", "{row}");
        assert!(reason(&row).contains("421"), "{row}");
        // The server takes mails again, and is still left alone.
        let glance = world.glance().await;
        assert!(glance["paused_until"].is_string(), "{glance}");
        world.misbehave(|_| {});
        let other = world.mail().await;
        world.send(&[mail, other]).await;
        assert_eq!(world.read(mail).await["state"], "outgoing");
        assert_eq!(world.read(other).await["state"], "outgoing");
        assert_eq!(world.taken(), 0);
    }
}

#[tokio::test]
async fn a_server_gets_no_more_in_a_minute_than_its_budget_and_the_rest_waits() {
    for database in databases() {
        let world = world(database, true, &[]).await;
        let values = json!({"mail_server_id": world.server, "messages_per_minute": 5});
        world.create("postern.mail.budget", values).await;
        let mut mails = Vec::new();
        for _ in 0..12 {
            mails.push(world.mail().await);
        }
        // Somebody who asks is not served before the others.
        world.send(&mails).await;
        let begin = Instant::now();
        while world.taken() < 5 {
            assert!(begin.elapsed() < PATIENCE);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(world.taken(), 5);
        let states = json!([[["id", "in", mails], ["state", "=", "outgoing"]]]);
        let waiting = world.call("mail.mail", "search_count", states).await;
        assert_eq!(waiting, 7);
        let glance = world.glance().await;
        let expected = json!({"queue": 7, "messages_per_minute": 5, "messages_this_minute": 5});
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(&glance[name], value, "{name} of {glance}");
        }
        assert_eq!(glance["paused_until"], false, "{glance}");
    }
}

#[tokio::test]
async fn replicas_share_the_connections_of_a_server() {
    if !databases().contains(&Database::Postgres) {
        return;
    }
    let world = world(Database::Postgres, true, &[]).await;
    let values = json!({"mail_server_id": world.server, "connections": 2});
    world.create("postern.mail.budget", values).await;
    let replicas = [
        world.postern.replica().unwrap(),
        world.postern.replica().unwrap(),
    ];
    world.misbehave(|faults| faults.stall = 100);
    let mut mails = Vec::new();
    for _ in 0..40 {
        mails.push(world.mail().await);
    }
    for mail in mails {
        world.wait_for(mail, "sent").await;
    }
    assert_eq!(world.taken(), 40);
    assert!(
        world.sink.most_sessions() <= 2,
        "{}",
        world.sink.most_sessions()
    );
    drop(replicas);
}

#[tokio::test]
async fn many_mails_sent_at_once_are_all_out_when_the_call_returns_whoever_sent_them() {
    if !databases().contains(&Database::Postgres) {
        return;
    }
    // An hour of grace: only being asked for gets them out.
    let grace = ("postern.outbox.grace_seconds", "3600");
    let world = world(Database::Postgres, true, &[grace]).await;
    let replica = world.postern.replica().unwrap();
    let mut mails = Vec::new();
    for _ in 0..120 {
        mails.push(world.mail().await);
    }
    assert_eq!(world.taken(), 0);
    world.send(&mails).await;
    let unsent = json!([[["id", "in", mails], ["state", "!=", "sent"]]]);
    let unsent = world.call("mail.mail", "search_count", unsent).await;
    assert_eq!(unsent, 0);
    assert_eq!(world.sink.taken().len(), 120);
    assert_eq!(world.taken(), 120);
    drop(replica);
}

#[tokio::test]
async fn whoever_is_still_writing_a_mail_is_not_overtaken() {
    for database in databases() {
        let world = world(database, true, &[("postern.outbox.grace_seconds", "4")]).await;
        let mail = world.mail().await;
        for _ in 0..4 {
            tokio::time::sleep(Duration::from_secs(2)).await;
            assert_eq!(world.taken(), 0, "overtaken");
            let values = json!([[mail], {"subject": "Better"}]);
            world.call("mail.mail", "write", values).await;
        }
        world.wait_for(mail, "sent").await;
        assert_eq!(world.taken(), 1);
    }
}

#[tokio::test]
async fn a_cancelled_mail_stays_unsent_whatever_was_planned_for_it() {
    for database in databases() {
        let world = world(database, true, &[]).await;
        world.misbehave(|faults| faults.sender_later = 1000);
        let mail = world.mail().await;
        world.send(&[mail]).await;
        world.call("mail.mail", "cancel", json!([[mail]])).await;
        world.misbehave(|_| {});
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(world.read(mail).await["state"], "cancel");
        assert_eq!(world.taken(), 0);
    }
}

#[tokio::test]
async fn a_mail_that_a_server_took_in_silence_is_never_sent_again_by_itself() {
    for database in databases() {
        let world = world(database, true, &[]).await;
        world.misbehave(|faults| faults.taken_in_silence = 1000);
        let mail = world.mail().await;
        let row = world.wait_for(mail, "exception").await;
        assert!(reason(&row).contains("may have accepted"), "{row}");
        world.misbehave(|_| {});
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(world.taken(), 1);
        assert_eq!(world.read(mail).await["state"], "exception");
    }
}

#[tokio::test]
async fn a_doubtful_mail_that_is_among_the_sent_ones_of_its_mailbox_counts_as_sent() {
    if !databases().contains(&Database::Postgres) {
        return;
    }
    let lab = Described::from_env();
    let world = world(Database::Postgres, false, &[]).await;
    world.misbehave(|faults| faults.taken_in_silence = 1000);
    let mail = world.mail().await;
    // The server hung up, and that is told.
    let send = world.admin.call("mail.mail", "send", json!([[mail]])).await;
    assert!(send.is_err());
    assert_eq!(world.read(mail).await["state"], "exception");

    let user = format!("proof@{}", lab.domain);
    let values = json!([[world.server], {"smtp_user": user}]);
    world.call("ir.mail_server", "write", values).await;
    let values = json!({"name": "Mailbox", "server_type": "imap", "server": lab.host, "is_ssl": true,
        "port": lab.mail.imaps, "user": user, "password": PASSWORD});
    world.create("fetchmail.server", values).await;
    let rows = world
        .call("mail.mail", "read", json!([[mail], ["message_id"]]))
        .await;
    let message_id = rows[0]["message_id"].as_str().unwrap().to_owned();
    let port = lab.mail.imaps.to_string();
    let authority = lab.authority.display().to_string();
    python(
        include_str!("../fixtures/keep_sent.py"),
        &[&lab.host, &port, &user, PASSWORD, &authority, &message_id],
    )
    .unwrap();

    let replica = world.postern.replica().unwrap();
    world.wait_for(mail, "sent").await;
    assert_eq!(world.taken(), 1);
    drop(replica);
}
