//! Mail as others see it: read from mailboxes and written by Python.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tests::lab::{Described, python_reading};

/// The messages of a mailbox, each as Python's email package reads it, once there are `count`.
///
/// Postfix delivers after it has answered, so that they may need a moment.
pub fn wait_for(lab: &Described, mailbox: &str, count: usize) -> Vec<Value> {
    for _ in 0..100 {
        let stored = lab.read_inbox(mailbox).unwrap();
        if stored.len() >= count {
            assert_eq!(stored.len(), count, "more mail than was sent");
            return stored.iter().map(|message| parse(&message.raw)).collect();
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    panic!(
        "no {count} mails for {mailbox} after ten seconds\n{}",
        lab.mail_logs(20)
    );
}

fn parse(raw: &[u8]) -> Value {
    let input = STANDARD.encode(raw);
    let printed = python_reading(&input, include_str!("../../fixtures/parse_mail.py"), &[]);
    serde_json::from_str(&printed.unwrap()).unwrap()
}

/// Sends a mail from a stranger's server into a mailbox of the lab; answers its Message-Id.
pub fn send_from_outside(lab: &Described, sender: &str, mailbox: &str, letter: &Value) -> String {
    let program = include_str!("../../fixtures/send_from_outside.py");
    let port = lab.mail.smtp.to_string();
    let arguments = [lab.host.as_str(), port.as_str(), sender, mailbox];
    let message_id = python_reading(&letter.to_string(), program, &arguments).unwrap();
    message_id.trim().to_owned()
}
