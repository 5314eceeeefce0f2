//! IMAP dialogues against scripted servers.

mod signing_in;

use std::time::Duration;

use secrecy::SecretString;

use super::*;
use crate::server::Encryption;
use crate::test_peer::{Peer, Step, hear, say};
use crate::transport_error::{Cause, Phase, Severity, TransportError};

/// A greeting that tells the capabilities, so that nothing needs to be asked.
fn dialogue(offers: &str, rest: Vec<Step>) -> Vec<Step> {
    let offers = format!("IMAP4rev1 {offers}");
    let mut steps = vec![say(&format!("* OK [CAPABILITY {}] ready", offers.trim()))];
    steps.extend(rest);
    steps
}

async fn session(peer: &Peer, encryption: Encryption) -> ImapConnection {
    let server = ImapServer::new(peer.server(encryption));
    ImapConnection::connect(&server, &peer.trust())
        .await
        .expect("a session")
}

fn secret(text: &str) -> SecretString {
    SecretString::from(text)
}

#[tokio::test]
async fn a_mailbox_is_opened_searched_measured_read_and_marked() {
    let peer = Peer::plain(vec![
        say("* OK ready"),
        hear("P1 CAPABILITY"),
        say("* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nP1 OK done"),
        hear("P2 LOGIN \"joe\" \"p\\\"w\""),
        say("P2 OK in"),
        hear("P3 SELECT \"INBOX\""),
        say("* 3 EXISTS\r\n* 0 RECENT\r\n* FLAGS (\\Seen)\r\n* OK [UIDVALIDITY 17] ok"),
        say("* OK [UIDNEXT 10] ok\r\nP3 OK [READ-WRITE] done"),
        hear("P4 UID SEARCH UNSEEN"),
        say("* SEARCH 9 4\r\nP4 OK done"),
        hear("P5 UID SEARCH UID 5:*"),
        say("* SEARCH 4 9\r\nP5 OK done"),
        hear("P6 UID FETCH 4,9 (UID RFC822.SIZE FLAGS)"),
        say("* 3 FETCH (UID 9 RFC822.SIZE 9 FLAGS ())\r\n* 1 FETCH (FLAGS (\\Seen))"),
        say("* 2 FETCH (UID 4 RFC822.SIZE 300 FLAGS (\\Seen $x \\Deleted))\r\nP6 OK done"),
        hear("P7 UID FETCH 9 (UID BODY.PEEK[]<0.67108865>)"),
        say("* 2 FETCH (FLAGS (\\Seen) UID 4)\r\n* 3 FETCH (UID 9 BODY[]<0> {9}\r\na: b\r\n\r\nc)\r\nP7 OK done"),
        hear("P8 UID STORE 9 +FLAGS.SILENT (\\Seen)"),
        say("P8 OK done"),
        hear("P9 UID STORE 4,9 -FLAGS.SILENT (\\Seen)"),
        say("P9 OK done"),
        hear("P10 LOGOUT"),
        say("* BYE\r\nP10 OK done"),
    ])
    .await;
    let mut imap = session(&peer, Encryption::None).await;
    imap.login("joe", &secret("p\"w")).await.expect("signed in");
    let mailbox = imap.select("INBOX").await.expect("open");
    assert_eq!(
        (mailbox.exists, mailbox.uid_validity, mailbox.uid_next),
        (3, Some(17), Some(10))
    );
    assert_eq!(imap.search_unseen().await.expect("found"), [4, 9]);
    assert_eq!(imap.uids_from(5).await.expect("found"), [9]);
    let sizes = imap.sizes(&[9, 4]).await.expect("measured");
    assert_eq!(
        sizes
            .iter()
            .map(|m| (m.uid, m.size, m.seen, m.deleted))
            .collect::<Vec<_>>(),
        [(4, 300, true, true), (9, 9, false, false)]
    );
    let message = imap.fetch(9).await.expect("read").expect("there");
    assert_eq!(message, b"a: b\r\n\r\nc");
    imap.mark_seen(&[9]).await.expect("marked");
    imap.unmark_seen(&[9, 4]).await.expect("marked");
    imap.logout().await;
    peer.heard().await;
}

#[tokio::test]
async fn a_message_that_is_gone_is_none_and_no_uids_ask_nothing() {
    let peer = Peer::plain(dialogue(
        "",
        vec![hear("P1 UID FETCH 7 "), say("P1 OK nothing there")],
    ))
    .await;
    let mut imap = session(&peer, Encryption::None).await;
    assert_eq!(imap.fetch(7).await.expect("an answer"), None);
    assert!(imap.sizes(&[]).await.expect("nothing").is_empty());
    imap.mark_seen(&[]).await.expect("nothing");
    peer.heard().await;
}

