//! The lab itself: a message goes in by submission and comes out by IMAP, through clients that are not ours.

use std::path::PathBuf;

use tests::identity::Order;
use tests::lab::{Described, LabError, PASSWORD, packages, python, python_reading, read_inbox};

/// A mailbox of this test alone.
fn mailbox(lab: &Described) -> String {
    format!("lab-{}@{}", uuid::Uuid::new_v4().simple(), lab.domain)
}

fn submit(
    lab: &Described,
    user: &str,
    password: &str,
    authority: &str,
    recipient: &str,
) -> Result<String, LabError> {
    python(
        include_str!("../fixtures/submit_mail.py"),
        &[
            &lab.host,
            &lab.mail.submission.to_string(),
            user,
            password,
            authority,
            recipient,
            "through the lab",
        ],
    )
}

/// Postfix delivers after it has answered, so that the message may need a moment.
fn wait_for_one(lab: &Described, user: &str) -> String {
    for _ in 0..100 {
        let messages = lab.read_inbox(user).expect("the mailbox can be read");
        if let Some(message) = messages.first() {
            return message.text();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!(
        "no mail for {user} after ten seconds\n{}",
        lab.mail_logs(20)
    );
}

#[test]
fn a_submitted_message_is_delivered_and_read_back() {
    let lab = Described::from_env();
    let recipient = mailbox(&lab);
    let authority = lab.authority.display().to_string();
    submit(&lab, "alice@example.test", PASSWORD, &authority, &recipient)
        .expect("the submission is accepted");
    let text = wait_for_one(&lab, &recipient);
    assert!(text.contains("Subject: through the lab"), "{text}");
    assert!(
        text.contains("by mail.example.test"),
        "Postfix left no trace: {text}"
    );
}

#[test]
fn a_message_delivered_by_lmtp_is_read_back_unseen_and_unchanged() {
    let lab = Described::from_env();
    let recipient = mailbox(&lab);
    let raw = b"From: a@example.test\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n\r\n.a dot\r\nbytes: \xff\xfe\r\n";
    lab.deliver(&recipient, raw).expect("LMTP accepts it");
    let messages = lab.read_inbox(&recipient).expect("the mailbox can be read");
    assert_eq!(messages.len(), 1);
    assert!(!messages[0].flags.iter().any(|flag| flag == "\\Seen"));
    assert!(messages[0].raw.ends_with(raw), "{}", messages[0].text());
}

#[test]
fn a_wrong_password_is_refused() {
    let lab = Described::from_env();
    let authority = lab.authority.display().to_string();
    let refused = submit(
        &lab,
        "alice@example.test",
        "guessed",
        &authority,
        "bob@example.test",
    );
    let message = refused.expect_err("the login has to fail").to_string();
    assert!(message.contains("535"), "{message}");
}

#[test]
fn a_recipient_without_mailbox_is_refused_with_its_reply() {
    let lab = Described::from_env();
    let authority = lab.authority.display().to_string();
    let refused = submit(
        &lab,
        "alice@example.test",
        PASSWORD,
        &authority,
        "nobody@example.test",
    );
    let message = refused
        .expect_err("the recipient has to be refused")
        .to_string();
    assert!(message.contains("no such mailbox here"), "{message}");
}

#[test]
fn the_certificate_is_refused_by_who_trusts_another_authority() {
    let lab = Described::from_env();
    let stranger: &PathBuf = &lab.stranger.0;
    let over_imap = read_inbox(lab.mail.imaps, "alice@example.test", PASSWORD, stranger);
    let message = over_imap
        .expect_err("the certificate has to be refused")
        .to_string();
    assert!(message.contains("CERTIFICATE_VERIFY_FAILED"), "{message}");
    let over_smtp = submit(
        &lab,
        "alice@example.test",
        PASSWORD,
        &stranger.display().to_string(),
        "bob@example.test",
    );
    let message = over_smtp
        .expect_err("the certificate has to be refused")
        .to_string();
    assert!(message.contains("CERTIFICATE_VERIFY_FAILED"), "{message}");
}

#[test]
fn databases_are_created_and_dropped_in_the_private_cluster() {
    let lab = Described::from_env();
    let name = format!("lab_{}", uuid::Uuid::new_v4().simple());
    let url = lab
        .postgres
        .create_database(&name)
        .expect("the database is created");
    assert!(url.ends_with(&name));
    let exists = |name: &str| {
        let answer = lab
            .postgres
            .program("psql")
            .args([
                "-Atc",
                &format!("select count(*) from pg_database where datname = '{name}'"),
            ])
            .output()
            .expect("psql runs");
        String::from_utf8_lossy(&answer.stdout).trim().to_owned()
    };
    assert_eq!(exists(&name), "1");
    lab.postgres
        .drop_database(&name)
        .expect("the database is dropped");
    assert_eq!(exists(&name), "0");
}

#[test]
fn nothing_is_missing_once_the_lab_runs() {
    let _lab = Described::from_env();
    assert_eq!(packages::missing(), Vec::<&str>::new());
}

/// Signs in everywhere with this token; one line a protocol.
fn sign_in_with(lab: &Described, user: &str, token: &str) -> String {
    let ports = [lab.mail.imaps, lab.mail.pop3s, lab.mail.submission].map(|port| port.to_string());
    let authority = lab.authority.display().to_string();
    python_reading(
        token,
        include_str!("../fixtures/login_xoauth2.py"),
        &[&lab.host, &ports[0], &ports[1], &ports[2], user, &authority],
    )
    .expect("Python runs to its end")
}

#[tokio::test]
async fn a_token_of_the_identity_provider_opens_every_door_and_a_forged_or_foreign_one_none() {
    let lab = Described::from_env();
    let user = lab.users.first().expect("the lab has mailboxes");
    let token: String = lab
        .identity
        .control
        .order(Order::MintAccessToken {
            login: user.clone(),
            client_id: lab.identity.client_id.clone(),
            scope: "https://outlook.office.com/IMAP.AccessAsUser.All".to_owned(),
        })
        .await
        .expect("the double mints a token");
    assert_eq!(
        sign_in_with(&lab, user, &token),
        "imap OK\npop3 (0, 0)\nsmtp 235\n"
    );
    for (user, token) in [
        (user.as_str(), "forged"),
        (lab.users[1].as_str(), token.as_str()),
    ] {
        let refused = sign_in_with(&lab, user, token);
        assert!(refused.contains("imap [AUTHENTICATIONFAILED]"), "{refused}");
        assert!(refused.contains("smtp 535"), "{refused}");
        assert!(refused.contains("pop3 b'-ERR"), "{refused}");
    }
}
