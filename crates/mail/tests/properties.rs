//! What holds of every letter: nothing anybody writes adds a field or a command, no line is too long, and what arrives
//! is what was written.

use chrono::{DateTime, TimeZone as _, Utc};
use mail::address::{Mailbox, email_split_tuples};
use mail::compose::{Attachment, Body, Composed, Content, Outgoing, Text, compose};
use mail::parse::{decode_header, decode_text, header_fields};
use mail::smtp::Envelope;
use proptest::prelude::*;

/// The longest line of a message without its line end (RFC 5322 section 2.1.1).
const LONGEST_LINE: usize = 998;

fn now() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2030, 1, 15, 10, 20, 30)
        .single()
        .expect("a moment")
}

fn hello() -> Outgoing {
    Outgoing {
        from: vec![Mailbox::new("Ana", "ana@corp.example")],
        to: vec![Mailbox::new("Kim", "kim@client.example")],
        subject: "Hello".to_owned(),
        message_id: Some("<1@corp.example>".to_owned()),
        ..Outgoing::default()
    }
}

fn written(outgoing: &Outgoing, files: &[Attachment]) -> Option<Composed> {
    let body = Body::from(Text::html("<p>Hello</p>"));
    let content = Content::new(&body, files).ok()?;
    compose(outgoing, &content, "corp.example", now()).ok()
}

/// Text that tries to be more than one line, or more than one thing.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r".to_owned()),
        Just("\r\n\r\n".to_owned()),
        Just("\0".to_owned()),
        Just("\u{b}".to_owned()),
        Just("\u{85}".to_owned()),
        Just("\u{2028}".to_owned()),
        Just("Bcc: evil@dark.example".to_owned()),
        Just("RCPT TO:<evil@dark.example>".to_owned()),
        Just("=?utf-8?q?=0D=0ABcc:_evil=40dark.example?=".to_owned()),
        Just("=?utf-8?b?DQpCY2M6IGV2aWxAZGFyay5leGFtcGxl?=".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("<".to_owned()),
        Just(">".to_owned()),
        Just(",".to_owned()),
        Just(";".to_owned()),
        Just(":".to_owned()),
        Just(" ".to_owned()),
        Just("ana@corp.example".to_owned()),
        Just("--".to_owned()),
        "[a-z]{1,6}",
        "\\PC{1,3}",
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// One line of any text, without blanks at its ends and without what looks encoded.
fn line() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "\\PC{0,40}",
        "\\PC{0,400}",
        "[a-zżółć ]{0,1200}",
        "[a-z]{900,3000}",
        "[森林🌙]{300,400}",
        "([a-z]{1,30} ){0,200}",
    ];
    text.prop_map(|text| text.trim().replace("=?", "=_?"))
}

/// Where a text can be put.
fn spoil(place: usize, text: &str) -> (Outgoing, Vec<Attachment>) {
    let mut outgoing = hello();
    let mut files = Vec::new();
    let file = |name: &str, mimetype: &str, cid: Option<&str>| Attachment {
        name: Some(name.to_owned()),
        mimetype: mimetype.to_owned(),
        bytes: b"x".to_vec(),
        cid: cid.map(str::to_owned),
    };
    let address = || Mailbox::new("", text);
    match place {
        0 => outgoing.subject = text.to_owned(),
        1 => outgoing.from = vec![Mailbox::new(text, "ana@corp.example")],
        2 => outgoing.from = vec![address()],
        3 => outgoing.to = vec![Mailbox::new(text, "kim@client.example")],
        4 => outgoing.to = vec![address()],
        5 => outgoing.cc = vec![address()],
        6 => outgoing.bcc = vec![address()],
        7 => outgoing.reply_to = vec![Mailbox::new(text, text)],
        8 => outgoing.envelope_from = Some(text.to_owned()),
        9 => outgoing.recipients = Some(vec![text.to_owned()]),
        10 => outgoing.message_id = Some(text.to_owned()),
        11 => outgoing.references = vec![text.to_owned()],
        12 => outgoing.in_reply_to = Some(text.to_owned()),
        13 => outgoing.headers = vec![("X-Note".to_owned(), text.to_owned())],
        14 => outgoing.headers = vec![(text.to_owned(), "x".to_owned())],
        15 => outgoing.headers = vec![("Cc".to_owned(), text.to_owned())],
        16 => outgoing.object_id = Some(text.to_owned()),
        17 => files.push(file(text, "text/plain", None)),
        18 => files.push(file("a.txt", text, None)),
        _ => files.push(file("a.txt", "text/plain", Some(text))),
    }
    if place == 16 {
        outgoing.message_id = None;
    }
    (outgoing, files)
}
const PLACES: usize = 20;

/// The fields that a letter may have, each once.
const FIELDS: [&str; 12] = [
    "message-id",
    "references",
    "in-reply-to",
    "subject",
    "from",
    "reply-to",
    "to",
    "cc",
    "date",
    "x-note",
    "mime-version",
    "content-type",
];

