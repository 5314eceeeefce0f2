//! XML-RPC: the same services under `/xmlrpc/2`, and under the old `/xmlrpc` whose fault codes are
//! texts.

pub(crate) mod decode;
pub(crate) mod encode;

use actix_web::{HttpRequest, HttpResponse, web};
use server_model::backend::Backend;
use server_model::value::AnyValue;
use tracing::Instrument;

use crate::dispatch::{dispatch, place};
use crate::envelope::{BODY_LIMIT, lossy, read_body};
use crate::error::{Error, Result};
use crate::fault::{Fault, span};

/// `/xmlrpc/2/<service>`.
pub async fn call(
    request: HttpRequest,
    service: web::Path<String>,
    payload: web::Payload,
    backend: web::Data<Backend>,
) -> actix_web::Result<HttpResponse> {
    let outcome = run(&request, service.into_inner(), payload, &backend).await?;
    Ok(reply(outcome.unwrap_or_else(|told| {
        let (code, text) = told.xml();
        encode::fault(&AnyValue::Int(i64::from(code)), &text)
    })))
}

/// `/xmlrpc/<service>`.
pub async fn call_old(
    request: HttpRequest,
    service: web::Path<String>,
    payload: web::Payload,
    backend: web::Data<Backend>,
) -> actix_web::Result<HttpResponse> {
    let outcome = run(&request, service.into_inner(), payload, &backend).await?;
    Ok(reply(outcome.unwrap_or_else(|told| {
        let (code, text) = told.old_xml();
        encode::fault(&AnyValue::Text(code), &text)
    })))
}

/// The response, or what is told of its failure; an error only where there is no whole request.
async fn run(
    request: &HttpRequest,
    service: String,
    payload: web::Payload,
    backend: &web::Data<Backend>,
) -> actix_web::Result<std::result::Result<String, Fault>> {
    let body = read_body(payload, BODY_LIMIT).await?;
    let address = forwarded::client_address(request);
    let span = span(request.path());
    let service = AnyValue::Text(service);
    let outcome: Result<String> = async {
        let (method, args) = decode::call(&lossy(&body)).map_err(|error| {
            Error::value_error(format!("The request is no XML-RPC call: {error}."))
        })?;
        let method = AnyValue::Text(method);
        tracing::Span::current().record("call", place(&service, &method, &args));
        let result = dispatch(backend, address, &service, &method, args).await?;
        encode::response(&result)
    }
    .instrument(span.clone())
    .await;
    Ok(outcome.map_err(|error| span.in_scope(|| Fault::tell(&error))))
}

/// Faults are answers like any other: status 200.
fn reply(xml: String) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Content-Type", "text/xml"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(xml)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;
    use server_model::value::map;

    /// A response's value, read back as the argument of a call.
    fn through_the_wire(value: &AnyValue) -> AnyValue {
        let response = encode::response(value).expect("a value that XML-RPC has");
        let call = response
            .replace("methodResponse>", "methodCall>")
            .replace("<methodCall>", "<methodCall><methodName>m</methodName>");
        let (method, mut args) =
            decode::call(&call).unwrap_or_else(|error| panic!("{error} in {call}"));
        assert_eq!((method.as_str(), args.len()), ("m", 1));
        args.remove(0)
    }

    #[test]
    fn values_survive_the_way_out_and_back() {
        let values = [
            AnyValue::Bool(true),
            AnyValue::FALSE,
            AnyValue::Int(-5),
            AnyValue::Int(i64::from(i32::MAX) + 1),
            AnyValue::Float(0.0),
            AnyValue::Float(-2.5e-3),
            AnyValue::from(""),
            AnyValue::from("  żółć <a href='x'>&amp;</a> \t\r\n 漢字 🙂 "),
            AnyValue::from("]]>"),
            AnyValue::List(vec![]),
            AnyValue::List(vec![1.into(), AnyValue::List(vec!["x".into()])]),
            AnyValue::Map(map([])),
            map([
                ("a <b>", 1.into()),
                ("", AnyValue::Map(map([("c", false.into())]))),
            ])
            .into(),
        ];
        for value in values {
            assert_eq!(through_the_wire(&value), value);
        }
    }

    #[test]
    fn moments_and_bytes_travel_as_the_texts_that_json_has() {
        let day = NaiveDate::from_ymd_opt(2030, 1, 2).expect("a day");
        let moment = day.and_hms_opt(3, 4, 5).expect("a moment");
        let cases = [
            (AnyValue::Date(day), "2030-01-02"),
            (AnyValue::Datetime(moment), "2030-01-02 03:04:05"),
            (AnyValue::Bytes(b"hello".to_vec()), "aGVsbG8="),
        ];
        for (value, text) in cases {
            assert_eq!(through_the_wire(&value), AnyValue::from(text));
        }
    }
}
