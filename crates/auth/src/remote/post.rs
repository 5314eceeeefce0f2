//! One request, posted, and its answer.

use std::time::Duration;

use destinations::Destinations;
use reqwest::header::{HeaderName, HeaderValue, RETRY_AFTER};
use url::Url;
use words::say;

use super::RemoteError;
use crate::Error;
use crate::http::{self, Http};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Whoever takes a mail may have to store it, and what follows from it, before the answer.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60);
/// An answer is a number or a sentence, at most a traceback; what is longer is not read to its end.
const MAX_ANSWER_BYTES: usize = 256 * 1024;
/// Nobody's word keeps us waiting for longer.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);

/// The way to programs elsewhere. Make one and share it; cloning is cheap.
#[derive(Clone, Debug)]
pub struct Remote {
    http: Http,
}

/// An answer with a status of success.
pub(super) struct Answer {
    /// What it says; cut where it is too long.
    pub(super) body: Vec<u8>,
}

impl Remote {
    /// A client that trusts the system's certificate authorities and those in `extra_roots_pem`.
    ///
    /// # Errors
    /// If the extra authorities are not PEM certificates, or the system has none at all.
    pub fn new(extra_roots_pem: Option<&[u8]>) -> Result<Remote, Error> {
        Remote::with_timeouts(extra_roots_pem, CONNECT_TIMEOUT, TOTAL_TIMEOUT)
    }

    /// The same with other limits: for connecting, and for everything together.
    ///
    /// # Errors
    /// As for [`Remote::new`].
    pub fn with_timeouts(
        extra_roots_pem: Option<&[u8]>,
        connect: Duration,
        total: Duration,
    ) -> Result<Remote, Error> {
        let http = Http::new(extra_roots_pem, connect, total)?;
        Ok(Remote { http })
    }

    /// The same as [`Remote::new`], connecting to these addresses only.
    ///
    /// # Errors
    /// As for [`Remote::new`].
    pub fn within(
        extra_roots_pem: Option<&[u8]>,
        destinations: Destinations,
    ) -> Result<Remote, Error> {
        let http = Http::within(
            extra_roots_pem,
            CONNECT_TIMEOUT,
            TOTAL_TIMEOUT,
            destinations,
        )?;
        Ok(Remote { http })
    }

    pub(super) async fn post(
        &self,
        url: Url,
        host: &str,
        headers: &[(&'static str, &str)],
        body: Vec<u8>,
    ) -> Result<Answer, RemoteError> {
        let unreachable = |error: &reqwest::Error| RemoteError::Unreachable {
            host: host.to_owned(),
            problem: problem(error),
        };
        self.http
            .check(&url)
            .map_err(|refusal| RemoteError::Address(http::forbidden(&refusal)))?;
        let mut request = self.http.client().post(url).body(body);
        for (name, value) in headers {
            let value = HeaderValue::from_str(value)
                .map_err(|_| RemoteError::Address(say!("remote-header", %name, ?value)))?;
            request = request.header(HeaderName::from_static(name), value);
        }
        let mut response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(|seconds| Duration::from_secs(seconds).min(MAX_RETRY_AFTER));
        let mut body = Vec::new();
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| unreachable(&error))?
        {
            let room = MAX_ANSWER_BYTES.saturating_sub(body.len());
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if room <= chunk.len() {
                break;
            }
        }
        if status.is_success() {
            return Ok(Answer { body });
        }
        let host = host.to_owned();
        Err(match status.as_u16() {
            401 | 403 => RemoteError::Denied { host },
            408 | 425 | 429 | 500..=599 => RemoteError::Busy {
                host,
                status: status.as_u16(),
                retry_after,
            },
            300..=399 => RemoteError::Garbled {
                host,
                reason: format!(
                    "it sends on to another address, with HTTP status {}",
                    status.as_u16()
                ),
            },
            404 | 405 => RemoteError::Garbled {
                host,
                reason: format!("HTTP status {}", status.as_u16()),
            },
            code => RemoteError::Refused {
                host,
                reason: format!("HTTP status {code}"),
            },
        })
    }
}

/// The innermost cause says more than the layers around it.
fn problem(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it does not answer in time".to_owned();
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}