#[tokio::test]
async fn no_and_bad_surface_for_every_command_and_the_session_goes_on() {
    let peer = Peer::plain(dialogue(
        "",
        vec![
            hear("P1 SELECT"),
            say("P1 NO [NONEXISTENT] no such mailbox"),
            hear("P2 UID SEARCH"),
            say("P2 BAD what"),
            hear("P3 UID FETCH 1 (UID RFC822.SIZE"),
            say("P3 NO [SERVERBUG] internal error"),
            hear("P4 UID FETCH 1 (UID BODY"),
            say("P4 NO some of the messages could not be read"),
            hear("P5 UID STORE 1 +FLAGS"),
            say("P5 NO [NOPERM] read only"),
            hear("P6 NOOP"),
            say("P6 OK"),
        ],
    ))
    .await;
    let mut imap = session(&peer, Encryption::None).await;
    let refusals: [(TransportError, Phase, &str, Option<&str>); 5] = [
        (
            imap.select("x").await.expect_err("NO"),
            Phase::Select,
            "NO",
            Some("NONEXISTENT"),
        ),
        (
            imap.search_unseen().await.expect_err("BAD"),
            Phase::Search,
            "BAD",
            None,
        ),
        (
            imap.sizes(&[1]).await.expect_err("NO"),
            Phase::Fetch,
            "NO",
            Some("SERVERBUG"),
        ),
        (
            imap.fetch(1).await.expect_err("NO"),
            Phase::Fetch,
            "NO",
            None,
        ),
        (
            imap.mark_seen(&[1]).await.expect_err("NO"),
            Phase::Store,
            "NO",
            Some("NOPERM"),
        ),
    ];
    for (error, phase, status, code) in refusals {
        assert_eq!(error.phase(), phase);
        assert_eq!(
            error.reply().map(|r| r.status.as_str()),
            Some(status),
            "{error}"
        );
        assert_eq!(error.enhanced(), code, "{error}");
    }
    assert!(imap.is_usable());
    imap.noop().await.expect("still there");
    peer.heard().await;
}

#[tokio::test]
async fn a_session_that_the_server_ends_is_an_error_of_its_own() {
    let peer = Peer::plain(dialogue(
        "",
        vec![
            hear("P1 UID SEARCH"),
            say("* BYE Session invalidated - AccessTokenExpired"),
        ],
    ))
    .await;
    let mut imap = session(&peer, Encryption::None).await;
    let error = imap.search_unseen().await.expect_err("the end");
    assert!(
        matches!(error.cause(), Cause::Bye(text) if text.contains("AccessTokenExpired")),
        "{error}"
    );
    assert_eq!(error.severity(), Severity::Transient);
    let next = imap.noop().await.expect_err("over");
    assert!(matches!(next.cause(), Cause::Unusable), "{next}");

    let peer = Peer::plain(vec![say("* BYE too busy")]).await;
    let server = ImapServer::new(peer.server(Encryption::None));
    let error = ImapConnection::connect(&server, &peer.trust())
        .await
        .expect_err("busy");
    assert_eq!(error.phase(), Phase::Greeting);
    assert!(matches!(error.cause(), Cause::Bye(_)), "{error}");
}

#[tokio::test]
async fn a_message_over_the_limit_is_refused_and_the_session_goes_on() {
    let peer = Peer::plain(dialogue(
        "",
        vec![
            hear("P1 UID FETCH 1 (UID BODY.PEEK[]<0.11>)"),
            say("* 1 FETCH (UID 1 BODY[]<0> {11}\r\n12345678901)\r\nP1 OK done"),
            hear("P2 NOOP"),
            say("P2 OK"),
        ],
    ))
    .await;
    let mut server = ImapServer::new(peer.server(Encryption::None));
    server.max_message_bytes = 10;
    let mut imap = ImapConnection::connect(&server, &peer.trust())
        .await
        .expect("a session");
    let error = imap.fetch(1).await.expect_err("too large");
    assert!(
        matches!(error.cause(), Cause::TooLarge { limit: 10, .. }),
        "{error}"
    );
    assert_eq!(error.severity(), Severity::Permanent);
    imap.noop().await.expect("in step");
    peer.heard().await;
}

#[tokio::test]
async fn a_server_that_sends_more_than_it_was_asked_for_is_cut_off() {
    let peer = Peer::plain(dialogue(
        "",
        vec![
            hear("P1 UID FETCH"),
            say("* 1 FETCH (UID 1 BODY[] {400000000}"),
            Step::Hang,
        ],
    ))
    .await;
    let mut server = ImapServer::new(peer.server(Encryption::None));
    server.max_message_bytes = 10;
    let mut imap = ImapConnection::connect(&server, &peer.trust())
        .await
        .expect("a session");
    let error = imap.fetch(1).await.expect_err("too large");
    assert!(
        matches!(
            error.cause(),
            Cause::TooLarge {
                size: Some(400_000_000),
                ..
            }
        ),
        "{error}"
    );
    assert!(!imap.is_usable());
}

