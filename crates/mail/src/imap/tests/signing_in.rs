//! Tokens and passwords, taken and refused.

use super::*;

const CHALLENGE: &str = "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIiwic2NvcGUiOiJtYWlsIn0=";

#[tokio::test]
async fn a_refused_token_brings_the_comment_and_the_verdict() {
    for (offers, start) in [
        (
            "AUTH=XOAUTH2",
            vec![
                hear("P1 AUTHENTICATE XOAUTH2"),
                say("+ "),
                hear("dXNlcj1qb2UBYXV0aD1CZWFyZXIgdGhlLXRva2VuAQE="),
            ],
        ),
        (
            "AUTH=XOAUTH2 SASL-IR",
            vec![hear(
                "P1 AUTHENTICATE XOAUTH2 dXNlcj1qb2UBYXV0aD1CZWFyZXIgdGhlLXRva2VuAQE=",
            )],
        ),
    ] {
        let mut rest = start;
        rest.extend([
            say(&format!("+ {CHALLENGE}")),
            hear(""),
            say("P1 NO [AUTHENTICATIONFAILED] Authentication failed for the-token."),
        ]);
        let peer = Peer::tls(dialogue(offers, rest)).await;
        let mut imap = session(&peer, Encryption::Tls).await;
        let error = imap
            .xoauth2("joe", &secret("the-token"))
            .await
            .expect_err("refused");
        assert!(error.is_auth_refused());
        assert_eq!(error.enhanced(), Some("AUTHENTICATIONFAILED"));
        let challenge = error.challenge().expect("a comment");
        assert_eq!(challenge.status.as_deref(), Some("401"));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("the-token"), "{shown}");
        assert_eq!(peer.heard().await.last().map(String::as_str), Some(""));
    }
}

#[tokio::test]
async fn a_token_signs_in_and_an_unavailable_server_is_no_refusal() {
    let peer = Peer::tls(dialogue(
        "AUTH=XOAUTH2",
        vec![
            hear("P1 AUTHENTICATE XOAUTH2"),
            say("* CAPABILITY IMAP4rev1\r\n+"),
            hear("dXNlcj1qb2UB"),
            say("P1 OK [CAPABILITY IMAP4rev1 IDLE] Logged in"),
        ],
    ))
    .await;
    let mut imap = session(&peer, Encryption::Tls).await;
    imap.xoauth2("joe", &secret("t")).await.expect("signed in");

    let peer = Peer::tls(dialogue(
        "AUTH=XOAUTH2 SASL-IR",
        vec![
            hear("P1 AUTHENTICATE XOAUTH2 "),
            say("P1 NO [UNAVAILABLE] Temporary authentication failure."),
        ],
    ))
    .await;
    let mut imap = session(&peer, Encryption::Tls).await;
    let error = imap
        .xoauth2("joe", &secret("t"))
        .await
        .expect_err("not now");
    assert!(!error.is_auth_refused());
    assert_eq!(error.severity(), Severity::Transient);
}

#[tokio::test]
async fn a_token_is_not_sent_in_clear() {
    let peer = Peer::plain(dialogue("AUTH=XOAUTH2", vec![])).await;
    let mut imap = session(&peer, Encryption::None).await;
    let error = imap
        .xoauth2("joe", &secret("t"))
        .await
        .expect_err("in clear");
    assert!(matches!(error.cause(), Cause::TokenInClear), "{error}");
    assert!(peer.heard().await.is_empty());
}

#[tokio::test]
async fn a_password_outside_of_ascii_travels_as_a_literal() {
    let peer = Peer::plain(dialogue(
        "",
        vec![
            hear("P1 LOGIN {3}"),
            say("+ go"),
            hear("joe {9}"),
            say("+ go"),
            hear("s3cret é"),
            say("P1 OK in"),
        ],
    ))
    .await;
    let mut imap = session(&peer, Encryption::None).await;
    imap.login("joe", &secret("s3cret é"))
        .await
        .expect("signed in");
    peer.heard().await;
}

#[tokio::test]
async fn credentials_cannot_smuggle_in_a_command_and_a_ban_on_login_is_respected() {
    let peer = Peer::plain(dialogue("", vec![])).await;
    let mut imap = session(&peer, Encryption::None).await;
    let error = imap
        .login("joe", &secret("x\r\nP2 LOGOUT"))
        .await
        .expect_err("a line break");
    assert!(matches!(error.cause(), Cause::InvalidInput(_)), "{error}");
    assert!(peer.heard().await.is_empty());

    let peer = Peer::plain(dialogue("LOGINDISABLED STARTTLS", vec![])).await;
    let mut imap = session(&peer, Encryption::None).await;
    let error = imap
        .login("joe", &secret("x"))
        .await
        .expect_err("not in clear");
    assert!(
        matches!(error.cause(), Cause::NoMechanism { .. }),
        "{error}"
    );
    assert!(peer.heard().await.is_empty());
}
