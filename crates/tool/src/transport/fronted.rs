//! A transport whose scripts have a piece of another one in front of them.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Counts, Front, GitRemote, Reply, Stream, Transport, TransportError};

/// What a reply means, when the front may have ended the script.
type Judge = fn(Reply) -> Result<Reply, TransportError>;

/// Another transport. The front comes before all that a call has in front of its script already.
pub(crate) struct Fronted {
    inner: Arc<dyn Transport>,
    front: Front,
    judge: Judge,
}

impl Fronted {
    pub(crate) fn new(inner: Arc<dyn Transport>, front: Front, judge: Judge) -> Self {
        Self { inner, front, judge }
    }
}

#[async_trait]
impl Transport for Fronted {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        let before = [self.front.clone()].into_iter().chain(call.before).collect();
        (self.judge)(self.inner.run(Call { before, ..call }).await?)
    }
    fn another_follows(&self) {
        self.inner.another_follows();
    }
    async fn connect(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.inner.connect(port).await
    }
    fn git(&self, path: &str) -> GitRemote {
        self.inner.git(path)
    }
    fn terminal(&self, script: &str) -> Option<tokio::process::Command> {
        self.inner.terminal(script)
    }
    fn is_single(&self) -> bool {
        self.inner.is_single()
    }
    fn counts(&self) -> Counts {
        self.inner.counts()
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}
