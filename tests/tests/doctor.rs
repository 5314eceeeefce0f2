//! The doctor, over RPC and by the command line, against real Postfix and Dovecot and the double of Microsoft's endpoints:
//! what works, and what each fault looks like.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use std::process::Command;

use serde_json::{Value, json};
use tests::identity::{Client, Identity, IdentityConfig, User};
use tests::lab::{Database, Described, packages};
use tests::postern::{Options, Postern};
use tests::rpc_client::Rpc;
use tests::steps::{self, Application};

const OUTGOING: &str = "ir.mail_server";
const INCOMING: &str = "fetchmail.server";

async fn examined(rpc: &Rpc, model: &str, id: i64) -> Vec<Value> {
    let list = rpc
        .call(model, "postern_doctor", json!([[id]]))
        .await
        .unwrap();
    list.as_array().unwrap().clone()
}

/// The step of that name.
#[track_caller]
fn step<'a>(checks: &'a [Value], name: &str) -> &'a Value {
    let found = checks.iter().find(|check| check["check"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {checks:#?}"))
}

/// The steps in their order.
fn names(checks: &[Value]) -> Vec<&str> {
    checks
        .iter()
        .filter_map(|check| check["check"].as_str())
        .collect()
}

#[track_caller]
fn assert_ok(checks: &[Value], steps: &[&str]) {
    for name in steps {
        assert_eq!(step(checks, name)["ok"], true, "{checks:#?}");
    }
}

#[track_caller]
fn assert_failed(checks: &[Value], name: &str, code: &str, remedy: &str) {
    let found = step(checks, name);
    assert_eq!(
        (&found["ok"], &found["code"]),
        (&json!(false), &json!(code)),
        "{found:#}"
    );
    assert!(
        found["remedy"].as_str().unwrap().contains(remedy),
        "{found:#}"
    );
}

#[track_caller]
fn assert_skipped(checks: &[Value], steps: &[&str]) {
    for name in steps {
        assert_eq!(step(checks, name)["skipped"], true, "{checks:#?}");
    }
}

fn dovecot_version() -> String {
    let program = packages::program("dovecot").unwrap();
    let told = Command::new(program).arg("--version").output().unwrap();
    String::from_utf8(told.stdout).unwrap()
}

/// A mailbox that is signed in to with a password.
fn with_password(lab: &Described, mailbox: &str) -> Value {
    json!({
        "name": "Office",
        "smtp_authentication": "login",
        "smtp_encryption": "starttls",
        "smtp_host": lab.host,
        "smtp_port": lab.mail.submission,
        "smtp_user": mailbox,
        "smtp_pass": lab.password,
        "from_filter": mailbox,
    })
}

async fn healthy(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let postern = Postern::start(&lab, &Options::on(database)).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "doctor").await.unwrap();
    steps::register(&lab, &postern).await.unwrap();
    steps::enter_application(&admin, &postern, Application::of(&lab))
        .await
        .unwrap();
    let mail = (lab.host.as_str(), &lab.mail);
    let outgoing = steps::outgoing_server(&admin, mail, &mailbox)
        .await
        .unwrap();
    let incoming = steps::incoming_server(&admin, mail, &mailbox)
        .await
        .unwrap();

    // Before anybody consented: the provider and the application are found to be well all the same.
    let checks = examined(&admin, OUTGOING, outgoing).await;
    assert_ok(
        &checks,
        &[
            "name_resolution",
            "connection",
            "tls",
            "oauth_endpoint",
            "oauth_application",
        ],
    );
    assert_failed(
        &checks,
        "oauth_token",
        "oauth.not_connected",
        "connect the account",
    );
    assert_skipped(&checks, &["token_scopes", "smtp_auth", "send_as"]);

    for (model, id) in [(OUTGOING, outgoing), (INCOMING, incoming)] {
        let page = steps::connect(&admin, model, id, &mailbox).await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
    }
    let before = steps::tokens(&admin, OUTGOING, outgoing).await.unwrap();
    let checks = examined(&admin, OUTGOING, outgoing).await;
    let order = [
        "name_resolution",
        "connection",
        "tls",
        "oauth_endpoint",
        "oauth_application",
        "oauth_token",
        "token_scopes",
        "smtp_auth",
        "send_as",
        "from_filters",
    ];
    assert_eq!(names(&checks), order);
    assert_ok(
        &checks,
        &[
            "name_resolution",
            "connection",
            "tls",
            "oauth_endpoint",
            "oauth_application",
            "oauth_token",
            "token_scopes",
            "smtp_auth",
            "send_as",
        ],
    );
    let scopes = step(&checks, "token_scopes")["message"].as_str().unwrap();
    assert!(
        scopes.contains("SMTP.Send") && scopes.contains(&mailbox),
        "{scopes}"
    );
    let tls = step(&checks, "tls")["message"].as_str().unwrap();
    assert!(tls.contains("days left"), "{tls}");
    let sender = step(&checks, "send_as")["message"].as_str().unwrap();
    assert!(sender.contains(&mailbox), "{sender}");
    let after = steps::tokens(&admin, OUTGOING, outgoing).await.unwrap();
    assert_ne!(before.access, after.access, "the token was renewed");
    assert!(
        lab.read_inbox(&mailbox).unwrap().is_empty(),
        "nothing is sent"
    );

    let inbox = examined(&admin, INCOMING, incoming).await;
    assert_ok(
        &inbox,
        &[
            "name_resolution",
            "connection",
            "tls",
            "oauth_token",
            "imap_auth",
            "imap_select",
        ],
    );
    assert!(
        step(&inbox, "imap_select")["message"]
            .as_str()
            .unwrap()
            .contains("0 messages")
    );

    // The same by the command line.
    let ran = postern
        .command(&["doctor", &format!("fetchmail.server:{incoming}")])
        .unwrap();
    assert_eq!(ran.status.code(), Some(0), "{ran:?}");
    let table = String::from_utf8(ran.stdout).unwrap();
    assert!(
        table.starts_with(&format!("fetchmail.server:{incoming} Outlook inbox\n")),
        "{table}"
    );
    assert!(
        table.contains("\n  imap_select        ok       INBOX was opened"),
        "{table}"
    );
    let ran = postern.command(&["doctor", "--json"]).unwrap();
    let list: Vec<Value> = serde_json::from_slice(&ran.stdout).unwrap();
    assert_ok(&list, &["smtp_auth", "imap_select"]);
    let ran = postern.command(&["doctor", "Nobody"]).unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    assert!(
        String::from_utf8(ran.stderr)
            .unwrap()
            .contains("no server \"Nobody\"")
    );

    // No secret is told, neither in answers nor in the log.
    let told = format!("{checks:?}{inbox:?}{table}{list:?}{}", postern.log());
    let held = steps::tokens(&admin, OUTGOING, outgoing).await.unwrap();
    for secret in [
        before.access,
        after.access,
        after.refresh,
        held.access,
        held.refresh,
        lab.identity.client_secret.clone(),
    ] {
        assert!(!told.contains(&secret), "a secret was told");
    }
}

#[tokio::test]
async fn what_works_is_found_to_work_on_sqlite() {
    healthy(Database::Sqlite).await;
}

#[tokio::test]
async fn what_works_is_found_to_work_on_postgresql() {
    healthy(Database::Postgres).await;
}

#[tokio::test]
async fn faults_of_a_mail_server_are_told_apart() {
    let lab = Described::from_env();
    let postern = Postern::start(&lab, &Options::on(Database::Sqlite)).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "doctor").await.unwrap();
    let server = admin
        .create(OUTGOING, with_password(&lab, &mailbox))
        .await
        .unwrap();
    let checks = examined(&admin, OUTGOING, server).await;
    assert_ok(
        &checks,
        &[
            "name_resolution",
            "connection",
            "tls",
            "smtp_auth",
            "send_as",
        ],
    );

    let change = async |values: Value| {
        admin.write(OUTGOING, server, values).await.unwrap();
        examined(&admin, OUTGOING, server).await
    };
    let checks = change(json!({"smtp_pass": "wrong"})).await;
    assert_failed(&checks, "smtp_auth", "sasl.password_refused", "password");
    assert_skipped(&checks, &["send_as"]);

    let checks = change(json!({"smtp_encryption": "ssl"})).await;
    assert_failed(&checks, "tls", "tls.not_spoken", "STARTTLS");
    assert_ok(&checks, &["name_resolution", "connection"]);

    let closed = tests::lab::ports::free().unwrap();
    let checks = change(json!({"smtp_port": closed})).await;
    assert_failed(&checks, "connection", "network.connection_refused", "port");
    assert_ok(&checks, &["name_resolution"]);
    assert_skipped(&checks, &["tls", "smtp_auth", "send_as"]);

    let checks = change(json!({"smtp_host": "no-such-host.invalid"})).await;
    assert_failed(
        &checks,
        "name_resolution",
        "network.host_unknown",
        "host name",
    );
    assert_skipped(&checks, &["connection", "tls", "smtp_auth"]);

    let ran = postern
        .command(&["doctor", &format!("ir.mail_server:{server}")])
        .unwrap();
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let table = String::from_utf8(ran.stdout).unwrap();
    assert!(
        table.contains("FAILED") && table.contains("[network.host_unknown]"),
        "{table}"
    );

    let values = json!({
        "name": "Inbox", "server_type": "pop", "server": lab.host, "port": closed, "user": mailbox, "password": "x",
    });
    let inbox = admin.create(INCOMING, values).await.unwrap();
    let checks = examined(&admin, INCOMING, inbox).await;
    assert_failed(&checks, "connection", "network.connection_refused", "port");
    assert_skipped(&checks, &["pop3_auth", "pop3_stat"]);
}

