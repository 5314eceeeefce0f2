//! What happens to a program that runs for years: its old databases, its backups, the failures of its machine, and the
//! days on which everybody calls at once. Each test prints its figure.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

mod backup;
mod clock;
mod crowd;
mod database_restarts;
mod full_disk;
mod names;
mod place;
mod pooler;
mod proxies;
mod slow_clients;
mod soak;
mod upgrade;
