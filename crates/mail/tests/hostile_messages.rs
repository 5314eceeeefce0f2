//! Ten thousand messages, generated and mutated from real ones, and the bombs that nesting makes: the
//! parser takes them all, and what it gives is never much larger than what it was given.
//!
//! The bound is on sizes and not on time: every step of the parser reads or writes a byte of these.

#![expect(
    clippy::disallowed_methods,
    reason = "a test reads its table itself; only the crate proper has no files"
)]

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mail::parse::{Incoming, ParseContext, parse_message, sanitize_html};
use mail::text::html_to_text;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

const MESSAGES: usize = 10_000;
/// What comes out may be so many times as large as what went in: a text is escaped (`"` becomes
/// `&quot;`), and a message in a message is there as a file and in its parts.
const GROWTH: usize = 12;
/// What a message without anything in it becomes.
const LEAST: usize = 4 * 1024;
/// The most parts that are kept of a message.
const MOST_PARTS: usize = 10_000;
/// The numbers that look random are the same in every run.
const SEED: u64 = 20_260_114;

/// What a parsed message holds, in bytes.
fn weight(mail: &Incoming) -> usize {
    let texts = [
        mail.message_id.as_deref().unwrap_or_default(),
        &mail.subject,
        &mail.email_from,
        &mail.references,
        &mail.in_reply_to,
        &mail.body_html,
    ];
    let lists = [&mail.to, &mail.cc, &mail.recipients, &mail.reply_to];
    let files = mail.attachments.iter().map(|file| {
        file.bytes.len()
            + file.name.len()
            + file.mimetype.len()
            + file.cid.as_deref().unwrap_or_default().len()
    });
    texts.iter().map(|text| text.len()).sum::<usize>()
        + lists
            .iter()
            .flat_map(|list| list.iter())
            .map(String::len)
            .sum::<usize>()
        + files.sum::<usize>()
}

fn check(raw: &[u8], what: &str) {
    let mail = parse_message(raw, &ParseContext::default());
    let weight = weight(&mail);
    let most = LEAST + GROWTH * raw.len();
    assert!(
        weight <= most,
        "{what}: {} bytes became {weight}: {:?}",
        raw.len(),
        String::from_utf8_lossy(&raw[..raw.len().min(2000)])
    );
    assert!(mail.attachments.len() <= MOST_PARTS, "{what}");
    let clean = sanitize_html(&mail.body_html);
    assert!(!clean.contains("<script"), "{what}");
    let text = html_to_text(&clean);
    assert!(text.len() <= most, "{what}: a text of {} bytes", text.len());
}

/// The messages of the recorded table.
fn known() -> Vec<Vec<u8>> {
    let table = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/oracle/message_parse.jsonl");
    let rows = std::fs::read_to_string(table).expect("the table is there");
    rows.lines()
        .filter_map(|row| {
            let row: Value = serde_json::from_str(row).expect("a row is JSON");
            let input = &row["in"];
            match (input["raw"].as_str(), input["raw_b64"].as_str()) {
                (Some(text), _) => Some(text.as_bytes().to_vec()),
                (None, Some(packed)) => STANDARD.decode(packed).ok(),
                _ => None,
            }
        })
        .collect()
}

/// Pieces that mean something in a message, to be put where they do not belong.
const PIECES: [&[u8]; 22] = [
    b"\r\n\r\n",
    b"\n",
    b"--B\r\n",
    b"--B--\r\n",
    b"Content-Type: multipart/mixed; boundary=B\r\n\r\n--B\r\n",
    b"Content-Type: multipart/alternative; boundary=\"B\"\r\n\r\n",
    b"Content-Type: multipart/report; report-type=delivery-status; boundary=B\r\n",
    b"Content-Type: message/rfc822\r\n\r\n",
    b"Content-Type: message/delivery-status\r\n\r\n",
    b"Content-Type: text/html; charset=utf-16\r\n\r\n",
    b"Content-Type: text/plain; charset=x-unknown; name*0*=utf-8''%ff\r\n\r\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\r\n",
    b"Content-Disposition: attachment; filename*=utf-8''%e2%82%ac\r\n",
    b"=?utf-8?B?4oKs4oKs?=",
    b"=?iso-2022-jp?Q?=1B$B?=",
    b"\"<@,;:()[]\\\"",
    b"Final-Recipient: rfc822; a@b.example\r\n",
    b"References: <a@b> <c@d>\r\n",
    b"<table><tr><td style=\"width:1px\"><script>",
    b"\0\xff\xfe\x80",
    b"=\r\n=3D=",
];

