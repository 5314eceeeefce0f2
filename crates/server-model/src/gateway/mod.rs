//! Incoming mail: fetched from a mailbox or handed in over RPC, recognised, routed, and posted.
//!
//! `process` is the way in. It reads the message, leaves out what is known already (`reply`), takes
//! reports of failed deliveries (`bounce`), finds out where the message belongs (`route`, with
//! `alias` and `reply`), refuses what must not get in with an answer to the sender (`answer`,
//! `loops`), and posts the rest (`post`). `fetch` is the journey from a mailbox to here and back.

mod alias;
mod answer;
mod bounce;
pub mod fetch;
mod imap;
pub mod literal;
mod loops;
mod people;
mod pop;
mod post;
pub mod process;
mod reply;
mod route;
mod store;
