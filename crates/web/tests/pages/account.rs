//! One's own account, and the language of the pages.

use actix_web::http::StatusCode;

use crate::site::{Browser, PASSWORD, call, pages, started};
use crate::{nothing, someone};

#[actix_web::test]
async fn the_pages_speak_the_language_of_the_browser_until_the_user_chooses_one() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    for (asked, tag, words) in [
        ("vi-VN, en;q=0.5", "vi", "Máy chủ thư đi"),
        ("zh-CN", "zh-CN", "发送邮件服务器"),
        ("fr", "en", "Outgoing Mail Servers"),
    ] {
        browser.language = asked;
        for path in ["/odoo", "/odoo/ir.mail_server/99", "/odoo/nothing"] {
            let page = browser.get(path).await.body;
            assert!(page.contains(&format!("<html lang=\"{tag}\"")), "{path}");
        }
        assert!(browser.open("/odoo").await.body.contains(words));
    }
    browser.language = "vi";
    let path = "/odoo/preferences";
    let chosen = [("action", "language"), ("lang", "zh_CN")];
    let answer = browser.submit(path, path, &chosen).await;
    assert_eq!(answer.location(), "/odoo/preferences?done=saved");
    let page = browser.open(path).await.body;
    assert!(page.contains("<html lang=\"zh-CN\"") && page.contains("我的帐户"));
    // English counts as a choice once there is one.
    let chosen = [("action", "language"), ("lang", "en_US")];
    browser.submit(path, path, &chosen).await;
    let page = browser.open(path).await.body;
    assert!(page.contains("<html lang=\"en\""), "{page}");
    let unknown = [("action", "language"), ("lang", "fr_FR")];
    let refused = browser.submit(path, path, &unknown).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[actix_web::test]
async fn others_choose_among_the_languages_that_an_administrator_put_into_use() {
    let backend = started().await;
    someone(&backend).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "someone", PASSWORD).await;
    browser.language = "vi";
    let path = "/odoo/preferences";
    let page = browser.open(path).await.body;
    assert!(page.contains("<html lang=\"vi\"") && !page.contains("id=\"lang\""));
    let mut admin = Browser::signed_in(&site, "admin", PASSWORD).await;
    let chosen = [("action", "language"), ("lang", "zh_CN")];
    admin.submit(path, path, &chosen).await;
    let page = browser.open(path).await.body;
    assert!(page.contains("value=\"zh_CN\"") && !page.contains("value=\"vi_VN\""));
    let answer = browser.submit(path, path, &chosen).await;
    assert_eq!(answer.location(), "/odoo/preferences?done=saved");
    assert!(
        browser
            .open(path)
            .await
            .body
            .contains("<html lang=\"zh-CN\"")
    );
    let unused = [("action", "language"), ("lang", "vi_VN")];
    let refused = browser.submit(path, path, &unused).await;
    assert_ne!(refused.status, StatusCode::SEE_OTHER);
    assert!(
        browser
            .open(path)
            .await
            .body
            .contains("<html lang=\"zh-CN\"")
    );
}

#[actix_web::test]
async fn the_sign_in_page_speaks_the_language_of_the_browser() {
    let site = pages(&started().await).await;
    let mut browser = Browser::new(&site);
    browser.language = "zh-TW,zh;q=0.9";
    let page = browser.open("/web/login").await.body;
    assert!(page.contains("<html lang=\"zh-CN\"") && page.contains(">登录<"));
    let fields = [("login", "admin"), ("password", "wrong")];
    let refused = browser.submit("/web/login", "/web/login", &fields).await;
    assert!(
        refused.body.contains("登录名或密码错误。"),
        "{}",
        refused.body
    );
}

#[actix_web::test]
async fn a_password_is_changed_by_whoever_knows_the_old_one_and_that_ends_the_session() {
    let site = pages(&started().await).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let path = "/odoo/preferences";
    for (old, new, again, field) in [
        ("wrong", "a new password", "a new password", "old_password"),
        (PASSWORD, "  ", "  ", "new_password"),
        (PASSWORD, "a new password", "another", "confirmed_password"),
    ] {
        let fields = [
            ("action", "password"),
            ("old_password", old),
            ("new_password", new),
            ("confirmed_password", again),
        ];
        let answer = browser.submit(path, path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(
            answer.body.contains(&format!("href=\"#{field}\"")),
            "{field}"
        );
        assert!(!answer.body.contains("value=\"a new password\""));
    }
    let fields = [
        ("action", "password"),
        ("old_password", PASSWORD),
        ("new_password", "a new password"),
        ("confirmed_password", "a new password"),
    ];
    let answer = browser.submit(path, path, &fields).await;
    assert_eq!(answer.location(), "/web/login?done=password");
    assert_eq!(browser.get("/odoo").await.status, StatusCode::SEE_OTHER);
    let page = browser.open(answer.location()).await.body;
    assert!(page.contains("Sign in with the new one"), "{page}");
    Browser::signed_in(&site, "admin", "a new password").await;
}

#[actix_web::test]
async fn an_api_key_is_made_with_the_password_shown_once_and_revoked() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let path = "/odoo/preferences";
    let make = |password| {
        [
            ("action", "key"),
            ("name", "for <b>tests</b>"),
            ("duration", "30"),
            ("key_password", password),
        ]
    };
    let refused = browser.submit(path, path, &make("wrong")).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.body.contains("id=\"new_key\""));
    let made = browser.submit(path, path, &make(PASSWORD)).await;
    assert_eq!(made.status, StatusCode::OK, "{}", made.body);
    let key = made.body.split("id=\"new_key\" value=\"").nth(1);
    let key = key.and_then(|rest| rest.split('"').next()).expect("a key");
    assert_eq!(key.len(), 40);
    let page = browser.open(path).await.body;
    assert!(!page.contains(key) && page.contains("for &#60;b&#62;tests"));
    let keys = call(&backend, "res.users.apikeys", "search", vec![nothing()]).await;
    let id = keys.as_list().expect("a list")[0].as_int().expect("an id");
    let revoke = format!("/odoo/res.users.apikeys/{id}");
    let done = browser
        .submit(path, &revoke, &[("password", PASSWORD)])
        .await;
    assert_eq!(done.location(), "/odoo/preferences?done=revoked");
    let left = call(
        &backend,
        "res.users.apikeys",
        "search_count",
        vec![nothing()],
    )
    .await;
    assert_eq!(left, 0.into());
}
