//! The pages as a browser sees them, over the real model on an empty database.

mod account;
mod administration;
mod audit;
mod site;

use std::sync::Arc;

use actix_web::http::StatusCode;
use server_model::backend::Backend;
use server_model::value::{AnyValue, map};
use site::{Browser, PASSWORD, call, pages, started};

const SERVER: [(&str, &str); 7] = [
    ("name", "Office"),
    ("smtp_authentication", "outlook"),
    ("smtp_encryption", "starttls"),
    ("smtp_host", "smtp.outlook.com"),
    ("smtp_port", "587"),
    ("smtp_user", "me@example.com"),
    ("sequence", "10"),
];

#[actix_web::test]
async fn the_root_leads_to_the_start() {
    let site = pages(&started().await).await;
    let answer = Browser::new(&site).get("/").await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(answer.location(), "/odoo");
    assert!(answer.header("content-type").starts_with("text/html"));
}

#[actix_web::test]
async fn without_a_session_every_page_leads_to_the_sign_in_page_and_tells_the_way_back() {
    let site = pages(&started().await).await;
    let mut browser = Browser::new(&site);
    for (path, location) in [
        ("/odoo", "/web/login?redirect=%2Fodoo%3F"),
        (
            "/odoo/ir.mail_server/1?done=saved",
            "/web/login?redirect=%2Fodoo%2Fir.mail_server%2F1%3Fdone%3Dsaved",
        ),
        (
            "/odoo/no/such/page",
            "/web/login?redirect=%2Fodoo%2Fno%2Fsuch%2Fpage%3F",
        ),
    ] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER, "{path}");
        assert_eq!(answer.location(), location);
        assert!(answer.header("content-type").starts_with("text/html"));
    }
    browser.cookies.insert("session_id".into(), "A".repeat(43));
    let answer = browser.post("/odoo/settings", &[]).await;
    assert_eq!(
        answer.location(),
        "/web/login?redirect=%2Fodoo%2Fsettings%3F"
    );
}

#[actix_web::test]
async fn signing_in_needs_the_token_of_the_page_in_the_same_browser() {
    let site = pages(&started().await).await;
    let fields = [("login", "admin"), ("password", PASSWORD)];
    let answer = Browser::new(&site).post("/web/login", &fields).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(answer.header("content-type").starts_with("text/html"));

    let token = Browser::new(&site).open("/web/login").await.token();
    assert!(!token.is_empty());
    let mut other = Browser::new(&site);
    other.open("/web/login").await;
    let stolen = [&[("csrf_token", token.as_str())], &fields[..]].concat();
    let answer = other.post("/web/login", &stolen).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!other.cookies.contains_key("session_id"));
}

#[actix_web::test]
async fn signing_in_again_ends_the_session_of_before() {
    let site = pages(&started().await).await;
    let before = Browser::signed_in(&site, "admin", PASSWORD).await.cookies["session_id"].clone();
    let mut browser = Browser::new(&site);
    let token = browser.open("/web/login").await.token();
    browser.cookies.insert("session_id".into(), before.clone());
    let fields = [
        ("csrf_token", token.as_str()),
        ("login", "admin"),
        ("password", PASSWORD),
    ];
    let answer = browser.post("/web/login", &fields).await;
    assert_eq!(answer.status, StatusCode::SEE_OTHER);
    assert_eq!(browser.get("/odoo").await.status, StatusCode::OK);
    let mut other = Browser::new(&site);
    other.cookies.insert("session_id".into(), before);
    assert_eq!(other.get("/odoo").await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_wrong_password_is_said_and_opens_nothing() {
    let site = pages(&started().await).await;
    let mut browser = Browser::new(&site);
    let fields = [("login", "ad\"min<b>"), ("password", "wrong-guess")];
    let answer = browser.submit("/web/login", "/web/login", &fields).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.body.contains("role=\"alert\""));
    assert!(!answer.body.contains("wrong-guess"));
    assert!(!answer.body.contains("min<b>"));
    assert!(!browser.cookies.contains_key("session_id"));
}

#[actix_web::test]
async fn signing_in_sets_a_guarded_cookie_and_goes_only_to_places_of_this_site() {
    let site = pages(&started().await).await;
    for (wanted, location) in [
        ("/odoo/settings?", "/odoo/settings?"),
        ("//elsewhere.example", "/odoo"),
        ("https://elsewhere.example", "/odoo"),
    ] {
        let mut browser = Browser::new(&site);
        let fields = [
            ("login", "admin"),
            ("password", PASSWORD),
            ("redirect", wanted),
        ];
        let answer = browser.submit("/web/login", "/web/login", &fields).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.location(), location);
        let cookie = answer
            .headers
            .get_all("set-cookie")
            .filter_map(|cookie| cookie.to_str().ok())
            .find(|cookie| cookie.starts_with("session_id="))
            .expect("a session cookie");
        for part in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(cookie.contains(part), "{part} in {cookie}");
        }
        assert!(!cookie.contains("Secure"), "this was plain http");
        browser.open("/odoo").await;
    }
    let answer = Browser::new(&site)
        .get("/web/login?redirect=%2F%2Felsewhere.example")
        .await;
    assert!(!answer.body.contains("elsewhere.example"));
}

