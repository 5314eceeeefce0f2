//! `/json/2/<model>/<method>`: the interface that Odoo 19 brought for programs.
//!
//! A bearer API key says who calls, a JSON object holds the arguments by name, with `ids` for the
//! records and `context` beside them; the answer is the bare result. What goes wrong has a real
//! HTTP status and a JSON object that names the exception as Odoo does.

mod openapi;

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::SecretString;
use serde::Serialize;
use server_model::backend::Backend;
use server_model::call::call_kw;
use server_model::env::Caller;
use server_model::error::Error as ModelError;
use server_model::schema::Method;
use server_model::value::{AnyValue, Key, Map};
use server_model::{credentials, registry};
use tracing::Instrument;

use crate::caller;
use crate::envelope::{BODY_LIMIT, is_json, lossy};
use crate::error::{Error, Result};
use crate::fault::{Fault, span};
use crate::wire::{self, Wire};

/// The header in which a client may name the database.
const DATABASE: &str = "X-Odoo-Database";

/// Calls a method.
pub async fn call(
    request: HttpRequest,
    payload: web::Payload,
    backend: web::Data<Backend>,
) -> HttpResponse {
    let span = span(request.path());
    let outcome = carry_out(&request, payload, &backend)
        .instrument(span.clone())
        .await;
    span.in_scope(|| match outcome {
        Ok(value) => HttpResponse::Ok()
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .json(Wire(&value)),
        Err(refusal) => refusal.respond(),
    })
}

/// The description of every model and method, for programs that make clients from it.
pub async fn description(request: HttpRequest, backend: web::Data<Backend>) -> HttpResponse {
    let span = span(request.path());
    let known = allowed_to_look(&request, &backend)
        .instrument(span.clone())
        .await;
    span.in_scope(|| match known {
        Ok(()) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .body(openapi::document()),
        Err(refusal) => refusal.respond(),
    })
}

/// The answer to another verb than POST.
pub async fn wrong_verb() -> HttpResponse {
    let mut response = Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "werkzeug.exceptions.MethodNotAllowed",
        "Methods are called by POST, with their arguments in a JSON object.",
    )
    .respond();
    let allow = header::HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

async fn carry_out(
    request: &HttpRequest,
    payload: web::Payload,
    backend: &web::Data<Backend>,
) -> std::result::Result<AnyValue, Refusal> {
    check_database(request, backend)?;
    let caller = by_key(request, backend).await?;
    let named = read_arguments(request, payload).await?;
    let part = |name| {
        request
            .match_info()
            .get(name)
            .unwrap_or_default()
            .to_owned()
    };
    let (model, method) = (part("model"), part("method"));
    tracing::Span::current().record("call", format!("{model}.{method}"));
    let named = bind(&model, &method, named)?;
    let result = call_kw(&caller, &model, &method, Vec::new(), named).await;
    Ok(result.map_err(Error::from)?)
}

async fn allowed_to_look(
    request: &HttpRequest,
    backend: &web::Data<Backend>,
) -> std::result::Result<(), Refusal> {
    check_database(request, backend)?;
    if caller::signed_in(request, backend).await?.is_none() {
        by_key(request, backend).await?;
    }
    Ok(())
}

fn check_database(request: &HttpRequest, backend: &Backend) -> std::result::Result<(), Refusal> {
    match request.headers().get(DATABASE) {
        Some(name) if name.as_bytes() != backend.database().name().as_bytes() => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "werkzeug.exceptions.NotFound",
            "There is no database of the name in X-Odoo-Database here. The header may be left out.",
        )),
        _ => Ok(()),
    }
}

