//! What must not happen in a browser: scripts of strangers, forms of strangers, sessions that never end, and refusals
//! that leave a person lost.

use serde_json::json;
use tests::lab::Database;
use tests::steps::{self, Application};

use crate::surfer::Surfer;

/// Runs where it gets out of an attribute, a text, or a tag.
pub const ATTACK: &str = "\"'><script>window.hit = 1</script><img src=x onerror=\"window.hit = 1\"><svg onload=\"window.hit = 1\"></textarea></title>{{7*7}}";

/// Makes sure that nothing of the attack ran or became part of the page.
pub async fn unhurt(surfer: &Surfer) {
    let hit = surfer
        .browser
        .run("return window.hit === undefined", vec![]);
    let address = surfer.browser.address().await.unwrap();
    assert_eq!(hit.await.unwrap(), true, "a script ran at {address}");
    let foreign =
        "return document.querySelectorAll('main img, main svg, main script, body > script').length";
    let foreign = surfer.browser.run(foreign, vec![]).await.unwrap();
    assert_eq!(foreign, 0, "markup of a stranger at {address}");
}

#[tokio::test]
async fn what_is_typed_into_any_field_is_shown_and_never_run() {
    let Some(surfer) = Surfer::start(Database::Sqlite, "en").await else {
        return;
    };
    surfer.visit("/odoo").await;
    surfer.fill("#login", ATTACK).await;
    surfer.fill("#password", "wrong").await;
    surfer.click("main button[type=submit]").await;
    surfer.browser.find("[role=alert]").await.unwrap();
    unhurt(&surfer).await;
    surfer.sign_in().await;
    surfer.browser.find("ol.steps").await.unwrap();

    for (page, button) in [
        ("/odoo/ir.mail_server/new", "button[value=save]"),
        (
            "/odoo/fetchmail.server/new?server_type=imap",
            "button[value=save]",
        ),
        ("/odoo/mail.mail/new", "main form button"),
        ("/odoo/ir.config_parameter/new", "button[value=save]"),
        ("/odoo/mail.alias.domain/new", "button[value=save]"),
        ("/odoo/settings", "main form .buttons button[type=submit]"),
        ("/odoo/preferences", "button[value=key]"),
        ("/odoo/ir.mail_server", ".search button"),
        ("/odoo/mail.mail", ".search button"),
        ("/odoo/mail.message", ".search button"),
        ("/odoo/ir.config_parameter", ".search button"),
    ] {
        surfer.visit(page).await;
        fill_all(&surfer).await;
        surfer.click(button).await;
        // Whether it was taken or refused, the next page shows it.
        surfer.browser.find("main h1").await.unwrap();
        unhurt(&surfer).await;
    }
    let admin = surfer.postern.admin().await.unwrap();
    let message =
        json!({"subject": ATTACK, "email_from": ATTACK, "body": ATTACK, "message_type": "email"});
    let message = admin.create("mail.message", message).await.unwrap();
    for page in [
        "/odoo/ir.mail_server".to_owned(),
        "/odoo/fetchmail.server".to_owned(),
        "/odoo/mail.mail".to_owned(),
        "/odoo/mail.message".to_owned(),
        format!("/odoo/mail.message/{message}"),
        "/odoo/ir.config_parameter".to_owned(),
        "/odoo/postern.audit".to_owned(),
        "/odoo/postern.audit/1".to_owned(),
        "/odoo/preferences".to_owned(),
        "/odoo/settings?done=%3Cscript%3E".to_owned(),
        "/odoo/%3Cscript%3Ewindow.hit=1%3C/script%3E".to_owned(),
    ] {
        surfer.visit(&page).await;
        unhurt(&surfer).await;
    }
    // Chromium tells of refusals (422 and the like) there; what would matter is a breach of the policy.
    let breaches = surfer.browser.console().await.unwrap();
    let breaches: Vec<_> = breaches
        .iter()
        .filter(|line| line.contains("Policy"))
        .collect();
    assert!(breaches.is_empty(), "{breaches:?}");
    surfer.leave().await;
}

/// Puts the attack into every input that takes text, whatever the page itself would let through.
async fn fill_all(surfer: &Surfer) {
    let script = "for (const input of document.querySelectorAll('main input, main textarea')) {\
          if (['hidden', 'checkbox', 'number'].includes(input.type) || input.readOnly) continue;\
          if (input.inputMode === 'numeric' || input.inputMode === 'decimal') continue;\
          if (input.type !== 'password') input.type = 'text';\
          input.value = input.type === 'password' ? 'x' : arguments[0];\
        }\
        for (const form of document.forms) form.noValidate = true;";
    surfer
        .browser
        .run(script, vec![json!(ATTACK)])
        .await
        .unwrap();
}

