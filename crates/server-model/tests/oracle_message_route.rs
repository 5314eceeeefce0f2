//! The gateway against the recorded answers of Odoo 18: what is posted where, who is refused and told
//! so, and what reports of failed deliveries change.

#[path = "../../mail/tests/oracle/mod.rs"]
mod oracle;
mod route_world;

use serde_json::{Map, Value, json};
use server_model::call::call_kw;
use server_model::value::{AnyValue, Key};

use route_world::{World, base};

#[test]
fn oracle_message_route() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let base = runtime.block_on(base());
    let answer = |input: &Value| {
        runtime.block_on(async {
            let world = World::build(&base, &input["world"]).await;
            let raised = process(&world, input).await;
            let answer = tell(&world, raised).await;
            world.tear_down().await;
            answer
        })
    };
    oracle::check_table("message_route.jsonl", answer, |_, recorded| {
        shown(&recorded)
    });
}

/// Hands the mail in; gives whether that failed.
async fn process(world: &World<'_>, input: &Value) -> bool {
    let model = input["fallback_model"].as_str();
    let thread = input["fallback_thread"].as_str();
    let values = input["custom_values"].as_object();
    let values = values.into_iter().flatten().map(|(name, value)| {
        let value = value.as_str().expect("values are texts here").into();
        (Key::Owned(name.clone()), value)
    });
    let positional = vec![
        model.map_or(AnyValue::FALSE, AnyValue::from),
        input["raw"].as_str().expect("a mail").into(),
        values.collect::<server_model::value::Map>().into(),
        AnyValue::FALSE,
        AnyValue::FALSE,
        thread.map_or(AnyValue::FALSE, |key| world.partner(key).into()),
    ];
    let named = server_model::value::Map::new();
    call_kw(
        world.caller(),
        "mail.thread",
        "message_process",
        positional,
        named,
    )
    .await
    .is_err()
}

/// What can be seen afterwards.
async fn tell(world: &World<'_>, raised: bool) -> Value {
    let mut messages = Vec::new();
    for row in world
        .rows(
            "SELECT m.id, m.model, m.res_id, m.message_type, m.author_id, m.email_from, p.message_id, m.subject, s.internal \
             FROM mail_message m LEFT JOIN mail_message p ON p.id = m.parent_id \
             LEFT JOIN mail_message_subtype s ON s.id = m.subtype_id \
             WHERE m.id > $1 AND m.message_type = 'email' ORDER BY m.id",
            world.last_message(),
        )
        .await
    {
        let id = row["id"].as_i64().expect("an id");
        let model = row["model"].as_str().unwrap_or_default().to_owned();
        let record = row["res_id"].as_i64().unwrap_or_default();
        let known = world.key_of(record).filter(|_| model == "res.partner");
        let mut told = json!({
            "model": model,
            "record": known.clone().unwrap_or_else(|| "<new>".to_owned()),
            "subtype": if row["internal"] == json!(1) { "note" } else { "comment" },
            "type": row["message_type"],
            "author": world.key_of(row["author_id"].as_i64().unwrap_or_default()),
            "email_from": row["email_from"],
            "parent": row["message_id"],
            "partners": world.keys("SELECT res_partner_id AS id FROM mail_message_res_partner_rel WHERE mail_message_id = $1", id).await,
            "subject": row["subject"],
        });
        if known.is_none() {
            told["new_record"] = world.tell_record(&model, record).await;
        }
        messages.push(told);
    }
    let mut answers = Vec::new();
    for row in world
        .rows(
            "SELECT m.email_to, m.\"references\", g.subject, g.reply_to, g.email_from FROM mail_mail m \
             JOIN mail_message g ON g.id = m.mail_message_id WHERE g.id > $1 AND NOT COALESCE(m.is_notification, FALSE) ORDER BY m.id",
            world.last_message(),
        )
        .await
    {
        let references = row["references"].as_str().unwrap_or_default();
        // Without an address of its own an answer is answered where it came from.
        let reply_to = row["reply_to"].as_str().filter(|to| Some(*to) != row["email_from"].as_str());
        answers.push(json!({
            "to": row["email_to"],
            "reply_to": reply_to,
            "references_tagged_loop": references.contains("-loop-detection-bounce-email@"),
            "references_original": references.split_whitespace().last(),
            "subject": row["subject"],
        }));
    }
    json!({
        "raised": raised,
        "messages": messages,
        "bounce_mails": answers,
        "alias_status": world.alias_states().await,
        "partner_bounce_counts": world.bounce_counts().await,
        "notifications": world.notifications().await,
    })
}

/// The part of a recorded answer that can be seen from outside.
fn shown(recorded: &Value) -> Value {
    let list = |key: &str| recorded[key].as_array().cloned().unwrap_or_default();
    let object = |key: &str| recorded[key].as_object().cloned().unwrap_or_default();
    let answers = list("bounce_mails").into_iter().map(|mail| {
        let wanted = [
            "to",
            "reply_to",
            "references_tagged_loop",
            "references_original",
            "subject",
        ];
        let kept = wanted.map(|key| (key.to_owned(), mail[key].clone()));
        Value::Object(Map::from_iter(kept))
    });
    json!({
        "raised": recorded["outcome"] == json!("raised"),
        "messages": list("messages"),
        "bounce_mails": answers.collect::<Vec<_>>(),
        "alias_status": object("alias_status"),
        "partner_bounce_counts": object("partner_bounce_counts"),
        "notifications": list("notifications"),
    })
}
