//! Clients that are so slow that they only hold connections: requests that come in drops, and answers that nobody reads.
//!
//! The head of a request has five seconds, by the HTTP server itself.

use std::cell::Cell;
use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::web::Bytes;
use actix_web::{HttpMessage as _, HttpResponse};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep_until};

/// How long the body of a request may take, however short it is.
const ANY_BODY: Duration = Duration::from_secs(20);
/// How much longer each of its bytes may take: 4 KiB a second.
const EACH_BYTE: Duration = Duration::from_nanos(1_000_000_000 / 4096);
/// How long an answer may wait for its reader, in milliseconds.
const UNREAD: u32 = 30_000;

/// Has the system end connections whose other side reads nothing for a while. Those that are taken from a listener
/// are as it is.
pub fn limit_unread(listener: &TcpListener) {
    #[cfg(target_os = "linux")]
    {
        use nix::sys::socket::{setsockopt, sockopt::TcpUserTimeout};
        if let Err(error) = setsockopt(listener, TcpUserTimeout, &UNREAD) {
            tracing::debug!(%error, "readers that do not read cannot be limited here");
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (listener, UNREAD);
}

/// Answers a request whose body comes too slowly with status 408, and hangs up.
pub async fn keep<B: MessageBody>(
    mut request: ServiceRequest,
    next: Next<B>,
) -> actix_web::Result<ServiceResponse<EitherBody<B>>> {
    let is_late = Rc::new(Cell::new(false));
    match request.take_payload() {
        Payload::None => {}
        body => {
            let payload: Pin<Box<dyn Stream<Item = _>>> = Box::pin(Paced {
                body,
                received: 0,
                timer: None,
                is_late: Rc::clone(&is_late),
            });
            request.set_payload(Payload::Stream { payload });
        }
    }
    let answer = next.call(request).await?;
    if !is_late.get() {
        return Ok(answer.map_into_left_body());
    }
    let refusal = HttpResponse::RequestTimeout()
        .insert_header(header::ContentType::plaintext())
        .force_close()
        .body("The request came too slowly. Send it again over a better line.");
    Ok(answer.into_response(refusal).map_into_right_body())
}

/// A body that has to come in time.
struct Paced {
    body: Payload,
    received: u32,
    timer: Option<(Instant, Pin<Box<Sleep>>)>,
    is_late: Rc<Cell<bool>>,
}

impl Stream for Paced {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let (begin, timer) = this.timer.get_or_insert_with(|| {
            let begin = Instant::now();
            (begin, Box::pin(sleep_until(begin + ANY_BODY)))
        });
        if let Poll::Ready(next) = Pin::new(&mut this.body).poll_next(context) {
            if let Some(Ok(bytes)) = &next {
                let count = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
                this.received = this.received.saturating_add(count);
                let time = ANY_BODY + EACH_BYTE.saturating_mul(this.received);
                timer.as_mut().reset(*begin + time);
            }
            return Poll::Ready(next);
        }
        ready!(timer.as_mut().poll(context));
        this.is_late.set(true);
        let late = io::Error::new(io::ErrorKind::TimedOut, "the request came too slowly");
        Poll::Ready(Some(Err(PayloadError::Io(late))))
    }
}
