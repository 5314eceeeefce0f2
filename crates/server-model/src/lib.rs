//! What exists, and how it behaves: the models, the ORM under them, the outbox and the gateway.
//!
//! The only crate with SQL. A call comes in through [`call::call_kw`]; everything below works on an
//! [`env::Env`], which is a caller inside a transaction.

mod alerts;
pub mod args;
pub mod atlas;
pub mod audit;
pub mod backend;
pub mod call;
mod cooldown;
pub mod credentials;
pub mod database;
mod dialect;
pub mod doctor;
pub mod domain;
pub mod env;
pub mod error;
pub mod files;
mod gateway;
pub mod home;
pub mod jobs;
mod mail_tasks;
pub mod metrics;
mod mirror;
mod models;
pub mod oauth_flow;
mod orm;
pub mod outbox;
mod prepared;
pub mod registry;
pub mod retention;
mod retry;
pub mod schema;
pub mod sessions;
mod sql;
pub mod start;
mod thread;
pub mod unverified;
pub mod value;
pub mod vault;

pub use gateway::mailgate;
pub use mail::address::email_normalize;
pub use models::res_users::User;

/// System parameters, for what is not a call of a client.
pub mod parameters {
    pub use crate::models::ir_config_parameter::{get, set};
}
