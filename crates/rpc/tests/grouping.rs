//! Grouping, as a web client asks for it: each group's domain must find the records it counted.

#[expect(dead_code, reason = "each file of tests uses a part of the helpers")]
mod wire;

use std::sync::Arc;

use serde_json::{Value, json};
use server_model::backend::Backend;

use wire::{PASSWORD, post, send, started};

async fn execute(
    backend: &Arc<Backend>,
    model: &str,
    method: &str,
    args: Value,
    kwargs: Value,
) -> Value {
    let body = json!({ "jsonrpc": "2.0", "id": 1, "params": {
        "service": "object", "method": "execute_kw",
        "args": [backend.database().name(), 2, PASSWORD, model, method, args, kwargs],
    } });
    let answer = send(backend, post("/jsonrpc", &body.to_string()))
        .await
        .json();
    assert!(
        answer.get("error").is_none(),
        "{model}.{method}: {}",
        answer["error"]["data"]
    );
    answer["result"].clone()
}

/// The groups, after each of their domains was searched.
async fn groups(backend: &Arc<Backend>, model: &str, args: Value, kwargs: Value) -> Vec<Value> {
    let found = execute(backend, model, "read_group", args, kwargs.clone()).await;
    let groups = found.as_array().expect("a list of groups").clone();
    let context = json!({ "context": kwargs["context"] });
    for group in &groups {
        let args = json!([group["__domain"]]);
        let count = execute(backend, model, "search_count", args, context.clone()).await;
        let counted = group
            .as_object()
            .expect("a group")
            .iter()
            .find(|(name, _)| name.ends_with("_count"))
            .map(|(_, count)| count.clone());
        assert_eq!(Some(count), counted, "{group}");
    }
    groups
}

async fn messages_at(backend: &Arc<Backend>, dates: &[&str]) -> Value {
    let values: Vec<Value> = dates
        .iter()
        .enumerate()
        .map(|(place, date)| {
            let subject = format!("s{}", place % 2);
            json!({ "subject": subject, "date": date, "message_type": "comment", "body": "x" })
        })
        .collect();
    execute(
        backend,
        "mail.message",
        "create",
        json!([values]),
        json!({}),
    )
    .await
}

fn labels(groups: &[Value], key: &str) -> Vec<(String, i64)> {
    groups
        .iter()
        .map(|group| {
            let label = group[key].as_str().unwrap_or("-").to_owned();
            (label, group["date_count"].as_i64().unwrap_or(-1))
        })
        .collect()
}

#[actix_web::test]
async fn periods_begin_where_the_caller_is() {
    let backend = started().await;
    let ids = messages_at(
        &backend,
        &[
            "2026-02-28 22:59:59",
            "2026-02-28 23:00:00",
            "2026-03-29 00:59:59",
            "2026-03-29 01:00:00",
            "2026-03-31 21:59:59",
            "2026-03-31 22:00:00",
            "2026-12-31 23:00:00",
        ],
    )
    .await;
    let by = async |granularity: &str, tz: &str| {
        let key = format!("date:{granularity}");
        let args = json!([[["id", "in", ids]], [], [key]]);
        let kwargs = json!({ "context": { "tz": tz } });
        labels(&groups(&backend, "mail.message", args, kwargs).await, &key)
    };
    let told = |expected: &[(&str, i64)]| -> Vec<(String, i64)> {
        expected
            .iter()
            .map(|(label, count)| ((*label).to_owned(), *count))
            .collect()
    };
    assert_eq!(
        by("month", "UTC").await,
        told(&[
            ("February 2026", 2),
            ("March 2026", 4),
            ("December 2026", 1)
        ])
    );
    assert_eq!(
        by("month", "Europe/Paris").await,
        told(&[
            ("February 2026", 1),
            ("March 2026", 4),
            ("April 2026", 1),
            ("January 2027", 1),
        ])
    );
    assert_eq!(
        by("quarter", "Europe/Paris").await,
        told(&[("Q1 2026", 5), ("Q2 2026", 1), ("Q1 2027", 1)])
    );
    assert_eq!(
        by("year", "Europe/Paris").await,
        told(&[("2026", 6), ("2027", 1)])
    );
    assert_eq!(
        by("hour", "Europe/Paris").await[..4],
        told(&[
            ("11:00 28 Feb", 1),
            ("12:00 01 Mar", 1),
            ("01:00 29 Mar", 1),
            // At two o'clock the clocks were set to three.
            ("03:00 29 Mar", 1),
        ])
    );
    assert_eq!(
        by("week", "UTC").await,
        told(&[("W9 2026", 2), ("W14 2026", 4), ("W1 2027", 1)])
    );
    assert_eq!(by("day", "UTC").await.len(), 4);
}

