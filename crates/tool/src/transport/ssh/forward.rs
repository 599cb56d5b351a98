//! A byte stream to a port on the host's loopback, without a listener on this side.

use std::{
    io,
    os::unix::net::UnixStream as Pair,
    path::Path,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::UnixStream,
    time::timeout,
};

use super::mux::{Mux, MuxError};

/// How long the host may take to connect to a port of its own.
const CONNECTING: Duration = Duration::from_secs(15);

/// The stream; the master ends it when the [`Mux`] is dropped.
#[derive(Debug)]
pub(super) struct Forward {
    stream: UnixStream,
    _mux: Mux,
}

impl Forward {
    pub(super) async fn open(socket: &Path, port: u16) -> Result<Self, MuxError> {
        let (ours, far) = Pair::pair().map_err(MuxError::Gone)?;
        ours.set_nonblocking(true).map_err(MuxError::Gone)?;
        let stream = UnixStream::from_std(ours).map_err(MuxError::Gone)?;
        let far = [far.try_clone().map_err(MuxError::Gone)?.into(), far.into()];
        let open = async {
            let mut mux = Mux::open(socket).await?;
            mux.stream("127.0.0.1", port, far).await?;
            Ok(mux)
        };
        match timeout(CONNECTING, open).await {
            Ok(mux) => Ok(Self { stream, _mux: mux? }),
            Err(_) => Err(MuxError::Refused("no answer".to_owned())),
        }
    }
}

impl AsyncRead for Forward {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Forward {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
