//! Every page in light and dark, on a phone and on a desktop: nothing sticks out, and everybody can read it.

use serde_json::json;
use tests::lab::Database;

use crate::surfer::Surfer;

/// Pages of each kind; `{…}` stands for a record made for it.
const PAGES: [&str; 23] = [
    "/odoo",
    "/odoo/settings",
    "/odoo/preferences",
    "/odoo/my-mailboxes",
    "/odoo/ir.config_parameter",
    "/odoo/ir.config_parameter/new",
    "/odoo/ir.config_parameter/1",
    "/odoo/mail.alias.domain/new",
    "/odoo/postern.audit",
    "/odoo/postern.audit?search=nothing-like-it",
    "/odoo/postern.audit/1",
    "/odoo/ir.mail_server?from=joe@example.test",
    "/odoo/ir.mail_server/new",
    "/odoo/ir.mail_server/{server}",
    "/odoo/fetchmail.server",
    "/odoo/fetchmail.server/new?server_type=gmail",
    "/odoo/fetchmail.server/{inbox}",
    "/odoo/mail.mail?state=exception",
    "/odoo/mail.mail/new",
    "/odoo/mail.mail/{mail}",
    "/odoo/mail.message",
    "/odoo/postern.quarantine",
    "/odoo/nothing-of-this-name",
];

const LONG: &str =
    "a-name-without-any-space-that-is-longer-than-a-phone-is-wide-and-then-some-more";

/// The elements that make the page wider than the window; none where nothing does.
const BEYOND: &str = "if (document.documentElement.scrollWidth <= window.innerWidth) return [];\
    return [...document.querySelectorAll('body *')]\
      .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1 && !one.closest('.skip'))\
      .map(one => one.outerHTML.slice(0, 150));";

#[tokio::test]
async fn every_page_fits_and_can_be_read_in_light_and_dark_on_a_phone_and_a_desktop() {
    let Some(surfer) = Surfer::start(Database::Sqlite, "en").await else {
        return;
    };
    let admin = surfer.postern.admin().await.unwrap();
    let server = json!({"name": LONG, "smtp_host": LONG, "smtp_user": LONG});
    let server = admin.create("ir.mail_server", server).await.unwrap();
    let inbox = json!({"name": LONG, "server": LONG, "server_type": "imap", "user": LONG});
    let inbox = admin.create("fetchmail.server", inbox).await.unwrap();
    let mail = json!({"subject": LONG, "email_to": LONG, "body_html": LONG, "state": "exception", "failure_reason": LONG});
    let mail = admin.create("mail.mail", mail).await.unwrap();

    surfer.visit("/odoo").await;
    surfer.sign_in().await;
    for (width, dark) in [(360, true), (1280, false)] {
        surfer.browser.resize(width, 800).await.unwrap();
        surfer.browser.darken(dark).await.unwrap();
        for page in PAGES {
            let path = page
                .replace("{server}", &server.to_string())
                .replace("{inbox}", &inbox.to_string())
                .replace("{mail}", &mail.to_string());
            surfer.visit(&path).await;
            let found = surfer.browser.accessibility().await.unwrap();
            assert!(found.is_empty(), "{path} {width}: {}", found.join("\n"));
            let beyond = surfer.browser.run(BEYOND, vec![]).await.unwrap();
            assert_eq!(beyond, json!([]), "{path}: beyond {width} pixels");
        }
    }
    // The page that is not there is told about in the console too.
    surfer.browser.console().await.unwrap();
    surfer.leave().await;
}

#[tokio::test]
async fn the_keyboard_alone_leads_past_the_navigation_and_figures_change_by_themselves() {
    let Some(surfer) = Surfer::start(Database::Sqlite, "en").await else {
        return;
    };
    surfer.visit("/odoo/mail.mail").await;
    surfer.sign_in().await;
    let browser = &surfer.browser;
    let figure = "[data-figure='mail.exception']";
    browser.find(figure).await.unwrap();
    assert_eq!(browser.text(figure).await.unwrap(), "0");
    let body = browser.find("body").await.unwrap();
    body.send_keys("\u{e004}").await.unwrap();
    let focused = "return document.activeElement.getAttribute('href')";
    assert_eq!(browser.run(focused, vec![]).await.unwrap(), "#main");
    let skip = browser.find(".skip").await.unwrap();
    skip.send_keys("\u{e007}").await.unwrap();
    let focused = "return document.activeElement.id";
    assert_eq!(browser.run(focused, vec![]).await.unwrap(), "main");

    let admin = surfer.postern.admin().await.unwrap();
    let mail = json!({"subject": "x", "email_to": "x@example.test", "state": "exception"});
    admin.create("mail.mail", mail).await.unwrap();
    let mut shown = String::new();
    for _ in 0..100 {
        shown = browser.text(figure).await.unwrap();
        if shown == "1" {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
    assert_eq!(shown, "1", "the figure stays as it was");
    surfer.leave().await;
}
