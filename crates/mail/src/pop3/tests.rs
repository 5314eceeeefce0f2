//! POP3 dialogues against scripted servers.

use std::time::Duration;

use secrecy::SecretString;

use super::*;
use crate::server::Encryption;
use crate::test_peer::{Peer, Step, hear, say};
use crate::transport_error::{Cause, Phase, Severity};

fn dialogue(rest: Vec<Step>) -> Vec<Step> {
    let mut steps = vec![say("+OK ready")];
    steps.extend(rest);
    steps
}

async fn session(peer: &Peer, encryption: Encryption) -> Pop3Connection {
    let server = Pop3Server::new(peer.server(encryption));
    Pop3Connection::connect(&server, &peer.trust())
        .await
        .expect("a session")
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn messages_are_listed_read_and_deleted() {
    let peer = Peer::plain(dialogue(vec![
        hear("USER joe"),
        say("+OK"),
        hear("PASS p w"),
        say("+OK in"),
        hear("STAT"),
        say("+OK 2 320"),
        hear("LIST"),
        say("+OK 2 messages\r\n1 120\r\n2 200\r\n."),
        hear("UIDL"),
        say("+OK\r\n1 abc\r\n2 def\r\n."),
        hear("RETR 1"),
        say("+OK 120 octets\r\na: b\r\n\r\n..\r\n..c\r\n."),
        hear("DELE 1"),
        say("+OK"),
        hear("QUIT"),
        say("+OK bye"),
    ]))
    .await;
    let mut pop = session(&peer, Encryption::None).await;
    pop.login("joe", &secret("p w")).await.expect("signed in");
    assert_eq!(pop.stat().await.expect("numbers"), (2, 320));
    assert_eq!(pop.list().await.expect("a list"), [(1, 120), (2, 200)]);
    assert_eq!(
        pop.uidl().await.expect("a list"),
        Some(vec![(1, "abc".to_owned()), (2, "def".to_owned())])
    );
    assert_eq!(
        pop.retr(1).await.expect("a message"),
        b"a: b\r\n\r\n.\r\n.c\r\n"
    );
    pop.dele(1).await.expect("marked");
    pop.quit().await.expect("carried out");
    peer.heard().await;
}

#[tokio::test]
async fn a_server_without_uidl_is_no_error() {
    let peer = Peer::plain(dialogue(vec![
        hear("UIDL"),
        say("-ERR what"),
        hear("LIST"),
        say("+OK\r\n."),
    ]))
    .await;
    let mut pop = session(&peer, Encryption::None).await;
    assert_eq!(pop.uidl().await.expect("an answer"), None);
    assert!(pop.list().await.expect("a list").is_empty());
    peer.heard().await;
}

#[tokio::test]
async fn a_refused_password_is_reported_without_it() {
    let peer = Peer::plain(dialogue(vec![
        hear("USER joe"),
        say("+OK"),
        hear("PASS hunter2"),
        say("-ERR [AUTH] bad command PASS hunter2"),
    ]))
    .await;
    let mut pop = session(&peer, Encryption::None).await;
    let error = pop
        .login("joe", &secret("hunter2"))
        .await
        .expect_err("refused");
    assert!(error.is_auth_refused());
    assert_eq!(error.enhanced(), Some("AUTH"));
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error}");
    peer.heard().await;
}

#[tokio::test]
async fn a_locked_mailbox_is_worth_another_try() {
    let peer = Peer::plain(dialogue(vec![
        hear("USER joe"),
        say("+OK"),
        hear("PASS "),
        say("-ERR [IN-USE] another session is open"),
    ]))
    .await;
    let mut pop = session(&peer, Encryption::None).await;
    let error = pop.login("joe", &secret("pw")).await.expect_err("locked");
    assert_eq!(error.severity(), Severity::Transient);
}

