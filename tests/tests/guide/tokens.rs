//! The life of tokens after the guide: renewal, rotation, refusal, and what a person is told.

use serde_json::{Value, json};
use tests::identity::{Rotation, TokenRequest, fingerprint};
use tests::lab::Database;
use tests::rpc_client::Refusal;
use tests::steps::{self, Tokens};

use crate::Tour;
use crate::letters::{send_from_outside, wait_for};

const OUTGOING: &str = "ir.mail_server";
const INCOMING: &str = "fetchmail.server";

/// Everything that happens to a connected mailbox in its later life.
pub async fn live(database: Database) {
    let Some(tour) = Tour::start(database).await else {
        return;
    };
    let server = tour.outgoing().await;
    // The strictest provider: a refresh token is good once, and using it twice ends the grant.
    let control = &tour.lab.identity.control;
    control.set_rotation(Rotation::RevokeOld).await.unwrap();
    expired_here(&tour, server).await;
    refused_there(&tour, server).await;
    one_renewal_for_many(&tour, server).await;
    incoming(&tour).await;
    wrong_secret(&tour, server).await;
    revoked(&tour, server).await;
    assert_no_secrets_in_the_log(&tour, server).await;
    control.set_rotation(Rotation::default()).await.unwrap();
}

async fn tokens(tour: &Tour, server: i64) -> Tokens {
    steps::tokens(&tour.admin, OUTGOING, server).await.unwrap()
}

/// Lets the stored access token end before its time by Postern's clock.
async fn expire(tour: &Tour, model: &str, server: i64) {
    let past = chrono::Utc::now().timestamp() - 60;
    let values = json!({"microsoft_outlook_access_token_expiration": past});
    tour.admin.write(model, server, values).await.unwrap();
}

fn letter(tour: &Tour) -> Value {
    json!({
        "subject": "once more",
        "email_from": tour.mailbox,
        "email_to": "discarded@discard.test",
        "body_html": "<p>x</p>",
    })
}

/// Sends a mail; state and reason of a failure.
async fn send(tour: &Tour) -> (Value, String) {
    let mail = steps::send_mail(&tour.admin, letter(tour)).await.unwrap();
    outcome(tour, mail).await
}

