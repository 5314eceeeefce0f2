//! What a letter says about sender and recipients, in its header and in its envelope.

use mail::server::Timeouts;
use serde_json::{Map, Value, json};
use server_model::outbox::choose::{Carrier, Choice, Defaults};
use server_model::outbox::letters::compose_letter;
use server_model::outbox::refusal::FailureType;
use server_model::outbox::smtp;

use crate::header;
use crate::letter::{Letter, now};
use crate::oracle;
use crate::world::{Base, World, runtime, text};

/// Fields that every letter has and no row tells of.
const UNTOLD: [&str; 5] = [
    "message-id",
    "date",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
];

#[test]
fn oracle_prepare_email() {
    let runtime = runtime();
    let base = runtime.block_on(Base::new());
    let answer = |input: &Value| {
        runtime.block_on(async {
            let world = World::build(&base, input, 25, Timeouts::default()).await;
            let answer = prepare(&world, input).await;
            world.tear_down().await;
            answer
        })
    };
    oracle::check_table("prepare_email.jsonl", answer, |_, recorded| {
        shown(&recorded)
    });
}

async fn prepare(world: &World<'_>, input: &Value) -> Value {
    let directory = world.directory().await;
    let context = &input["context"];
    let of_record = Defaults {
        from: owned(&context["domain_notifications_email"]),
        bounce: owned(&context["domain_bounce_address"]),
    };
    let of_record = of_record.or(&world.of_domain(&directory, &input["context_domain"]));
    let connect = &input["connect"];
    let mut answer = json!({});
    let choice = if connect.is_null() {
        Choice {
            carrier: Carrier::Own,
            from_filter: owned(&input["session"]["from_filter"]),
            smtp_from: owned(&input["session"]["smtp_from"]),
            defaults: of_record.or(directory.of_company()),
        }
    } else {
        let smtp_from = text(&connect["smtp_from"]);
        let choice = match text(&connect["server"]) {
            Some(name) => directory.session(world.server(name), smtp_from, &of_record),
            None => Ok(directory.session_for(smtp_from, &of_record)),
        };
        match choice {
            Ok(choice) if !lacks_host(world, &choice, input).await => {
                answer["session"] = json!({
                    "from_filter": choice.from_filter,
                    "smtp_from": choice.smtp_from,
                });
                choice
            }
            _ => return json!({"error": true, "code": null}),
        }
    };
    let letter = Letter::read(&input["build"], &context["send_validated_to"])
        .expect("headers that are texts");
    let content = letter.content().expect("a content");
    let composed = match compose_letter(&letter.texts(), &content, &choice, now()) {
        Ok(composed) => composed,
        Err(refusal) => {
            let code = match refusal.failure_type {
                FailureType::EmailInvalid => Some("NO_VALID_RECIPIENT"),
                FailureType::FromMissing => Some("NO_FOUND_FROM"),
                FailureType::FromInvalid => Some("NO_VALID_FROM"),
                FailureType::Unknown => None,
            };
            return json!({"error": true, "code": code});
        }
    };
    let mut headers = header::fields(&composed.bytes);
    headers.retain(|name, _| !UNTOLD.contains(&name.as_str()));
    let written = text(&input["build"]["email_from"]);
    if !header::sender_shown(choice.smtp_from.as_deref().or(written)) {
        headers.remove("from");
    }
    answer["smtp_from"] = composed.envelope_from.into();
    answer["smtp_to_list"] = composed.recipients.into();
    answer["smtputf8"] = composed.needs_smtputf8.into();
    answer["headers"] = headers.into();
    answer
}

/// Where the configuration names no server, connecting says so before anything is sent anywhere.
async fn lacks_host(world: &World<'_>, choice: &Choice, input: &Value) -> bool {
    let without = input["config"]["smtp_server"] == json!(false);
    let is_own = choice.carrier.id().is_none();
    without && is_own && {
        let limits = Timeouts::default();
        smtp::connect(world.caller(), &choice.carrier, limits)
            .await
            .is_err()
    }
}

/// The part of a recorded answer that is compared.
fn shown(recorded: &Value) -> Value {
    if recorded["error"].is_string() {
        return json!({"error": true, "code": recorded["code"]});
    }
    let mut headers = Map::new();
    for (name, values) in recorded["headers"].as_object().into_iter().flatten() {
        let raw = values.as_array().into_iter().flatten().map(|value| {
            let raw = text(&value["raw"]).expect("the text on the wire");
            header::meaning(name, &raw.replace("\r\n", ""))
        });
        let values: Vec<Value> = raw.filter(|value| !header::is_nothing(value)).collect();
        if !values.is_empty() {
            headers.insert(name.to_ascii_lowercase(), values.into());
        }
    }
    let mut shown = json!({
        "smtp_from": recorded["smtp_from"],
        "smtp_to_list": once_each(&recorded["smtp_to_list"]),
        "smtputf8": recorded["smtputf8"],
        "headers": headers,
    });
    if !recorded["session"].is_null() {
        shown["session"] = recorded["session"].clone();
    }
    shown
}

/// Nobody is named to a server twice.
fn once_each(recipients: &Value) -> Value {
    let mut once: Vec<&Value> = Vec::new();
    for recipient in recipients.as_array().into_iter().flatten() {
        if !once.contains(&recipient) {
            once.push(recipient);
        }
    }
    json!(once)
}

fn owned(value: &Value) -> Option<String> {
    text(value).map(str::to_owned)
}