#[tokio::test]
async fn a_token_signs_in_or_is_refused_with_a_comment() {
    let peer = Peer::tls(dialogue(vec![
        hear("AUTH XOAUTH2"),
        say("+ "),
        hear("dXNlcj1qb2UBYXV0aD1CZWFyZXIgdGhlLXRva2VuAQE="),
        say("+OK in"),
    ]))
    .await;
    let mut pop = session(&peer, Encryption::Tls).await;
    pop.xoauth2("joe", &secret("the-token"))
        .await
        .expect("signed in");

    let peer = Peer::tls(dialogue(vec![
        hear("AUTH XOAUTH2"),
        say("+"),
        hear("dXNlcj1qb2UB"),
        say("+ eyJzdGF0dXMiOiI0MDEifQ=="),
        hear(""),
        say("-ERR [AUTH] Authentication failed."),
    ]))
    .await;
    let mut pop = session(&peer, Encryption::Tls).await;
    let error = pop
        .xoauth2("joe", &secret("the-token"))
        .await
        .expect_err("refused");
    assert!(error.is_auth_refused());
    assert_eq!(
        error.challenge().and_then(|c| c.status.as_deref()),
        Some("401")
    );
    peer.heard().await;
}

#[tokio::test]
async fn a_line_that_closes_is_noticed_at_every_step() {
    let peer = Peer::plain(vec![]).await;
    let server = Pop3Server::new(peer.server(Encryption::None));
    let error = Pop3Connection::connect(&server, &peer.trust())
        .await
        .expect_err("closed");
    assert_eq!(error.phase(), Phase::Greeting);
    assert!(matches!(error.cause(), Cause::Closed), "{error}");

    let peer = Peer::plain(dialogue(vec![hear("RETR 1"), say("+OK\r\nhalf a mess")])).await;
    let mut pop = session(&peer, Encryption::None).await;
    let error = pop.retr(1).await.expect_err("closed");
    assert!(matches!(error.cause(), Cause::Closed), "{error}");
    assert!(!pop.is_usable());
    let next = pop.dele(1).await.expect_err("over");
    assert!(matches!(next.cause(), Cause::Unusable), "{next}");
    let last = pop.quit().await.expect_err("nothing was carried out");
    assert_eq!(last.phase(), Phase::Quit);
}

#[tokio::test]
async fn a_message_over_the_limit_ends_the_session() {
    let peer = Peer::plain(dialogue(vec![
        hear("RETR 1"),
        say("+OK\r\n12345\r\n67890\r\n."),
        Step::Hang,
    ]))
    .await;
    let mut server = Pop3Server::new(peer.server(Encryption::None));
    server.max_message_bytes = 10;
    let mut pop = Pop3Connection::connect(&server, &peer.trust())
        .await
        .expect("a session");
    let error = pop.retr(1).await.expect_err("too large");
    assert!(
        matches!(error.cause(), Cause::TooLarge { limit: 10, .. }),
        "{error}"
    );
    assert!(!pop.is_usable());
}

#[tokio::test]
async fn silence_and_nonsense_end_the_session() {
    let peer = Peer::plain(dialogue(vec![hear("STAT"), Step::Hang])).await;
    let mut server = Pop3Server::new(peer.server(Encryption::None));
    server.server.timeouts.command = Duration::from_millis(50);
    let mut pop = Pop3Connection::connect(&server, &peer.trust())
        .await
        .expect("a session");
    let error = pop.stat().await.expect_err("silence");
    assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error}");

    let peer = Peer::plain(vec![say("220 this is SMTP"), Step::Hang]).await;
    let server = Pop3Server::new(peer.server(Encryption::None));
    let error = Pop3Connection::connect(&server, &peer.trust())
        .await
        .expect_err("nonsense");
    assert!(error.to_string().contains("220 this is SMTP"), "{error}");
}

#[tokio::test]
async fn stls_upgrades_or_ends_the_attempt() {
    let peer = Peer::plain(dialogue(vec![
        hear("STLS"),
        say("+OK begin"),
        Step::Secure,
        hear("QUIT"),
        say("+OK"),
    ]))
    .await;
    let pop = session(&peer, Encryption::StartTls).await;
    assert!(pop.is_encrypted());
    pop.quit().await.expect("a farewell");
    peer.heard().await;

    let peer = Peer::plain(dialogue(vec![hear("STLS"), say("-ERR what")])).await;
    let server = Pop3Server::new(peer.server(Encryption::StartTls));
    let error = Pop3Connection::connect(&server, &peer.trust())
        .await
        .expect_err("no downgrade");
    assert!(
        matches!(error.cause(), Cause::StartTlsNotOffered),
        "{error}"
    );
}
