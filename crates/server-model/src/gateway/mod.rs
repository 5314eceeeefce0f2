//! Incoming mail: fetch, recognise what is known, store and commit, and only then mark as seen.

pub mod fetch;
mod imap;
mod pop;
mod store;
