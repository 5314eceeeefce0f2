//! The walk itself, step by step as the guide has it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::lab::Database;
use tests::person::{Decision, Person};
use tests::steps::{self, Application, parameter, path_of};
use url::Url;

use crate::Tour;
use crate::letters::{send_from_outside, wait_for};

const SUBJECT: &str =
    "Grüße aus Köln ✉ — 日本語 zum Anfang und noch etwas, damit die Zeile lang wird";
const OUTGOING: &str = "ir.mail_server";
const INCOMING: &str = "fetchmail.server";

/// From an empty database to mail sent and received.
pub async fn walk(database: Database) {
    let Some(tour) = Tour::start(database).await else {
        return;
    };
    sign_in(&tour);
    settings(&tour).await;
    let outgoing = connect_outgoing(&tour).await;
    probe(&tour, outgoing).await;
    let sent = send(&tour).await;
    let incoming = connect_incoming(&tour).await;
    receive(&tour, incoming).await;
    thread(&tour, incoming, sent).await;
}

fn sign_in(tour: &Tour) {
    let info = tour.admin.session_info();
    assert_eq!(info["uid"], 2, "{info}");
    assert_eq!(info["is_admin"], true, "{info}");
    assert_eq!(info["db"], tour.postern.database_name(), "{info}");
}

async fn settings(tour: &Tour) {
    let Tour { admin, lab, .. } = tour;
    let mailbox = &tour.mailbox;
    let server = steps::outgoing_server(admin, (&lab.host, &lab.mail), mailbox)
        .await
        .unwrap();
    let row = admin
        .read(
            OUTGOING,
            server,
            &["microsoft_outlook_uri", "is_microsoft_outlook_configured"],
        )
        .await
        .unwrap();
    assert_eq!(row["is_microsoft_outlook_configured"], false, "{row}");
    assert_eq!(row["microsoft_outlook_uri"], false, "{row}");
    let early = admin
        .button(OUTGOING, "open_microsoft_outlook_uri", server)
        .await;
    let early = early.unwrap_err().refusal();
    assert_eq!(early.name, "odoo.exceptions.UserError");
    assert!(early.message.contains("settings"), "{early:?}");
    admin
        .call(OUTGOING, "unlink", json!([[server]]))
        .await
        .unwrap();

    let action = steps::enter_application(admin, &tour.postern, Application::of(lab))
        .await
        .unwrap();
    assert_eq!(
        (&action["type"], &action["tag"]),
        (&"ir.actions.client".into(), &"reload".into())
    );
    for (key, value) in [
        (
            "microsoft_outlook_client_id",
            lab.identity.client_id.as_str(),
        ),
        (
            "microsoft_outlook_client_secret",
            &lab.identity.client_secret,
        ),
        ("base_setup.default_external_email_server", "True"),
    ] {
        let stored = admin.call("ir.config_parameter", "get_param", json!([key]));
        assert_eq!(stored.await.unwrap(), value, "{key}");
    }
}

async fn connect_outgoing(tour: &Tour) -> i64 {
    let Tour { admin, lab, .. } = tour;
    let server = steps::outgoing_server(admin, (&lab.host, &lab.mail), &tour.mailbox)
        .await
        .unwrap();
    let row = admin
        .read(
            OUTGOING,
            server,
            &["microsoft_outlook_uri", "is_microsoft_outlook_configured"],
        )
        .await
        .unwrap();
    assert_eq!(row["is_microsoft_outlook_configured"], true, "{row}");
    let address = check_address(
        tour,
        &row["microsoft_outlook_uri"],
        OUTGOING,
        server,
        "SMTP.Send",
    );
    let action = admin
        .button(OUTGOING, "open_microsoft_outlook_uri", server)
        .await
        .unwrap();
    assert_eq!(action["type"], "ir.actions.act_url", "{action}");
    assert_eq!(action["url"], address.as_str(), "{action}");
    consent(tour, &address, OUTGOING, server).await;
    server
}

/// What the address of the consent has to hold.
fn check_address(tour: &Tour, address: &Value, model: &str, id: i64, permission: &str) -> Url {
    let address = Url::parse(address.as_str().unwrap()).unwrap();
    let provider = &tour.lab.identity;
    assert!(
        address
            .as_str()
            .starts_with(&format!("{}authorize?", provider.endpoint)),
        "{address}"
    );
    let scope = format!("offline_access https://outlook.office.com/{permission}");
    for (name, value) in [
        ("client_id", provider.client_id.as_str()),
        ("redirect_uri", &tour.postern.redirect_uri()),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("scope", &scope),
        ("code_challenge_method", "S256"),
        ("login_hint", &tour.mailbox),
    ] {
        assert_eq!(parameter(&address, name), value, "{name} of {address}");
    }
    assert_eq!(parameter(&address, "code_challenge").len(), 43, "{address}");
    let state: Value = serde_json::from_str(&parameter(&address, "state")).unwrap();
    assert_eq!((&state["model"], &state["id"]), (&model.into(), &id.into()));
    assert!(
        state["csrf_token"]
            .as_str()
            .is_some_and(|token| token.len() >= 32)
    );
    assert!(!address.as_str().contains(&provider.client_secret));
    address
}

