//! What Prometheus is told: what happened, how things stand, and nothing at an address that was not asked for.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::collections::BTreeSet;

use serde_json::json;
use tests::lab::{Database, Described, ports};
use tests::postern::{Options, Postern};
use tests::steps::{self, Application};

const OUTGOING: &str = "ir.mail_server";

const EXAMPLES: [(&str, &str); 2] = [
    ("alerts.yml", include_str!("../../docs/deploy/alerts.yml")),
    (
        "grafana.json",
        include_str!("../../docs/deploy/grafana.json"),
    ),
];

/// The figures that a text names.
fn named(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names: BTreeSet<&str> = words.filter(|word| word.starts_with("postern_")).collect();
    assert!(names.len() > 5, "{names:?}");
    names
}

async fn figures(port: u16) -> String {
    let answer = reqwest::get(format!("http://127.0.0.1:{port}/metrics"))
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(kind.starts_with("text/plain; version=0.0.4"), "{kind}");
    answer.text().await.unwrap()
}

/// The value of the one line that starts so.
fn value(figures: &str, start: &str) -> f64 {
    let lines: Vec<&str> = figures
        .lines()
        .filter(|line| line.starts_with(start))
        .collect();
    assert_eq!(lines.len(), 1, "{start} in {figures}");
    lines[0].rsplit_once(' ').unwrap().1.parse().unwrap()
}

async fn counted(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let port = ports::free().unwrap();
    let options = Options::on(database).with("POSTERN_METRICS_LISTEN", format!("127.0.0.1:{port}"));
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "figures").await.unwrap();
    steps::enter_application(&admin, &postern, Application::of(&lab))
        .await
        .unwrap();
    steps::register(&lab, &postern).await.unwrap();
    let mail = (lab.host.as_str(), &lab.mail);
    let server = steps::outgoing_server(&admin, mail, &mailbox)
        .await
        .unwrap();
    let incoming = steps::incoming_server(&admin, mail, &mailbox)
        .await
        .unwrap();
    for (model, id) in [(OUTGOING, server), ("fetchmail.server", incoming)] {
        let page = steps::connect(&admin, model, id, &mailbox).await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
    }
    let values =
        json!({"subject": "s", "body_html": "x", "email_from": mailbox, "email_to": mailbox});
    steps::send_mail(&admin, values.clone()).await.unwrap();
    admin
        .button("fetchmail.server", "button_confirm_login", incoming)
        .await
        .unwrap();
    admin
        .button("fetchmail.server", "fetch_mail", incoming)
        .await
        .unwrap();
    admin.create("mail.mail", values).await.unwrap();
    admin
        .set_param("microsoft_outlook_client_secret_expires", "2031-05-06")
        .await
        .unwrap();

    let told = figures(port).await;
    let sent = format!("postern_mails_settled_total{{server=\"{server}\",outcome=\"sent\"");
    assert_eq!(value(&told, &sent), 1.0);
    let fetched = format!("postern_mails_fetched_total{{server=\"{incoming}\"");
    assert_eq!(value(&told, &fetched), 1.0);
    assert_eq!(value(&told, "postern_queue_mails{state=\"outgoing\"}"), 1.0);
    assert!(value(&told, "postern_queue_oldest_seconds") < 60.0);
    assert!(
        value(
            &told,
            &format!("postern_fetch_age_seconds{{server=\"{incoming}\"")
        ) < 60.0
    );
    let call =
        "postern_call_duration_seconds_count{model=\"mail.mail\",method=\"send\",outcome=\"ok\"}";
    assert_eq!(value(&told, call), 1.0);
    let broken = format!("postern_mailbox_broken{{model=\"ir.mail_server\",server=\"{server}\"");
    assert_eq!(value(&told, &broken), 0.0);
    let ends = value(&told, "postern_credential_expiry_timestamp_seconds{");
    assert_eq!(ends, end_of("2031-05-06"));
    assert!(
        told.contains("# TYPE postern_call_duration_seconds histogram"),
        "{told}"
    );

    // A grant that is taken back breaks the mailbox, and somebody is told.
    lab.identity.control.revoke_grants(&mailbox).await.unwrap();
    let expired = json!({"microsoft_outlook_access_token_expiration": 1});
    admin.write(OUTGOING, server, expired).await.unwrap();
    admin
        .button(OUTGOING, "test_smtp_connection", server)
        .await
        .unwrap_err();
    let told = figures(port).await;
    assert_eq!(value(&told, &broken), 1.0);
    assert_eq!(
        value(&told, "postern_alerts_total{event=\"mailbox_broken\"}"),
        1.0
    );
    // What the rules and the dashboard go by is there under these names.
    for (file, text) in EXAMPLES {
        for name in named(text) {
            assert!(
                told.contains(name),
                "{file} goes by {name}, which is not in {told}"
            );
        }
    }
    // What clients call things shows up nowhere: only declared names are counted.
    admin
        .call("no.such.model", "read", json!([]))
        .await
        .unwrap_err();
    admin
        .call("mail.mail", "no_such_method", json!([]))
        .await
        .unwrap_err();
    assert!(!figures(port).await.contains("no_such"));

    // Not on the address of the service.
    let page = admin.get("/metrics").await.unwrap();
    assert_eq!(page.status, 404);
}

fn end_of(day: &str) -> f64 {
    let day: chrono::NaiveDate = day.parse().unwrap();
    day.and_time(chrono::NaiveTime::MIN).and_utc().timestamp() as f64
}

#[tokio::test]
async fn what_happens_and_how_things_stand_is_told_on_sqlite() {
    counted(Database::Sqlite).await;
}

#[tokio::test]
async fn what_happens_and_how_things_stand_is_told_on_postgresql() {
    counted(Database::Postgres).await;
}
