//! `postern adopt` and `postern release` on the database of an Odoo: what they change, what they refuse, and that the
//! way back leads to where the way in began.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::process::{Command, Output};

use tests::lab::{Described, postern_binary};
use tests::odoo::OdooDatabase;
use tests::postern::{Options, Postern};

const JOBS: &str = "SELECT name, active FROM ir_cron c JOIN ir_model_data d ON d.model = 'ir.cron' AND d.res_id = c.id \
     WHERE d.name IN ('ir_cron_mail_scheduler_action', 'ir_cron_mail_gateway_action') ORDER BY 1";

fn postern(database: &OdooDatabase, words: &[&str]) -> Output {
    Command::new(postern_binary())
        .args(words)
        .env_clear()
        .env("POSTERN_DATABASE_URL", database.url())
        .output()
        .unwrap()
}

/// What it prints when it does what it was told.
fn done(database: &OdooDatabase, words: &[&str]) -> String {
    let output = postern(database, words);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// What it says when it refuses.
fn refused(database: &OdooDatabase, words: &[&str]) -> String {
    let output = postern(database, words);
    assert_eq!(output.status.code(), Some(1), "{words:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

fn odoo() -> OdooDatabase {
    OdooDatabase::create(&Described::from_env()).unwrap()
}

#[track_caller]
fn same(one: &[String], other: &[String]) {
    for (place, (one, other)) in one.iter().zip(other).enumerate() {
        assert_eq!(one, other, "line {place}");
    }
    assert_eq!(one.len(), other.len());
}

#[test]
fn a_dry_run_changes_nothing_and_prints_what_would_be_done() {
    let odoo = odoo();
    let before = odoo.dump().unwrap();
    let tried = done(&odoo, &["adopt", "--dry-run"]);
    same(&before, &odoo.dump().unwrap());

    let adopted = done(&odoo, &["adopt"]);
    let after_title = |text: &str| text.split_once("\n\n").unwrap().1.to_owned();
    assert_eq!(after_title(&tried), after_title(&adopted));
    for told in [
        "base 18.0.1.3",
        "mail.ir_cron_mail_scheduler_action  off (was on)",
        "1 Outlook (smtp.office365.com, outlook, archived)",
        "1 Inbox (outlook.office365.com, outlook) is fetched once it has a postern.handoff",
        "make records of crm.lead there",
        "nothing is fetched from: Inbox.",
        "1 mails due, 0 for later, 1 failed before",
        "sales@example.com (crm.lead): handed on to Odoo",
        "contacts@example.com (res.partner): Postern makes the record",
        "--odoo-filestore",
    ] {
        assert!(adopted.contains(told), "{told} is missing in:\n{adopted}");
    }
    assert!(
        !adopted.contains("open as Odoo keeps it"),
        "no secret is printed"
    );
}

#[test]
fn adopting_adds_tables_of_posterns_and_switches_two_jobs_off_and_a_release_takes_all_of_it_back() {
    let odoo = odoo();
    let before = odoo.dump().unwrap();
    let triggers = "SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relname NOT LIKE 'postern%'";
    let triggers_before = odoo.run(triggers).unwrap();
    done(&odoo, &["adopt"]);
    assert_eq!(
        odoo.run(JOBS).unwrap(),
        "ir_cron_mail_gateway_action|f\nir_cron_mail_scheduler_action|f"
    );
    assert_eq!(odoo.run(triggers).unwrap(), triggers_before);
    let keys = "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE 'postern%' AND confrelid::regclass::text NOT LIKE 'postern%'";
    assert_eq!(odoo.run(keys).unwrap(), "0", "keys into Odoo's tables");

    let adopted = odoo.dump().unwrap();
    let again = done(&odoo, &["adopt"]);
    assert!(again.contains("had been adopted before"), "{again}");
    same(&adopted, &odoo.dump().unwrap());

    done(&odoo, &["release"]);
    same(&before, &odoo.dump().unwrap());
    let refusal = refused(&odoo, &["release"]);
    assert!(refusal.contains("was not adopted"), "{refusal}");
}

#[test]
fn a_job_that_was_off_stays_off_after_a_release_and_one_that_odoo_switched_on_again_is_on() {
    let odoo = odoo();
    odoo.run("UPDATE ir_cron SET active = FALSE WHERE cron_name LIKE 'ir cron mail %'")
        .unwrap();
    done(&odoo, &["adopt"]);
    // As Odoo does it when somebody confirms an incoming server.
    odoo.run("UPDATE ir_cron SET active = TRUE WHERE cron_name = 'ir cron mail gateway action'")
        .unwrap();
    done(&odoo, &["adopt"]);
    assert_eq!(
        odoo.run(JOBS).unwrap(),
        "ir_cron_mail_gateway_action|f\nir_cron_mail_scheduler_action|f"
    );
    done(&odoo, &["release"]);
    assert_eq!(
        odoo.run(JOBS).unwrap(),
        "ir_cron_mail_gateway_action|t\nir_cron_mail_scheduler_action|f"
    );
}

#[test]
fn what_differs_from_odoo_18_is_listed_and_nothing_is_changed() {
    let odoo = odoo();
    odoo.run(
        "UPDATE ir_module_module SET latest_version = '17.0.1.3' WHERE name = 'base'; \
         ALTER TABLE mail_message DROP COLUMN pinned_at; \
         ALTER TABLE fetchmail_server ALTER COLUMN port TYPE bigint; \
         ALTER TABLE ir_mail_server DROP COLUMN google_gmail_refresh_token; \
         ALTER TABLE mail_mail ADD COLUMN campaign integer; UPDATE mail_mail SET campaign = 1; \
         ALTER TABLE mail_mail ALTER COLUMN campaign SET NOT NULL; \
         ALTER TABLE ir_attachment ALTER COLUMN name DROP NOT NULL; UPDATE ir_attachment SET name = NULL WHERE id = 301; \
         DROP TABLE mail_gateway_allowed; \
         UPDATE ir_module_module SET state = 'to upgrade' WHERE name = 'web'",
    )
    .unwrap();
    let before = odoo.dump().unwrap();
    let refusal = refused(&odoo, &["adopt"]);
    for told in [
        "Its version is 17.0",
        "to be installed, upgraded or removed: web",
        "mail_message.pinned_at is missing",
        "fetchmail_server.port is of the type \"bigint\" instead of \"integer\"",
        "ir_mail_server.google_gmail_refresh_token is missing. It comes with the module google_gmail",
        "mail_mail.campaign wants a value",
        "ir_attachment.name is empty in 1 rows",
        "The table mail_gateway_allowed is missing",
    ] {
        assert!(refusal.contains(told), "{told} is missing in:\n{refusal}");
    }
    assert_eq!(refusal.matches("\n  - ").count(), 8, "{refusal}");
    same(&before, &odoo.dump().unwrap());
}

#[test]
fn odoo_19_and_an_odoo_without_mail_are_refused_by_name() {
    let odoo = odoo();
    odoo.run("UPDATE ir_module_module SET latest_version = '19.0.1.3' WHERE name = 'base'")
        .unwrap();
    let refusal = refused(&odoo, &["adopt"]);
    assert!(
        refusal.contains("this database (Odoo 19.0) differs"),
        "{refusal}"
    );

    odoo.run(
        "UPDATE ir_module_module SET latest_version = '18.0.1.3' WHERE name = 'base'; \
         UPDATE ir_module_module SET state = 'uninstalled' WHERE name = 'mail'",
    )
    .unwrap();
    let refusal = refused(&odoo, &["adopt"]);
    assert!(
        refusal.contains("module mail is not installed"),
        "{refusal}"
    );
}

#[test]
fn columns_that_other_modules_add_are_no_obstacle() {
    let odoo = odoo();
    odoo.run(
        "ALTER TABLE res_partner ADD COLUMN autopost_bills character varying; \
         UPDATE res_partner SET autopost_bills = 'ask'; \
         ALTER TABLE res_partner ALTER COLUMN autopost_bills SET NOT NULL; \
         ALTER TABLE mail_message ADD COLUMN rating double precision; \
         ALTER TABLE ir_attachment ALTER COLUMN description TYPE character varying",
    )
    .unwrap();
    let adopted = done(&odoo, &["adopt"]);
    assert!(
        adopted.contains("New records of res_partner have to be made in Odoo")
            && adopted.contains("(autopost_bills)"),
        "{adopted}"
    );
}

#[test]
fn an_odoo_that_was_not_adopted_is_not_started_on() {
    let odoo = odoo();
    let before = odoo.dump().unwrap();
    for words in [
        &["--listen", "127.0.0.1:0"][..],
        &["vault", "status"],
        &["doctor"],
    ] {
        let output = postern(&odoo, words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let refusal = String::from_utf8(output.stderr).unwrap();
        assert!(refusal.contains("postern adopt"), "{words:?}: {refusal}");
    }
    same(&before, &odoo.dump().unwrap());
}

#[test]
fn a_database_of_posterns_own_is_not_adopted() {
    let lab = Described::from_env();
    let name = format!("own_{}", uuid::Uuid::new_v4().simple());
    let url = lab.postgres.create_database(&name).unwrap();
    let run = |words: &[&str]| {
        let output = Command::new(postern_binary())
            .args(words)
            .env_clear()
            .env("POSTERN_DATABASE_URL", &url)
            .output()
            .unwrap();
        String::from_utf8(output.stderr).unwrap()
    };
    let refusal = run(&["adopt"]);
    assert!(
        refusal.contains("No Odoo works on this database"),
        "{refusal}"
    );
    drop(Postern::start(&lab, &Options::in_existing(&url)).unwrap());
    let refusal = run(&["adopt"]);
    assert!(refusal.contains("a database of Postern's own"), "{refusal}");
    let refusal = run(&["adopt", "--database-url", "sqlite://none.sqlite"]);
    assert!(refusal.contains("PostgreSQL"), "{refusal}");
    lab.postgres.drop_database(&name).unwrap();
}

#[test]
fn a_database_is_not_given_back_while_a_postern_works_on_it_or_something_would_be_lost() {
    let lab = Described::from_env();
    let odoo = odoo();
    done(&odoo, &["adopt"]);
    let postern = Postern::start(&lab, &Options::in_existing(odoo.url())).unwrap();
    let refusal = refused(&odoo, &["release"]);
    assert!(refusal.contains("stop every one"), "{refusal}");
    drop(postern);

    odoo.run(
        "INSERT INTO postern_quarantine (reason) VALUES ('no sense in it'); \
         INSERT INTO postern_outbox (mail_id, accepted) VALUES (201, '- kim@example.com'); \
         UPDATE fetchmail_server SET password = 'postern:v1:gone:AAAA' WHERE id = 2",
    )
    .unwrap();
    let refusal = refused(&odoo, &["release"]);
    assert!(refusal.contains("1 secrets are sealed"), "{refusal}");
    odoo.run("UPDATE fetchmail_server SET password = 'y' WHERE id = 2")
        .unwrap();
    let refusal = refused(&odoo, &["release"]);
    assert!(
        refusal.contains("1 mails are in quarantine") && refusal.contains("1 mails reached some"),
        "{refusal}"
    );
    let told = done(&odoo, &["release", "--discard"]);
    assert!(told.contains("1 mails are in quarantine"), "{told}");
}

#[test]
fn a_job_that_odoo_runs_at_this_moment_is_waited_for_and_then_left_for_later() {
    let odoo = odoo();
    let before = odoo.dump().unwrap();
    let holding = std::thread::scope(|scope| {
        let running = scope.spawn(|| {
            odoo.run("BEGIN; SELECT 1 FROM ir_cron WHERE cron_name = 'ir cron mail gateway action' FOR NO KEY UPDATE; SELECT pg_sleep(14); COMMIT")
        });
        std::thread::sleep(std::time::Duration::from_secs(1));
        let refusal = refused(&odoo, &["adopt"]);
        running.join().unwrap().unwrap();
        refusal
    });
    assert!(
        holding.contains("Odoo runs the job at this moment"),
        "{holding}"
    );
    same(&before, &odoo.dump().unwrap());
}
