//! Several hosts, nodes, hooks, links that break, and users who interrupt.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use edeliver_core::{
    config::OnFailure,
    event::{EventKind, HostResult},
    facts::{NodeFacts, NodeState, Seen},
    plan::{HostPlan, Plan, Verdict},
    step::{Prune, Step},
    strategy::Rollout,
};

use super::{
    super::{HookFailure, Hooks, Means, STREAMS},
    folder::{Shell, What},
    hosts::{Host, Ran, apply_on, apply_with},
    releases::Release,
};
use crate::{
    cancel::{self, Cancel},
    report::Reporter,
};

pub(super) fn releases() -> (Release, Release) {
    (Release::new("0.1.0"), Release::new("0.2.0"))
}

/// A host of this name that has the first release, whose node runs it. Its node is a pretence.
pub(super) async fn serving(name: &str) -> Host {
    let mut host = Host::new(Shell::Dash);
    host.name = name.parse().unwrap();
    host.deploy(&releases().0).await.assert_done();
    host.folder.calls.lock().unwrap().clear();
    host.folder.answer("node stop", 0, "");
    host.folder.answer("node start", 0, "fact node-pid 42\n");
    host
}

pub(super) fn running(seen: Seen, version: &str) -> Seen {
    let version: Option<edeliver_core::name::Version> = version.parse().ok();
    let node = NodeFacts { state: NodeState::Running, pid: Some(41), booted: version.clone(), version, ..NodeFacts::down() };
    Seen { node, ..seen }
}

/// The plan to bring the second release to all of them and restart their nodes.
pub(super) async fn restart_plan(hosts: &[&Host]) -> Plan {
    let mut plans = Vec::new();
    for host in hosts {
        let seen = running(host.seen().await, "0.1.0");
        plans.push(host.plan_after(seen, &releases().1, |request| {
            request.start = true;
            request.hooks = ["post_extract_release_archive", "pre_start_deployed_release"].map(str::to_owned).to_vec();
        }));
    }
    let mut plan = plans.remove(0);
    plan.hosts.extend(plans.into_iter().flat_map(|plan| plan.hosts));
    let waves = vec![plan.hosts.iter().map(|host| host.host.clone()).collect()];
    plan.rollout = Rollout { waves, on_failure: OnFailure::Continue, ..Rollout::default() };
    plan
}

/// The same without hooks.
pub(super) fn without_hooks(mut plan: Plan) -> Plan {
    plan.hosts.iter_mut().for_each(|host| host.steps.retain(|step| !matches!(step, Step::Hook { .. })));
    plan
}

pub(super) async fn ran(hosts: &[&Host], plan: &Plan) -> Ran {
    apply_on(hosts, plan, Some(hosts[0].contents(&releases().1)), Cancel::never()).await
}

pub(super) fn results(ran: &Ran) -> Vec<(&str, HostResult)> {
    ran.outcome.hosts.iter().map(|row| (row.host.as_str(), row.result)).collect()
}

pub(super) fn calls(host: &Host) -> Vec<&'static str> {
    host.folder.calls.lock().unwrap().clone()
}

#[tokio::test]
async fn a_failure_on_one_host_neither_stops_nor_hides_the_others() {
    let hosts = [serving("a").await, serving("b").await, serving("c").await];
    let all = [&hosts[0], &hosts[1], &hosts[2]];
    let plan = without_hooks(restart_plan(&all).await);
    hosts[1].folder.fail("stage", What::Gone);
    let ran = ran(&all, &plan).await;
    let expected = [("a", HostResult::Done), ("b", HostResult::Failed), ("c", HostResult::Done)];
    assert_eq!((results(&ran), ran.outcome.exit_code), (expected.to_vec(), 8));
    assert_eq!(ran.summary(), "0.2.0 running");
    assert!(
        ran.outcome.hosts[1].summary.ends_with("no route to host; 0.1.0 was serving when it was last asked"),
        "{:?}",
        ran.outcome.hosts[1]
    );
    assert_eq!(calls(&hosts[0]), ["stage", "activate", "node stop", "node start"]);
    assert_eq!(calls(&hosts[1]), ["stage"]);
    hosts[1].assert_boots(&releases().0);
}

