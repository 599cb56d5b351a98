//! Which nodes must be connected again: that takes the facts of all hosts.

use std::collections::BTreeSet;

use super::HostPlan;
use crate::{
    config::{Peers, TargetSettings},
    facts::HostFacts,
    health::Gates,
    name::NodeName,
    step::Step,
};

/// Leaves of the nodes that each node was connected to those that count: the nodes of the hosts that were asked, and those that are called the
/// same but for their host. A node of somebody's laptop comes back to nobody.
pub(super) fn of_target(mut hosts: Vec<HostPlan>, settings: &TargetSettings, facts: &[HostFacts]) -> Vec<HostPlan> {
    if settings.rollout.peers != Peers::Target {
        return hosts;
    }
    let own = |facts: &HostFacts| facts.seen.as_ref().ok().and_then(|seen| seen.node.name.clone());
    let names: Vec<Option<NodeName>> = facts.iter().map(own).collect();
    let all: BTreeSet<&str> = names.iter().flatten().map(NodeName::as_str).collect();
    for (host, name) in hosts.iter_mut().zip(&names) {
        let called = name.as_ref().map(called);
        let counts = |peer: &NodeName| all.contains(peer.as_str()) || Some(self::called(peer)) == called;
        host.steps.iter_mut().filter_map(gates).for_each(|gates| gates.peers.retain(counts));
        host.steps.retain(|step| !matches!(step, Step::Watch(watch) if !watch.has_work()));
    }
    hosts
}

/// What stands before the `@`.
fn called(node: &NodeName) -> &str {
    node.as_str().split('@').next().unwrap_or_default()
}

fn gates(step: &mut Step) -> Option<&mut Gates> {
    match step {
        Step::Watch(watch) => Some(&mut watch.gates),
        Step::Soak(soak) => Some(&mut soak.gates),
        _ => None,
    }
}
