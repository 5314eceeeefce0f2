//! Commands in groups (RFC 2920), of which the last asks for the go-ahead.

use crate::server::Encryption;
use crate::smtp::tests::{connected, dialogue, envelope};
use crate::test_peer::{Peer, Step, hear, say};
use crate::transport_error::{Cause, Phase};

#[tokio::test]
async fn a_server_that_takes_groups_of_commands_gets_them() {
    let mut steps = vec![
        hear("MAIL FROM:<from@a.test>"),
        hear("RCPT TO:<no@b.test>"),
        hear("RCPT TO:<yes@b.test>"),
        hear("DATA"),
        say("250 ok\r\n550 5.1.1 no such user\r\n250 ok\r\n354 go"),
        Step::HearMessage,
        say("250 ok"),
    ];
    // A refused sender: the replies to its recipients belong to nothing that comes later.
    steps.extend([
        hear("MAIL"),
        hear("RCPT"),
        hear("RCPT"),
        hear("DATA"),
        say("550 5.1.8 not you\r\n503 no sender\r\n503 no sender\r\n503 no sender"),
        hear("QUIT"),
        say("221 bye"),
    ]);
    let peer = Peer::plain(dialogue(&["PIPELINING"], steps)).await;
    let mut session = connected(&peer, Encryption::None).await;
    let both = envelope(&["no@b.test", "yes@b.test"]);
    let delivery = session.send(&both, b"a: b\n\nc\n").await.expect("taken");
    let accepted: Vec<bool> = delivery.recipients.iter().map(|r| r.accepted).collect();
    assert_eq!(accepted, [false, true]);
    let error = session.send(&both, b"a: b\n\nc\n").await;
    let error = error.expect_err("the sender is refused");
    assert_eq!(
        (error.phase(), error.enhanced()),
        (Phase::Mail, Some("5.1.8"))
    );
    session.quit().await.expect("still in step");
    peer.heard().await;
}

#[tokio::test]
async fn many_recipients_are_named_in_several_groups() {
    let names: Vec<String> = (1..=120).map(|n| format!("r{n}@b.test")).collect();
    let mut steps = vec![hear("MAIL")];
    let mut left = names.len();
    for room in [49, 50, 50] {
        let named = left.min(room);
        steps.extend((0..named).map(|_| hear("RCPT")));
        let replies = named + usize::from(left == names.len());
        let mut replies = vec!["250 ok"; replies];
        left -= named;
        if left == 0 {
            steps.push(hear("DATA"));
            replies.push("354 go");
        }
        steps.push(say(&replies.join("\r\n")));
    }
    steps.extend([Step::HearMessage, say("250 ok")]);
    let peer = Peer::plain(dialogue(&["PIPELINING"], steps)).await;
    let mut session = connected(&peer, Encryption::None).await;
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let sent = session.send(&envelope(&names), b"a: b\n\nc\n").await;
    assert_eq!(sent.expect("taken").accepted().count(), 120);
    peer.heard().await;
}

#[tokio::test]
async fn a_server_that_says_go_for_nobody_gets_an_empty_text() {
    let peer = Peer::plain(dialogue(
        &["PIPELINING"],
        vec![
            hear("MAIL"),
            hear("RCPT"),
            hear("DATA"),
            say("250 ok\r\n550 5.1.1 never\r\n354 go"),
            hear("."),
            say("554 5.5.1 no valid recipients"),
            hear("QUIT"),
            say("221 bye"),
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::None).await;
    let delivery = session.send(&envelope(&["a@b.test"]), b"a: b\n\nc\n").await;
    assert!(!delivery.expect("the session goes on").is_sent());
    session.quit().await.expect("still in step");
    peer.heard().await;
}

#[tokio::test]
async fn a_session_whose_server_waits_for_a_text_that_does_not_come_is_of_no_use() {
    let peer = Peer::plain(dialogue(
        &["PIPELINING"],
        vec![
            hear("MAIL"),
            hear("RCPT"),
            hear("DATA"),
            say("250 ok\r\n250 ok\r\n354 go"),
            Step::Hang,
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::None).await;
    let prepared = session.prepare(&envelope(&["a@b.test"]), b"x").await;
    drop(prepared.expect("accepted"));
    assert!(!session.is_usable());
    // Nothing is said that the server would take for the text.
    let error = session.send(&envelope(&["a@b.test"]), b"x").await;
    assert!(matches!(
        error.expect_err("of no use").cause(),
        Cause::Unusable
    ));
    drop(session);
    assert_eq!(peer.heard().await.last().map(String::as_str), Some("DATA"));
}
