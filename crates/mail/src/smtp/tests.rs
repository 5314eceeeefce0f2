//! SMTP dialogues against scripted servers: what the tests share.

mod delivery;
mod groups;
mod opening;
mod signing_in;

use secrecy::SecretString;

use super::*;
use crate::sasl::Credentials;
use crate::server::Encryption;
use crate::test_peer::{Peer, Step, hear, say};
use crate::transport_error::TransportError;

fn opening(offers: &[&str]) -> Vec<Step> {
    let mut lines = vec!["250-mail.example.test".to_owned()];
    lines.extend(offers.iter().map(|offer| format!("250-{offer}")));
    let last = lines.pop().expect("a line").replacen("250-", "250 ", 1);
    lines.push(last);
    vec![
        say("220 mail.example.test ESMTP"),
        hear("EHLO [127.0.0.1]"),
        say(&lines.join("\r\n")),
    ]
}

fn dialogue(offers: &[&str], rest: Vec<Step>) -> Vec<Step> {
    let mut steps = opening(offers);
    steps.extend(rest);
    steps
}

async fn connect(peer: &Peer, encryption: Encryption) -> Result<SmtpConnection, TransportError> {
    let target = SmtpServer::new(peer.server(encryption));
    SmtpConnection::connect(&target, &peer.trust()).await
}

async fn connected(peer: &Peer, encryption: Encryption) -> SmtpConnection {
    connect(peer, encryption).await.expect("a session")
}

fn envelope(to: &[&str]) -> Envelope {
    Envelope::new("from@a.test", to).expect("a valid envelope")
}

fn token(user: &str) -> Credentials {
    Credentials::oauth(user, SecretString::from("the-token"))
}

fn password(user: &str, password: &str) -> Credentials {
    Credentials::password(user, SecretString::from(password))
}
