//! The story of a mail that did not go out at once, told over RPC and at the command line, and when its server took a mail
//! last; on both databases.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use serde_json::{Value, json};
use tests::lab::{Database, Described};
use tests::postern::{Options, Postern};
use tests::rpc_client::Rpc;
use tests::steps;

async fn history(admin: &Rpc, mail: i64, lang: &str) -> Vec<Value> {
    let context = json!({"context": {"lang": lang}});
    let story = admin.call_kw("mail.mail", "postern_story", json!([[mail]]), context);
    let story = story.await.unwrap();
    story[0]["history"].as_array().unwrap().clone()
}

async fn told(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let postern = Postern::start(&lab, &Options::on(database)).unwrap();
    let admin = postern.admin().await.unwrap();
    let mailbox = steps::new_account(&lab, "story").await.unwrap();
    let values = json!({
        "name": "Office", "smtp_authentication": "login", "smtp_encryption": "starttls",
        "smtp_host": lab.host, "smtp_port": 1, "smtp_user": mailbox,
        "smtp_pass": lab.password, "from_filter": mailbox,
    });
    let server = admin.create("ir.mail_server", values).await.unwrap();
    let last_success = async || {
        let read = admin.read("ir.mail_server", server, &["postern_last_success"]);
        read.await.unwrap()["postern_last_success"].clone()
    };
    assert_eq!(last_success().await, false);

    // Nobody listens there: it is tried again later.
    let values = json!({
        "subject": "Hello", "body_html": "<p>Hello</p>", "email_from": mailbox, "email_to": mailbox,
    });
    let mail = steps::send_mail(&admin, values.clone()).await.unwrap();
    let first = history(&admin, mail, "en_US").await;
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(first[0]["outcome"], "later");
    assert_eq!(first[0]["server"], "Office");
    assert_eq!(first[0]["code"], "network.connection_refused");
    assert!(first[0]["next_attempt"].as_str().unwrap() > first[0]["at"].as_str().unwrap());
    let reason = first[0]["reason"].as_str().unwrap();
    assert!(
        reason.contains("no connection (") && !reason.contains("tried again by itself"),
        "{reason}"
    );
    let chinese = history(&admin, mail, "zh_CN").await;
    assert!(
        chinese[0]["reason"]
            .as_str()
            .unwrap()
            .contains("无法连接（"),
        "{chinese:?}"
    );
    assert_eq!(last_success().await, false);

    // It is put right, and the mail goes out.
    let port = json!({"smtp_port": lab.mail.submission});
    admin.write("ir.mail_server", server, port).await.unwrap();
    admin
        .call("mail.mail", "mark_outgoing", json!([[mail]]))
        .await
        .unwrap();
    admin
        .call("mail.mail", "send", json!([[mail]]))
        .await
        .unwrap();
    assert_eq!(
        admin.read("mail.mail", mail, &["state"]).await.unwrap()["state"],
        "sent"
    );
    let all = history(&admin, mail, "en_US").await;
    let outcomes: Vec<_> = all.iter().map(|one| one["outcome"].clone()).collect();
    assert_eq!(outcomes, ["later", "sent"], "{all:?}");
    assert_eq!(
        (&all[1]["reason"], &all[1]["server"]),
        (&json!(false), &json!("Office"))
    );
    assert!(last_success().await.is_string());

    // What goes out at once has no story but its state.
    let other = steps::send_mail(&admin, values).await.unwrap();
    assert_eq!(history(&admin, other, "en_US").await, Vec::<Value>::new());

    // The story outlives the server.
    admin
        .call("ir.mail_server", "unlink", json!([[server]]))
        .await
        .unwrap();
    let after = history(&admin, mail, "en_US").await;
    assert_eq!(after, all);

    // The same at the command line.
    let table = postern.command(&["mail", &mail.to_string()]).unwrap();
    let table = String::from_utf8(table.stdout).unwrap();
    assert!(
        table.contains("UTC  later  Office\n") && table.contains("UTC  sent  Office\n"),
        "{table}"
    );
    let listed = postern
        .command(&["mail", &mail.to_string(), "--json"])
        .unwrap();
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(
        listed[0]["history"].as_array().unwrap().len(),
        2,
        "{listed}"
    );
}

#[tokio::test]
async fn a_mails_attempts_are_told_on_sqlite() {
    told(Database::Sqlite).await;
}

#[tokio::test]
async fn a_mails_attempts_are_told_on_postgresql() {
    told(Database::Postgres).await;
}
