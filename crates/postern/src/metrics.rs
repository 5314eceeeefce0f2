//! `/metrics` for Prometheus, on an address of its own, so that figures are shown to those who can reach it and to
//! nobody else.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Server;
use actix_web::http::header;
use actix_web::{App, HttpResponse, HttpServer, web};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;
use server_model::backend::Backend;
use server_model::env::Caller;
use server_model::metrics;

use crate::error::Error;

/// The bounds of the durations of calls, in seconds.
const BOUNDS: [f64; 12] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0,
];
/// A gauge that was not set for so long is about something that is gone, such as a server that was deleted.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(600);
/// The media type of Prometheus' text format.
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Begins to count, and serves the figures.
///
/// # Errors
/// If nothing can count or listen.
pub fn serve(backend: &Arc<Backend>, listener: TcpListener) -> Result<Server, Error> {
    let handle = install()?;
    let figures = web::Data::new(Figures {
        superuser: Caller::superuser(Arc::clone(backend)),
        handle,
    });
    let server = HttpServer::new(move || {
        App::new()
            .app_data(figures.clone())
            .route("/metrics", web::get().to(show))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .map_err(Error::Serve)?;
    Ok(server.run())
}

fn install() -> Result<PrometheusHandle, Error> {
    let builder = PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, Some(FORGOTTEN_AFTER))
        .set_buckets_for_metric(Matcher::Full(metrics::CALL_SECONDS.into()), &BOUNDS);
    let handle = builder
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(Error::Metrics)?;
    metrics::describe();
    Ok(handle)
}

struct Figures {
    superuser: Caller,
    handle: PrometheusHandle,
}

/// The figures, looked up anew. What cannot be read now is told as it was.
async fn show(figures: web::Data<Figures>) -> HttpResponse {
    if let Err(error) = metrics::look(&figures.superuser).await {
        tracing::warn!(%error, "how things stand could not be read for the figures");
    }
    figures.handle.run_upkeep();
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, TEXT))
        .body(figures.handle.render())
}