#[tokio::test]
async fn a_lost_link_leaves_a_host_unknown_and_nothing_more_is_tried_there() {
    for (script, fault, calls_made) in [("stage", What::Deaf, 1), ("activate", What::Deaf, 2), ("stage", What::Late, 1)] {
        let host = serving("a").await;
        let plan = without_hooks(restart_plan(&[&host]).await);
        host.folder.fail(script, fault);
        let ran = ran(&[&host], &plan).await;
        assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Unknown)], 8), "{script}");
        assert_eq!(calls(&host).len(), calls_made, "{script}");
    }
}

#[tokio::test]
async fn a_node_that_does_not_come_up_gives_way_to_the_old_release() {
    let host = serving("a").await;
    let plan = without_hooks(restart_plan(&[&host]).await);
    host.folder.fail("node start", What::Before(Box::new(|| {})));
    let folder = host.folder.clone();
    // The new one dies; once it is stopped, the old one starts.
    host.folder.answer("node start", 20, "bad code\n");
    let again = host.folder.clone();
    host.folder.fail(
        "node stop",
        What::Before(Box::new(move || {
            again.fail("node stop", What::Before(Box::new(move || folder.answer("node start", 0, "fact node-pid 43\n"))));
        })),
    );
    let ran = ran(&[&host], &plan).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Failed)], 9));
    assert!(ran.summary().ends_with("0.1.0 serving again"), "{}", ran.summary());
    let expected = ["stage", "activate", "node stop", "node start", "node stop", "activate", "node start"];
    assert_eq!(calls(&host), expected);
    host.assert_boots(&releases().0);
    host.assert_complete(&releases().1);
    let output = ran.events.iter().find_map(|event| match event {
        EventKind::StepFailed { output, .. } => Some(output.clone()),
        _ => None,
    });
    assert_eq!(output.unwrap(), ["bad code"]);
}

#[tokio::test]
async fn a_host_that_can_not_go_back_is_broken() {
    let host = serving("a").await;
    let plan = without_hooks(restart_plan(&[&host]).await);
    host.folder.answer("node start", 20, "bad code\n");
    let ran = ran(&[&host], &plan).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Broken)], 8));
}

#[tokio::test]
async fn a_first_release_that_does_not_start_leaves_nothing_served_as_before() {
    let host = Host::new(Shell::Dash);
    host.folder.answer("node start", 20, "bad code\n");
    host.folder.answer("node stop", 0, "");
    let release = releases().0;
    let plan = host.plan(&release, |request| request.start = true).await;
    let ran = host.apply(&plan, Some(&release)).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Failed)], 9));
    assert!(ran.summary().ends_with("nothing is served, as before"), "{}", ran.summary());
}

/// Hooks, each with the scripts that every host had run by then.
type HooksRun = Vec<(String, Vec<Vec<&'static str>>)>;

/// Notes which hooks ran, and what the hosts had done by then.
struct Recorder {
    folders: Vec<Arc<super::folder::Folder>>,
    ran: Arc<Mutex<HooksRun>>,
    fails: Option<&'static str>,
}

#[async_trait]
impl Hooks for Recorder {
    async fn run(&mut self, name: &str, _reporter: &Reporter) -> Result<(), HookFailure> {
        let calls = self.folders.iter().map(|folder| folder.calls.lock().unwrap().clone()).collect();
        self.ran.lock().unwrap().push((name.to_owned(), calls));
        if self.fails == Some(name) { Err("status 1".into()) } else { Ok(()) }
    }
}

async fn ran_with_hooks(hosts: &[&Host], plan: &Plan, fails: Option<&'static str>) -> (Ran, HooksRun) {
    let record = Arc::new(Mutex::default());
    let folders = hosts.iter().map(|host| host.folder.clone()).collect();
    let hooks = Box::new(Recorder { folders, ran: Arc::clone(&record), fails });
    let sites = hosts.iter().map(|host| (host.name.clone(), host.site())).collect();
    let contents = Some(hosts[0].contents(&releases().1));
    let ran = apply_with(plan, Means { sites, contents, hooks: Some(hooks), ..Means::default() }, Cancel::never()).await;
    let hooks = record.lock().unwrap().clone();
    (ran, hooks)
}

#[tokio::test]
async fn hooks_run_once_when_every_host_has_come_there() {
    let hosts = [serving("a").await, serving("b").await, serving("c").await];
    let all = [&hosts[0], &hosts[1], &hosts[2]];
    let plan = restart_plan(&all).await;
    // Nobody waits for a host that has failed.
    hosts[2].folder.fail("stage", What::Gone);
    let (ran, hooks) = ran_with_hooks(&all, &plan, None).await;
    assert_eq!(results(&ran)[..2], [("a", HostResult::Done), ("b", HostResult::Done)]);
    let there = vec![vec!["stage", "activate"], vec!["stage", "activate"], vec!["stage"]];
    let expected = ["post_extract_release_archive", "pre_start_deployed_release"].map(|name| (name.to_owned(), there.clone()));
    assert_eq!(hooks, expected);
}

#[tokio::test]
async fn a_hook_that_fails_takes_every_host_back() {
    let hosts = [serving("a").await, serving("b").await];
    let all = [&hosts[0], &hosts[1]];
    let plan = restart_plan(&all).await;
    let (ran, _) = ran_with_hooks(&all, &plan, Some("pre_start_deployed_release")).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Failed), ("b", HostResult::Failed)], 9));
    assert_eq!(ran.causes(), ["the hook failed", "status 1"]);
    hosts.iter().for_each(|host| host.assert_boots(&releases().0));
}

