//! An error, told once: Odoo's name for it on the wire, and the whole of it in the log.

use std::borrow::Cow;
use std::error::Error as _;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use jsonrpc_core::{Error as JsonError, ErrorCode};
use server_model::error::Error as ModelError;
use uuid::Uuid;
use words::Lang;

use crate::error::Error;
use crate::page;

/// The fault codes of `/xmlrpc/2`.
mod xml_code {
    pub const APPLICATION: i32 = 1;
    pub const WARNING: i32 = 2;
    pub const ACCESS_DENIED: i32 = 3;
    pub const ACCESS: i32 = 4;
}

const USER_ERROR: &str = "odoo.exceptions.UserError";
const VALIDATION_ERROR: &str = "odoo.exceptions.ValidationError";
const ACCESS_ERROR: &str = "odoo.exceptions.AccessError";
const ACCESS_DENIED: &str = "odoo.exceptions.AccessDenied";
const MISSING_ERROR: &str = "odoo.exceptions.MissingError";

/// The span that a call's lines in the log stand in: the path, and what was called under it once
/// that is known (`call`).
pub fn span(path: &str) -> tracing::Span {
    tracing::info_span!("request", path, call = tracing::field::Empty)
}

/// What a client is told about an error. Never a backtrace: the correlation id leads from the
/// client's report to the line in the log that has the causes.
#[derive(Debug)]
pub struct Fault {
    code: i64,
    title: &'static str,
    name: Cow<'static, str>,
    message: String,
    correlation: Uuid,
}

impl Fault {
    /// Translates an error and writes it to the log, within the [`span`] of its call.
    pub fn tell(error: &Error) -> Fault {
        let (code, title) = match error {
            Error::SessionExpired => (100, "Odoo Session Expired"),
            Error::NoSuchModel(_) => (404, "404: Not Found"),
            _ => (200, "Odoo Server Error"),
        };
        let fault = Fault {
            code,
            title,
            name: exception_name(error),
            message: error.told(),
            correlation: Uuid::new_v4(),
        };
        fault.log(error);
        fault
    }

    fn log(&self, error: &Error) {
        let (correlation, name) = (self.correlation, self.name.as_ref());
        match error {
            Error::Model(
                ModelError::Conflict(_) | ModelError::Database(_) | ModelError::Internal(_),
            ) => {
                let causes = causes(error);
                tracing::error!(%correlation, name, error = %error, causes, "a call failed");
            }
            Error::Model(ModelError::AccessDenied(_)) => {
                tracing::info!(%correlation, name, "credentials were refused");
            }
            Error::Model(ModelError::Outside { code, .. }) => {
                tracing::info!(%correlation, name, code, error = %error, "a mail server or provider failed a call");
            }
            _ => tracing::debug!(%correlation, name, error = %error, "a call was refused"),
        }
    }

    /// The error object of a JSON answer.
    pub fn to_json(&self) -> JsonError {
        JsonError {
            code: ErrorCode::ServerError(self.code),
            message: self.title.to_owned(),
            data: Some(serde_json::json!({
                "name": self.name,
                "debug": self.debug_text(),
                "message": self.message,
                "arguments": [self.message],
                "context": {},
            })),
        }
    }

    /// The code and text of a fault of `/xmlrpc/2`.
    pub fn xml(&self) -> (i32, String) {
        let code = match self.name.as_ref() {
            USER_ERROR | VALIDATION_ERROR | MISSING_ERROR => xml_code::WARNING,
            ACCESS_DENIED => xml_code::ACCESS_DENIED,
            ACCESS_ERROR => xml_code::ACCESS,
            _ => return (xml_code::APPLICATION, self.debug_text()),
        };
        (code, self.message.clone())
    }

    /// The code and text of a fault of the old `/xmlrpc`, whose codes are texts.
    pub fn old_xml(&self) -> (String, String) {
        let warning = |kind: &str| {
            (
                format!("warning -- {kind}\n\n{}", self.message),
                String::new(),
            )
        };
        match self.name.as_ref() {
            USER_ERROR | VALIDATION_ERROR => warning("UserError"),
            MISSING_ERROR => warning("MissingError"),
            ACCESS_ERROR => warning("AccessError"),
            ACCESS_DENIED => ("AccessDenied".into(), self.message.clone()),
            _ => (self.message.clone(), self.debug_text()),
        }
    }

