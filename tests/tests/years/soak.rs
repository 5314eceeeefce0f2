//! Many thousand calls of all kinds, without an error and without growing; `cargo xtask bench soak` makes a million.

use tests::lab::{Database, Described};
use tests::postern::{ADMIN_PASSWORD, Options, Postern};
use tests::soak::{self, Soak};

/// Names how many calls are made.
const CALLS_VARIABLE: &str = "POSTERN_SOAK_CALLS";
const CALLS: u64 = 2_000;
const CLIENTS: u64 = 8;
/// By how much the memory may grow after the first fifth, in KiB: what an allocator takes and gives back.
const GROWTH: u64 = 24 * 1024;

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_calls_of_all_kinds_end_as_they_should_and_leave_nothing_in_memory() {
    let lab = Described::from_env();
    let calls = std::env::var(CALLS_VARIABLE).map_or(CALLS, |text| text.parse().unwrap());
    let database = lab.databases.last().copied().unwrap_or(Database::Postgres);
    let postern = Postern::start(&lab, &Options::on(database).with_jobs()).unwrap();
    let soak = Soak {
        base_url: postern.base_url(),
        database: postern.database_name().to_owned(),
        uid: postern.admin().await.unwrap().uid(),
        password: ADMIN_PASSWORD.to_owned(),
        process: postern.process(),
        calls,
        clients: CLIENTS,
    };
    let parts = soak
        .run(|part| println!("{database}: {}", part.line()))
        .await
        .unwrap();
    let last = parts.last().unwrap();
    assert_eq!(last.errors, 0, "calls ended otherwise than they should");
    let growth = soak::growth(&parts);
    assert!(growth < GROWTH, "it grew by {growth} KiB");
    assert!(!postern.log().contains("panicked"));
}
