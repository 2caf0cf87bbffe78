//! A connection's bytes on their way to hyper: one whole, judged head at a time, and no more after it than its body.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, BytesMut};
use hyper::rt::{Read, ReadBufCursor, Write};
use tokio::net::TcpStream;

use crate::serve::head::{self, Framing, Head, MAX_HEAD};
use crate::serve::phase::Progress;

/// What hyper gets in place of a head that is refused. The answer is the refusal whatever it asks.
const STAND_IN: &[u8] = b"GET / HTTP/1.1\r\nhost: refused\r\n\r\n";
/// How much is read at a time.
const PIECE: usize = 4 * 1024;

/// The connection, as hyper has it.
pub(super) struct Gate {
    stream: Arc<TcpStream>,
    progress: Arc<Progress>,
    read: BytesMut,
    owed: Owed,
    has_ended: bool,
}

/// What hyper may read before the next head is judged.
enum Owed {
    Bytes(u64),
    /// A chunked body, whose end hyper finds. The connection ends after it.
    Everything,
}

impl Gate {
    pub(super) fn new(stream: Arc<TcpStream>, progress: Arc<Progress>) -> Self {
        Self { stream, progress, read: BytesMut::new(), owed: Owed::Bytes(0), has_ended: false }
    }

    /// Reads what has come. Ready with whether there was anything.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if self.has_ended {
            return Poll::Ready(Ok(false));
        }
        let mut piece = [0; PIECE];
        loop {
            ready!(self.stream.poll_read_ready(cx))?;
            match self.stream.try_read(&mut piece) {
                Ok(count) => {
                    self.read.extend_from_slice(piece.get(..count).unwrap_or_default());
                    self.has_ended = count == 0;
                    return Poll::Ready(Ok(count > 0));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Waits for a head, and says what hyper may read of it and its body. Ready with nothing at the connection's end.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<Owed>>> {
        loop {
            if !self.progress.takes_head() {
                // One request at a time. Until its answer is written, only a client that leaves is of interest.
                if self.read.len() < MAX_HEAD && ready!(self.poll_fill(cx))? {
                    continue;
                }
                return if self.read.is_empty() && self.has_ended { Poll::Ready(Ok(None)) } else { Poll::Pending };
            }
            // RFC 9112 2.2: empty lines before a request are ignored.
            while self.read.starts_with(b"\r\n") {
                self.read.advance(2);
            }
            if !self.read.is_empty() {
                self.progress.head_begins();
            }
            match head::read(&self.read) {
                Head::Complete { length, body: Framing::Length(body) } => {
                    self.progress.request_begins(false);
                    let head = u64::try_from(length).unwrap_or(u64::MAX);
                    return Poll::Ready(Ok(Some(Owed::Bytes(head.saturating_add(body)))));
                }
                Head::Complete { body: Framing::Chunked, .. } => {
                    self.progress.request_begins(true);
                    return Poll::Ready(Ok(Some(Owed::Everything)));
                }
                Head::Refused(refusal) => {
                    self.progress.refuse(refusal);
                    self.read = BytesMut::from(STAND_IN);
                    return Poll::Ready(Ok(Some(Owed::Everything)));
                }
                Head::Incomplete => {
                    if !ready!(self.poll_fill(cx))? {
                        return Poll::Ready(Ok(None));
                    }
                }
            }
        }
    }
}

impl Read for Gate {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, mut out: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let gate = self.get_mut();
        if let Owed::Bytes(0) = gate.owed {
            match ready!(gate.poll_head(cx))? {
                Some(owed) => gate.owed = owed,
                None => return Poll::Ready(Ok(())),
            }
        }
        if gate.read.is_empty() && !ready!(gate.poll_fill(cx))? {
            return Poll::Ready(Ok(()));
        }
        let mut count = gate.read.len().min(out.remaining());
        if let Owed::Bytes(owed) = &mut gate.owed {
            count = count.min(usize::try_from(*owed).unwrap_or(usize::MAX));
            *owed = owed.saturating_sub(u64::try_from(count).unwrap_or(u64::MAX));
        }
        out.put_slice(&gate.read.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl Write for Gate {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.stream.poll_write_ready(cx))?;
            match self.stream.try_write_vectored(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.progress.written() && (!self.read.is_empty() || self.has_ended) {
            // The next head waits here already: hyper last heard that there was nothing to read.
            cx.waker().wake_by_ref();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection's end is the accept loop's: it waits for what the client still sends.
        Poll::Ready(Ok(()))
    }
}
