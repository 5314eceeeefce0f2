//! Who are you, and may we act for you: passwords, sessions, form tokens and OAuth; and
//! handing mail to programs that know us by a key.
//!
//! Nothing here knows a database, a web framework, a file or an environment variable: values
//! come in as arguments and go out as return values. Times are seconds since the Unix epoch.

pub mod csrf;
mod error;
pub mod hex;
mod http;
mod mac;
pub mod oauth;
pub mod password;
pub mod pkce;
pub mod remembered;
pub mod remote;
pub mod session;
pub mod vault;

pub use error::Error;
pub use mac::equal;
