//! Going back to a release that is installed.

mod soaking;

use std::time::Duration;

use edeliver_erl::rel::releases::Releases;

use super::{
    FORMAT, HostPlan, Plan, Verdict, Way, deploy, guard,
    hot::{self, HotHost},
    releases,
    switch::{self, Switch},
    traffic,
};
use crate::{
    config::{Peers, RolloutSettings, TargetSettings},
    facts::{HostFacts, Installed, Seen, TakenBack},
    hint::Hint,
    name::{AppName, HostName, RunId, TargetName, Version},
    step::{Activate, Step},
    strategy::Rollout,
};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRequest {
    /// Name of the release.
    pub app: AppName,
    /// Which one; `None`: on each host the one that served before.
    pub to: Option<Version>,
    /// Take nodes that run another release back too: without a restart where there is a way, else by one.
    pub restart: bool,
    /// The ways back without a restart.
    pub ways: Vec<Way>,
}

impl RollbackRequest {
    /// In words: `roll production back to hotapp 0.1.0`.
    pub fn title(&self, target: &TargetName) -> String {
        match &self.to {
            Some(version) => format!("roll {target} back to {} {version}", self.app),
            None => format!("roll {target} back to the release before"),
        }
    }
}

/// Decides what happens on each host.
pub fn rollback(request: &RollbackRequest, settings: &TargetSettings, facts: &[HostFacts]) -> Plan {
    // Who goes back wants to be there: the release is known, so it is asked whether it is well, and not watched. Its place in the cluster is
    // where it was before what is left now.
    let rollout = RolloutSettings { soak: Duration::ZERO, peers: Peers::Off, settled: None, ..settings.rollout.clone() };
    let settings = &TargetSettings { rollout, ..settings.clone() };
    let work = Work { request, settings };
    let hosts = facts.iter().map(|facts| guard::guarded(work.host(facts), facts, settings, None)).collect();
    let hosts = traffic::around(hosts, settings, facts);
    Plan {
        format: FORMAT,
        title: request.title(&settings.name),
        target: Some(settings.name.clone()),
        release: None,
        before: Vec::new(),
        rollout: Rollout::best_effort(settings, &hosts),
        hosts,
        after: Vec::new(),
    }
}

/// The way back of a rollout that failed: hosts that it changed get what they had, and all that it touched note that its release was taken
/// back. `facts`: of those that are to be brought back; `others`: those on which it failed, and which are as before.
pub fn take_back(
    failed: &Plan,
    request: &RollbackRequest,
    settings: &TargetSettings,
    facts: &[HostFacts],
    others: &[HostFacts],
    run: Option<&RunId>,
) -> Plan {
    // A drain that failed, or a resume, has changed no release: going back from there would lead to an older one.
    let (as_before, facts): (Vec<&HostFacts>, Vec<&HostFacts>) = facts.iter().partition(|facts| is_untouched(facts, failed));
    let facts: Vec<HostFacts> = facts.into_iter().cloned().collect();
    let mut plan = rollback(request, settings, &facts);
    plan.hosts.iter_mut().for_each(guard::forwards);
    let remember = failed.release.as_ref().zip(run).map(|(release, run)| {
        let it = TakenBack { version: release.version.clone(), manifest: release.manifest, run: run.clone() };
        Step::Remember(it)
    });
    plan.hosts.iter_mut().filter(|host| host.verdict == Verdict::Change).for_each(|host| host.steps.extend(remember.clone()));
    let others: Vec<HostFacts> = others.iter().chain(as_before).cloned().collect();
    let there = others.iter().filter_map(|facts| Some((&facts.host, facts.seen.as_ref().ok()?)));
    let only_noted = |(host, seen): (&HostName, &Seen)| {
        remember.clone().map(|step| HostPlan {
            host: host.clone(),
            expect: switch::precondition(seen),
            verdict: Verdict::Change,
            reasons: vec!["it failed here, and is as before".to_owned()],
            steps: vec![step],
            undo: Vec::new(),
        })
    };
    plan.hosts.extend(traffic::around(there.filter_map(only_noted).collect(), settings, &others));
    let rollout = Rollout::best_effort(settings, &plan.hosts);
    Plan { title: format!("take back: {}", failed.title), rollout, ..plan }
}

/// Whether a node serves another release than the one that failed, and that one does not boot either. A restart that led to no other release has
/// touched none.
fn is_untouched(facts: &HostFacts, failed: &Plan) -> bool {
    let Ok(seen) = &facts.seen else { return false };
    let Some(release) = &failed.release else {
        return failed.hosts.iter().any(|host| host.host == facts.host && host.undo.is_empty());
    };
    let node = &seen.node;
    let there = [&node.version, &node.booted, &seen.permanent];
    switch::is_up(seen) && node.ongoing.is_none() && there.into_iter().all(|version| version.as_ref() != Some(&release.version))
}

struct Work<'a> {
    request: &'a RollbackRequest,
    settings: &'a TargetSettings,
}

