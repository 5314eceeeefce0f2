//! What errors say, and how they are sorted.

use super::*;

fn refused(phase: Phase, reply: Reply) -> TransportError {
    let peer = Peer {
        protocol: "SMTP",
        host: "mx.example.test".to_owned(),
        port: 587,
    };
    TransportError::new(&peer, phase, Cause::Refused(reply))
}

#[test]
fn an_error_says_where_what_and_how_the_server_put_it() {
    let error = refused(
        Phase::Rcpt,
        Reply::smtp(550, Some("5.1.1"), "no such\r\nuser"),
    );
    assert_eq!(
        error.to_string(),
        "SMTP mx.example.test:587, RCPT TO: the server answered: 550 5.1.1 no such  user. There is no such mailbox at \
         the recipient's server. Check the address of the recipient. [smtp.recipient_unknown]"
    );
}

#[test]
fn a_disabled_smtp_auth_comes_with_its_remedy() {
    let error = refused(
        Phase::Auth,
        Reply::smtp(535, Some("5.7.139"), "Authentication unsuccessful"),
    );
    assert!(
        error.to_string().contains(
            "Set-CASMailbox -Identity <mailbox> -SmtpClientAuthenticationDisabled $false"
        )
    );
    assert!(error.is_auth_refused());
}

#[test]
fn codes_sort_into_transient_and_permanent() {
    for (code, severity) in [
        (421, Severity::Transient),
        (432, Severity::Transient),
        (454, Severity::Transient),
        (503, Severity::Transient),
        (535, Severity::Permanent),
        (550, Severity::Permanent),
    ] {
        let error = refused(Phase::Auth, Reply::smtp(code, None, ""));
        assert_eq!(error.severity(), severity, "{code}");
    }
    let busy = refused(Phase::Auth, Reply::tagged("NO", "[UNAVAILABLE] later"));
    assert_eq!(busy.severity(), Severity::Transient);
    assert!(!busy.is_auth_refused());
    let wrong = refused(
        Phase::Auth,
        Reply::tagged("NO", "[AUTHENTICATIONFAILED] no"),
    );
    assert_eq!(wrong.severity(), Severity::Permanent);
}

#[test]
fn after_the_final_dot_only_a_reply_is_certain() {
    let peer = Peer {
        protocol: "SMTP",
        host: "h".to_owned(),
        port: 25,
    };
    for cause in [
        Cause::Closed,
        Cause::TimedOut(Duration::from_secs(1)),
        Cause::Garbled("x".to_owned()),
    ] {
        let error = TransportError::new(&peer, Phase::Body, cause);
        assert_eq!(error.severity(), Severity::Ambiguous);
    }
    let verdict = refused(Phase::Body, Reply::smtp(552, None, "too big"));
    assert_eq!(verdict.severity(), Severity::Permanent);
}

#[test]
fn an_echoed_secret_is_cut_out_of_the_reply_in_every_form() {
    let secret = secrecy::SecretString::from("hunter22");
    for echo in [
        "hunter22",
        "aHVudGVyMjI=",
        "AGpvZQBodW50ZXIyMg==",
        "dXNlcj1qb2UBYXV0aD1CZWFyZXIgaHVudGVyMjIBAQ==",
    ] {
        let reply = Reply::tagged("-ERR", &format!("what is {echo}?"));
        assert_eq!(reply.without("joe", &secret).text, "what is [...]?");
    }
}
