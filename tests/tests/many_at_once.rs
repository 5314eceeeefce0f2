//! Eight programs at once on the same records by `execute_kw`: no error, no lost update, and no half-done answer.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

use serde_json::{Value, json};
use tests::lab::{Database, Described};
use tests::postern::{ADMIN_PASSWORD, Options, Postern};
use tests::rpc_client::Rpc;
use tokio::task::JoinSet;

const CLIENTS: usize = 8;
const ROUNDS: usize = 15;
/// A field for each client, so that what one writes cannot hide that another's was lost.
const FIELDS: [&str; CLIENTS] = [
    "street", "street2", "zip", "website", "phone", "mobile", "function", "vat",
];

/// One client, which signs in to each call by user id and password.
struct Program {
    rpc: Rpc,
    uid: i64,
}

impl Program {
    async fn call(&self, model: &str, method: &str, args: Value, kwargs: Value) -> Value {
        let credentials = (self.uid, ADMIN_PASSWORD);
        let answer = self
            .rpc
            .execute_kw(credentials, model, method, args, kwargs);
        answer.await.unwrap()
    }

    /// Reads and writes the shared records, and makes some of its own.
    async fn work(&self, index: usize, partner: i64, message: i64) {
        for round in 0..ROUNDS {
            let text = format!("{index} in round {round} ✓");
            let values = json!({FIELDS[index]: text});
            self.call(
                "res.partner",
                "write",
                json!([[partner], values]),
                json!({}),
            )
            .await;
            let fields = [FIELDS[index], "city", "comment"];
            let row = self
                .call(
                    "res.partner",
                    "read",
                    json!([[partner]]),
                    json!({"fields": fields}),
                )
                .await;
            assert_eq!(row[0][FIELDS[index]], text, "what was just written");
            let comment = row[0]["comment"].as_str().unwrap_or_default();
            let city = row[0]["city"].as_str().unwrap();
            assert!(
                comment.contains(city),
                "half of a write: {city:?} and {comment:?}"
            );
            // Two fields of one write, which nobody may ever see apart.
            let stamp = format!("{index}.{round}");
            let both = json!({"city": stamp, "comment": format!("<p>{stamp}</p>")});
            self.call("res.partner", "write", json!([[partner], both]), json!({}))
                .await;

            let values = json!({"name": format!("Büro {index}.{round}"), "sequence": 900});
            let own = self
                .call("ir.mail_server", "create", json!([values]), json!({}))
                .await;
            self.call(
                "mail.message",
                "write",
                json!([[message], {"attachment_ids": [[0, 0, {"name": stamp, "raw": "eA=="}]]}]),
                json!({}),
            )
            .await;
            if round % 3 == 0 {
                self.call("ir.mail_server", "unlink", json!([[own]]), json!({}))
                    .await;
            }
            let domain = json!([["name", "=like", format!("Büro {index}.%")]]);
            let count = self
                .call("ir.mail_server", "search_count", json!([domain]), json!({}))
                .await;
            assert_eq!(count, round - round / 3, "its own records in round {round}");
        }
    }
}

async fn hammer(database: Database) {
    let lab = Described::from_env();
    if !lab.databases.contains(&database) {
        return;
    }
    let postern = Postern::start(&lab, &Options::on(database)).unwrap();
    let admin = postern.admin().await.unwrap();
    let shared = json!({"name": "Shared", "city": "none", "comment": "<p>none</p>"});
    let partner = admin.create("res.partner", shared).await.unwrap();
    let shared = json!({"subject": "Shared", "message_type": "comment"});
    let message = admin.create("mail.message", shared).await.unwrap();
    let program = || Program {
        rpc: Rpc::anonymous(&postern.base_url(), postern.database_name()),
        uid: admin.uid(),
    };
    let mut programs = JoinSet::new();
    for index in 0..CLIENTS {
        let program = program();
        programs.spawn(async move { program.work(index, partner, message).await });
    }
    while let Some(ended) = programs.join_next().await {
        ended.unwrap();
    }

    let row = admin.read("res.partner", partner, &FIELDS).await.unwrap();
    for (index, field) in FIELDS.iter().enumerate() {
        let last = format!("{index} in round {} ✓", ROUNDS - 1);
        assert_eq!(row[*field], last, "an update was lost: {row}");
    }
    let row = admin.read("mail.message", message, &["attachment_ids"]);
    let attachments = row.await.unwrap()["attachment_ids"]
        .as_array()
        .map(Vec::len);
    assert_eq!(attachments, Some(CLIENTS * ROUNDS), "a link was lost");
    let domain = json!([[["sequence", "=", 900]]]);
    let left = admin.call("ir.mail_server", "search_count", domain).await;
    assert_eq!(left.unwrap(), CLIENTS * (ROUNDS - ROUNDS / 3));
}

#[tokio::test]
async fn eight_clients_at_once_lose_nothing_on_sqlite() {
    hammer(Database::Sqlite).await;
}

#[tokio::test]
async fn eight_clients_at_once_lose_nothing_on_postgresql() {
    hammer(Database::Postgres).await;
}
