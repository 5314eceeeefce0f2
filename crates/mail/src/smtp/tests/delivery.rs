//! Mails sent, refused, given up, and left in doubt.

use std::time::Duration;

use crate::server::Encryption;
use crate::smtp::tests::{connected, dialogue, envelope, opening};
use crate::smtp::{Envelope, SmtpConnection, SmtpServer};
use crate::test_peer::{Peer, Step, hear, say};
use crate::transport_error::{Cause, Phase, Severity};

#[tokio::test]
async fn a_mail_travels_in_its_wire_form_and_the_session_can_send_another() {
    let one_mail = [
        hear("MAIL FROM:<from@a.test> SIZE=24 BODY=8BITMIME"),
        say("250 2.1.0 ok"),
        hear("RCPT TO:<to@b.test>"),
        say("250 2.1.5 ok"),
        hear("DATA"),
        say("354 go"),
        Step::HearMessage,
        say("250 2.0.0 queued as 4711"),
    ];
    let mut rest = one_mail.to_vec();
    rest.extend(one_mail);
    rest.extend([hear("QUIT"), say("221 bye")]);
    let peer = Peer::plain(dialogue(&["SIZE 1000", "8BITMIME"], rest)).await;
    let mut session = connected(&peer, Encryption::None).await;
    assert_eq!(session.max_size(), Some(1000));
    for _ in 0..2 {
        let delivery = session
            .send(
                &envelope(&["to@b.test"]),
                "Subject: s\n\n.ü\n..b".as_bytes(),
            )
            .await
            .expect("the mail is taken");
        let reply = delivery.reply.expect("a verdict");
        assert_eq!(
            (reply.code, reply.enhanced.as_deref()),
            (Some(250), Some("2.0.0"))
        );
        assert_eq!(reply.text, "queued as 4711");
        assert!(session.is_usable());
    }
    session.quit().await.expect("a farewell");
    let heard = peer.heard().await;
    assert_eq!(heard[4..9], ["Subject: s", "", "..ü", "...b", "."]);
}

