//! A pipe between a thread that blocks and a task that doesn't.
//!
//! It holds a few pieces at most. An end is an end only if it was said: when the writing side vanishes, the reading side gets an
//! error.

use std::{
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, ReadBuf},
    sync::mpsc::{self, Receiver, Sender},
};

/// Bytes in a piece, and pieces in the pipe: enough that neither side waits for the other's scheduling.
const PIECE: usize = 64 * 1024;
const PIECES: usize = 4;

/// What goes through the pipe.
enum Message {
    Piece(Vec<u8>),
    End,
    Failed(io::Error),
}

/// A pipe from a thread to a task.
pub(super) fn to_task() -> (Inlet, Outlet) {
    let (to, from) = mpsc::channel(PIECES);
    (Inlet { to, piece: Vec::with_capacity(PIECE) }, Outlet { from, piece: Vec::new(), at: 0, ended: false })
}

/// A pipe from a task to a thread: the task runs [`Feed::all_of`].
pub(super) fn to_thread() -> (Feed, Drain) {
    let (to, from) = mpsc::channel(PIECES);
    (Feed { to }, Drain { from, piece: Vec::new(), at: 0, ended: false })
}

fn vanished() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the writing side is gone")
}

/// The writing side in a thread. To be ended by [`Inlet::end`] or [`Fail::fail`].
pub(super) struct Inlet {
    to: Sender<Message>,
    piece: Vec<u8>,
}

impl Inlet {
    /// A way to report failure while something else holds the inlet.
    pub(super) fn failure(&self) -> Fail {
        Fail { to: self.to.clone() }
    }
    /// Says that this was all.
    pub(super) fn end(mut self) -> io::Result<()> {
        self.flush()?;
        self.send(Message::End)
    }
    fn send(&self, message: Message) -> io::Result<()> {
        self.to.blocking_send(message).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}
impl Write for Inlet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(PIECE - self.piece.len());
        self.piece.extend_from_slice(&bytes[..count]);
        if self.piece.len() == PIECE {
            self.flush()?;
        }
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.send(Message::Piece(piece))
    }
}

/// Reports the failure of a writing side.
pub(super) struct Fail {
    to: Sender<Message>,
}

impl Fail {
    /// The reading side gets this error after what was written before. What is written later it doesn't see.
    pub(super) fn fail(self, error: io::Error) {
        // Nobody reads any more: nobody to tell.
        let _ = self.to.blocking_send(Message::Failed(error));
    }
}

/// The reading side in a task.
pub(super) struct Outlet {
    from: Receiver<Message>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl AsyncRead for Outlet {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        while self.at == self.piece.len() && !self.ended {
            match std::task::ready!(self.from.poll_recv(context)) {
                Some(Message::Piece(piece)) => (self.piece, self.at) = (piece, 0),
                Some(Message::End) => self.ended = true,
                // Closed, so that later reads fail too.
                Some(Message::Failed(error)) => {
                    self.from.close();
                    while self.from.try_recv().is_ok() {}
                    return Poll::Ready(Err(error));
                }
                None => return Poll::Ready(Err(vanished())),
            }
        }
        let rest = &self.piece[self.at..];
        let count = rest.len().min(buffer.remaining());
        buffer.put_slice(&rest[..count]);
        self.at += count;
        Poll::Ready(Ok(()))
    }
}

/// The writing side in a task.
pub(super) struct Feed {
    to: Sender<Message>,
}

impl Feed {
    /// Sends all that can be read, or the error met. Ends at once when nobody reads any more.
    pub(super) async fn all_of(self, mut from: impl AsyncRead + Unpin) {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let read = tokio::select! {
                () = self.to.closed() => return,
                read = from.read_buf(&mut piece) => read,
            };
            let message = match read {
                Ok(0) => Message::End,
                Ok(_) => Message::Piece(piece),
                Err(error) => Message::Failed(error),
            };
            let last = !matches!(message, Message::Piece(_));
            if self.to.send(message).await.is_err() || last {
                return;
            }
        }
    }
}

/// The reading side in a thread.
pub(super) struct Drain {
    from: Receiver<Message>,
    piece: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Read for Drain {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() && !self.ended {
            match self.from.blocking_recv() {
                Some(Message::Piece(piece)) => (self.piece, self.at) = (piece, 0),
                Some(Message::End) => self.ended = true,
                Some(Message::Failed(error)) => return Err(error),
                None => return Err(vanished()),
            }
        }
        let count = Read::read(&mut &self.piece[self.at..], buffer)?;
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{spawn, spawn_blocking};

    use super::*;

    #[tokio::test]
    async fn an_end_must_be_said_by_a_thread() {
        for said in [true, false] {
            let (mut inlet, mut outlet) = to_task();
            let writing = spawn_blocking(move || {
                inlet.write_all(&[7; 200_000])?;
                inlet.flush()?;
                if said { inlet.end() } else { Ok(()) }
            });
            let mut bytes = Vec::new();
            let read = outlet.read_to_end(&mut bytes).await;
            writing.await.unwrap().unwrap();
            assert_eq!((read.is_ok(), bytes.len()), (said, 200_000));
        }
    }

    #[tokio::test]
    async fn a_task_that_is_dropped_is_no_end() {
        let (feed, mut drain) = to_thread();
        let (mut to, from) = tokio::io::duplex(64);
        let feeding = spawn(feed.all_of(from));
        tokio::io::AsyncWriteExt::write_all(&mut to, b"begun").await.unwrap();
        let reading = spawn_blocking(move || {
            let mut bytes = vec![0; 5];
            drain.read_exact(&mut bytes).unwrap();
            (drain.read_to_end(&mut bytes).unwrap_err().kind(), bytes)
        });
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        feeding.abort();
        assert_eq!(reading.await.unwrap(), (io::ErrorKind::UnexpectedEof, b"begun".to_vec()));
    }

    #[tokio::test]
    async fn a_task_ends_when_the_thread_has_gone() {
        let (feed, drain) = to_thread();
        let (_to, from) = tokio::io::duplex(64);
        let feeding = spawn(feed.all_of(from));
        drop(drain);
        feeding.await.unwrap();
    }
}
