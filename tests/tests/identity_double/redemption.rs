//! Codes: what they are exchanged for, once, by whom.

use std::time::Duration;
use tests::identity::{Client, HOME_TENANT, Identity, IdentityConfig};
use tests::person::{Decision, Person};

use crate::harness::*;

#[tokio::test]
async fn a_code_with_pkce_brings_tokens_that_introspection_knows() {
    let identity = start();
    let back = consent(&authorize_url(&identity, "common", &[])).await;
    assert!(back.as_str().starts_with(CALLBACK));
    assert_eq!(parameter(&back, "state"), "a state & more");

    let code = parameter(&back, "code");
    let tokens = granted(post(&identity, "common", &with_code(&code, SMTP)).await).await;
    assert_eq!(tokens["token_type"], "Bearer");
    assert_eq!(tokens["scope"], SMTP);
    assert_eq!(tokens["expires_in"], 3600);
    assert_eq!(tokens["ext_expires_in"], 3600);

    let answer = introspect(&identity, &text(&tokens, "access_token")).await;
    assert_eq!(answer["active"], true);
    assert_eq!(answer["sub"], ALICE);
    assert_eq!(answer["scope"], SMTP);
    assert_eq!(answer["client_id"], APP);
    assert!(answer["exp"].as_i64().unwrap() > answer["iat"].as_i64().unwrap());

    let refresh = text(&tokens, "refresh_token");
    let answer = introspect(&identity, &refresh).await;
    assert_eq!(
        answer,
        serde_json::json!({"active": false}),
        "a refresh token opens no mailbox"
    );
    let counters = identity.counters();
    assert_eq!(
        (counters.pages, counters.consents, counters.codes_redeemed),
        (1, 1, 1)
    );
}

#[tokio::test]
async fn without_offline_access_no_refresh_token_comes() {
    let identity = start();
    let url = authorize_url(&identity, "common", &[("scope", SMTP)]);
    let code = parameter(&consent(&url).await, "code");
    let tokens = granted(post(&identity, "common", &with_code(&code, SMTP)).await).await;
    assert!(tokens.get("refresh_token").is_none());
}

#[tokio::test]
async fn a_single_tenant_application_is_refused_at_the_common_endpoint() {
    let identity = start();
    identity.add_client(Client::new(APP, SECRET, CALLBACK).single_tenant(HOME_TENANT));
    let error = Person::new()
        .consent_at_double(
            &authorize_url(&identity, "common", &[]),
            ALICE,
            Decision::Yes,
        )
        .await;
    assert!(error.unwrap_err().to_string().contains("AADSTS50194"));

    let code = parameter(
        &consent(&authorize_url(&identity, HOME_TENANT, &[])).await,
        "code",
    );
    refused(
        post(&identity, "common", &with_code(&code, SMTP)).await,
        400,
        "invalid_request",
        50194,
    )
    .await;
    let tokens = granted(post(&identity, HOME_TENANT, &with_code(&code, SMTP)).await).await;
    let refresh = text(&tokens, "refresh_token");
    refused(
        post(&identity, "organizations", &with_refresh(&refresh, SMTP)).await,
        400,
        "invalid_request",
        50194,
    )
    .await;
    granted(post(&identity, HOME_TENANT, &with_refresh(&refresh, SMTP)).await).await;
}

#[tokio::test]
async fn a_code_is_good_once_for_its_client_redirect_uri_and_verifier() {
    let identity = start();
    identity.add_client(Client::new("other", "other-secret", CALLBACK));
    let code = code(&identity).await;
    let form = || with_code(&code, SMTP);
    let other = change(
        change(form(), "client_id", "other"),
        "client_secret",
        "other-secret",
    );
    refused(
        post(&identity, "common", &other).await,
        400,
        "invalid_grant",
        70000,
    )
    .await;
    let elsewhere = change(form(), "redirect_uri", "http://127.0.0.1:9/");
    refused(
        post(&identity, "common", &elsewhere).await,
        401,
        "invalid_client",
        500112,
    )
    .await;
    let wrong = change(form(), "code_verifier", "another-verifier");
    refused(
        post(&identity, "common", &wrong).await,
        400,
        "invalid_grant",
        501481,
    )
    .await;
    let none = change(form(), "code_verifier", "");
    refused(
        post(&identity, "common", &none).await,
        400,
        "invalid_grant",
        501481,
    )
    .await;
    let unknown = change(form(), "code", "made-up");
    refused(
        post(&identity, "common", &unknown).await,
        400,
        "invalid_grant",
        70000,
    )
    .await;

    granted(post(&identity, "common", &form()).await).await;
    refused(
        post(&identity, "common", &form()).await,
        400,
        "invalid_grant",
        54005,
    )
    .await;
}

