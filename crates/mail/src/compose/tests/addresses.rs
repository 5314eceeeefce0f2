//! Addresses and words outside ASCII, and what is no address.

use super::*;

#[test]
fn text_outside_ascii_is_encoded_and_domains_become_ascii() {
    let mut outgoing = hello();
    let subject = "żółć gęślą jaźń ".repeat(12);
    outgoing.subject = subject.clone();
    outgoing.from = vec![Mailbox::new("Żółta, \"Ł\"", "ana@lümen.example")];
    let (message, text) = composed(&outgoing);
    assert!(text.is_ascii(), "{text}");
    assert_eq!(message.envelope_from, "ana@xn--lmen-0ra.example");
    let parsed = MessageParser::default()
        .parse(text.as_bytes())
        .expect("a readable message");
    assert_eq!(parsed.subject().map(str::trim), Some(subject.trim()));
    let from = parsed
        .from()
        .and_then(|from| from.first())
        .expect("a sender");
    assert_eq!(from.name(), Some("Żółta, \"Ł\""));
    assert_eq!(from.address(), Some("ana@xn--lmen-0ra.example"));

    outgoing.from = vec![Mailbox::new("", "mïra@corp.example")];
    assert!(composed(&outgoing).0.needs_smtputf8);
    outgoing.from = vec![Mailbox::new("", "ana@LÜMEN.example")];
    let sender = composed(&outgoing).0.envelope_from;
    assert_eq!(sender, "ana@xn--lmen-0ra.example");
    outgoing.from = vec![Mailbox::new("", "ana@-ü.example")];
    assert!(matches!(
        attempt(&outgoing),
        Err(ComposeError::Domain {
            source: IdnError::Hyphen,
            ..
        })
    ));
}

#[test]
fn an_address_that_is_none_is_refused() {
    for bad in [
        "",
        "ana",
        "@corp.example",
        "ana@",
        "a b@corp.example",
        "a@b@corp.example",
        "a@corp.example>",
        "<a@corp.example",
        "a@corp.example,b@corp.example",
        "\"a\" x\"@corp.example",
        "a@co rp.example",
        "a;b@corp.example",
        "a(b)@corp.example",
    ] {
        let mut outgoing = hello();
        outgoing.to = vec![Mailbox::new("", bad)];
        assert!(
            matches!(attempt(&outgoing), Err(ComposeError::Address { .. })),
            "{bad:?}"
        );
    }
    let mut outgoing = hello();
    outgoing.to = vec![Mailbox::new("", "\"mira stone\"@corp.example")];
    assert_eq!(
        composed(&outgoing).0.recipients,
        ["\"mira stone\"@corp.example"]
    );
}

#[test]
fn whoever_names_the_recipients_may_have_a_header_with_less_in_it() {
    let mut outgoing = hello();
    outgoing.to.push(Mailbox::new("Nobody", "nobody"));
    outgoing.reply_to = vec![Mailbox::new("", "bo@-ü.example")];
    assert!(attempt(&outgoing).is_err());
    outgoing.recipients = Some(vec![
        "room@lümen.example".into(),
        "room@lümen.example".into(),
    ]);
    let (message, text) = composed(&outgoing);
    assert_eq!(message.recipients, ["room@xn--lmen-0ra.example"]);
    assert!(text.contains("\r\nTo: <kim@client.example>\r\n"), "{text}");
    assert!(!text.contains("Reply-To"), "{text}");
    outgoing.recipients = Some(vec!["nobody".into()]);
    assert!(attempt(&outgoing).is_err());
}

#[test]
fn an_address_that_only_the_header_shows_asks_no_extension_of_the_server() {
    let mut outgoing = hello();
    outgoing.reply_to = vec![Mailbox::new("", "bö@other.example")];
    let (message, text) = composed(&outgoing);
    assert!(!message.needs_smtputf8);
    assert!(text.is_ascii(), "{text}");
    let shown = crate::parse::decode_header(text.as_bytes(), "reply-to", ",");
    assert_eq!(shown, "bö@other.example");
    outgoing.to = vec![Mailbox::new("", "kïm@client.example")];
    let (message, text) = composed(&outgoing);
    assert!(message.needs_smtputf8);
    assert!(text.contains("<bö@other.example>"), "{text}");
}

#[test]
fn what_was_given_encoded_is_not_encoded_twice() {
    let mut outgoing = hello();
    outgoing.subject = "=?utf-8?q?B=C3=B6?= says =?utf-8?b?aGk=?=".into();
    outgoing.from = vec![Mailbox::new("=?utf-8?q?B=C3=B6?=", "bo@corp.example")];
    let (_, text) = composed(&outgoing);
    let shown = |name: &str| crate::parse::decode_header(text.as_bytes(), name, ",");
    assert_eq!(shown("subject"), "Bö says hi");
    assert_eq!(shown("from"), "Bö <bo@corp.example>");
    outgoing.subject = "=?utf-8?q?a=0D=0ABcc:_e=40dark.example?=".into();
    assert!(matches!(
        attempt(&outgoing),
        Err(ComposeError::LineBreak { .. })
    ));
}
