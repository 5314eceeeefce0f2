//! What people are told in their language: every field by `fields_get`, what is wrong with a call, why a mail waits.

use sea_orm::ConnectionTrait;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::error::Error;
use server_model::registry::registry;
use server_model::value::{AnyValue, Map};
use words::Lang;

use crate::support::{Client, dict, leaf, list, on_each_database, rows};

/// What is called the same in every language, or in some of them: names, signs and words that were taken over.
const NAMES: &[&str] = &[
    "Cc",
    "Cloudflare Turnstile",
    "Email",
    "ID",
    "Message-Id",
    "SMS",
    "SSL/TLS",
    "TLS (STARTTLS)",
    "UID",
    "URI",
    "URL",
    "VoIP",
    "Webhook",
    "reCAPTCHA",
];

/// Fields whose choices are names: of fonts, of kinds of fields, of languages, of time zones.
const NAMED_BY: &[(&str, &str)] = &[
    ("ir.model.fields", "ttype"),
    ("res.company", "font"),
    ("res.partner", "lang"),
    ("res.partner", "tz"),
    ("res.users", "lang"),
    ("res.users", "tz"),
];

/// What is told of all fields of a model, in the order of the fields.
async fn fields_get(client: &Client, model: &str, lang: Lang) -> Map {
    let caller = Caller::superuser(client.caller().backend().clone())
        .with_context(dict([("lang", lang.code().into())]));
    let told = call_kw(&caller, model, "fields_get", Vec::new(), Map::new()).await;
    match told.unwrap_or_else(|error| panic!("{model}: {error}")) {
        AnyValue::Map(told) => told,
        other => panic!("{model}: fields_get gave {other:?}"),
    }
}

fn text(told: &Map, what: &str) -> String {
    let text = told.get(what).and_then(AnyValue::as_text);
    text.unwrap_or_default().to_owned()
}

/// What a person reads of a field: each text with what it is.
fn texts(model: &str, field: &str, told: &Map) -> Vec<(String, String)> {
    let mut found = vec![
        ("string".to_owned(), text(told, "string")),
        ("help".to_owned(), text(told, "help")),
    ];
    let choices = told.get("selection").and_then(AnyValue::as_list);
    if !NAMED_BY.contains(&(model, field)) {
        for choice in choices.unwrap_or_default() {
            let [value, name] = choice.as_list().unwrap_or_default() else {
                panic!("{model}.{field} has the choice {choice:?}")
            };
            found.push((value.to_python_text(), name.to_python_text()));
        }
    }
    found
}

#[tokio::test]
async fn every_field_of_every_model_is_told_in_every_language() {
    on_each_database(async |client| {
        let mut untold = Vec::new();
        let mut compared = 0;
        for model in registry().iter().map(|entry| entry.name()) {
            let english = fields_get(&client, model, Lang::English).await;
            for lang in [Lang::Vietnamese, Lang::Chinese] {
                let told = fields_get(&client, model, lang).await;
                for (field, declared) in &english {
                    let declared = declared.as_map().expect("a field is described");
                    let told = told[field].as_map().expect("a field is described");
                    let declared = texts(model, field, declared);
                    let told = texts(model, field, told);
                    assert_eq!(declared.len(), told.len(), "{model}.{field}");
                    for ((what, english), (_, told)) in declared.iter().zip(&told) {
                        compared += 1;
                        let is_name = english.is_empty() || NAMES.contains(&english.as_str());
                        if english == told && !is_name {
                            untold.push(format!(
                                "{}: {model}.{field}, {what}: {english}",
                                lang.tag()
                            ));
                        }
                        assert_eq!(english.is_empty(), told.is_empty(), "{model}.{field}");
                    }
                }
            }
        }
        assert!(compared > 2000, "only {compared} texts were compared");
        assert!(untold.is_empty(), "left in English:\n{}", untold.join("\n"));
    })
    .await;
}

#[test]
fn what_models_share_is_what_one_of_them_declares() {
    let shared = Lang::English;
    for entry in registry().iter() {
        for field in entry.fields.values() {
            let key = format!("field-{}", field.name);
            let Some(label) = shared.known(&key) else {
                continue;
            };
            let others = registry().iter().filter_map(|entry| {
                let field = entry.field(field.name).ok()?;
                Some((field.label, field.help))
            });
            let others: Vec<_> = others.collect();
            assert!(
                others.iter().any(|(declared, _)| *declared == label),
                "no model calls {} {label:?}",
                field.name
            );
            if let Some(help) = shared.attribute(&key, "help") {
                assert!(
                    others.iter().any(|(_, declared)| *declared == help),
                    "no model says of {}: {help}",
                    field.name
                );
            }
        }
    }
}

