//! The authorize endpoint: who is asked, who is refused, and where the browser is sent.

use reqwest::{Client as Http, StatusCode};
use tests::identity::{Audience, Client, HOME_TENANT, User};
use tests::person::{Decision, Error as PersonError, Person};

use crate::harness::*;

#[tokio::test]
async fn the_sign_in_page_is_prefilled_and_escapes_what_it_repeats() {
    let identity = start();
    let url = authorize_url(
        &identity,
        "common",
        &[("login_hint", "\"><b>x"), ("state", "<script>")],
    );
    let page = reqwest::get(url).await.unwrap().text().await.unwrap();
    assert!(
        page.contains("name=\"account\" value=\"&quot;&gt;&lt;b&gt;x\""),
        "{page}"
    );
    assert!(page.contains("value=\"&lt;script&gt;\""), "{page}");
    assert!(page.contains(SMTP));
}

#[tokio::test]
async fn a_declined_consent_goes_back_with_access_denied() {
    let identity = start();
    let url = authorize_url(&identity, "common", &[]);
    let back = Person::new()
        .consent_at_double(&url, ALICE, Decision::No)
        .await
        .unwrap();
    assert_eq!(parameter(&back, "error"), "access_denied");
    assert!(parameter(&back, "error_description").starts_with("AADSTS65004: "));
    assert_eq!(parameter(&back, "state"), "a state & more");
    assert_eq!(identity.counters().declines, 1);
}

#[tokio::test]
async fn an_untrusted_request_ends_on_an_error_page_and_never_at_the_redirect_uri() {
    let identity = start();
    let slash = format!("{CALLBACK}/");
    let cases = [
        ("common", ("redirect_uri", slash.as_str()), 50011),
        (
            "common",
            (
                "redirect_uri",
                "http://127.0.0.1:9/Microsoft_outlook/confirm",
            ),
            50011,
        ),
        ("common", ("client_id", "another"), 700016),
        ("common", ("response_type", ""), 900144),
        ("common", ("client_id", ""), 900144),
        (
            "00000000-0000-0000-0000-000000000000",
            ("client_id", APP),
            90002,
        ),
    ];
    for (tenant, change, number) in cases {
        let url = authorize_url(&identity, tenant, &[change]);
        let answer = Http::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap()
            .get(url);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{change:?}");
        let page = answer.text().await.unwrap();
        assert!(
            page.contains(&format!("AADSTS{number}: ")),
            "{change:?}: {page}"
        );
    }
}

#[tokio::test]
async fn a_wrong_wish_goes_back_to_the_application_as_an_error() {
    let identity = start();
    let cases: [(Changes<'_>, &str, u32); 8] = [
        (
            &[("response_type", "token")],
            "unsupported_response_type",
            700054,
        ),
        (&[("response_mode", "fragment")], "invalid_request", 70007),
        (
            &[("scope", "https://outlook.office.com/Fly")],
            "invalid_client",
            650053,
        ),
        (
            &[("scope", "https://elsewhere.test/Mail")],
            "invalid_scope",
            70011,
        ),
        (&[("prompt", "none")], "login_required", 50058),
        (&[("prompt", "perhaps")], "invalid_request", 90023),
        (
            &[("code_challenge_method", "plain")],
            "invalid_request",
            501491,
        ),
        (&[("code_challenge", "short")], "invalid_request", 501491),
    ];
    for (changes, error, number) in cases {
        let back = consent(&authorize_url(&identity, "common", changes)).await;
        assert_eq!(parameter(&back, "error"), error, "{changes:?}");
        assert!(
            parameter(&back, "error_description").starts_with(&format!("AADSTS{number}: ")),
            "{changes:?}"
        );
        assert_eq!(parameter(&back, "state"), "a state & more");
    }
}

#[tokio::test]
async fn an_account_that_does_not_belong_stays_on_the_sign_in_page() {
    let identity = start();
    identity.add_user(User {
        disabled: true,
        ..User::new("gone@example.test")
    });
    let cases = [
        ("common", "nobody@example.test", 50034),
        ("common", "gone@example.test", 50057),
        ("organizations", "pat@outlook.test", 50020),
        (HOME_TENANT, "pat@outlook.test", 50020),
        ("consumers", ALICE, 50020),
    ];
    for (tenant, account, number) in cases {
        let url = authorize_url(&identity, tenant, &[]);
        match Person::new()
            .consent_at_double(&url, account, Decision::Yes)
            .await
        {
            Err(PersonError::Page { text, .. }) => {
                assert!(text.contains(&format!("AADSTS{number}")), "{text}")
            }
            other => panic!("{account} at {tenant}: {other:?}"),
        }
    }
    let url = authorize_url(&identity, "consumers", &[]);
    let back = Person::new()
        .consent_at_double(&url, "PAT@outlook.test", Decision::Yes)
        .await
        .unwrap();
    assert!(!parameter(&back, "code").is_empty());
}

#[tokio::test]
async fn the_endpoint_must_fit_the_audience_of_the_application() {
    let identity = start();
    let mut client = Client::new(APP, SECRET, CALLBACK);
    for (audience, tenant, number) in [
        (Audience::Organizations, "consumers", 9002332),
        (Audience::Personal, "common", 9002331),
        (
            Audience::SingleTenant("fabrikam.test".to_owned()),
            HOME_TENANT,
            700016,
        ),
    ] {
        client.audience = audience;
        identity.add_client(client.clone());
        let answer = reqwest::get(authorize_url(&identity, tenant, &[]))
            .await
            .unwrap();
        let page = answer.text().await.unwrap();
        assert!(page.contains(&format!("AADSTS{number}: ")), "{page}");
    }
}
