//! Watching a node that was started.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    config::{HealthCheck, TargetSettings, duration},
    facts::NodeFacts,
    health::Gates,
    name::Version,
};

/// The node must run on, the same one all the time, and its application must say that it is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Watch {
    /// What it must run.
    pub version: Version,
    /// How long.
    pub time: Duration,
    /// The application's own word.
    pub health: Option<HealthCheck>,
    /// Longest wait for one answer of it.
    pub health_timeout: Duration,
    /// So long the application may take until it says for the first time that it is well.
    pub warm_up: Duration,
    /// What it is held to, and what the node before had.
    #[serde(default)]
    pub gates: Gates,
}

impl Watch {
    /// As a target's settings have it; `None` where nothing is to be watched.
    /// `before`: the node that ran until then.
    pub(crate) fn of(settings: &TargetSettings, version: &Version, before: &NodeFacts) -> Option<Self> {
        let (time, health) = (settings.rollout.soak, settings.upgrade.health.clone().filter(|_| settings.rollout.health));
        let gates = Gates::of(&settings.rollout, before);
        let watch = Self {
            version: version.clone(),
            time,
            health,
            health_timeout: settings.upgrade.health_timeout,
            warm_up: settings.start_timeout,
            gates,
        };
        watch.has_work().then_some(watch)
    }
    /// Whether there is anything to be watched.
    pub(crate) fn has_work(&self) -> bool {
        !self.time.is_zero() || self.health.is_some() || self.gates.has_cluster()
    }
    pub(super) fn describe(&self) -> String {
        let health = self.health.as_ref().map(HealthCheck::describe);
        let watch = match (self.time.is_zero(), health) {
            (true, None) => format!("watch {}", self.version),
            (true, Some(health)) => format!("ask whether {} is well ({health})", self.version),
            (false, None) => format!("watch {} for {}", self.version, duration::show(self.time)),
            (false, Some(health)) => format!("watch {} and {health} for {}", self.version, duration::show(self.time)),
        };
        format!("{watch}{}", self.gates.describe())
    }
}
