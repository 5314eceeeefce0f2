//! Ways to be let in by an outgoing server that need no provider: a client certificate, and the server of Postern's own
//! configuration; and certificates that nobody verifies.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::lab::{Database, Described, python_reading};
use tests::postern::{Options, Postern};
use tests::rpc_client::Rpc;
use tests::steps;

/// The mail that arrives in a mailbox, as text, once it is there.
fn arrived(lab: &Described, mailbox: &str) -> String {
    for _ in 0..100 {
        let stored = lab.read_inbox(mailbox).unwrap();
        if let [only] = stored.as_slice() {
            return only.text();
        }
        assert!(stored.is_empty(), "more mail than was sent");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!("no mail for {mailbox}\n{}", lab.mail_logs(20));
}

/// Sends a mail to oneself and reads it in the mailbox.
async fn sent_to_oneself(lab: &Described, admin: &Rpc, mailbox: &str) -> String {
    let values = json!({
        "subject": "Hello",
        "body_html": "<p>Hello</p>",
        "email_from": mailbox,
        "email_to": mailbox,
    });
    let mail = steps::send_mail(admin, values).await.unwrap();
    let fields = ["state", "failure_reason"];
    let fate = admin.read("mail.mail", mail, &fields).await.unwrap();
    assert_eq!(fate["state"], "sent", "{fate}");
    arrived(lab, mailbox)
}

async fn tested(admin: &Rpc, server: i64) -> Value {
    admin
        .button("ir.mail_server", "test_smtp_connection", server)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_server_lets_in_whoever_shows_its_certificate() {
    let lab = Described::from_env();
    let postern = Postern::start(&lab, &Options::on(Database::Sqlite)).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "certificate").await.unwrap();
    let encoded = |path: &std::path::Path| STANDARD.encode(std::fs::read(path).unwrap());
    let values = json!({
        "name": "By certificate",
        "smtp_authentication": "login",
        "smtp_encryption": "ssl",
        "smtp_host": lab.host,
        "smtp_port": lab.mail.submissions,
        "from_filter": mailbox,
    });
    let server = admin.create("ir.mail_server", values).await.unwrap();
    // Without a password and without a certificate the server takes no mail.
    let refused = admin
        .button("ir.mail_server", "test_smtp_connection", server)
        .await
        .unwrap_err()
        .refusal();
    assert!(refused.message.contains("554"), "{refused:?}");
    let certificate = json!({
        "smtp_authentication": "certificate",
        "smtp_ssl_certificate": encoded(&lab.client.0),
        "smtp_ssl_private_key": encoded(&lab.client.1),
    });
    admin
        .write("ir.mail_server", server, certificate)
        .await
        .unwrap();
    assert_eq!(tested(&admin, server).await["params"]["type"], "success");
    sent_to_oneself(&lab, &admin, &mailbox).await;
}

#[tokio::test]
async fn the_server_of_the_configuration_sends_where_the_database_names_none() {
    let lab = Described::from_env();
    let mailbox = steps::new_account(&lab, "own").await.unwrap();
    let options = Options::on(Database::Sqlite)
        .with("POSTERN_SMTP_SERVER", &lab.host)
        .with("POSTERN_SMTP_PORT", lab.mail.submission.to_string())
        .with("POSTERN_SMTP_SSL", "true")
        .with("POSTERN_SMTP_USER", &mailbox)
        .with("POSTERN_SMTP_PASSWORD", &lab.password)
        .with("POSTERN_EMAIL_FROM", "robot@example.test")
        .with("POSTERN_FROM_FILTER", "example.test");
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let mail = sent_to_oneself(&lab, &admin, &mailbox).await;
    assert!(mail.contains(&format!("From: <{mailbox}>")), "{mail}");
    // The filter takes no foreign sender, so that the configured one steps in front.
    let other = steps::new_account(&lab, "own").await.unwrap();
    let values = json!({
        "subject": "Hello",
        "body_html": "<p>Hello</p>",
        "email_from": "\"Kim\" <kim@client.example>",
        "email_to": other,
    });
    steps::send_mail(&admin, values).await.unwrap();
    let mail = arrived(&lab, &other);
    assert!(
        mail.contains("From: \"Kim\" <robot@example.test>"),
        "{mail}"
    );
    assert!(mail.contains("Return-Path: <robot@example.test>"), "{mail}");

    // A row that says "cli" takes everything but its own filter from there.
    let values = json!({
        "name": "Configured",
        "smtp_authentication": "cli",
        "from_filter": mailbox,
    });
    let server = admin.create("ir.mail_server", values).await.unwrap();
    assert_eq!(tested(&admin, server).await["params"]["type"], "success");
}

#[tokio::test]
async fn a_certificate_goes_unverified_only_where_somebody_says_so_and_everybody_sees_it() {
    let lab = Described::from_env();
    // One that does not trust the lab's authority.
    let options = Options {
        authority: Some(lab.stranger.0.clone()),
        ..Options::on(Database::Sqlite)
    };
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "unverified").await.unwrap();
    let values = json!({
        "name": "Office",
        "smtp_encryption": "starttls",
        "smtp_host": lab.host,
        "smtp_port": lab.mail.submission,
        "smtp_user": mailbox,
        "smtp_pass": lab.password,
        "from_filter": mailbox,
    });
    let server = admin.create("ir.mail_server", values).await.unwrap();
    let warning_of = async || {
        let fields = ["postern_tls_warning"];
        let read = admin.read("ir.mail_server", server, &fields).await.unwrap();
        read["postern_tls_warning"].clone()
    };
    let refused = admin
        .button("ir.mail_server", "test_smtp_connection", server)
        .await
        .unwrap_err()
        .refusal();
    assert!(refused.message.contains("certificate"), "{refused:?}");
    assert_eq!(warning_of().await, json!(false));
    let list = admin.get("/odoo/ir.mail_server").await.unwrap();
    assert!(!list.body.contains("Certificate not verified"));

    let parameter = "postern.tls_unverified_servers";
    let wildcard = admin.set_param(parameter, "*").await.unwrap_err().refusal();
    assert_eq!(wildcard.name, "odoo.exceptions.ValidationError");
    let named = format!("{}:{}", lab.host, lab.mail.submission);
    admin.set_param(parameter, &named).await.unwrap();

    let answer = tested(&admin, server).await;
    assert_eq!(answer["params"]["type"], "warning", "{answer}");
    for told in [
        answer["params"]["message"].clone(),
        warning_of().await,
        postern.log().into(),
    ] {
        let told = told.as_str().unwrap();
        let expected = format!("The certificate of {named} is not verified");
        assert!(told.contains(&expected), "{told}");
    }
    let list = admin.get("/odoo/ir.mail_server").await.unwrap();
    assert!(list.body.contains("Certificate not verified"));
    let form = admin.get(&format!("/odoo/ir.mail_server/{server}")).await;
    assert!(form.unwrap().body.contains("is not verified"));
    sent_to_oneself(&lab, &admin, &mailbox).await;

    // Another port of the same host is another server.
    let other_port = json!({"smtp_encryption": "ssl", "smtp_port": lab.mail.submissions});
    admin
        .write("ir.mail_server", server, other_port)
        .await
        .unwrap();
    assert_eq!(warning_of().await, json!(false));
    let refused = admin.button("ir.mail_server", "test_smtp_connection", server);
    assert!(refused.await.is_err());
}

