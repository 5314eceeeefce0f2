//! How a letter is written: its fields, their order, and the tree of its parts.

use mail::parse::{decode_text, header_fields};
use mail::server::Timeouts;
use serde_json::{Map, Value, json};
use server_model::outbox::choose::{Carrier, Choice, Defaults};
use server_model::outbox::letters::compose_letter;

use crate::letter::{Letter, now};
use crate::world::{Base, World, runtime, text};
use crate::{header, oracle, tree};

/// Fields whose order says nothing, or that a letter never has on the wire.
const UNORDERED: [&str; 4] = [
    "content-type",
    "content-transfer-encoding",
    "mime-version",
    "bcc",
];
/// Fields that a row tells of by themselves.
const TOLD: [&str; 6] = ["message-id", "subject", "from", "reply-to", "to", "date"];

#[test]
fn oracle_build_email() {
    let runtime = runtime();
    let base = runtime.block_on(Base::new());
    let answer = |input: &Value| {
        runtime.block_on(async {
            let world = World::build(&base, input, 25, Timeouts::default()).await;
            let answer = build(&world, input).await;
            world.tear_down().await;
            answer
        })
    };
    oracle::check_table("build_email.jsonl", answer, |input, recorded| {
        shown(input, recorded)
    });
}

async fn build(world: &World<'_>, input: &Value) -> Value {
    let directory = world.directory().await;
    let of_record = Defaults {
        from: text(&input["context"]["domain_notifications_email"]).map(str::to_owned),
        bounce: None,
    };
    let choice = Choice {
        carrier: Carrier::Own,
        from_filter: None,
        smtp_from: None,
        defaults: of_record.or(directory.of_company()),
    };
    let letter = match Letter::read(&input["build"], &Value::Null) {
        Ok(letter) => letter,
        Err(_) => return json!({"error": true}),
    };
    let composed = match letter.content() {
        Ok(content) => compose_letter(&letter.texts(), &content, &choice, now()).ok(),
        Err(_) => None,
    };
    let Some(composed) = composed else {
        return json!({"error": true});
    };
    let raw = String::from_utf8(composed.bytes).expect("what is written is text");
    let longest = raw.split("\r\n").map(str::len).max();
    assert!(longest <= Some(998), "a line of {longest:?} octets");

    let fields: Vec<(String, String)> = header_fields(raw.as_bytes()).collect();
    let of = |wanted: &str| {
        let mut named = fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named
            .next()
            .map(|(_, value)| value.as_str())
            .unwrap_or_default()
    };
    let date = of("date");
    let told = &input["build"];
    let mut answer = json!({
        "header_names": fields.iter().map(|(name, _)| name.as_str()).filter(|name| is_ordered(name)).map(str::to_ascii_lowercase).collect::<Vec<_>>(),
        "message_id": message_id(of("message-id"), told),
        "message_id_lines": lines(&raw, "message-id"),
        "references_lines": lines(&raw, "references"),
        "in_reply_to_lines": lines(&raw, "in-reply-to"),
        "subject": decode_text(of("subject")).trim(),
        "reply_to": header::mailboxes(of("reply-to")),
        "from": header::mailboxes(of("from")),
        "to": header::mailboxes(of("to")),
        "date_utc_now": date.starts_with("Tue, 15 Jan 2030 10:20:30 "),
        "date_offset": date.split(' ').next_back(),
        "extra": extra(fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
        "tree": without_generated(&tree::of(&raw), makes_alternative(told)),
    });
    if !header::sender_shown(text(&told["email_from"])) {
        answer["from"] = json!([]);
    }
    if answer["message_id"] == json!("given") {
        answer["message_id_value"] = of("message-id").into();
    }
    answer
}

/// How the id came about.
fn message_id(id: &str, told: &Value) -> String {
    let object = text(&told["object_id"]).unwrap_or_default();
    if let Some(given) = text(&told["message_id"]) {
        return if id == given { "given" } else { "changed" }.to_owned();
    }
    match id.split_once("-openerp-") {
        Some((_, rest)) if rest.starts_with(&format!("{object}@")) => format!("tracking:{object}"),
        Some(_) => "other".to_owned(),
        None => "plain".to_owned(),
    }
}

/// On how many lines each field of that name stands. One that is longer than a line may be counts as one: there is no
/// other way to write it (RFC 5322 section 2.1.1).
fn lines(raw: &str, wanted: &str) -> Vec<usize> {
    let (head, _) = raw.split_once("\r\n\r\n").expect("an end of the header");
    let mut counts: Vec<usize> = Vec::new();
    let mut inside = false;
    for line in head.split("\r\n") {
        if !line.starts_with([' ', '\t']) {
            let name = line.split(':').next().unwrap_or_default();
            inside = name.eq_ignore_ascii_case(wanted);
            if inside {
                counts.push(0);
            }
        }
        if let Some(count) = counts.last_mut().filter(|_| inside) {
            *count += 1;
        }
    }
    let values = header_fields(raw.as_bytes())
        .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
        .map(|(name, value)| name.len() + 2 + value.len());
    for (count, length) in counts.iter_mut().zip(values) {
        if length > 998 {
            *count = 1;
        }
    }
    counts
}

fn is_ordered(name: &str) -> bool {
    !UNORDERED.contains(&name.to_ascii_lowercase().as_str())
}

/// The fields that are left.
fn extra<'x>(fields: impl Iterator<Item = (&'x str, &'x str)>) -> Map<String, Value> {
    fields
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .filter(|(name, _)| is_ordered(name) && !TOLD.contains(&name.as_str()))
        .map(|(name, value)| {
            let value = header::meaning(&name, value);
            (name, value)
        })
        .collect()
}