#[tokio::test]
async fn a_stranger_s_certificate_is_not_taken() {
    let lab = Described::from_env();
    let options = Options {
        authority: Some(lab.stranger.0.clone()),
        ..Options::on(Database::Sqlite)
    };
    let postern = Postern::start(&lab, &options).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "doctor").await.unwrap();
    let server = admin
        .create(OUTGOING, with_password(&lab, &mailbox))
        .await
        .unwrap();
    let checks = examined(&admin, OUTGOING, server).await;
    assert_ok(&checks, &["name_resolution", "connection"]);
    assert_failed(&checks, "tls", "tls.untrusted", "--tls-ca");
}

#[tokio::test]
async fn faults_of_the_provider_are_told_apart() {
    const APP: &str = "11111111-2222-4333-8444-555555555556";
    const SECRET: &str = "doctor~secret";
    let lab = Described::from_env();
    let postern = Postern::start(&lab, &Options::on(Database::Sqlite)).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = "alice@example.test";
    // A provider of its own, whose tokens the lab's mail servers do not know.
    let identity = Identity::start(IdentityConfig {
        clients: vec![Client::new(APP, SECRET, postern.redirect_uri())],
        users: vec![User::new(mailbox)],
        ..IdentityConfig::default()
    })
    .unwrap();
    let mail = (lab.host.as_str(), &lab.mail);
    let server = steps::outgoing_server(&admin, mail, mailbox).await.unwrap();
    let checks = examined(&admin, OUTGOING, server).await;
    assert_failed(
        &checks,
        "oauth_application",
        "oauth.client_missing",
        "client id",
    );

    let endpoint = identity.endpoint("common");
    let application = Application {
        endpoint: &endpoint,
        id: APP,
        secret: SECRET,
    };
    steps::enter_application(&admin, &postern, application)
        .await
        .unwrap();
    let page = steps::connect(&admin, OUTGOING, server, mailbox)
        .await
        .unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    let checks = examined(&admin, OUTGOING, server).await;
    assert_ok(
        &checks,
        &["oauth_endpoint", "oauth_application", "oauth_token"],
    );
    // The Dovecot of Ubuntu 24.04 refuses without a comment on the token.
    let code = if dovecot_version().starts_with("2.3.21") {
        "sasl.password_refused"
    } else {
        "sasl.token_refused"
    };
    assert_failed(&checks, "smtp_auth", code, "account");

    identity.revoke_grants(mailbox).unwrap();
    let checks = examined(&admin, OUTGOING, server).await;
    assert_ok(&checks, &["oauth_endpoint", "oauth_application"]);
    assert_failed(&checks, "oauth_token", "oauth.grant_revoked", "connect");
    let told = step(&checks, "oauth_token")["message"].as_str().unwrap();
    assert!(told.contains("AADSTS50173, correlation id "), "{told}");

    identity.expire_secret(APP, SECRET).unwrap();
    let checks = examined(&admin, OUTGOING, server).await;
    assert_ok(&checks, &["oauth_endpoint"]);
    assert_failed(
        &checks,
        "oauth_application",
        "oauth.secret_expired",
        "Certificates & secrets",
    );
    assert_skipped(&checks, &["oauth_token"]);

    drop(identity);
    let checks = examined(&admin, OUTGOING, server).await;
    assert_failed(&checks, "oauth_endpoint", "oauth.unreachable", "firewall");
    assert_skipped(&checks, &["oauth_application", "oauth_token"]);
    assert!(!format!("{checks:?}{}", postern.log()).contains(SECRET));
}

