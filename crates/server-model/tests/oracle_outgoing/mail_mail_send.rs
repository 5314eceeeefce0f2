//! Mails of the queue: their letters, their sessions, and what becomes of them.

use std::time::Duration;

use mail::server::Timeouts;
use mail::text::html_to_text;
use serde_json::{Map, Value, json};
use server_model::call::call_kw;
use server_model::database::Intent;
use server_model::outbox::choose::Directory;
use server_model::outbox::letters::{self, Addressed, Draft, split};
use server_model::value::{AnyValue, Id};

use crate::scripted::ScriptedServer;
use crate::world::{Base, World, items, runtime, text};
use crate::{header, oracle};

/// How long a step at a server may take that does not answer.
const PATIENCE: Duration = Duration::from_millis(300);

#[test]
fn oracle_mail_mail_send() {
    let runtime = runtime();
    let base = runtime.block_on(Base::new());
    let answer = |input: &Value| {
        runtime.block_on(async {
            let server = ScriptedServer::start(input).await;
            let patience = Timeouts::all(PATIENCE);
            let mut world = World::build(&base, input, server.port, patience).await;
            let answer = match text(&input["op"]).expect("every row names its operation") {
                "outgoing_list" => outgoing_list(&mut world, input).await,
                "split" => groups(&mut world, input).await,
                "send" | "queue" => send(&mut world, input, &server).await,
                other => panic!("no operation {other}"),
            };
            world.tear_down().await;
            answer
        })
    };
    oracle::check_table("mail_mail_send.jsonl", answer, |_, recorded| {
        shown(recorded)
    });
}

async fn drafts(world: &World<'_>, ids: &[Id]) -> (Directory, Vec<Draft>) {
    let env = world.begin(Intent::Write).await;
    let directory = Directory::load(&env).await.expect("a directory");
    let drafts = letters::read_many(&env, &directory, ids)
        .await
        .expect("mails can be read");
    env.commit().await.expect("the transaction ends");
    (directory, drafts)
}

async fn outgoing_list(world: &mut World<'_>, input: &Value) -> Value {
    let id = world.make_mail(&input["mail"], 1).await;
    let (directory, drafts) = drafts(world, &[id]).await;
    let draft = drafts.first().expect("the mail is there");
    let headers = match draft.headers(&directory) {
        Ok(headers) => Map::from_iter(headers.into_iter().map(|(name, v)| (name, v.into()))),
        Err(_) => return json!({"error": true}),
    };
    let files: Vec<Value> = draft
        .attachments
        .iter()
        .map(|file| json!({"name": file.name, "size": file.bytes.len(), "mimetype": file.mimetype}))
        .collect();
    let object_id = match text(&input["mail"]["record"]) {
        Some(key) => draft.object_id().replacen(
            &world.partner(key).to_string(),
            &format!("<id of {key}>"),
            1,
        ),
        None => draft.object_id(),
    };
    let html = draft.html();
    let email = |addressed: &Addressed| {
        json!({
            "email_to": addressed.to,
            "email_cc": addressed.cc,
            "email_to_normalized": addressed.judged,
            "email_to_raw": addressed.raw,
            "partner": addressed.contact.map(|id| world.key_of(id)),
            "email_from": draft.message.email_from,
            "reply_to": draft.message.reply_to,
            "subject": draft.message.subject,
            "headers": headers,
            "references": draft.mail.references,
            "message_id": draft.message.message_id,
            "object_id": object_id,
            "attachments": files,
            "body_empty": html.is_empty(),
            "alternative_empty": html_to_text(&html).trim().is_empty(),
            "attachment_links_added": draft.links.iter().any(|link| html.contains(&link.name)),
            "unfollow": if html.contains("unfollow") { "there" } else { "absent" },
        })
    };
    let emails: Vec<Value> = draft.addressed().iter().map(email).collect();
    json!({"emails": emails})
}