#[tokio::test]
async fn every_form_carries_a_token_and_the_pages_allow_nothing_from_elsewhere() {
    let Some(surfer) = Surfer::start(Database::Sqlite, "en").await else {
        return;
    };
    surfer.visit("/odoo").await;
    surfer.sign_in().await;
    let mut left = vec!["/odoo".to_owned()];
    let mut seen = Vec::new();
    let mut forms = 0;
    // All pages that links lead to, from the start on.
    while let Some(path) = left.pop() {
        surfer.visit(&path).await;
        let script = "const forms = [...document.forms].filter(form => form.method === 'post');\
            return {\
              without: forms.filter(form => !form.elements.csrf_token || !form.elements.csrf_token.value).length,\
              forms: forms.length,\
              elsewhere: [...document.querySelectorAll('[src], link[href]')].filter(one =>\
                new URL(one.src || one.href).origin !== location.origin).length,\
              links: [...document.links].filter(one => one.origin === location.origin && !one.hash)\
                .map(one => one.pathname)}";
        let found = surfer.browser.run(script, vec![]).await.unwrap();
        assert_eq!(found["without"], 0, "{path}");
        assert_eq!(found["elsewhere"], 0, "{path}");
        forms += found["forms"].as_u64().unwrap();
        seen.push(path);
        let links = found["links"].as_array().unwrap();
        for link in links.iter().filter_map(|link| link.as_str()) {
            let record = link.contains("ir.config_parameter/") && !link.ends_with("/new");
            let known = |paths: &[String]| paths.iter().any(|path| path == link);
            if !record && !known(&seen) && !known(&left) {
                left.push(link.to_owned());
            }
        }
    }
    assert!(
        seen.len() >= 14 && forms > 20,
        "{} pages, {forms} forms",
        seen.len()
    );
    // A script from elsewhere, or one in the page, is not run.
    let script = "const one = document.createElement('script'); one.textContent = 'window.hit = 1'; document.body.append(one); return window.hit === undefined";
    assert_eq!(surfer.browser.run(script, vec![]).await.unwrap(), true);
    let breaches = surfer.browser.console().await.unwrap();
    assert!(
        breaches.len() == 1 && breaches[0].contains("Content Security Policy"),
        "{breaches:?}"
    );
    surfer.leave().await;
}

#[tokio::test]
async fn a_session_that_ended_leads_through_the_sign_in_back_to_the_page() {
    let Some(surfer) = Surfer::start(Database::Sqlite, "vi").await else {
        return;
    };
    surfer.visit("/odoo/settings").await;
    surfer.sign_in().await;
    surfer.browser.find("#redirect_uri").await.unwrap();
    surfer.browser.forget("session_id").await.unwrap();
    surfer.click("header a[href='/odoo/ir.mail_server']").await;
    surfer.browser.find("#login").await.unwrap();
    surfer.examine().await;
    surfer.sign_in().await;
    surfer.browser.find(".heading").await.unwrap();
    assert_eq!(surfer.path().await, "/odoo/ir.mail_server?");
    // A form of the session that ended changes nothing.
    surfer.visit("/odoo/ir.mail_server/new").await;
    surfer.fill("#name", "never made").await;
    surfer.browser.forget("session_id").await.unwrap();
    surfer.click("button[value=save]").await;
    surfer.browser.find("#login").await.unwrap();
    surfer.sign_in().await;
    let admin = surfer.postern.admin().await.unwrap();
    let count = admin.call("ir.mail_server", "search_count", json!([[]]));
    assert_eq!(count.await.unwrap(), 0);
    surfer.leave().await;
}

#[tokio::test]
async fn a_refusal_of_the_provider_is_told_with_a_way_back_and_a_forged_answer_changes_nothing() {
    let Some(surfer) = Surfer::start(Database::Sqlite, "en").await else {
        return;
    };
    let admin = surfer.postern.admin().await.unwrap();
    let application = Application::of(&surfer.lab);
    steps::enter_application(&admin, &surfer.postern, application)
        .await
        .unwrap();
    let ports = (surfer.lab.host.as_str(), &surfer.lab.mail);
    let server = steps::outgoing_server(&admin, ports, &surfer.mailbox)
        .await
        .unwrap();
    let form = format!("/odoo/ir.mail_server/{server}");
    surfer.visit(&form).await;
    surfer.sign_in().await;
    surfer.click(".connect a.button").await;
    surfer.click("button[name=decision][value=no]").await;
    surfer
        .browser
        .find(&format!("a[href='{form}']"))
        .await
        .unwrap();
    surfer.no_errors().await;
    surfer.click(&format!("a[href='{form}']")).await;
    surfer.browser.find(".connect a.button").await.unwrap();
    assert_eq!(surfer.path().await, form);

    for query in [
        "code=x&state=%7B%22model%22%3A%22ir.mail_server%22%2C%22id%22%3A1%2C%22csrf_token%22%3A%22bad%22%7D",
        "code=x&state=%3Cscript%3Ewindow.hit%3D1%3C%2Fscript%3E",
        "error=access_denied&error_description=%3Cscript%3Ewindow.hit%3D1%3C%2Fscript%3E&state=x",
        "",
    ] {
        surfer
            .visit(&format!("/microsoft_outlook/confirm?{query}"))
            .await;
        surfer.browser.find("h1").await.unwrap();
        unhurt(&surfer).await;
    }
    // The refusals themselves are told about in the console.
    surfer.browser.console().await.unwrap();
    let tokens = steps::tokens(&admin, "ir.mail_server", server)
        .await
        .unwrap();
    assert!(tokens.refresh.is_empty() && tokens.access.is_empty());
    surfer.leave().await;
}
