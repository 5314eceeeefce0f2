//! Postern at work in the database of an Odoo that it was adopted into: who may come in, what goes out and comes in,
//! what Odoo is told and what it finds afterwards.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::lab::{Described, PASSWORD, deliver, postern_binary};
use tests::odoo::{EMPLOYEE, EMPLOYEE_KEY, EXPIRED_KEY, OdooDatabase, PORTAL, STORED_FILE};
use tests::postern::{Options, Postern};
use tests::receiver;
use tests::sink::{Faults, Sink};

/// Far more than anything here takes.
const PATIENCE: Duration = Duration::from_secs(90);

/// An adopted database, and a folder of files as Odoo keeps it.
struct World {
    lab: Described,
    odoo: OdooDatabase,
    filestore: PathBuf,
}

impl World {
    fn adopted() -> World {
        let lab = Described::from_env();
        let odoo = OdooDatabase::create(&lab).unwrap();
        let filestore = std::env::temp_dir().join(odoo.name());
        let file = filestore.join(STORED_FILE.0);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, STORED_FILE.1).unwrap();
        let world = World {
            lab,
            odoo,
            filestore,
        };
        world.postern_does("adopt", true);
        world.sql(
            "INSERT INTO ir_config_parameter (key, value) VALUES ('postern.outbox.grace_seconds', '0'), \
             ('postern.outbox.retry_seconds', '2')",
        );
        world
    }

    /// Runs `postern adopt` or `postern release`.
    fn postern_does(&self, word: &str, succeeds: bool) -> String {
        let output = Command::new(postern_binary())
            .arg(word)
            .env_clear()
            .env("POSTERN_DATABASE_URL", self.odoo.url())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.success(), succeeds, "{said}");
        said
    }

    fn sql(&self, sql: &str) -> String {
        self.odoo.run(sql).unwrap()
    }

    fn options(&self) -> Options {
        Options::in_existing(self.odoo.url()).with(
            "POSTERN_ODOO_FILESTORE",
            self.filestore.display().to_string(),
        )
    }

    fn start(&self, options: &Options) -> Postern {
        Postern::start(&self.lab, options).unwrap()
    }

    /// Waits until the query answers so.
    #[track_caller]
    fn wait_for(&self, sql: &str, wanted: &str) {
        let begin = Instant::now();
        loop {
            let found = self.sql(sql);
            if found == wanted {
                return;
            }
            assert!(
                begin.elapsed() < PATIENCE,
                "{sql}: {found:?} instead of {wanted:?}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// The outgoing server is one that needs no sign-in.
    fn send_by(&self, port: u16) {
        self.sql(&format!(
            "UPDATE ir_mail_server SET smtp_host = '127.0.0.1', smtp_port = {port}, smtp_user = NULL, smtp_pass = NULL, active = TRUE WHERE id = 2"
        ));
    }

    /// A mail as Odoo queues it; gives its id.
    fn queue(&self, subject: &str, to: &str) -> String {
        self.sql(&format!(
            "WITH message AS (INSERT INTO mail_message (subject, message_type, email_from, message_id, body, date, author_id, is_internal, reply_to_force_new, email_add_signature, create_uid, write_uid, create_date, write_date) \
             VALUES ('{subject}', 'email_outgoing', '\"Mitchell Admin\" <admin@example.com>', '<{subject}.odoo@example.com>', '<p>Hello</p>', now() AT TIME ZONE 'utc', 3, FALSE, FALSE, TRUE, 2, 2, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc') RETURNING id) \
             INSERT INTO mail_mail (mail_message_id, state, email_to, body_html, headers, is_notification, auto_delete, create_uid, write_uid, create_date, write_date) \
             SELECT id, 'outgoing', '{to}', '<p>Hello</p>', '{{}}', FALSE, FALSE, 2, 2, now() AT TIME ZONE 'utc', now() AT TIME ZONE 'utc' FROM message RETURNING id"
        ))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.filestore).ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odoos_users_come_in_by_what_odoo_knows_of_them_and_may_do_what_their_groups_allow() {
    let world = World::adopted();
    let postern = world.start(&world.options());
    let admin = postern.admin().await.unwrap();
    assert_eq!(admin.uid(), 2);
    let servers = admin
        .call(
            "ir.mail_server",
            "search_read",
            json!([[["active", "in", [true, false]]], ["name", "smtp_pass"]]),
        )
        .await
        .unwrap();
    assert_eq!(servers[1]["smtp_pass"], "open as Odoo keeps it");

    let marc = postern.sign_in(EMPLOYEE.0, EMPLOYEE.1).await.unwrap();
    let refusal = marc
        .call("ir.mail_server", "search_read", json!([[], ["name"]]))
        .await
        .unwrap_err()
        .refusal();
    assert_eq!(refusal.name, "odoo.exceptions.AccessError");
    let joel = postern.sign_in(PORTAL.0, PORTAL.1).await.unwrap();
    assert!(
        joel.call("ir.config_parameter", "get_param", json!(["database.uuid"]))
            .await
            .is_err()
    );
    assert!(postern.sign_in(EMPLOYEE.0, "something else").await.is_err());

    let whoami = |credentials: (i64, &'static str)| {
        let marc = marc.clone();
        async move {
            marc.execute_kw(
                credentials,
                "res.users",
                "read",
                json!([[6], ["login"]]),
                json!({}),
            )
            .await
        }
    };
    assert_eq!(whoami((6, EMPLOYEE_KEY)).await.unwrap()[0]["login"], "marc");
    assert!(whoami((2, EMPLOYEE_KEY)).await.is_err(), "somebody else's");
    assert!(whoami((2, EXPIRED_KEY)).await.is_err());

    // Odoo asks such a user for a second factor, which no password may get around.
    world.sql("UPDATE res_users SET totp_secret = 'JBSWY3DPEHPK3PXP' WHERE id = 6");
    assert!(postern.sign_in(EMPLOYEE.0, EMPLOYEE.1).await.is_err());
    assert!(whoami((6, EMPLOYEE.1)).await.is_err());
    assert!(whoami((6, EMPLOYEE_KEY)).await.is_ok());

    // Whoever loses a group in Odoo has lost it here.
    world.sql("DELETE FROM res_groups_users_rel WHERE uid = 2 AND gid = 4");
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert!(
        admin
            .call("ir.mail_server", "search_count", json!([[]]))
            .await
            .is_err()
    );
}

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
async fn what_odoo_queues_goes_out_with_its_files_and_odoo_sees_what_became_of_it() {
    let world = World::adopted();
    world.send_by(world.lab.mail.smtp);
    let mailbox = format!(
        "queued-{}@{}",
        uuid::Uuid::new_v4().simple(),
        world.lab.domain
    );
    world.sql(&format!(
        "UPDATE res_partner SET email = '{mailbox}' WHERE id = 9"
    ));
    let _postern = world.start(&world.options().with_jobs());
    world.wait_for("SELECT state FROM mail_mail WHERE id = 201", "sent");
    assert_eq!(
        world.sql(
            "SELECT notification_status, failure_type, is_read FROM mail_notification WHERE id = 1"
        ),
        "sent||t"
    );
    let begin = Instant::now();
    let inbox = loop {
        let inbox = world.lab.read_inbox(&mailbox).unwrap();
        if !inbox.is_empty() {
            break inbox;
        }
        assert!(begin.elapsed() < PATIENCE, "{}", world.lab.mail_logs(20));
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let text = inbox[0].text();
    let in_base64 = |text: &str| {
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(text)
    };
    for part in [
        "Message-Id: <1001.odoo@example.com>",
        "X-Odoo-Objects: res.partner-9",
        &in_base64("kept in the database\n"),
        &in_base64(STORED_FILE.1),
    ] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(
        world.sql("SELECT state, failure_reason FROM mail_mail WHERE id = 202"),
        "exception|Connection refused",
        "what failed before is left to a person"
    );

    // While Postern runs, Odoo writes one more, and somebody there retries the one that failed.
    let mail = world.queue("Written-meanwhile", &mailbox);
    world.sql("UPDATE mail_mail SET state = 'outgoing', write_uid = 2, write_date = now() AT TIME ZONE 'utc' WHERE id = 202");
    world.wait_for(
        &format!("SELECT count(*) FROM mail_mail WHERE id IN ({mail}, 202) AND state = 'sent'"),
        "2",
    );
    assert_eq!(world.sql("SELECT count(*) FROM postern_outbox"), "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_whose_file_cannot_be_read_waits_and_says_why() {
    let world = World::adopted();
    let sink = Sink::start(Faults::default(), 1).await.unwrap();
    world.send_by(sink.port());
    let _postern = world.start(&Options::in_existing(world.odoo.url()).with_jobs());
    let mail = world.queue("Without-files", "bob@example.test");
    world.wait_for(
        &format!("SELECT state FROM mail_mail WHERE id = {mail}"),
        "sent",
    );
    world.wait_for(
        "SELECT state, failure_reason LIKE '%--odoo-filestore%' FROM mail_mail WHERE id = 201",
        "outgoing|t",
    );
    assert_eq!(sink.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_odoo_is_sending_is_left_to_it_and_one_that_postern_hands_over_is_out_of_its_reach()
 {
    let world = World::adopted();
    let sink = Sink::start(
        Faults {
            stall: 1000,
            ..Faults::default()
        },
        1,
    )
    .await
    .unwrap();
    world.send_by(sink.port());
    world.sql("UPDATE mail_mail SET state = 'cancel' WHERE id = 201");
    let theirs = world.queue("Sent-by-Odoo", "bob@example.test");
    std::thread::scope(|scope| {
        // Odoo marks a mail while it sends it, in a transaction that ends when it is sent.
        let sending = scope.spawn(|| {
            world.sql(&format!(
                "BEGIN; UPDATE mail_mail SET state = 'exception', failure_reason = 'being sent' WHERE id = {theirs}; \
                 SELECT pg_sleep(12); UPDATE mail_mail SET state = 'sent', failure_reason = NULL WHERE id = {theirs}; COMMIT"
            ))
        });
        std::thread::sleep(Duration::from_millis(500));
        let postern = world.start(&world.options().with_jobs());
        let ours = world.queue("Sent-by-Postern", "bob@example.test");
        world.wait_for(
            &format!("SELECT state, failure_reason LIKE 'Postern is handing%' FROM mail_mail WHERE id = {ours}"),
            "exception|t",
        );
        world.wait_for(
            &format!("SELECT state, failure_reason FROM mail_mail WHERE id = {ours}"),
            "sent|",
        );
        sending.join().unwrap();
        std::thread::sleep(Duration::from_secs(8));
        drop(postern);
    });
    let taken = sink.taken();
    assert_eq!(
        taken.get("<Sent-by-Postern.odoo@example.com>"),
        Some(&1),
        "{taken:?}"
    );
    assert_eq!(
        taken.get("<Sent-by-Odoo.odoo@example.com>"),
        None,
        "{taken:?}"
    );
    assert_eq!(
        world.sql(&format!("SELECT state FROM mail_mail WHERE id = {theirs}")),
        "sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mail_that_is_refused_for_now_waits_in_odoos_queue_as_well() {
    let world = World::adopted();
    let sink = Sink::start(
        Faults {
            text_later: 1000,
            ..Faults::default()
        },
        1,
    )
    .await
    .unwrap();
    world.send_by(sink.port());
    world.sql("UPDATE mail_mail SET state = 'cancel' WHERE id = 201; UPDATE ir_config_parameter SET value = '600' WHERE key = 'postern.outbox.retry_seconds'");
    let _postern = world.start(&world.options().with_jobs());
    let mail = world.queue("Refused-for-now", "bob@example.test");
    let planned = format!(
        "SELECT m.state, o.next_attempt > now() AT TIME ZONE 'utc' + interval '5 minutes' FROM mail_mail m JOIN postern_outbox o ON o.mail_id = m.id WHERE m.id = {mail}"
    );
    world.wait_for(&planned, "outgoing|t");
    // Somebody presses Retry in Odoo, where the server is well again: it is not waited for.
    sink.misbehave(Faults::default());
    world.sql(&format!(
        "UPDATE mail_mail SET state = 'outgoing', write_uid = 2, write_date = now() AT TIME ZONE 'utc' WHERE id = {mail}"
    ));
    world.wait_for(
        &format!("SELECT state FROM mail_mail WHERE id = {mail}"),
        "sent",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_counts_up_what_odoo_looks_at_and_is_written_as_odoo_writes_it() {
    let world = World::adopted();
    world.sql(
        "ALTER TABLE mail_message_subtype ADD COLUMN of_another_module integer; \
         UPDATE mail_message_subtype SET of_another_module = 7",
    );
    let postern = world.start(&world.options());
    let admin = postern.admin().await.unwrap();
    let signals = || {
        world.sql("SELECT d.last_value, g.last_value, r.last_value FROM base_cache_signaling_default d, base_cache_signaling_groups g, base_registry_signaling r")
    };
    assert_eq!(
        signals(),
        "1|1|1",
        "a sign-in changes nothing that Odoo remembers"
    );
    assert_eq!(
        world.sql("SELECT value FROM ir_config_parameter WHERE key = 'web.base.url'"),
        "https://odoo.example.com",
        "Odoo's address stays"
    );

    admin
        .set_param("mail.bounce.alias", "bounce")
        .await
        .unwrap();
    assert_eq!(signals(), "2|1|1");
    assert_eq!(
        world.sql("SELECT id, create_uid, write_uid, write_date > now() AT TIME ZONE 'utc' - interval '1 minute' FROM ir_config_parameter WHERE key = 'mail.bounce.alias'"),
        "19|2|2|t"
    );
    let values = json!({"name": "Activities of late"});
    admin
        .write("mail.message.subtype", 33, values)
        .await
        .unwrap();
    assert_eq!(signals(), "3|1|1");
    assert_eq!(
        world.sql("SELECT name->>'en_US', name->>'fr_FR', of_another_module, write_uid FROM mail_message_subtype WHERE id = 33"),
        "Activities of late|Activités|7|2"
    );
    admin
        .call_kw(
            "mail.message.subtype",
            "write",
            json!([[33], {"name": "Activités nouvelles"}]),
            json!({"context": {"lang": "fr_FR"}}),
        )
        .await
        .unwrap();
    assert_eq!(
        world.sql("SELECT name->>'en_US', name->>'fr_FR' FROM mail_message_subtype WHERE id = 33"),
        "Activities of late|Activités nouvelles"
    );
    admin
        .write("res.users", 6, json!({"groups_id": [[4, 4]]}))
        .await
        .unwrap();
    let after: Vec<String> = signals().split('|').map(str::to_owned).collect();
    assert_ne!(after[1], "1", "groups are remembered by themselves");

    let server = admin
        .create(
            "ir.mail_server",
            json!({"name": "New", "smtp_host": "mail.example.com", "smtp_port": 25}),
        )
        .await
        .unwrap();
    assert_eq!(server, 3, "the number after Odoo's last");
    // Odoo's next record goes on from there.
    assert_eq!(world.sql("SELECT nextval('ir_mail_server_id_seq')"), "4");
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_for_models_of_odoos_is_handed_on_and_nothing_is_fetched_before_that_is_possible() {
    let world = World::adopted();
    let mailbox = format!(
        "shared-{}@{}",
        uuid::Uuid::new_v4().simple(),
        world.lab.domain
    );
    world.sql(&format!(
        "UPDATE fetchmail_server SET server_type = 'imap', server = '{}', port = {}, \"user\" = '{mailbox}', password = '{PASSWORD}' WHERE id = 1",
        world.lab.host, world.lab.mail.imaps
    ));
    let arrives = |to: &str, subject: &str, more: &str| {
        let raw = format!(
            "From: Kim <kim@client.example>\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-Id: <{subject}@client.example>\r\n{more}\r\nHello\r\n"
        );
        deliver(
            world.lab.mail.lmtp,
            "kim@client.example",
            &mailbox,
            raw.as_bytes(),
        )
        .unwrap();
    };
    arrives("sales@example.com", "A-lead", "");
    let postern = world.start(&world.options().with_jobs());
    let begin = Instant::now();
    while !postern
        .log()
        .contains("Make a postern.handoff for this server")
    {
        assert!(begin.elapsed() < PATIENCE, "{}", postern.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(world.sql("SELECT count(*) FROM postern_fetched"), "0");
    let left = world.lab.read_inbox(&mailbox).unwrap();
    assert!(!left[0].flags.iter().any(|flag| flag == "\\Seen"));

    let admin = postern.admin().await.unwrap();
    let (address, taking) = receiver::start(vec![Some(204); 3]).await;
    let values = json!({
        "name": "Odoo", "fetchmail_server_id": 1, "kind": "webhook", "url": address, "secret": "s", "scope": "unrouted",
    });
    admin.create("postern.handoff", values).await.unwrap();
    arrives("contacts@example.com", "A-contact", "");
    // The answer to a message on a record of Odoo's, and one that nothing asks for but the server's model.
    arrives(
        "catchall@example.com",
        "Re-the-lead",
        "In-Reply-To: <1003-openerp-1-crm.lead@example.com>\r\n",
    );
    arrives("postern@example.com", "For-nobody", "");
    let taken = tokio::time::timeout(PATIENCE, taking)
        .await
        .unwrap()
        .unwrap();
    let mut handed_on: Vec<String> = taken
        .iter()
        .map(|one| {
            let text = String::from_utf8_lossy(&one.body).into_owned();
            let (_, rest) = text.split_once("Subject: ").unwrap();
            rest.lines().next().unwrap().to_owned()
        })
        .collect();
    handed_on.sort();
    assert_eq!(handed_on, ["A-lead", "For-nobody", "Re-the-lead"]);

    // The contact's record is whole, as Odoo's own are.
    world.wait_for(
        "SELECT count(*) FROM res_partner WHERE name = 'A-contact'",
        "1",
    );
    assert_eq!(
        world.sql(
            "SELECT p.complete_name, p.type, p.active, p.commercial_partner_id = p.id, p.is_company, p.partner_share, m.message_type, m.subtype_id, m.email_from \
             FROM res_partner p JOIN mail_message m ON m.model = 'res.partner' AND m.res_id = p.id WHERE p.name = 'A-contact' AND m.message_type = 'email'"
        ),
        "A-contact|contact|t|t|f|t|email|31|\"Kim\" <kim@client.example>"
    );
    assert_eq!(world.sql("SELECT count(*) FROM crm_lead"), "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_odoo_switches_on_is_switched_off_again() {
    let world = World::adopted();
    let _postern = world.start(&world.options().with_jobs());
    tokio::time::sleep(Duration::from_secs(1)).await;
    world.sql("UPDATE ir_cron SET active = TRUE WHERE cron_name = 'ir cron mail gateway action'");
    world.wait_for(
        "SELECT active FROM ir_cron WHERE cron_name = 'ir cron mail gateway action'",
        "f",
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_hangs_on_a_record_that_odoo_deletes_is_readable_and_swept_away() {
    let world = World::adopted();
    world.sql(
        "INSERT INTO postern_outbox (mail_id) VALUES (202); \
         INSERT INTO postern_handoff (name, active, fetchmail_server_id, kind, url, scope) \
         SELECT 'to ' || id, TRUE, id, 'webhook', 'https://hook.example', 'all' FROM fetchmail_server; \
         INSERT INTO postern_handoff_mail (handoff_id, key, state, next_at) VALUES (2, 'k', 'failed', now()); \
         INSERT INTO postern_quarantine (fetchmail_server_id, reason) VALUES (1, 'x'), (2, 'y'); \
         INSERT INTO postern_mailbox_cursor (fetchmail_server_id, folder, uidvalidity) VALUES (1, 'INBOX', 1), (2, 'INBOX', 1); \
         DELETE FROM mail_mail WHERE id = 202; DELETE FROM fetchmail_server",
    );
    let postern = world.start(&world.options());
    let admin = postern.admin().await.unwrap();
    for model in [
        "postern.handoff",
        "postern.quarantine",
        "postern.handoff.mail",
    ] {
        let rows = admin.call(model, "search_read", json!([[]])).await;
        assert!(!rows.unwrap().as_array().unwrap().is_empty(), "{model}");
    }
    drop(postern);
    let _postern = world.start(&world.options().with_jobs());
    let left = "SELECT (SELECT count(*) FROM postern_outbox WHERE mail_id = 202), (SELECT string_agg(name, ',') FROM postern_handoff), \
         (SELECT count(*) FROM postern_quarantine WHERE fetchmail_server_id IS NULL), (SELECT count(*) FROM postern_mailbox_cursor)";
    world.wait_for(left, "0|to 2|2|0");
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
async fn files_are_read_from_odoos_folder_and_only_the_program_says_which() {
    let world = World::adopted();
    let postern = world.start(&world.options());
    let admin = postern.admin().await.unwrap();
    let read = |id: i64| {
        let admin = admin.clone();
        async move {
            let row: Value = admin.read("ir.attachment", id, &["datas"]).await.unwrap();
            use base64::Engine as _;
            let datas = row["datas"].as_str().unwrap_or_default().to_owned();
            String::from_utf8(
                base64::engine::general_purpose::STANDARD
                    .decode(datas)
                    .unwrap(),
            )
            .unwrap()
        }
    };
    assert_eq!(read(301).await, STORED_FILE.1);
    assert_eq!(read(302).await, "kept in the database\n");
    let page = admin.get("/web/content/301").await.unwrap();
    assert_eq!(page.body, STORED_FILE.1);
    let copied = admin
        .call("ir.attachment", "copy", json!([[301]]))
        .await
        .unwrap();
    let copied = copied.as_i64().or_else(|| copied[0].as_i64()).unwrap();
    assert_eq!(read(copied).await, STORED_FILE.1);
    // Whoever could name a file could read everybody's.
    let values = json!({"name": "mine.txt", "store_fname": STORED_FILE.0});
    let made = admin.create("ir.attachment", values).await.unwrap();
    assert_eq!(read(made).await, "");
    admin
        .write("ir.attachment", made, json!({"store_fname": STORED_FILE.0}))
        .await
        .unwrap();
    assert_eq!(read(made).await, "");
    // New content lies in the database, where Odoo finds it as well.
    admin
        .write("ir.attachment", 301, json!({"raw": "new"}))
        .await
        .unwrap();
    assert_eq!(
        world.sql("SELECT store_fname, encode(db_datas, 'escape'), file_size FROM ir_attachment WHERE id = 301"),
        "|new|3"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn after_work_a_release_leaves_odoo_with_what_was_done_and_nothing_of_posterns() {
    let world = World::adopted();
    let sink = Sink::start(Faults::default(), 1).await.unwrap();
    world.send_by(sink.port());
    let postern = world.start(&world.options().with_jobs());
    world.wait_for("SELECT state FROM mail_mail WHERE id = 201", "sent");
    drop(postern);
    world.postern_does("release", true);
    assert_eq!(
        world.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'postern%'"),
        "0"
    );
    assert_eq!(
        world.sql("SELECT count(*) FROM ir_cron WHERE active AND cron_name LIKE 'ir cron mail %'"),
        "2"
    );
    assert_eq!(
        world.sql("SELECT state FROM mail_mail WHERE id = 201"),
        "sent"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn records_of_every_kind_can_be_made_among_odoos_and_read_back() {
    let world = World::adopted();
    let postern = world.start(&world.options());
    let admin = postern.admin().await.unwrap();
    let lead = world.sql("SELECT id FROM ir_model WHERE model = 'crm.lead'");
    let lead: i64 = lead.parse().unwrap();
    let message = admin
        .call("res.partner", "message_post", json!([[9]]))
        .await
        .unwrap();
    let message = message.as_i64().or_else(|| message[0].as_i64()).unwrap();
    let records = [
        (
            "ir.mail_server",
            json!({"name": "x", "smtp_host": "mail.example.com"}),
        ),
        (
            "fetchmail.server",
            json!({"name": "x", "server": "mail.example.com", "server_type": "imap", "object_id": lead}),
        ),
        ("ir.config_parameter", json!({"key": "x", "value": "y"})),
        (
            "mail.mail",
            json!({"subject": "x", "email_to": "kim@example.com", "recipient_ids": [[6, 0, [9]]]}),
        ),
        (
            "mail.message",
            json!({"body": "x", "model": "res.partner", "res_id": 9, "partner_ids": [[6, 0, [7]]]}),
        ),
        (
            "mail.message.subtype",
            json!({"name": "x", "res_model": "crm.lead"}),
        ),
        (
            "mail.notification",
            json!({"mail_message_id": message, "res_partner_id": 7, "notification_type": "inbox"}),
        ),
        (
            "mail.followers",
            json!({"res_model": "res.partner", "res_id": 9, "partner_id": 7}),
        ),
        (
            "mail.alias",
            json!({"alias_name": "x", "alias_model_id": lead, "alias_domain_id": 1}),
        ),
        ("mail.alias.domain", json!({"name": "second.example.com"})),
        ("mail.blacklist", json!({"email": "nobody@example.com"})),
        (
            "mail.gateway.allowed",
            json!({"email": "machine@example.com"}),
        ),
        (
            "ir.attachment",
            json!({"name": "x.txt", "raw": "content", "res_model": "res.partner", "res_id": 9}),
        ),
        ("ir.cron", json!({"name": "x", "model_id": lead})),
        (
            "ir.model.data",
            json!({"module": "x", "name": "y", "model": "res.partner", "res_id": 9}),
        ),
        (
            "res.partner",
            json!({"name": "x", "email": "x@example.com", "parent_id": 1}),
        ),
        ("res.partner.category", json!({"name": "x"})),
        ("res.users", json!({"name": "x", "login": "x@example.com"})),
        (
            "res.groups",
            json!({"name": "x", "implied_ids": [[6, 0, [1]]]}),
        ),
        ("res.company", json!({"name": "x"})),
        (
            "res.lang",
            json!({"name": "x", "code": "xx", "url_code": "xx"}),
        ),
        ("res.currency", json!({"name": "XXX", "symbol": "x"})),
        ("res.config.settings", json!({})),
        (
            "postern.handoff",
            json!({"name": "x", "fetchmail_server_id": 2, "kind": "webhook", "url": "https://hook.example"}),
        ),
        (
            "postern.mail.budget",
            json!({"mail_server_id": 2, "connections": 3}),
        ),
    ];
    let mut made = Vec::new();
    for (model, values) in records {
        let id = match admin.create(model, values.clone()).await {
            Ok(id) => id,
            Err(error) => panic!("{model} {values}: {error}"),
        };
        let row = admin.call(model, "read", json!([[id]])).await;
        let row = row.unwrap_or_else(|error| panic!("{model} {id}: {error}"));
        // A body comes back as HTML, and content in base64.
        let fields = values.as_object().unwrap().iter();
        for (field, value) in fields
            .filter(|(field, value)| value.is_string() && !matches!(field.as_str(), "body" | "raw"))
        {
            assert_eq!(row[0][field], *value, "{model}.{field}");
        }
        made.push((model, id));
    }
    // Odoo's own rows, each column of them.
    for model in [
        "ir.mail_server",
        "fetchmail.server",
        "mail.mail",
        "mail.alias",
        "res.users",
        "res.partner",
        "res.company",
        "ir.cron",
        "mail.notification",
    ] {
        let domain = json!([[["active", "in", [true, false]]]]);
        let domain = if matches!(model, "mail.mail" | "mail.alias" | "mail.notification") {
            json!([[]])
        } else {
            domain
        };
        let rows = admin.call(model, "search_read", domain).await.unwrap();
        assert!(!rows.as_array().unwrap().is_empty(), "{model}");
    }
    // A user stays: Odoo's rows name who made them. So does a company, which has one.
    for (model, id) in made.into_iter().rev() {
        if !matches!(
            model,
            "res.users"
                | "res.company"
                | "res.lang"
                | "res.currency"
                | "res.config.settings"
                | "mail.message"
                | "mail.mail"
        ) {
            let gone = admin.call(model, "unlink", json!([[id]])).await;
            gone.unwrap_or_else(|error| panic!("{model} {id}: {error}"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_another_module_wants_more_of_is_refused_with_the_column_that_is_missing() {
    let world = World::adopted();
    world.sql(
        "ALTER TABLE res_partner ADD COLUMN autopost_bills character varying; \
         UPDATE res_partner SET autopost_bills = 'ask'; \
         ALTER TABLE res_partner ALTER COLUMN autopost_bills SET NOT NULL",
    );
    let postern = world.start(&world.options());
    let admin = postern.admin().await.unwrap();
    let refusal = admin
        .create("res.partner", json!({"name": "New"}))
        .await
        .unwrap_err();
    let refusal = refusal.refusal();
    assert!(refusal.message.contains("autopost_bills"), "{refusal:?}");
    admin
        .write("res.partner", 9, json!({"name": "Azure Exterior"}))
        .await
        .unwrap();
    assert_eq!(
        world.sql("SELECT name, complete_name, autopost_bills FROM res_partner WHERE id = 9"),
        "Azure Exterior|Azure Exterior|ask"
    );
}