#[tokio::test]
async fn silence_a_dropped_line_and_nonsense_end_the_session() {
    let peer = Peer::plain(dialogue("", vec![hear("P1 NOOP"), Step::Hang])).await;
    let mut server = ImapServer::new(peer.server(Encryption::None));
    server.server.timeouts.command = Duration::from_millis(50);
    let mut imap = ImapConnection::connect(&server, &peer.trust())
        .await
        .expect("a session");
    let error = imap.noop().await.expect_err("silence");
    assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error}");
    assert!(!imap.is_usable());

    let peer = Peer::plain(dialogue(
        "",
        vec![hear("P1 NOOP"), say("* 1 FETCH (UID 1 BODY[] {9}\r\nabc")],
    ))
    .await;
    let mut imap = session(&peer, Encryption::None).await;
    let error = imap.noop().await.expect_err("dropped");
    assert!(matches!(error.cause(), Cause::Closed), "{error}");

    let peer = Peer::plain(dialogue(
        "",
        vec![hear("P1 NOOP"), say("<html>secret mail</html>"), Step::Hang],
    ))
    .await;
    let mut imap = session(&peer, Encryption::None).await;
    let error = imap.noop().await.expect_err("nonsense");
    assert!(matches!(error.cause(), Cause::Garbled(_)), "{error}");
    assert!(
        !format!("{error} {error:?}").contains("secret mail"),
        "{error}"
    );
}

#[tokio::test]
async fn starttls_upgrades_or_ends_the_attempt() {
    let peer = Peer::plain(dialogue(
        "STARTTLS LOGINDISABLED",
        vec![
            hear("P1 STARTTLS"),
            say("P1 OK begin"),
            Step::Secure,
            hear("P2 CAPABILITY"),
            say("* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\nP2 OK done"),
        ],
    ))
    .await;
    let imap = session(&peer, Encryption::StartTls).await;
    assert!(imap.is_encrypted() && imap.has_capability("AUTH=XOAUTH2"));
    assert!(!imap.has_capability("LOGINDISABLED"));
    peer.heard().await;

    let peer = Peer::plain(dialogue("", vec![])).await;
    let server = ImapServer::new(peer.server(Encryption::StartTls));
    let error = ImapConnection::connect(&server, &peer.trust())
        .await
        .expect_err("no downgrade");
    assert!(
        matches!(error.cause(), Cause::StartTlsNotOffered),
        "{error}"
    );
    assert!(peer.heard().await.is_empty());
}

#[tokio::test]
async fn many_messages_come_with_one_command_and_those_that_came_before_a_break_are_kept() {
    let peer = Peer::plain(dialogue(
        "",
        vec![
            hear("P1 UID FETCH 4:6 (UID BODY.PEEK[])"),
            say("* 1 FETCH (UID 4 BODY[] {4}\r\na: b)\r\n* 2 FETCH (FLAGS (\\Seen) UID 5)"),
            say("* 3 FETCH (UID 6 BODY[] {4}\r\nc: d)\r\n* 9 FETCH (UID 9 BODY[] {1}\r\nx)\r\nP1 OK done"),
            hear("P2 UID FETCH 7:8 (UID BODY.PEEK[])"),
            say("* 4 FETCH (UID 7 BODY[] {4}\r\ne: f)\r\nP2 NO [SERVERBUG] not today"),
        ],
    ))
    .await;
    let mut session = session(&peer, Encryption::None).await;
    let mut messages = Vec::new();
    session
        .fetch_many(&[4, 5, 6], 8, &mut messages)
        .await
        .expect("fetched");
    assert_eq!(messages, [(4, b"a: b".to_vec()), (6, b"c: d".to_vec())]);
    session
        .fetch_many(&[7, 8], 8, &mut messages)
        .await
        .expect_err("the server breaks off");
    assert_eq!(messages.len(), 3);
    assert!(session.is_usable(), "a refusal does not end the session");
}

#[tokio::test]
async fn idle_ends_when_mail_arrives_when_patience_ends_and_when_the_server_leaves() {
    let peer = Peer::plain(dialogue(
        "IDLE",
        vec![
            hear("P1 IDLE"),
            say("+ idling\r\n* OK still here\r\n* 4 EXISTS"),
            hear("DONE"),
            say("P1 OK done"),
            hear("P2 SELECT"),
            say("* 4 EXISTS\r\nP2 OK done"),
            hear("P3 IDLE"),
            say("+ idling"),
            hear("DONE"),
            say("* 3 EXPUNGE\r\nP3 OK done"),
            hear("P4 NOOP"),
            say("* 5 EXISTS\r\nP4 OK done"),
            hear("P5 SELECT"),
            say("* 5 EXISTS\r\nP5 OK done"),
            hear("P6 IDLE"),
            say("+ idling\r\n* BYE the token has expired"),
        ],
    ))
    .await;
    let mut session = session(&peer, Encryption::None).await;
    let long = Duration::from_secs(60);
    assert!(session.idle(long).await.expect("news"));
    session.select("INBOX").await.expect("open");
    let short = Duration::from_millis(50);
    assert!(!session.idle(short).await.expect("no news"));
    session.noop().await.expect("there");
    assert!(
        session.idle(long).await.expect("news that came before"),
        "nothing is said twice"
    );
    session.select("INBOX").await.expect("open");
    let error = session.idle(long).await.expect_err("the server leaves");
    assert!(matches!(error.cause(), Cause::Bye(_)), "{error}");
    assert!(!session.is_usable());
}