#[tokio::test]
async fn senders_that_no_filter_covers_are_named_to_administrators_only() {
    let lab = Described::from_env();
    let postern = Postern::start(&lab, &Options::on(Database::Sqlite)).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "doctor").await.unwrap();
    let server = admin
        .create(OUTGOING, with_password(&lab, &mailbox))
        .await
        .unwrap();
    let values = json!({"name": "Kim", "login": "kim", "email": "kim@elsewhere.example", "password": "a-long-password"});
    admin.create("res.users", values).await.unwrap();
    let checks = examined(&admin, OUTGOING, server).await;
    assert_failed(&checks, "from_filters", "sender.uncovered", "FROM filter");
    let told = step(&checks, "from_filters")["message"].as_str().unwrap();
    assert!(told.contains("kim@elsewhere.example"), "{told}");
    admin
        .write(OUTGOING, server, json!({"from_filter": ""}))
        .await
        .unwrap();
    let checks = examined(&admin, OUTGOING, server).await;
    assert_ok(&checks, &["from_filters"]);

    let kim = postern.sign_in("kim", "a-long-password").await.unwrap();
    let refused = kim
        .call(OUTGOING, "postern_doctor", json!([[server]]))
        .await;
    let refusal = refused.unwrap_err().refusal();
    assert_eq!(refusal.name, "odoo.exceptions.AccessError", "{refusal:?}");
}
