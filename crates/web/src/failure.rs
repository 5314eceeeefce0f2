//! When a page cannot be shown: what the person reads instead.

use std::error::Error as _;
use std::fmt;

use actix_web::dev::ServiceResponse;
use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpResponse, ResponseError};
use askama::Template;
use server_model::error::Error;

use crate::lang::{self, Lang};
use crate::redirect;

/// Why there is no page.
#[derive(Debug)]
pub enum Failure {
    /// Nobody is signed in: go to this address first.
    SignIn(String),
    /// The form did not come from a page of ours, or from one that was open too long.
    Forged,
    /// No page at this path.
    NoPage(String),
    /// No record of this number.
    NoRecord(String),
    /// What was sent cannot be read, and why.
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
struct FailurePage {
    lang: Lang,
    title: String,
    message: String,
}

impl Failure {
    /// The status that the answer has.
    pub fn status(&self) -> StatusCode {
        match self {
            Failure::SignIn(_) => StatusCode::SEE_OTHER,
            Failure::Forged | Failure::Unreadable(_) => StatusCode::BAD_REQUEST,
            Failure::NoPage(_) | Failure::NoRecord(_) => StatusCode::NOT_FOUND,
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

    fn title(&self, lang: Lang) -> String {
        lang.say(match self.status() {
            StatusCode::FORBIDDEN => "failure-forbidden",
            StatusCode::NOT_FOUND => "failure-missing",
            StatusCode::INTERNAL_SERVER_ERROR => "failure-broken",
            StatusCode::SERVICE_UNAVAILABLE => "failure-busy",
            _ => "failure-impossible",
        })
    }

    fn message(&self, lang: Lang) -> String {
        match self {
            Failure::SignIn(_) => lang.say("sign-in-first"),
            Failure::Forged => lang.say("form-forged"),
            Failure::NoPage(path) => lang.with("page-missing", "path", path),
            Failure::NoRecord(id) => lang.with("record-missing", "id", id),
            Failure::Unreadable(why) => lang.with("form-unreadable", "why", why),
            Failure::Model(error) => error.text().in_lang(lang),
            Failure::Template(_) => lang.say("page-broken"),
        }
    }

    fn page(&self, lang: Lang) -> HttpResponse {
        let page = FailurePage {
            lang,
            title: self.title(lang),
            message: self.message(lang),
        };
        HttpResponse::build(self.status())
            .content_type("text/html; charset=utf-8")
            .body(page.render().unwrap_or(page.message))
    }
}

/// The page in the language of whoever asked, for an answer that is a failure.
pub fn page_of<B>(response: &ServiceResponse<B>) -> Option<HttpResponse> {
    let failure = response.response().error()?.as_error::<Failure>()?;
    if matches!(failure, Failure::SignIn(_)) {
        return None;
    }
    let request = response.request();
    let met = request.extensions().get::<Lang>().copied();
    Some(failure.page(met.unwrap_or_else(|| lang::of_browser(request))))
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(Lang::English))
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        self.status()
    }

    /// In English, as nothing is known of the reader here; see [`page_of`].
    fn error_response(&self) -> HttpResponse {
        if let Failure::SignIn(location) = self {
            return redirect::see_other(location);
        }
        if self.status().is_server_error() {
            self.log();
        }
        self.page(Lang::English)
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