#[tokio::test]
async fn a_hook_before_everything_decides_whether_anything_is_begun() {
    let host = serving("a").await;
    let mut plan = without_hooks(restart_plan(&[&host]).await);
    plan.before = vec![Step::Hook { name: "before".to_owned() }];
    plan.after = vec![Step::Hook { name: "after".to_owned() }];
    let (ran, hooks) = ran_with_hooks(&[&host], &plan, Some("before")).await;
    assert_eq!((results(&ran), ran.outcome.exit_code, hooks.len()), (vec![("a", HostResult::Skipped)], 9, 1));
    assert!(calls(&host).is_empty());
    let (ran, hooks) = ran_with_hooks(&[&host], &plan, Some("after")).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Done)], 8));
    assert_eq!(hooks.last().unwrap().0, "after");
}

#[tokio::test]
async fn hosts_without_work_are_in_the_outcome_too() {
    let host = serving("b").await;
    let mut plan = without_hooks(restart_plan(&[&host]).await);
    let idle = |name: &str, verdict| HostPlan {
        host: name.parse().unwrap(),
        expect: Default::default(),
        verdict,
        reasons: vec!["a reason".to_owned()],
        steps: Vec::new(),
        undo: Vec::new(),
    };
    plan.hosts.insert(0, idle("a", Verdict::Nothing));
    plan.hosts.push(idle("c", Verdict::Unreachable { hints: Vec::new() }));
    let ran = ran(&[&host], &plan).await;
    let expected = [("a", HostResult::Done), ("b", HostResult::Done), ("c", HostResult::Skipped)];
    assert_eq!((results(&ran), ran.outcome.exit_code), (expected.to_vec(), 8));
}

/// Applies the plan; `interrupt` is called when this script is about to run.
pub(super) async fn interrupted(host: &Host, plan: &Plan, script: &'static str, times: usize) -> Ran {
    let (interrupter, cancel) = cancel::pair();
    if times == 1 {
        host.folder.fail(script, What::Before(Box::new(move || _ = interrupter.interrupt())));
        return apply_on(&[host], plan, Some(host.contents(&releases().1)), cancel).await;
    }
    host.folder.fail(script, What::Hang);
    let twice = async move {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        interrupter.interrupt();
        interrupter.interrupt();
        interrupter
    };
    let hosts = [host];
    tokio::join!(apply_on(&hosts, plan, Some(host.contents(&releases().1)), cancel), twice).0
}

#[tokio::test]
async fn the_first_interruption_lets_the_step_in_hand_finish_and_begins_nothing_new() {
    let host = serving("a").await;
    let plan = without_hooks(restart_plan(&[&host]).await);
    let ran = interrupted(&host, &plan, "stage", 1).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Failed)], 130));
    assert_eq!(ran.summary(), "interrupted; 0.1.0 serving as before");
    assert!(ran.outcome.interrupted);
    host.assert_complete(&releases().1);
    host.assert_boots(&releases().0);
    assert_eq!(calls(&host), ["stage"]);
}

#[tokio::test]
async fn a_node_that_was_stopped_is_started_although_the_user_interrupted() {
    let host = serving("a").await;
    let plan = without_hooks(restart_plan(&[&host]).await);
    let ran = interrupted(&host, &plan, "node stop", 1).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Done)], 0));
    assert_eq!(*calls(&host).last().unwrap(), "node start");
}

