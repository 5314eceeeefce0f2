//! What the tests share: a double with one application, requests to it and checks of its answers.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client as Http, Response, StatusCode};
use serde_json::Value;
use tests::identity::{Client, Identity, IdentityConfig, User};
use tests::person::{Decision, Person};
use url::Url;

pub const APP: &str = "11111111-2222-4333-8444-555555555555";
pub const SECRET: &str = "s3cr~t & =+%";
pub const CALLBACK: &str = "http://127.0.0.1:9/microsoft_outlook/confirm";
pub const ALICE: &str = "alice@example.test";
pub const SMTP: &str = "https://outlook.office.com/SMTP.Send";
pub const IMAP: &str = "https://outlook.office.com/IMAP.AccessAsUser.All";
pub const GRAPH: &str = "https://graph.microsoft.com/Mail.Send";
pub const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters-0123";

/// Parameters to be sent in place of the usual ones.
pub type Changes<'a> = &'a [(&'a str, &'a str)];
pub type Form<'a> = Vec<(&'a str, &'a str)>;

pub fn config() -> IdentityConfig {
    IdentityConfig {
        clients: vec![Client::new(APP, SECRET, CALLBACK)],
        users: vec![User::new(ALICE), User::personal("pat@outlook.test")],
        ..IdentityConfig::default()
    }
}

pub fn start() -> Identity {
    Identity::start(config()).unwrap()
}

pub fn challenge() -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()))
}

/// The authorize URL for all scopes with PKCE; each of `changes` replaces a parameter or, when empty, leaves it out.
pub fn authorize_url(identity: &Identity, tenant: &str, changes: &[(&str, &str)]) -> Url {
    let scope = format!("offline_access {SMTP} {IMAP} {GRAPH}");
    let challenge = challenge();
    let usual = [
        ("client_id", APP),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("response_mode", "query"),
        ("scope", &scope),
        ("state", "a state & more"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("login_hint", ALICE),
    ];
    let mut url = Url::parse(&format!("{}authorize", identity.endpoint(tenant))).unwrap();
    let changed = |name: &str| {
        changes
            .iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| *value)
    };
    for (name, value) in usual
        .iter()
        .map(|(name, value)| (*name, changed(name).unwrap_or(value)))
    {
        if !value.is_empty() {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    for (name, value) in changes
        .iter()
        .filter(|(name, _)| !usual.iter().any(|(key, _)| key == name))
    {
        url.query_pairs_mut().append_pair(name, value);
    }
    url
}

pub async fn consent(url: &Url) -> Url {
    Person::new()
        .consent_at_double(url, ALICE, Decision::Yes)
        .await
        .unwrap()
}

pub fn parameter(url: &Url, name: &str) -> String {
    let found = url.query_pairs().find(|(key, _)| key == name);
    found
        .unwrap_or_else(|| panic!("no {name} in {url}"))
        .1
        .into_owned()
}

pub async fn code(identity: &Identity) -> String {
    parameter(
        &consent(&authorize_url(identity, "common", &[])).await,
        "code",
    )
}

pub async fn post(identity: &Identity, tenant: &str, form: &[(&str, &str)]) -> Response {
    let url = format!("{}token", identity.endpoint(tenant));
    Http::new().post(url).form(form).send().await.unwrap()
}

pub fn with_code<'a>(code: &'a str, scope: &'a str) -> Form<'a> {
    vec![
        ("grant_type", "authorization_code"),
        ("client_id", APP),
        ("client_secret", SECRET),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
        ("code", code),
        ("scope", scope),
    ]
}

pub fn with_refresh<'a>(token: &'a str, scope: &'a str) -> Form<'a> {
    vec![
        ("grant_type", "refresh_token"),
        ("client_id", APP),
        ("client_secret", SECRET),
        ("refresh_token", token),
        ("scope", scope),
    ]
}

pub fn change<'a>(mut form: Form<'a>, name: &'a str, value: &'a str) -> Form<'a> {
    form.retain(|(key, _)| *key != name);
    if !value.is_empty() {
        form.push((name, value));
    }
    form
}

/// Tokens for the first time.
pub async fn connect(identity: &Identity, scope: &str) -> Value {
    let code = code(identity).await;
    granted(post(identity, "common", &with_code(&code, scope)).await).await
}

pub async fn granted(response: Response) -> Value {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    assert_eq!(status, StatusCode::OK, "{body}");
    body
}

/// Checks a refusal and the whole of Microsoft's shape around it.
pub async fn refused(response: Response, status: u16, error: &str, number: u32) {
    assert_eq!(response.headers()["content-type"], "application/json");
    let got = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["error_codes"], serde_json::json!([number]), "{body}");
    assert_eq!(
        (got, body["error"].as_str().unwrap()),
        (status, error),
        "{body}"
    );
    let (trace, correlation, timestamp) = (
        text(&body, "trace_id"),
        text(&body, "correlation_id"),
        text(&body, "timestamp"),
    );
    let description = text(&body, "error_description");
    assert!(
        description.starts_with(&format!("AADSTS{number}: ")),
        "{description}"
    );
    let ids = format!("Trace ID: {trace} Correlation ID: {correlation} Timestamp: {timestamp}");
    assert!(description.ends_with(&ids), "{description}");
    assert!(text(&body, "error_uri").ends_with(&format!("code={number}")));
}

pub fn text(body: &Value, name: &str) -> String {
    body[name]
        .as_str()
        .unwrap_or_else(|| panic!("no {name} in {body}"))
        .to_owned()
}

pub async fn introspect(identity: &Identity, token: &str) -> Value {
    let answer = Http::new()
        .post(identity.introspection_url())
        .form(&[("token", token)])
        .send()
        .await
        .unwrap();
    answer.json().await.unwrap()
}
