//! The migrated schema and first records, held against what an Odoo 18 database was seen to have.
//!
//! SQLite is always tested, in memory. PostgreSQL is tested when `POSTERN_TEST_PG` names a server
//! on which the tests may create databases, as `postgres://user@host:port/postgres`.

mod checks;
mod database;
mod fixture;
mod moving_in;
mod odoo_database;
mod postgres;
mod records;
mod sqlite;