#[actix_web::test]
async fn signing_out_ends_the_session_for_good() {
    let site = pages(&started().await).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let session = browser.cookies["session_id"].clone();
    let refused = browser.post("/web/logout", &[]).await;
    assert_eq!(refused.status, StatusCode::BAD_REQUEST);
    browser.open("/odoo").await;
    let answer = browser.submit("/odoo", "/web/logout", &[]).await;
    assert_eq!(answer.location(), "/web/login");
    browser.cookies.insert("session_id".into(), session);
    assert_eq!(browser.get("/odoo").await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn no_form_is_taken_without_the_token_of_its_own_session() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let mut other = Browser::signed_in(&site, "admin", PASSWORD).await;
    let foreign = other.open("/odoo").await.token();
    for path in [
        "/odoo/settings",
        "/odoo/ir.mail_server/new",
        "/odoo/ir.mail_server/1",
        "/odoo/fetchmail.server/new",
        "/odoo/fetchmail.server/1",
        "/odoo/mail.mail",
        "/odoo/mail.mail/new",
        "/odoo/mail.mail/1",
        "/odoo/mail.alias.domain/new",
        "/odoo/mail.alias.domain/1",
        "/odoo/ir.config_parameter/new",
        "/odoo/ir.config_parameter/1",
        "/odoo/postern.quarantine/1",
        "/odoo/preferences",
        "/odoo/res.users.apikeys/1",
    ] {
        for token in ["", "bad", &foreign] {
            let fields = [&[("csrf_token", token)], &SERVER[..]].concat();
            let answer = browser.post(path, &fields).await;
            assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path} {token:?}");
        }
    }
    let count = call(&backend, "ir.mail_server", "search_count", vec![nothing()]).await;
    assert_eq!(count, 0.into());
}

#[actix_web::test]
async fn every_answer_tells_the_browser_what_to_refuse() {
    let site = pages(&started().await).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    for path in [
        "/",
        "/web/login",
        "/odoo",
        "/odoo/settings",
        "/odoo/mail.mail",
        "/odoo/mail.message",
        "/odoo/ir.mail_server/99",
        "/odoo/nothing",
        "/web/static/postern.css",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(
            answer.header("content-security-policy"),
            "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            "{path}"
        );
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
        if path != "/web/static/postern.css" {
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
            let scripts = answer.body.matches("<script").count();
            let ours = "<script src=\"/web/static/postern.js?v=";
            assert_eq!(scripts, answer.body.matches(ours).count(), "{path}");
            assert!(!answer.body.contains("style=\""), "{path}");
            assert!(!has_handlers(&answer.body), "{path}");
        }
    }
}

#[actix_web::test]
async fn a_server_named_like_a_script_is_shown_and_not_run() {
    let backend = started().await;
    let name = "<script>alert(\"1\")</script>";
    let values = map([
        ("name", name.into()),
        ("smtp_host", "\"><img src=x>".into()),
        ("from_filter", "</td><b>".into()),
    ]);
    let id = call(&backend, "ir.mail_server", "create", vec![values.into()]).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let form = format!("/odoo/ir.mail_server/{}", id.as_int().expect("an id"));
    for path in ["/odoo/ir.mail_server", &form] {
        let page = browser.open(path).await.body;
        assert!(
            page.contains("script&#62;alert") || page.contains("script&gt;alert"),
            "{page}"
        );
        for raw in ["<script>", "<img", "</td><b>"] {
            assert!(!page.contains(raw), "{raw} on {path}");
        }
    }
}

#[actix_web::test]
async fn a_new_outlook_server_opens_filled_in_and_leads_to_microsoft_once_the_settings_are_there() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let page = browser
        .open("/odoo/ir.mail_server/new?smtp_authentication=outlook")
        .await;
    for text in [
        "value=\"smtp.outlook.com\"",
        "value=\"587\"",
        "value=\"starttls\" selected",
    ] {
        assert!(page.body.contains(text), "{text} in {}", page.body);
    }
    let new = "/odoo/ir.mail_server/new";
    let created = browser.submit(new, new, &SERVER).await;
    assert_eq!(created.status, StatusCode::SEE_OTHER, "{}", created.body);
    let form = created
        .location()
        .split('?')
        .next()
        .unwrap_or_default()
        .to_owned();
    let page = browser.open(&form).await;
    assert!(page.body.contains("in the settings first"), "{}", page.body);

    let settings = [
        ("web.base.url", "http://127.0.0.1:8069"),
        ("microsoft_outlook_client_identifier", "client-1"),
        ("microsoft_outlook_client_secret", "secret-1"),
        (
            "microsoft_outlook.endpoint",
            "https://login.example.com/t/v2.0/",
        ),
    ];
    let saved = browser
        .submit("/odoo/settings", "/odoo/settings", &settings)
        .await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let page = browser.open(&form).await;
    assert!(
        page.body.contains("Connect your Outlook account"),
        "{}",
        page.body
    );
    assert!(
        page.body
            .contains("href=\"https://login.example.com/t/v2.0/authorize?")
    );
    assert!(page.body.contains("value=\"me@example.com\""));

    let page = browser.open("/odoo/settings").await;
    assert!(
        page.body
            .contains("http://127.0.0.1:8069/microsoft_outlook/confirm")
    );
    assert!(page.body.contains("value=\"client-1\"") && !page.body.contains("secret-1"));

    let again = [
        ("web.base.url", "http://127.0.0.1:8069"),
        ("microsoft_outlook_client_identifier", "client-2"),
        ("microsoft_outlook_client_secret", ""),
    ];
    browser
        .submit("/odoo/settings", "/odoo/settings", &again)
        .await;
    for (key, value) in [
        ("microsoft_outlook_client_id", AnyValue::from("client-2")),
        ("microsoft_outlook_client_secret", "secret-1".into()),
        ("microsoft_outlook.endpoint", AnyValue::FALSE),
    ] {
        let stored = call(
            &backend,
            "ir.config_parameter",
            "get_param",
            vec![key.into()],
        )
        .await;
        assert_eq!(stored, value, "{key}");
    }
}

