//! The warning before a secret ends.

use std::time::Duration;

use serde_json::{Value, json};
use tests::lab::Database;
use tests::postern::Options;
use tests::receiver;

use crate::world::{CERTIFICATE, SECRET, World, certificate};

const PATIENCE: Duration = Duration::from_secs(60);

async fn secret_ends(database: Database) {
    let options = Options::on(database).with_jobs();
    let Some(mut world) = World::with(options, database).await else {
        return;
    };
    let admin = &world.admin;
    let (hook, taking) = receiver::start(vec![Some(204), Some(204)]).await;
    admin
        .set_param("postern.alert.webhook", &hook)
        .await
        .unwrap();
    let day = |days: u64| (chrono::Utc::now().date_naive() + chrono::Days::new(days)).to_string();
    let wrong = admin
        .set_param("microsoft_outlook_client_secret_expires", "31.12.2027")
        .await;
    let refused = wrong.expect_err("no day").refusal().message;
    assert!(refused.contains("2027-01-31"), "{refused}");
    admin
        .set_param("microsoft_outlook_client_secret_expires", &day(7))
        .await
        .unwrap();
    let (ended, _) = certificate(Some((2020, 1, 1)));
    admin.set_param(CERTIFICATE, &ended).await.unwrap();

    let credentials = admin.call("res.config.settings", "postern_credentials", json!([]));
    let credentials = credentials.await.unwrap();
    assert_eq!(credentials[0]["parameter"], SECRET);
    assert_eq!(credentials[0]["days_left"], 7);
    assert_eq!(credentials[1]["parameter"], CERTIFICATE);
    assert_eq!(credentials[1]["ends"], "2020-01-01");
    let message = credentials[1]["message"].as_str().unwrap();
    assert!(message.contains("ended on 2020-01-01"), "{message}");

    // Told by whichever process looks first, when it starts, and by none again.
    world.postern.crash_and_restart().unwrap();
    let replicas = match database {
        Database::Sqlite => Vec::new(),
        Database::Postgres => vec![
            world.postern.replica().unwrap(),
            world.postern.replica().unwrap(),
        ],
    };
    let taken = tokio::time::timeout(PATIENCE, taking)
        .await
        .unwrap()
        .unwrap();
    let mut events: Vec<Value> = taken
        .iter()
        .map(|delivered| serde_json::from_slice(&delivered.body).unwrap())
        .collect();
    events.sort_by_key(|event| event["event"].to_string());
    assert_eq!(events[0]["event"], "credential_expired");
    assert_eq!(events[0]["model"], Value::Null);
    assert_eq!(events[1]["event"], "credential_expiring");
    assert_eq!(events[1]["code"], "oauth.credential_ends");
    assert!(events[1]["message"].as_str().unwrap().contains("in 7 days"));
    world.postern.crash_and_restart().unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let log = world.postern.log();
    assert_eq!(
        log.matches("it has to be replaced soon").count(),
        1,
        "{log}"
    );
    drop(replicas);
}

on_both!(
    secret_ends,
    the_end_of_a_secret_is_told_in_time_on_sqlite,
    the_end_of_a_secret_is_told_in_time_on_postgresql
);