impl Work<'_> {
    fn host(&self, facts: &HostFacts) -> HostPlan {
        match &facts.seen {
            Err(unseen) => deploy::unreachable(&facts.host, unseen),
            Ok(seen) if seen.node.ongoing.is_some() => self.take_back(&facts.host, seen),
            Ok(seen) => match self.goal(seen) {
                Ok(goal) => self.go_to(&facts.host, seen, goal),
                Err(reason) => blocked(&facts.host, seen, reason, self.remedy(seen)),
            },
        }
    }
    /// Where this host goes back to, or why it can't.
    fn goal<'s>(&self, seen: &'s Seen) -> Result<&'s Version, String> {
        let installed = |version: &Version| switch::installed(seen, version).map(|installed| &installed.version);
        let uncommitted = uncommitted(seen);
        match (&self.request.to, uncommitted.or(seen.previous.as_ref())) {
            (Some(version), _) => installed(version).ok_or_else(|| format!("{version} is not installed")),
            (None, Some(previous)) => installed(previous).ok_or_else(|| format!("{previous}, the release before, is gone")),
            (None, None) => seen
                .permanent
                .as_ref()
                .and_then(|permanent| switch::before(seen, permanent))
                .ok_or_else(|| "there is no release to go back to".to_owned()),
        }
    }
    fn remedy(&self, seen: &Seen) -> Hint {
        let others: Vec<&str> = seen.installed.iter().map(|installed| installed.version.as_str()).collect();
        match &others[..] {
            [] => Hint::command("deploy a release", format!("edeliver deploy release to {}", self.settings.name)),
            others => Hint::text(format!("the host has {}: name one with `--version=`, or deploy another", others.join(", "))),
        }
    }
    fn go_to(&self, host: &HostName, seen: &Seen, goal: &Version) -> HostPlan {
        let switch = Switch { app: &self.request.app, settings: self.settings, seen };
        let Some(releases) = releases::with_permanent(seen, goal) else {
            return blocked(host, seen, format!("{goal} has no readable .rel file"), self.remedy(seen));
        };
        let runs_other = switch::is_up(seen) && seen.node.version.as_ref() != Some(goal);
        let mut why = Vec::new();
        if runs_other && self.request.restart {
            match hot::road(&switch, &self.request.ways, goal) {
                Ok(way) => match self.downgraded(host, seen, way, &releases) {
                    Some(plan) => return plan,
                    None => why = vec![format!("{goal} has no .rel file that can be used")],
                },
                Err(reasons) => why = reasons,
            }
        }
        let mut steps = Vec::new();
        if seen.permanent.as_ref() != Some(goal) {
            steps.push(Step::Activate(activation(&switch, goal, &releases)));
        }
        if runs_other && self.request.restart {
            if let Some(obstacle) = switch.no_unit() {
                return blocked(host, seen, obstacle.why, obstacle.hint);
            }
            steps.extend(switch.restart(goal));
        }
        let lost = why.into_iter().map(|why| format!("its state is lost: {why}"));
        HostPlan {
            host: host.clone(),
            expect: switch::precondition(seen),
            verdict: if steps.is_empty() { Verdict::Nothing } else { Verdict::Change },
            reasons: self.reasons(seen, goal, runs_other).into_iter().chain(lost).collect(),
            undo: if steps.is_empty() { Vec::new() } else { switch.back_from(goal, &releases) },
            steps,
        }
    }
    /// Without a restart; `None` where a `.rel` can't be used.
    fn downgraded(&self, host: &HostName, seen: &Seen, way: &Way, releases: &Releases) -> Option<HostPlan> {
        let switch = Switch { app: &self.request.app, settings: self.settings, seen };
        let goal = &way.to.version;
        let installed = switch::installed(seen, goal)?;
        let (rel, dirs) = (releases::rel_of(installed)?, releases::uses(installed)?);
        let activate = activation(&switch, goal, releases);
        let hot = HotHost { switch, way, rel: &rel, dirs: &dirs, activate, releases };
        let how = format!("the node runs {}: it goes back without a restart, with its state", way.from.version);
        Some(HostPlan {
            host: host.clone(),
            expect: switch::precondition(seen),
            verdict: Verdict::Change,
            reasons: [boots(seen, goal), how].into_iter().chain(hot::warnings(way)).collect(),
            steps: hot.steps()?,
            undo: hot.undo(),
        })
    }
    fn reasons(&self, seen: &Seen, goal: &Version, runs_other: bool) -> Vec<String> {
        let version = seen.node.version.as_ref().map_or("an unknown version", Version::as_str);
        let node = match (switch::is_up(seen), runs_other, self.request.restart) {
            (false, ..) => "no node runs".to_owned(),
            (true, false, _) => "the node runs it".to_owned(),
            (true, true, true) => format!("the node runs {version}: it is restarted"),
            (true, true, false) => format!("the node runs {version} until it is restarted"),
        };
        [boots(seen, goal), node].into_iter().chain(switch::remarks(seen)).collect()
    }
}

/// What boots, for the release before an upgrade that was never made permanent: going back means to go there.
fn uncommitted(seen: &Seen) -> Option<&Version> {
    let node = &seen.node;
    let upgraded = switch::is_up(seen) && node.version != node.booted;
    seen.permanent.as_ref().filter(|permanent| upgraded && node.booted.as_ref() == Some(permanent))
}

fn activation(switch: &Switch<'_>, goal: &Version, releases: &Releases) -> Activate {
    let installed: Option<&Installed> = switch::installed(switch.seen, goal);
    let kind = switch::kind(switch.seen, switch.app, installed);
    // A release that was left is no place to go back to; what was there before the goal is.
    let previous = switch::before(switch.seen, goal).cloned();
    switch.activate(goal, previous, releases, installed.and_then(switch::start_erl), kind)
}

fn boots(seen: &Seen, goal: &Version) -> String {
    match &seen.permanent {
        Some(permanent) if permanent == goal => format!("{goal} boots already"),
        Some(permanent) => format!("{permanent} boots now, {goal} is to"),
        None => format!("{goal} is to boot"),
    }
}

fn blocked(host: &HostName, seen: &Seen, reason: String, hint: Hint) -> HostPlan {
    HostPlan {
        host: host.clone(),
        expect: switch::precondition(seen),
        verdict: Verdict::Blocked { hints: vec![hint] },
        reasons: vec![reason],
        steps: Vec::new(),
        undo: Vec::new(),
    }
}
