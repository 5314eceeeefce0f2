//! Databases of the first schema that was ever made, opened by today's program.
//!
//! The fixtures are dumps of databases with the steps 1 to 3 and a little of everything that can be kept there. They
//! are never made anew: they stand for what lies on somebody's disk.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{Database, Described};
use tests::postern::{ADMIN, ADMIN_PASSWORD, Error, Options, Postern};
use tests::sink::{Faults, Sink};

use crate::place::{Content, Place};

const OLD_ADMIN_PASSWORD: &str = "the administrator of old";
const OLD_USER: (&str, &str) = ("kim@example.com", "the password of kim");
/// A key for the vault, as its file has it.
const KEY: &str = "upgrade:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const PATIENCE: Duration = Duration::from_secs(60);
/// How many replicas start at once.
const REPLICAS: usize = 3;

fn fixture(database: Database) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/oldest");
    folder.join(format!("{database}.sql"))
}

/// The old database, whose server leads to this sink.
fn old(lab: &Described, database: Database, sink: &Sink) -> Place {
    let place = Place::with(lab, database, &fixture(database));
    let port = sink.port();
    place.sql(&format!(
        "UPDATE ir_mail_server SET smtp_port = {port} WHERE id = 1"
    ));
    place
}

async fn upgrade(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let sink = Sink::start(Faults::default(), 1).await.unwrap();
    let place = old(&lab, database, &sink);
    let before = place.content();

    let begin = Instant::now();
    let postern = Postern::start(&lab, &place.options()).unwrap();
    let took = begin.elapsed();
    let rows = nothing_is_lost(&before, &place.content());
    let admin = postern.sign_in(ADMIN, OLD_ADMIN_PASSWORD).await.unwrap();
    postern.sign_in(OLD_USER.0, OLD_USER.1).await.unwrap();
    let given = postern.sign_in(ADMIN, ADMIN_PASSWORD).await;
    assert_eq!(
        given.unwrap_err().refusal().name,
        "odoo.exceptions.AccessDenied",
        "the password that there was stays"
    );
    let raw = admin.read("postern.quarantine", 1, &["raw"]).await.unwrap();
    assert_eq!(raw["raw"], "VG86IG5vYm9keQ==");
    drop(postern);

    let fresh = Place::empty(&lab, database);
    drop(Postern::start(&lab, &fresh.options()).unwrap());
    // PostgreSQL writes a condition another way once it has been dumped and read.
    let (old, new) = (place.schema(), fresh.copy(&lab).schema());
    let differences: Vec<_> = old.symmetric_difference(&new).collect();
    assert!(
        differences.is_empty(),
        "an old database becomes what a new one is: {differences:#?}"
    );

    let options = place.options().with_jobs().with("POSTERN_VAULT_KEY", KEY);
    let postern = Postern::start(&lab, &options).unwrap();
    let fates = settled(&place).await;
    went_out(&sink, &fates);
    let admin = postern.sign_in(ADMIN, OLD_ADMIN_PASSWORD).await.unwrap();
    let server = admin
        .read("ir.mail_server", 2, &["microsoft_outlook_refresh_token"])
        .await
        .unwrap();
    assert_eq!(
        server["microsoft_outlook_refresh_token"],
        "a refresh token of old"
    );
    assert!(
        !place.whole().contains("refresh token of old"),
        "the key seals what lay open"
    );
    println!(
        "{database}: {rows} rows of {} tables kept, the start took {:.1} s; {fates:?}",
        before.len(),
        took.as_secs_f64()
    );
}

/// Every row has all its values still; answers how many there are.
fn nothing_is_lost(before: &Content, after: &Content) -> usize {
    for (table, rows) in before {
        let columns: BTreeSet<&String> = rows.iter().flat_map(|row| row.keys()).collect();
        let kept: BTreeSet<String> = after[table]
            .iter()
            .map(|row| {
                let old = row.iter().filter(|(name, _)| columns.contains(name));
                json!(old.collect::<BTreeMap<_, _>>()).to_string()
            })
            .collect();
        for row in rows {
            let row = json!(row.iter().collect::<BTreeMap<_, _>>()).to_string();
            assert!(kept.contains(&row), "{table} has lost {row}");
        }
    }
    before.values().map(Vec::len).sum()
}

