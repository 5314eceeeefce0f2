//! The whole guide as a person walks it, in each language.

use tests::lab::Database;
use tests::steps::path_of;
use url::Url;

use crate::surfer::Surfer;

/// What a language says at the places where the guide names the words.
struct Words {
    settings: &'static str,
    connect: &'static str,
    valid: &'static str,
    confirmed: &'static str,
    sent: &'static str,
    added: &'static str,
}

const ENGLISH: Words = Words {
    settings: "Custom Email Servers",
    connect: "Connect your Outlook account",
    valid: "Outlook Token Valid",
    confirmed: "Confirmed",
    sent: "Sent",
    added: "Added",
};
const VIETNAMESE: Words = Words {
    settings: "Máy chủ email tùy chỉnh",
    connect: "Kết nối tài khoản Outlook của bạn",
    valid: "Token Outlook hợp lệ",
    confirmed: "Đã xác nhận",
    sent: "Đã gửi",
    added: "Thêm",
};
const CHINESE: Words = Words {
    settings: "自定义电子邮件服务器",
    connect: "连接您的 Outlook 帐户",
    valid: "Outlook 令牌有效",
    confirmed: "已确认",
    sent: "已发送",
    added: "添加",
};

#[tokio::test]
async fn the_guide_is_walked_in_english() {
    walk(Database::Sqlite, "en", &ENGLISH).await;
}

#[tokio::test]
async fn the_guide_is_walked_in_vietnamese() {
    walk(Database::Postgres, "vi", &VIETNAMESE).await;
}

#[tokio::test]
async fn the_guide_is_walked_in_chinese() {
    walk(Database::Sqlite, "zh-CN", &CHINESE).await;
}

async fn walk(database: Database, language: &'static str, words: &Words) {
    let Some(surfer) = Surfer::start(database, language).await else {
        return;
    };
    surfer.visit("/").await;
    surfer.examine().await;
    surfer.picture("01-sign-in").await;
    surfer.sign_in().await;
    first_steps(&surfer).await;
    settings(&surfer, words).await;
    outgoing(&surfer, words).await;
    incoming(&surfer, words).await;
    mail(&surfer, words).await;
    surfer.leave().await;
}

async fn first_steps(surfer: &Surfer) {
    let browser = &surfer.browser;
    browser.find("ol.steps .next details[open]").await.unwrap();
    surfer.examine().await;
    surfer.picture("02-start").await;
    let shown = browser.find("#redirect_uri").await.unwrap();
    let shown = shown.value().await.unwrap();
    assert_eq!(shown, Some(surfer.postern.redirect_uri()));
}

async fn settings(surfer: &Surfer, words: &Words) {
    let provider = &surfer.lab.identity;
    surfer.click("header a[href='/odoo/settings']").await;
    let label = "label[for=external_email_server_default]";
    surfer.browser.find(label).await.unwrap();
    assert_eq!(surfer.browser.text(label).await.unwrap(), words.settings);
    surfer.examine().await;
    surfer.click("#external_email_server_default").await;
    let id = "#microsoft_outlook_client_identifier";
    surfer.fill(id, &provider.client_id).await;
    let secret = "#microsoft_outlook_client_secret";
    surfer.fill(secret, &provider.client_secret).await;
    let endpoint = "input[name='microsoft_outlook.endpoint']";
    surfer.fill(endpoint, &provider.endpoint).await;
    // The mailbox is the one for all: what others write goes out under its address too.
    let (name, domain) = surfer.mailbox.split_once('@').unwrap();
    surfer.fill("input[name='mail.default.from']", name).await;
    surfer
        .fill("input[name='mail.catchall.domain']", domain)
        .await;
    surfer.picture("03-settings").await;
    surfer.click("main form .buttons button[type=submit]").await;
    surfer.success().await;
    surfer.examine().await;
    let stored = surfer.browser.find(secret).await.unwrap();
    assert_eq!(stored.value().await.unwrap().as_deref(), Some(""));
}

/// Follows the link to the provider, allows the access, and comes back to the form.
async fn connect(surfer: &Surfer, words: &Words, form: &str, picture: &str) {
    let browser = &surfer.browser;
    let link = ".connect a.button";
    browser.find(link).await.unwrap();
    assert_eq!(browser.text(link).await.unwrap(), words.connect);
    surfer.examine().await;
    surfer.picture(&format!("{picture}-connect")).await;
    surfer.click(link).await;
    surfer.click("button[name=decision][value=yes]").await;
    browser.find(".connect .badge.good").await.unwrap();
    assert_eq!(surfer.path().await, form);
    let badge = browser.text(".connect .badge.good").await.unwrap();
    assert_eq!(badge, words.valid);
    surfer.examine().await;
    surfer.picture(&format!("{picture}-connected")).await;
}

