//! How a change goes over the hosts of a target.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Traffic;
use crate::{
    config::Rate,
    health::VitalLimits,
    strategy::{Share, WaveSize},
};

/// `[rollout]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutSettings {
    /// The hosts of the first wave, the second, and so on; the last one again and again until no host is left.
    pub waves: Vec<WaveSize>,
    /// How many hosts of a wave are changed at the same time; `None`: all.
    pub max_unavailable: Option<Share>,
    /// So many hosts may fail before the rollout does.
    pub max_failures: u32,
    /// What is done then.
    pub on_failure: OnFailure,
    /// A node that was restarted is watched for so long.
    pub soak: Duration,
    /// It is asked by the health check of upgrades, where there is one.
    pub health: bool,
    /// No more than this leaves this machine for all hosts together, while releases are put there.
    pub bandwidth: Option<Rate>,
    /// When pending migrations are carried out, once for the target; `None`: not by deploys.
    pub migrate: Option<Migrate>,
    /// How hosts are taken out of the traffic meanwhile, if they are.
    pub traffic: Option<Traffic>,
    /// What a node may have while it is watched, restarted or upgraded.
    pub limits: VitalLimits,
    /// Which nodes must be connected again.
    pub peers: Peers,
    /// A function on the node that says when it has found its place in the cluster: `MyApp.Cluster.settled`, as health checks are written.
    pub settled: Option<String>,
    /// So long a node may take for both.
    pub settle_within: Duration,
    /// So many of the target's hosts must run and be well before the next wave is begun.
    pub min_healthy: Option<Share>,
}

/// Of the nodes that a node was connected to before, and that are still up: which must be connected again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peers {
    /// Those of the target's hosts.
    Target,
    /// All but hidden ones.
    All,
    /// None.
    Off,
}

/// As `default.toml` documents it; a test compares.
impl Default for RolloutSettings {
    fn default() -> Self {
        Self {
            waves: vec![WaveSize::Rest],
            max_unavailable: None,
            max_failures: 0,
            on_failure: OnFailure::Stop,
            soak: Duration::ZERO,
            health: true,
            bandwidth: None,
            migrate: None,
            traffic: None,
            limits: VitalLimits::usual(),
            peers: Peers::Target,
            settled: None,
            settle_within: Duration::from_secs(60),
            min_healthy: None,
        }
    }
}

/// When a rollout carries out pending migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Migrate {
    /// When the release is on all hosts, and before the first of them is changed. The new release's files do it.
    Before,
    /// When the first wave is at its end.
    AfterFirstWave,
    /// When all hosts are done.
    After,
}

impl Migrate {
    /// In words.
    pub fn describe(self) -> &'static str {
        match self {
            Self::Before => "before the first host is changed",
            Self::AfterFirstWave => "after the first wave",
            Self::After => "when all hosts are done",
        }
    }
}

/// What becomes of a rollout when more hosts fail than may.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// No further host is begun.
    #[default]
    Stop,
    /// And all hosts that were changed are brought back to what they had.
    Rollback,
    /// The others go on as if nothing had happened.
    Continue,
}