async fn outcome(tour: &Tour, mail: i64) -> (Value, String) {
    let mut row = tour
        .admin
        .read("mail.mail", mail, &["state", "failure_reason"])
        .await
        .unwrap();
    let reason = row["failure_reason"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    (row["state"].take(), reason)
}

#[track_caller]
fn assert_sent((state, reason): (Value, String)) {
    assert_eq!((state, reason.as_str()), ("sent".into(), ""));
}

/// The refreshes that the double saw with this refresh token.
async fn refreshes_with(tour: &Tour, refresh_token: &str) -> Vec<TokenRequest> {
    let mut seen = tour.lab.identity.control.token_requests().await.unwrap();
    let wanted = fingerprint(refresh_token);
    seen.retain(|request| {
        request.grant_type.as_deref() == Some("refresh_token")
            && request.refresh_token.as_ref() == Some(&wanted)
    });
    seen
}

async fn expired_here(tour: &Tour, server: i64) {
    let first = tokens(tour, server).await;
    assert_sent(send(tour).await);
    assert_eq!(tokens(tour, server).await, first, "a good token is kept");
    let mut before = first;
    for round in 1..=2 {
        expire(tour, OUTGOING, server).await;
        assert_sent(send(tour).await);
        let after = tokens(tour, server).await;
        assert_ne!(after.access, before.access, "round {round}");
        let seen = refreshes_with(tour, &before.refresh).await;
        let given: Vec<_> = seen
            .iter()
            .map(|seen| seen.new_refresh_token.clone())
            .collect();
        assert_eq!(
            given,
            [Some(fingerprint(&after.refresh))],
            "round {round}: {seen:?}"
        );
        let scope = seen[0].scope.as_deref();
        assert_eq!(
            scope,
            Some("offline_access https://outlook.office.com/SMTP.Send")
        );
        assert!(after.expires > chrono::Utc::now().timestamp() + 3000);
        before = after;
    }
}

/// The mail server turns a token down that by its time is good: it is renewed once, and the mail goes.
async fn refused_there(tour: &Tour, server: i64) {
    let before = tokens(tour, server).await;
    let control = &tour.lab.identity.control;
    control.expire_access_tokens(&tour.mailbox).await.unwrap();
    // A session that is kept need not sign in again; after a few seconds without mails it is gone.
    tokio::time::sleep(std::time::Duration::from_secs(8)).await;
    assert_sent(send(tour).await);
    let after = tokens(tour, server).await;
    assert_ne!(after.access, before.access);
    assert_eq!(refreshes_with(tour, &before.refresh).await.len(), 1);
    control.expire_access_tokens(&tour.mailbox).await.unwrap();
    let action = tour
        .admin
        .button(OUTGOING, "test_smtp_connection", server)
        .await;
    assert_eq!(action.unwrap()["params"]["type"], "success");
}

async fn one_renewal_for_many(tour: &Tour, server: i64) {
    let before = tokens(tour, server).await;
    expire(tour, OUTGOING, server).await;
    let (one, two, three, four) = tokio::join!(send(tour), send(tour), send(tour), send(tour));
    for outcome in [one, two, three, four] {
        assert_sent(outcome);
    }
    let seen = refreshes_with(tour, &before.refresh).await;
    assert_eq!(seen.len(), 1, "the refresh token was shown more than once");
    assert_eq!(
        seen[0].new_refresh_token,
        Some(fingerprint(&tokens(tour, server).await.refresh))
    );
}

async fn incoming(tour: &Tour) {
    let Tour { admin, lab, .. } = tour;
    let server = steps::incoming_server(admin, (&lab.host, &lab.mail), &tour.mailbox)
        .await
        .unwrap();
    let page = steps::connect(admin, INCOMING, server, &tour.mailbox)
        .await
        .unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    let count = async || {
        let domain = json!([[["message_type", "=", "email"]]]);
        admin
            .call("mail.message", "search_count", domain)
            .await
            .unwrap()
    };
    let sender = "stranger@outside.test";
    send_from_outside(lab, sender, &tour.mailbox, &json!({"subject": "one"}));
    wait_for(lab, &tour.mailbox, 1);
    expire(tour, INCOMING, server).await;
    admin.button(INCOMING, "fetch_mail", server).await.unwrap();
    assert_eq!(
        count().await,
        1,
        "an expired token is renewed before the fetch"
    );

    send_from_outside(lab, sender, &tour.mailbox, &json!({"subject": "two"}));
    wait_for(lab, &tour.mailbox, 2);
    let control = &lab.identity.control;
    control.expire_access_tokens(&tour.mailbox).await.unwrap();
    admin.button(INCOMING, "fetch_mail", server).await.unwrap();
    assert_eq!(
        count().await,
        2,
        "a refused token is renewed within the fetch"
    );
}

/// The refusal of a test of the connection.
async fn refusal(tour: &Tour, server: i64) -> Refusal {
    let answer = tour
        .admin
        .button(OUTGOING, "test_smtp_connection", server)
        .await;
    answer.unwrap_err().refusal()
}

async fn wrong_secret(tour: &Tour, server: i64) {
    let Tour { admin, lab, .. } = tour;
    let key = "microsoft_outlook_client_secret";
    admin.set_param(key, "a-wrong-secret").await.unwrap();
    expire(tour, OUTGOING, server).await;
    let before = tokens(tour, server).await;
    let told = refusal(tour, server).await;
    assert_eq!(told.name, "odoo.exceptions.UserError");
    assert_explained(&told.message);
    let mail = steps::send_mail(admin, letter(tour)).await.unwrap();
    let (state, failure) = outcome(tour, mail).await;
    assert_eq!(state, "exception", "{failure}");
    assert_explained(&failure);
    assert_eq!(
        tokens(tour, server).await,
        before,
        "a failure keeps the tokens"
    );

    admin
        .set_param(key, &lab.identity.client_secret)
        .await
        .unwrap();
    admin
        .call("mail.mail", "action_retry", json!([[mail]]))
        .await
        .unwrap();
    admin
        .call("mail.mail", "send", json!([[mail]]))
        .await
        .unwrap();
    assert_sent(outcome(tour, mail).await);
}

/// Checks that a message names the provider's number, what is wrong and what to do, and never the secret.
#[track_caller]
fn assert_explained(message: &str) {
    for part in ["AADSTS7000215", "client secret", "settings"] {
        assert!(message.contains(part), "{part} is missing in: {message}");
    }
    assert!(!message.contains("a-wrong-secret"), "{message}");
}

async fn revoked(tour: &Tour, server: i64) {
    let control = &tour.lab.identity.control;
    control.revoke_grants(&tour.mailbox).await.unwrap();
    expire(tour, OUTGOING, server).await;
    let told = refusal(tour, server).await;
    assert!(told.message.contains("AADSTS50173"), "{told:?}");
    assert!(
        told.message.contains("connect the mailbox again"),
        "{told:?}"
    );
    let page = steps::connect(&tour.admin, OUTGOING, server, &tour.mailbox)
        .await
        .unwrap();
    assert_eq!(page.status, 303, "{}", page.body);
    assert_sent(send(tour).await);
}

async fn assert_no_secrets_in_the_log(tour: &Tour, server: i64) {
    let log = tour.postern.log();
    assert!(
        log.contains("access token renewed"),
        "the log tells of renewals"
    );
    let tokens = tokens(tour, server).await;
    let parts = [
        &tokens.access[..40],
        &tokens.refresh[..40],
        &tour.lab.identity.client_secret,
        "a-wrong-secret",
        tests::postern::ADMIN_PASSWORD,
    ];
    for (index, secret) in parts.iter().enumerate() {
        assert!(!log.contains(secret), "secret {index} is in the log");
    }
}
