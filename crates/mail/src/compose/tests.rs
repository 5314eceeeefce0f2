//! Messages composed and read back.

use chrono::TimeZone as _;
use mail_parser::{MessageParser, MimeHeaders as _};

use super::*;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2030, 1, 15, 10, 20, 30)
        .single()
        .expect("a valid moment")
}

fn hello() -> Outgoing {
    Outgoing {
        from: Mailbox::new("Ana", "ana@corp.example"),
        to: vec![Mailbox::new("", "kim@client.example")],
        subject: "Hello".to_owned(),
        body: Body::Text("text".to_owned()),
        ..Outgoing::default()
    }
}

fn composed(outgoing: &Outgoing) -> (Composed, String) {
    let composed =
        compose(outgoing, "corp.example", now()).expect("a message that can be composed");
    let text = String::from_utf8(composed.bytes.clone()).expect("a message in UTF-8");
    (composed, text)
}

fn header_names(text: &str) -> Vec<&str> {
    let (header, _) = text.split_once("\r\n\r\n").expect("an end of the header");
    header
        .split("\r\n")
        .filter(|line| !line.starts_with([' ', '\t']))
        .filter_map(|line| line.split_once(':'))
        .map(|(name, _)| name)
        .collect()
}

/// The media types of the tree, children in parentheses.
fn tree(text: &str) -> String {
    fn describe(message: &mail_parser::Message<'_>, id: u32) -> String {
        let part = message.part(id).expect("a part of that number");
        let kind = part.content_type().expect("a declared type");
        let kind = format!("{}/{}", kind.ctype(), kind.subtype().unwrap_or_default());
        match part.sub_parts() {
            Some(children) => {
                let children: Vec<String> = children
                    .iter()
                    .map(|child| describe(message, *child))
                    .collect();
                format!("{kind}({})", children.join(" "))
            }
            None => kind,
        }
    }
    let message = MessageParser::default()
        .parse(text.as_bytes())
        .expect("a readable message");
    describe(&message, 0)
}

#[test]
fn a_plain_message_has_its_fields_in_the_known_order() {
    let (composed, text) = composed(&hello());
    assert_eq!(
        header_names(&text),
        [
            "Message-Id",
            "Subject",
            "From",
            "To",
            "Date",
            "MIME-Version",
            "Content-Type",
            "Content-Transfer-Encoding"
        ]
    );
    assert!(
        text.contains("\r\nDate: Tue, 15 Jan 2030 10:20:30 -0000\r\n"),
        "{text}"
    );
    assert!(text.ends_with("\r\n\r\ntext\r\n"), "{text}");
    assert_eq!(composed.envelope_from, "ana@corp.example");
    assert_eq!(composed.recipients, ["kim@client.example"]);
    assert!(!composed.needs_smtputf8);
}

#[test]
fn html_gets_a_text_alternative_and_attachments_make_it_mixed() {
    let mut outgoing = hello();
    outgoing.body = Body::Html {
        html: "<p>Zażółć <a href=\"https://corp.example/x\">here</a></p>".to_owned(),
        alternative: None,
    };
    assert_eq!(
        tree(&composed(&outgoing).1),
        "multipart/alternative(text/plain text/html)"
    );

    let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
    outgoing.attachments.push(Attachment {
        name: Some("請求書 \"1\"; v=2.pdf".to_owned()),
        mimetype: "APPLICATION/PDF".to_owned(),
        bytes: bytes.clone(),
        cid: None,
    });
    outgoing.attachments.push(Attachment {
        name: Some("a.txt".to_owned()),
        mimetype: "text/plain; charset=iso-8859-1".to_owned(),
        bytes: b"caf\xe9\n\n. \nFrom x".to_vec(),
        cid: None,
    });
    let (_, text) = composed(&outgoing);
    assert_eq!(
        tree(&text),
        "multipart/mixed(multipart/alternative(text/plain text/html) application/pdf text/plain)"
    );
    let message = MessageParser::default()
        .parse(text.as_bytes())
        .expect("a readable message");
    assert_eq!(
        message.body_text(0).as_deref(),
        Some("Zażółć here [1]\r\n\r\n[1] https://corp.example/x\r\n")
    );
    let pdf = message.attachment(0).expect("the first attachment");
    assert_eq!(pdf.attachment_name(), Some("請求書 \"1\"; v=2.pdf"));
    assert_eq!(pdf.contents(), bytes);
    let note = message.attachment(1).expect("the second attachment");
    assert_eq!(note.text_contents(), Some("café\n\n. \nFrom x"));
}

