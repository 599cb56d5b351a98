//! Rehearsals: an upgrade is tried on the build host before real hosts are touched.
//!
//! A rehearsal is plans like any others, for one host: the build host, with a release root that is made for it and goes with it. What is
//! decided here is what must not be as on a real host: names, ports, cookies, and whom the health check asks.

use std::time::Duration;

use indexmap::IndexMap;

use crate::{
    config::{BuildSettings, HealthCheck, HostSpec, OnRestart, RolloutSettings, Service, TargetSettings},
    facts::HostFacts,
    name::{HostPath, NodeName, TargetName, Version},
    plan::{Plan, Way},
    step::Step,
    upgrade::Verdict,
};

/// A node that crashes in a loop shows it within this time; nobody waits longer for a rehearsal.
const LONGEST_SOAK: Duration = Duration::from_secs(5);

/// Variables that must not come from the build host to the node, as shell patterns: it would take another node's ports or be taken for it.
pub const KEPT_AWAY: [&str; 5] = ["PORT", "*_PORT", "*COOKIE", "RELEASE_NODE", "RELEASE_DISTRIBUTION"];

/// Whether a variable's name fits one of [`KEPT_AWAY`].
fn is_kept_away(name: &str) -> bool {
    KEPT_AWAY.iter().any(|pattern| match pattern.strip_prefix('*') {
        Some(end) => name.ends_with(end),
        None => name == *pattern,
    })
}

/// The place on the build host that was made for a rehearsal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// The parent of its release root.
    pub dir: HostPath,
    /// The name of its node.
    pub node: NodeName,
    /// What its node must be started with, whatever the configuration says: cookie, epmd, mark.
    pub variables: Vec<(String, String)>,
}

/// The target that a rehearsal has in place of `real`: the same settings, but for what must not be the same.
pub fn target(real: &TargetSettings, name: &TargetName, build: &BuildSettings, stage: &Stage) -> TargetSettings {
    let mut upgrade = real.upgrade.clone();
    (upgrade.on_restart, upgrade.soak) = (OnRestart::Refuse, upgrade.soak.min(LONGEST_SOAK));
    upgrade.health = health(real).ok().flatten();
    let host = HostSpec { path: stage.dir.clone(), node: Some(stage.node.clone()), tags: Vec::new(), ..build.host.clone() };
    TargetSettings {
        name: name.clone(),
        hosts: vec![host],
        confirm: false,
        profile: build.profile.clone(),
        env: environment(real, build, stage),
        service: Service::Script,
        unit: None,
        clean_deploy: false,
        upgrade,
        // Its upgrade is asked whether it is well; the start before it only makes the place. It is alone there, without a cluster.
        rollout: RolloutSettings { health: false, limits: real.rollout.limits.clone(), ..RolloutSettings::default() },
        ..real.clone()
    }
}

/// What builds have, but for names, ports and cookies; over it the rehearsal's own, and what its place needs.
fn environment(real: &TargetSettings, build: &BuildSettings, stage: &Stage) -> IndexMap<String, String> {
    let inherited = build.env.iter().filter(|(name, _)| !is_kept_away(name));
    let own = inherited.chain(&real.upgrade.rehearsal.env).map(|(name, value)| (name.clone(), value.clone()));
    own.chain(stage.variables.iter().cloned()).collect()
}

/// The health check of a rehearsal.
///
/// # Errors
/// The address that real hosts are asked at; on the build host somebody else may answer there, because no variable of the rehearsal's
/// environment has its port.
pub fn health(real: &TargetSettings) -> Result<Option<HealthCheck>, String> {
    let rehearsal = &real.upgrade.rehearsal;
    match rehearsal.health.as_ref().or(real.upgrade.health.as_ref()) {
        Some(HealthCheck::Http(check)) if rehearsal.health.is_none() => {
            let ours = port_of(&check.address).is_some_and(|port| rehearsal.env.values().any(|value| value.trim() == port));
            if ours { Ok(Some(HealthCheck::Http(check.clone()))) } else { Err(check.address.clone()) }
        }
        check => Ok(check.cloned()),
    }
}

/// The port that stands in an `http://` address.
fn port_of(address: &str) -> Option<&str> {
    let authority = address.strip_prefix("http://")?.split(['/', '?']).next()?;
    authority.rsplit_once(':').map(|(_, port)| port).filter(|port| port.chars().all(|c| c.is_ascii_digit()))
}

/// What a rehearsal does, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// The old release is put there and started.
    Start,
    /// It is upgraded.
    Upgrade,
    /// It is taken back, as a rollback does it.
    Downgrade,
    /// It is upgraded once more: what the way down left behind must not be in the way.
    Again,
    /// The node is stopped.
    Stop,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Start, Self::Upgrade, Self::Downgrade, Self::Again, Self::Stop];

    /// In words, present tense.
    pub fn describe(self, from: &Version, to: &Version) -> String {
        match self {
            Self::Start => format!("start {from}"),
            Self::Upgrade => format!("upgrade {from} to {to}"),
            Self::Downgrade => format!("downgrade {to} to {from}"),
            Self::Again => format!("upgrade {from} to {to} again"),
            Self::Stop => format!("stop {to}"),
        }
    }
    /// Why this plan would not do what is rehearsed: it has no upgrade of the running node.
    ///
    /// # Errors
    /// The plan's own reasons.
    pub fn check(self, plan: &Plan) -> Result<(), Vec<String>> {
        let wanted: fn(&Step) -> bool = match self {
            Self::Start => |step| matches!(step, Step::Start { .. }),
            Self::Upgrade | Self::Downgrade | Self::Again => |step| matches!(step, Step::Install(_)),
            Self::Stop => |step| matches!(step, Step::Stop { .. }),
        };
        let has = plan.hosts.iter().all(|host| host.steps.iter().any(wanted));
        if has { Ok(()) } else { Err(plan.hosts.iter().flat_map(|host| host.reasons.clone()).collect()) }
    }
}

/// From which releases nodes go along these ways without a restart, each once.
pub fn origins(ways: &[Way]) -> Vec<&Version> {
    let mut found: Vec<&Version> = Vec::new();
    for way in ways.iter().filter(|way| way.verdict != Verdict::Restart) {
        if !found.contains(&&way.from.version) {
            found.push(&way.from.version);
        }
    }
    found
}

/// Whether the node of the only host runs this release now.
pub fn runs(facts: &[HostFacts], version: &Version) -> bool {
    let node = |facts: &HostFacts| facts.seen.as_ref().ok().and_then(|seen| seen.node.version.clone());
    facts.iter().all(|facts| node(facts).as_ref() == Some(version))
}

#[cfg(test)]
mod tests;
