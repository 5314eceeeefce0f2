//! Postern at work in the database of an Odoo that it was adopted into: who may come in, what goes out and comes in,
//! what Odoo is told and what it finds afterwards.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

mod incoming;
mod lasting;
mod outgoing;
mod people;
mod records;
mod world;
