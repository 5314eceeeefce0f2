//! A reader that refuses more than a command may bring, before it is buffered.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How much of the two ends of a line is kept: enough for a tag and a status in front, and
/// for `{18446744073709551615}` CR LF at the end.
const ENDS: usize = 32;

/// The error inside the [`io::Error`] when a server sends, or announces, more than allowed.
#[derive(Debug, thiserror::Error)]
#[error("the server sends {announced} bytes where {allowed} are allowed")]
pub(super) struct LimitExceeded {
    pub(super) announced: u64,
    pub(super) allowed: u64,
}

/// Wraps a stream and counts what is read against an allowance.
///
/// The parser behind it makes room for a literal (`{12345}` at the end of a line) as soon as it is
/// announced, so announcements are checked too, not only what has arrived.
#[derive(Debug)]
pub(super) struct Bounded<S> {
    inner: S,
    watch: Watch,
}

impl<S> Bounded<S> {
    pub(super) fn new(inner: S, allowance: u64) -> Self {
        Bounded {
            inner,
            watch: Watch {
                left: allowance,
                ..Watch::default()
            },
        }
    }

    /// Sets what may be read from here on.
    pub(super) fn allow(&mut self, bytes: u64) {
        self.watch.left = bytes;
    }

    pub(super) fn get_ref(&self) -> &S {
        &self.inner
    }

    pub(super) fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Bounded<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.inner).poll_read(cx, buf))?;
        Poll::Ready(
            this.watch
                .feed(&buf.filled()[before..])
                .map_err(io::Error::other),
        )
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Bounded<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().inner).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().inner).poll_shutdown(cx)
    }
}

/// Follows the lines and literals of a server's responses.
#[derive(Debug, Default)]
struct Watch {
    left: u64,
    literal: u64,
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Watch {
    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), LimitExceeded> {
        self.spend(bytes.len() as u64)?;
        while !bytes.is_empty() {
            if self.literal > 0 {
                let skipped = usize::try_from(self.literal)
                    .unwrap_or(usize::MAX)
                    .min(bytes.len());
                self.literal -= skipped as u64;
                bytes = &bytes[skipped..];
                continue;
            }
            let line_end = bytes.iter().position(|&byte| byte == b'\n');
            let taken = line_end.map_or(bytes.len(), |at| at + 1);
            self.remember(&bytes[..taken]);
            bytes = &bytes[taken..];
            if line_end.is_some() {
                self.line_ended(bytes.len() as u64)?;
            }
        }
        Ok(())
    }

    fn spend(&mut self, bytes: u64) -> Result<(), LimitExceeded> {
        match self.left.checked_sub(bytes) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(LimitExceeded {
                announced: bytes,
                allowed: self.left,
            }),
        }
    }

    fn remember(&mut self, part: &[u8]) {
        let room = ENDS.saturating_sub(self.head.len()).min(part.len());
        self.head.extend_from_slice(&part[..room]);
        self.tail
            .extend_from_slice(&part[part.len().saturating_sub(ENDS)..]);
        let excess = self.tail.len().saturating_sub(ENDS);
        self.tail.drain(..excess);
    }

    /// `here` bytes of what follows the line have arrived, and are paid for, already.
    fn line_ended(&mut self, here: u64) -> Result<(), LimitExceeded> {
        if let Some(announced) = announced_literal(&self.tail) {
            let allowed = self.left.saturating_add(here);
            if announced > allowed {
                return Err(LimitExceeded { announced, allowed });
            }
            // The text of a status response may end like an announcement without being one.
            if !is_status(&self.head) {
                self.literal = announced;
            }
        }
        self.head.clear();
        self.tail.clear();
        Ok(())
    }
}

/// The size in `{123}` CR LF at the end of a line.
fn announced_literal(tail: &[u8]) -> Option<u64> {
    let inside = tail.strip_suffix(b"}\r\n")?;
    let open = inside.iter().rposition(|&byte| byte == b'{')?;
    std::str::from_utf8(&inside[open + 1..]).ok()?.parse().ok()
}

/// Whether a line is a status response or a continuation, whose text is free.
fn is_status(head: &[u8]) -> bool {
    if head.first() == Some(&b'+') {
        return true;
    }
    let status = head
        .split(|byte| matches!(byte, b' ' | b'\r'))
        .nth(1)
        .unwrap_or_default();
    [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
        .iter()
        .any(|known| known.eq_ignore_ascii_case(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(allowance: u64) -> Watch {
        Watch {
            left: allowance,
            ..Watch::default()
        }
    }

    #[test]
    fn a_literal_within_the_allowance_passes_whatever_it_contains() {
        let response = b"* 1 FETCH (BODY[] {14}\r\na{999999999}\r\n)\r\nA1 OK done\r\n";
        // Byte by byte and at once, so that no boundary matters.
        let mut whole = watch(100);
        whole.feed(response).expect("allowed");
        let mut single = watch(100);
        for byte in response {
            single.feed(&[*byte]).expect("allowed");
        }
        assert_eq!(whole.left, single.left);
    }

    #[test]
    fn a_literal_beyond_the_allowance_is_refused_when_announced() {
        let error = watch(1000)
            .feed(b"* 1 FETCH (BODY[] {400000000}\r\n")
            .expect_err("too much");
        assert_eq!(error.announced, 400_000_000);
    }

    #[test]
    fn an_endless_line_is_refused_when_the_allowance_is_used_up() {
        let mut watch = watch(100);
        watch.feed(&[b'x'; 60]).expect("allowed");
        watch.feed(&[b'x'; 60]).expect_err("too much");
    }

    #[test]
    fn words_that_look_like_an_announcement_hide_nothing_behind_them() {
        let mut watch = watch(1000);
        watch.feed(b"* OK hello {500}\r\n").expect("allowed");
        watch
            .feed(b"* 1 FETCH (BODY[] {400000000}\r\n")
            .expect_err("still seen");
    }
}
