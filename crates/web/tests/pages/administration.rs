//! What administrators look after: parameters, servers at a glance, figures, the first steps.

use std::sync::Arc;

use actix_web::http::StatusCode;
use server_model::backend::Backend;
use server_model::value::{AnyValue, map};

use crate::site::{Browser, PASSWORD, call, pages, started};
use crate::{SERVER, someone};

#[actix_web::test]
async fn system_parameters_are_listed_and_changed_but_secrets_are_never_shown() {
    let backend = started().await;
    let set = vec!["microsoft_outlook_client_secret".into(), "hush-hush".into()];
    call(&backend, "ir.config_parameter", "set_param", set).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let secret = call(
        &backend,
        "ir.config_parameter",
        "get_param",
        vec!["database.secret".into()],
    )
    .await;
    let secret = secret.as_text().expect("a secret").to_owned();
    let list = browser.open("/odoo/ir.config_parameter").await.body;
    assert!(list.contains("web.base.url") && list.contains("Protected"));
    assert!(!list.contains("hush-hush") && !list.contains(&secret));

    let new = "/odoo/ir.config_parameter/new";
    let values = [("key", "my.key"), ("value", "one <two>")];
    let made = browser.submit(new, new, &values).await;
    assert_eq!(made.location(), "/odoo/ir.config_parameter?done=saved");
    let empty = browser
        .submit(new, new, &[("key", "x"), ("value", "")])
        .await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

    for (key, shown) in [
        ("my.key", "one &#60;two&#62;"),
        ("microsoft_outlook_client_secret", ""),
    ] {
        let path = parameter_path(&backend, key).await;
        let page = browser.open(&path).await.body;
        assert!(
            page.contains(shown) && !page.contains("hush-hush"),
            "{page}"
        );
        // An empty value keeps a secret, and is none for anything else.
        let answer = browser
            .submit(&path, &path, &[("key", key), ("value", "")])
            .await;
        let kept = key != "my.key";
        assert_eq!(answer.status == StatusCode::SEE_OTHER, kept, "{key}");
    }
    let path = parameter_path(&backend, "database.secret").await;
    let page = browser.open(&path).await.body;
    assert!(!page.contains(&secret) && !page.contains("value=\"delete\""));
    let refused = browser.submit(&path, &path, &[("action", "delete")]).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let path = parameter_path(&backend, "my.key").await;
    let gone = browser.submit(&path, &path, &[("action", "delete")]).await;
    assert_eq!(gone.location(), "/odoo/ir.config_parameter?done=deleted");
}

async fn parameter_path(backend: &Arc<Backend>, key: &str) -> String {
    let condition = AnyValue::List(vec!["key".into(), "=".into(), key.into()]);
    let domain = AnyValue::List(vec![condition]);
    let ids = call(backend, "ir.config_parameter", "search", vec![domain]).await;
    let id = ids.as_list().expect("a list")[0].as_int().expect("an id");
    format!("/odoo/ir.config_parameter/{id}")
}

#[actix_web::test]
async fn the_simulator_names_the_server_and_who_is_not_covered() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let nobody = "/odoo/ir.mail_server?from=joe%40example.com";
    assert!(
        browser
            .open(nobody)
            .await
            .body
            .contains("no server that could")
    );
    let values = map([
        ("name", "Joe's own".into()),
        ("from_filter", "joe@example.com".into()),
    ]);
    call(&backend, "ir.mail_server", "create", vec![values.into()]).await;
    let page = browser.open(nobody).await.body;
    assert!(
        page.contains("A server is meant for this address"),
        "{page}"
    );
    assert!(page.contains("<dd>joe@example.com</dd>"), "{page}");
    let page = browser
        .open("/odoo/ir.mail_server?from=kim%40example.com")
        .await;
    assert!(page.body.contains("No server is meant for this address"));
    let refused = browser.get("/odoo/ir.mail_server?from=%3Cscript%3E").await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(!refused.body.contains("<script>"));
}

#[actix_web::test]
async fn what_the_model_refuses_is_tied_to_the_field_that_it_is_about() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let new = "/odoo/ir.mail_server/new";
    let values = [
        ("name", "Office"),
        ("smtp_authentication", "outlook"),
        ("smtp_encryption", "none"),
        ("smtp_user", "joe@example.com"),
        ("smtp_host", "smtp.example.com"),
        ("smtp_port", "587"),
    ];
    let answer = browser.submit(new, new, &values).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = answer.body;
    let field = page.split("<select id=\"smtp_encryption\"").nth(1);
    let field = field
        .and_then(|rest| rest.split('>').next())
        .expect("the field");
    assert!(
        field.contains("aria-invalid=\"true\" autofocus")
            && field.contains("aria-describedby=\"problem"),
        "{field}"
    );
    assert_eq!(page.matches("aria-invalid").count(), 1, "{page}");
}