/// Signs in at the provider, consents, and follows the redirects until the record's page.
async fn consent(tour: &Tour, address: &Url, model: &str, id: i64) {
    let before = steps::tokens(&tour.admin, model, id).await.unwrap();
    assert_eq!((before.refresh.as_str(), before.access.as_str()), ("", ""));
    let back = Person::new()
        .consent_at_double(address, &tour.mailbox, Decision::Yes)
        .await
        .unwrap();
    let page = tour.admin.get(&path_of(&back)).await.unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    assert_eq!(page.location, format!("/odoo/{model}/{id}"));
    let form = tour.admin.get(&page.location).await.unwrap();
    assert_eq!(form.status, 200, "{}", form.body);
    let stored = steps::tokens(&tour.admin, model, id).await.unwrap();
    assert!(stored.refresh.len() > 100 && stored.access.len() > 100);
    let now = chrono::Utc::now().timestamp();
    assert!(
        (now + 3000..=now + 3700).contains(&stored.expires),
        "{}",
        stored.expires
    );
    for secret in [
        &stored.refresh,
        &stored.access,
        &tour.lab.identity.client_secret,
    ] {
        assert!(
            !form.body.contains(secret.as_str()),
            "a secret is on the page"
        );
    }
}

async fn probe(tour: &Tour, server: i64) {
    let action = tour
        .admin
        .button(OUTGOING, "test_smtp_connection", server)
        .await
        .unwrap();
    assert_eq!(action["type"], "ir.actions.client", "{action}");
    assert_eq!(action["tag"], "display_notification", "{action}");
    assert_eq!(action["params"]["type"], "success", "{action}");
    let inbox = tour.lab.read_inbox(&tour.mailbox).unwrap();
    assert!(inbox.is_empty(), "a test of the connection sent a mail");
}

/// Sends a mail with an attachment; answers the id of its message.
async fn send(tour: &Tour) -> i64 {
    let recipient = format!(
        "friend-{}@{}",
        uuid::Uuid::new_v4().simple(),
        tour.lab.domain
    );
    let content: Vec<u8> = (0..=255).cycle().take(5000).collect();
    let values = json!({
        "subject": SUBJECT,
        "email_from": format!("\"Ünal, Pösterñ\" <{}>", tour.mailbox),
        "email_to": recipient,
        "body_html": "<p>Schöne <b>Grüße</b> — 你好 &amp; mehr</p>",
        "attachment_ids": [[0, 0, {"name": "Übersicht 1.bin", "datas": STANDARD.encode(&content)}]],
    });
    let mail = steps::send_mail(&tour.admin, values).await.unwrap();
    let row = tour
        .admin
        .read(
            "mail.mail",
            mail,
            &["state", "failure_reason", "mail_message_id", "message_id"],
        )
        .await
        .unwrap();
    assert_eq!(row["state"], "sent", "{row}");
    assert_eq!(row["failure_reason"], false, "{row}");

    let delivered = wait_for(&tour.lab, &recipient, 1).remove(0);
    assert_eq!(delivered["subject"], SUBJECT);
    assert_eq!(delivered["defects"], json!([]));
    assert_eq!(delivered["to"], recipient);
    assert_eq!(delivered["message_id"], row["message_id"]);
    let from = delivered["from"].as_str().unwrap();
    assert!(
        from.contains("Ünal, Pösterñ") && from.contains(&tour.mailbox),
        "{from}"
    );
    let html = delivered["html"].as_str().unwrap();
    assert!(html.contains("Schöne <b>Grüße</b> — 你好"), "{html}");
    let attachments = delivered["attachments"].as_array().unwrap();
    assert_eq!(attachments.len(), 1);
    assert_eq!(attachments[0]["name"], "Übersicht 1.bin");
    assert_eq!(attachments[0]["content"], STANDARD.encode(&content));
    row["mail_message_id"][0].as_i64().unwrap()
}

