//! The one public error: what went wrong, in the kinds that Odoo's clients tell apart.

use std::borrow::Cow;

use words::{Lang, Text, say};

/// What every fallible function here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. The texts are meant for the person at the other end and never hold a secret.
///
/// [`Display`](std::fmt::Display) is English, for the log; [`told`](Error::told) is in the language of whoever called.
/// The names by which clients tell errors apart are the same in every language.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request makes no sense as the data stands (`odoo.exceptions.UserError`).
    #[error("{0}")]
    User(Text),
    /// A constraint does not hold (`odoo.exceptions.ValidationError`).
    #[error("{0}")]
    Validation(Text),
    /// A mail server or a provider refused or failed, for a reason that the [atlas](crate::atlas) knows
    /// (`odoo.exceptions.UserError`).
    #[error("{message}")]
    Outside {
        /// Its stable name there, which the message ends with.
        code: &'static str,
        /// What happened and what to do.
        message: Text,
    },
    /// The caller may not do this (`odoo.exceptions.AccessError`).
    #[error("{0}")]
    Access(Text),
    /// Login and password, key or session do not open anything (`odoo.exceptions.AccessDenied`).
    #[error("{0}")]
    AccessDenied(Text),
    /// A record does not exist (any more) (`odoo.exceptions.MissingError`).
    #[error("{0}")]
    Missing(Text),
    /// No model of that name.
    #[error("{0}")]
    UnknownModel(Text),
    /// No such method on the model, or none that may be called from outside (`builtins.AttributeError`).
    #[error("{0}")]
    Attribute(Text),
    /// An argument is missing, unknown or of the wrong type (`builtins.TypeError`).
    #[error("{0}")]
    Type(Text),
    /// An argument has a value that cannot be used (`builtins.ValueError`).
    #[error("{0}")]
    Value(Text),
    /// A name was looked up that is not there (`builtins.KeyError`).
    #[error("{0}")]
    Key(Text),
    /// A list ends before the part that is looked for (`builtins.IndexError`).
    #[error("{0}")]
    Index(Text),
    /// A precondition of the call does not hold (`builtins.AssertionError`).
    #[error("{0}")]
    Assertion(Text),
    /// The database refused the data; `condition` is PostgreSQL's name for it, as in
    /// `NumericValueOutOfRange` (`psycopg2.errors.<condition>`).
    #[error("{message}")]
    Data {
        /// PostgreSQL's condition name in the spelling Odoo's clients see.
        condition: Cow<'static, str>,
        /// What was wrong, where, and what to do.
        message: Text,
    },
    /// A mail could not be sent, and the caller wanted to be told so by an error
    /// (`odoo.addons.base.models.ir_mail_server.MailDeliveryException`).
    #[error("{0}")]
    Delivery(Text),
    /// A mail server hung up in the middle of a mail (`smtplib.SMTPServerDisconnected`).
    #[error("{0}")]
    Disconnected(Text),
    /// Another transaction won; the whole call may be tried again.
    #[error("Another change to the same records was committed first. Please try again.")]
    Conflict(#[source] sea_orm::DbErr),
    /// The database failed for a reason of its own: it is out for the moment, or refused a statement.
    #[error("{}", of_database(.0))]
    Database(#[source] sea_orm::DbErr),
    /// Something inside does not fit together: a defect, never the caller's fault.
    #[error("{0}")]
    Internal(String),
}

fn of_database(error: &sea_orm::DbErr) -> Text {
    if crate::dialect::is_full(error) {
        say!("error-database-full")
    } else if crate::dialect::is_outage(error) {
        say!("error-database-out")
    } else {
        say!("error-database")
    }
}

impl Error {
    /// There is no model of this name.
    pub fn unknown_model(name: &str) -> Error {
        Error::UnknownModel(say!("error-unknown-model", ?name))
    }

    /// The same error, told to somebody who reads this language.
    #[must_use]
    pub fn for_reader(self, lang: Lang) -> Error {
        match self {
            Error::User(text) => Error::User(text.for_reader(lang)),
            Error::Validation(text) => Error::Validation(text.for_reader(lang)),
            Error::Outside { code, message } => Error::Outside {
                code,
                message: message.for_reader(lang),
            },
            Error::Access(text) => Error::Access(text.for_reader(lang)),
            Error::AccessDenied(text) => Error::AccessDenied(text.for_reader(lang)),
            Error::Missing(text) => Error::Missing(text.for_reader(lang)),
            Error::UnknownModel(text) => Error::UnknownModel(text.for_reader(lang)),
            Error::Attribute(text) => Error::Attribute(text.for_reader(lang)),
            Error::Type(text) => Error::Type(text.for_reader(lang)),
            Error::Value(text) => Error::Value(text.for_reader(lang)),
            Error::Key(text) => Error::Key(text.for_reader(lang)),
            Error::Index(text) => Error::Index(text.for_reader(lang)),
            Error::Assertion(text) => Error::Assertion(text.for_reader(lang)),
            Error::Data { condition, message } => Error::Data {
                condition,
                message: message.for_reader(lang),
            },
            Error::Delivery(text) => Error::Delivery(text.for_reader(lang)),
            Error::Disconnected(text) => Error::Disconnected(text.for_reader(lang)),
            other => other,
        }
    }

    /// What the caller is told, in the language of whoever reads it.
    pub fn told(&self) -> String {
        self.text().told()
    }

    /// What the caller is told, as far as it is put into words for a person.
    pub fn text(&self) -> Text {
        match self {
            Error::User(text)
            | Error::Validation(text)
            | Error::Outside { message: text, .. }
            | Error::Access(text)
            | Error::AccessDenied(text)
            | Error::Missing(text)
            | Error::UnknownModel(text)
            | Error::Attribute(text)
            | Error::Type(text)
            | Error::Value(text)
            | Error::Key(text)
            | Error::Index(text)
            | Error::Assertion(text)
            | Error::Data { message: text, .. }
            | Error::Delivery(text)
            | Error::Disconnected(text) => text.clone(),
            Error::Conflict(_) => say!("error-conflict"),
            Error::Database(error) => of_database(error),
            Error::Internal(words) => say!("error-internal", words),
        }
    }

    /// The name in the atlas of what failed outside of this program.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Error::Outside { code, .. } => Some(code),
            _ => None,
        }
    }

    /// True when trying the whole transaction again may succeed.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Error::Conflict(_))
    }

    /// True when the failure is the database's and says nothing about the request: the same may
    /// succeed later. A statement that the database refused is none.
    pub fn is_outage(&self) -> bool {
        match self {
            Error::Conflict(_) => true,
            Error::Database(error) => crate::dialect::is_outage(error),
            _ => false,
        }
    }
}
