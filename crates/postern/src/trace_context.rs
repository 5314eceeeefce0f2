//! Traces of callers, continued: the headers `traceparent` and `tracestate` of W3C Trace Context.
//!
//! The first span of a call takes the context that is current where it begins for its parent, and that is set here: the
//! crates that make spans know nothing of OpenTelemetry.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::HeaderMap;
use actix_web::middleware::Next;
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{FutureExt, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const TRACEPARENT: &str = "traceparent";
/// The lengths of version, trace, span and flags, in hexadecimal digits.
const LENGTHS: [usize; 4] = [2, 32, 16, 2];

/// Answers the request as part of the trace that its caller names. Without a valid name it begins one of its own.
pub async fn take_over<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    match parent(request.headers()) {
        Some(parent) => next.call(request).with_context(parent).await,
        None => next.call(request).await,
    }
}

/// The span of the caller, where its header is as it has to be.
fn parent(headers: &HeaderMap) -> Option<Context> {
    let mut given = headers.get_all(TRACEPARENT);
    let text = given.next()?.to_str().ok()?;
    if given.next().is_some() || !is_well_formed(text) {
        return None;
    }
    let found =
        TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    found.has_active_span().then_some(found)
}

/// Whether it has the parts of a `traceparent`, at their full lengths: the propagator takes shorter ones for numbers too.
/// A version after the first (`00`) may have more parts behind them.
fn is_well_formed(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let is_hexadecimal = |part: &str| part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let is_exact = |(part, length): (&&str, usize)| part.len() == length && is_hexadecimal(part);
    parts.len() >= LENGTHS.len() && parts.iter().zip(LENGTHS).all(is_exact)
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(|name| name.as_str()).collect()
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    /// Trace, span and the flag of a request with these headers; `None` where it begins a trace of its own.
    fn taken(values: &[&str]) -> Option<(String, String, bool)> {
        let request = values
            .iter()
            .fold(TestRequest::default(), |request, value| {
                request.append_header((TRACEPARENT, *value))
            });
        let context = parent(request.to_http_request().headers())?;
        let span = context.span();
        let span = span.span_context();
        assert!(span.is_remote());
        Some((
            span.trace_id().to_string(),
            span.span_id().to_string(),
            span.is_sampled(),
        ))
    }

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn trace_span_and_flag_of_the_caller_are_taken_over() {
        for (flags, is_sampled) in [("01", true), ("00", false), ("03", true), ("fe", false)] {
            let taken = taken(&[&format!("00-{TRACE}-{SPAN}-{flags}")]);
            assert_eq!(taken, Some((TRACE.into(), SPAN.into(), is_sampled)));
        }
        // Of a later version what is known of the first one counts.
        let later = taken(&[&format!("01-{TRACE}-{SPAN}-01-more")]);
        assert_eq!(later, Some((TRACE.into(), SPAN.into(), true)));
    }

    #[test]
    fn what_is_not_as_it_has_to_be_is_passed_over() {
        let zeros = "0".repeat(32);
        for wrong in [
            String::new(),
            TRACE.into(),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0-{TRACE}-{SPAN}-01"),
            format!("+0-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{}-{SPAN}-01", &TRACE[1..]),
            format!("00-{TRACE}-{}-01", &SPAN[1..]),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-0g"),
        ] {
            assert_eq!(taken(&[&wrong]), None, "{wrong}");
        }
        let one = format!("00-{TRACE}-{SPAN}-01");
        assert_eq!(taken(&[&one, &one]), None, "two of them name nothing");
        assert_eq!(taken(&[]), None);
    }
}
