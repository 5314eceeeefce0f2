//! The envelope of a JSON call: id, params, result, error - as lax as Odoo's.
//!
//! Odoo's is laxer than JSON-RPC 2.0: `method` and `jsonrpc` are ignored, a missing `id` is
//! answered, extra members are allowed, and faults come with HTTP status 200. What is not a JSON
//! object of a JSON content type is answered with a page and status 400, batches included.

use std::borrow::Cow;
use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::error::InternalError;
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::ser::Serialize;
use serde_json::value::RawValue;
use server_model::value::{AnyValue, Map};
use tracing::Instrument;

use crate::error::{Error, Result};
use crate::fault::{Fault, span};
use crate::page;
use crate::wire::{self, Wire};

/// The longest body that is read, in bytes: room for the attachments of a mail in base64.
pub const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// The longest body, in bytes, where nothing long is to be said.
pub const SMALL_BODY_LIMIT: usize = 64 * 1024;

/// The body of a request with a JSON content type, not yet read: first it is asked who calls.
pub struct JsonBody(web::Payload);

impl FromRequest for JsonBody {
    type Error = actix_web::Error;
    type Future = Ready<std::result::Result<JsonBody, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !is_json(request) {
            return ready(Err(refused(
                "This address takes JSON only: the content type must be application/json.",
            )));
        }
        let payload = web::Payload::from_request(request, payload).into_inner();
        ready(payload.map(JsonBody))
    }
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// A page that says what was wrong with it.
pub async fn read_body(
    payload: web::Payload,
    limit: usize,
) -> std::result::Result<web::Bytes, actix_web::Error> {
    match payload.to_bytes_limited(limit).await {
        Ok(body) => body,
        Err(_) => {
            let message = format!("A request to this address may be at most {limit} bytes long.");
            let answer = page::plain(StatusCode::PAYLOAD_TOO_LARGE, "Request too long", &message);
            Err(InternalError::from_response(message, answer).into())
        }
    }
}

/// Text of a body; what is not UTF-8 is replaced, as Odoo does.
pub fn lossy(body: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(body)
}

fn refused(reason: &'static str) -> actix_web::Error {
    InternalError::from_response(reason, page::bad_request(reason)).into()
}

/// Whether a request says that its body is JSON.
pub fn is_json(request: &HttpRequest) -> bool {
    let Some(value) = request.headers().get(header::CONTENT_TYPE) else {
        return false;
    };
    let Ok(value) = value.to_str() else {
        return false;
    };
    let kind = value.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
        || kind.eq_ignore_ascii_case("application/json-rpc")
}

/// Reads and parses the request that came under `path`, of at most `limit` bytes, has `work` done
/// with its parameters, and answers.
pub async fn answer(
    body: JsonBody,
    limit: usize,
    path: &str,
    work: impl AsyncFnOnce(Map) -> Result<AnyValue>,
) -> HttpResponse {
    let body = match read_body(body.0, limit).await {
        Ok(body) => body,
        Err(error) => return error.error_response(),
    };
    let text = lossy(&body);
    let envelope = match Envelope::parse(&text) {
        Ok(envelope) => envelope,
        Err(error) => {
            return page::bad_request(&format!("The request is not a JSON object: {error}."));
        }
    };
    let span = span(path);
    let outcome = match envelope.params {
        Ok(params) => work(params).instrument(span.clone()).await,
        Err(error) => Err(error),
    };
    span.in_scope(|| respond(envelope.id, outcome))
}

/// Answers a request that is refused before it is read.
pub async fn refuse(body: JsonBody, path: &str, error: Error) -> HttpResponse {
    // What little most clients send is taken off the line, so that they can go on using it.
    let _ = body.0.to_bytes_limited(SMALL_BODY_LIMIT).await;
    span(path).in_scope(|| respond(None, Err(error)))
}

fn respond(id: Option<&RawValue>, outcome: Result<AnyValue>) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    response.insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    match outcome {
        Ok(value) => response.json(Answer::result(id, &value)),
        Err(error) => {
            let fault = Fault::tell(&error);
            let id = id.filter(|_| !error.precedes_request());
            response.json(Answer::error(id, &fault.to_json()))
        }
    }
}

