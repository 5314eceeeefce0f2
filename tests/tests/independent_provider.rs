//! The same flow against a provider that is not ours, so that the double does not only agree with itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client as Http, Response, StatusCode};
use serde_json::{Value, json};
use tests::identity::IndependentProvider;
use tests::lab::{Described, Scratch, deliver, read_inbox};
use tests::person::Person;
use tests::postern::{Options, Postern};
use tests::steps::{self, Application, path_of};
use url::Url;

const CALLBACK: &str = "http://127.0.0.1:9/microsoft_outlook/confirm";
const IMAP: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";
const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123";

async fn post(provider: &IndependentProvider, more: &[(&str, &str)]) -> Response {
    let mut form = vec![
        ("client_id", IndependentProvider::CLIENT_ID),
        ("client_secret", IndependentProvider::CLIENT_SECRET),
    ];
    form.extend_from_slice(more);
    Http::new()
        .post(format!("{}token", provider.endpoint()))
        .form(&form)
        .send()
        .await
        .unwrap()
}

async fn introspect(provider: &IndependentProvider, token: &Value) -> Value {
    let form = [("token", token.as_str().unwrap())];
    Http::new()
        .post(provider.introspection_url())
        .form(&form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_code_flow_with_pkce_and_a_refresh_work_at_an_independent_provider() {
    let scratch =
        std::env::temp_dir().join(format!("postern-independent-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&scratch).unwrap();
    let provider = IndependentProvider::start(&scratch, CALLBACK).unwrap();

    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    let scope = format!("offline_access {IMAP}");
    let request = [
        ("client_id", IndependentProvider::CLIENT_ID),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("scope", &scope),
        ("state", "some state"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    let authorize_url =
        Url::parse_with_params(&format!("{}authorize", provider.endpoint()), request).unwrap();
    let back = Person::new()
        .consent_at_oidc_provider(&authorize_url, "alice@example.test")
        .await
        .unwrap();
    let parameter = |name: &str| {
        back.query_pairs()
            .find(|(key, _)| key == name)
            .unwrap()
            .1
            .into_owned()
    };
    assert_eq!(parameter("state"), "some state");

    let code = parameter("code");
    let redeem = |verifier| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ]
    };
    let wrong = post(
        &provider,
        &redeem("another-verifier-of-at-least-forty-three-characters"),
    )
    .await;
    assert_eq!(wrong.status(), StatusCode::BAD_REQUEST);
    let tokens: Value = post(&provider, &redeem(VERIFIER))
        .await
        .json()
        .await
        .unwrap();
    let answer = introspect(&provider, &tokens["access_token"]).await;
    assert_eq!(
        (&answer["active"], &answer["sub"]),
        (&true.into(), &"alice@example.test".into()),
        "{tokens}"
    );

    let refresh = [
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens["refresh_token"].as_str().unwrap()),
    ];
    let renewed: Value = post(&provider, &refresh).await.json().await.unwrap();
    assert_eq!(
        introspect(&provider, &renewed["access_token"]).await["active"],
        true,
        "{renewed}"
    );
    assert_ne!(
        renewed["refresh_token"], tokens["refresh_token"],
        "the refresh token is rotated"
    );

    let replay = post(&provider, &refresh).await;
    assert_eq!(replay.status(), StatusCode::BAD_REQUEST);
    assert_eq!(
        introspect(&provider, &renewed["access_token"]).await["active"],
        false
    );
    drop(provider);
    std::fs::remove_dir_all(scratch).unwrap();
}

/// Postern's own consent, sending, renewal and fetching with the independent provider in Microsoft's place, and mail
/// servers that ask that provider about the tokens. One test for both databases, since these mail servers know the
/// provider by its one port.
#[tokio::test]
async fn postern_connects_sends_renews_and_fetches_by_an_independent_provider() {
    let lab = Described::from_env();
    for database in &lab.databases {
        let postern = Postern::start(&lab, &Options::on(*database)).unwrap();
        let scratch = Scratch::create(false).unwrap();
        let port = lab.independent.provider_port;
        let redirect_uri = postern.redirect_uri();
        let provider = IndependentProvider::start_at(port, scratch.path(), &redirect_uri).unwrap();
        whole_way(&lab, &postern, &provider).await;
    }
}

async fn whole_way(lab: &Described, postern: &Postern, provider: &IndependentProvider) {
    let admin = postern.admin().await.unwrap();
    let application = Application {
        endpoint: &provider.endpoint(),
        id: IndependentProvider::CLIENT_ID,
        secret: IndependentProvider::CLIENT_SECRET,
    };
    steps::enter_application(&admin, postern, application)
        .await
        .unwrap();
    let mailbox = format!(
        "independent-{}@{}",
        uuid::Uuid::new_v4().simple(),
        lab.domain
    );
    let servers = (lab.host.as_str(), &lab.independent.mail);
    let outgoing = steps::outgoing_server(&admin, servers, &mailbox)
        .await
        .unwrap();
    let incoming = steps::incoming_server(&admin, servers, &mailbox)
        .await
        .unwrap();
    for (model, id) in [("ir.mail_server", outgoing), ("fetchmail.server", incoming)] {
        let address = steps::consent_address(&admin, model, id).await.unwrap();
        let back = Person::new()
            .consent_at_oidc_provider(&address, &mailbox)
            .await
            .unwrap();
        let page = admin.get(&path_of(&back)).await.unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
        assert_eq!(page.location, format!("/odoo/{model}/{id}"));
    }

    let past = json!({"microsoft_outlook_access_token_expiration": 1});
    let mut used = Vec::new();
    // The first mail goes by the first token; for the others the refresh token is rotated before each, and this
    // provider ends the grant if a used one comes back.
    for round in 1..=3 {
        let letter = json!({
            "subject": format!("Grüße {round}"),
            "email_from": mailbox,
            "email_to": mailbox,
            "body_html": "<p>x</p>",
        });
        let mail = steps::send_mail(&admin, letter).await.unwrap();
        let row = admin.read("mail.mail", mail, &["state", "failure_reason"]);
        let row = row.await.unwrap();
        assert_eq!(row["state"], "sent", "round {round}: {row}");
        let tokens = steps::tokens(&admin, "ir.mail_server", outgoing);
        let tokens = tokens.await.unwrap();
        assert!(
            !used.contains(&tokens.refresh),
            "round {round}: not rotated"
        );
        let access = introspect(provider, &tokens.access.as_str().into()).await;
        assert_eq!(access["active"], true, "round {round}: {access}");
        used.push(tokens.refresh);
        admin
            .write("ir.mail_server", outgoing, past.clone())
            .await
            .unwrap();
    }

    admin
        .button("fetchmail.server", "button_confirm_login", incoming)
        .await
        .unwrap();
    admin
        .write("fetchmail.server", incoming, past)
        .await
        .unwrap();
    let raw = "Subject: from outside\r\nMessage-Id: <1@outside.test>\r\nFrom: x@outside.test\r\n\r\nHello\r\n";
    let lmtp = lab.independent.mail.lmtp;
    deliver(lmtp, "x@outside.test", &mailbox, raw.as_bytes()).unwrap();
    admin
        .button("fetchmail.server", "fetch_mail", incoming)
        .await
        .unwrap();
    let received = json!([[
        ["message_id", "=", "<1@outside.test>"],
        ["subject", "=", "from outside"]
    ]]);
    let count = admin.call("mail.message", "search_count", received).await;
    assert_eq!(count.unwrap(), 1);
    wait_for_three(lab, &mailbox).await;
}

/// The mails sent are in the mailbox beside the one from outside, as another client sees it.
async fn wait_for_three(lab: &Described, mailbox: &str) {
    let mut found = 0;
    for _ in 0..50 {
        let port = lab.independent.mail.imaps;
        let inbox = read_inbox(port, mailbox, &lab.password, &lab.authority).unwrap();
        let sent = "=?utf-8?".to_lowercase();
        let is_ours = |text: &str| text.to_lowercase().contains(&format!("subject: {sent}"));
        found = inbox.iter().filter(|mail| is_ours(&mail.text())).count();
        if found == 3 {
            return;
        }
        // Postfix delivers after it has answered.
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("{found} of the three mails came");
}
