//! The two interfaces for programs: `/json/2` with API keys, and strict JSON-RPC 2.0.

mod wire;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::test::TestRequest;
use migrations::sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use server_model::backend::Backend;
use server_model::value::{AnyValue, map};

use wire::{Answer, PASSWORD, call, make_key, post, send, signed_in, started};

async fn by_key(backend: &Arc<Backend>, key: &str, call: &str, body: Value) -> Answer {
    let request = post(&format!("/json/2/{call}"), &body.to_string());
    let request = request.insert_header((header::AUTHORIZATION, format!("Bearer {key}")));
    send(backend, request).await
}

#[actix_web::test]
async fn a_key_opens_every_model_to_named_arguments() {
    let backend = started().await;
    let key = make_key(&signed_in(&backend).await).await;
    let made = by_key(
        &backend,
        &key,
        "ir.mail_server/create",
        json!({ "vals_list": [{ "name": "one", "smtp_host": "mx.test" }] }),
    )
    .await;
    assert_eq!(made.status, 200, "{}", made.body);
    let id = made.json()[0].clone();
    let read = by_key(
        &backend,
        &key,
        "ir.mail_server/read",
        json!({ "ids": [id], "fields": ["name", "smtp_host"], "context": { "lang": "en_US" } }),
    )
    .await;
    assert_eq!(
        read.json(),
        json!([{ "id": id, "name": "one", "smtp_host": "mx.test" }])
    );
    let nothing = by_key(
        &backend,
        &key,
        "ir.mail_server/check_access",
        json!({ "operation": "read" }),
    )
    .await;
    assert_eq!(
        (nothing.status.as_u16(), nothing.body.as_str()),
        (200, "null")
    );
}

