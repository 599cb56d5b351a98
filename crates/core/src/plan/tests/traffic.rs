//! Hosts that are drained while their nodes are changed.

use super::{
    golden::{fleet, host_with, shown},
    hot::{upgrade_request, way},
    model::*,
};
use crate::{
    config::{OnFailure, OnRestart},
    facts::{HostFacts, NodeFacts, Seen},
    name::AppName,
    plan::{self, DeployRequest, NodeAction, Plan, RollbackRequest, Verdict, Wanted},
    release::Manifest,
    step::{Direction, Step},
};

fn words(plan: &Plan) -> Vec<String> {
    plan.hosts[0].steps.iter().map(Step::describe).collect()
}
fn upgrade(old: &Manifest, new: &Manifest, facts: &[HostFacts]) -> Plan {
    let rel = rel(new.version.as_str());
    let rewritten = [("web1".parse().unwrap(), rewritten(new, facts[0].seen.as_ref().unwrap()))].into();
    let (wanted, ways) = (Wanted::new(new, &rel, rewritten), [way(old, new, Direction::Up)]);
    let plan = plan::upgrade(&upgrade_request(OnRestart::Refuse), &drained(settings()), &wanted, &ways, facts);
    plan::lint(&plan, facts).unwrap();
    plan
}
fn node(action: NodeAction, seen: &Seen) -> Plan {
    let facts = fleet(&[("web1", seen)]);
    let plan = plan::node(action, &"app".parse().unwrap(), &drained(settings()), &facts);
    plan::lint(&plan, &facts).unwrap();
    plan
}

#[test]
fn a_node_that_is_upgraded_serves_nobody_meanwhile() {
    let [old, new] = ["0.1.0", "0.2.0"].map(|vsn| release(vsn, "a"));
    let steps = words(&upgrade(&old, &new, &fleet(&[("web1", &host_with(&[&old]))])));
    let at = |word: &str| steps.iter().position(|step| step.starts_with(word)).unwrap_or_else(|| panic!("{word}: {steps:#?}"));
    assert_eq!(at("drain the host (drain)") + 1, at("upgrade the running node"));
    assert!(at("ask the node") < at("drain"), "a node that can't be upgraded is not drained");
    assert_eq!(at("resume the host (resume)"), at("make the upgrade to 0.2.0 permanent") + 1);
}

#[test]
fn where_no_node_runs_nothing_is_drained_and_what_was_stopped_comes_back_with_its_start() {
    let down = Seen { node: NodeFacts::down(), ..host_with(&[&release("0.1.0", "a")]) };
    assert_eq!(words(&node(NodeAction::Start, &down)), ["start 0.1.0"]);
    let stopped = Seen { drained: Some("run-1".into()), ..down };
    assert_eq!(words(&node(NodeAction::Start, &stopped)), ["start 0.1.0", "resume the host (resume)"]);
    assert_eq!(node(NodeAction::Stop, &stopped).hosts[0].verdict, Verdict::Nothing);
    let up = host_with(&[&release("0.1.0", "a")]);
    assert_eq!(words(&node(NodeAction::Stop, &up)), ["drain the host (drain)", "stop the node"]);
}

#[test]
fn a_host_that_was_left_drained_comes_back_even_where_nothing_else_is_to_be_done() {
    let old = release("0.1.0", "a");
    let seen = Seen { drained: Some("run-1".into()), ..host_with(&[&old]) };
    let plan = node(NodeAction::Start, &seen);
    let wanted = "\
start app on production
  web1: change
    - the node runs 0.1.0 already
    - it was drained (run run-1), and not resumed since
    resume the host (resume)
";
    assert_eq!(shown(&plan), wanted);
    assert_eq!(plan.rollout.waves.concat().len(), 1, "it belongs to a wave");
    let facts = fleet(&[("web1", &seen)]);
    let plan = plan::node(NodeAction::Start, &"app".parse().unwrap(), &settings(), &facts);
    assert!(plan.is_empty() && plan.hosts[0].reasons[1].contains("`rollout.resume` is not set"), "{plan:#?}");
}

#[test]
fn a_host_on_which_only_the_drain_failed_does_not_go_back_further_than_it_was() {
    let [oldest, old, new] = ["0.1.0", "0.2.0", "0.3.0"].map(|vsn| release(vsn, "a"));
    let drained_only = Seen { drained: Some("run-1".into()), ..host_with(&[&oldest, &old]) };
    let changed = host_with(&[&oldest, &old, &new]);
    let facts = fleet(&[("web1", &drained_only), ("web2", &changed)]);
    let request = DeployRequest { start: true, ..request() };
    let rel = rel("0.3.0");
    let failed = plan::deploy(&request, &settings(), &Wanted::new(&new, &rel, Default::default()), &facts);
    let back = RollbackRequest { app: "app".parse().unwrap(), to: None, restart: true, ways: Vec::new() };
    let run = "20261126-180000-3f2a".parse().unwrap();
    let plan = plan::take_back(&failed, &back, &drained(settings()), &facts, &[], Some(&run));
    plan::lint(&plan, &facts).unwrap();
    let of = |host: &str| {
        let plan = plan.hosts.iter().find(|plan| plan.host.as_str() == host).unwrap();
        plan.steps.iter().map(Step::describe).collect::<Vec<_>>()
    };
    assert_eq!(of("web1"), ["resume the host (resume)", "note that 0.3.0 was taken back"]);
    assert_eq!(of("web2")[0], "make 0.2.0 the release that boots");
}

#[test]
fn a_restart_that_fails_brings_no_host_back_to_an_older_release() {
    let up = host_with(&[&release("0.1.0", "a"), &release("0.2.0", "a")]);
    let mut settings = settings();
    settings.rollout.on_failure = OnFailure::Rollback;
    let facts = fleet(&[("web1", &up), ("web2", &up)]);
    let app: AppName = "app".parse().unwrap();
    let failed = plan::node(NodeAction::Restart, &app, &settings, &facts);
    assert_eq!(failed.rollout.on_failure, OnFailure::Stop, "nothing leads back");
    let back = RollbackRequest { app, to: None, restart: true, ways: Vec::new() };
    assert!(plan::take_back(&failed, &back, &settings, &facts, &[], None).is_empty());
}

#[test]
fn a_plan_that_would_leave_a_host_out_of_the_traffic_is_refused() {
    let up = host_with(&[&release("0.1.0", "a")]);
    let facts = fleet(&[("web1", &up)]);
    let breach = |change: fn(&mut Vec<Step>)| {
        let mut plan = node(NodeAction::Restart, &up);
        change(&mut plan.hosts[0].steps);
        plan::lint(&plan, &facts).unwrap_err().what
    };
    assert_eq!(breach(|steps| drop(steps.pop())), "it drains the host and never resumes it");
    assert_eq!(breach(|steps| steps.swap(0, 1)), "it drains the host before it needs to");
    assert_eq!(breach(|steps| drop(steps.remove(0))), "it resumes a host that was not drained");
}
