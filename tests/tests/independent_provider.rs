//! The same flow against a provider that is not ours, so that the double does not only agree with itself.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client as Http, Response, StatusCode};
use serde_json::Value;
use tests::identity::IndependentProvider;
use tests::person::Person;
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