/// Whether the plain text is made from the HTML, so that only its presence counts.
fn makes_alternative(told: &Value) -> bool {
    told["subtype"] == json!("html") && text(&told["body_alternative"]).is_none_or(str::is_empty)
}

fn without_generated(tree: &Value, generated: bool) -> Value {
    let mut tree = tree.clone();
    if let Some(children) = tree["children"].as_array_mut() {
        for child in children {
            *child = without_generated(child, generated);
        }
    }
    let is_made = generated && tree["type"] == json!("text/plain") && tree["disposition"].is_null();
    if let Some(part) = tree.as_object_mut() {
        part.retain(|name, _| match name.as_str() {
            "cte" | "max_line" | "generated" => false,
            "size" => !is_made,
            _ => true,
        });
    }
    tree
}

/// The part of a recorded answer that is compared.
fn shown(input: &Value, recorded: Value) -> Value {
    if recorded["error"].is_string() {
        return json!({"error": true});
    }
    let told = &input["build"];
    let names = recorded["header_names"].as_array().into_iter().flatten();
    let names = names.filter_map(text).filter(|name| is_ordered(name));
    let extra_fields = recorded["extra"].as_object().into_iter().flatten();
    let mut shown = json!({
        "header_names": names.map(str::to_ascii_lowercase).collect::<Vec<_>>(),
        "extra": extra(extra_fields.filter_map(|(name, value)| Some((name.as_str(), text(value)?)))),
        "tree": without_generated(&recorded["tree"], makes_alternative(told)),
        "subject": text(&recorded["subject_before_wire"]).or(text(&recorded["subject"])).unwrap_or_default().trim(),
    });
    for name in ["reply_to", "from", "to"] {
        shown[name] = header::mailboxes(text(&recorded[name]).unwrap_or_default());
    }
    for name in [
        "message_id",
        "message_id_lines",
        "references_lines",
        "in_reply_to_lines",
        "date_utc_now",
        "date_offset",
    ] {
        shown[name] = recorded[name].clone();
    }
    if let Some(value) = recorded.get("message_id_value") {
        shown["message_id_value"] = value.clone();
    }
    shown
}