#[tokio::test]
async fn one_refused_recipient_does_not_stop_the_others() {
    let peer = Peer::plain(dialogue(
        &["8BITMIME"],
        vec![
            hear("MAIL FROM:<from@a.test>"),
            say("250 ok"),
            hear("RCPT TO:<no@b.test>"),
            say("550-5.1.1 no such user\r\n550 5.1.1 ask the postmaster"),
            hear("RCPT TO:<yes@b.test>"),
            say("250 ok"),
            hear("DATA"),
            say("354 go"),
            Step::HearMessage,
            say("250 ok"),
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::None).await;
    let delivery = session
        .send(&envelope(&["no@b.test", "yes@b.test"]), b"a: b\n\nc\n")
        .await
        .expect("the mail is taken for one");
    assert!(delivery.is_sent());
    let refused: Vec<_> = delivery.refused().collect();
    assert_eq!(refused.len(), 1);
    assert_eq!(refused[0].address, "no@b.test");
    assert_eq!(refused[0].reply.code, Some(550));
    assert_eq!(refused[0].reply.enhanced.as_deref(), Some("5.1.1"));
    assert_eq!(refused[0].reply.text, "no such user ask the postmaster");
    assert_eq!(delivery.accepted().count(), 1);
    peer.heard().await;
}

#[tokio::test]
async fn a_host_that_leads_where_nobody_may_connect_to_is_refused() {
    let peer = Peer::plain(Vec::new()).await;
    let target = SmtpServer::new(peer.server(Encryption::None));
    let closed = destinations::Destinations::new(false);
    let trust = peer.trust().within(closed);
    let error = SmtpConnection::connect(&target, &trust).await;
    let error = error.expect_err("this machine is closed");
    assert_eq!(error.entry().code, "network.destination_closed");
    assert_eq!(error.severity(), Severity::Permanent);
    let mut metadata = target;
    metadata.server.host = "169.254.169.254".to_owned();
    let error = SmtpConnection::connect(&metadata, &peer.trust()).await;
    let error = error.expect_err("never");
    assert!(error.to_string().contains("169.254.169.254"), "{error}");
}

#[tokio::test]
async fn without_an_accepted_recipient_there_is_no_data() {
    let peer = Peer::plain(dialogue(
        &[],
        vec![
            hear("MAIL"),
            say("250 ok"),
            hear("RCPT"),
            say("450 4.2.1 later"),
            hear("RCPT"),
            say("550 5.1.1 never"),
            hear("RSET"),
            say("250 ok"),
            hear("QUIT"),
            say("221 bye"),
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::None).await;
    let delivery = session
        .send(&envelope(&["a@b.test", "c@d.test"]), b"a: b\n\nc\n")
        .await
        .expect("the session goes on");
    assert!(!delivery.is_sent());
    assert_eq!(delivery.refused().count(), 2);
    assert!(session.is_usable());
    session.quit().await.expect("a farewell");
    peer.heard().await;
}

#[tokio::test]
async fn a_prepared_mail_that_is_dropped_is_reset_before_the_next() {
    let peer = Peer::plain(dialogue(
        &[],
        vec![
            hear("MAIL FROM:<from@a.test>"),
            say("250 ok"),
            hear("RCPT"),
            say("250 ok"),
            hear("RSET"),
            say("250 ok"),
            hear("MAIL FROM:<>"),
            say("550 5.1.8 no bounces here"),
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::None).await;
    let prepared = session
        .prepare(&envelope(&["a@b.test"]), b"x")
        .await
        .expect("accepted");
    assert!(prepared.is_deliverable());
    drop(prepared);
    let bounce = Envelope::new("", ["a@b.test"]).expect("valid");
    let error = session.prepare(&bounce, b"x").await.expect_err("refused");
    assert_eq!((error.phase(), error.code()), (Phase::Mail, Some(550)));
    assert_eq!(error.enhanced(), Some("5.1.8"));
    assert_eq!(error.severity(), Severity::Permanent);
    peer.heard().await;
}

#[tokio::test]
async fn a_line_that_breaks_after_the_final_dot_is_ambiguous() {
    let peer = Peer::plain(dialogue(
        &[],
        vec![
            hear("MAIL"),
            say("250 ok"),
            hear("RCPT"),
            say("250 ok"),
            hear("DATA"),
            say("354 go"),
            Step::HearMessage,
        ],
    ))
    .await;
    let mut session = connected(&peer, Encryption::None).await;
    let error = session
        .send(&envelope(&["a@b.test"]), b"x: y\n\nz\n")
        .await
        .expect_err("no verdict");
    assert_eq!(error.phase(), Phase::Body);
    assert!(matches!(error.cause(), Cause::Closed), "{error}");
    assert_eq!(error.severity(), Severity::Ambiguous);
    assert!(!session.is_usable());
    peer.heard().await;
}

#[tokio::test]
async fn a_verdict_that_does_not_come_is_ambiguous_too() {
    let peer = Peer::plain(dialogue(
        &[],
        vec![
            hear("MAIL"),
            say("250 ok"),
            hear("RCPT"),
            say("250 ok"),
            hear("DATA"),
            say("354 go"),
            Step::HearMessage,
            Step::Hang,
        ],
    ))
    .await;
    let mut server = peer.server(Encryption::None);
    server.timeouts.data_end = Duration::from_millis(50);
    let mut session = SmtpConnection::connect(&SmtpServer::new(server), &peer.trust())
        .await
        .expect("a session");
    let error = session
        .send(&envelope(&["a@b.test"]), b"x")
        .await
        .expect_err("no verdict");
    assert!(matches!(error.cause(), Cause::TimedOut(_)), "{error}");
    assert_eq!(error.severity(), Severity::Ambiguous);
    // The reply may still come: using the session again would take it for an answer to something else.
    let next = session.noop().await.expect_err("out of step");
    assert!(matches!(next.cause(), Cause::Unusable), "{next}");
}

#[tokio::test]
async fn a_refused_message_is_a_verdict_and_data_refused_is_before_it() {
    for (reply_to_data, verdict, phase) in [
        ("354 go", Some("552 5.3.4 too big"), Phase::Body),
        ("554 5.6.0 refused", None, Phase::Data),
    ] {
        let mut rest = vec![
            hear("MAIL"),
            say("250 ok"),
            hear("RCPT"),
            say("250 ok"),
            hear("DATA"),
            say(reply_to_data),
        ];
        if let Some(verdict) = verdict {
            rest.extend([Step::HearMessage, say(verdict)]);
        }
        let peer = Peer::plain(dialogue(&[], rest)).await;
        let mut session = connected(&peer, Encryption::None).await;
        let error = session
            .send(&envelope(&["a@b.test"]), b"x")
            .await
            .expect_err("refused");
        assert_eq!(error.phase(), phase);
        assert_eq!(error.severity(), Severity::Permanent);
        peer.heard().await;
    }
}

#[tokio::test]
async fn a_probe_goes_as_far_as_data_and_sends_nothing() {
    let peer = Peer::plain(dialogue(
        &[],
        vec![
            hear("MAIL FROM:<me@x.test>"),
            say("250 ok"),
            hear("RCPT TO:<you@x.test>"),
            say("250 ok"),
            hear("DATA"),
            say("354 go"),
            Step::Hang,
        ],
    ))
    .await;
    let session = connected(&peer, Encryption::None).await;
    session
        .probe("me@x.test", "you@x.test")
        .await
        .expect("it would be taken");
    assert_eq!(peer.heard().await.len(), 4, "nothing after DATA");
}

#[tokio::test]
async fn a_probe_names_the_step_that_was_refused() {
    let steps = vec![hear("MAIL"), say("250 ok"), hear("RCPT"), say("550 no")];
    let peer = Peer::plain(dialogue(&[], steps)).await;
    let session = connected(&peer, Encryption::None).await;
    let error = session
        .probe("me@x.test", "you@x.test")
        .await
        .expect_err("refused");
    assert_eq!((error.phase(), error.code()), (Phase::Rcpt, Some(550)));

    let peer = Peer::plain(opening(&[])).await;
    let session = connected(&peer, Encryption::None).await;
    let error = session
        .probe("me@x.test", "you@x.test>\r\nDATA")
        .await
        .expect_err("injection");
    assert!(matches!(error.cause(), Cause::InvalidInput(_)), "{error}");
    assert_eq!(peer.heard().await.len(), 1, "nothing was said");
}

#[tokio::test]
async fn what_the_server_cannot_take_is_not_sent() {
    let peer = Peer::plain(opening(&["SIZE 10"])).await;
    let mut session = connected(&peer, Encryption::None).await;
    let error = session
        .send(&envelope(&["a@b.test"]), b"more than ten bytes")
        .await
        .expect_err("too large");
    assert!(
        matches!(
            error.cause(),
            Cause::TooLarge {
                size: Some(21),
                limit: 10
            }
        ),
        "{error}"
    );
    let error = session
        .send(&envelope(&["a@b.test"]), "ü".as_bytes())
        .await
        .expect_err("8-bit");
    assert!(
        matches!(error.cause(), Cause::EightBitNotOffered),
        "{error}"
    );
    let sender = Envelope::new("ü@b.test", ["a@b.test"]).expect("valid");
    let error = session.send(&sender, b"x").await.expect_err("UTF-8");
    assert!(
        matches!(error.cause(), Cause::SmtpUtf8NotOffered),
        "{error}"
    );
    drop(session);
    assert_eq!(peer.heard().await.len(), 1, "nothing was said");
}

#[tokio::test]
async fn a_recipient_that_needs_smtputf8_is_refused_alone_or_sent_with_it() {
    let to = ["ü@b.test", "a@b.test"];
    let without = dialogue(
        &[],
        vec![
            hear("MAIL FROM:<from@a.test>"),
            say("250 ok"),
            hear("RCPT TO:<a@b.test>"),
            say("250 ok"),
        ],
    );
    let peer = Peer::plain(without).await;
    let mut session = connected(&peer, Encryption::None).await;
    let prepared = session
        .prepare(&envelope(&to), b"x")
        .await
        .expect("one accepted");
    assert_eq!(
        prepared
            .recipients()
            .iter()
            .map(|r| (r.accepted, r.reply.code))
            .collect::<Vec<_>>(),
        [(false, Some(553)), (true, Some(250))]
    );
    peer.heard().await;

    let with = dialogue(
        &["SMTPUTF8"],
        vec![
            hear("MAIL FROM:<from@a.test> SMTPUTF8"),
            say("250 ok"),
            hear("RCPT TO:<ü@b.test>"),
            say("250 ok"),
            hear("RCPT TO:<a@b.test>"),
            say("250 ok"),
        ],
    );
    let peer = Peer::plain(with).await;
    let mut session = connected(&peer, Encryption::None).await;
    let prepared = session
        .prepare(&envelope(&to), b"x")
        .await
        .expect("accepted");
    assert!(prepared.recipients().iter().all(|r| r.accepted));
    peer.heard().await;
}

#[tokio::test]
async fn a_server_that_closes_says_so_and_is_noticed() {
    let peer = Peer::plain(dialogue(
        &[],
        vec![hear("MAIL"), say("421 4.3.2 closing, too many connections")],
    ))
    .await;
    let mut session = connected(&peer, Encryption::None).await;
    let error = session
        .send(&envelope(&["a@b.test"]), b"x")
        .await
        .expect_err("closing");
    assert_eq!(
        (error.code(), error.severity()),
        (Some(421), Severity::Transient)
    );
    assert!(!session.is_usable());

    let peer = Peer::plain(opening(&[])).await;
    let mut session = connected(&peer, Encryption::None).await;
    peer.heard().await;
    tokio::task::yield_now().await;
    let error = session.noop().await.expect_err("gone");
    assert!(matches!(error.cause(), Cause::Closed), "{error}");
    assert!(!session.is_usable());
}
