//! [`HookRemote`] for functions that may never reach for a host: connections are opened by the first job that does.

use std::time::Duration;

use async_trait::async_trait;
use edeliver_core::config::HostSpec;
use tokio::{
    sync::{OnceCell, mpsc},
    task::JoinSet,
};

use super::{HookRemote, Hosts, Job, JobEnd, JobError, Piece, hosts::Connected};
use crate::transport::{self, Limits};

/// The hosts of a target, not connected yet.
pub struct Later {
    specs: Vec<HostSpec>,
    limits: Limits,
    timeout: Duration,
    open: OnceCell<Hosts>,
}

impl Later {
    /// `timeout` is the longest time for one job.
    pub fn new(specs: Vec<HostSpec>, limits: Limits, timeout: Duration) -> Self {
        Self { specs, limits, timeout, open: OnceCell::new() }
    }
    async fn connect(&self) -> Result<Hosts, JobError> {
        let mut opening = JoinSet::new();
        for (place, spec) in self.specs.iter().cloned().enumerate() {
            let limits = self.limits.clone();
            opening.spawn(async move { (place, transport::open(&spec, &limits).await, spec) });
        }
        let mut all = opening.join_all().await;
        all.sort_by_key(|(place, ..)| *place);
        let connected = |(_, opened, spec): (usize, Result<_, _>, HostSpec)| match opened {
            Ok(transport) => Ok((spec, transport)),
            Err(source) => Err(JobError::Connect { host: spec.name, source }),
        };
        let connected: Vec<Connected> = all.into_iter().map(connected).collect::<Result<_, _>>()?;
        Ok(Hosts::new(connected, self.timeout))
    }
    /// Ends the connections, if there are any.
    pub async fn close(&self) {
        if let Some(hosts) = self.open.get() {
            hosts.close().await;
        }
    }
}

#[async_trait]
impl HookRemote for Later {
    async fn job(&self, job: &Job, output: &mpsc::UnboundedSender<Piece>) -> Result<Vec<JobEnd>, JobError> {
        self.open.get_or_try_init(|| self.connect()).await?.job(job, output).await
    }
}
