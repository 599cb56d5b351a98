//! A transport that tells each call: for `--debug`, and for the journal, which so says what ran on which host.

use std::{sync::Arc, time::Instant};

use async_trait::async_trait;
use edeliver_core::{event::EventKind, name::HostName};

use super::{Call, Reply, Stream, Transport, TransportError, around::Around};
use crate::report::Reporter;

/// Another transport, whose calls are told. Arguments and input are not: they may be anything, and are of no use without the script.
pub(super) struct Told {
    inner: Arc<dyn Transport>,
    reporter: Reporter,
}

impl Told {
    pub(super) fn new(inner: Arc<dyn Transport>, host: &HostName, reporter: &Reporter) -> Self {
        Self { inner, reporter: reporter.for_host(host) }
    }
    fn tell(&self, script: &str, began: Instant, status: Option<i32>) {
        let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.reporter.send(EventKind::Called { script: script.to_owned(), took_ms, status });
    }
}

#[async_trait]
impl Around for Told {
    fn inner(&self) -> &dyn Transport {
        &*self.inner
    }
    async fn call(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        let (script, began) = (call.script.name, Instant::now());
        let reply = self.inner.run(call).await;
        self.tell(script, began, reply.as_ref().ok().map(|reply| reply.status));
        reply
    }
    async fn stream(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        let began = Instant::now();
        let stream = self.inner.connect(port).await;
        self.tell(&format!("port {port}"), began, stream.as_ref().ok().map(|_| 0));
        stream
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::transport::{Local, Script};

    #[tokio::test]
    async fn each_call_is_told_with_its_status_but_not_with_its_arguments() {
        let (reporter, mut drafts) = Reporter::new();
        let told = Told::new(Arc::new(Local::new()), &"web1".parse().unwrap(), &reporter);
        let script = Script { name: "try.sh", text: "exit \"$1\"" };
        let reply = told.run(Call::new(script, ["3"], Duration::from_secs(20))).await.unwrap();
        assert_eq!(reply.status, 3);
        let draft = drafts.recv().await.unwrap();
        assert_eq!(draft.host.unwrap().as_str(), "web1");
        assert!(matches!(draft.kind, EventKind::Called { script, status: Some(3), .. } if script == "try.sh"));
        told.close().await;
        assert!(told.run(Call::new(script, ["0"], Duration::from_secs(20))).await.is_err());
        assert!(matches!(drafts.recv().await.unwrap().kind, EventKind::Called { status: None, .. }));
    }
}
