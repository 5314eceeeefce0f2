//! Outgoing mails: claim and commit, choose and compose, send, settle and commit.
//!
//! No transaction is open while a server is waited for. Right before a letter's text is handed over
//! that is written down; a mail found in that state after a crash is not sent again by itself. What
//! fails for now is tried again later, and every server gets no more than it takes.

mod accepted;
pub(crate) mod budget;
mod changed;
pub mod choose;
mod claim;
mod deliver;
mod dispatch;
mod engine;
mod history;
mod journal;
mod lane;
pub mod letters;
pub mod own_server;
mod proof;
mod queue;
pub mod refusal;
mod retry;
mod send;
pub mod sender;
mod settings;
mod settle;
mod signal;
pub mod smtp;
mod verdict;

pub use changed::server_changed;
pub(crate) use claim::forget_plans;
pub(crate) use engine::Engine;
pub use queue::run;
pub use send::{process_email_queue, send};
pub(crate) use settle::Fate;
pub(crate) use signal::Signal;
