//! The suite's library: the lab of real servers and the double of the identity provider.

pub mod identity;
pub mod lab;
pub mod person;