#[actix_web::test]
async fn without_a_live_key_nothing_is_answered() {
    let backend = started().await;
    let admin = signed_in(&backend).await;
    let key = make_key(&admin).await;
    let search = || json!({ "domain": [] });
    let bare = send(&backend, post("/json/2/res.users/search", "{}")).await;
    assert_eq!(bare.status, 401);
    assert_eq!(
        bare.headers.get("www-authenticate").expect("a scheme"),
        "Bearer"
    );
    assert_eq!(bare.exception(), "werkzeug.exceptions.Unauthorized");
    let mut wrong = key.clone();
    wrong.replace_range(39.., if key.ends_with('0') { "1" } else { "0" });
    for wrong in [wrong.as_str(), &key[..8], PASSWORD, "short"] {
        let answer = by_key(&backend, wrong, "res.users/search", search()).await;
        assert_eq!(answer.status, 401, "{wrong}");
    }
    // An expired key opens nothing, nor does one of an archived user.
    for (change, back) in [
        (
            "UPDATE res_users_apikeys SET expiration_date = '2020-01-01 00:00:00'",
            "UPDATE res_users_apikeys SET expiration_date = NULL",
        ),
        (
            "UPDATE res_users SET active = FALSE WHERE id = 2",
            "UPDATE res_users SET active = TRUE WHERE id = 2",
        ),
    ] {
        for (statement, status) in [(change, 401), (back, 200)] {
            let database = backend.database().connection();
            database
                .execute_unprepared(statement)
                .await
                .expect("the statement is right");
            let answer = by_key(&backend, &key, "res.users/search", search()).await;
            assert_eq!(answer.status, status, "{statement}");
        }
    }
    // Used before, it is remembered; taken back, it opens nothing all the same.
    let answer = by_key(&backend, &key, "res.users/search", search()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let keys = call(
        &admin,
        "res.users.apikeys",
        "search",
        vec![AnyValue::List(vec![])],
    )
    .await;
    call(&admin, "res.users.apikeys", "remove", vec![keys]).await;
    let answer = by_key(&backend, &key, "res.users/search", search()).await;
    assert_eq!(answer.status, 401);
}

#[actix_web::test]
async fn what_is_refused_has_a_status_of_its_own_and_names_the_exception() {
    let backend = started().await;
    let key = make_key(&signed_in(&backend).await).await;
    let cases = [
        ("no.such.model/read", json!({}), 404, "UserError"),
        (
            "ir.mail_server/no_such_method",
            json!({}),
            404,
            "AttributeError",
        ),
        ("ir.mail_server/_read", json!({}), 403, "AccessError"),
        ("ir.mail_server/search", json!({}), 422, "TypeError"),
        (
            "ir.mail_server/search",
            json!({ "domain": [], "x": 1 }),
            422,
            "TypeError",
        ),
        (
            "ir.mail_server/search",
            json!({ "domain": [], "ids": [1] }),
            422,
            "TypeError",
        ),
        (
            "ir.mail_server/search",
            json!({ "domain": [["nope", "=", 1]] }),
            422,
            "ValueError",
        ),
        ("ir.mail_server/search", json!([]), 400, "BadRequest"),
    ];
    for (path, body, status, exception) in cases {
        let answer = by_key(&backend, &key, path, body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
        let name = answer.exception();
        assert!(name.ends_with(exception), "{path} {body}: {name}");
        assert!(
            !answer.json()["message"]
                .as_str()
                .unwrap_or_default()
                .is_empty()
        );
    }
    let request = post("/json/2/res.users/search", "{}");
    let request = request.insert_header((header::AUTHORIZATION, format!("Bearer {key}")));
    let request = request.insert_header(("X-Odoo-Database", "another"));
    assert_eq!(send(&backend, request).await.status, 404);
    let form = TestRequest::post()
        .uri("/json/2/res.users/search")
        .set_form([("a", "b")]);
    let form = form.insert_header((header::AUTHORIZATION, format!("Bearer {key}")));
    assert_eq!(send(&backend, form).await.status, 415);
    let get = TestRequest::get().uri("/json/2/res.users/search");
    assert_eq!(send(&backend, get).await.status, 405);
}

#[actix_web::test]
async fn the_description_needs_a_key_too() {
    let backend = started().await;
    let get = || TestRequest::get().uri("/json/2/openapi.json");
    assert_eq!(send(&backend, get()).await.status, 401);
    let key = make_key(&signed_in(&backend).await).await;
    let request = get().insert_header((header::AUTHORIZATION, format!("bearer {key}")));
    let answer = send(&backend, request).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["openapi"], "3.1.0");
}

#[actix_web::test]
async fn a_key_is_a_password_for_calls_but_opens_no_session() {
    let backend = started().await;
    let key = make_key(&signed_in(&backend).await).await;
    let db = backend.database().name();
    let login = json!({ "params": {
        "service": "common", "method": "login", "args": [db, "admin", key],
    } });
    let answer = send(&backend, post("/jsonrpc", &login.to_string())).await;
    assert_eq!(answer.json()["result"], 2);
    let session = json!({ "params": { "db": db, "login": "admin", "password": key } });
    let path = "/web/session/authenticate";
    let answer = send(&backend, post(path, &session.to_string())).await;
    assert_eq!(
        answer.json()["error"]["data"]["name"],
        "odoo.exceptions.AccessDenied"
    );
}

#[actix_web::test]
async fn a_wrong_password_at_the_identity_check_makes_no_key() {
    let backend = started().await;
    let admin = signed_in(&backend).await;
    let values = map([("name", "x".into()), ("duration", "1".into())]);
    let form = AnyValue::List(vec![]);
    let form = vec![form, values.into(), map([]).into()];
    call(&admin, "res.users.apikeys.description", "web_save", form).await;
    let action = call(
        &admin,
        "res.users.apikeys.description",
        "make_key",
        vec![1.into()],
    )
    .await;
    let check = action
        .as_map()
        .and_then(|a| a.get("res_id"))
        .cloned()
        .expect("a form");
    let wrong = map([("password", "wrong".into())]);
    let args = vec![check.clone(), wrong.into()];
    call(&admin, "res.users.identitycheck", "write", args).await;
    let error = server_model::call::call_kw(
        &admin,
        "res.users.identitycheck",
        "run_check",
        vec![check.clone()],
        map([]),
    )
    .await
    .expect_err("the password was wrong");
    assert!(
        matches!(error, server_model::error::Error::User(_)),
        "{error:?}"
    );
    // Nor is what was typed kept anywhere.
    let fields = AnyValue::List(vec!["password".into()]);
    let read = call(
        &admin,
        "res.users.identitycheck",
        "read",
        vec![check, fields],
    )
    .await;
    let AnyValue::Records(read) = read else {
        panic!("{read:?}")
    };
    assert_eq!(read.rows[0][1], AnyValue::FALSE);
}

async fn strict(backend: &Arc<Backend>, body: &str) -> Answer {
    send(backend, post("/jsonrpc/2", body)).await
}

#[actix_web::test]
async fn strict_calls_are_answered_by_the_letter() {
    let backend = started().await;
    let db = backend.database().name();
    let login = json!({ "jsonrpc": "2.0", "id": "a", "method": "common.login",
        "params": { "db": db, "login": "admin", "password": PASSWORD } });
    let answer = strict(&backend, &login.to_string()).await;
    assert_eq!(
        answer.json(),
        json!({ "jsonrpc": "2.0", "result": 2, "id": "a" })
    );
    let search = json!({ "jsonrpc": "2.0", "id": 1, "method": "object.execute_kw",
        "params": [db, 2, PASSWORD, "res.users", "search_count", [[]]] });
    let answer = strict(&backend, &search.to_string()).await;
    assert!(answer.json()["result"].is_u64(), "{}", answer.body);
    for (body, code) in [
        ("{", -32700),
        ("[]", -32600),
        (r#"{"jsonrpc": "2.0", "method": "common.version"#, -32700),
        (r#"{"method": "common.version", "id": 1}"#, -32600),
        (r#"{"jsonrpc": "2.0", "method": "nope", "id": 1}"#, -32601),
        (
            r#"{"jsonrpc": "2.0", "method": "object._x", "id": 1}"#,
            -32601,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "common.login", "params": [1], "id": 1}"#,
            -32602,
        ),
        (
            r#"{"jsonrpc": "2.0", "method": "common.login", "params": ["x", "y", "z"], "id": 1}"#,
            -32000,
        ),
    ] {
        let answer = strict(&backend, body).await;
        assert_eq!(answer.status, 200, "{body}");
        assert_eq!(answer.json()["error"]["code"], code, "{body}");
    }
}

#[actix_web::test]
async fn strict_batches_leave_out_notifications() {
    let backend = started().await;
    let batch = r#"[
        {"jsonrpc": "2.0", "method": "common.version", "id": 1},
        {"jsonrpc": "2.0", "method": "common.version"},
        {"jsonrpc": "2.0", "method": "nope"},
        5,
        {"jsonrpc": "2.0", "method": "db.server_version", "id": null}
    ]"#;
    let answer = strict(&backend, batch).await.json();
    let answers = answer.as_array().expect("a list");
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["result"]["server_serie"], "18.0");
    assert_eq!(answers[1]["error"]["code"], -32600);
    assert_eq!(
        answers[2],
        json!({ "jsonrpc": "2.0", "result": "18.0", "id": null })
    );
    let quiet = strict(
        &backend,
        r#"{"jsonrpc": "2.0", "method": "common.version"}"#,
    )
    .await;
    assert_eq!((quiet.status.as_u16(), quiet.body.as_str()), (204, ""));
    let one = r#"{"jsonrpc": "2.0", "method": "common.version", "id": 1}"#;
    let many = format!("[{}]", vec![one; 51].join(","));
    assert_eq!(
        strict(&backend, &many).await.json()["error"]["code"],
        -32600
    );
}
