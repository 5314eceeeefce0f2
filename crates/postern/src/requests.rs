//! One log line for each request.

use std::time::Instant;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;

/// Longer paths are cut in the log.
const LONGEST_PATH: usize = 200;

/// Logs method, path, status and time of a request, once it is answered.
///
/// Never the query: authorization codes and states come back in it. Nor the body or any header.
pub async fn log<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<B>> {
    let begin = Instant::now();
    let method = request.method().clone();
    let path: String = request.path().chars().take(LONGEST_PATH).collect();
    let answer = next.call(request).await;
    let milliseconds = begin.elapsed().as_micros() as f64 / 1_000.0;
    let status = match &answer {
        Ok(response) => response.status(),
        Err(error) => error.as_response_error().status_code(),
    };
    let status = status.as_u16();
    if path == "/web/health" {
        // A supervisor asks every few seconds.
        tracing::debug!(%method, ?path, status, milliseconds, "request");
    } else {
        tracing::info!(%method, ?path, status, milliseconds, "request");
    }
    answer
}
