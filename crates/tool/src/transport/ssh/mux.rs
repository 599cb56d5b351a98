//! The client side of OpenSSH's multiplexing protocol, version 4 (PROTOCOL.mux in OpenSSH's source).
//!
//! One [`Mux`] is one connection to a master's control socket, and carries one session or one forwarded stream: the master ends that
//! when the connection closes. File descriptors travel beside the messages, so data never passes through this connection.

mod wire;

use std::{
    io::{self, IoSlice},
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, Interest},
    net::UnixStream,
};

use self::wire::{Answer, Request};

const VERSION: u32 = 4;
/// The longest message we take; OpenSSH's own limit.
const LONGEST: u32 = 256 * 1024;

const HELLO: u32 = 0x0000_0001;
const NEW_SESSION: u32 = 0x1000_0002;
const ALIVE_CHECK: u32 = 0x1000_0004;
const NEW_STDIO_FWD: u32 = 0x1000_0008;
const PERMISSION_DENIED: u32 = 0x8000_0002;
const FAILURE: u32 = 0x8000_0003;
const EXIT_MESSAGE: u32 = 0x8000_0004;
const ALIVE: u32 = 0x8000_0005;
const SESSION_OPENED: u32 = 0x8000_0006;

/// What a master answers, or doesn't.
#[derive(Debug, thiserror::Error)]
pub(super) enum MuxError {
    /// No master there, or it ended.
    #[error("there is no connection any more")]
    Gone(#[source] io::Error),
    /// The host (or the master) refused what was asked; other requests may still succeed.
    #[error("{0}")]
    Refused(String),
    /// An answer that the protocol has no place for.
    #[error("the ssh master answered with message {0:#x}")]
    Protocol(u32),
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// With this status.
    Status(u32),
    /// Without one: killed by a signal, or the connection is gone. The protocol doesn't tell.
    NoStatus,
}

/// A connection to a control socket.
#[derive(Debug)]
pub(super) struct Mux(UnixStream);

impl Mux {
    /// Connects and exchanges versions.
    ///
    /// # Errors
    /// [`MuxError::Gone`] if nobody listens there; [`MuxError::Protocol`] for another version.
    pub(super) async fn open(path: &Path) -> Result<Self, MuxError> {
        let mut mux = Self(UnixStream::connect(path).await.map_err(MuxError::Gone)?);
        let mut hello = mux.receive().await?;
        if (hello.number()?, hello.number()?) != (HELLO, VERSION) {
            return Err(MuxError::Protocol(HELLO));
        }
        mux.send(&Request::new(HELLO).number(VERSION)).await?;
        Ok(mux)
    }

    /// Asks whether the master is alive; its process id.
    ///
    /// # Errors
    /// See [`MuxError`].
    pub(super) async fn alive(&mut self) -> Result<u32, MuxError> {
        self.send(&Request::new(ALIVE_CHECK).number(0)).await?;
        let mut answer = self.answer(ALIVE).await?;
        answer.number()
    }

    /// Starts a command in a session with these as standard input, output and error: no terminal, no agent, no environment.
    ///
    /// # Errors
    /// [`MuxError::Refused`] if the host opens no further session.
    pub(super) async fn session(&mut self, command: &str, fds: [OwnedFd; 3]) -> Result<(), MuxError> {
        const NO_ESCAPE_CHARACTER: u32 = u32::MAX;
        let flags = Request::new(NEW_SESSION).number(0).string("").number(0).number(0).number(0).number(0);
        self.send(&flags.number(NO_ESCAPE_CHARACTER).string("").string(command)).await?;
        self.opened(fds).await
    }

    /// Connects to a port as seen from the host; bytes go in and out of these.
    ///
    /// # Errors
    /// [`MuxError::Refused`] if there is no such connection or the host forbids forwarding.
    pub(super) async fn stream(&mut self, host: &str, port: u16, fds: [OwnedFd; 2]) -> Result<(), MuxError> {
        self.send(&Request::new(NEW_STDIO_FWD).number(0).string("").string(host).number(port.into())).await?;
        self.opened(fds).await
    }

    /// Waits for the end of the session.
    pub(super) async fn exit(&mut self) -> Exit {
        loop {
            let Ok(mut message) = self.receive().await else { return Exit::NoStatus };
            if let (Ok(EXIT_MESSAGE), Ok(_session), Ok(status)) = (message.number(), message.number(), message.number()) {
                return Exit::Status(status);
            }
        }
    }

    async fn opened<const N: usize>(&mut self, fds: [OwnedFd; N]) -> Result<(), MuxError> {
        for fd in fds {
            self.pass(fd).await.map_err(MuxError::Gone)?;
        }
        self.answer(SESSION_OPENED).await.map(drop)
    }

    /// Hands a descriptor over: one byte with the descriptor beside it. Our copy is closed, or the far end would never see an end.
    async fn pass(&self, fd: OwnedFd) -> io::Result<()> {
        let send = || {
            let fds = [fd.as_fd()];
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut beside = SendAncillaryBuffer::new(&mut space);
            beside.push(SendAncillaryMessage::ScmRights(&fds));
            Ok(sendmsg(&self.0, &[IoSlice::new(&[0])], &mut beside, SendFlags::empty())?)
        };
        self.0.async_io(Interest::WRITABLE, send).await.map(drop)
    }

    async fn answer(&mut self, wanted: u32) -> Result<Answer, MuxError> {
        let mut message = self.receive().await?;
        let kind = message.number()?;
        let _request = message.number()?;
        match kind {
            kind if kind == wanted => Ok(message),
            FAILURE | PERMISSION_DENIED => Err(MuxError::Refused(message.text()?)),
            other => Err(MuxError::Protocol(other)),
        }
    }

    async fn send(&mut self, request: &Request) -> Result<(), MuxError> {
        self.0.write_all(&request.packet()).await.map_err(MuxError::Gone)
    }

    async fn receive(&mut self) -> Result<Answer, MuxError> {
        let length = self.0.read_u32().await.map_err(MuxError::Gone)?;
        if length > LONGEST {
            return Err(MuxError::Protocol(length));
        }
        let mut body = vec![0; length as usize];
        self.0.read_exact(&mut body).await.map_err(MuxError::Gone)?;
        Ok(Answer::new(body))
    }
}
