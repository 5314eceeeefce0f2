//! The log: to standard error, and without what must not be in a log; and traces, which go to a collector if one is named.

use std::io::{self, IsTerminal};

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{FilterFn, Targets, filter_fn};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use url::Url;

use crate::config::{LogDirective, LogFormat};
use crate::error::Error;
use crate::progress::Progress;

/// The finest level of each library that writes credentials, mail or statements at finer ones.
/// No setting lifts these.
const CEILINGS: [(&str, LevelFilter); 14] = [
    // Whole SMTP dialogues, AUTH lines included.
    ("lettre", LevelFilter::OFF),
    // Whole IMAP dialogues, at trace.
    ("async_imap", LevelFilter::WARN),
    ("imap_proto", LevelFilter::WARN),
    // Statements; a slow one is warned about, with placeholders for its values.
    ("sqlx", LevelFilter::WARN),
    ("sea_orm", LevelFilter::WARN),
    ("sea_orm_migration", LevelFilter::WARN),
    // Requests to token endpoints, with their headers and bodies.
    ("reqwest", LevelFilter::WARN),
    ("oauth2", LevelFilter::WARN),
    ("hyper", LevelFilter::WARN),
    ("hyper_util", LevelFilter::WARN),
    ("h2", LevelFilter::WARN),
    // Requests of clients, with their cookies and passwords.
    ("actix_http", LevelFilter::INFO),
    ("actix_web", LevelFilter::INFO),
    // Handshakes at trace; debug tells which suite and name, which helps.
    ("rustls", LevelFilter::DEBUG),
];

/// Our own crates, whose spans are traced.
const TRACED: [&str; 6] = ["postern", "rpc", "web", "server_model", "auth", "mail"];

/// The traces of this process. They are handed over in parts, the last one when this is dropped: outside of the runtime,
/// because it waits for that.
#[derive(Debug)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    fn to(collector: &Url) -> Result<Traces, Error> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!(
                "{}/v1/traces",
                collector.as_str().trim_end_matches('/')
            ))
            .build()
            .map_err(|error| Error::Traces(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name("postern")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_resource(resource)
            .build();
        Ok(Traces(provider))
    }

    fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let targets = TRACED.map(|target| (target, LevelFilter::INFO));
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("postern"))
            .with_filter(Targets::new().with_targets(targets))
    }
}

impl Drop for Traces {
    fn drop(&mut self) {
        // Whoever collects them may be gone; there is nobody left to tell.
        let _ = self.0.shutdown();
    }
}

/// Starts logging, above the bars of `progress`, and tracing for the collector. To be called once, before anything that logs, and outside of the
/// runtime.
///
/// # Errors
/// When traces cannot be sent there.
pub fn install(
    directives: &[LogDirective],
    format: LogFormat,
    collector: Option<&Url>,
    progress: &Progress,
) -> Result<Option<Traces>, Error> {
    let traces = collector.map(Traces::to).transpose()?;
    let is_colored = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    // Fails only if a log is installed already, which then goes on.
    let _ = match format {
        LogFormat::Text => text(directives, is_colored, progress.clone())
            .with(traces.as_ref().map(Traces::layer))
            .try_init(),
        LogFormat::Json => json(directives, progress.clone())
            .with(traces.as_ref().map(Traces::layer))
            .try_init(),
    };
    Ok(traces)
}

fn text<W>(
    directives: &[LogDirective],
    is_colored: bool,
    writer: W,
) -> impl Subscriber + for<'a> LookupSpan<'a> + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(is_colored)
        .with_writer(writer);
    base(directives).with(lines)
}

fn json<W>(
    directives: &[LogDirective],
    writer: W,
) -> impl Subscriber + for<'a> LookupSpan<'a> + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let objects = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_writer(writer);
    base(directives).with(objects)
}

fn base(directives: &[LogDirective]) -> impl Subscriber + for<'a> LookupSpan<'a> + use<> {
    tracing_subscriber::registry()
        .with(chosen(directives))
        .with(ceilings())
}