async fn groups(world: &mut World<'_>, input: &Value) -> Value {
    let mut ids = Vec::new();
    for (mail, number) in items(input, "mails").zip(1..) {
        ids.push(world.make_mail(mail, number).await);
    }
    let keys: Vec<&str> = items(input, "mails")
        .map(|mail| text(&mail["key"]).expect("a key"))
        .collect();
    let key_of = |draft: &Draft| {
        let at = ids.iter().position(|id| *id == draft.id());
        at.map(|at| keys[at])
    };
    let (directory, drafts) = drafts(world, &ids).await;
    let groups: Vec<Value> = split(drafts, &directory)
        .into_iter()
        .map(|group| {
            let first = group.drafts.first().expect("no group is empty");
            let (server, smtp_from) = match group.choice {
                Ok(choice) => (choice.carrier.id(), choice.smtp_from),
                // A server that was archived is told when it is to be used.
                Err(_) => (first.forced_server(&directory), first.sender()),
            };
            json!({
                "server": world.name_of(server),
                "alias_domain": world.domain_of(group.alias_domain),
                "smtp_from": smtp_from,
                "mails": group.drafts.iter().map(key_of).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({"groups": groups})
}

async fn send(world: &mut World<'_>, input: &Value, server: &ScriptedServer) -> Value {
    let mut ids = Vec::new();
    for (mail, number) in items(input, "mails").zip(1..) {
        ids.push(world.make_mail(mail, number).await);
    }
    let strangers = without_sender(world, &ids).await;
    let is_queue = input["op"] == json!("queue");
    let (method, args) = if is_queue {
        ("process_email_queue", Vec::new())
    } else {
        ("send", vec![AnyValue::ids(&ids)])
    };
    let mut named = server_model::value::Map::new();
    if input["raise_exception"] == json!(true) {
        named.insert("raise_exception".into(), true.into());
    }
    let done = call_kw(world.caller(), "mail.mail", method, args, named).await;
    let raised = done.is_err();
    let sent: Vec<Value> = server
        .sent()
        .iter()
        .map(|letter| sent(letter, &strangers))
        .collect();
    let mut answer = json!({"raised": raised, "sent": sent});
    if !raised {
        let mut mails = Vec::new();
        for (told, id) in items(input, "mails").zip(&ids) {
            mails.push(fate(world, told, *id).await);
        }
        answer["mails"] = mails.into();
    }
    answer
}

async fn fate(world: &World<'_>, told: &Value, id: Id) -> Value {
    let rows = world
        .rows(&format!(
            "SELECT json_object('state', state, 'failure_type', failure_type, 'has_reason', COALESCE(failure_reason, '') <> '') \
             FROM mail_mail WHERE id = {id}"
        ))
        .await;
    let Some(row) = rows.first() else {
        return json!({"key": told["key"], "deleted": true});
    };
    let mut fate = json!({
        "key": told["key"],
        "state": row["state"],
        "failure_type": row["failure_type"],
        "has_reason": row["has_reason"] == json!(1),
    });
    if told["is_notification"] == json!(true) {
        let rows = world
            .rows(&format!(
                "SELECT json_object('partner', res_partner_id, 'status', notification_status, 'failure_type', failure_type) \
                 FROM mail_notification WHERE mail_mail_id = {id} ORDER BY id"
            ))
            .await;
        let notifications = rows.into_iter().map(|mut row| {
            let partner = row["partner"].as_i64().and_then(|id| Id::try_from(id).ok());
            row["partner"] = world.key_of(partner.expect("a contact"));
            row
        });
        fate["notifications"] = by_partner(notifications.collect());
    }
    fate
}

fn by_partner(mut notifications: Vec<Value>) -> Value {
    notifications.sort_by_key(|notification| notification["partner"].to_string());
    notifications.into()
}

/// The Message-Ids of mails that Odoo sends under a sender that is no address (see [`header::sender_shown`]).
async fn without_sender(world: &World<'_>, ids: &[Id]) -> Vec<Value> {
    let (directory, drafts) = drafts(world, ids).await;
    let mut found = Vec::new();
    for draft in drafts {
        let choice = directory.choose(
            draft.sender().as_deref(),
            draft.forced_server(&directory),
            draft.alias_domain(),
        );
        let smtp_from = choice.ok().and_then(|choice| choice.smtp_from);
        if !header::sender_shown(smtp_from.as_deref()) {
            found.push(json!([draft.message.message_id]));
        }
    }
    found
}

/// The fields of a letter that a row tells of.
fn sent(sent: &Value, strangers: &[Value]) -> Value {
    let mut sent = sent.clone();
    if let Some(headers) = sent["headers"].as_object_mut() {
        if strangers
            .iter()
            .any(|id| Some(id) == headers.get("message-id"))
        {
            headers.remove("from");
        }
        headers.retain(|name, _| {
            ["from", "to", "cc", "reply-to", "return-path", "message-id"].contains(&name.as_str())
        });
    }
    sent
}

/// The part of a recorded answer that is compared. How many sessions there were is not: Postern keeps connections and
/// uses them again, where Odoo opens one a sender, whether there is something to send or not.
fn shown(mut recorded: Value) -> Value {
    if recorded["error"].is_string() {
        return json!({"error": true});
    }
    if let Some(answer) = recorded.as_object_mut() {
        answer.remove("sessions");
        if let Some(raised) = answer.get_mut("raised") {
            *raised = (!raised.is_null()).into();
        }
    }
    for email in list_of(&mut recorded, "emails") {
        // What stands in To of a letter that nobody gets says nothing.
        if email["email_to_normalized"] == json!([]) {
            email["email_to"] = json!([]);
        }
        nothing_as_null(email);
    }
    for mail in list_of(&mut recorded, "mails") {
        if let Some(mail) = mail.as_object_mut() {
            mail.remove("message_id_kept");
            if let Some(Value::Array(list)) = mail.remove("notifications") {
                mail.insert("notifications".into(), by_partner(list));
            }
        }
        for notification in list_of(mail, "notifications") {
            nothing_as_null(notification);
        }
        if mail["failure_type"] == json!(false) {
            mail["failure_type"] = Value::Null;
        }
    }
    for sent in list_of(&mut recorded, "sent") {
        let told = sent["headers"].as_object().into_iter().flatten();
        let headers: Map<String, Value> = told
            .filter_map(|(name, values)| {
                let values = values.as_array().into_iter().flatten();
                let values: Vec<Value> = values
                    .filter_map(text)
                    .map(|value| header::meaning(name, value))
                    .filter(|value| !header::is_nothing(value))
                    .collect();
                (!values.is_empty()).then(|| (name.to_ascii_lowercase(), values.into()))
            })
            .collect();
        sent["headers"] = headers.into();
    }
    recorded
}

/// The items of a list; none when it is not there.
fn list_of<'v>(value: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Value> {
    let list = value.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter().flatten()
}

/// Odoo says `false` where there is no text and no record.
fn nothing_as_null(value: &mut Value) {
    for name in [
        "partner",
        "email_to_raw",
        "references",
        "failure_type",
        "reply_to",
    ] {
        if let Some(value) = value.get_mut(name).filter(|value| **value == json!(false)) {
            *value = Value::Null;
        }
    }
}
