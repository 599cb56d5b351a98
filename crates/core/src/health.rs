//! Whether a node that was restarted or upgraded is well: judged while it is watched, from what was asked and what it had before.
//!
//! Nothing is asked here. Whoever watches asks, tells what was [`Found`], and does as [`Watching`] says.

mod compare;
mod life;
mod past;
mod watching;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{
    config::{Peers, RolloutSettings, duration},
    facts::{Load, NodeFacts},
    name::NodeName,
};

pub use compare::Comparison;
pub use life::Life;
pub use past::Past;
pub use watching::{Found, Next, Watching};

/// What a node may have while it is watched; `None`: whatever it likes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VitalLimits {
    /// Restarts by one supervisor since the watch began; of an upgraded node: of one child, beyond what was usual before.
    pub restarts: Option<u32>,
    /// Memory.
    pub memory: Option<MemoryLimit>,
    /// Processes that wait to be run, for each scheduler.
    pub run_queue: Option<u32>,
    /// Messages that wait for a process with a name.
    pub mailbox: Option<u32>,
    /// Events of level error and worse that are logged in a minute.
    pub errors: Option<u32>,
    /// Processes of an upgraded node that still run old code.
    pub old_code: Option<u32>,
}

/// How much memory a node may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MemoryLimit {
    /// So many of a hundred of what it had before; see [`MemoryLimit::FREE`].
    OfBefore(u32),
    /// Bytes.
    Bytes(u64),
}

impl MemoryLimit {
    /// So much more than before is never too much: what a small node has doubles for every reason.
    pub const FREE: u64 = 256_000_000;
}

impl VitalLimits {
    /// As `default.toml` documents it.
    pub fn usual() -> Self {
        Self {
            restarts: Some(1),
            memory: Some(MemoryLimit::OfBefore(300)),
            run_queue: Some(10),
            mailbox: Some(10_000),
            errors: None,
            old_code: None,
        }
    }
    /// Whether the node has to be asked for anything but old code, which is looked at anyway.
    pub fn ask(&self) -> bool {
        self.restarts.is_some()
            || self.memory.is_some()
            || self.run_queue.is_some()
            || self.mailbox.is_some()
            || self.errors.is_some()
    }
}

/// What a node of the host had before, and what holds for the one that is watched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// What it may have.
    #[serde(default)]
    pub limits: VitalLimits,
    /// What the node before had, as it was found when the plan was made; `None`: none ran, or it could not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Load>,
    /// Nodes that it must be connected to again, where they are up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<NodeName>,
    /// The function on it that says when it has found its place in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<String>,
    /// So long it may take for both, once it is well.
    #[serde(default)]
    pub settle_within: Duration,
}

impl Gates {
    /// As a target's settings have it; `node`: the one that ran until now.
    pub(crate) fn of(settings: &RolloutSettings, node: &NodeFacts) -> Self {
        let before = node.load.clone();
        let peers = before.as_ref().filter(|_| settings.peers != Peers::Off).map(|load| load.peers.clone());
        Self {
            limits: settings.limits.clone(),
            before: before.map(|load| Load { peers: Vec::new(), ..load }),
            peers: peers.unwrap_or_default(),
            settled: settings.settled.clone(),
            settle_within: settings.settle_within,
        }
    }
    /// Whether it has to find its place in a cluster.
    pub fn has_cluster(&self) -> bool {
        !self.peers.is_empty() || self.settled.is_some()
    }
    /// What is watched beside the node itself, in words; empty, or with a blank in front.
    pub(crate) fn describe(&self) -> String {
        let peers = match self.peers.len() {
            0 => None,
            1 => Some("its peer is connected again".to_owned()),
            several => Some(format!("its {several} peers are connected again")),
        };
        let settled = self.settled.as_ref().map(|function| format!("{function} says so"));
        match [peers, settled].into_iter().flatten().collect::<Vec<_>>().join(" and ") {
            nothing if nothing.is_empty() => nothing,
            all => format!(", until {all}"),
        }
    }
    /// That peers are up and not connected, if so.
    pub fn apart(&self, apart: &[String]) -> Option<String> {
        const SHOWN: usize = 3;
        let some = apart.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        let more = if apart.len() > SHOWN { " …" } else { "" };
        let (before, now) = (self.peers.len(), self.peers.len() - apart.len().min(self.peers.len()));
        let within = duration::show(self.settle_within);
        (!apart.is_empty()).then(|| {
            format!("peers: {now} now, {before} before; {some}{more}: up, and not connected again; all are wanted within {within} (rollout.peers)")
        })
    }
}

/// How a node does at the moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Bytes.
    pub memory: u64,
    /// Processes that wait to be run.
    pub run_queue: u64,
    /// Schedulers.
    pub schedulers: u64,
    /// Messages that wait for processes with names, where they are many.
    pub waiting: BTreeMap<String, u64>,
    /// By supervisor: when it restarted children, in seconds of the node's own clock. It forgets them after a while.
    pub restarts: BTreeMap<String, Vec<i64>>,
    /// The second it is by that clock.
    pub now: i64,
    /// Events of level error and worse since counting began, if they are counted.
    pub errors: Option<u64>,
    /// Peers that are up and not connected.
    pub apart: Vec<String>,
}

impl Vitals {
    /// What a node had before it was upgraded.
    pub fn load(&self) -> Load {
        Load { memory: self.memory, run_queue: self.run_queue, peers: Vec::new() }
    }
}

#[cfg(test)]
mod tests;
