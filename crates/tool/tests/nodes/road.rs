//! This machine as a host whose ports are reached by a road that can be closed or cut.

use std::sync::Arc;

use async_trait::async_trait;
use edeliver::transport::{Call, Counts, GitRemote, Local, Reply, Stream, Transport, TransportError};
use tokio::sync::watch;

/// The host.
pub(crate) struct Road {
    inner: Local,
    closed: bool,
    cut: watch::Sender<bool>,
}

impl Road {
    pub(crate) fn open() -> Arc<Self> {
        Arc::new(Self { inner: Local::new(), closed: false, cut: watch::Sender::new(false) })
    }
    /// As an sshd with `AllowTcpForwarding no`.
    pub(crate) fn closed() -> Arc<Self> {
        Arc::new(Self { inner: Local::new(), closed: true, cut: watch::Sender::new(false) })
    }
    /// From now on no byte passes on any stream.
    pub(crate) fn cut(&self) {
        self.cut.send_replace(true);
    }
}

#[async_trait]
impl Transport for Road {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        self.inner.run(call).await
    }
    async fn connect(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        if self.closed {
            return Err(TransportError::Unreachable { why: "administratively prohibited".to_owned() });
        }
        let mut far = self.inner.connect(port).await?;
        let (near, mut ours) = tokio::io::duplex(64 << 10);
        let mut cut = self.cut.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut ours, &mut far) => {}
                _ = cut.wait_for(|cut| *cut) => {}
            }
        });
        Ok(Box::new(near))
    }
    fn git(&self, path: &str) -> GitRemote {
        self.inner.git(path)
    }
    fn counts(&self) -> Counts {
        self.inner.counts()
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}
