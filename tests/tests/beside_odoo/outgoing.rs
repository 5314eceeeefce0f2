//! What Odoo queues goes out once, and Odoo sees what became of it.

use std::time::{Duration, Instant};

use tests::odoo::STORED_FILE;
use tests::postern::Options;
use tests::sink::{Faults, Sink};

use crate::world::{PATIENCE, World};

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
