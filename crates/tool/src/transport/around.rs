//! Transports that stand around another one.

use async_trait::async_trait;

use super::{Call, Counts, GitRemote, Reply, Stream, Transport, TransportError};

/// Another transport, with something before and after its calls. All else is the other one's.
#[async_trait]
pub(super) trait Around: Send + Sync {
    /// The other one.
    fn inner(&self) -> &dyn Transport;
    /// See [`Transport::run`].
    async fn call(&self, call: Call<'_>) -> Result<Reply, TransportError>;
    /// See [`Transport::connect`].
    async fn stream(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.inner().connect(port).await
    }
}

#[async_trait]
impl<T: Around> Transport for T {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        self.call(call).await
    }
    fn another_follows(&self) {
        self.inner().another_follows();
    }
    async fn connect(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.stream(port).await
    }
    fn git(&self, path: &str) -> GitRemote {
        self.inner().git(path)
    }
    fn terminal(&self, script: &str) -> Option<tokio::process::Command> {
        self.inner().terminal(script)
    }
    fn is_single(&self) -> bool {
        self.inner().is_single()
    }
    fn is_far(&self) -> bool {
        self.inner().is_far()
    }
    fn counts(&self) -> Counts {
        self.inner().counts()
    }
    async fn close(&self) {
        self.inner().close().await;
    }
}
