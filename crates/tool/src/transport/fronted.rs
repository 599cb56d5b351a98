//! A transport whose scripts have a piece of another one in front of them.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Call, Front, Reply, Transport, TransportError, around::Around};

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
impl Around for Fronted {
    fn inner(&self) -> &dyn Transport {
        &*self.inner
    }
    async fn call(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        let before = [self.front.clone()].into_iter().chain(call.before).collect();
        (self.judge)(self.inner.run(Call { before, ..call }).await?)
    }
}