async fn outgoing(surfer: &Surfer, words: &Words) {
    surfer.click("header a[href='/odoo/ir.mail_server']").await;
    surfer.examine().await;
    surfer
        .click(".heading a[href$='smtp_authentication=outlook']")
        .await;
    surfer.examine().await;
    surfer.fill("#name", "Outlook").await;
    surfer.fill("#smtp_user", &surfer.mailbox).await;
    surfer.fill("#smtp_host", &surfer.lab.host).await;
    let port = surfer.lab.mail.submission.to_string();
    surfer.fill("#smtp_port", &port).await;
    surfer.click("button[value=save]").await;
    surfer.success().await;
    let form = path_without_query(surfer).await;
    let filter = surfer.browser.find("#from_filter").await.unwrap();
    assert_eq!(filter.value().await.unwrap(), Some(surfer.mailbox.clone()));
    connect(surfer, words, &form, "04-outgoing").await;
    surfer.click("button[value=test]").await;
    surfer.success().await;
    surfer.click("button[value=doctor]").await;
    surfer.browser.find("#findings").await.unwrap();
    let failed = surfer.browser.has("#findings .badge.bad").await.unwrap();
    assert!(
        !failed,
        "{}",
        surfer.browser.text("#findings").await.unwrap()
    );
    surfer.examine().await;
    surfer.picture("05-examined").await;
    surfer.visit("/odoo/ir.mail_server").await;
    let row = surfer.browser.text("tbody tr").await.unwrap();
    assert!(row.contains(words.valid), "{row}");
    surfer.examine().await;
}

async fn incoming(surfer: &Surfer, words: &Words) {
    surfer
        .click("header a[href='/odoo/fetchmail.server']")
        .await;
    surfer
        .click(".heading a[href$='server_type=outlook']")
        .await;
    surfer.fill("#name", "Outlook").await;
    surfer.fill("#user", &surfer.mailbox).await;
    surfer.fill("#server", &surfer.lab.host).await;
    let port = surfer.lab.mail.imaps.to_string();
    surfer.fill("#port", &port).await;
    surfer.click("button[value=save]").await;
    surfer.success().await;
    let form = path_without_query(surfer).await;
    connect(surfer, words, &form, "06-incoming").await;
    surfer.click("button[value=confirm]").await;
    surfer.success().await;
    let heading = surfer.browser.text("h1").await.unwrap();
    assert!(heading.contains(words.confirmed), "{heading}");
    surfer.examine().await;
    surfer.picture("07-confirmed").await;
}

async fn mail(surfer: &Surfer, words: &Words) {
    let form = path_without_query(surfer).await;
    surfer.visit("/odoo/mail.mail/new").await;
    surfer.examine().await;
    surfer.fill("#email_to", &surfer.mailbox).await;
    surfer.fill("#subject", "Xin chào 你好").await;
    surfer.fill("#body", "One\n\n<b>two</b>").await;
    surfer.click("main form button[type=submit]").await;
    surfer.browser.find("h1 .badge.sent").await.unwrap();
    let badge = surfer.browser.text("h1 .badge").await.unwrap();
    assert_eq!(badge, words.sent);
    surfer.examine().await;
    surfer.picture("08-sent").await;
    surfer.visit("/odoo/mail.mail?state=sent&search=Xin").await;
    surfer.browser.find("tbody .badge.sent").await.unwrap();
    surfer.examine().await;

    // An answer comes from outside. Ours is known already, and would not be taken in a second time.
    let letter = format!(
        "From: A customer <customer@outside.test>\r\nTo: {mailbox}\r\nSubject: An answer\r\n\
         Message-Id: <answer.{mailbox}>\r\n\r\nOne <b>two</b>\r\n",
        mailbox = surfer.mailbox
    );
    surfer
        .lab
        .deliver(&surfer.mailbox, letter.as_bytes())
        .unwrap();
    surfer.visit(&form).await;
    surfer.click("button[value=fetch]").await;
    surfer.success().await;
    surfer.visit("/odoo/mail.message").await;
    surfer.browser.find("tbody a").await.unwrap();
    surfer.examine().await;
    surfer.click("tbody a").await;
    surfer.browser.find("pre.body").await.unwrap();
    let body = surfer.browser.text("pre.body").await.unwrap();
    assert_eq!(body, "One <b>two</b>");
    surfer.examine().await;
    surfer.visit("/odoo").await;
    surfer.examine().await;
    let next = surfer.browser.has("ol.steps .next").await.unwrap();
    assert!(!next, "all steps are done");
    surfer.picture("09-done").await;
    look_back(surfer, words).await;
}

/// What was set up on the way stands in the trail.
async fn look_back(surfer: &Surfer, words: &Words) {
    surfer.visit("/odoo/settings").await;
    surfer.click("a[href='/odoo/postern.audit']").await;
    surfer.browser.find("tbody a").await.unwrap();
    surfer.examine().await;
    surfer
        .visit("/odoo/postern.audit?model=ir.mail_server&search=outlook")
        .await;
    let act = surfer.browser.text("tbody tr:last-child td").await.unwrap();
    assert!(act.ends_with(words.added), "{act}");
    surfer.click("tbody tr:last-child a").await;
    surfer.browser.find("dl").await.unwrap();
    surfer.examine().await;
}

async fn path_without_query(surfer: &Surfer) -> String {
    let url = Url::parse(&surfer.browser.address().await.unwrap()).unwrap();
    let path = path_of(&url);
    path.split('?').next().unwrap_or_default().to_owned()
}