#[test]
fn a_line_break_in_any_value_is_refused() {
    let breaks = [
        "\r\nBcc: e@dark.example",
        "\nX: y",
        "\rX: y",
        "\u{b}",
        "\u{85}",
        "\u{2028}",
        "\0",
    ];
    type Spoil = fn(&mut Outgoing, String);
    let places: [(&str, Spoil); 15] = [
        ("subject", |o, v| o.subject = v),
        ("from name", |o, v| o.from.name = v),
        ("from address", |o, v| {
            o.from.addr_spec = format!("ana@corp.example{v}")
        }),
        ("from local part", |o, v| {
            o.from.addr_spec = format!("ana{v}@corp.example")
        }),
        ("to address", |o, v| {
            o.to = vec![Mailbox::new("", format!("kim@client.example{v}"))]
        }),
        ("cc name", |o, v| {
            o.cc = vec![Mailbox::new(v, "kim@client.example")]
        }),
        ("bcc address", |o, v| {
            o.bcc = vec![Mailbox::new("", format!("kim@client.example{v}"))]
        }),
        ("reply-to name", |o, v| {
            o.reply_to = vec![Mailbox::new(v, "kim@client.example")]
        }),
        ("envelope", |o, v| {
            o.envelope_from = Some(format!("b@corp.example{v}"))
        }),
        ("message id", |o, v| {
            o.message_id = Some(format!("<a@b>{v}"))
        }),
        ("references", |o, v| {
            o.references = vec![format!("<a@b>{v}")]
        }),
        ("in-reply-to", |o, v| {
            o.in_reply_to = Some(format!("<a@b>{v}"))
        }),
        ("header value", |o, v| o.headers.push(("X-A".to_owned(), v))),
        ("header name", |o, v| {
            o.headers.push((format!("X-A{v}"), "b".to_owned()))
        }),
        ("file name", |o, v| {
            o.attachments.push(Attachment {
                name: Some(format!("a{v}")),
                mimetype: "text/plain".to_owned(),
                bytes: Vec::new(),
                cid: None,
            });
        }),
    ];
    for (place, spoil) in places {
        for bad in breaks {
            let mut outgoing = hello();
            spoil(&mut outgoing, bad.to_owned());
            assert!(
                compose(&outgoing, "corp.example", now()).is_err(),
                "{place} with {bad:?} was composed"
            );
        }
    }
}

#[test]
fn what_cannot_be_refused_cannot_break_out_either() {
    let mut outgoing = hello();
    outgoing.attachments.push(Attachment {
        name: None,
        mimetype: "text/plain; x=\"\r\nBcc: e@dark.example\"".to_owned(),
        bytes: b"x".to_vec(),
        cid: None,
    });
    outgoing.body = Body::Text("a\r\n.\r\nBcc: e@dark.example\n--x\r\rFrom y".to_owned());
    let message =
        compose(&outgoing, "corp.example\r\nBcc: e@dark.example", now()).expect("a message");
    let text = String::from_utf8(message.bytes).expect("a message in UTF-8");
    assert!(!header_names(&text).contains(&"Bcc"), "{text}");
    assert_eq!(tree(&text), "multipart/mixed(text/plain text/plain)");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
}

#[test]
fn a_field_that_the_message_owns_is_refused_among_the_others() {
    for name in [
        "Subject",
        "FROM",
        "reply-to",
        "Content-Type",
        "MIME-Version",
        "References",
    ] {
        let mut outgoing = hello();
        outgoing.headers.push((name.to_owned(), "x".to_owned()));
        assert_eq!(
            compose(&outgoing, "corp.example", now()),
            Err(ComposeError::DuplicateField {
                name: name.to_owned()
            })
        );
    }
    for name in ["", "X Y", "X:Y", "Ż", "X\u{7f}"] {
        let mut outgoing = hello();
        outgoing.headers.push((name.to_owned(), "x".to_owned()));
        assert_eq!(
            compose(&outgoing, "corp.example", now()),
            Err(ComposeError::FieldName {
                name: name.to_owned()
            })
        );
    }
}

