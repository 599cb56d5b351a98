//! The two outputs of a call: marks taken out, what start-up files print dropped, the rest brought to where it belongs.

use std::{collections::VecDeque, io};

use edeliver_core::event::StdStream;
use tokio::{
    io::{AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::unix::pipe,
};

use super::{Mark, Output, Reply, TransportError};
use crate::{
    report::printable,
    transport::{
        Listener,
        marks::{Piece, Scanner},
    },
};

/// The last lines that a reply keeps.
const TAIL: usize = 40;
/// What a reply's collected output may take.
const COLLECT: usize = 64 << 20;
/// A longer line is cut into pieces of this size: output without line ends must not fill the memory.
const LINE: usize = 16 << 10;
/// What is kept of the output before the begin mark, to say what came instead of it.
const NOISE: usize = 2 << 10;

/// Where standard output goes.
pub(super) enum Sink<'a> {
    Collect(Vec<u8>),
    Lines(&'a mut (dyn FnMut(&str) + Send)),
    Heard(&'a mut dyn Listener),
    Stream(&'a mut (dyn AsyncWrite + Send + Unpin)),
}

impl<'a> From<&'a mut Output<'_>> for Sink<'a> {
    fn from(output: &'a mut Output<'_>) -> Self {
        match output {
            Output::Collect => Self::Collect(Vec::new()),
            Output::Lines(each) => Self::Lines(&mut **each),
            Output::Heard(listener) => Self::Heard(&mut **listener),
            Output::Stream(to) => Self::Stream(&mut **to),
        }
    }
}

/// Both outputs of one call.
pub(super) struct Reader<'a> {
    stdout: Side,
    stderr: Side,
    keep: Keep<'a>,
}

/// What is made of the outputs.
struct Keep<'a> {
    sink: Sink<'a>,
    tail: VecDeque<String>,
    noise: Vec<u8>,
    late: bool,
}

/// Bytes that lie in the buffer of one side.
pub(super) struct Filled {
    is_stdout: bool,
    count: usize,
}

/// One of the two.
struct Side {
    pipe: pipe::Receiver,
    scanner: Scanner,
    buffer: Vec<u8>,
    line: Vec<u8>,
    is_stdout: bool,
    begun: bool,
    closed: bool,
    status: Option<i32>,
}

impl Side {
    fn new(pipe: pipe::Receiver, mark: Vec<u8>, is_stdout: bool) -> Self {
        let buffer = vec![0; 64 << 10];
        Self { pipe, scanner: Scanner::new(mark), buffer, line: Vec::new(), is_stdout, begun: false, closed: false, status: None }
    }
    fn done(&self) -> bool {
        self.closed || self.status.is_some()
    }
    /// Waits for bytes. Safe to drop: nothing is taken from the pipe before it is kept.
    async fn fill(&mut self) -> usize {
        // A pipe's read error means what its end means: nothing more will come.
        self.pipe.read(&mut self.buffer).await.unwrap_or(0)
    }
    async fn take(&mut self, count: usize, keep: &mut Keep<'_>) -> Result<(), TransportError> {
        self.closed = count == 0;
        self.scanner.push(&self.buffer[..count]);
        while let Some(piece) = self.scanner.next(self.closed) {
            match piece {
                Piece::Mark(Mark::Begin) => self.begun = true,
                Piece::Mark(Mark::End(status)) => self.status = Some(status),
                Piece::Mark(Mark::Late) => keep.late = true,
                Piece::Mark(Mark::Beat) => {}
                Piece::Data(_) if self.status.is_some() => {}
                Piece::Data(range) if !self.begun => keep.noise(self.scanner.data(range)),
                Piece::Data(range) => keep.data(self.is_stdout, self.scanner.data(range), &mut self.line).await?,
            }
        }
        if self.done() && !self.line.is_empty() {
            keep.line(self.is_stdout, &std::mem::take(&mut self.line)).await;
        }
        Ok(())
    }
}

impl Keep<'_> {
    fn noise(&mut self, bytes: &[u8]) {
        let room = NOISE.saturating_sub(self.noise.len());
        self.noise.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
    async fn data(&mut self, is_stdout: bool, bytes: &[u8], line: &mut Vec<u8>) -> Result<(), TransportError> {
        match &mut self.sink {
            Sink::Collect(all) if is_stdout => {
                if all.len() + bytes.len() > COLLECT {
                    return Err(TransportError::here("a script's output can't be kept", io::ErrorKind::FileTooLarge.into()));
                }
                all.extend_from_slice(bytes);
            }
            Sink::Stream(to) if is_stdout => {
                to.write_all(bytes).await.map_err(|error| TransportError::here("a script's output can't be written", error))?;
            }
            _ => self.lines(is_stdout, bytes, line).await,
        }
        Ok(())
    }
    async fn lines(&mut self, is_stdout: bool, bytes: &[u8], line: &mut Vec<u8>) {
        for part in bytes.split_inclusive(|b| *b == b'\n') {
            line.extend_from_slice(part);
            if part.ends_with(b"\n") || line.len() > LINE {
                self.line(is_stdout, &std::mem::take(line)).await;
            }
        }
    }
    async fn line(&mut self, is_stdout: bool, line: &[u8]) {
        let text = String::from_utf8_lossy(line);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        match &mut self.sink {
            Sink::Lines(each) => each(text),
            Sink::Heard(listener) => {
                listener.line(if is_stdout { StdStream::Stdout } else { StdStream::Stderr }, text).await;
            }
            Sink::Collect(_) | Sink::Stream(_) => {}
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(printable(text));
    }
}

impl<'a> Reader<'a> {
    /// Reads both pipes for marks that start with `mark`.
    pub(super) fn new(stdout: pipe::Receiver, stderr: pipe::Receiver, mark: Vec<u8>, sink: Sink<'a>) -> Self {
        let keep = Keep { sink, tail: VecDeque::new(), noise: Vec::new(), late: false };
        Self { stdout: Side::new(stdout, mark.clone(), true), stderr: Side::new(stderr, mark, false), keep }
    }
    /// Have both come to their end?
    pub(super) fn is_done(&self) -> bool {
        self.stdout.done() && self.stderr.done()
    }
    /// Waits for bytes on either pipe. Safe to drop: what has been read is kept.
    pub(super) async fn fill(&mut self) -> Filled {
        let Self { stdout, stderr, .. } = self;
        tokio::select! {
            count = stdout.fill(), if !stdout.done() => Filled { is_stdout: true, count },
            count = stderr.fill(), if !stderr.done() => Filled { is_stdout: false, count },
            else => Filled { is_stdout: false, count: 0 },
        }
    }
    /// Brings the bytes to where they belong.
    ///
    /// # Errors
    /// [`TransportError::Here`] if the output can't be kept or passed on.
    pub(super) async fn take(&mut self, filled: Filled) -> Result<(), TransportError> {
        let side = if filled.is_stdout { &mut self.stdout } else { &mut self.stderr };
        side.take(filled.count, &mut self.keep).await
    }
    /// The status, once both outputs are complete.
    pub(super) fn status(&self) -> Option<i32> {
        self.stderr.status.and(self.stdout.status)
    }
    /// Has the script been started?
    pub(super) fn begun(&self) -> bool {
        self.stdout.begun || self.stderr.begun
    }
    /// Has the host ended the script because its time was over?
    pub(super) fn late(&self) -> bool {
        self.keep.late
    }
    /// What came instead of the begin mark.
    pub(super) fn noise(&self, silent: bool) -> String {
        let text = String::from_utf8_lossy(&self.keep.noise);
        let said = text
            .lines()
            .map(printable)
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .take(5)
            .collect::<Vec<_>>()
            .join("; ");
        match (said.is_empty(), silent) {
            (false, _) => said,
            (true, true) => "it gave no answer".to_owned(),
            (true, false) => "it ended without a word".to_owned(),
        }
    }
    /// The last lines.
    pub(super) fn into_tail(self) -> Vec<String> {
        self.keep.tail.into()
    }
    /// The reply of a script that has ended.
    ///
    /// # Errors
    /// [`TransportError::Here`] if streamed output can't be written to the end.
    pub(super) async fn into_reply(self, status: i32) -> Result<Reply, TransportError> {
        let stdout = match self.keep.sink {
            Sink::Collect(all) => all,
            Sink::Lines(_) | Sink::Heard(_) => Vec::new(),
            Sink::Stream(to) => {
                to.shutdown().await.map_err(|error| TransportError::here("a script's output can't be written", error))?;
                Vec::new()
            }
        };
        let noise = String::from_utf8_lossy(&self.keep.noise).lines().map(|line| printable(line) + "\n").collect();
        Ok(Reply { status, stdout, tail: self.keep.tail.into(), noise })
    }
}