    /// The page for a person at a browser, who can do nothing about it but report it.
    pub fn page(&self, lang: Lang) -> HttpResponse {
        let correlation = self.correlation.to_string();
        page::page(
            lang,
            StatusCode::INTERNAL_SERVER_ERROR,
            &lang.say("wire-broken"),
            &[
                &self.message,
                &lang.with("wire-correlation", "correlation", correlation),
            ],
            Some(("/odoo", &lang.say("back-to-start"))),
        )
    }

    /// What a person copies into a report. Odoo puts a traceback here.
    fn debug_text(&self) -> String {
        format!(
            "{}: {}\ncorrelation {}",
            self.name, self.message, self.correlation
        )
    }
}

/// The Python name of the exception that Odoo would have raised.
fn exception_name(error: &Error) -> Cow<'static, str> {
    let name = match error {
        Error::Name(_) => "builtins.NameError",
        Error::UnknownDatabase(_) => "psycopg2.OperationalError",
        Error::NoSuchModel(_) => "werkzeug.exceptions.NotFound",
        Error::SessionExpired => "odoo.http.SessionExpiredException",
        Error::Model(error) => match error {
            ModelError::User(_) | ModelError::UnknownModel(_) | ModelError::Outside { .. } => {
                USER_ERROR
            }
            ModelError::Validation(_) => VALIDATION_ERROR,
            ModelError::Access(_) => ACCESS_ERROR,
            ModelError::AccessDenied(_) => ACCESS_DENIED,
            ModelError::Missing(_) => MISSING_ERROR,
            ModelError::Attribute(_) => "builtins.AttributeError",
            ModelError::Type(_) => "builtins.TypeError",
            ModelError::Value(_) => "builtins.ValueError",
            ModelError::Key(_) => "builtins.KeyError",
            ModelError::Index(_) => "builtins.IndexError",
            ModelError::Assertion(_) => "builtins.AssertionError",
            ModelError::Data { condition, .. } => {
                return format!("psycopg2.errors.{condition}").into();
            }
            ModelError::Delivery(_) => {
                "odoo.addons.base.models.ir_mail_server.MailDeliveryException"
            }
            ModelError::Disconnected(_) => "smtplib.SMTPServerDisconnected",
            ModelError::Conflict(_) => "psycopg2.errors.SerializationFailure",
            ModelError::Database(_) => "psycopg2.OperationalError",
            ModelError::Internal(_) => "builtins.RuntimeError",
        },
    };
    name.into()
}

