//! Every kind of application and account: known by a certificate, using a mailbox in its own name, connected with the
//! wrong account, and connected by a user who sees no settings; and the warning before a secret ends.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

/// Runs a test on both databases.
macro_rules! on_both {
    ($story:ident, $on_sqlite:ident, $on_postgresql:ident) => {
        #[tokio::test]
        async fn $on_sqlite() {
            $story(Database::Sqlite).await;
        }

        #[tokio::test]
        async fn $on_postgresql() {
            $story(Database::Postgres).await;
        }
    };
}

mod applications;
mod expiry;
mod people;
mod world;
