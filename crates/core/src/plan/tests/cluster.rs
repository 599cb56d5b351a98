//! Nodes that must find each other again.

use super::{
    golden::{fleet, host_with},
    model::*,
};
use crate::{
    config::{Peers, RolloutSettings, TargetSettings},
    facts::{Load, NodeFacts, Seen},
    health::Gates,
    plan::{self, NodeAction, RollbackRequest},
    step::Step,
    strategy::Share,
};

/// A host with a node of this name, connected to these.
fn connected(name: &str, peers: &[&str]) -> Seen {
    let seen = host_with(&[&release("0.1.0", "a")]);
    let peers = peers.iter().map(|peer| peer.parse().unwrap()).collect();
    let load = Some(Load { memory: 48_000_000, run_queue: 3, peers });
    Seen { node: NodeFacts { name: name.parse().ok(), load, ..seen.node }, ..seen }
}

fn with(rollout: RolloutSettings) -> TargetSettings {
    TargetSettings { rollout, ..settings() }
}

/// What the first host's node is held to after a restart.
fn gates(rollout: RolloutSettings) -> Option<Gates> {
    let [a, b] = [connected("app@a", &["app@b", "app@c", "other@b", "iex@laptop"]), connected("other@b", &["app@a"])];
    let facts = fleet(&[("web1", &a), ("web2", &b)]);
    let plan = plan::node(NodeAction::Restart, &"app".parse().unwrap(), &with(rollout), &facts);
    plan::lint(&plan, &facts).unwrap();
    plan.hosts[0].steps.iter().find_map(|step| match step {
        Step::Watch(watch) => Some(watch.gates.clone()),
        _ => None,
    })
}

#[test]
fn nodes_of_the_target_must_be_connected_again_and_others_where_that_is_wanted() {
    let peers = |peers| {
        let gates = gates(RolloutSettings { peers, ..RolloutSettings::default() })?;
        let names: Vec<String> = gates.peers.iter().map(ToString::to_string).collect();
        Some(names.join(" "))
    };
    // One of a host that was not asked is known by its name.
    assert_eq!(peers(Peers::Target).as_deref(), Some("app@b app@c other@b"));
    assert_eq!(peers(Peers::All).as_deref(), Some("app@b app@c other@b iex@laptop"));
    assert_eq!(peers(Peers::Off), None, "and nothing is watched then");
    let settled = RolloutSettings { peers: Peers::Off, settled: Some("App.settled".into()), ..RolloutSettings::default() };
    let gates = gates(settled).unwrap();
    assert_eq!((gates.peers.len(), gates.settled.as_deref()), (0, Some("App.settled")));
    assert_eq!(gates.before, Some(Load { memory: 48_000_000, run_queue: 3, peers: Vec::new() }), "what it had is kept");
}

#[test]
fn who_goes_back_waits_for_nobody() {
    let mut seen = host_with(&[&release("0.1.0", "a"), &release("0.2.0", "a")]);
    seen.node = NodeFacts { load: connected("app@a", &["app@b"]).node.load, name: "app@a".parse().ok(), ..seen.node };
    let facts = fleet(&[("web1", &seen)]);
    let request = RollbackRequest { app: "app".parse().unwrap(), to: None, restart: true, ways: Vec::new() };
    let settings = with(RolloutSettings { settled: Some("App.settled".into()), ..RolloutSettings::default() });
    let plan = plan::rollback(&request, &settings, &facts);
    assert!(!plan.hosts[0].steps.is_empty() && !plan.hosts[0].steps.iter().any(|step| matches!(step, Step::Watch(_))), "{plan:#?}");
}

#[test]
fn a_part_of_the_hosts_that_must_serve_is_rounded_up() {
    let hosts: Vec<(String, Seen)> = (0..3).map(|at| (format!("web{at}"), connected("app@a", &[]))).collect();
    let facts = fleet(&hosts.iter().map(|(name, seen)| (name.as_str(), seen)).collect::<Vec<_>>());
    for (least, wanted) in [(Share::Percent(80), 3), (Share::Percent(34), 2), (Share::Count(2), 2), (Share::Count(9), 3)] {
        let settings = with(RolloutSettings { min_healthy: Some(least), ..RolloutSettings::default() });
        let plan = plan::node(NodeAction::Restart, &"app".parse().unwrap(), &settings, &facts);
        assert_eq!(plan.rollout.healthy.map(|healthy| (healthy.hosts, healthy.of)), Some((wanted, 3)), "{least}");
    }
}
