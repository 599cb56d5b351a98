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
    /// Sends all that can be read, or the error met. Ends early when nobody reads any more.
    pub(super) async fn all_of(self, mut from: impl AsyncRead + Unpin) {
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let message = match from.read_buf(&mut piece).await {
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
