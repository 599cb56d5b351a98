//! Going back to a release that is installed.

use super::{
    FORMAT, HostPlan, Plan, Verdict, deploy, releases,
    switch::{self, Switch},
};
use crate::{
    config::TargetSettings,
    facts::{HostFacts, Seen},
    hint::Hint,
    name::{AppName, HostName, TargetName, Version},
    step::Step,
};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollbackRequest {
    /// Name of the release.
    pub app: AppName,
    /// Which one; `None`: on each host the one that served before.
    pub to: Option<Version>,
    /// Restart nodes that run another release.
    pub restart: bool,
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
    let work = Work { request, settings };
    Plan {
        format: FORMAT,
        title: request.title(&settings.name),
        target: Some(settings.name.clone()),
        release: None,
        before: Vec::new(),
        hosts: facts.iter().map(|facts| work.host(facts)).collect(),
        after: Vec::new(),
    }
}

struct Work<'a> {
    request: &'a RollbackRequest,
    settings: &'a TargetSettings,
}

impl Work<'_> {
    fn host(&self, facts: &HostFacts) -> HostPlan {
        match &facts.seen {
            Err(unseen) => deploy::unreachable(&facts.host, unseen),
            Ok(seen) => match self.goal(seen) {
                Ok(goal) => self.go_to(&facts.host, seen, goal),
                Err(reason) => blocked(&facts.host, seen, reason, self.remedy(seen)),
            },
        }
    }
    /// Where this host goes back to, or why it can't.
    fn goal<'s>(&self, seen: &'s Seen) -> Result<&'s Version, String> {
        let installed = |version: &Version| switch::installed(seen, version).map(|installed| &installed.version);
        match (&self.request.to, &seen.previous) {
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
        let installed = switch::installed(seen, goal);
        let Some(releases) = releases::with_permanent(seen, goal) else {
            return blocked(host, seen, format!("{goal} has no readable .rel file"), self.remedy(seen));
        };
        let mut steps = Vec::new();
        if seen.permanent.as_ref() != Some(goal) {
            let kind = switch::kind(seen, switch.app, installed);
            let start_erl = installed.and_then(switch::start_erl);
            // A release that was left is no place to go back to; what was there before the goal is.
            let previous = switch::before(seen, goal).cloned();
            steps.push(Step::Activate(switch.activate(goal, previous, &releases, start_erl, kind)));
        }
        let runs_other = switch::is_up(seen) && seen.node.booted.as_ref() != Some(goal);
        if runs_other && self.request.restart {
            if let Some(obstacle) = switch.no_unit() {
                return blocked(host, seen, obstacle.why, obstacle.hint);
            }
            steps.extend(switch.restart(goal));
        }
        HostPlan {
            host: host.clone(),
            expect: switch::precondition(seen),
            verdict: if steps.is_empty() { Verdict::Nothing } else { Verdict::Change },
            reasons: self.reasons(seen, goal, runs_other),
            undo: if steps.is_empty() { Vec::new() } else { switch.back_from(goal, &releases) },
            steps,
        }
    }
    fn reasons(&self, seen: &Seen, goal: &Version, runs_other: bool) -> Vec<String> {
        let boots = match &seen.permanent {
            Some(permanent) if permanent == goal => format!("{goal} boots already"),
            Some(permanent) => format!("{permanent} boots now, {goal} is to"),
            None => format!("{goal} is to boot"),
        };
        let version = seen.node.booted.as_ref().map_or("an unknown version", Version::as_str);
        let node = match (switch::is_up(seen), runs_other, self.request.restart) {
            (false, ..) => "no node runs".to_owned(),
            (true, false, _) => "the node runs it".to_owned(),
            (true, true, true) => format!("the node runs {version}: it is restarted"),
            (true, true, false) => format!("the node runs {version} until it is restarted"),
        };
        vec![boots, node]
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
