//! Incoming mail: fetched from a mailbox or handed in over RPC, recognised, routed, and posted.
//!
//! `process` is the way in. It reads the message, leaves out what is known already (`reply`), takes
//! reports of failed deliveries (`bounce`), finds out where the message belongs (`route`, with
//! `alias` and `reply`), refuses what must not get in with an answer to the sender (`answer`,
//! `loops`), and posts the rest (`post`). `fetch` is the journey from a mailbox to here and back: it
//! opens a `session`, reads it (`imap`, `pop`), has each message stored (`store`) and remembers that
//! (`journal`). What cannot be fetched or stored waits in the `quarantine`.

mod alias;
mod answer;
mod bounce;
pub mod fetch;
mod imap;
mod journal;
pub mod literal;
mod loops;
mod people;
mod pop;
mod post;
pub mod process;
pub mod quarantine;
mod reply;
mod route;
pub mod session;
mod store;
