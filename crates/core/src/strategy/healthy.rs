//! How many hosts must serve before more of them are changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    config::{HealthCheck, OnFailure, TargetSettings},
    name::HostName,
};

/// What is asked of all hosts of a plan before each wave but the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Healthy {
    /// So many must run and be well.
    pub hosts: usize,
    /// Of so many.
    pub of: usize,
    /// The application's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
    /// Longest wait for one answer of it.
    pub health_timeout: Duration,
}

impl Healthy {
    /// As a target's settings have it, for so many hosts; `None` where nothing ends the rollout.
    pub(super) fn of(settings: &TargetSettings, of: usize) -> Option<Self> {
        let rollout = &settings.rollout;
        let least = rollout.min_healthy.filter(|_| rollout.on_failure != OnFailure::Continue)?;
        let health = settings.upgrade.health.clone().filter(|_| rollout.health);
        Some(Self { hosts: least.at_least(of), of, health, health_timeout: settings.upgrade.health_timeout })
    }
    /// Why too few of them are well, if so. `unwell`: who is not, and why.
    pub fn lacks(&self, unwell: &[(HostName, String)]) -> Option<String> {
        const SHOWN: usize = 3;
        let well = self.of.saturating_sub(unwell.len());
        let some: Vec<String> = unwell.iter().take(SHOWN).map(|(host, why)| format!("{host}: {why}")).collect();
        let more = if unwell.len() > SHOWN { "; …" } else { "" };
        (well < self.hosts).then(|| {
            format!("{well} of {} hosts run and are well, at least {} are wanted ({}{more})", self.of, self.hosts, some.join("; "))
        })
    }
    pub(super) fn describe(&self) -> String {
        format!("before each further wave, {} of {} hosts must run and be well", self.hosts, self.of)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_missing_is_told_with_how_many_are_wanted() {
        let healthy = Healthy { hosts: 3, of: 4, health: None, health_timeout: Duration::ZERO };
        let unwell =
            |hosts: &[&str]| hosts.iter().map(|host| (host.parse().unwrap(), "the node is down".to_owned())).collect::<Vec<_>>();
        assert_eq!(healthy.lacks(&unwell(&["a"])), None);
        let says = "2 of 4 hosts run and are well, at least 3 are wanted (a: the node is down; b: the node is down)";
        assert_eq!(healthy.lacks(&unwell(&["a", "b"])).as_deref(), Some(says));
    }
}
