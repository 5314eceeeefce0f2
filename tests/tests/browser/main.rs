//! The pages in a real browser: the guide from an empty database in each language, and what must not happen on the way.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

mod look;
mod quarantine;
mod safety;
mod surfer;
mod walk;