/// Waits until all mails have a fate, and answers it by the mail's name.
async fn settled(place: &Place) -> BTreeMap<String, String> {
    let begin = Instant::now();
    let due = "SELECT count(*) FROM mail_mail WHERE state = 'outgoing' AND scheduled_date IS NULL";
    while place.number(due) > 0 {
        assert!(begin.elapsed() < PATIENCE, "mails wait on");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let rows = place.sql(
        "SELECT g.subject || '|' || m.state FROM mail_mail m JOIN mail_message g ON g.id = m.mail_message_id",
    );
    let fates = rows.lines().filter_map(|row| row.split_once('|'));
    fates
        .map(|(name, state)| (name.to_owned(), state.to_owned()))
        .collect()
}

/// What waited went out once; what was being handed over is in doubt; all else stayed as it was.
fn went_out(sink: &Sink, fates: &BTreeMap<String, String>) {
    let taken = sink.taken();
    for (name, times, state) in [
        ("sent", None, "sent"),
        ("waiting-1", Some(1), "sent"),
        ("waiting-2", Some(1), "sent"),
        ("waiting-3", Some(1), "sent"),
        ("claimed", Some(1), "sent"),
        ("half", Some(1), "sent"),
        ("failed", None, "exception"),
        ("handing", None, "exception"),
        ("in-2099", None, "outgoing"),
    ] {
        let id = format!("<{name}@old.example>");
        assert_eq!(taken.get(&id).copied(), times, "{name}");
        assert_eq!(fates[&format!("Mail {name}")], state, "{name}");
    }
    assert_eq!(taken.len(), 5);
}

/// The last steps cannot be done: the database stays what it was.
async fn fail_in_the_middle(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let sink = Sink::start(Faults::default(), 2).await.unwrap();
    let place = old(&lab, database, &sink);
    // Step 7 makes an index of this name, after three steps have changed tables.
    place.sql("CREATE INDEX postern_fetched_unmarked_idx ON postern_fetched (uid)");
    let before = place.whole();
    let error = Postern::start(&lab, &place.options()).unwrap_err();
    let Error::Ended { log, .. } = error else {
        panic!("it should have ended: {error:?}");
    };
    for part in [
        "cannot be brought up to date",
        "nothing in it was changed",
        "postern_fetched_unmarked_idx",
    ] {
        assert!(log.contains(part), "{part:?} is not said in: {log}");
    }
    assert_eq!(place.whole(), before, "something was changed");
    place.sql("DROP INDEX postern_fetched_unmarked_idx");
    drop(Postern::start(&lab, &place.options()).unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_database_is_brought_up_to_date_and_nothing_in_it_is_lost_on_sqlite() {
    upgrade(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_database_is_brought_up_to_date_and_nothing_in_it_is_lost_on_postgresql() {
    upgrade(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_fails_leaves_the_old_database_whole_on_sqlite() {
    fail_in_the_middle(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_that_fails_leaves_the_old_database_whole_on_postgresql() {
    fail_in_the_middle(Database::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_start_at_once_on_an_old_database_do_not_disturb_each_other() {
    let lab = Described::from_env();
    if !lab.databases.contains(&Database::Postgres) {
        return;
    }
    let sink = Sink::start(Faults::default(), 3).await.unwrap();
    let place = old(&lab, Database::Postgres, &sink);
    let options: Options = place.options().with_jobs();
    let begin = Instant::now();
    let starts: Vec<_> = (0..REPLICAS)
        .map(|_| {
            let (lab, options) = (lab.clone(), options.clone());
            tokio::task::spawn_blocking(move || Postern::start(&lab, &options).unwrap())
        })
        .collect();
    let mut replicas = Vec::new();
    for start in starts {
        replicas.push(start.await.unwrap());
    }
    let took = begin.elapsed();
    for replica in &replicas {
        let kim = replica.sign_in(OLD_USER.0, OLD_USER.1).await.unwrap();
        let own = kim.read("res.users", kim.uid(), &["login"]).await.unwrap();
        assert_eq!(own["login"], OLD_USER.0);
    }
    let steps = place.sql("SELECT version FROM postern_migration");
    let names: BTreeSet<&str> = steps.lines().collect();
    assert_eq!(names.len(), steps.lines().count(), "a step was done twice");
    let fates = settled(&place).await;
    went_out(&sink, &fates);
    println!(
        "{REPLICAS} replicas were ready after {:.1} s on an old database",
        took.as_secs_f64()
    );
}