fn mutated(random: &mut StdRng, known: &[Vec<u8>]) -> Vec<u8> {
    let mut raw = known[random.random_range(0..known.len())].clone();
    raw.truncate(8 * 1024);
    for _ in 0..random.random_range(1..8) {
        let at = random.random_range(0..=raw.len());
        match random.random_range(0..7) {
            0 if at < raw.len() => raw[at] ^= 1 << random.random_range(0..8),
            1 => raw.truncate(at),
            2 => {
                let piece = PIECES[random.random_range(0..PIECES.len())];
                raw.splice(at..at, piece.iter().copied());
            }
            3 => {
                // A part of another message in the middle of this one.
                let other = &known[random.random_range(0..known.len())];
                let from = random.random_range(0..=other.len());
                let to = (from + random.random_range(0..600)).min(other.len());
                raw.splice(at..at, other[from..to].iter().copied());
            }
            4 => {
                let end = (at + random.random_range(0..200)).min(raw.len());
                raw.drain(at..end);
            }
            5 => {
                let end = (at + random.random_range(0..100)).min(raw.len());
                let again = raw[at..end].repeat(random.random_range(1..20));
                raw.splice(at..at, again);
            }
            _ => {
                let byte: u8 = random.random();
                raw.insert(at, byte);
            }
        }
    }
    raw
}

fn generated(random: &mut StdRng) -> Vec<u8> {
    let mut raw = Vec::new();
    for _ in 0..random.random_range(0..60) {
        raw.extend_from_slice(PIECES[random.random_range(0..PIECES.len())]);
        if random.random_range(0..4) == 0 {
            let noise: [u8; 16] = random.random();
            raw.extend_from_slice(&noise);
        }
    }
    raw
}

#[test]
fn ten_thousand_generated_and_mutated_messages_are_taken_and_stay_small() {
    let known = known();
    assert!(known.len() > 100, "the recorded messages are there");
    let mut random = StdRng::seed_from_u64(SEED);
    for number in 0..MESSAGES {
        let raw = if number % 4 == 0 {
            generated(&mut random)
        } else {
            mutated(&mut random, &known)
        };
        check(&raw, &format!("message {number}"));
    }
}

/// Parts within parts, so many levels deep.
fn nested(kind: &str, levels: usize) -> Vec<u8> {
    let mut raw = b"From: a@b.example\r\n".to_vec();
    for level in 0..levels {
        let head = match kind {
            "multipart" => format!(
                "Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n"
            ),
            "same boundary" => {
                "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n".to_owned()
            }
            _ => "Content-Type: message/rfc822\r\n\r\n".to_owned(),
        };
        raw.extend_from_slice(head.as_bytes());
    }
    raw.extend_from_slice(b"\r\nthe end\r\n");
    raw
}

#[test]
fn bombs_of_nested_parts_are_not_followed_to_their_end() {
    for kind in ["multipart", "same boundary", "message"] {
        for levels in [10, 100, 10_000] {
            check(&nested(kind, levels), &format!("{kind}, {levels} levels"));
        }
    }
}

#[test]
fn a_message_in_a_message_in_a_message_is_not_copied_for_each_level() {
    let mut raw = vec![b'x'; 200_000];
    for _ in 0..50 {
        let mut outer = b"Content-Type: message/rfc822\r\n\r\n".to_vec();
        outer.append(&mut raw);
        raw = outer;
    }
    check(&raw, "a large message within fifty");
}

#[test]
fn a_million_empty_parts_are_not_kept() {
    let mut raw = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n".to_vec();
    raw.extend(b"--b\r\n\r\n".repeat(200_000));
    check(&raw, "empty parts");
    let mail = parse_message(&raw, &ParseContext::default());
    assert!(mail.attachments.len() <= MOST_PARTS);
}

#[test]
fn endless_headers_stay_as_they_are() {
    let addresses = "kim@client.example, ".repeat(20_000);
    check(format!("To: {addresses}\r\n\r\nx").as_bytes(), "recipients");
    let references = "<a@b.example> ".repeat(20_000);
    check(
        format!("References: {references}\r\n\r\nx").as_bytes(),
        "references",
    );
    check(&b"X: y\r\n".repeat(100_000), "header fields");
}