#[tokio::test]
async fn a_verifier_without_a_challenge_is_refused_and_neither_is_fine() {
    let identity = start();
    let url = authorize_url(
        &identity,
        "common",
        &[("code_challenge", ""), ("code_challenge_method", "")],
    );
    let code = parameter(&consent(&url).await, "code");
    refused(
        post(&identity, "common", &with_code(&code, SMTP)).await,
        400,
        "invalid_grant",
        501481,
    )
    .await;
    let plain = change(with_code(&code, SMTP), "code_verifier", "");
    granted(post(&identity, "common", &plain).await).await;
}

#[tokio::test]
async fn a_code_expires_after_ten_minutes() {
    let identity = start();
    let (fresh, stale) = (code(&identity).await, code(&identity).await);
    identity.advance_clock(Duration::from_secs(590));
    granted(post(&identity, "common", &with_code(&fresh, SMTP)).await).await;
    identity.advance_clock(Duration::from_secs(11));
    refused(
        post(&identity, "common", &with_code(&stale, SMTP)).await,
        400,
        "invalid_grant",
        70008,
    )
    .await;
}

#[tokio::test]
async fn a_code_of_one_tenant_is_not_for_another() {
    let identity = Identity::start(IdentityConfig {
        tenants: vec!["fabrikam.test".to_owned()],
        ..config()
    })
    .unwrap();
    let code = code(&identity).await;
    refused(
        post(&identity, "fabrikam.test", &with_code(&code, SMTP)).await,
        400,
        "invalid_grant",
        700005,
    )
    .await;
    granted(post(&identity, HOME_TENANT, &with_code(&code, SMTP)).await).await;
}

#[tokio::test]
async fn a_token_request_names_scopes_of_one_resource_and_only_consented_ones() {
    let identity = start();
    let url = authorize_url(
        &identity,
        "common",
        &[("scope", &format!("offline_access {SMTP} {GRAPH}"))],
    );
    let code = parameter(&consent(&url).await, "code");
    let both = format!("{SMTP} {GRAPH}");
    refused(
        post(&identity, "common", &with_code(&code, &both)).await,
        400,
        "invalid_request",
        28000,
    )
    .await;
    refused(
        post(&identity, "common", &with_code(&code, IMAP)).await,
        400,
        "invalid_grant",
        65001,
    )
    .await;
    refused(
        post(&identity, "common", &with_code(&code, "nonsense")).await,
        400,
        "invalid_scope",
        70011,
    )
    .await;
    let without = change(with_code(&code, SMTP), "scope", "");
    let tokens = granted(post(&identity, "common", &without).await).await;
    assert_eq!(tokens["scope"], SMTP, "the first resource of the consent");

    let refresh = text(&tokens, "refresh_token");
    refused(
        post(&identity, "common", &with_refresh(&refresh, &both)).await,
        400,
        "invalid_request",
        28000,
    )
    .await;
    let graph = granted(post(&identity, "common", &with_refresh(&refresh, GRAPH)).await).await;
    assert_eq!(
        graph["scope"], GRAPH,
        "a refresh token works across resources"
    );
    assert_eq!(
        introspect(&identity, &text(&graph, "access_token")).await["aud"],
        "https://graph.microsoft.com/"
    );
}

#[tokio::test]
async fn malformed_token_requests_are_named() {
    let identity = start();
    refused(
        post(&identity, "common", &[("client_id", APP)]).await,
        400,
        "invalid_request",
        900144,
    )
    .await;
    let device = [
        ("client_id", APP),
        ("client_secret", SECRET),
        ("grant_type", "password"),
    ];
    refused(
        post(&identity, "common", &device).await,
        400,
        "unsupported_grant_type",
        70003,
    )
    .await;
    let mut twice = with_code("x", SMTP);
    twice.push(("code", "y"));
    refused(
        post(&identity, "common", &twice).await,
        400,
        "invalid_request",
        9000411,
    )
    .await;
    let get = reqwest::get(format!("{}token", identity.endpoint("common")))
        .await
        .unwrap();
    refused(get, 400, "invalid_request", 900561).await;
    refused(
        post(&identity, "nowhere", &with_code("x", SMTP)).await,
        400,
        "invalid_request",
        90002,
    )
    .await;
}
