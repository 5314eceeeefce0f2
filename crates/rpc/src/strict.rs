//! `/jsonrpc/2`: the services by JSON-RPC 2.0 to the letter, beside Odoo's laxer envelope.
//!
//! Methods are named `<service>.<method>`, as in `common.login` and `object.execute_kw`, and take
//! their parameters by place or by name. Batches and notifications are what the specification says
//! (https://www.jsonrpc.org/specification); a fault of a method has the code -32000 and Odoo's
//! error object as its data.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use jsonrpc_core::{Error as JsonError, ErrorCode, Version};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use server_model::backend::Backend;
use server_model::error::Error as ModelError;
use server_model::value::{AnyValue, Map};
use tracing::Instrument;

use crate::dispatch::{dispatch, place};
use crate::envelope::{BODY_LIMIT, is_json, lossy};
use crate::error::Error;
use crate::fault::{Fault, span};
use crate::wire::{self, Wire};

/// How many calls one batch may hold. Each may cost a key derivation.
const MOST_CALLS: usize = 50;
/// The code of a fault that a method itself raised.
const FAULT: i64 = -32000;

/// A method as it may be called.
struct Callable {
    service: &'static str,
    method: &'static str,
    /// The names of its parameters; one that ends in `?` may be left out, `*` takes all the rest.
    params: &'static [&'static str],
}

const fn callable(
    service: &'static str,
    method: &'static str,
    params: &'static [&'static str],
) -> Callable {
    Callable {
        service,
        method,
        params,
    }
}

const METHODS: &[Callable] = &[
    callable("common", "version", &[]),
    callable("common", "about", &["extended?"]),
    callable("common", "login", &["db", "login", "password"]),
    callable(
        "common",
        "authenticate",
        &["db", "login", "password", "user_agent_env"],
    ),
    callable("db", "server_version", &[]),
    callable("db", "list", &[]),
    callable("db", "db_exist", &["db"]),
    callable("db", "list_lang", &[]),
    callable(
        "object",
        "execute",
        &["db", "uid", "password", "model", "method", "*"],
    ),
    callable(
        "object",
        "execute_kw",
        &[
            "db", "uid", "password", "model", "method", "args", "kwargs?",
        ],
    ),
];

/// Answers a request or a batch of them.
pub async fn call(
    request: HttpRequest,
    payload: web::Payload,
    backend: web::Data<Backend>,
) -> HttpResponse {
    if !is_json(&request) {
        let refusal = invalid("The content type must be application/json.");
        return respond(StatusCode::UNSUPPORTED_MEDIA_TYPE, failure(None, &refusal));
    }
    let body = match payload.to_bytes_limited(BODY_LIMIT).await {
        Ok(Ok(body)) => body,
        Ok(Err(_)) => {
            let refusal = invalid("The body ended before it was complete.");
            return respond(StatusCode::BAD_REQUEST, failure(None, &refusal));
        }
        Err(_) => {
            let refusal = invalid("The request is too long.");
            return respond(StatusCode::PAYLOAD_TOO_LARGE, failure(None, &refusal));
        }
    };
    let address = forwarded::client_address(&request);
    match answer(&lossy(&body), &backend, address).await {
        Some(text) => respond(StatusCode::OK, text),
        None => HttpResponse::NoContent().finish(),
    }
}

/// The answer to another verb than POST.
pub async fn wrong_verb() -> HttpResponse {
    let refusal = invalid("This address takes JSON-RPC by POST only.");
    let mut response = respond(StatusCode::METHOD_NOT_ALLOWED, failure(None, &refusal));
    let allow = header::HeaderValue::from_static("POST");
    response.headers_mut().insert(header::ALLOW, allow);
    response
}

fn respond(status: StatusCode, text: String) -> HttpResponse {
    HttpResponse::build(status)
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text)
}

