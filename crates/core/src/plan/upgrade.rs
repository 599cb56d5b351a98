//! Upgrading running nodes: each by the relup that leads from what it runs, the others by a restart or a deploy, as allowed.

use super::{
    FORMAT, HostPlan, Plan, Verdict, Way, cluster,
    deploy::{self, DeployRequest, Host, Wanted, Work, hooks},
    fit::Obstacle,
    hot::{self, HotHost},
    releases,
    switch::{self, Switch},
    traffic,
};
use crate::{
    config::{OnRestart, TargetSettings},
    facts::{HostFacts, NodeState, Seen},
    hint::Hint,
    name::HostName,
    step::Step,
    strategy::Rollout,
};

/// The hooks of the original around an upgrade of running nodes.
const BEFORE: &str = "pre_upgrade_release";
const AFTER: &str = "post_upgrade_release";
/// All of them.
pub const HOOKS: [&str; 2] = [BEFORE, AFTER];

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpgradeRequest {
    /// How releases are put on hosts, and which hooks there are; `start` says what becomes of hosts on which no node runs.
    pub deploy: DeployRequest,
    /// What is done with nodes that can't be upgraded without a restart.
    pub on_restart: OnRestart,
}

/// Decides what happens on each host. Pure: the same facts give the same plan, and the facts after it give an empty one.
///
/// `ways`: from the releases that may run to the wanted one.
pub fn upgrade(
    request: &UpgradeRequest,
    settings: &TargetSettings,
    wanted: &Wanted<'_>,
    ways: &[Way],
    facts: &[HostFacts],
) -> Plan {
    let upgrading = Upgrading { request, settings, wanted, ways };
    let hosts = cluster::of_target(facts.iter().map(|facts| upgrading.host(facts)).collect(), settings, facts);
    let (before, after) = request.hooks_around(&hosts);
    let hosts = traffic::around(hosts, settings, facts);
    Plan {
        format: FORMAT,
        title: format!("upgrade {} to {}", settings.name, wanted.manifest.title()),
        target: Some(settings.name.clone()),
        release: Some(wanted.release()),
        before,
        rollout: Rollout::over(settings, &hosts).bringing(settings),
        hosts,
        after,
    }
}

impl UpgradeRequest {
    /// Hooks before and after the hosts' steps: those of upgrades where a node is upgraded, those of deploys where one is not.
    fn hooks_around(&self, hosts: &[HostPlan]) -> (Vec<Step>, Vec<Step>) {
        let is = |step: fn(&Step) -> bool| move |host: &&HostPlan| host.steps.iter().any(step);
        let mut changed = hosts.iter().filter(|host| !host.steps.is_empty());
        let hot = changed.clone().any(|host| is(|step| matches!(step, Step::Install(_)))(&host));
        let started = changed.clone().any(|host| is(|step| matches!(step, Step::Start { .. }))(&host));
        let deployed = changed.any(|host| !is(|step| matches!(step, Step::Install(_) | Step::Start { .. }))(&host));
        let defined = |hooks: &[(bool, &str)]| {
            let wanted = hooks.iter().filter(|(wanted, name)| *wanted && self.deploy.hooks.iter().any(|hook| hook == name));
            wanted.map(|(_, name)| Step::Hook { name: (*name).to_owned() }).collect()
        };
        (
            defined(&[(started || deployed, hooks::BEFORE), (hot, BEFORE)]),
            defined(&[(hot, AFTER), (deployed, hooks::DEPLOYED), (started, hooks::STARTED)]),
        )
    }
}

struct Upgrading<'a> {
    request: &'a UpgradeRequest,
    settings: &'a TargetSettings,
    wanted: &'a Wanted<'a>,
    ways: &'a [Way],
}

