//! Incoming mail: fetched from a mailbox or handed in over RPC, recognised, routed, and posted.
//!
//! `process` is the way in. It reads the message, leaves out what is known already (`reply`), takes
//! reports of failed deliveries (`bounce`), finds out where the message belongs (`route`, with
//! `alias` and `reply`), refuses what must not get in with an answer to the sender (`answer`,
//! `loops`), and posts the rest (`post`). `fetch` is the journey from a mailbox to here and back: it
//! takes the mailbox for this process (`lease`), opens a `session`, reads it (`imap`, `pop`), has the
//! messages stored, many at once (`batch`, with what is `known` about all of them) or one by one
//! (`store`), and remembers that (`journal`). `watch` waits for new mail in all mailboxes. What cannot
//! be fetched or stored waits in the `quarantine`; what is for another program waits to be handed on
//! (`handoff`).

mod alias;
mod answer;
mod batch;
mod bounce;
pub mod fetch;
pub mod handoff;
mod imap;
mod journal;
mod known;
mod lease;
pub mod literal;
mod loops;
mod lots;
pub mod mailgate;
mod people;
mod pop;
mod post;
pub mod process;
pub mod quarantine;
mod received;
mod reply;
mod route;
pub mod session;
mod store;
pub mod watch;
