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

#[actix_web::test]
async fn a_user_connects_on_a_page_of_their_own_what_an_administrator_made_theirs() {
    let backend = started().await;
    someone(&backend).await;
    let set = async |key: &str, value: &str| {
        let arguments = vec![key.into(), value.into()];
        call(&backend, "ir.config_parameter", "set_param", arguments).await
    };
    set("microsoft_outlook_client_id", "cid").await;
    set("microsoft_outlook_client_secret", "secret").await;
    let site = pages(&backend).await;
    let mut user = Browser::signed_in(&site, "someone", PASSWORD).await;
    let page = user.open("/odoo/my-mailboxes").await.body;
    assert!(page.contains("No mailbox is yours yet"), "{page}");

    // The administrator names the owner in the server's form.
    let mut admin = Browser::signed_in(&site, "admin", PASSWORD).await;
    let form = "/odoo/ir.mail_server/new";
    let page = admin.open(form).await.body;
    let (_, choices) = page
        .split_once("id=\"postern_owner_id\"")
        .expect("an owner");
    let (choices, _) = choices.split_once("</select>").expect("choices");
    let choice = choices
        .split("<option value=\"")
        .find(|one| one.contains("Someone"));
    let (owner, _) = choice.expect("the user").split_once('"').expect("an id");
    let fields = [
        ("name", "Their server"),
        ("smtp_authentication", "outlook"),
        ("smtp_encryption", "starttls"),
        ("smtp_host", "smtp.office365.com"),
        ("smtp_port", "587"),
        ("smtp_user", "someone@example.com"),
        ("postern_owner_id", owner),
    ];
    let made = admin.submit(form, form, &fields).await;
    assert_eq!(made.status, StatusCode::SEE_OTHER, "{}", made.body);
    let page = admin.open(made.location()).await.body;
    assert!(
        page.contains(&format!("<option value=\"{owner}\" selected")),
        "{page}"
    );

    let page = user.open("/odoo/my-mailboxes").await.body;
    assert!(page.contains("someone@example.com") && page.contains("Their server"));
    assert!(page.contains("Connect your Outlook account"), "{page}");
    assert!(page.contains("https://login.microsoftonline.com/common/oauth2/v2.0/authorize"));
    assert!(!page.contains("secret"), "{page}");
    assert_eq!(
        user.get(made.location()).await.status,
        StatusCode::FORBIDDEN
    );
}

#[actix_web::test]
async fn the_settings_take_ends_and_a_certificate_and_warn_of_what_ends() {
    let site = pages(&started().await).await;
    let mut admin = Browser::signed_in(&site, "admin", PASSWORD).await;
    let path = "/odoo/settings";
    let day = (chrono::Utc::now().date_naive() + chrono::Days::new(3)).to_string();
    let entered = |day: &str, certificate: &str| {
        [
            ("web.base.url", "https://mail.example.com"),
            ("microsoft_outlook_client_identifier", "cid"),
            ("microsoft_outlook_client_secret", "hunter-22-value"),
            ("microsoft_outlook_client_secret_expires", day),
            ("microsoft_outlook_client_certificate", certificate),
            ("microsoft_outlook.tenant", "contoso.example"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    let submit = async |admin: &mut Browser<'_>, day: &str, certificate: &str| {
        let fields = entered(day, certificate);
        let fields: Vec<(&str, &str)> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        admin.submit(path, path, &fields).await
    };
    let saved = submit(&mut admin, &day, "").await;
    assert_eq!(
        saved.location(),
        "/odoo/settings?done=saved",
        "{}",
        saved.body
    );
    let page = admin.open(path).await.body;
    assert!(page.contains("ends in 3 days"), "{page}");
    assert!(page.contains(&format!("value=\"{day}\"")) && page.contains("contoso.example"));
    assert!(!page.contains("hunter-22-value"));
    for (day, certificate, reason) in [
        ("soon", "", "2027-01-31"),
        (day.as_str(), "no certificate", "BEGIN CERTIFICATE"),
    ] {
        let refused = submit(&mut admin, day, certificate).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.body.contains(reason), "{}", refused.body);
    }
}
