//! A transport for the scripts of a run that holds a lease.

use std::sync::Arc;

use async_trait::async_trait;
use edeliver_core::lease::Token;

use super::script::{FENCE, FENCED, FENCED_BY};
use crate::{
    node::Place,
    transport::{Call, Counts, Front, GitRemote, Reply, Stream, Transport, TransportError},
};

/// Another transport, whose scripts do nothing where the lease is not this run's any more.
pub struct Fenced {
    inner: Arc<dyn Transport>,
    args: Vec<String>,
}

impl Fenced {
    pub(super) fn new(inner: Arc<dyn Transport>, place: &Place, token: Token) -> Self {
        Self { inner, args: vec![place.root.to_string(), token.to_string()] }
    }
}

#[async_trait]
impl Transport for Fenced {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        let fence = Front { text: FENCE, args: self.args.clone() };
        let before = [fence].into_iter().chain(call.before).collect();
        let reply = self.inner.run(Call { before, ..call }).await?;
        match (reply.status, reply.tail.last().and_then(|line| line.strip_prefix(FENCED_BY))) {
            (FENCED, Some(who)) => Err(TransportError::Fenced { by: who.to_owned() }),
            _ => Ok(reply),
        }
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
