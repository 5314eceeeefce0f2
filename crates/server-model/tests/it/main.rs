//! The ORM as clients reach it, on a migrated database: in memory by SQLite, and on a server of
//! PostgreSQL where `POSTERN_TEST_PG` names one on which databases may be made.

mod arriving;
mod conversations;
mod domains;
mod doors;
mod fetching;
mod moments;
mod people;
mod queue;
mod reach;
mod records;
mod refusals;
mod rights;
mod senders;
mod support;
mod tables;
mod told;
mod trail;
mod vault;
