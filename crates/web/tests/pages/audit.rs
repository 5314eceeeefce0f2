//! The trail of administrative acts, as administrators read it.

use actix_web::http::StatusCode;
use server_model::value::{AnyValue, map};

use crate::site::{Browser, PASSWORD, call, pages, started};
use crate::someone;

#[actix_web::test]
async fn the_trail_is_searched_and_read_and_tells_no_secret() {
    let backend = started().await;
    let values = map([
        ("name", "Office <b>".into()),
        ("smtp_host", "mail.example.com".into()),
        ("smtp_pass", "hush-hush".into()),
        ("smtp_debug", true.into()),
    ]);
    let server = call(&backend, "ir.mail_server", "create", vec![values.into()]).await;
    let id = server.as_id().expect("an id");
    let change = map([
        ("smtp_host", "smtp.example.com".into()),
        ("smtp_encryption", "ssl".into()),
        ("smtp_debug", false.into()),
        ("smtp_pass", "hush-again".into()),
    ]);
    let args = vec![AnyValue::ids(&[id]), change.into()];
    call(&backend, "ir.mail_server", "write", args).await;
    let set = vec!["my.key".into(), "my value".into()];
    call(&backend, "ir.config_parameter", "set_param", set).await;

    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let settings = browser.open("/odoo/settings").await.body;
    assert!(settings.contains("href=\"/odoo/postern.audit\""));
    let all = browser.open("/odoo/postern.audit").await.body;
    assert!(
        all.contains("Office &#60;b&#62;") && all.contains("my.key"),
        "{all}"
    );
    assert!(!all.contains("hush"), "{all}");
    let some = browser.open("/odoo/postern.audit?search=MY.k").await.body;
    assert!(
        some.contains(">my.key<") && !some.contains(">Office"),
        "{some}"
    );
    let servers = "/odoo/postern.audit?model=ir.mail_server";
    let servers = browser.open(servers).await.body;
    assert!(
        !servers.contains(">my.key<") && servers.contains(">Office"),
        "{servers}"
    );
    let none = browser
        .open("/odoo/postern.audit?search=nothing+like+it")
        .await;
    assert!(none.body.contains("Nothing of this kind"));

    // The latest of the server's entries is the change.
    let entry = servers.split("href=\"/odoo/postern.audit/").nth(1);
    let entry = entry
        .and_then(|rest| rest.split('"').next())
        .expect("an entry");
    let path = format!("/odoo/postern.audit/{entry}");
    let page = browser.open(&path).await.body;
    for told in [
        "mail.example.com",
        "smtp.example.com",
        ">SSL/TLS<",
        ">Yes<",
        ">No<",
        "Secret, not kept here",
        "SMTP Server",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    assert!(page.contains(&format!("href=\"/odoo/ir.mail_server/{id}\"")));
    assert!(!page.contains("hush"), "{page}");

    browser.language = "vi";
    call(&backend, "res.users", "write", {
        vec![AnyValue::ids(&[2]), map([("lang", false.into())]).into()]
    })
    .await;
    let page = browser.open(&path).await.body;
    for told in [
        "Nhật ký quản trị",
        "Máy chủ thư đi",
        "Mã hóa kết nối",
        ">Có<",
    ] {
        assert!(page.contains(told), "{told}: {page}");
    }
    let missing = browser.get("/odoo/postern.audit/99999").await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_long_trail_comes_in_parts() {
    let backend = started().await;
    for number in 0..51 {
        let set = vec![format!("my.key{number}").into(), "x".into()];
        call(&backend, "ir.config_parameter", "set_param", set).await;
    }
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let first = browser.open("/odoo/postern.audit?search=my.key").await.body;
    assert!(first.contains(">my.key50<") && !first.contains(">my.key0<"));
    assert!(first.contains("search=my.key&#38;page=2"), "{first}");
    let second = "/odoo/postern.audit?search=my.key&page=2";
    let second = browser.open(second).await.body;
    assert!(second.contains(">my.key0<") && !second.contains(">my.key1<"));
}

#[actix_web::test]
async fn only_administrators_see_it() {
    let backend = started().await;
    someone(&backend).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "someone", PASSWORD).await;
    for path in ["/odoo/postern.audit", "/odoo/postern.audit/1"] {
        let answer = browser.get(path).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        assert!(!answer.body.contains("<table"), "{}", answer.body);
    }
}