/// The text that goes back; `None` when nothing does.
async fn answer(text: &str, backend: &Arc<Backend>, address: Option<IpAddr>) -> Option<String> {
    let whole: &RawValue = match serde_json::from_str(text) {
        Ok(whole) => whole,
        Err(error) => {
            let refusal = refusal(ErrorCode::ParseError, format!("This is no JSON: {error}."));
            return Some(failure(None, &refusal));
        }
    };
    if !whole.get().starts_with('[') {
        return answer_one(whole, backend, address).await;
    }
    let calls: Vec<&RawValue> = serde_json::from_str(whole.get()).unwrap_or_default();
    if calls.is_empty() {
        return Some(failure(None, &invalid("The batch is empty.")));
    }
    if calls.len() > MOST_CALLS {
        let message = format!("A batch may hold {MOST_CALLS} calls at most.");
        return Some(failure(None, &invalid(&message)));
    }
    // One after the other: calls of a batch often build on each other.
    let mut answers = Vec::with_capacity(calls.len());
    for call in calls {
        answers.extend(answer_one(call, backend, address).await);
    }
    (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
}

async fn answer_one(
    text: &RawValue,
    backend: &Arc<Backend>,
    address: Option<IpAddr>,
) -> Option<String> {
    let call = match Incoming::read(text) {
        Ok(call) => call,
        Err((id, message)) => return Some(failure(id, &invalid(&message))),
    };
    let id = call.id;
    let span = span("/jsonrpc/2");
    let outcome = carry_out(&call, backend, address)
        .instrument(span.clone())
        .await;
    // A notification is carried out and not answered, whatever came of it.
    let id = id?;
    Some(match outcome {
        Ok(value) => success(id, &value),
        Err(refusal) => failure(Some(id), &refusal),
    })
}

async fn carry_out(
    call: &Incoming<'_>,
    backend: &Arc<Backend>,
    address: Option<IpAddr>,
) -> Result<AnyValue, JsonError> {
    let known = METHODS.iter().find(|known| {
        call.method
            .split_once('.')
            .is_some_and(|(service, method)| known.service == service && known.method == method)
    });
    let Some(known) = known else {
        let names: Vec<String> = METHODS
            .iter()
            .map(|known| format!("{}.{}", known.service, known.method))
            .collect();
        return Err(refusal(
            ErrorCode::MethodNotFound,
            format!("There is no such method. There are {}.", names.join(", ")),
        ));
    };
    let given = match call.params {
        None => AnyValue::List(Vec::new()),
        Some(params) => wire::parse(params.get())
            .map_err(|error| refusal(ErrorCode::InvalidParams, format!("{error}.")))?,
    };
    let args = bind(known, given).map_err(|message| refusal(ErrorCode::InvalidParams, message))?;
    let (service, method) = (known.service.into(), known.method.into());
    tracing::Span::current().record("call", place(&service, &method, &args));
    dispatch(backend, address, &service, &method, args)
        .await
        .map_err(|error| told(&error))
}

fn told(error: &Error) -> JsonError {
    let code = match error {
        Error::Model(ModelError::Database(_) | ModelError::Internal(_)) => ErrorCode::InternalError,
        _ => ErrorCode::ServerError(FAULT),
    };
    JsonError {
        code,
        message: error.to_string(),
        data: Fault::tell(error).to_json().data,
    }
}

/// Puts the parameters in the order of the method.
fn bind(known: &Callable, given: AnyValue) -> Result<Vec<AnyValue>, String> {
    let open = known.params.contains(&"*");
    let named = known.params.iter().filter(|param| **param != "*");
    match given {
        AnyValue::List(given) => {
            let most = named.clone().count();
            let least = named.filter(|param| !param.ends_with('?')).count();
            let fits = given.len() >= least && (open || given.len() <= most);
            fits.then_some(given).ok_or_else(|| {
                format!(
                    "{}.{} takes the parameters {}.",
                    known.service,
                    known.method,
                    known.params.join(", ")
                )
            })
        }
        AnyValue::Map(mut given) => {
            let mut args = Vec::with_capacity(known.params.len());
            for param in named {
                match take(&mut given, param.trim_end_matches('?')) {
                    Some(value) => args.push(value),
                    None if param.ends_with('?') => {}
                    None => return Err(format!("The parameter {param:?} is missing.")),
                }
            }
            if open && let Some(AnyValue::List(rest)) = take(&mut given, "args") {
                args.extend(rest);
            }
            match given.keys().next() {
                Some(unknown) => Err(format!("There is no parameter {unknown:?}.")),
                None => Ok(args),
            }
        }
        other => Err(format!(
            "Parameters are a list or an object, not {}.",
            other.type_name()
        )),
    }
}

fn take(given: &mut Map, name: &str) -> Option<AnyValue> {
    given.shift_remove(name)
}

/// A request object, with id and parameters as they were written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Incoming<'a> {
    #[serde(rename = "jsonrpc")]
    _version: Version,
    method: String,
    #[serde(borrow, default, deserialize_with = "given")]
    params: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "given")]
    id: Option<&'a RawValue>,
}

