//! The parser of received mail against the recorded answers of Odoo 18. What only the database knows
//! (contacts, the message answered) is compared where the database is, with the gateway.

mod oracle;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDate;
use mail::address::email_normalize;
use mail::parse::{Attachment, BodyKind, Incoming, ParseContext, parse_message, sanitize_html};
use serde_json::{Map, Value, json};

/// What the table tells beside the message itself.
const FROM_THE_DATABASE: [&str; 5] = [
    "partners",
    "parent",
    "is_internal",
    "bounced_partner",
    "bounced_message",
];
/// The recorded text of a body ends here, in characters.
const LONGEST_TEXT: usize = 600;

#[test]
fn oracle_message_parse() {
    oracle::check_table("message_parse.jsonl", answer, told_by_the_message);
}

fn answer(input: &Value) -> Value {
    let raw = match input["raw"].as_str() {
        Some(text) => text.as_bytes().to_vec(),
        None => STANDARD
            .decode(input["raw_b64"].as_str().expect("a mail"))
            .expect("valid base64"),
    };
    let now = NaiveDate::from_ymd_opt(2030, 1, 15).and_then(|day| day.and_hms_opt(10, 20, 30));
    let context = ParseContext {
        now: now.expect("a valid moment"),
        bounce_addresses: bounce_addresses(&input["world"]),
    };
    tell(&parse_message(&raw, &context))
}

fn bounce_addresses(world: &Value) -> Vec<String> {
    let domains = world["alias_domains"].as_array().into_iter().flatten();
    domains
        .filter_map(|domain| {
            let local = domain["bounce_alias"].as_str().unwrap_or("bounce");
            email_normalize(&format!("{local}@{}", domain["name"].as_str()?))
        })
        .collect()
}

fn tell(mail: &Incoming) -> Value {
    let sorted = |list: &[String]| {
        let mut list = list.to_vec();
        list.sort();
        list
    };
    let mut told = json!({
        "message_id": mail.message_id.as_deref().unwrap_or("<generated>"),
        "subject": mail.subject,
        "email_from": mail.email_from,
        "to": sorted(&mail.to),
        "recipients": sorted(&mail.recipients),
        "cc": mail.cc.join(","),
        "references": mail.references,
        "in_reply_to": mail.in_reply_to,
        "date": mail.date.map(|date| date.to_string()),
        "is_bounce": mail.is_bounce,
        "attachments": mail.attachments.iter().map(tell_attachment).collect::<Vec<_>>(),
        "body": tell_body(mail),
    });
    if mail.is_bounce {
        told["bounced_email"] = json!(mail.bounce.bounced_email);
        told["bounced_msg_ids"] = json!(mail.bounce.bounced_msg_ids);
    }
    told
}

fn tell_attachment(part: &Attachment) -> Value {
    let text = String::from_utf8_lossy(&part.bytes);
    let bytes = match part.charset.as_deref() {
        Some("iso-8859-1") => text
            .chars()
            .map(|c| u8::try_from(c).unwrap_or(b'?'))
            .collect(),
        _ => part.bytes.clone(),
    };
    let hash = digest(&SHA256, &bytes);
    let hash: String = hash
        .as_ref()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    // A message in the message is recorded without its bytes.
    let has_bytes = part.mimetype != "message/rfc822";
    json!({
        "name": part.name,
        "size": has_bytes.then_some(bytes.len()),
        "sha256": has_bytes.then_some(hash),
        "cid": part.cid,
    })
}

fn tell_body(mail: &Incoming) -> Value {
    let html = sanitize_html(&mail.body_html);
    let text = visible_text(&html);
    let files: Vec<&str> = html
        .split("data-filename=\"")
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect();
    json!({
        "kind": match mail.body_kind {
            BodyKind::Pre => "pre",
            BodyKind::Html => "html",
            BodyKind::Empty => "empty",
        },
        "text": text,
        "has_pre": html.contains("<pre"),
        "has_script": html.contains("<script"),
        "data_filename": files,
    })
}

fn visible_text(html: &str) -> String {
    let mut text = String::new();
    for (place, piece) in html.split('<').enumerate() {
        match piece.split_once('>') {
            Some((_, behind)) if place > 0 => text.push_str(behind),
            _ => text.push_str(piece),
        }
    }
    let text = text
        .replace("&nbsp;", "\u{a0}")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(LONGEST_TEXT).collect()
}

/// The recorded answer without what the message itself does not tell.
fn told_by_the_message(input: &Value, recorded: Value) -> Value {
    let Value::Object(mut told) = recorded else {
        return recorded;
    };
    told.retain(|key, _| !FROM_THE_DATABASE.contains(&key.as_str()));
    if let Some(Value::Array(files)) = told.get_mut("attachments") {
        // The original is attached by the gateway, which has it.
        files.retain(|file| file["name"] != "original_email.eml");
        for file in files {
            let keep = |key: &str| (key.to_owned(), file[key].clone());
            *file = Value::Object(Map::from_iter(["name", "size", "sha256", "cid"].map(keep)));
        }
    }
    if let Some(Value::Object(body)) = told.get_mut("body") {
        body.remove("has_class");
        for (flag, absent) in [
            ("has_pre", json!(false)),
            ("has_script", json!(false)),
            ("data_filename", json!([])),
        ] {
            body.entry(flag).or_insert(absent);
        }
    }
    if told
        .get("subject")
        .is_some_and(|subject| !subject.is_string())
    {
        told.insert("subject".to_owned(), json!(""));
    }
    if told.get("bounced_msg_ids") == Some(&json!(false)) {
        told.insert("bounced_msg_ids".to_owned(), json!([]));
    }
    // Whom a message was sent to is in the database, and stands in for what a report does not say.
    let messages = input["world"]["messages"].as_array().into_iter().flatten();
    if messages
        .into_iter()
        .any(|message| message["notified"].is_array())
    {
        let said = answer(input)["bounced_email"].clone();
        told.insert("bounced_email".to_owned(), said);
    }
    Value::Object(told)
}