/// A field that a model has from another is told as that one tells it.
#[tokio::test]
async fn inherited_fields_are_told_as_where_they_come_from() {
    on_each_database(async |client| {
        for lang in Lang::ALL {
            let users = fields_get(&client, "res.users", lang).await;
            let contacts = fields_get(&client, "res.partner", lang).await;
            for field in ["street", "function", "type"] {
                let [user, contact] = [&users, &contacts].map(|told| {
                    let told = told[field].as_map().expect("a field is described");
                    texts("", field, told)
                });
                assert_eq!(user, contact, "{field} in {}", lang.tag());
            }
        }
    })
    .await;
}

/// What is wrong with a call is told in the language of the caller, and is the same error in each.
#[tokio::test]
async fn mistakes_in_calls_are_told_in_every_language() {
    on_each_database(async |client| {
        let condition = leaf("no_such_field", "=", 1);
        let port = dict([("name", "x".into()), ("smtp_port", "many".into())]);
        let calls = [
            (
                "search",
                vec![list([condition])],
                ["no field", "Không có trường", "没有字段"],
            ),
            (
                "search",
                vec!["x".into()],
                ["A domain is", "Miền lọc là", "筛选域是"],
            ),
            (
                "create",
                vec![port.into()],
                ["wants a whole number", "cần số nguyên", "需要整数"],
            ),
            (
                "no_such_method",
                vec![],
                ["has no method", "không có phương thức", "没有可从外部"],
            ),
            (
                "read",
                vec![],
                ["is called on records", "được gọi trên", "针对记录"],
            ),
        ];
        for (method, args, words) in calls {
            let mut kinds = Vec::new();
            for (lang, words) in Lang::ALL.into_iter().zip(words) {
                let client = client.with_context(dict([("lang", lang.code().into())]));
                let refused = client
                    .try_call("ir.mail_server", method, args.clone())
                    .await;
                let error = refused.expect_err("it is refused");
                assert!(error.told().contains(words), "{method}: {}", error.told());
                // The log is English whoever reads the answer.
                assert_eq!(error.to_string(), error.text().in_lang(Lang::English));
                kinds.push(std::mem::discriminant(&error));
            }
            assert!(kinds.iter().all(|kind| *kind == kinds[0]), "{method}");
        }
    })
    .await;
}

#[tokio::test]
async fn why_a_mail_waits_is_told_and_found_in_the_language_of_the_reader() {
    on_each_database(async |client| {
        let kept = [
            words::say!("quarantine-too-large", size = 70, limit = 50).stored(),
            // As it was kept before there were languages.
            "The database failed.".to_owned(),
        ];
        let connection = client.caller().backend().database().connection();
        for reason in &kept {
            let insert = format!(
                "INSERT INTO postern_quarantine (reason, attempts) VALUES ('{}', 1)",
                reason.replace('\'', "''")
            );
            let inserted = connection.execute_unprepared(&insert).await;
            inserted.expect("the database takes a row");
        }
        for (lang, words) in Lang::ALL
            .into_iter()
            .zip(["70 bytes", "70 byte", "70 字节"])
        {
            let client = client.with_context(dict([("lang", lang.code().into())]));
            let read = async |domain| {
                let fields = list(["display_name".into(), "reason".into()]);
                let args = vec![list([domain]), fields, 0.into(), false.into(), "id".into()];
                rows(client.call("postern.quarantine", "search_read", args).await)
            };
            let large = read(leaf("reason", "ilike", words)).await;
            let [row] = &large[..] else {
                panic!("{}: {large:?}", lang.tag())
            };
            for told in &row[1..] {
                let told = told.as_text().expect("a text");
                assert!(told.contains(words), "{told}");
            }
            let other = read(leaf("reason", "not ilike", words)).await;
            assert_eq!(other[0][2], "The database failed.".into());
            let exact = read(leaf("reason", "=", "The database failed.")).await;
            assert_eq!((exact, other.len()), (other, 1));
            assert!(read(leaf("reason", "=", false)).await.is_empty());
        }
        let refused = list([leaf("reason", "<", "x")]);
        let refused = client
            .try_call("postern.quarantine", "search", vec![refused])
            .await;
        assert!(matches!(refused, Err(Error::Value(_))), "{refused:?}");
    })
    .await;
}