#[test]
fn blind_recipients_are_in_the_envelope_only() {
    let mut outgoing = hello();
    outgoing.bcc = vec![Mailbox::new("", "secret@client.example")];
    outgoing
        .headers
        .push(("Bcc".to_owned(), "other-secret@client.example".to_owned()));
    outgoing.cc = vec![Mailbox::new("", "kim@client.example")];
    outgoing.envelope_from = Some("bounce@corp.example".to_owned());
    let (message, text) = composed(&outgoing);
    assert_eq!(
        message.recipients,
        ["kim@client.example", "secret@client.example"]
    );
    assert_eq!(message.envelope_from, "bounce@corp.example");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn text_outside_ascii_is_encoded_and_domains_become_ascii() {
    let mut outgoing = hello();
    let subject = "żółć gęślą jaźń ".repeat(12);
    outgoing.subject = subject.clone();
    outgoing.from = Mailbox::new("Żółta, \"Ł\"", "ana@lümen.example");
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

    outgoing.from = Mailbox::new("", "mïra@corp.example");
    assert!(composed(&outgoing).0.needs_smtputf8);
    outgoing.from = Mailbox::new("", "ana@LÜMEN.example");
    assert!(matches!(
        compose(&outgoing, "corp.example", now()),
        Err(ComposeError::Domain {
            source: IdnError::InvalidCodepoint,
            ..
        })
    ));
}

#[test]
fn no_line_is_longer_than_mail_allows() {
    let mut outgoing = hello();
    outgoing.subject = "w".repeat(5000);
    outgoing.body = Body::Html {
        html: format!("<p>{}</p>", "ż".repeat(5000)),
        alternative: Some("x".repeat(5000)),
    };
    outgoing
        .headers
        .push(("X-Long".to_owned(), "ż".repeat(3000)));
    outgoing
        .headers
        .push(("X-Words".to_owned(), "word ".repeat(600)));
    outgoing.to = (0..200)
        .map(|n| Mailbox::new("name ".repeat(20), format!("kim{n}@client.example")))
        .collect();
    outgoing.references = (0..100)
        .map(|n| format!("<{n}{}@corp.example>", "a".repeat(50)))
        .collect();
    outgoing.attachments.push(Attachment {
        name: Some("n".repeat(2000)),
        mimetype: "image/png".to_owned(),
        bytes: vec![7; 5000],
        cid: Some("pic@corp.example".to_owned()),
    });
    let (_, text) = composed(&outgoing);
    let longest = text.split("\r\n").map(str::len).max();
    assert!(longest <= Some(998), "{longest:?}");
    let parsed = MessageParser::default()
        .parse(text.as_bytes())
        .expect("a readable message");
    assert_eq!(parsed.subject(), Some("w".repeat(5000).as_str()));
    assert_eq!(
        parsed.attachment(0).and_then(|part| part.content_id()),
        Some("pic@corp.example")
    );

    outgoing.message_id = Some(format!("<{}@x>", "a".repeat(1000)));
    assert!(matches!(
        compose(&outgoing, "corp.example", now()),
        Err(ComposeError::TooLong { .. })
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
            matches!(
                compose(&outgoing, "corp.example", now()),
                Err(ComposeError::Address { .. })
            ),
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
fn generated_message_ids_differ_and_carry_the_host() {
    let first = generate_message_id("corp.example", now());
    let second = generate_message_id("corp.example", now());
    assert_ne!(first, second);
    assert!(first.starts_with("<1894702830."), "{first}");
    assert!(first.ends_with(".postern@corp.example>"), "{first}");
    assert!(generate_message_id("ż> \r\n", now()).ends_with(".postern@localhost>"));
}
