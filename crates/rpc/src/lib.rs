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
pub mod routes;
mod session;
mod session_info;
mod strict;
mod wire;
mod xmlrpc;

pub use routes::configure;
pub use wire::Wire;

/// What the fuzz targets reach for; there only when they are built.
#[cfg(fuzzing)]
pub mod fuzzing {
    use server_model::value::{AnyValue, Map};

    pub use crate::wire::parse as json;

    /// The parameters of a JSON call, where the text is one.
    #[must_use]
    pub fn json_params(text: &str) -> Option<Map> {
        crate::envelope::Envelope::parse(text).ok()?.params.ok()
    }

    /// The method and the arguments of an XML-RPC call, where the text is one.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn xmlrpc_call(text: &str) -> Result<(String, Vec<AnyValue>), String> {
        crate::xmlrpc::decode::call(text)
    }

    /// The answer to an XML-RPC call.
    ///
    /// # Errors
    /// What cannot be written so.
    pub fn xmlrpc_response(result: &AnyValue) -> Result<String, String> {
        crate::xmlrpc::encode::response(result).map_err(|error| error.to_string())
    }
}
