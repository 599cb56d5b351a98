//! Starting, stopping and restarting nodes.

use super::{
    FORMAT, HostPlan, Plan, Verdict, cluster, deploy, guard, releases,
    switch::{self, Switch},
    traffic,
};
use crate::{
    config::{OnFailure, TargetSettings},
    facts::{HostFacts, NodeState, Seen},
    hint::Hint,
    name::{AppName, Version},
    step::Step,
    strategy::Rollout,
};

/// What is done with nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NodeAction {
    /// Start those that don't run.
    Start,
    /// Stop those that run.
    Stop,
    /// Stop those that run, start all: into the release that boots. A new process, never a restart in place, which would keep the old
    /// environment.
    Restart,
}

impl NodeAction {
    /// As users type it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

/// Decides what happens on each host.
pub fn node(action: NodeAction, app: &AppName, settings: &TargetSettings, facts: &[HostFacts]) -> Plan {
    let hosts = facts.iter().map(|facts| host(action, app, settings, facts)).collect();
    let hosts = traffic::around(cluster::of_target(hosts, settings, facts), settings, facts);
    // Nobody who stops or starts nodes means only some of them.
    let rollout = match action {
        NodeAction::Restart => restarting(Rollout::over(settings, &hosts), &hosts),
        NodeAction::Start | NodeAction::Stop => Rollout { at_once: None, ..Rollout::best_effort(settings, &hosts) },
    };
    Plan {
        format: FORMAT,
        title: format!("{} {app} on {}", action.word(), settings.name),
        target: Some(settings.name.clone()),
        release: None,
        before: Vec::new(),
        rollout,
        hosts,
        after: Vec::new(),
    }
}

/// A restart into what runs already leads nowhere, so there is nothing to bring back.
fn restarting(mut rollout: Rollout, hosts: &[HostPlan]) -> Rollout {
    if rollout.on_failure == OnFailure::Rollback && hosts.iter().all(|host| host.undo.is_empty()) {
        rollout.on_failure = OnFailure::Stop;
    }
    rollout
}

fn host(action: NodeAction, app: &AppName, settings: &TargetSettings, facts: &HostFacts) -> HostPlan {
    let seen = match &facts.seen {
        Ok(seen) => seen,
        Err(unseen) => return deploy::unreachable(&facts.host, unseen),
    };
    let switch = Switch { app, settings, seen };
    let (verdict, reason, steps) = match action {
        NodeAction::Stop => stop(&switch),
        NodeAction::Start => start(&switch),
        NodeAction::Restart => restart(&switch),
    };
    let undo = if action == NodeAction::Restart && !steps.is_empty() { undo_restart(&switch) } else { Vec::new() };
    let reasons = [reason].into_iter().chain(switch::remarks(seen)).chain(switch.unit_reasons()).collect();
    let plan = HostPlan { host: facts.host.clone(), expect: switch::precondition(seen), verdict, reasons, steps, undo };
    guard::guarded(plan, facts, settings, None)
}

type Decision = (Verdict, String, Vec<Step>);

fn stop(switch: &Switch<'_>) -> Decision {
    match switch::is_there(switch.seen) {
        false => (Verdict::Nothing, "no node runs".to_owned(), Vec::new()),
        true => (Verdict::Change, runs(switch.seen), vec![switch.stop(None)]),
    }
}

fn start(switch: &Switch<'_>) -> Decision {
    let seen = switch.seen;
    let permanent = match &seen.permanent {
        Some(permanent) => permanent,
        None => return nothing_deployed(switch),
    };
    if let Some(obstacle) = switch.no_unit().filter(|_| !switch::is_up(seen)) {
        return blocked(obstacle.why, obstacle.hint);
    }
    match seen.node.state {
        NodeState::Down => (Verdict::Change, format!("no node runs, {permanent} boots"), vec![switch.start(permanent)]),
        NodeState::Starting if seen.node.booted.as_ref() == Some(permanent) => {
            (Verdict::Change, "the node is starting: it is waited for".to_owned(), vec![switch.start(permanent)])
        }
        NodeState::Running | NodeState::NoDistribution | NodeState::Unasked => {
            let next = match seen.node.version.as_ref() == Some(permanent) {
                true => String::new(),
                false => format!("; {permanent} boots when it is restarted"),
            };
            (Verdict::Nothing, format!("{} already{next}", runs(seen)), Vec::new())
        }
        _ => blocked(runs(seen), Hint::command("stop it and start it anew", format!("edeliver restart {}", switch.settings.name))),
    }
}

fn restart(switch: &Switch<'_>) -> Decision {
    if let Some(obstacle) = switch.no_unit() {
        return blocked(obstacle.why, obstacle.hint);
    }
    match &switch.seen.permanent {
        Some(permanent) => (Verdict::Change, format!("{}, {permanent} boots", runs(switch.seen)), switch.restart(permanent)),
        None => nothing_deployed(switch),
    }
}

/// A node that ran another release than the one that boots gets that one back, if the other does not come up.
fn undo_restart(switch: &Switch<'_>) -> Vec<Step> {
    let permanent = switch.seen.permanent.as_ref();
    let other = switch::served(switch.seen).is_some_and(|served| Some(served) != permanent);
    match permanent.filter(|_| other).and_then(|new| Some((new, releases::with_permanent(switch.seen, new)?))) {
        Some((new, releases)) => switch.back_from(new, &releases),
        None => Vec::new(),
    }
}

fn runs(seen: &Seen) -> String {
    let version = seen.node.version.as_ref().map_or("an unknown version", Version::as_str);
    match seen.node.state {
        NodeState::Down => "no node runs".to_owned(),
        NodeState::Running => format!("the node runs {version}"),
        state => format!("the node ({version}) is {}", state.word()),
    }
}

fn nothing_deployed(switch: &Switch<'_>) -> Decision {
    let command = format!("edeliver deploy release to {}", switch.settings.name);
    blocked("no release is deployed there".to_owned(), Hint::command("deploy one", command))
}

fn blocked(reason: String, hint: Hint) -> Decision {
    (Verdict::Blocked { hints: vec![hint] }, reason, Vec::new())
}
