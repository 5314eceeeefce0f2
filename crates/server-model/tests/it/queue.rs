//! The queue of outgoing mails, worked on by several processes at once.

use std::time::Duration;

use sea_orm::{ConnectionTrait, DbBackend};
use server_model::outbox;
use tokio_util::sync::CancellationToken;

use crate::support::{Client, on_each_database};

const PROCESSES: usize = 4;
const MAILS: i64 = 3000;

/// Mails that a process was handing over when it died, as the database holds them afterwards.
async fn die_handing_over(client: &Client, mails: i64) {
    let connection = client.caller().backend().database().connection();
    let numbers = match connection.get_database_backend() {
        DbBackend::Postgres => format!("SELECT generate_series(1, {mails}) AS n"),
        _ => format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {mails}) SELECT n FROM s"
        ),
    };
    for statement in [
        format!(
            "INSERT INTO mail_message (subject, message_type, email_from, message_id, body, date, create_date, write_date) \
             SELECT 'Hello', 'email_outgoing', 'sender@example.test', '<dead-' || n || '@example.test>', '<p>x</p>', '2026-01-01', '2026-01-01', '2026-01-01' FROM ({numbers}) AS numbers"
        ),
        "INSERT INTO mail_mail (mail_message_id, state, email_to, body_html, create_date, write_date) \
         SELECT id, 'outgoing', 'kim@example.test', '<p>x</p>', '2026-01-01', '2026-01-01' FROM mail_message WHERE message_id LIKE '<dead-%'"
            .into(),
        "INSERT INTO postern_outbox (mail_id, claimed_by, lease_until, handing) \
         SELECT id, 'the dead', '2026-01-01', 1 FROM mail_mail"
            .into(),
    ] {
        connection
            .execute_unprepared(&statement)
            .await
            .expect("the mails are there");
    }
}

/// One process may find out what became of a mail while another one is just claiming it: the claim must
/// not be made on what was known before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_dead_process_was_handing_over_is_left_to_a_person_whoever_finds_it() {
    on_each_database(async |client| {
        die_handing_over(&client, MAILS).await;
        let connection = client.caller().backend().database().connection();
        let processes = match connection.get_database_backend() {
            DbBackend::Postgres => PROCESSES,
            _ => 1,
        };
        let stop = CancellationToken::new();
        let mut queues = tokio::task::JoinSet::new();
        for nth in 0..processes {
            let backend = match nth {
                0 => client.caller().backend().clone(),
                _ => client.beside().await,
            };
            queues.spawn(outbox::run(backend, stop.clone()));
        }
        let count = async |condition: &str| {
            let sql = format!(
                "SELECT CAST(COUNT(*) AS bigint) FROM mail_mail m LEFT JOIN postern_outbox o ON o.mail_id = m.id WHERE {condition}"
            );
            let statement = sea_orm::Statement::from_string(connection.get_database_backend(), sql);
            let row = connection.query_one_raw(statement).await.expect("counts");
            row.expect("a row").try_get_by_index::<i64>(0).expect("a number")
        };
        for _ in 0..600 {
            if count("m.state = 'outgoing'").await == 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        stop.cancel();
        queues.join_all().await;
        let left = "m.state = 'exception' AND o.doubt_since IS NOT NULL AND o.next_attempt IS NULL \
                    AND o.attempts = 1 AND o.claimed_by IS NULL AND m.failure_reason LIKE '%may have accepted%'";
        assert_eq!(count(left).await, MAILS);
    })
    .await;
}
