//! Plans: decided work as plain data, complete and serialisable. Apply makes no choices; it obeys or stops.

pub mod build;
mod cluster;
pub mod deploy;
pub(crate) mod fit;
mod guard;
pub mod hot;
pub mod keep;
pub mod lint;
pub mod node;
mod releases;
pub mod rollback;
pub mod setup;
mod switch;
mod traffic;
pub mod upgrade;

pub use deploy::{DeployRequest, Wanted, deploy};
pub use hot::Way;
pub use keep::Keep;
pub use lint::lint;
pub use node::{NodeAction, node};
pub use rollback::{RollbackRequest, rollback, take_back};
pub use setup::{SetupFacts, SetupRequest, setup};
pub use upgrade::{UpgradeRequest, upgrade};

use serde::{Deserialize, Serialize};

use crate::{
    facts::NodeState,
    hint::Hint,
    name::{HostName, TargetName, Version},
    release::ManifestId,
    step::{Activate, Step},
    strategy::Rollout,
};

/// The format of serialised plans.
pub const FORMAT: u32 = 1;

/// What a run is going to do.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// [`FORMAT`].
    pub format: u32,
    /// In words: `deploy hotapp 0.2.0 to production`.
    pub title: String,
    /// Whose hosts these are; `None` for builds.
    pub target: Option<TargetName>,
    /// The release concerned, once it is known.
    pub release: Option<ReleaseRef>,
    /// Local steps (hooks) before the hosts' steps.
    pub before: Vec<Step>,
    /// Hosts in the order of the config.
    pub hosts: Vec<HostPlan>,
    /// Which of them work at the same time, and when no more are begun.
    #[serde(default)]
    pub rollout: Rollout,
    /// Local steps (hooks) after them, only when every host succeeded.
    pub after: Vec<Step>,
}

/// A release by name and content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseRef {
    /// Its version.
    pub version: Version,
    /// Its manifest.
    pub manifest: ManifestId,
}

/// One host's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostPlan {
    /// The host.
    pub host: HostName,
    /// What was observed, to be checked again before the first change.
    pub expect: Precondition,
    /// What is decided for it.
    pub verdict: Verdict,
    /// Why, and what the user should know; at least one line.
    pub reasons: Vec<String>,
    /// The work, empty unless the verdict is [`Verdict::Change`].
    pub steps: Vec<Step>,
    /// When a step after `Activate` fails: how to get the old release serving again, in order.
    pub undo: Vec<Step>,
}

/// The decision for one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// There is work to do.
    Change,
    /// It is already as wanted.
    Nothing,
    /// It can't be done there; the hints say what to do about it.
    Blocked {
        /// Remedies.
        hints: Vec<Hint>,
    },
    /// The host could not be asked.
    Unreachable {
        /// Remedies.
        hints: Vec<Hint>,
    },
}

/// What a host looked like when the plan was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Precondition {
    /// What boots next.
    pub permanent: Option<Version>,
    /// What the node was booted into.
    pub running: Option<Version>,
    /// What it runs by now: another one after an upgrade in place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgraded: Option<Version>,
    /// Node state.
    pub node: Option<NodeState>,
    /// It was taken out of the traffic before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drained: bool,
}

impl Plan {
    /// Whether nothing would be changed anywhere.
    pub fn is_empty(&self) -> bool {
        self.hosts.iter().all(|host| host.steps.is_empty())
    }
    /// Hosts that stand in the way: blocked or not reachable.
    pub fn obstacles(&self) -> impl Iterator<Item = &HostPlan> {
        self.hosts.iter().filter(|host| matches!(host.verdict, Verdict::Blocked { .. } | Verdict::Unreachable { .. }))
    }
    /// Whether steps of a host may be carried out in one call: nothing is waited for between them, and no limit of speed makes them last.
    pub fn may_join_steps(&self) -> bool {
        self.hosts.len() == 1 && self.rollout.bandwidth.is_none() && !self.rollout.prepares_first()
    }
}

impl HostPlan {
    /// The activation of what is staged in step `at`, where both together take no longer than an answer to Ctrl-C may: whoever interrupts a
    /// longer transfer does not want its release to boot.
    pub fn joint(&self, at: usize) -> Option<&Activate> {
        let [Step::Stage(stage), Step::Activate(activate), ..] = self.steps.get(at..)? else { return None };
        let is_its = activate.version == stage.version && activate.from == self.expect.permanent;
        (is_its && !stage.sends_much() && !stage.copies_much()).then_some(activate)
    }
}

#[cfg(test)]
pub(crate) mod tests;
