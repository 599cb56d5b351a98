//! [`HookRemote`] over connections that are open anyway.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use edeliver_core::config::HostSpec;
use tokio::{
    io::{AsyncReadExt, duplex},
    sync::mpsc,
    task::JoinSet,
};

use super::{HookRemote, Job, JobEnd, JobError, Piece};
use crate::transport::{Call, Input, Output, Script, Transport, TransportError};

/// The commands of a hook in the shell that they are written for: `merge` or `apart`, and the text.
pub(crate) const JOB: Script = Script { name: "a job of a hook", text: include_str!("job.sh") };

/// A host with the connection to it.
pub(super) type Connected = (HostSpec, Arc<dyn Transport>);

/// The hosts of a step, connected.
pub struct Hosts {
    hosts: Vec<Connected>,
    timeout: Duration,
}

impl Hosts {
    /// `timeout` is the longest time for one job.
    pub fn new(hosts: Vec<(HostSpec, Arc<dyn Transport>)>, timeout: Duration) -> Self {
        Self { hosts, timeout }
    }
    /// Ends the connections.
    pub(super) async fn close(&self) {
        for (_, transport) in &self.hosts {
            transport.close().await;
        }
    }
    fn pick(&self, job: &Job) -> Result<Vec<&Connected>, JobError> {
        let picked: Vec<_> = if job.hosts.is_empty() {
            self.hosts.iter().collect()
        } else {
            job.hosts.iter().map(|name| self.find(name)).collect::<Result<_, _>>()?
        };
        match picked.len() {
            0 => Err(JobError::NoHost),
            2.. if job.one => Err(JobError::SeveralHosts { hosts: names(picked.into_iter()) }),
            _ => Ok(picked),
        }
    }
    /// `user@host` and `host` name the same host: who logs in is settled already.
    fn find(&self, name: &str) -> Result<&Connected, JobError> {
        let host = name.rsplit('@').next().unwrap_or(name);
        let found = self.hosts.iter().find(|(spec, _)| spec.name.as_str() == host);
        found.ok_or_else(|| JobError::UnknownHost { name: name.to_owned(), known: names(self.hosts.iter()) })
    }
}

fn names<'a>(hosts: impl Iterator<Item = &'a Connected>) -> Vec<String> {
    hosts.map(|(spec, _)| spec.name.to_string()).collect()
}

#[async_trait]
impl HookRemote for Hosts {
    async fn job(&self, job: &Job, output: &mpsc::UnboundedSender<Piece>) -> Result<Vec<JobEnd>, JobError> {
        let picked = self.pick(job)?;
        let alone = picked.len() == 1;
        let mut running = JoinSet::new();
        for (index, (spec, transport)) in picked.into_iter().enumerate() {
            let (host, transport, job) = (spec.name.clone(), transport.clone(), job.clone());
            let (output, timeout) = (output.clone(), self.timeout);
            running.spawn(async move {
                let status = if alone {
                    bytes(&*transport, job, timeout, &output).await
                } else {
                    lines(&*transport, job, timeout, &output).await
                };
                (index, JobEnd { host, status })
            });
        }
        let mut ends: Vec<(usize, JobEnd)> = running.join_all().await;
        ends.sort_by_key(|(index, _)| *index);
        Ok(ends.into_iter().map(|(_, end)| end).collect())
    }
}

fn call<'a>(job: Job, timeout: Duration, output: Output<'a>) -> Call<'a> {
    let merge = if job.merge { "merge" } else { "apart" };
    let args = [merge.to_owned(), job.text].into_iter().chain(job.args).collect();
    let input = if job.stdin.is_empty() { Input::Empty } else { Input::Bytes(job.stdin) };
    Call { script: JOB, args, input, output, timeout, before: Vec::new() }
}

/// One host: its output byte by byte, since somebody may capture it.
async fn bytes(
    transport: &dyn Transport,
    job: Job,
    timeout: Duration,
    output: &mpsc::UnboundedSender<Piece>,
) -> Result<i32, TransportError> {
    let (end, mut from) = duplex(64 * 1024);
    let merge = job.merge;
    let running = transport.run(call(job, timeout, Output::Stream(Box::new(end))));
    let passing = async {
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut chunk).await {
            let _ = output.send(Piece::Out(chunk[..count].to_vec())); // the caller may be gone; the job is ended then
        }
    };
    let (reply, ()) = tokio::join!(running, passing);
    let reply = reply?;
    // What was kept of standard error, which can't be streamed apart.
    if !merge && !reply.tail.is_empty() {
        let _ = output.send(Piece::Err(format!("{}\n", reply.tail.join("\n")).into_bytes()));
    }
    Ok(reply.status)
}

/// Several hosts: line by line, so that lines of two hosts do not mix.
async fn lines(
    transport: &dyn Transport,
    job: Job,
    timeout: Duration,
    output: &mpsc::UnboundedSender<Piece>,
) -> Result<i32, TransportError> {
    let mut line = |line: &str| {
        let _ = output.send(Piece::Out(format!("{line}\n").into_bytes()));
    };
    let reply = transport.run(call(job, timeout, Output::Lines(&mut line))).await?;
    Ok(reply.status)
}