proptest! {
    #[test]
    fn no_text_in_any_place_adds_a_field_or_a_command(
        place in 0..PLACES,
        text in hostile(),
    ) {
        let (outgoing, files) = spoil(place, &text);
        let Some(letter) = written(&outgoing, &files) else {
            return Ok(());
        };
        let raw = String::from_utf8(letter.bytes).expect("what is written is text");
        let (head, body) = raw.split_once("\r\n\r\n").expect("an end of the header");
        // Line ends are CR LF and nothing else.
        prop_assert!(!raw.replace("\r\n", "").contains(['\r', '\n', '\0']), "{raw:?}");
        let mut names: Vec<String> = header_fields(raw.as_bytes())
            .map(|(name, _)| name.to_ascii_lowercase())
            .collect();
        let own = text.to_ascii_lowercase();
        if place == 14 {
            // A name of one's own choice is one name.
            prop_assert!(names.iter().filter(|name| **name == own).count() <= 1);
            names.retain(|name| *name != own);
        }
        names.sort();
        let mut once = names.clone();
        once.dedup();
        prop_assert_eq!(&names, &once, "a field twice: {}", head);
        prop_assert!(names.iter().all(|name| FIELDS.contains(&name.as_str())), "{head:?}");
        // A file adds one part, and so does nothing else.
        let parts = body.matches("\r\nContent-Type: ").count() + usize::from(body.starts_with("Content-Type: "));
        prop_assert_eq!(parts, if files.is_empty() { 2 } else { 4 }, "{}", raw);

        // The envelope that goes with it is one command each.
        let envelope = Envelope::new(&letter.envelope_from, &letter.recipients);
        if let Ok(envelope) = envelope {
            for address in envelope.to().chain(envelope.from()) {
                prop_assert!(!address.contains(|c: char| c.is_control()), "{address:?}");
                prop_assert!(address.starts_with('"') || !address.contains([' ', '<', '>']), "{address:?}");
            }
        }
    }

    #[test]
    fn no_line_is_too_long_and_what_arrives_is_what_was_written(
        subject in line(),
        note in line(),
        name in line(),
        file in line(),
        people in proptest::collection::vec(line(), 0..4),
    ) {
        let mut outgoing = hello();
        outgoing.subject = subject.clone();
        outgoing.from = vec![Mailbox::new(name.clone(), "ana@corp.example")];
        outgoing.headers = vec![("X-Note".to_owned(), note.clone())];
        outgoing.to = people.iter().zip(0..).map(|(name, number)| {
            Mailbox::new(name.clone(), format!("kim{number}@client.example"))
        }).collect();
        outgoing.bcc = vec![Mailbox::new("", "lee@client.example")];
        let attachment = Attachment {
            name: Some(file),
            mimetype: "text/plain".to_owned(),
            bytes: b"x".to_vec(),
            cid: None,
        };
        // Some of what counts as printable ends a line for some programs, and is refused.
        let Some(letter) = written(&outgoing, &[attachment]) else {
            return Ok(());
        };
        let raw = String::from_utf8(letter.bytes).expect("what is written is text");
        prop_assert!(raw.is_ascii());
        let longest = raw.split("\r\n").map(str::len).max();
        prop_assert!(longest <= Some(LONGEST_LINE), "{longest:?}: {raw}");

        let shown = |name: &str| decode_header(raw.as_bytes(), name, ",");
        prop_assert_eq!(shown("subject"), subject);
        prop_assert_eq!(shown("x-note"), note);
        let of = |wanted: &str| -> Vec<Mailbox> {
            header_fields(raw.as_bytes())
                .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
                .flat_map(|(_, value)| email_split_tuples(&value))
                .map(|found| Mailbox::new(decode_text(&found.name), found.addr_spec))
                .collect()
        };
        prop_assert_eq!(of("from"), outgoing.from.clone());
        prop_assert_eq!(of("to"), outgoing.to.clone());
    }

    #[test]
    fn a_mailbox_that_is_written_and_read_is_the_same(
        name in "\\PC{0,40}",
        local in "[a-zA-Z0-9!#$%&'*+/=?^_`{|}~-]{1,12}(\\.[a-zż0-9-]{1,8}){0,2}",
        domain in "[a-z0-9-]{1,12}(\\.[a-zü0-9-]{1,8}){0,3}",
    ) {
        let mailbox = Mailbox::new(name.trim(), format!("{local}@{domain}"));
        prop_assert_eq!(email_split_tuples(&mailbox.to_string()), [mailbox]);
    }

    #[test]
    fn mailboxes_in_a_row_are_read_one_by_one(
        names in proptest::collection::vec("[a-zA-Z ,;:<>@()\\[\\]\"\\\\.ż]{0,12}", 1..6),
    ) {
        let mailboxes: Vec<Mailbox> = names.iter().zip(0..).map(|(name, number)| {
            Mailbox::new(name.trim(), format!("kim{number}@client.example"))
        }).collect();
        let text: Vec<String> = mailboxes.iter().map(ToString::to_string).collect();
        prop_assert_eq!(email_split_tuples(&text.join(", ")), mailboxes);
    }
}