/// A web session does not open this door: a page of another site could use it.
async fn by_key(
    request: &HttpRequest,
    backend: &Arc<Backend>,
) -> std::result::Result<Caller, Refusal> {
    let key = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(bearer_key)
        .ok_or_else(|| unauthorized("An API key is needed: \"Authorization: Bearer <key>\"."))?;
    match credentials::bearer(backend, &key).await {
        Ok(caller) => Ok(caller.from_address(forwarded::client_address(request))),
        Err(ModelError::AccessDenied(why)) => Err(unauthorized(&why.told())),
        Err(error) => Err(Error::from(error).into()),
    }
}

fn unauthorized(message: &str) -> Refusal {
    Refusal::new(
        StatusCode::UNAUTHORIZED,
        "werkzeug.exceptions.Unauthorized",
        message,
    )
}

/// The key in the value of an Authorization header (RFC 6750, section 2.1); the scheme's name may
/// be in any case (RFC 9110, section 11.1).
fn bearer_key(value: &str) -> Option<SecretString> {
    let (scheme, key) = value.trim().split_once(' ')?;
    let key = key.trim();
    let well_formed = scheme.eq_ignore_ascii_case("bearer") && !key.is_empty();
    well_formed.then(|| SecretString::from(key))
}

async fn read_arguments(
    request: &HttpRequest,
    payload: web::Payload,
) -> std::result::Result<Map, Refusal> {
    if !is_json(request) {
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "werkzeug.exceptions.UnsupportedMediaType",
            "The arguments come as JSON: the content type must be application/json.",
        ));
    }
    let body = match payload.to_bytes_limited(BODY_LIMIT).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => return Err(bad_request("The body ended before it was complete.")),
        Err(_) => {
            return Err(Refusal::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "werkzeug.exceptions.RequestEntityTooLarge",
                &format!(
                    "A request may be at most {} MiB long.",
                    BODY_LIMIT / 1024 / 1024
                ),
            ));
        }
    };
    match wire::parse(&lossy(&body)) {
        Ok(AnyValue::Map(named)) => Ok(named),
        Ok(other) => Err(bad_request(&format!(
            "The body must be a JSON object with the arguments by name, not {}.",
            other.type_name()
        ))),
        Err(error) => Err(bad_request(&format!("The body is no JSON: {error}."))),
    }
}

fn bad_request(message: &str) -> Refusal {
    Refusal::new(
        StatusCode::BAD_REQUEST,
        "werkzeug.exceptions.BadRequest",
        message,
    )
}

/// Makes the arguments fit the method: one on records is called on none when `ids` are left out,
/// and one of the model cannot be called on records.
fn bind(model: &str, method: &str, mut named: Map) -> Result<Map> {
    let Some(found) = registry::entry(model)?.methods.get(method) else {
        // The call says what is wrong with the name.
        return Ok(named);
    };
    if found.on_records {
        named
            .entry(Key::Borrowed("ids"))
            .or_insert_with(|| AnyValue::List(Vec::new()));
    } else if !takes_ids(found) && named.shift_remove("ids").is_some_and(|ids| !ids.is_falsy()) {
        return Err(Error::type_error(format!(
            "{model}.{method}() is a method of the model, not of records: leave out \"ids\"."
        )));
    }
    Ok(named)
}

fn takes_ids(method: &Method) -> bool {
    method
        .params
        .iter()
        .any(|param| param.trim_end_matches('?') == "ids")
}

/// Why a call was not carried out, with the status that says so.
struct Refusal {
    status: StatusCode,
    body: Body,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body {
    Told(Option<serde_json::Value>),
    Plain {
        name: &'static str,
        message: String,
        arguments: [String; 1],
        context: Empty,
        debug: String,
    },
}

#[derive(Serialize)]
struct Empty {}

impl Refusal {
    fn new(status: StatusCode, name: &'static str, message: &str) -> Refusal {
        tracing::debug!(%status, name, message, "a call was refused");
        Refusal {
            status,
            body: Body::Plain {
                name,
                message: message.to_owned(),
                arguments: [message.to_owned()],
                context: Empty {},
                debug: String::new(),
            },
        }
    }