#[tokio::test]
async fn a_host_that_has_all_but_a_tidy_root_is_done_although_the_user_interrupted() {
    let host = serving("a").await;
    let mut plan = without_hooks(restart_plan(&[&host]).await);
    plan.hosts[0].steps.push(Step::Prune(Prune { versions: Vec::new(), dirs: Vec::new(), releases_file: String::new() }));
    let ran = interrupted(&host, &plan, "node start", 1).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Done)], 130));
    assert_eq!(ran.summary(), "0.2.0 running; interrupted before old releases were removed");
    assert_eq!(*calls(&host).last().unwrap(), "node start");
}

#[tokio::test]
async fn the_second_interruption_ends_what_is_in_hand() {
    let host = serving("a").await;
    let plan = without_hooks(restart_plan(&[&host]).await);
    let ran = interrupted(&host, &plan, "activate", 2).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Unknown)], 130));
}

#[tokio::test]
async fn an_interruption_before_the_first_step_touches_nothing() {
    let host = serving("a").await;
    let plan = without_hooks(restart_plan(&[&host]).await);
    let (interrupter, cancel) = cancel::pair();
    interrupter.interrupt();
    let ran = apply_on(&[&host], &plan, Some(host.contents(&releases().1)), cancel).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Skipped)], 130));
    assert!(calls(&host).is_empty());
}

#[tokio::test]
async fn a_node_is_not_stopped_where_another_release_boots_than_planned() {
    let host = serving("a").await;
    let mut plan = without_hooks(restart_plan(&[&host]).await);
    plan.hosts[0].steps.retain(|step| matches!(step, Step::Stop { .. } | Step::Start { .. }));
    host.folder.answer("node state", 0, "edeliver-node 1\npermanent 0.3.0\nnode-is down\nend\n");
    let ran = ran(&[&host], &plan).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Failed)], 4));
    assert_eq!(calls(&host), ["node state"]);
}

#[tokio::test]
async fn what_is_told_of_a_host_is_in_order_and_ends_with_its_result() {
    let host = serving("a").await;
    let plan = without_hooks(restart_plan(&[&host]).await);
    let ran = ran(&[&host], &plan).await;
    let words = ran.events.iter().filter_map(|event| match event {
        EventKind::StepStarted { index, .. } => Some(format!("started {index}")),
        EventKind::StepFinished { index, .. } => Some(format!("finished {index}")),
        EventKind::HostFinished { result, .. } => Some(format!("{result:?}")),
        _ => None,
    });
    let steps = (0..5).flat_map(|index| [format!("started {index}"), format!("finished {index}")]);
    assert_eq!(words.collect::<Vec<_>>(), steps.chain(["Done".to_owned()]).collect::<Vec<_>>());
    let total = ran.events.iter().any(|event| matches!(event, EventKind::Progress { done, total } if done == total));
    assert!(total, "the transfer is told to its end");
}

/// Whoever waits while others are sent much is not begun once the user has interrupted.
#[tokio::test]
async fn much_is_sent_to_so_many_hosts_at_a_time_and_those_that_wait_can_be_interrupted() {
    let mut large = Release::new("0.1.0");
    large.add("lib/demo-0.1.0/priv/picture", 0o644, &"picture".repeat(200_000));
    let mut hosts = Vec::new();
    for at in 0..STREAMS + 2 {
        let mut host = Host::new(Shell::Dash);
        host.name = format!("h{at}").parse().unwrap();
        host.folder.fail("stage", What::Hang);
        hosts.push(host);
    }
    let first = hosts[0].seen().await;
    let mut plan = hosts[0].plan_after(first, &large, |_| {});
    for host in &hosts[1..] {
        let copy = HostPlan { host: host.name.clone(), ..plan.hosts[0].clone() };
        plan.hosts.push(copy);
    }
    plan.rollout = Rollout { waves: vec![hosts.iter().map(|host| host.name.clone()).collect()], ..Rollout::default() };
    let (interrupter, cancel) = cancel::pair();
    let all: Vec<&Host> = hosts.iter().collect();
    let sent = || all.iter().filter(|host| calls(host) == ["stage"]).count();
    let twice = async {
        while sent() < STREAMS {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        interrupter.interrupt();
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
        interrupter.interrupt();
    };
    let (ran, ()) = tokio::join!(apply_on(&all, &plan, Some(hosts[0].contents(&large)), cancel), twice);
    assert_eq!(sent(), STREAMS);
    let skipped = ran.outcome.hosts.iter().filter(|row| row.result == HostResult::Skipped).count();
    assert_eq!(skipped, 2, "{:?}", ran.outcome.hosts);
}