#[actix_web::test]
async fn what_is_summed_up_comes_under_the_name_asked_for() {
    let backend = started().await;
    let server = |name: &str, port: i64, debug: bool| {
        json!({ "name": name, "smtp_host": "mx.test", "smtp_port": port,
            "smtp_encryption": "none", "smtp_debug": debug, "sequence": port })
    };
    let values = json!([[
        server("a", 10, false),
        server("b", 20, true),
        server("b", 20, false)
    ]]);
    let ids = execute(&backend, "ir.mail_server", "create", values, json!({})).await;
    let fields = [
        "smtp_port",
        "mean:avg(smtp_port)",
        "most:max(smtp_port)",
        "least:min(name)",
        "ports:array_agg(smtp_port)",
        "different:count_distinct(smtp_port)",
        "any:bool_or(smtp_debug)",
        "all:bool_and(smtp_debug)",
        "sequence",
        "create_uid",
    ];
    let args = json!([[["id", "in", ids]], fields, ["smtp_encryption"]]);
    let groups = groups(&backend, "ir.mail_server", args, json!({})).await;
    let mut group = groups[0].clone();
    group.as_object_mut().expect("a group").remove("__domain");
    assert_eq!(
        group,
        json!({
            "smtp_encryption": "none",
            "smtp_encryption_count": 3,
            "smtp_port": 50,
            "mean": 50.0 / 3.0,
            "most": 20,
            "least": "a",
            "ports": [10, 20, 20],
            "different": 2,
            "any": true,
            "all": false,
        })
    );
}

#[actix_web::test]
async fn groups_are_ordered_counted_and_paged() {
    let backend = started().await;
    let server =
        |name: &str| json!({ "name": name, "smtp_host": "mx.test", "smtp_encryption": "none" });
    let names = ["a", "b", "b", "c", "c", "c", "d"];
    let values: Vec<Value> = names.map(server).to_vec();
    let ids = execute(
        &backend,
        "ir.mail_server",
        "create",
        json!([values]),
        json!({}),
    )
    .await;
    let of = async |kwargs: Value| {
        let args = json!([[["id", "in", ids]], [], ["name"]]);
        let groups = groups(&backend, "ir.mail_server", args, kwargs).await;
        let names = groups
            .iter()
            .map(|group| group["name"].as_str().unwrap_or("-").to_owned());
        names.collect::<String>()
    };
    assert_eq!(of(json!({})).await, "abcd");
    assert_eq!(of(json!({ "orderby": "name desc" })).await, "dcba");
    assert_eq!(of(json!({ "orderby": "name_count desc" })).await, "cbad");
    assert_eq!(
        of(json!({ "orderby": "name", "offset": 1, "limit": 2 })).await,
        "bc"
    );
    let args = json!([[["id", "in", ids]], [], ["name"]]);
    let page = execute(
        &backend,
        "ir.mail_server",
        "web_read_group",
        args,
        json!({ "limit": 2 }),
    )
    .await;
    assert_eq!(page["length"], 4);
    assert_eq!(page["groups"].as_array().expect("groups").len(), 2);
    let whole = json!([[["id", "in", ids]], ["smtp_port"], []]);
    let whole = execute(&backend, "ir.mail_server", "read_group", whole, json!({})).await;
    assert_eq!(whole[0]["__count"], 7);
    assert_eq!(whole[0]["smtp_port"], 175);
}

#[actix_web::test]
async fn fields_behind_a_link_and_lists_of_links_make_groups_too() {
    let backend = started().await;
    let user = |name: &str, lang: Value| json!({ "name": name, "login": name, "lang": lang });
    let users = json!([[user("u1", json!("en_US")), user("u2", json!(false))]]);
    let ids = execute(&backend, "res.users", "create", users, json!({})).await;
    let domain = json!([["id", "in", ids]]);
    let by_lang = groups(
        &backend,
        "res.users",
        json!([domain, [], ["lang"]]),
        json!({}),
    )
    .await;
    let counts: i64 = by_lang
        .iter()
        .filter_map(|group| group["lang_count"].as_i64())
        .sum();
    assert_eq!(counts, 2);
    assert!(by_lang.iter().any(|group| group["lang"] == "en_US"));
    let by_group = groups(
        &backend,
        "res.users",
        json!([domain, [], ["groups_id"]]),
        json!({}),
    )
    .await;
    assert!(!by_group.is_empty());
    for group in by_group {
        assert_eq!(group["groups_id_count"], 2, "{group}");
        assert!(group["groups_id"][0].is_u64() && group["groups_id"][1].is_string());
    }
    let by_name = groups(
        &backend,
        "res.users",
        json!([domain, [], ["name"]]),
        json!({}),
    )
    .await;
    let names: Vec<&str> = by_name
        .iter()
        .filter_map(|group| group["name"].as_str())
        .collect();
    assert_eq!(names, ["u1", "u2"]);
}
