//! What is left of Postern, and of its secrets, when it ends.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::json;
use tests::lab::{Described, postern_binary};
use tests::odoo::OdooDatabase;
use tests::postern::{Options, Postern};
use tests::sink::{Faults, Sink};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn work_that_writes_nothing_leaves_the_database_as_it_was() {
    let lab = Described::from_env();
    let odoo = OdooDatabase::create(&lab).unwrap();
    let before = odoo.dump().unwrap();
    let run = |word: &str| {
        let output = Command::new(postern_binary())
            .arg(word)
            .env_clear()
            .env("POSTERN_DATABASE_URL", odoo.url())
            .output()
            .unwrap();
        assert!(output.status.success());
    };
    run("adopt");
    let postern = Postern::start(&lab, &Options::in_existing(odoo.url())).unwrap();
    let admin = postern.admin().await.unwrap();
    for model in [
        "ir.model",
        "ir.cron",
        "mail.alias",
        "mail.message",
        "res.groups",
        "mail.message.subtype",
        "ir.rule",
        "res.partner",
        "res.company",
    ] {
        let rows = admin.call(model, "search_read", json!([[]])).await.unwrap();
        assert!(
            rows.as_array().is_some_and(|rows| !rows.is_empty()),
            "{model}"
        );
    }
    drop(postern);
    run("release");
    let after = odoo.dump().unwrap();
    for (line, (one, other)) in before.iter().zip(&after).enumerate() {
        assert_eq!(one, other, "line {line}");
    }
    assert_eq!(before.len(), after.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_stay_readable_for_odoo_unless_somebody_asks_for_the_opposite() {
    let world = World::adopted();
    let key = Command::new(postern_binary())
        .args(["vault", "key"])
        .output()
        .unwrap();
    let key = String::from_utf8(key.stdout).unwrap();
    let secrets = || world.sql("SELECT smtp_pass FROM ir_mail_server WHERE id = 2");

    let postern = world.start(&world.options().with("POSTERN_VAULT_KEY", key.clone()));
    let admin = postern.admin().await.unwrap();
    assert!(postern.log().contains("because Odoo reads them too"));
    admin
        .write("ir.mail_server", 2, json!({"smtp_pass": "written anew"}))
        .await
        .unwrap();
    assert_eq!(secrets(), "written anew");
    drop(postern);

    let options = world
        .options()
        .with("POSTERN_VAULT_KEY", key)
        .with("POSTERN_SEAL_ODOO_SECRETS", "true");
    let postern = world.start(&options);
    assert!(secrets().starts_with("postern:v1:"), "{}", secrets());
    let admin = postern.admin().await.unwrap();
    let read = admin
        .read("ir.mail_server", 2, &["smtp_pass"])
        .await
        .unwrap();
    assert_eq!(read["smtp_pass"], "written anew");
    drop(postern);
    let refusal = world.postern_does("release", false);
    assert!(refusal.contains("postern vault unseal"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_work_a_release_leaves_odoo_with_what_was_done_and_nothing_of_posterns() {
    let world = World::before_adoption();
    let sink = Sink::start(Faults::default(), 1).await.unwrap();
    world.send_by(sink.port());
    let before = world.odoo.dump().unwrap();
    world.postern_does("adopt", true);
    let postern = world.start(&world.options().with_jobs());
    world.wait_for("SELECT state FROM mail_mail WHERE id = 201", "sent");
    drop(postern);
    world.postern_does("release", true);
    let after = world.odoo.dump().unwrap();
    assert_eq!(
        by_table(&before, &after),
        ["mail_mail: 1 line", "mail_notification: 1 line"]
    );
}

/// How many lines of a dump are others, by the tables whose rows they are.
fn by_table(before: &[String], after: &[String]) -> Vec<String> {
    assert_eq!(before.len(), after.len(), "something was added or is gone");
    let mut table = "no table".to_owned();
    let mut changed: BTreeMap<String, usize> = BTreeMap::new();
    for (one, other) in before.iter().zip(after) {
        if let Some(rest) = one.strip_prefix("COPY public.") {
            rest.split_once(' ').unwrap().0.clone_into(&mut table);
        } else if one == "\\." {
            "no table".clone_into(&mut table);
        }
        if one != other {
            *changed.entry(table.clone()).or_default() += 1;
        }
    }
    changed
        .into_iter()
        .map(|(table, lines)| format!("{table}: {lines} line"))
        .collect()
}