#[actix_web::test]
async fn the_cloud_is_chosen_in_the_settings() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let path = "/odoo/settings";
    let base = ("web.base.url", "http://mail.example.com");
    let cloud = "microsoft_outlook.cloud";
    for (chosen, stored) in [("china", "china"), ("", "False")] {
        let saved = browser.submit(path, path, &[base, (cloud, chosen)]).await;
        assert_eq!(saved.location(), "/odoo/settings?done=saved");
        let page = browser.open(path).await.body;
        let option = format!("<option value=\"{chosen}\" selected>");
        let select = page
            .split(&format!("name=\"{cloud}\""))
            .nth(1)
            .expect("the field");
        let select = select.split("</select>").next().unwrap_or_default();
        assert!(select.contains(&option), "{select}");
        let kept = call(
            &backend,
            "ir.config_parameter",
            "get_param",
            vec![cloud.into()],
        )
        .await;
        assert_eq!(kept.to_python_text(), stored);
    }
}

#[actix_web::test]
async fn a_server_has_a_budget_and_a_wrong_number_is_tied_to_its_field() {
    let backend = started().await;
    let values = map([
        ("name", "Office".into()),
        ("smtp_authentication", "outlook".into()),
        ("smtp_encryption", "starttls".into()),
        ("smtp_user", "me@example.com".into()),
    ]);
    let id = call(&backend, "ir.mail_server", "create", vec![values.into()]).await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let path = format!("/odoo/ir.mail_server/{}", id.as_int().expect("an id"));
    let page = browser.open(&path).await.body;
    assert!(page.contains("0 of 30 messages this minute"), "{page}");
    let budget = [
        ("action", "budget"),
        ("connections", "2"),
        ("messages_per_minute", ""),
        ("recipients_per_day", "500"),
    ];
    let saved = browser.submit(&path, &path, &budget).await;
    assert_eq!(saved.status, StatusCode::SEE_OTHER, "{}", saved.body);
    let page = browser.open(&path).await.body;
    assert!(page.contains("0 of 500 recipients today") && page.contains("2 connections"));
    assert!(!page.contains("messages this minute"));
    let mut typed = SERVER;
    typed[4] = ("smtp_port", "many");
    let refused = browser.submit(&path, &path, &typed).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    let input = refused.body.split("<input id=\"smtp_port\"").nth(1);
    let input = input
        .and_then(|rest| rest.split('>').next())
        .unwrap_or_default();
    assert!(
        input.contains("aria-invalid=\"true\"") && input.contains("aria-describedby=\"problem"),
        "{input}"
    );
}

#[actix_web::test]
async fn the_figures_are_numbers_and_others_get_only_theirs() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let figures = browser.open("/odoo/figures").await;
    assert!(
        figures
            .header("content-type")
            .starts_with("application/json")
    );
    assert_eq!(
        figures.body,
        "{\"mail.cancel\":0,\"mail.exception\":0,\"mail.outgoing\":0,\"mail.sent\":0,\"quarantine\":0,\"received\":0}"
    );
    someone(&backend).await;
    let mut browser = Browser::signed_in(&site, "someone", PASSWORD).await;
    assert_eq!(browser.open("/odoo/figures").await.body, "{\"received\":0}");
}

#[actix_web::test]
async fn an_empty_installation_tells_what_to_click_step_by_step() {
    let backend = started().await;
    let site = pages(&backend).await;
    let mut browser = Browser::signed_in(&site, "admin", PASSWORD).await;
    let page = browser.open("/odoo").await.body;
    for text in [
        "You are at step 1",
        "Microsoft Entra ID",
        "http://127.0.0.1:8069/microsoft_outlook/confirm",
        "IMAP.AccessAsUser.All",
        "New client secret",
    ] {
        assert!(page.contains(text), "{text}");
    }
    let order = [
        "Register an application",
        "Permit reading and sending",
        "Assign users and groups",
        "Create credentials",
        "Custom Email Servers",
        "Add for Outlook",
        "Write a mail",
    ];
    let places = order.map(|text| page.find(text).expect(text));
    assert!(places.is_sorted(), "{places:?}");
    for (key, value) in [
        ("microsoft_outlook_client_id", "x"),
        ("microsoft_outlook_client_secret", "y"),
    ] {
        let set = vec![key.into(), value.into()];
        call(&backend, "ir.config_parameter", "set_param", set).await;
    }
    let page = browser.open("/odoo").await.body;
    assert!(page.contains("You are at step 6"), "{page}");
}