#[actix_web::test]
async fn what_the_model_refuses_is_said_above_the_form_and_what_was_typed_is_kept() {
    let site = pages(&started().await).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let mut fields = SERVER;
    fields[2] = ("smtp_encryption", "none");
    fields[5] = ("smtp_user", "kept&typed@example.com");
    let new = "/odoo/ir.mail_server/new";
    let answer = browser.submit(new, new, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("role=\"alert\""));
    assert!(
        answer.body.contains("kept&#38;typed@example.com"),
        "{}",
        answer.body
    );
    assert!(answer.body.contains("value=\"outlook\" selected"));
}

#[actix_web::test]
async fn a_stored_password_is_never_sent_back() {
    let backend = started().await;
    let incoming = map([
        ("name", "In".into()),
        ("server_type", "imap".into()),
        ("user", "me".into()),
        ("password", "pass-in".into()),
    ]);
    let outgoing = map([
        ("name", "Out".into()),
        ("smtp_user", "me".into()),
        ("smtp_pass", "pass-out".into()),
    ]);
    let incoming = call(
        &backend,
        "fetchmail.server",
        "create",
        vec![incoming.into()],
    )
    .await;
    let outgoing = call(&backend, "ir.mail_server", "create", vec![outgoing.into()]).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    for (model, id) in [("fetchmail.server", incoming), ("ir.mail_server", outgoing)] {
        let path = format!("/odoo/{model}/{}", id.as_int().expect("an id"));
        let page = browser.open(&path).await.body;
        assert!(
            !page.contains("pass-in") && !page.contains("pass-out"),
            "{path}"
        );
        assert!(page.contains("One is stored"), "{path}");
    }
}

#[actix_web::test]
async fn what_came_in_as_html_is_shown_as_text() {
    let backend = started().await;
    let values = map([
        ("message_type", "email".into()),
        ("subject", "<i>Hello</i>".into()),
        ("email_from", "\"A\" <a@example.com>".into()),
        ("body", "<p>One<br>two &amp; three</p>".into()),
    ]);
    let id = call(&backend, "mail.message", "create", vec![values.into()]).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let list = browser.open("/odoo/mail.message").await.body;
    assert!(list.contains("&#60;i&#62;Hello"), "{list}");
    let path = format!("/odoo/mail.message/{}", id.as_int().expect("an id"));
    let page = browser.open(&path).await.body;
    assert!(page.contains("One\ntwo &#38; three"), "{page}");
}

#[actix_web::test]
async fn others_than_administrators_see_no_servers() {
    let backend = started().await;
    someone(&backend).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "someone", PASSWORD).await;
    browser.open("/odoo").await;
    for path in [
        "/odoo/ir.mail_server",
        "/odoo/fetchmail.server/new",
        "/odoo/settings",
        "/odoo/ir.config_parameter",
        "/odoo/ir.config_parameter/new",
        "/odoo/mail.alias.domain/new",
        "/odoo/postern.quarantine",
    ] {
        let answer = browser.get(path).await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{path}: {}",
            answer.body
        );
        assert!(answer.header("content-type").starts_with("text/html"));
    }
}

async fn someone(backend: &Arc<Backend>) {
    let values = map([
        ("name", "Someone".into()),
        ("login", "someone".into()),
        ("password", PASSWORD.into()),
    ]);
    call(backend, "res.users", "create", vec![values.into()]).await;
}

/// Whether a tag carries a script of its own, as in `onclick="…"`.
fn has_handlers(page: &str) -> bool {
    let mut after = page.split(" on").skip(1);
    after.any(|rest| {
        let name = rest.split("=\"").next().unwrap_or_default();
        name.len() < rest.len() && name.bytes().all(|byte| byte.is_ascii_lowercase())
    })
}

fn nothing() -> AnyValue {
    AnyValue::List(Vec::new())
}