/// Tells a member that is null from one that is not there.
fn given<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

/// The id alone, of an object that is no request otherwise.
#[derive(Deserialize)]
struct Identified<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    id: Option<&'a RawValue>,
}

impl<'a> Incoming<'a> {
    fn read(text: &'a RawValue) -> Result<Incoming<'a>, (Option<&'a RawValue>, String)> {
        let id = serde_json::from_str::<Identified<'a>>(text.get())
            .ok()
            .and_then(|found| found.id)
            .filter(|id| is_id(id));
        let refused = |message: &str| (id, message.to_owned());
        let call: Incoming<'a> = serde_json::from_str(text.get())
            .map_err(|error| refused(&format!("This is no request of JSON-RPC 2.0: {error}.")))?;
        if call.id.is_some_and(|id| !is_id(id)) {
            return Err(refused("An id is a text, a number or null."));
        }
        let structured = |params: &RawValue| params.get().starts_with(['[', '{']);
        if call.params.is_some_and(|params| !structured(params)) {
            return Err(refused("Parameters are a list or an object."));
        }
        Ok(call)
    }
}

fn is_id(id: &RawValue) -> bool {
    let text = id.get();
    text == "null" || text.starts_with(['"', '-']) || text.starts_with(|c: char| c.is_ascii_digit())
}

fn invalid(message: &str) -> JsonError {
    refusal(ErrorCode::InvalidRequest, message.to_owned())
}

/// The specification's own words stay the message; what was wrong comes beside them.
fn refusal(code: ErrorCode, detail: String) -> JsonError {
    JsonError {
        message: code.description(),
        code,
        data: Some(serde_json::Value::String(detail)),
    }
}

#[derive(Serialize)]
struct Success<'a> {
    jsonrpc: Version,
    result: Wire<'a>,
    id: &'a RawValue,
}

#[derive(Serialize)]
struct Failure<'a> {
    jsonrpc: Version,
    error: &'a JsonError,
    id: Option<&'a RawValue>,
}

fn success(id: &RawValue, value: &AnyValue) -> String {
    written(&Success {
        jsonrpc: Version::V2,
        result: Wire(value),
        id,
    })
}

fn failure(id: Option<&RawValue>, error: &JsonError) -> String {
    written(&Failure {
        jsonrpc: Version::V2,
        error,
        id,
    })
}

