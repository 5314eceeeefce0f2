//! Connecting: greeting, EHLO, TLS, and what goes wrong there.

use std::time::Duration;

use crate::server::{Encryption, Server, Timeouts};
use crate::smtp::tests::{connect, connected, dialogue, opening, token};
use crate::smtp::{Capabilities, SmtpConnection, SmtpServer};
use crate::test_peer::{Authority, Peer, Step, hear, say};
use crate::tls::ClientIdentity;
use crate::transport_error::{Cause, Phase, Severity};

#[tokio::test]
async fn starttls_upgrades_and_counts_only_the_offers_under_tls() {
    let peer = Peer::plain(dialogue(
        &["STARTTLS", "AUTH PLAIN LOGIN"],
        vec![
            hear("STARTTLS"),
            say("220 go ahead"),
            Step::Secure,
            hear("EHLO [127.0.0.1]"),
            say("250-mail.example.test\r\n250 AUTH XOAUTH2"),
            hear("AUTH XOAUTH2 dXNlcj1qb2UBYXV0aD1CZWFyZXIgdGhlLXRva2VuAQE="),
            say("235 2.7.0 welcome"),
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::StartTls).await;
    assert!(session.is_encrypted());
    assert_eq!(session.capabilities().auth, ["XOAUTH2"]);
    session
        .authenticate(&token("joe"))
        .await
        .expect("signed in");
    peer.heard().await;
}

#[tokio::test]
async fn starttls_that_is_not_offered_ends_the_attempt() {
    let peer = Peer::plain(dialogue(&["AUTH PLAIN"], vec![])).await;
    let error = connect(&peer, Encryption::StartTls)
        .await
        .expect_err("no downgrade");
    assert_eq!(error.phase(), Phase::StartTls);
    assert!(
        matches!(error.cause(), Cause::StartTlsNotOffered),
        "{error}"
    );
    assert_eq!(error.severity(), Severity::Permanent);
    assert_eq!(peer.heard().await, ["EHLO [127.0.0.1]"]);
}

#[tokio::test]
async fn a_reply_smuggled_in_before_the_handshake_is_noticed() {
    let peer = Peer::plain(dialogue(
        &["STARTTLS"],
        vec![
            hear("STARTTLS"),
            say("220 go ahead\r\n250-forged\r\n250 AUTH PLAIN"),
            Step::Hang,
        ],
    ))
    .await;
    let error = connect(&peer, Encryption::StartTls)
        .await
        .expect_err("injected");
    assert!(matches!(error.cause(), Cause::StartTlsInjection), "{error}");
}

#[tokio::test]
async fn a_refusal_instead_of_a_greeting_is_reported_as_such() {
    let peer = Peer::plain(vec![say("554 5.7.1 you are listed")]).await;
    let error = connect(&peer, Encryption::None).await.expect_err("refused");
    assert_eq!((error.phase(), error.code()), (Phase::Greeting, Some(554)));
}

#[tokio::test]
async fn a_server_without_ehlo_is_greeted_with_helo() {
    let peer = Peer::plain(vec![
        say("220 old"),
        hear("EHLO [127.0.0.1]"),
        say("502 what"),
        hear("HELO [127.0.0.1]"),
        say("250"),
    ])
    .await;
    let session = connected(&peer, Encryption::None).await;
    assert_eq!(session.capabilities(), &Capabilities::default());
    peer.heard().await;
}

#[tokio::test]
async fn a_server_that_says_nothing_is_given_up() {
    let peer = Peer::plain(vec![Step::Hang]).await;
    let mut server = peer.server(Encryption::None);
    server.timeouts = Timeouts::all(Duration::from_millis(50));
    let error = SmtpConnection::connect(&SmtpServer::new(server), &peer.trust())
        .await
        .expect_err("silence");
    assert_eq!(error.phase(), Phase::Greeting);
    assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error}");
}

#[tokio::test]
async fn nonsense_and_endless_replies_are_refused() {
    for nonsense in ["hello there", "999 x", "250-a\r\n251 b", &"2".repeat(5000)] {
        let peer = Peer::plain(vec![say(nonsense), Step::Hang]).await;
        let error = connect(&peer, Encryption::None)
            .await
            .expect_err("nonsense");
        assert!(
            matches!(error.cause(), Cause::Garbled(_)),
            "{nonsense}: {error}"
        );
    }
    let endless = vec!["220-x"; 200].join("\r\n");
    let peer = Peer::plain(vec![say(&endless), Step::Hang]).await;
    let error = connect(&peer, Encryption::None).await.expect_err("endless");
    assert!(matches!(error.cause(), Cause::Garbled(_)), "{error}");
}

#[tokio::test]
async fn an_unknown_authority_and_a_port_without_tls_are_explained() {
    let peer = Peer::tls(vec![]).await;
    let target = SmtpServer::new(peer.server(Encryption::Tls));
    let error = SmtpConnection::connect(&target, &Authority::new().trust())
        .await
        .expect_err("not trusted");
    assert_eq!(
        (error.phase(), error.severity()),
        (Phase::Tls, Severity::Permanent)
    );
    assert!(error.to_string().contains("--tls-ca"), "{error}");

    let peer = Peer::plain(vec![say("220 in clear"), Step::Hang]).await;
    let error = connect(&peer, Encryption::Tls).await.expect_err("no TLS");
    assert_eq!(error.phase(), Phase::Tls);
    assert!(
        error.entry().advice().to_string().contains("STARTTLS"),
        "{error}"
    );
}

#[tokio::test]
async fn a_certificate_is_checked_against_the_host_that_was_asked_for() {
    let peer = Peer::tls(vec![]).await;
    let mut server = peer.server(Encryption::Tls);
    server.host = "localhost".to_owned();
    let error = SmtpConnection::connect(&SmtpServer::new(server), &peer.trust())
        .await
        .expect_err("the certificate is for 127.0.0.1");
    assert!(
        error.entry().advice().to_string().contains("name"),
        "{error}"
    );
}

#[tokio::test]
async fn a_closed_port_and_an_unknown_host_are_explained() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let trust = Authority::new().trust();
    let closed = SmtpServer::new(Server::new("127.0.0.1", port, Encryption::None));
    let error = SmtpConnection::connect(&closed, &trust)
        .await
        .expect_err("closed");
    assert_eq!(error.phase(), Phase::Connect);
    assert!(
        error.to_string().contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
    assert!(
        error.entry().advice().to_string().contains("port"),
        "{error}"
    );

    let unknown = SmtpServer::new(Server::new("no-such-host.invalid", 25, Encryption::None));
    let error = SmtpConnection::connect(&unknown, &trust)
        .await
        .expect_err("unknown");
    assert_eq!(error.phase(), Phase::Resolve);
}

#[tokio::test]
async fn a_client_certificate_goes_along() {
    let peer = Peer::tls(opening(&[])).await;
    let (certificate, key) = Authority::new().issue();
    let target = SmtpServer {
        identity: Some(
            ClientIdentity::from_pem(certificate.as_bytes(), key.as_bytes()).expect("a pair"),
        ),
        ..SmtpServer::new(peer.server(Encryption::Tls))
    };
    SmtpConnection::connect(&target, &peer.trust())
        .await
        .expect("a session");
    peer.heard().await;
}