impl Upgrading<'_> {
    fn host(&self, facts: &HostFacts) -> HostPlan {
        let seen = match &facts.seen {
            Ok(seen) => seen,
            Err(unseen) => return deploy::unreachable(&facts.host, unseen),
        };
        let wanted = &self.wanted.manifest.version;
        if let Some(obstacle) = hot::in_the_way(seen, &self.settings.name) {
            return deploy::blocked(&facts.host, seen, vec![obstacle]);
        }
        let runs_it = seen.node.state == NodeState::Running && seen.node.version.as_ref() == Some(wanted);
        let switch = Switch { app: &self.request.deploy.app, settings: self.settings, seen };
        if let Some(way) = hot::unfinished(&switch, self.ways, wanted) {
            return self.upgraded(&facts.host, seen, way);
        }
        if !switch::is_up(seen) || runs_it {
            return self.deployed(facts, self.request.deploy.start && !runs_it);
        }
        match hot::road(&switch, self.ways, wanted) {
            Ok(way) => self.upgraded(&facts.host, seen, way),
            Err(why) => self.restarted(facts, seen, why),
        }
    }
    /// As a deploy does it.
    fn deployed(&self, facts: &HostFacts, start: bool) -> HostPlan {
        let request = DeployRequest { start, ..self.request.deploy.clone() };
        Work { request: &request, settings: self.settings, wanted: self.wanted }.host(facts)
    }
    fn restarted(&self, facts: &HostFacts, seen: &Seen, why: Vec<String>) -> HostPlan {
        if self.request.on_restart == OnRestart::Refuse {
            return self.refused(&facts.host, seen, why);
        }
        let mut plan = self.deployed(facts, true);
        if plan.verdict == Verdict::Change {
            plan.reasons.extend(why);
            plan.reasons.push("so the state of its processes is lost".to_owned());
        }
        plan
    }
    fn refused(&self, host: &HostName, seen: &Seen, why: Vec<String>) -> HostPlan {
        let hints = vec![
            Hint::text("`--restart-if-needed` restarts nodes that can't be upgraded like that"),
            Hint::command(
                "or restart all of them into the release",
                format!("edeliver update {} --start-deploy", self.settings.name),
            ),
        ];
        let mut plan = deploy::blocked(host, seen, Vec::new());
        (plan.reasons, plan.verdict) = (why, Verdict::Blocked { hints });
        plan
    }
    fn upgraded(&self, host: &HostName, seen: &Seen, way: &Way) -> HostPlan {
        let request = DeployRequest { start: false, ..self.request.deploy.clone() };
        let work = Work { request: &request, settings: self.settings, wanted: self.wanted };
        match work.fits(host, seen) {
            Ok(fits) => Upgraded { host: &fits, way }.plan(host),
            Err(blocked) => *blocked,
        }
    }
}

/// A host whose node is upgraded while it runs.
struct Upgraded<'a> {
    host: &'a Host<'a>,
    way: &'a Way,
}

impl Upgraded<'_> {
    fn plan(&self, name: &HostName) -> HostPlan {
        let (host, way) = (self.host, self.way);
        let releases = releases::with_new(host.seen, host.work.wanted.rel, &host.delta.dirs);
        let (from, to) = (&way.from.version, &way.to.version);
        let kind = host.work.wanted.manifest.kind;
        let start_erl = Some(switch::start_erl_of(host.work.wanted.rel));
        let activate = host.switch().activate(to, Some(from.clone()), &releases, start_erl, kind);
        let hot = HotHost {
            switch: host.switch(),
            way,
            rel: host.work.wanted.rel,
            dirs: &host.delta.dirs,
            activate,
            releases: &releases,
        };
        let Some(steps) = hot.steps() else { return self.unreadable(name) };
        let stage = host.stage().map(Step::Stage);
        let prune = host.prune(Some(from), false, releases.clone()).map(Step::Prune);
        HostPlan {
            host: name.clone(),
            expect: switch::precondition(host.seen),
            verdict: Verdict::Change,
            reasons: self.reasons(stage.is_some(), prune.as_ref()),
            undo: hot.undo(),
            steps: stage.into_iter().chain(steps).chain(prune).collect(),
        }
    }
    fn unreadable(&self, name: &HostName) -> HostPlan {
        let why = format!("{} or {} has no .rel file that can be used", self.way.from.version, self.way.to.version);
        let hint =
            Hint::command("deploy with a restart", format!("edeliver update {} --start-deploy", self.host.work.settings.name));
        deploy::blocked(name, self.host.seen, vec![Obstacle { why, hint }])
    }
    fn reasons(&self, stage: bool, prune: Option<&Step>) -> Vec<String> {
        let (host, way) = (self.host, self.way);
        let there = || format!("{} is there already", host.version());
        let mut reasons = vec![if stage { host.travels() } else { there() }];
        reasons.extend(host.moved());
        reasons.push(match host.seen.node.upgraded_from.as_ref() == Some(&way.from.version) {
            true => {
                format!("the node was upgraded from {} before, which nobody made permanent: that is ended now", way.from.version)
            }
            false => format!("the node runs {}: it is upgraded without a restart", way.from.version),
        });
        let unproved = switch::installed(host.seen, &way.from.version).is_some_and(|installed| installed.manifest.is_none());
        reasons.extend(unproved.then(|| {
            format!("{} was put there otherwise: the node is asked first whether its code is that of the store's", way.from.version)
        }));
        reasons.extend(hot::warnings(way));
        reasons.extend(switch::remarks(host.seen));
        if let Some(Step::Prune(prune)) = prune {
            reasons.extend(host.goes(prune));
        }
        reasons
    }
}
