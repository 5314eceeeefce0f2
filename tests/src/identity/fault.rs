//! Faults on demand: what a test can make the next requests meet instead of an answer.

use std::any::Any;
use std::collections::VecDeque;
use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::problem::Problem;

/// One thing that can go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// A refusal in Microsoft's JSON shape; at the authorize endpoint a redirect with `error`.
    Aadsts {
        /// The number.
        code: u32,
        /// The status when it shall not be the usual one of the number.
        #[serde(default)]
        status: Option<u16>,
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// Any other answer, JSON or not: a gateway's page, a cut body, an empty one.
    Http {
        /// The status.
        status: u16,
        /// The body, as is.
        #[serde(default)]
        body: String,
        /// Its type; `text/html` when absent.
        #[serde(default)]
        content_type: Option<String>,
        /// Seconds for a `Retry-After` header.
        #[serde(default)]
        retry_after: Option<u64>,
    },
    /// The usual answer, after this many milliseconds.
    Slow {
        /// How long to wait.
        millis: u64,
    },
    /// No answer for as long as the client waits.
    Hang,
    /// The connection is closed without an answer and nothing has happened.
    Drop,
    /// The request is carried out but the connection is closed before the answer: what a crash of the client between
    /// the provider's rotation and its own commit looks like.
    AnswerLost,
    /// Success, but without a refresh token in the answer (RFC 6749 section 6 leaves the old one in force).
    NoRefreshToken,
}

impl Fault {
    /// The refusal with this AADSTS number.
    pub fn aadsts(code: u32) -> Self {
        Self::Aadsts {
            code,
            status: None,
            retry_after: None,
        }
    }

    /// 429 in Microsoft's JSON shape.
    pub fn too_many_requests(retry_after: u64) -> Self {
        Self::Aadsts {
            code: 90055,
            status: Some(429),
            retry_after: Some(retry_after),
        }
    }

    /// A gateway's 503 page, not JSON.
    pub fn unavailable() -> Self {
        Self::Http {
            status: 503,
            body: "<html><body><h2>Our services aren't available right now</h2></body></html>"
                .to_owned(),
            content_type: None,
            retry_after: None,
        }
    }
}

/// Where a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// After the user has decided on the consent page.
    Authorize,
    /// Code redemption and refresh.
    #[default]
    Token,
    /// The mail server's question.
    Introspect,
}

/// A fault and how often it shall strike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultOrder {
    /// What goes wrong.
    pub fault: Fault,
    /// For how many requests.
    pub times: u32,
    /// Where.
    #[serde(default)]
    pub at: Endpoint,
    /// Only for token requests of this grant type.
    #[serde(default)]
    pub grant_type: Option<String>,
}

impl FaultOrder {
    /// The fault for the next `times` token requests of any kind.
    pub fn next(times: u32, fault: Fault) -> Self {
        Self {
            fault,
            times,
            at: Endpoint::Token,
            grant_type: None,
        }
    }

    /// The same, only for refreshes.
    #[must_use]
    pub fn on_refresh(mut self) -> Self {
        self.grant_type = Some("refresh_token".to_owned());
        self
    }

    /// The same, elsewhere.
    #[must_use]
    pub fn at(mut self, endpoint: Endpoint) -> Self {
        self.at = endpoint;
        self
    }
}

/// The faults that wait for their requests, in the order they were queued.
#[derive(Debug, Default)]
pub struct Faults(VecDeque<FaultOrder>);

impl Faults {
    /// Adds one.
    pub fn queue(&mut self, order: FaultOrder) {
        if order.times > 0 {
            self.0.push_back(order);
        }
    }

    /// Forgets all that have not struck.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault for this request, if one waits for it.
    pub fn take(&mut self, at: Endpoint, grant_type: Option<&str>) -> Option<Fault> {
        let matches = |order: &FaultOrder| {
            order.at == at
                && order
                    .grant_type
                    .as_deref()
                    .is_none_or(|wanted| Some(wanted) == grant_type)
        };
        let index = self.0.iter().position(matches)?;
        let order = self.0.get_mut(index)?;
        order.times -= 1;
        let fault = order.fault.clone();
        if order.times == 0 {
            self.0.remove(index);
        }
        Some(fault)
    }
}

/// What is left to do after a fault has played.
pub enum Played {
    /// The answer is made.
    Answer(HttpResponse),
    /// The request is to be carried out and its answer treated so.
    CarryOn(After),
}

/// What happens to the answer of a request that is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    /// It is sent.
    Send,
    /// It is lost with the connection.
    Lose,
    /// It is sent without the refresh token.
    WithoutRefreshToken,
}

/// Lets a fault happen to a request.
pub async fn play(fault: Option<Fault>, request: &HttpRequest, now: DateTime<Utc>) -> Played {
    match fault {
        None => Played::CarryOn(After::Send),
        Some(Fault::Slow { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Played::CarryOn(After::Send)
        }
        Some(Fault::AnswerLost) => Played::CarryOn(After::Lose),
        Some(Fault::NoRefreshToken) => Played::CarryOn(After::WithoutRefreshToken),
        // Ends when the client gives up, for then the handler is dropped, or when the server stops.
        Some(Fault::Hang) => std::future::pending().await,
        Some(Fault::Drop) => Played::Answer(disconnect(request)),
        Some(Fault::Aadsts {
            code,
            status,
            retry_after,
        }) => {
            let mut problem = Problem::aadsts(code);
            problem.status = status.unwrap_or(problem.status);
            let mut answer = problem.json(now);
            add_retry_after(&mut answer, retry_after);
            Played::Answer(answer)
        }
        Some(Fault::Http {
            status,
            body,
            content_type,
            retry_after,
        }) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let content_type =
                content_type.unwrap_or_else(|| "text/html; charset=utf-8".to_owned());
            let mut answer = HttpResponse::build(status)
                .content_type(content_type)
                .body(body);
            add_retry_after(&mut answer, retry_after);
            Played::Answer(answer)
        }
    }
}

fn add_retry_after(answer: &mut HttpResponse, seconds: Option<u64>) {
    if let Some(seconds) = seconds {
        answer
            .headers_mut()
            .insert(actix_web::http::header::RETRY_AFTER, seconds.into());
    }
}

/// A second handle on the connection's socket, by which a handler can close it under the server's feet.
struct Wire(TcpStream);

/// To be given to `HttpServer::on_connect`.
pub fn keep_wire(connection: &dyn Any, data: &mut Extensions) {
    let Some(stream) = connection.downcast_ref::<actix_web::rt::net::TcpStream>() else {
        return;
    };
    if let Ok(copy) = stream.as_fd().try_clone_to_owned() {
        data.insert(Wire(TcpStream::from(copy)));
    }
}

/// Closes the request's connection; the answer returned goes nowhere.
pub fn disconnect(request: &HttpRequest) -> HttpResponse {
    if let Some(wire) = request.conn_data::<Wire>() {
        // A failure means that the client has gone already, which is what was wanted.
        let _ = wire.0.shutdown(Shutdown::Both);
    }
    HttpResponse::NoContent().finish()
}
