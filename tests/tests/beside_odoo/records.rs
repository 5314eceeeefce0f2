//! Records among Odoo's: written as Odoo writes them, whole, and told of.

use serde_json::{Value, json};
use tests::odoo::STORED_FILE;

use crate::world::World;

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