fn chosen(directives: &[LogDirective]) -> Targets {
    directives.iter().fold(
        Targets::new().with_default(LevelFilter::INFO),
        |targets, directive| match &directive.target {
            None => targets.with_default(directive.level),
            Some(target) => targets.with_target(target.clone(), directive.level),
        },
    )
}

fn ceilings() -> FilterFn {
    filter_fn(is_below_ceiling)
}

fn is_below_ceiling(metadata: &Metadata<'_>) -> bool {
    let target = metadata.target();
    CEILINGS
        .iter()
        .find(|(library, _)| {
            target
                .strip_prefix(library)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
        })
        .is_none_or(|(_, ceiling)| *metadata.level() <= *ceiling)
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use tracing::level_filters::LevelFilter;
    use tracing::subscriber::with_default;
    use tracing_subscriber::fmt::MakeWriter;

    use super::{json, text};
    use crate::config::LogDirective;

    /// A log that can be read afterwards.
    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Paper {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().expect("one writer").clone()).expect("UTF-8")
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("one writer").extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl<'a> MakeWriter<'a> for Paper {
        type Writer = Paper;

        fn make_writer(&'a self) -> Paper {
            self.clone()
        }
    }

    fn directive(target: Option<&str>, level: LevelFilter) -> LogDirective {
        LogDirective {
            target: target.map(str::to_owned),
            level,
        }
    }

    #[test]
    fn no_filter_lifts_the_ceiling_of_a_library_that_logs_credentials() {
        let paper = Paper::default();
        let all = [
            directive(None, LevelFilter::TRACE),
            directive(Some("lettre"), LevelFilter::TRACE),
            directive(Some("async_imap"), LevelFilter::TRACE),
            directive(Some("sqlx::query"), LevelFilter::TRACE),
        ];
        with_default(text(&all, false, paper.clone()), || {
            tracing::error!(target: "lettre::transport::smtp", "AUTH secret-1");
            tracing::trace!(target: "async_imap::imap_stream", "LOGIN secret-2");
            tracing::info!(target: "sqlx::query", "SELECT secret-3");
            tracing::debug!(target: "reqwest::connect", "secret-4");
            tracing::trace!(target: "hyper_util::client", "secret-5");
            tracing::trace!(target: "actix_http::h1", "secret-6");
            tracing::trace!(target: "postern::server", "kept");
            tracing::warn!(target: "sqlx::query", "slow");
            tracing::trace!(target: "lettre_of_ours", "no relative");
        });
        let log = paper.text();
        assert!(!log.contains("secret"), "{log}");
        for line in ["kept", "slow", "no relative"] {
            assert!(log.contains(line), "{line} is missing in {log}");
        }
    }

    #[test]
    fn a_filter_chooses_levels_for_all_and_for_single_targets() {
        let paper = Paper::default();
        let directives = [
            directive(None, LevelFilter::WARN),
            directive(Some("server_model"), LevelFilter::DEBUG),
        ];
        with_default(text(&directives, false, paper.clone()), || {
            tracing::info!(target: "rpc", "hidden");
            tracing::debug!(target: "server_model::outbox", "shown");
            tracing::warn!(target: "rpc", "warned");
        });
        let log = paper.text();
        assert!(!log.contains("hidden"), "{log}");
        assert!(log.contains("shown") && log.contains("warned"), "{log}");
    }

    #[test]
    fn the_json_log_is_one_object_a_line() {
        let paper = Paper::default();
        with_default(json(&LogDirective::default_list(), paper.clone()), || {
            tracing::info!(path = "/jsonrpc", status = 200, "request");
        });
        let log = paper.text();
        assert_eq!(log.lines().count(), 1);
        assert!(
            log.starts_with('{') && log.trim_end().ends_with('}'),
            "{log}"
        );
        assert!(
            log.contains(r#""path":"/jsonrpc""#) && log.contains(r#""status":200"#),
            "{log}"
        );
    }
}
