//! Faults on demand, what is noted, and the control API.

use reqwest::header::RETRY_AFTER;
use reqwest::{Client as Http, StatusCode};
use serde_json::Value;
use std::time::Duration;
use tests::identity::{
    Client, Control, Endpoint, Error, Fault, FaultOrder, HOME_TENANT, Identity, IdentityConfig,
    Rotation, User, fingerprint,
};
use tests::person::{Decision, Person};

use crate::harness::*;

#[tokio::test]
async fn each_refresh_brings_a_new_token_and_the_old_one_stays_good_by_default() {
    let identity = start();
    let first = text(&connect(&identity, SMTP).await, "refresh_token");
    let second = text(
        &granted(post(&identity, "common", &with_refresh(&first, IMAP)).await).await,
        "refresh_token",
    );
    assert_ne!(first, second);
    granted(post(&identity, "common", &with_refresh(&first, IMAP)).await).await;
    granted(post(&identity, "common", &with_refresh(&second, IMAP)).await).await;

    identity.advance_clock(Duration::from_secs(91 * 24 * 3600));
    refused(
        post(&identity, "common", &with_refresh(&second, IMAP)).await,
        400,
        "invalid_grant",
        700082,
    )
    .await;
}

#[tokio::test]
async fn faults_strike_as_often_and_where_they_were_ordered() {
    let identity = start();
    let refresh = text(&connect(&identity, SMTP).await, "refresh_token");
    let send = || async { post(&identity, "common", &with_refresh(&refresh, SMTP)).await };

    identity.queue_fault(FaultOrder::next(2, Fault::aadsts(50196)));
    identity.queue_fault(FaultOrder::next(1, Fault::too_many_requests(7)));
    refused(send().await, 400, "invalid_grant", 50196).await;
    refused(send().await, 400, "invalid_grant", 50196).await;
    let limited = send().await;
    assert_eq!(limited.headers()[RETRY_AFTER], "7");
    refused(limited, 429, "temporarily_unavailable", 90055).await;
    granted(send().await).await;

    identity.queue_fault(FaultOrder::next(1, Fault::aadsts(700082)).on_refresh());
    connect(&identity, SMTP).await;
    refused(send().await, 400, "invalid_grant", 700082).await;

    identity.queue_fault(FaultOrder::next(1, Fault::unavailable()));
    let page = send().await;
    assert_eq!(page.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(page.json::<Value>().await.is_err());

    identity.queue_fault(FaultOrder::next(1, Fault::NoRefreshToken));
    assert!(granted(send().await).await.get("refresh_token").is_none());

    identity.queue_fault(FaultOrder::next(9, Fault::Drop));
    identity.clear_faults();
    granted(send().await).await;

    identity.queue_fault(FaultOrder::next(1, Fault::aadsts(90094)).at(Endpoint::Authorize));
    let back = consent(&authorize_url(&identity, "common", &[])).await;
    assert_eq!(parameter(&back, "error"), "access_denied");
    assert!(parameter(&back, "error_description").starts_with("AADSTS90094: "));
}

#[tokio::test]
async fn slow_hanging_and_dropped_answers_are_what_they_say() {
    let identity = start();
    let refresh = text(&connect(&identity, SMTP).await, "refresh_token");
    let url = format!("{}token", identity.endpoint("common"));
    let send = |patience: u64| {
        let request = Http::new()
            .post(&url)
            .timeout(Duration::from_millis(patience));
        request.form(&with_refresh(&refresh, SMTP)).send()
    };

    identity.queue_fault(FaultOrder::next(2, Fault::Slow { millis: 400 }));
    assert!(send(100).await.unwrap_err().is_timeout());
    granted(send(10_000).await.unwrap()).await;

    identity.queue_fault(FaultOrder::next(1, Fault::Hang));
    assert!(send(300).await.unwrap_err().is_timeout());

    let before = identity.counters().refreshes;
    identity.queue_fault(FaultOrder::next(1, Fault::Drop));
    let dropped = send(10_000).await.unwrap_err();
    assert!(dropped.is_request() && !dropped.is_timeout(), "{dropped:?}");
    assert_eq!(
        identity.counters().refreshes,
        before,
        "nothing has happened"
    );

    identity.queue_fault(FaultOrder::next(1, Fault::AnswerLost));
    assert!(!send(10_000).await.unwrap_err().is_timeout());
    assert_eq!(
        identity.counters().refreshes,
        before + 1,
        "the tokens were given out"
    );
    let outcome = identity.token_requests().pop().unwrap().outcome;
    assert_eq!(outcome, "fault: AnswerLost; ok");
}

#[tokio::test]
async fn a_faulty_introspection_reaches_the_mail_server() {
    let identity = start();
    identity.queue_fault(FaultOrder::next(1, Fault::unavailable()).at(Endpoint::Introspect));
    let ask = || {
        Http::new()
            .post(identity.introspection_url())
            .form(&[("token", "x")])
            .send()
    };
    assert_eq!(
        ask().await.unwrap().status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn token_requests_are_noted_without_their_secrets() {
    let identity = start();
    let tokens = connect(&identity, SMTP).await;
    let refresh = text(&tokens, "refresh_token");
    post(
        &identity,
        HOME_TENANT,
        &change(with_refresh(&refresh, SMTP), "client_secret", "guess"),
    )
    .await;

    let seen = identity.token_requests();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].grant_type.as_deref(), Some("authorization_code"));
    assert_eq!(seen[0].code_verifier, Some(fingerprint(VERIFIER)));
    assert_eq!(seen[0].client_secret, Some(fingerprint(SECRET)));
    assert_eq!(
        (seen[0].tenant.as_str(), seen[0].outcome.as_str()),
        ("common", "ok")
    );
    assert_eq!(seen[0].new_refresh_token, seen[1].refresh_token);
    assert_eq!(
        (seen[1].tenant.as_str(), seen[1].outcome.as_str()),
        (HOME_TENANT, "AADSTS7000215")
    );
    let written = serde_json::to_string(&seen).unwrap();
    for secret in [SECRET, VERIFIER, "guess", refresh.as_str()] {
        assert!(!written.contains(secret));
    }
}

#[tokio::test]
async fn another_process_controls_it_by_address_and_key() {
    let identity = start();
    let control = identity.control();
    control
        .add_user(User::new("bob@example.test"))
        .await
        .unwrap();
    control
        .add_client(Client::new("second", "x", CALLBACK))
        .await
        .unwrap();
    control
        .add_redirect_uri("second", "http://127.0.0.1:10/")
        .await
        .unwrap();
    control.add_secret("second", "y").await.unwrap();
    control.expire_secret("second", "x").await.unwrap();
    control.set_access_token_lifetime(5).await.unwrap();
    control.set_rotation(Rotation::RevokeOld).await.unwrap();
    control
        .queue_fault(FaultOrder::next(1, Fault::aadsts(90033)))
        .await
        .unwrap();
    let token = control
        .mint_access_token("bob@example.test", "second", SMTP)
        .await
        .unwrap();
    assert_eq!(
        introspect(&identity, &token).await["sub"],
        "bob@example.test"
    );
    control.advance_clock(6).await.unwrap();
    assert_eq!(introspect(&identity, &token).await["active"], false);

    let url = authorize_url(
        &identity,
        "common",
        &[
            ("client_id", "second"),
            ("redirect_uri", "http://127.0.0.1:10/"),
        ],
    );
    let back = Person::new()
        .consent_at_double(&url, "bob@example.test", Decision::Yes)
        .await
        .unwrap();
    let code = parameter(&back, "code");
    let form = change(
        with_code(&code, SMTP),
        "redirect_uri",
        "http://127.0.0.1:10/",
    );
    let form = change(change(form, "client_id", "second"), "client_secret", "y");
    refused(
        post(&identity, "common", &form).await,
        503,
        "temporarily_unavailable",
        90033,
    )
    .await;
    granted(post(&identity, "common", &form).await).await;
    assert_eq!(
        control.token_requests().await.unwrap(),
        identity.token_requests()
    );
    assert_eq!(control.counters().await.unwrap(), identity.counters());
    control.forget_token_requests().await.unwrap();
    assert!(identity.token_requests().is_empty());

    control.revoke_grants("bob@example.test").await.unwrap();
    assert!(matches!(
        control.revoke_grants("nobody").await,
        Err(Error::Refused(_))
    ));
    assert!(matches!(
        control.add_secret("nobody", "x").await,
        Err(Error::Refused(_))
    ));
    let intruder = Control {
        key: "guess".to_owned(),
        ..control
    };
    assert!(
        matches!(intruder.counters().await, Err(Error::Refused(reason)) if reason.contains("control key"))
    );
}

#[tokio::test]
async fn dropped_it_frees_its_port_at_once() {
    let identity = start();
    let (address, url) = (identity.address(), identity.base_url());
    identity.queue_fault(FaultOrder::next(1, Fault::Hang));
    let token_url = format!("{}token", identity.endpoint("common"));
    let hanging = tokio::spawn(
        Http::new()
            .post(token_url)
            .form(&[("grant_type", "x")])
            .send(),
    );
    while identity.counters().faults == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let begin = std::time::Instant::now();
    drop(identity);
    assert!(
        begin.elapsed() < Duration::from_secs(2),
        "took {:?}",
        begin.elapsed()
    );
    assert!(hanging.await.unwrap().is_err());
    assert!(reqwest::get(url).await.unwrap_err().is_connect());
    Identity::start(IdentityConfig {
        listen: Some(address),
        ..config()
    })
    .unwrap();
}
