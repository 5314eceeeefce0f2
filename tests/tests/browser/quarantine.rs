//! What waits in quarantine, as a person looks after it: read, taken in again, discarded.

use reqwest::Method;
use reqwest::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde_json::json;
use sqlx::{Connection as _, SqliteConnection};
use tests::lab::Database;

use crate::safety::{ATTACK, unhurt};
use crate::surfer::Surfer;

/// Puts a mail there, as the gateway does.
async fn put(surfer: &Surfer, raw: Option<&str>) -> i64 {
    let url = surfer.postern.database_url();
    let mut database = SqliteConnection::connect(url).await.unwrap();
    let query = "INSERT INTO postern_quarantine (folder, uid, reason, raw, attempts) VALUES ('INBOX', 7, $1, $2, 1) RETURNING id";
    let row: (i64,) = sqlx::query_as(query)
        .bind(ATTACK)
        .bind(raw.map(str::as_bytes))
        .fetch_one(&mut database)
        .await
        .unwrap();
    row.0
}

#[tokio::test]
async fn a_mail_in_quarantine_is_read_taken_in_again_or_discarded() {
    let Some(surfer) = Surfer::start(Database::Sqlite, "en").await else {
        return;
    };
    let raw = format!(
        "From: a@outside.test\r\nSubject: Kept {ATTACK}\r\nMessage-Id: <kept@outside.test>\r\n\r\n{ATTACK}\r\n"
    );
    let kept = put(&surfer, Some(&raw)).await;
    let gone = put(&surfer, None).await;
    surfer.visit("/odoo/postern.quarantine").await;
    surfer.sign_in().await;
    surfer.browser.find("tbody a").await.unwrap();
    unhurt(&surfer).await;
    surfer.examine().await;

    let page = format!("/odoo/postern.quarantine/{kept}");
    surfer.visit(&page).await;
    let source = surfer.browser.text("pre.body").await.unwrap();
    assert!(
        source.contains("Message-Id: <kept@outside.test>"),
        "{source}"
    );
    unhurt(&surfer).await;
    surfer.examine().await;
    let admin = surfer.postern.admin().await.unwrap();
    let file = admin.request(Method::GET, &format!("{page}/raw"));
    let file = file.send().await.unwrap();
    assert_eq!(file.headers()[CONTENT_TYPE], "message/rfc822");
    let disposition = file.headers()[CONTENT_DISPOSITION].to_str().unwrap();
    assert!(disposition.starts_with("attachment;"), "{disposition}");
    assert_eq!(file.text().await.unwrap(), raw);
    surfer.click("button[value=replay]").await;
    surfer.success().await;
    let domain = json!([[["message_id", "=", "<kept@outside.test>"]]]);
    let stored = admin.call("mail.message", "search_count", domain).await;
    assert_eq!(stored.unwrap(), 1);

    // One that could not be fetched has nothing to show, and is discarded only by somebody who means it.
    let page = format!("/odoo/postern.quarantine/{gone}");
    surfer.visit(&page).await;
    let nothing = admin.request(Method::GET, &format!("{page}/raw"));
    assert_eq!(nothing.send().await.unwrap().status(), 404);
    surfer.click("button[value=discard]").await;
    surfer.browser.answer(false).await.unwrap();
    assert_eq!(surfer.path().await, page);
    surfer.click("button[value=discard]").await;
    surfer.browser.answer(true).await.unwrap();
    surfer.success().await;
    let left = admin.call("postern.quarantine", "search_count", json!([[]]));
    assert_eq!(left.await.unwrap(), 0);
    surfer.leave().await;
}
