//! The one public error: what went wrong, in the kinds that Odoo's clients tell apart.

use std::borrow::Cow;

/// What every fallible function here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call failed. The texts are meant for the person at the other end and never hold a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request makes no sense as the data stands (`odoo.exceptions.UserError`).
    #[error("{0}")]
    User(String),
    /// A constraint does not hold (`odoo.exceptions.ValidationError`).
    #[error("{0}")]
    Validation(String),
    /// A mail server or a provider refused or failed, for a reason that the [atlas](crate::atlas) knows
    /// (`odoo.exceptions.UserError`).
    #[error("{message}")]
    Outside {
        /// Its stable name there, which the message ends with.
        code: &'static str,
        /// What happened and what to do.
        message: String,
    },
    /// The caller may not do this (`odoo.exceptions.AccessError`).
    #[error("{0}")]
    Access(String),
    /// Login and password, key or session do not open anything (`odoo.exceptions.AccessDenied`).
    #[error("{0}")]
    AccessDenied(String),
    /// A record does not exist (any more) (`odoo.exceptions.MissingError`).
    #[error("{0}")]
    Missing(String),
    /// No model of that name.
    #[error("There is no model named {0:?}. Models are named like \"ir.mail_server\".")]
    UnknownModel(String),
    /// No such method on the model, or none that may be called from outside (`builtins.AttributeError`).
    #[error("{0}")]
    Attribute(String),
    /// An argument is missing, unknown or of the wrong type (`builtins.TypeError`).
    #[error("{0}")]
    Type(String),
    /// An argument has a value that cannot be used (`builtins.ValueError`).
    #[error("{0}")]
    Value(String),
    /// A name was looked up that is not there (`builtins.KeyError`).
    #[error("{0}")]
    Key(String),
    /// A list ends before the part that is looked for (`builtins.IndexError`).
    #[error("{0}")]
    Index(String),
    /// A precondition of the call does not hold (`builtins.AssertionError`).
    #[error("{0}")]
    Assertion(String),
    /// The database refused the data; `condition` is PostgreSQL's name for it, as in
    /// `NumericValueOutOfRange` (`psycopg2.errors.<condition>`).
    #[error("{message}")]
    Data {
        /// PostgreSQL's condition name in the spelling Odoo's clients see.
        condition: Cow<'static, str>,
        /// What was wrong, where, and what to do.
        message: String,
    },
    /// A mail could not be sent, and the caller wanted to be told so by an error
    /// (`odoo.addons.base.models.ir_mail_server.MailDeliveryException`).
    #[error("{0}")]
    Delivery(String),
    /// A mail server hung up in the middle of a mail (`smtplib.SMTPServerDisconnected`).
    #[error("{0}")]
    Disconnected(String),
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

fn of_database(error: &sea_orm::DbErr) -> &'static str {
    if crate::dialect::is_full(error) {
        "The database has no room left on its disk, so nothing was changed. Tell an administrator, and try again once there is room."
    } else if crate::dialect::is_outage(error) {
        "The database cannot be used at the moment. Please try again in a few seconds."
    } else {
        "The database could not carry out the request. The log of the server tells more."
    }
}

impl Error {
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
