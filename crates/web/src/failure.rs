//! When a page cannot be shown: what the person reads instead.

use std::error::Error as _;
use std::fmt;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use askama::Template;
use server_model::error::Error;

use crate::redirect;

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// Nobody is signed in: go to this address first.
    SignIn(String),
    /// The form did not come from a page of ours, or from one that was open too long.
    Forged,
    /// No such page or record.
    NotFound(String),
    /// What was sent cannot be read.
    Unreadable(String),
    /// The model refused, or something broke.
    Model(Error),
    /// A template could not be filled.
    Template(askama::Error),
}

/// What handlers return.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    title: &'a str,
    message: &'a str,
}

impl Failure {
    fn status(&self) -> StatusCode {
        match self {
            Failure::SignIn(_) => StatusCode::SEE_OTHER,
            Failure::Forged | Failure::Unreadable(_) => StatusCode::BAD_REQUEST,
            Failure::NotFound(_) => StatusCode::NOT_FOUND,
            Failure::Template(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Failure::Model(error) => match error {
                Error::Access(_) | Error::AccessDenied(_) => StatusCode::FORBIDDEN,
                Error::Missing(_) | Error::UnknownModel(_) => StatusCode::NOT_FOUND,
                Error::Conflict(_) => StatusCode::SERVICE_UNAVAILABLE,
                Error::Database(_) | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
                _ => StatusCode::UNPROCESSABLE_ENTITY,
            },
        }
    }

    fn log(&self) {
        match self {
            Failure::Template(error) => tracing::error!(%error, "a page could not be put together"),
            Failure::Model(error) => {
                tracing::error!(%error, cause = ?error.source(), "a page could not be shown");
            }
            _ => {}
        }
    }

    fn title(&self) -> &'static str {
        match self.status() {
            StatusCode::FORBIDDEN => "You may not see or do this",
            StatusCode::NOT_FOUND => "This is not here",
            StatusCode::INTERNAL_SERVER_ERROR => "Something broke on our side",
            StatusCode::SERVICE_UNAVAILABLE => "Too busy just now",
            _ => "This cannot be done",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::SignIn(_) => f.write_str("Sign in first."),
            Failure::Forged => f.write_str(
                "The page you came from was open for too long, or you signed in again in the meantime. Nothing was changed. Go back, reload the page and try once more.",
            ),
            Failure::NotFound(message) | Failure::Unreadable(message) => f.write_str(message),
            Failure::Model(error) => error.fmt(f),
            Failure::Template(_) => {
                f.write_str("The page could not be put together. The log of the server tells more.")
            }
        }
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    fn error_response(&self) -> HttpResponse {
        if let Failure::SignIn(location) = self {
            return redirect::see_other(location);
        }
        let status = self.status();
        if status.is_server_error() {
            self.log();
        }
        let page = FailurePage {
            title: self.title(),
            message: &self.to_string(),
        };
        HttpResponse::build(status)
            .content_type("text/html; charset=utf-8")
            .body(page.render().unwrap_or_else(|_| page.title.to_owned()))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Model(error)
    }
}

impl From<askama::Error> for Failure {
    fn from(error: askama::Error) -> Failure {
        Failure::Template(error)
    }
}

/// The sentence to show above a form when the model refused what was typed; other errors have a
/// page of their own.
///
/// # Errors
/// The failure to show instead of the form.
pub fn for_form(error: Error) -> Result<String> {
    match Failure::Model(error) {
        failure if failure.status() == StatusCode::UNPROCESSABLE_ENTITY => Ok(failure.to_string()),
        failure => Err(failure),
    }
}