/// Somebody without an account, who was sent a link.
async fn fetched(address: &str) -> (u16, String) {
    let answer = reqwest::get(address).await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

#[tokio::test]
async fn the_link_to_a_file_that_is_too_large_opens_for_whoever_got_the_mail() {
    let lab = Described::from_env();
    for database in lab.databases.clone() {
        let postern = Postern::start(&lab, &Options::on(database)).unwrap();
        let admin = postern.admin().await.unwrap();
        let mailbox = steps::new_account(&lab, "link").await.unwrap();
        admin
            .set_param("web.base.url", &postern.base_url())
            .await
            .unwrap();
        admin
            .set_param("web.base.url.freeze", "True")
            .await
            .unwrap();
        let server = json!({
            "name": "Small",
            "smtp_encryption": "starttls",
            "smtp_host": lab.host,
            "smtp_port": lab.mail.submission,
            "smtp_user": mailbox,
            "smtp_pass": lab.password,
            "max_email_size": 0.005,
        });
        admin.create("ir.mail_server", server).await.unwrap();
        let partner = admin
            .create("res.partner", json!({"name": "Kim"}))
            .await
            .unwrap();
        let content = "x".repeat(20_000);
        let file = json!({"name": "plan.txt", "raw": content, "res_model": "res.partner", "res_id": partner});
        let file = admin.create("ir.attachment", file).await.unwrap();
        let values = json!({
            "subject": "The plan",
            "body_html": "<p>Here</p>",
            "email_from": mailbox,
            "email_to": mailbox,
            "attachment_ids": [[6, 0, [file]]],
        });
        let mail = steps::send_mail(&admin, values).await.unwrap();
        let fate = admin
            .read("mail.mail", mail, &["state", "failure_reason"])
            .await
            .unwrap();
        assert_eq!(fate["state"], "sent", "{fate}");
        let program = "import email, email.policy, sys\n\
            m = email.message_from_string(sys.stdin.read(), policy=email.policy.default)\n\
            print(m.get_body(('html',)).get_content())";
        let html = python_reading(&arrived(&lab, &mailbox), program, &[]).unwrap();
        let (_, link) = html.split_once("href=\"").expect("a link");
        let (link, _) = link.split_once('"').unwrap();
        let link = link.replace("&amp;", "&");
        assert!(link.contains(&format!("/web/content/{file}?")), "{link}");
        assert_eq!(fetched(&link).await, (200, content));
        let (without, _) = link.split_once("&access_token=").unwrap();
        assert_ne!(fetched(without).await.0, 200);
    }
}
