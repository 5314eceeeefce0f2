//! Passwords and tokens, taken and refused.

use crate::server::Encryption;
use crate::smtp::tests::{connected, dialogue, opening, password, token};
use crate::test_peer::{Peer, hear, say};
use crate::transport_error::Cause;

const CHALLENGE: &str = "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0=";

#[tokio::test]
async fn a_refused_token_brings_the_comment_and_the_verdict() {
    let peer = Peer::tls(dialogue(
        &["AUTH XOAUTH2"],
        vec![
            hear("AUTH XOAUTH2 "),
            say(&format!("334 {CHALLENGE}")),
            hear(""),
            say("535 5.7.8 Error: authentication failed: the-token is no good"),
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::Tls).await;
    let error = session
        .authenticate(&token("joe@x.test"))
        .await
        .expect_err("refused");
    assert!(error.is_auth_refused());
    assert_eq!((error.code(), error.enhanced()), (Some(535), Some("5.7.8")));
    let challenge = error.challenge().expect("a comment");
    assert_eq!(challenge.status.as_deref(), Some("401"));
    assert_eq!(challenge.scope.as_deref(), Some("mail"));
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("the-token"), "{shown}");
    assert_eq!(peer.heard().await[2], "");
}

#[tokio::test]
async fn a_token_is_not_sent_in_clear_nor_to_a_server_that_does_not_take_it() {
    let peer = Peer::plain(dialogue(&["AUTH XOAUTH2"], vec![])).await;
    let mut session = connected(&peer, Encryption::None).await;
    let error = session
        .authenticate(&token("joe"))
        .await
        .expect_err("in clear");
    assert!(matches!(error.cause(), Cause::TokenInClear), "{error}");
    assert_eq!(peer.heard().await.len(), 1);

    let peer = Peer::tls(dialogue(&["AUTH PLAIN LOGIN"], vec![])).await;
    let mut session = connected(&peer, Encryption::Tls).await;
    let error = session
        .authenticate(&token("joe"))
        .await
        .expect_err("not offered");
    assert!(error.to_string().contains("PLAIN, LOGIN"), "{error}");
    assert_eq!(peer.heard().await.len(), 1);
}

#[tokio::test]
async fn a_password_uses_the_best_mechanism_on_offer() {
    let cases = [
        (
            "PLAIN LOGIN",
            vec![hear("AUTH PLAIN AGpvZQBwdw=="), say("235 ok")],
        ),
        (
            "LOGIN",
            vec![
                hear("AUTH LOGIN"),
                say("334 VXNlcm5hbWU6"),
                hear("am9l"),
                say("334 UGFzc3dvcmQ6"),
                hear("cHc="),
                say("235 ok"),
            ],
        ),
        (
            "PLAIN CRAM-MD5",
            vec![
                hear("AUTH CRAM-MD5"),
                say("334 PDFAYi50ZXN0Pg=="),
                hear("am9lI"),
                say("235 ok"),
            ],
        ),
        // It does not know what it offers: the next one is tried.
        (
            "PLAIN LOGIN",
            vec![
                hear("AUTH PLAIN "),
                say("504 5.5.4 unknown mechanism"),
                hear("AUTH LOGIN"),
                say("334 "),
                hear("am9l"),
                say("334 "),
                hear("cHc="),
                say("235 ok"),
            ],
        ),
    ];
    for (offer, rest) in cases {
        let peer = Peer::plain(dialogue(&[&format!("AUTH {offer}")], rest)).await;
        let mut session = connected(&peer, Encryption::None).await;
        session
            .authenticate(&password("joe", "pw"))
            .await
            .expect("signed in");
        peer.heard().await;
    }
}

#[tokio::test]
async fn a_refused_password_is_not_tried_again() {
    let peer = Peer::tls(dialogue(
        &["AUTH PLAIN LOGIN"],
        vec![
            hear("AUTH PLAIN "),
            say("535 5.7.8 wrong: hunter2 (AGpvZQBodW50ZXIy)"),
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::Tls).await;
    let error = session
        .authenticate(&password("joe", "hunter2"))
        .await
        .expect_err("refused");
    assert!(error.is_auth_refused());
    let shown = error.to_string();
    assert!(
        !shown.contains("hunter2") && !shown.contains("AGpvZQ"),
        "{shown}"
    );
    assert_eq!(peer.heard().await.len(), 2);
}

#[tokio::test]
async fn credentials_without_an_offer_of_auth_are_an_error() {
    let peer = Peer::plain(opening(&[])).await;
    let mut session = connected(&peer, Encryption::None).await;
    let error = session
        .authenticate(&password("joe", "pw"))
        .await
        .expect_err("no AUTH");
    assert!(
        matches!(error.cause(), Cause::NoMechanism { .. }),
        "{error}"
    );
    assert_eq!(peer.heard().await.len(), 1);
}
