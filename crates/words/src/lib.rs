//! What people are told, in their language: the languages, their texts, and what is to be said kept apart from the
//! language it is said in.
//!
//! The texts stand in `locales/<language>/*.ftl`, in Fluent's syntax, and are part of the binary. Code names a message
//! and gives its arguments ([`say!`]); it is put into words where it leaves the program.

pub mod atlas;
pub mod lang;
pub mod text;

pub use lang::Lang;
pub use text::{Arg, Text};
