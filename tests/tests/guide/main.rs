//! The guide, from an empty database to mail sent and received, with nothing but HTTP calls and redirects.
//!
//! Both databases, real Postfix and Dovecot, the double of Microsoft's endpoints; delivered mail is read by Python's
//! imaplib and email package, incoming mail is written by Python's smtplib.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

mod letters;
mod tokens;
mod walk;

use tests::lab::{Database, Described};
use tests::postern::{Options, Postern};
use tests::rpc_client::Rpc;
use tests::steps::{self, Application};

/// A Postern with the application's credentials entered, an administrator and a mailbox of its own.
struct Tour {
    lab: Described,
    postern: Postern,
    admin: Rpc,
    mailbox: String,
}

impl Tour {
    /// `None` when this run leaves the database out.
    async fn start(database: Database) -> Option<Self> {
        let lab = Described::from_env();
        if !lab.databases.contains(&database) {
            return None;
        }
        let postern = Postern::start(&lab, &Options::on(database)).unwrap();
        let admin = postern.admin().await.unwrap();
        let mailbox = steps::new_account(&lab, "guide").await.unwrap();
        steps::register(&lab, &postern).await.unwrap();
        Some(Self {
            lab,
            postern,
            admin,
            mailbox,
        })
    }

    /// The outgoing server, connected.
    async fn outgoing(&self) -> i64 {
        steps::enter_application(&self.admin, &self.postern, Application::of(&self.lab))
            .await
            .unwrap();
        let mail = (self.lab.host.as_str(), &self.lab.mail);
        let server = steps::outgoing_server(&self.admin, mail, &self.mailbox)
            .await
            .unwrap();
        let page = steps::connect(&self.admin, "ir.mail_server", server, &self.mailbox)
            .await
            .unwrap();
        assert_eq!(page.status, 303, "{}", page.body);
        server
    }
}

#[tokio::test]
async fn the_guide_leads_from_an_empty_database_to_mail_sent_and_received_on_sqlite() {
    walk::walk(Database::Sqlite).await;
}

#[tokio::test]
async fn the_guide_leads_from_an_empty_database_to_mail_sent_and_received_on_postgresql() {
    walk::walk(Database::Postgres).await;
}

#[tokio::test]
async fn after_the_guide_tokens_are_renewed_kept_and_explained_on_sqlite() {
    tokens::live(Database::Sqlite).await;
}

#[tokio::test]
async fn after_the_guide_tokens_are_renewed_kept_and_explained_on_postgresql() {
    tokens::live(Database::Postgres).await;
}
