//! The wire: JSON-RPC, XML-RPC and the web session routes, in the shapes that Odoo's clients know.
//!
//! A call comes in through [`routes`], is read by `envelope` or `xmlrpc`, gets its identity in
//! `caller`, is sent on by `dispatch` or `dataset` to [`server_model::call::call_kw`], and goes
//! back through `wire` and `fault`. Nothing here knows a model, and nothing behind knows JSON.
//!
//! The application data that [`configure`] relies on: `web::Data<server_model::backend::Backend>`
//! (made with `web::Data::from(backend)`) and `web::Data<Settings>`.

mod caller;
mod confirm;
mod content;
mod dataset;
mod dispatch;
mod envelope;
mod error;
mod fault;
mod health;
mod json2;
mod page;
mod reached;
pub mod routes;
mod session;
mod session_info;
mod strict;
mod wire;
mod xmlrpc;

pub use reached::Settings;
pub use routes::configure;
pub use wire::Wire;
