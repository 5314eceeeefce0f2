//! Why a call failed, on the way to `fault`.

use server_model::error::Error as ModelError;
use words::{Lang, Text};

/// What every fallible step of a call returns.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call failed: what the models say, and what only the wire knows.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A model, the ORM or the database refused.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A service has no such method (`builtins.NameError`).
    #[error("{0}")]
    Name(String),
    /// Another database than the one served was asked for (`psycopg2.OperationalError`).
    #[error("There is no database named {0:?} here. The service \"db\" lists those there are.")]
    UnknownDatabase(String),
    /// A model that does not exist was called in a web session, which Odoo answers like a page
    /// that does not exist (`werkzeug.exceptions.NotFound`).
    #[error("There is no model named {0:?}. Models are named like \"ir.mail_server\".")]
    NoSuchModel(String),
    /// The route needs a web session, and there is none (any more).
    #[error("The session has ended. Please sign in again.")]
    SessionExpired,
}

// What cannot be read as a call comes from nobody in particular, so that these four are told in English.
impl Error {
    /// An argument is missing, surplus or of the wrong type.
    pub fn type_error(message: impl Into<String>) -> Error {
        ModelError::Type(Text::quote(message)).into()
    }

    /// An argument has the right type and an unusable value.
    pub fn value_error(message: impl Into<String>) -> Error {
        ModelError::Value(Text::quote(message)).into()
    }

    /// A name was looked up that is not there.
    pub fn key_error(message: impl Into<String>) -> Error {
        ModelError::Key(Text::quote(message)).into()
    }

    /// A precondition of the call does not hold.
    pub fn assertion(message: impl Into<String>) -> Error {
        ModelError::Assertion(Text::quote(message)).into()
    }

    /// The credentials open nothing.
    pub fn denied(message: impl Into<String>) -> Error {
        ModelError::AccessDenied(Text::quote(message)).into()
    }

    /// What the caller is told, in the caller's language where it is for a person.
    pub fn told(&self) -> String {
        match self {
            Error::Model(error) => error.told(),
            other => other.to_string(),
        }
    }

    /// The same error, told to somebody who reads this language.
    #[must_use]
    pub fn for_reader(self, lang: Lang) -> Error {
        match self {
            Error::Model(error) => Error::Model(error.for_reader(lang)),
            other => other,
        }
    }

    /// True for errors that Odoo raises before it has read the request, whose answers therefore
    /// carry no request id.
    pub fn precedes_request(&self) -> bool {
        matches!(self, Error::SessionExpired | Error::NoSuchModel(_))
    }
}
