//! Messages composed and read back.

mod addresses;

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
        from: vec![Mailbox::new("Ana", "ana@corp.example")],
        to: vec![Mailbox::new("", "kim@client.example")],
        subject: "Hello".to_owned(),
        ..Outgoing::default()
    }
}

fn text() -> Content {
    let body = Body::from(Text::plain("text"));
    Content::new::<Attachment>(&body, &[]).expect("a text can be written")
}

fn attempt(outgoing: &Outgoing) -> Result<Composed, ComposeError> {
    compose(outgoing, &text(), "corp.example", now())
}

fn composed(outgoing: &Outgoing) -> (Composed, String) {
    composed_with(outgoing, &text())
}

fn composed_with(outgoing: &Outgoing, content: &Content) -> (Composed, String) {
    let composed =
        compose(outgoing, content, "corp.example", now()).expect("a message that can be composed");
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
    let html = "<p>Zażółć <a href=\"https://corp.example/x\">here</a></p>";
    let body = Body::from(Text::html(html));
    let with = |attachments: &[Attachment]| {
        let content = Content::new(&body, attachments).expect("it can be written");
        composed_with(&hello(), &content).1
    };
    assert_eq!(
        tree(&with(&[])),
        "multipart/alternative(text/plain text/html)"
    );

    let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
    let pdf = Attachment {
        name: Some("請求書 \"1\"; v=2.pdf".to_owned()),
        mimetype: "APPLICATION/PDF".to_owned(),
        bytes: bytes.clone(),
        cid: None,
    };
    let note = Attachment {
        name: Some("a.txt".to_owned()),
        mimetype: "text/plain; charset=iso-8859-1".to_owned(),
        bytes: b"caf\xe9\n\n. \nFrom x".to_vec(),
        cid: None,
    };
    let text = with(&[pdf, note]);
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
    let places: [(&str, Spoil); 14] = [
        ("subject", |o, v| o.subject = v),
        ("from name", |o, v| o.from[0].name = v),
        ("from address", |o, v| {
            o.from[0].addr_spec = format!("ana@corp.example{v}")
        }),
        ("from local part", |o, v| {
            o.from[0].addr_spec = format!("ana{v}@corp.example")
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
    ];
    for (place, spoil) in places {
        for bad in breaks {
            let mut outgoing = hello();
            spoil(&mut outgoing, bad.to_owned());
            assert!(
                attempt(&outgoing).is_err(),
                "{place} with {bad:?} was composed"
            );
        }
    }
    for bad in breaks {
        let file = Attachment {
            name: Some(format!("a{bad}")),
            mimetype: "text/plain".to_owned(),
            bytes: Vec::new(),
            cid: None,
        };
        let cid = Attachment {
            name: None,
            cid: Some(format!("a{bad}")),
            ..file.clone()
        };
        for file in [file, cid] {
            assert!(Content::new(&Body::default(), &[file]).is_err(), "{bad:?}");
        }
    }
}

#[test]
fn what_cannot_be_refused_cannot_break_out_either() {
    let file = Attachment {
        name: None,
        mimetype: "text/plain; x=\"\r\nBcc: e@dark.example\"".to_owned(),
        bytes: b"x".to_vec(),
        cid: None,
    };
    let body = Body::from(Text::plain("a\r\n.\r\nBcc: e@dark.example\n--x\r\rFrom y"));
    let content = Content::new(&body, &[file]).expect("it can be written");
    let host = "corp.example\r\nBcc: e@dark.example";
    let message = compose(&hello(), &content, host, now()).expect("a message");
    let text = String::from_utf8(message.bytes).expect("a message in UTF-8");
    assert!(!header_names(&text).contains(&"Bcc"), "{text}");
    assert_eq!(tree(&text), "multipart/mixed(text/plain text/plain)");
    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text}");
}

#[test]
fn a_field_that_the_message_owns_is_refused_among_the_others() {
    for name in ["Subject", "FROM", "reply-to", "Date", "Message-ID"] {
        let mut outgoing = hello();
        outgoing.headers.push((name.to_owned(), "x".to_owned()));
        assert_eq!(
            attempt(&outgoing),
            Err(ComposeError::DuplicateField {
                name: name.to_owned()
            })
        );
    }
    for name in ["MIME-Version", "content-type", "Content-Transfer-Encoding"] {
        let mut outgoing = hello();
        outgoing.headers.push((name.to_owned(), "x/y".to_owned()));
        let (_, text) = composed(&outgoing);
        assert!(!text.contains("x/y"), "{text}");
    }
    for name in ["", "X Y", "X:Y", "Ż", "X\u{7f}"] {
        let mut outgoing = hello();
        outgoing.headers.push((name.to_owned(), "x".to_owned()));
        assert_eq!(
            attempt(&outgoing),
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
    for (name, address) in [
        ("Bcc", "other-secret@client.example"),
        ("CC", "lee@client.example"),
    ] {
        outgoing.headers.push((name.to_owned(), address.to_owned()));
    }
    outgoing.envelope_from = Some("bounce@corp.example".to_owned());
    let (message, text) = composed(&outgoing);
    assert_eq!(
        message.recipients,
        [
            "kim@client.example",
            "lee@client.example",
            "secret@client.example",
            "other-secret@client.example"
        ]
    );
    assert!(text.contains("\r\nCc: <lee@client.example>\r\n"), "{text}");
    assert_eq!(message.envelope_from, "bounce@corp.example");
    assert!(!text.contains("secret"), "{text}");
}

#[test]
fn no_line_is_longer_than_mail_allows() {
    let mut outgoing = hello();
    outgoing.subject = "w".repeat(5000);
    let body = Body {
        text: Text::html(format!("<p>{}</p>", "ż".repeat(5000))),
        alternative: Some(Text::plain("x".repeat(5000))),
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
    let file = Attachment {
        name: Some("n".repeat(2000)),
        mimetype: "image/png".to_owned(),
        bytes: vec![7; 5000],
        cid: Some("pic@corp.example".to_owned()),
    };
    let content = Content::new(&body, &[file]).expect("it can be written");
    let (_, text) = composed_with(&outgoing, &content);
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
        attempt(&outgoing),
        Err(ComposeError::TooLong { .. })
    ));
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

#[test]
fn ids_of_a_conversation_stand_in_one_field_and_on_one_line_where_they_fit() {
    let mut outgoing = hello();
    outgoing.references = vec!["<r1@corp.example> <r2@corp.example>".into()];
    outgoing.headers.push((
        "references".into(),
        "<r2@corp.example> <r9@corp.example>".into(),
    ));
    outgoing
        .headers
        .push(("In-Reply-To".into(), "<r9@corp.example>".into()));
    let (_, text) = composed(&outgoing);
    let line = "\r\nReferences: <r1@corp.example> <r2@corp.example> <r9@corp.example>\r\n";
    assert!(text.contains(line), "{text}");
    assert!(
        text.contains("\r\nIn-Reply-To: <r9@corp.example>\r\n"),
        "{text}"
    );
    assert_eq!(
        text.to_lowercase().matches("references:").count(),
        1,
        "{text}"
    );
}

#[test]
fn an_id_that_is_made_for_a_record_names_it() {
    let mut outgoing = hello();
    outgoing.object_id = Some("77-res.partner".into());
    let id = composed(&outgoing).0.message_id;
    assert!(
        id.ends_with("-openerp-77-res.partner@corp.example>"),
        "{id}"
    );
    outgoing.message_id = Some("<a@corp.example> <b@corp.example>".into());
    assert_eq!(composed(&outgoing).0.message_id, "<a@corp.example>");
}
