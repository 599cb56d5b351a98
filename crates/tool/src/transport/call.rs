//! One call over three pipes: sending the script and its input, reading what comes back, noticing how it ended.
//!
//! Knows nothing of ssh: whoever can start [`BOOTSTRAP`](super::wrapper::BOOTSTRAP) somewhere with three pipes has a transport.

mod reader;

use std::{fmt, future::Future, io, os::fd::OwnedFd, pin::Pin, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::ioctl_fionbio,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
    time::{Instant, timeout, timeout_at},
};

use self::reader::{Reader, Sink};
use super::{
    Call, Input, Output, Reply, TransportError,
    marks::Mark,
    wrapper::{Nonce, preamble},
};

/// No sign of life for this long (the wrapper beats every second) and the link counts as lost. Generous, because a host that swaps
/// or compiles on all cores is not gone; our own ssh connections notice a cut link sooner by themselves.
const SILENCE: Duration = Duration::from_secs(30);

/// A login shell whose start-up files take longer than this is taken for one that will never run the command.
const START: Duration = Duration::from_secs(60);

/// What any longer timeout means; clocks can't count to [`Duration::MAX`].
const FOREVER: Duration = Duration::from_secs(1_000_000_000);

/// How a far process ended, as far as the channel tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// It ended, with a status or by a signal.
    Process,
    /// The channel broke.
    Link,
}

/// [`BOOTSTRAP`](super::wrapper::BOOTSTRAP), running somewhere.
pub(super) struct Channel {
    /// Its pipes.
    pub(super) near: NearEnds,
    /// Resolves when it has ended; not to be waited for before the output has been read. Dropping it gives the channel up.
    pub(super) ended: Pin<Box<dyn Future<Output = Ended> + Send>>,
}

/// The far ends of a channel's pipes, in the order of their numbers.
pub(super) type FarEnds = [OwnedFd; 3];

/// Our ends of a channel's pipes.
pub(super) struct NearEnds {
    stdin: pipe::Sender,
    stdout: pipe::Receiver,
    stderr: pipe::Receiver,
    /// How much of the preamble is in the pipe already.
    sent: usize,
}

impl NearEnds {
    /// Whether the far end still has its output open.
    pub(super) fn is_open(&self) -> bool {
        let mut fds = [PollFd::new(&self.stdout, PollFlags::IN)];
        matches!(poll(&mut fds, Some(&Timespec::default())), Ok(0))
    }
}

impl fmt::Debug for NearEnds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NearEnds").finish_non_exhaustive()
    }
}

/// Three pipes, the first with as much of `preamble` in it as fits: so it is there when the far shell starts, without waiting for us.
pub(super) fn pipes(preamble: &[u8]) -> io::Result<(NearEnds, FarEnds)> {
    let ((stdin, near_in), (near_out, stdout), (near_err, stderr)) = (io::pipe()?, io::pipe()?, io::pipe()?);
    ioctl_fionbio(&near_in, true)?;
    let sent = rustix::io::write(&near_in, preamble).unwrap_or(0);
    let near = NearEnds {
        stdin: pipe::Sender::from_owned_fd(near_in.into())?,
        stdout: pipe::Receiver::from_owned_fd(near_out.into())?,
        stderr: pipe::Receiver::from_owned_fd(near_err.into())?,
        sent,
    };
    Ok((near, [stdin.into(), stdout.into(), stderr.into()]))
}

/// A call, and how it is put to the far shell.
pub(super) struct Prepared<'a> {
    call: Call<'a>,
    nonce: Nonce,
    preamble: Vec<u8>,
}

impl<'a> Prepared<'a> {
    /// # Errors
    /// [`TransportError::Here`] for arguments that no shell can hold.
    pub(super) fn new(call: Call<'a>) -> Result<Self, TransportError> {
        let nonce = Nonce::new();
        let preamble = preamble(&call, &nonce)?;
        Ok(Self { call, nonce, preamble })
    }
    /// For [`pipes`].
    pub(super) fn preamble(&self) -> &[u8] {
        &self.preamble
    }
    /// Runs the call on a channel. Dropping the future drops the channel, and with it the pipe that the wrapper's beat goes into.
    ///
    /// # Errors
    /// See [`TransportError`]; a script that ran to its end is never an error here.
    pub(super) async fn run(mut self, channel: Channel) -> Result<Reply, TransportError> {
        let Channel { near: NearEnds { stdin, stdout, stderr, sent }, mut ended } = channel;
        let input = std::mem::replace(&mut self.call.input, Input::Empty);
        self.preamble.drain(..sent);
        let (script, after) = (self.call.script.name, self.call.timeout);
        let mut reader = Reader::new(stdout, stderr, self.nonce.mark(), Sink::from(&mut self.call.output));
        // The host's timer decides. Ours is for a host that doesn't answer, and later by more than the timer of a busy shell may drift.
        let patience = after.min(FOREVER);
        let deadline = Instant::now() + patience + patience / 20 + Duration::from_secs(5);
        let end = match timeout_at(deadline, exchange(&mut reader, send(stdin, self.preamble, input))).await {
            Ok(end) => end?,
            Err(_) => return Err(TransportError::Timeout { script, after, tail: reader.into_tail() }),
        };
        match end {
            _ if reader.late() => Err(TransportError::Timeout { script, after, tail: reader.into_tail() }),
            End::Status(status) => {
                // The far session is still there for a moment; who counts sessions must not count it as ended yet.
                tokio::spawn(timeout(Duration::from_secs(5), ended));
                reader.into_reply(status).await
            }
            _ if reader.begun() => Err(TransportError::LinkLost { script }),
            end => match timeout(Duration::from_secs(2), &mut ended).await {
                Ok(Ended::Link) => Err(TransportError::LinkLost { script }),
                _ => Err(TransportError::NoShell { why: reader.noise(end == End::Silent) }),
            },
        }
    }
}

/// How the exchange came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By the end mark.
    Status(i32),
    /// Both outputs were closed without one.
    Closed,
    /// Nothing came for too long.
    Silent,
}

/// Sends and reads at the same time, until the end mark has come on both outputs or there will be none.
async fn exchange(reader: &mut Reader<'_>, send: impl Future<Output = Result<(), TransportError>>) -> Result<End, TransportError> {
    let mut read = std::pin::pin!(read(reader));
    tokio::select! {
        end = &mut read => return end,
        sent = send => sent?,
    }
    read.await
}

async fn read(reader: &mut Reader<'_>) -> Result<End, TransportError> {
    while !reader.is_done() {
        let patience = if reader.begun() { SILENCE } else { START };
        let Ok(read) = timeout(patience, reader.fill()).await else { return Ok(End::Silent) };
        reader.take(read).await?;
    }
    Ok(reader.status().map_or(End::Closed, End::Status))
}

/// Sends everything and closes the pipe. A script that doesn't read its input to the end is within its rights.
async fn send(mut stdin: pipe::Sender, preamble: Vec<u8>, input: Input) -> Result<(), TransportError> {
    if stdin.write_all(&preamble).await.is_err() {
        return Ok(());
    }
    match input {
        Input::Empty => {}
        Input::Bytes(bytes) => drop(stdin.write_all(&bytes).await),
        Input::Stream(mut from) => {
            let mut buffer = vec![0; 256 * 1024];
            loop {
                let count = from.read(&mut buffer).await.map_err(TransportError::Input)?;
                if count == 0 || stdin.write_all(&buffer[..count]).await.is_err() {
                    break;
                }
            }
        }
    }
    Ok(())
}