    fn respond(self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status);
        response
            .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
            .insert_header((header::CACHE_CONTROL, "no-store"));
        if self.status == StatusCode::UNAUTHORIZED {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.json(self.body)
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal {
            status: status(&error),
            body: Body::Told(Fault::tell(&error).to_json().data),
        }
    }
}

/// The status of an error: whose fault it is, and whether trying again may help.
fn status(error: &Error) -> StatusCode {
    let error = match error {
        Error::Model(error) => error,
        Error::SessionExpired => return StatusCode::UNAUTHORIZED,
        Error::Name(_) | Error::UnknownDatabase(_) | Error::NoSuchModel(_) => {
            return StatusCode::NOT_FOUND;
        }
    };
    match error {
        ModelError::AccessDenied(_) => StatusCode::UNAUTHORIZED,
        ModelError::Access(_) => StatusCode::FORBIDDEN,
        ModelError::UnknownModel(_) | ModelError::Attribute(_) | ModelError::Missing(_) => {
            StatusCode::NOT_FOUND
        }
        ModelError::User(_)
        | ModelError::Outside { .. }
        | ModelError::Validation(_)
        | ModelError::Type(_)
        | ModelError::Value(_)
        | ModelError::Key(_)
        | ModelError::Index(_)
        | ModelError::Assertion(_)
        | ModelError::Data { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        // The mail server behind this one is at fault.
        ModelError::Delivery(_) | ModelError::Disconnected(_) => StatusCode::BAD_GATEWAY,
        ModelError::Conflict(_) => StatusCode::CONFLICT,
        ModelError::Database(_) | ModelError::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;
    use server_model::value::map;

    #[test]
    fn the_scheme_of_a_key_may_be_written_in_any_case() {
        for value in ["Bearer abc", "bearer abc", "BEARER   abc "] {
            let key = bearer_key(value).expect("a key");
            assert_eq!(key.expose_secret(), "abc", "{value}");
        }
        for value in ["", "Bearer", "Bearer ", "Basic abc", "abc", "Bearerabc"] {
            assert!(bearer_key(value).is_none(), "{value:?}");
        }
    }

    #[test]
    fn a_method_on_records_is_called_on_none_when_no_ids_are_given() {
        let bound = bind("ir.mail_server", "read", Map::new()).expect("arguments");
        assert_eq!(bound.get("ids"), Some(&AnyValue::List(Vec::new())));
        let ids = || AnyValue::List(vec![7.into()]);
        let bound = bind("ir.mail_server", "read", map([("ids", ids())])).expect("arguments");
        assert_eq!(bound.get("ids"), Some(&ids()));
    }

    #[test]
    fn a_method_of_the_model_is_not_called_on_records() {
        let with = |ids| bind("ir.mail_server", "search", map([("ids", ids)]));
        let bound = with(AnyValue::List(Vec::new())).expect("no records");
        assert!(bound.is_empty());
        let error = with(AnyValue::List(vec![7.into()])).expect_err("records");
        assert_eq!(status(&error), StatusCode::UNPROCESSABLE_ENTITY);
    }

    #[test]
    fn an_error_has_the_status_that_says_whose_fault_it_is() {
        let text = || words::Text::quote("x");
        let words = || String::from("x");
        let cases: [(Error, u16); 9] = [
            (ModelError::AccessDenied(text()).into(), 401),
            (ModelError::Access(text()).into(), 403),
            (ModelError::Missing(text()).into(), 404),
            (ModelError::UnknownModel(text()).into(), 404),
            (ModelError::Attribute(text()).into(), 404),
            (ModelError::Validation(text()).into(), 422),
            (ModelError::Type(text()).into(), 422),
            (ModelError::Internal(words()).into(), 500),
            (Error::UnknownDatabase(words()), 404),
        ];
        for (error, expected) in cases {
            assert_eq!(status(&error).as_u16(), expected, "{error:?}");
        }
    }
}
