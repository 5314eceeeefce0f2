//! Refresh tokens, the proof of the application, and introspection.

use reqwest::{Client as Http, StatusCode};
use std::time::Duration;
use tests::identity::{Client, Error, Identity, IdentityConfig, Order, Rotation};

use crate::harness::*;

#[tokio::test]
async fn the_application_has_to_prove_itself() {
    let identity = start();
    let refresh = text(&connect(&identity, SMTP).await, "refresh_token");
    let form = || with_refresh(&refresh, SMTP);
    let wrong = change(form(), "client_secret", "wrong");
    refused(
        post(&identity, "common", &wrong).await,
        401,
        "invalid_client",
        7000215,
    )
    .await;
    let none = change(form(), "client_secret", "");
    refused(
        post(&identity, "common", &none).await,
        401,
        "invalid_client",
        7000218,
    )
    .await;
    let unknown = change(form(), "client_id", "unknown");
    refused(
        post(&identity, "common", &unknown).await,
        400,
        "unauthorized_client",
        700016,
    )
    .await;

    identity.add_secret(APP, "new").unwrap();
    identity.expire_secret(APP, SECRET).unwrap();
    refused(
        post(&identity, "common", &form()).await,
        401,
        "invalid_client",
        7000222,
    )
    .await;
    granted(post(&identity, "common", &change(form(), "client_secret", "new")).await).await;

    identity
        .order(Order::DisableClient {
            client_id: APP.to_owned(),
            disabled: true,
        })
        .unwrap();
    let new = change(form(), "client_secret", "new");
    refused(
        post(&identity, "common", &new).await,
        400,
        "unauthorized_client",
        7000112,
    )
    .await;

    identity.add_client(Client {
        public: true,
        ..Client::new(APP, SECRET, CALLBACK)
    });
    refused(
        post(&identity, "common", &form()).await,
        401,
        "invalid_client",
        700025,
    )
    .await;
    granted(post(&identity, "common", &change(form(), "client_secret", "")).await).await;
}

#[tokio::test]
async fn the_secret_may_come_by_basic_authentication_but_not_twice() {
    let identity = start();
    let refresh = text(&connect(&identity, SMTP).await, "refresh_token");
    let url = format!("{}token", identity.endpoint("common"));
    let encode =
        |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let send = |form: Form<'static>, refresh: String| {
        let request = Http::new()
            .post(&url)
            .basic_auth(encode(APP), Some(encode(SECRET)));
        let mut form: Vec<(&str, String)> = form
            .into_iter()
            .map(|(name, value)| (name, value.to_owned()))
            .collect();
        form.push(("refresh_token", refresh));
        async move { request.form(&form).send().await.unwrap() }
    };
    granted(
        send(
            vec![("grant_type", "refresh_token"), ("scope", SMTP)],
            refresh.clone(),
        )
        .await,
    )
    .await;
    let twice = vec![("grant_type", "refresh_token"), ("client_secret", SECRET)];
    refused(send(twice, refresh).await, 400, "invalid_request", 90023).await;
}

#[tokio::test]
async fn under_strict_rotation_a_replay_ends_the_whole_grant() {
    let identity = Identity::start(IdentityConfig {
        rotation: Rotation::RevokeOld,
        ..config()
    })
    .unwrap();
    let first = text(&connect(&identity, SMTP).await, "refresh_token");
    let renewed = granted(post(&identity, "common", &with_refresh(&first, SMTP)).await).await;
    let (second, access) = (
        text(&renewed, "refresh_token"),
        text(&renewed, "access_token"),
    );
    assert_eq!(introspect(&identity, &access).await["active"], true);

    refused(
        post(&identity, "common", &with_refresh(&first, SMTP)).await,
        400,
        "invalid_grant",
        70000,
    )
    .await;
    refused(
        post(&identity, "common", &with_refresh(&second, SMTP)).await,
        400,
        "invalid_grant",
        70000,
    )
    .await;
    assert_eq!(introspect(&identity, &access).await["active"], false);
    assert_eq!(identity.counters().replays, 1);
}

#[tokio::test]
async fn introspection_finds_expired_void_and_made_up_tokens_inactive() {
    let identity = start();
    identity.set_access_token_lifetime(Duration::from_secs(60));
    let tokens = connect(&identity, IMAP).await;
    assert_eq!(tokens["expires_in"], 60);
    let access = text(&tokens, "access_token");
    assert_eq!(introspect(&identity, &access).await["active"], true);
    assert_eq!(
        introspect(&identity, "made-up").await,
        serde_json::json!({"active": false})
    );
    identity.advance_clock(Duration::from_secs(60));
    assert_eq!(introspect(&identity, &access).await["active"], false);

    let minted = identity.mint_access_token(ALICE, APP, IMAP).unwrap();
    assert_eq!(introspect(&identity, &minted).await["scope"], IMAP);
    identity.expire_access_tokens(ALICE).unwrap();
    assert_eq!(introspect(&identity, &minted).await["active"], false);
    let refresh = text(&tokens, "refresh_token");
    granted(post(&identity, "common", &with_refresh(&refresh, IMAP)).await).await;

    let stranger = Http::new()
        .post(format!("{}/introspect", identity.base_url()))
        .basic_auth("dovecot", Some("guess"));
    let answer = stranger.form(&[("token", &minted)]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn revoked_grants_ask_for_a_new_sign_in() {
    let identity = start();
    let tokens = connect(&identity, SMTP).await;
    identity.revoke_grants(ALICE).unwrap();
    let refresh = text(&tokens, "refresh_token");
    refused(
        post(&identity, "common", &with_refresh(&refresh, SMTP)).await,
        400,
        "invalid_grant",
        50173,
    )
    .await;
    assert_eq!(
        introspect(&identity, &text(&tokens, "access_token")).await["active"],
        false
    );
    connect(&identity, SMTP).await;
    assert!(matches!(
        identity.revoke_grants("nobody@example.test"),
        Err(Error::UnknownUser(_))
    ));
}
