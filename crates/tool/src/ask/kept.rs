//! Connections for one question, or for many.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard},
};

use edeliver_core::{config::HostSpec, name::HostName};

use crate::{
    error::{Error, Kind},
    transport::{self, Limits, Transport},
};

/// Connections that stay open between questions, until their host can't be reached over them any more.
#[derive(Clone, Default)]
pub(crate) struct Kept(Arc<Mutex<HashMap<HostName, Arc<dyn Transport>>>>);

impl Kept {
    /// Ends them.
    pub(crate) async fn close(&self) {
        let all: Vec<_> = self.lock().drain().map(|(_, open)| open).collect();
        for open in all {
            open.close().await;
        }
    }
    /// Asks over the connection to this host, or a new one.
    pub(super) async fn ask<T, A>(
        &self,
        spec: &HostSpec,
        limits: &Limits,
        ask: impl FnOnce(Arc<dyn Transport>) -> A,
    ) -> Result<T, Error>
    where
        A: Future<Output = Result<T, Error>>,
    {
        let answer = ask(self.open(spec, limits).await?).await;
        if answer.as_ref().is_err_and(|error| error.kind == Kind::Unreachable) {
            self.forget(&spec.name).await;
        }
        answer
    }
    /// The connection to this host, or a new one.
    async fn open(&self, spec: &HostSpec, limits: &Limits) -> Result<Arc<dyn Transport>, Error> {
        if let Some(open) = self.lock().get(&spec.name) {
            return Ok(open.clone());
        }
        let open = transport::open(spec, limits).await?;
        self.lock().insert(spec.name.clone(), open.clone());
        Ok(open)
    }
    async fn forget(&self, host: &HostName) {
        let lost = self.lock().remove(host);
        if let Some(lost) = lost {
            lost.close().await;
        }
    }
    fn lock(&self) -> MutexGuard<'_, HashMap<HostName, Arc<dyn Transport>>> {
        self.0.lock().expect("nobody panics while holding it")
    }
}

/// Asks over a connection for this question alone.
pub(super) async fn ask_once<T, A>(spec: &HostSpec, limits: &Limits, ask: impl FnOnce(Arc<dyn Transport>) -> A) -> Result<T, Error>
where
    A: Future<Output = Result<T, Error>>,
{
    let transport = transport::open(spec, limits).await?;
    let answer = ask(transport.clone()).await;
    transport.close().await;
    answer
}
