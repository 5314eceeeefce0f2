//! The double of Microsoft's endpoints, met as an application meets it: over HTTP.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on shall say where"
)]

mod faults;
mod harness;
mod redemption;
mod refresh;
mod sign_in;
