//! What comes in, what is handed on, and what is looked after meanwhile.

use std::time::{Duration, Instant};

use serde_json::json;
use tests::lab::{PASSWORD, deliver};
use tests::receiver;

use crate::world::{PATIENCE, World};

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