fn written(answer: &impl Serialize) -> String {
    serde_json::to_string(answer).unwrap_or_else(|error| {
        tracing::error!(%error, "an answer could not be written");
        r#"{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":null}"#.into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    fn refused_id(text: &str) -> Option<String> {
        let text = raw(text);
        match Incoming::read(&text) {
            Ok(call) => panic!("{} is a request", call.method),
            Err((id, _)) => id.map(|id| id.get().to_owned()),
        }
    }

    #[test]
    fn a_request_without_an_id_is_a_notification_and_one_with_null_is_not() {
        let read = |text: &str| {
            let text = raw(text);
            Incoming::read(&text)
                .map(|call| call.id.map(|id| id.get().to_owned()))
                .map_err(|(_, error)| error)
                .expect("a request")
        };
        let with = |id: &str| format!(r#"{{"jsonrpc": "2.0", "method": "m"{id}}}"#);
        assert_eq!(read(&with("")), None);
        for id in ["null", "7", "-1", "1.5", "\"a\"", "12345678901234567890123"] {
            assert_eq!(
                read(&with(&format!(r#", "id": {id}"#))).as_deref(),
                Some(id)
            );
        }
    }

    #[test]
    fn what_is_no_request_is_refused_with_its_id_where_it_has_one() {
        for (text, id) in [
            (r#"{"jsonrpc": "1.0", "method": "m", "id": 1}"#, Some("1")),
            (r#"{"method": "m", "id": 1}"#, Some("1")),
            (r#"{"jsonrpc": "2.0", "id": "x"}"#, Some("\"x\"")),
            (r#"{"jsonrpc": "2.0", "method": 5, "id": 1}"#, Some("1")),
            (r#"{"jsonrpc": "2.0", "method": "m", "id": {}}"#, None),
            (r#"{"jsonrpc": "2.0", "method": "m", "id": true}"#, None),
            (
                r#"{"jsonrpc": "2.0", "method": "m", "params": 5, "id": 1}"#,
                Some("1"),
            ),
            (
                r#"{"jsonrpc": "2.0", "method": "m", "params": null, "id": 1}"#,
                Some("1"),
            ),
            (
                r#"{"jsonrpc": "2.0", "method": "m", "more": 1, "id": 1}"#,
                Some("1"),
            ),
            ("5", None),
            ("[]", None),
            ("null", None),
        ] {
            assert_eq!(refused_id(text).as_deref(), id, "{text}");
        }
    }

    #[test]
    fn parameters_come_by_place_or_by_name() {
        let known = callable("s", "m", &["a", "b", "c?"]);
        let list = |items: Vec<AnyValue>| bind(&known, AnyValue::List(items));
        let expected: Vec<AnyValue> = vec![1.into(), 2.into()];
        assert_eq!(list(expected.clone()), Ok(expected.clone()));
        assert!(list(vec![1.into()]).is_err());
        assert!(list(vec![1.into(); 4]).is_err());
        let map = |text: &str| bind(&known, wire::parse(text).expect("JSON"));
        assert_eq!(map(r#"{"b": 2, "a": 1}"#), Ok(expected));
        assert_eq!(
            map(r#"{"c": 3, "b": 2, "a": 1}"#),
            Ok(vec![1.into(), 2.into(), 3.into()])
        );
        assert!(map(r#"{"a": 1}"#).is_err());
        assert!(map(r#"{"a": 1, "b": 2, "d": 4}"#).is_err());
    }

    #[test]
    fn the_arguments_of_execute_may_be_any_number() {
        let known = callable("object", "execute", &["a", "*"]);
        let by_place = AnyValue::List(vec![1.into(), 2.into(), 3.into()]);
        let expected = vec![1.into(), 2.into(), 3.into()];
        assert_eq!(bind(&known, by_place), Ok(expected.clone()));
        let by_name = wire::parse(r#"{"a": 1, "args": [2, 3]}"#).expect("JSON");
        assert_eq!(bind(&known, by_name), Ok(expected));
    }

    #[test]
    fn an_answer_has_a_result_or_an_error_and_always_an_id() {
        let id = raw("7");
        assert_eq!(
            success(&id, &AnyValue::Null),
            r#"{"jsonrpc":"2.0","result":null,"id":7}"#
        );
        let text = failure(None, &invalid("why"));
        assert_eq!(
            text,
            r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid request","data":"why"},"id":null}"#
        );
    }
}