/// A request as far as the envelope goes. The id stays in the caller's own writing, so that it
/// comes back digit by digit whatever it is.
#[derive(Debug)]
pub(crate) struct Envelope<'a> {
    id: Option<&'a RawValue>,
    pub(crate) params: Result<Map>,
}

impl<'a> Envelope<'a> {
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Envelope<'a>> {
        let members: Members<'a> = serde_json::from_str(text)?;
        let params = match members.params {
            None => AnyValue::Null,
            Some(params) => wire::parse(params.get())?,
        };
        Ok(Envelope {
            id: members.id,
            params: named(params),
        })
    }
}

/// The parameters by name. Odoo makes a dict of whatever came: of nothing and of empty texts and
/// lists an empty one, of other lists and texts a ValueError.
fn named(params: AnyValue) -> Result<Map> {
    match params {
        AnyValue::Map(map) => Ok(map),
        AnyValue::Null => Ok(Map::new()),
        AnyValue::List(items) if items.is_empty() => Ok(Map::new()),
        AnyValue::Text(text) if text.is_empty() => Ok(Map::new()),
        AnyValue::List(_) | AnyValue::Text(_) => Err(Error::value_error(format!(
            "The parameters must be an object of names and values, not a {}.",
            params.type_name()
        ))),
        other => Err(Error::type_error(format!(
            "The parameters must be an object of names and values, not {}.",
            other.type_name()
        ))),
    }
}

/// Takes a parameter that must be there.
///
/// # Errors
/// A TypeError that names it.
pub fn needed(params: &mut Map, name: &str) -> Result<AnyValue> {
    params.shift_remove(name).ok_or_else(|| {
        Error::type_error(format!(
            "The parameter {name:?} is missing from \"params\"."
        ))
    })
}

/// The members that matter. Written out because a derived reader refuses names given twice, of
/// which Python takes the last.
struct Members<'a> {
    id: Option<&'a RawValue>,
    params: Option<&'a RawValue>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Object;

        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(
                self,
                mut from: A,
            ) -> std::result::Result<Members<'de>, A::Error> {
                let mut members = Members {
                    id: None,
                    params: None,
                };
                while let Some(name) = from.next_key::<String>()? {
                    match name.as_str() {
                        "id" => members.id = Some(from.next_value()?),
                        "params" => members.params = Some(from.next_value()?),
                        _ => {
                            from.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(members)
            }
        }

        from.deserialize_map(Object)
    }
}

/// What goes back. A method that returned nothing has no `result` at all.
#[derive(serde::Serialize)]
struct Answer<'a, E: Serialize> {
    jsonrpc: &'static str,
    id: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Wire<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<E>,
}

impl<'a> Answer<'a, ()> {
    fn result(id: Option<&'a RawValue>, value: &'a AnyValue) -> Self {
        Answer {
            jsonrpc: "2.0",
            id,
            result: (*value != AnyValue::Null).then_some(Wire(value)),
            error: None,
        }
    }
}