async fn connect_incoming(tour: &Tour) -> i64 {
    let Tour { admin, lab, .. } = tour;
    let server = steps::incoming_server(admin, (&lab.host, &lab.mail), &tour.mailbox)
        .await
        .unwrap();
    let row = admin
        .read(INCOMING, server, &["microsoft_outlook_uri", "state"])
        .await
        .unwrap();
    assert_eq!(row["state"], "draft");
    let uri = &row["microsoft_outlook_uri"];
    let address = check_address(tour, uri, INCOMING, server, "IMAP.AccessAsUser.All");
    let unconnected = admin.button(INCOMING, "button_confirm_login", server).await;
    let unconnected = unconnected.unwrap_err().refusal();
    assert_eq!(
        unconnected.name, "odoo.exceptions.UserError",
        "{unconnected:?}"
    );

    consent(tour, &address, INCOMING, server).await;
    admin
        .button(INCOMING, "button_confirm_login", server)
        .await
        .unwrap();
    let row = admin.read(INCOMING, server, &["state"]).await.unwrap();
    assert_eq!(row["state"], "done");
    server
}

async fn receive(tour: &Tour, server: i64) {
    let content: Vec<u8> = (0..=255).rev().cycle().take(70_000).collect();
    let subject = "Angebot für Straßenbau ✓";
    let letter = json!({
        "subject": subject,
        "text": "plain words\n",
        "html": "<p>rich <i>wörds</i><script>alert(1)</script></p>",
        "name": "Plan – Entwurf.bin",
        "content": STANDARD.encode(&content),
    });
    let sender = "stranger@outside.test";
    let message_id = send_from_outside(&tour.lab, sender, &tour.mailbox, &letter);
    wait_for(&tour.lab, &tour.mailbox, 1);
    fetch(tour, server).await;

    let fields = [
        "subject",
        "email_from",
        "message_type",
        "body",
        "attachment_ids",
    ];
    let domain = json!([["message_id", "=", message_id]]);
    let query = json!([domain, fields]);
    let found = tour
        .admin
        .call("mail.message", "search_read", query.clone())
        .await
        .unwrap();
    assert_eq!(found.as_array().map(Vec::len), Some(1), "{found}");
    let message = &found[0];
    assert_eq!(message["subject"], subject);
    assert_eq!(message["message_type"], "email");
    assert!(
        message["email_from"].as_str().unwrap().contains(sender),
        "{message}"
    );
    let body = message["body"].as_str().unwrap();
    assert!(
        body.contains("<i>wörds</i>") && !body.contains("script"),
        "{body}"
    );
    let files = message["attachment_ids"].as_array().unwrap();
    assert_eq!(files.len(), 1, "{message}");
    let file = tour
        .admin
        .read(
            "ir.attachment",
            files[0].as_i64().unwrap(),
            &["name", "datas", "file_size"],
        )
        .await
        .unwrap();
    assert_eq!(file["name"], "Plan – Entwurf.bin");
    assert_eq!(file["file_size"], 70_000);
    assert_eq!(file["datas"], STANDARD.encode(&content));

    let inbox = tour.lab.read_inbox(&tour.mailbox).unwrap();
    let flags = &inbox[0].flags;
    assert!(flags.iter().any(|flag| flag == "\\Seen"), "{flags:?}");
    fetch(tour, server).await;
    let again = tour
        .admin
        .call("mail.message", "search_read", query)
        .await
        .unwrap();
    assert_eq!(again, found, "a second look brought something");
}

async fn fetch(tour: &Tour, server: i64) {
    tour.admin
        .button(INCOMING, "fetch_mail", server)
        .await
        .unwrap();
}

/// An answer to a mail of ours is a reply to its message.
async fn thread(tour: &Tour, server: i64, sent: i64) {
    let ours = tour
        .admin
        .read("mail.message", sent, &["message_id"])
        .await
        .unwrap();
    let letter = json!({"subject": format!("Re: {SUBJECT}"), "in_reply_to": ours["message_id"]});
    let sender = "friend@outside.test";
    let message_id = send_from_outside(&tour.lab, sender, &tour.mailbox, &letter);
    wait_for(&tour.lab, &tour.mailbox, 2);
    fetch(tour, server).await;
    let query = json!([[["message_id", "=", message_id]], ["parent_id", "subject"]]);
    let found = tour
        .admin
        .call("mail.message", "search_read", query)
        .await
        .unwrap();
    assert_eq!(found[0]["parent_id"][0], sent, "{found}");
    assert_eq!(found[0]["subject"], format!("Re: {SUBJECT}"));
    let count = json!([[["message_type", "=", "email"]]]);
    let count = tour.admin.call("mail.message", "search_count", count).await;
    assert_eq!(count.unwrap(), 2, "each mail is one message");
}
