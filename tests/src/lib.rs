//! The suite's library: the lab of real servers, the double of the identity provider, and a Postern under test.

pub mod browser;
pub mod identity;
pub mod installed;
pub mod lab;
pub mod odoo;
pub mod person;
pub mod postern;
pub mod receiver;
pub mod rpc_client;
pub mod sink;
pub mod soak;
pub mod steps;
pub mod unruly;