impl<'a, E: Serialize> Answer<'a, E> {
    fn error(id: Option<&'a RawValue>, error: E) -> Self {
        Answer {
            jsonrpc: "2.0",
            id,
            result: None,
            error: Some(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use server_model::error::Error as ModelError;

    fn id_of(text: &str) -> Option<&str> {
        Envelope::parse(text)
            .expect("a JSON object")
            .id
            .map(RawValue::get)
    }

    fn params_of(text: &str) -> Result<Map> {
        Envelope::parse(text).expect("a JSON object").params
    }

    #[test]
    fn an_id_of_any_kind_comes_back_as_it_was_written() {
        for id in [
            "7",
            "0",
            "-3",
            "1.50",
            "12345678901234567890123",
            "1e999",
            "true",
            "\"\"",
            r#""req-\u03b1-1""#,
            r#"{"k": "v"}"#,
            "null",
        ] {
            let request = format!(r#"{{"jsonrpc": "2.0", "id": {id}, "params": {{}}}}"#);
            assert_eq!(id_of(&request), Some(id));
            let parsed = Envelope::parse(&request).expect("a JSON object");
            let answer = serde_json::to_string(&Answer::result(parsed.id, &AnyValue::Int(1)))
                .expect("an answer");
            assert_eq!(
                answer,
                format!(r#"{{"jsonrpc":"2.0","id":{id},"result":1}}"#)
            );
        }
    }

    #[test]
    fn a_missing_id_is_answered_with_null() {
        assert_eq!(id_of("{}"), None);
        let answer =
            serde_json::to_string(&Answer::result(None, &AnyValue::FALSE)).expect("an answer");
        assert_eq!(answer, r#"{"jsonrpc":"2.0","id":null,"result":false}"#);
    }

    #[test]
    fn a_method_that_returns_nothing_has_no_result_member() {
        let answer =
            serde_json::to_string(&Answer::result(None, &AnyValue::Null)).expect("an answer");
        assert_eq!(answer, r#"{"jsonrpc":"2.0","id":null}"#);
    }

    #[test]
    fn what_is_not_a_json_object_is_malformed() {
        for text in [
            "",
            "hello",
            "null",
            "true",
            "\"abc\"",
            "[]",
            r#"[{"id": 1}]"#,
            r#"{"id": 1,}"#,
            r#"{"jsonrpc": "2.0", "#,
            r#"{"params": {"a": "\ud800"}}"#,
        ] {
            assert!(Envelope::parse(text).is_err(), "{text:?}");
        }
        let deep = format!("{{\"params\": {}{}}}", "[".repeat(500), "]".repeat(500));
        assert!(Envelope::parse(&deep).is_err());
    }

    #[test]
    fn params_may_be_missing_null_or_empty() {
        for text in [
            "{}",
            r#"{"params": null}"#,
            r#"{"params": []}"#,
            r#"{"params": ""}"#,
        ] {
            assert!(
                params_of(text).expect("no parameters").is_empty(),
                "{text:?}"
            );
        }
    }

    #[test]
    fn params_of_another_kind_are_refused_as_python_refuses_them() {
        for text in [r#"{"params": ["common"]}"#, r#"{"params": "x"}"#] {
            let error = params_of(text).expect_err("no object");
            assert!(
                matches!(error, Error::Model(ModelError::Value(_))),
                "{text:?}"
            );
        }
        for text in [r#"{"params": 5}"#, r#"{"params": true}"#] {
            let error = params_of(text).expect_err("no object");
            assert!(
                matches!(error, Error::Model(ModelError::Type(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn of_members_given_twice_the_last_counts_and_others_are_ignored() {
        let text = r#"{"id": 1, "x": [{}], "params": {"a": 1}, "params": {"b": 2}, "id": 2}"#;
        assert_eq!(id_of(text), Some("2"));
        let params = params_of(text).expect("an object");
        assert_eq!(params.get("b"), Some(&AnyValue::Int(2)));
        assert!(!params.contains_key("a"));
    }

    #[test]
    fn only_two_content_types_are_json() {
        let with = |kind: &str| {
            is_json(
                &TestRequest::post()
                    .insert_header((header::CONTENT_TYPE, kind))
                    .to_http_request(),
            )
        };
        assert!(with("application/json"));
        assert!(with("application/json; charset=utf-8"));
        assert!(with("Application/JSON-RPC"));
        for kind in [
            "text/plain",
            "application/vnd.api+json",
            "application/jsonx",
            "",
        ] {
            assert!(!with(kind), "{kind:?}");
        }
        assert!(!is_json(&TestRequest::post().to_http_request()));
    }

    #[test]
    fn errors_raised_before_the_request_was_read_carry_no_id() {
        let text = r#"{"id": 5}"#;
        let id = Envelope::parse(text).expect("a JSON object").id;
        let rt = actix_web::rt::System::new();
        let body = |error| {
            let response = respond(id, Err(error));
            let bytes = rt
                .block_on(actix_web::body::to_bytes(response.into_body()))
                .unwrap_or_else(|_| panic!("a body in memory"));
            lossy(&bytes).into_owned()
        };
        assert!(body(Error::SessionExpired).contains(r#""id":null"#));
        assert!(body(Error::NoSuchModel("x".into())).contains(r#""id":null"#));
        assert!(body(Error::type_error("x")).contains(r#""id":5"#));
    }
}