/// What lies under an error, outermost first.
fn causes(error: &Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    causes.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;
    use words::Text;

    fn told(error: Error) -> Fault {
        Fault::tell(&error)
    }

    fn json(error: Error) -> Value {
        serde_json::to_value(told(error).to_json()).expect("an error object")
    }

    #[test]
    fn the_error_object_has_odoos_members_and_no_more() {
        let error = json(ModelError::User(Text::quote("Choose a server.")).into());
        assert_eq!(error["code"], 200);
        assert_eq!(error["message"], "Odoo Server Error");
        let data = error["data"].as_object().expect("data");
        assert_eq!(
            data.keys().collect::<Vec<_>>(),
            ["name", "debug", "message", "arguments", "context"]
        );
        assert_eq!(data["name"], "odoo.exceptions.UserError");
        assert_eq!(data["message"], "Choose a server.");
        assert_eq!(data["arguments"], serde_json::json!(["Choose a server."]));
        assert_eq!(data["context"], serde_json::json!({}));
    }

    #[test]
    fn debug_carries_a_correlation_id_of_its_own_each_time() {
        let id = |error: &Value| {
            let debug = error["data"]["debug"].as_str().expect("a text").to_owned();
            let id = debug
                .lines()
                .find_map(|line| line.strip_prefix("correlation "))
                .expect("a line with the id");
            Uuid::parse_str(id).expect("a UUID")
        };
        let one = json(Error::type_error("x"));
        let two = json(Error::type_error("x"));
        assert_ne!(id(&one), id(&two));
    }

    #[test]
    fn every_error_has_the_name_that_clients_look_for() {
        let text = || Text::quote("x");
        let words = || String::from("x");
        let cases: [(Error, &str); 21] = [
            (ModelError::User(text()).into(), "odoo.exceptions.UserError"),
            (
                ModelError::UnknownModel(text()).into(),
                "odoo.exceptions.UserError",
            ),
            (
                ModelError::Validation(text()).into(),
                "odoo.exceptions.ValidationError",
            ),
            (
                ModelError::Access(text()).into(),
                "odoo.exceptions.AccessError",
            ),
            (
                ModelError::AccessDenied(text()).into(),
                "odoo.exceptions.AccessDenied",
            ),
            (
                ModelError::Missing(text()).into(),
                "odoo.exceptions.MissingError",
            ),
            (
                ModelError::Attribute(text()).into(),
                "builtins.AttributeError",
            ),
            (ModelError::Type(text()).into(), "builtins.TypeError"),
            (ModelError::Value(text()).into(), "builtins.ValueError"),
            (ModelError::Key(text()).into(), "builtins.KeyError"),
            (ModelError::Index(text()).into(), "builtins.IndexError"),
            (
                ModelError::Assertion(text()).into(),
                "builtins.AssertionError",
            ),
            (
                ModelError::Delivery(text()).into(),
                "odoo.addons.base.models.ir_mail_server.MailDeliveryException",
            ),
            (
                ModelError::Disconnected(text()).into(),
                "smtplib.SMTPServerDisconnected",
            ),
            (
                ModelError::Internal(words()).into(),
                "builtins.RuntimeError",
            ),
            (
                ModelError::Data {
                    condition: "NumericValueOutOfRange".into(),
                    message: text(),
                }
                .into(),
                "psycopg2.errors.NumericValueOutOfRange",
            ),
            (Error::Name(words()), "builtins.NameError"),
            (Error::UnknownDatabase(words()), "psycopg2.OperationalError"),
            (Error::NoSuchModel(words()), "werkzeug.exceptions.NotFound"),
            (Error::SessionExpired, "odoo.http.SessionExpiredException"),
            (Error::denied("x"), "odoo.exceptions.AccessDenied"),
        ];
        for (error, name) in cases {
            let shown = format!("{error:?}");
            assert_eq!(json(error)["data"]["name"], name, "{shown}");
        }
    }

    #[test]
    fn an_ended_session_and_an_unknown_model_have_codes_of_their_own() {
        let error = json(Error::SessionExpired);
        assert_eq!(
            (&error["code"], &error["message"]),
            (&100.into(), &"Odoo Session Expired".into())
        );
        let error = json(Error::NoSuchModel("no.such.model".into()));
        assert_eq!(
            (&error["code"], &error["message"]),
            (&404.into(), &"404: Not Found".into())
        );
    }

    #[test]
    fn faults_of_both_xml_paths_have_odoos_codes() {
        let user = told(ModelError::Validation(Text::quote("Taken.")).into());
        assert_eq!(user.xml(), (2, "Taken.".into()));
        assert_eq!(
            user.old_xml(),
            ("warning -- UserError\n\nTaken.".into(), String::new())
        );
        let access = told(ModelError::Access(Text::quote("No.")).into());
        assert_eq!(access.xml(), (4, "No.".into()));
        assert_eq!(
            access.old_xml(),
            ("warning -- AccessError\n\nNo.".into(), String::new())
        );
        let denied = told(Error::denied("Wrong."));
        assert_eq!(denied.xml(), (3, "Wrong.".into()));
        assert_eq!(denied.old_xml(), ("AccessDenied".into(), "Wrong.".into()));
        let other = told(Error::type_error("Too many."));
        assert_eq!(other.xml().0, 1);
        assert!(other.xml().1.contains("Too many.") && other.xml().1.contains("correlation "));
        assert_eq!(other.old_xml().0, "Too many.");
    }
}
