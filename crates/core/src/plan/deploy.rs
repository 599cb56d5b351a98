//! Deploying: what it takes on each host to have a release there, boot it, and run it.

use std::{collections::BTreeMap, sync::Arc};

use edeliver_erl::rel::{Rel, releases::Releases};

use super::{
    FORMAT, HostPlan, Plan, Precondition, ReleaseRef, Verdict, cluster,
    fit::{self, Obstacle},
    guard, hot,
    keep::{After, Keep, Removal},
    releases,
    switch::{self, Switch},
    traffic,
};
use crate::{
    config::TargetSettings,
    delta::{Delta, Deltas, Rewritten},
    facts::{HostFacts, NodeState, Seen, Unseen},
    name::{AppName, HostName, Version},
    release::{Digest, Entry, EntryKind, Manifest, ManifestId, RelPath},
    size::size,
    step::{Packing, Prune, Stage, Step, Watch},
    strategy::Rollout,
};

/// What the user asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeployRequest {
    /// Name of the release.
    pub app: AppName,
    /// Start the release once it is there, restarting a node that runs (`--start-deploy`).
    pub start: bool,
    /// Which releases stay.
    pub keep: Keep,
    /// Replace another build of the same version, if nothing needs that one (`--force`).
    pub force: bool,
    /// The hooks that the project defines.
    pub hooks: Vec<String>,
}

/// The release that is to be there.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// Its manifest.
    pub manifest: &'a Manifest,
    /// Its `releases/VERSION/APP.rel`.
    pub rel: &'a Rel,
    /// For hosts on which libraries get directories of their own: the files that name them, rewritten (see [`Delta::rewrite`]).
    pub rewritten: BTreeMap<HostName, Rewritten>,
    deltas: Deltas<'a>,
    /// Files that every activated release has in place, and facts list.
    top: Vec<&'a RelPath>,
}

impl<'a> Wanted<'a> {
    /// The release, with what is another on some hosts.
    pub fn new(manifest: &'a Manifest, rel: &'a Rel, rewritten: BTreeMap<HostName, Rewritten>) -> Self {
        Self::of(Deltas::of(manifest), rel, rewritten)
    }
    /// The same of what hosts lack of it, as far as that was worked out before.
    pub fn of(deltas: Deltas<'a>, rel: &'a Rel, rewritten: BTreeMap<HostName, Rewritten>) -> Self {
        let manifest = deltas.wanted();
        let listed = |entry: &&Entry| {
            let path = entry.path.as_str();
            matches!(entry.kind, EntryKind::File { .. }) && (path.starts_with("bin/") || path == "releases/start_erl.data")
        };
        let top = manifest.files.iter().filter(listed).map(|entry| &entry.path).collect();
        Self { manifest, rel, rewritten, deltas, top }
    }
    pub(super) fn release(&self) -> ReleaseRef {
        ReleaseRef { version: self.manifest.version.clone(), manifest: self.id() }
    }
    /// Its id.
    pub(super) fn id(&self) -> ManifestId {
        self.deltas.id()
    }
}

/// The hooks of the original around a deploy, in its order.
pub mod hooks {
    /// Before anything is sent.
    pub const BEFORE: &str = "pre_extract_release_archive";
    /// When every host has the release.
    pub const DEPLOYED: &str = "post_extract_release_archive";
    /// Before nodes are started.
    pub const BEFORE_START: &str = "pre_start_deployed_release";
    /// When every node runs.
    pub const STARTED: &str = "post_start_deployed_release";
    /// Those of a deploy.
    pub const ALL: [&str; 4] = [BEFORE, DEPLOYED, BEFORE_START, STARTED];
    /// When an update is over, after all of these: the original asked nodes for their version between the two, which a start does.
    pub const UPDATED: [&str; 2] = ["post_erlang_deployed_update", "post_erlang_update"];
}

/// Decides what happens on each host. Pure: the same facts give the same plan, and the facts after it give an empty one.
pub fn deploy(request: &DeployRequest, settings: &TargetSettings, wanted: &Wanted<'_>, facts: &[HostFacts]) -> Plan {
    let work = Work { request, settings, wanted };
    let hook = |name: &str| request.defined(name).then(|| Step::Hook { name: name.to_owned() });
    let hosts = cluster::of_target(facts.iter().map(|facts| work.host(facts)).collect(), settings, facts);
    let hosts = traffic::around(hosts, settings, facts);
    let last = if request.start { hooks::STARTED } else { hooks::DEPLOYED };
    Plan {
        format: FORMAT,
        title: format!("deploy {} to {}", wanted.manifest.title(), settings.name),
        target: Some(settings.name.clone()),
        release: Some(wanted.release()),
        before: hook(hooks::BEFORE).into_iter().collect(),
        rollout: Rollout::over(settings, &hosts).bringing(settings),
        hosts,
        after: [last].into_iter().chain(hooks::UPDATED).filter_map(hook).collect(),
    }
}

impl DeployRequest {
    fn defined(&self, hook: &str) -> bool {
        self.hooks.iter().any(|defined| defined == hook)
    }
}

/// A deploy to the hosts of a target.
pub(super) struct Work<'a> {
    pub(super) request: &'a DeployRequest,
    pub(super) settings: &'a TargetSettings,
    pub(super) wanted: &'a Wanted<'a>,
}

impl Work<'_> {
    pub(super) fn host(&self, facts: &HostFacts) -> HostPlan {
        match &facts.seen {
            Ok(seen) => match self.fits(&facts.host, seen) {
                Ok(host) => guard::guarded(host.plan(&facts.host), facts, self.settings, Some(&self.wanted.release())),
                Err(blocked) => *blocked,
            },
            Err(unseen) => unreachable(&facts.host, unseen),
        }
    }
    /// The host with what it lacks, or why the release can't be put there.
    pub(super) fn fits<'s>(&'s self, name: &HostName, seen: &'s Seen) -> Result<Host<'s>, Box<HostPlan>> {
        let delta = self.wanted.deltas.against(seen, self.wanted.rewritten.get(name));
        let mut obstacles = fit::obstacles(self.wanted.manifest, &delta, seen, self.request.force);
        let host = Host { work: self, seen, delta, previous: previous(seen, &self.wanted.manifest.version) };
        obstacles.extend(host.restarts().then(|| host.switch().no_unit()).flatten());
        obstacles.extend(host.is_only_tried().then(|| hot::in_the_way(seen, &self.settings.name)).flatten());
        if obstacles.is_empty() { Ok(host) } else { Err(Box::new(blocked(name, seen, obstacles))) }
    }
}

/// A host where something stands in the way.
pub(super) fn blocked(host: &HostName, seen: &Seen, obstacles: Vec<Obstacle>) -> HostPlan {
    HostPlan {
        host: host.clone(),
        expect: switch::precondition(seen),
        reasons: obstacles.iter().map(|obstacle| obstacle.why.clone()).chain(seen.alone.lines()).collect(),
        verdict: Verdict::Blocked { hints: obstacles.into_iter().map(|obstacle| obstacle.hint).collect() },
        steps: Vec::new(),
        undo: Vec::new(),
    }
}

pub(super) fn unreachable(host: &HostName, unseen: &Unseen) -> HostPlan {
    HostPlan {
        host: host.clone(),
        expect: Precondition::default(),
        verdict: Verdict::Unreachable { hints: unseen.hints.clone() },
        reasons: vec![unseen.why.clone()],
        steps: Vec::new(),
        undo: Vec::new(),
    }
}

/// What a rollback goes back to after the deploy: what served before it.
fn previous(seen: &Seen, new: &Version) -> Option<Version> {
    let known = [switch::served(seen), seen.previous.as_ref()];
    known.into_iter().flatten().find(|version| *version != new && switch::installed(seen, version).is_some()).cloned()
}

/// One host that the release can be put on.
pub(super) struct Host<'a> {
    pub(super) work: &'a Work<'a>,
    pub(super) seen: &'a Seen,
    pub(super) delta: Arc<Delta>,
    pub(super) previous: Option<Version>,
}

impl Host<'_> {
    fn plan(&self, host: &HostName) -> HostPlan {
        let releases = releases::with_new(self.seen, self.work.wanted.rel, &self.delta.dirs);
        let stage = self.stage().map(Step::Stage);
        let activate = self.activate(stage.is_some(), &releases).map(Step::Activate);
        let restart = if self.waits_for_us() { self.end_of_another() } else { self.restart() };
        let previous = if activate.is_some() { self.previous.as_ref() } else { self.seen.previous.as_ref() };
        let starts = restart.iter().any(|step| matches!(step, Step::Start { .. }));
        let prune = self.prune(previous, starts, releases.clone()).map(Step::Prune);
        let undo =
            if activate.is_some() || !restart.is_empty() { self.switch().back_from(self.version(), &releases) } else { Vec::new() };
        let reasons = self.reasons(stage.is_some(), activate.is_some(), prune.as_ref());
        let meet = self.meeting_points(starts);
        let mut steps: Vec<Step> = stage.into_iter().chain(activate).collect();
        if !steps.is_empty() || !restart.is_empty() {
            steps.extend(meet);
        }
        steps.extend(restart.into_iter().chain(prune));
        HostPlan {
            host: host.clone(),
            expect: switch::precondition(self.seen),
            verdict: if steps.is_empty() { Verdict::Nothing } else { Verdict::Change },
            reasons,
            undo: if steps.is_empty() { Vec::new() } else { undo },
            steps,
        }
    }
    pub(super) fn version(&self) -> &Version {
        &self.work.wanted.manifest.version
    }
    pub(super) fn switch(&self) -> Switch<'_> {
        Switch { app: &self.work.request.app, settings: self.work.settings, seen: self.seen }
    }
    /// `None` when the release is complete there.
    pub(super) fn stage(&self) -> Option<Stage> {
        let id = self.work.wanted.id();
        let complete = switch::installed(self.seen, self.version()).is_some_and(|installed| installed.manifest == Some(id));
        let delta = &self.delta;
        (!complete || !delta.is_empty()).then(|| Stage {
            version: self.version().clone(),
            manifest: id,
            send: delta.send.clone(),
            copy: delta.copy.clone(),
            twins: delta.twins.clone(),
            links: delta.links.clone(),
            empty_dirs: delta.empty_dirs.clone(),
            place: delta.place.clone(),
            dirs: delta.dirs.clone(),
            packing: if self.seen.zstd { Packing::Zstd(delta.bases.clone()) } else { Packing::Gzip },
            timeout: self.work.settings.step_timeout,
        })
    }
    /// `None` when it is what boots, with its own small files in place.
    fn activate(&self, staged: bool, releases: &Releases) -> Option<crate::step::Activate> {
        let active =
            self.seen.permanent.as_ref() == Some(self.version()) && self.top_is_ours() && releases::same(self.seen, releases);
        let rel = self.work.wanted.rel;
        let start_erl = switch::start_erl_of(rel);
        let kind = self.work.wanted.manifest.kind;
        (staged || !active).then(|| self.switch().activate(self.version(), self.previous.clone(), releases, Some(start_erl), kind))
    }
    fn top_is_ours(&self) -> bool {
        let wanted = self.work.wanted;
        let as_ours = |(path, there): (&RelPath, &Digest)| match wanted.manifest.entry(path.as_str()) {
            Some(EntryKind::File { sha256, .. }) => sha256 == there,
            Some(EntryKind::Link { .. } | EntryKind::EmptyDir { .. }) | None => true,
        };
        self.seen.top.iter().all(as_ours) && wanted.top.iter().all(|path| self.seen.top.contains_key(*path))
    }
    fn runs_already(&self) -> bool {
        self.seen.node.state == NodeState::Running && self.seen.node.version.as_ref() == Some(self.version())
    }
    /// Whether the node runs it in an upgrade that nobody has confirmed yet: it may go back by itself at any moment.
    fn is_only_tried(&self) -> bool {
        self.seen.node.ongoing.as_ref().is_some_and(|ongoing| ongoing.to == *self.version())
    }
    /// Whether it runs since a restart whose run was lost before it confirmed that: the host goes back by itself if nobody does.
    fn waits_for_us(&self) -> bool {
        self.runs_already() && self.seen.alone.waits.as_ref().is_some_and(|waits| waits.new == *self.version())
    }
    /// What that run had left to do.
    fn end_of_another(&self) -> Vec<Step> {
        let watch = Watch::of(self.work.settings, self.version(), &self.seen.node).map(Step::Watch);
        watch.into_iter().chain([Step::Confirm { version: self.version().clone() }]).collect()
    }
    fn restart(&self) -> Vec<Step> {
        if self.restarts() { self.switch().restart(self.version()) } else { Vec::new() }
    }
    fn restarts(&self) -> bool {
        self.work.request.start && !self.runs_already()
    }
    pub(super) fn prune(&self, previous: Option<&Version>, restarted: bool, releases: Releases) -> Option<Prune> {
        let after = After { seen: self.seen, boots: self.version(), dirs: &self.delta.dirs, previous, restarted };
        let removal = after.removal(self.work.request.keep);
        let releases_file = releases::without(releases, &removal.versions).to_file();
        (removal != Removal::default()).then_some(Prune { versions: removal.versions, dirs: removal.dirs, releases_file })
    }
    /// Hooks between the hosts' steps: every host waits there for the others.
    fn meeting_points(&self, starts: bool) -> impl Iterator<Item = Step> {
        let names = if starts { &[hooks::DEPLOYED, hooks::BEFORE_START][..] } else { &[] };
        let defined = names.iter().filter(|name| self.work.request.defined(name));
        defined.map(|name| Step::Hook { name: (*name).to_owned() }).collect::<Vec<_>>().into_iter()
    }
}

/// Why, and what the user should know.
impl Host<'_> {
    fn reasons(&self, stage: bool, activate: bool, prune: Option<&Step>) -> Vec<String> {
        let mut reasons = vec![match (stage, activate) {
            (true, _) => self.travels(),
            (false, true) => format!("{} is there already", self.version()),
            (false, false) => format!("{} is there and boots next", self.version()),
        }];
        reasons.extend(self.moved());
        reasons.extend(activate.then(|| self.cookie_changes()).flatten());
        reasons.push(self.node_reason());
        reasons.extend(switch::remarks(self.seen));
        reasons.extend(self.switch().unit_reasons());
        if let Some(Step::Prune(prune)) = prune {
            reasons.extend(self.goes(prune));
        }
        reasons
    }
    pub(super) fn moved(&self) -> impl Iterator<Item = String> {
        let moved = &self.delta.relocated;
        moved.iter().map(|moved| format!("{} is another build than the one there: it goes to {}", moved.from, moved.to))
    }
    pub(super) fn travels(&self) -> String {
        let files = self.work.wanted.manifest.files.len();
        match self.delta.send.len() {
            0 => format!("none of {files} files travels"),
            sent => format!("{sent} of {files} files travel, {}", size(self.delta.bytes_sent())),
        }
    }
    pub(super) fn cookie_changes(&self) -> Option<String> {
        let cookie: RelPath = "releases/COOKIE".parse().expect("a relative path");
        let there = self.seen.top.get(&cookie)?;
        let ours = self.work.wanted.manifest.files.iter().find(|entry| entry.path == cookie)?;
        let changes = matches!(&ours.kind, EntryKind::File { sha256, .. } if sha256 != there);
        changes.then(|| "the cookie changes: nodes of the old and the new release can't connect to each other".to_owned())
    }
    fn node_reason(&self) -> String {
        let node = &self.seen.node;
        let version = node.version.as_ref().map_or("an unknown version", Version::as_str);
        let start = self.work.request.start;
        match node.state {
            NodeState::Down if start => "no node runs: it is started".to_owned(),
            NodeState::Down => "no node runs".to_owned(),
            NodeState::Running if self.restarts() => format!("the node runs {version}: it is restarted"),
            NodeState::Running if version == self.version().as_str() => "the node runs it".to_owned(),
            NodeState::Running => format!("the node runs {version} until it is restarted"),
            state if start => format!("the node is {}: it is stopped, by a signal if need be, and started", state.word()),
            state => format!("the node is {}", state.word()),
        }
    }
    pub(super) fn goes(&self, prune: &Prune) -> Vec<String> {
        let is_unfinished = |version: &&Version| self.seen.unfinished.iter().any(|unfinished| unfinished.version == **version);
        let (unfinished, old): (Vec<&Version>, Vec<&Version>) = prune.versions.iter().partition(is_unfinished);
        let why = match self.work.request.keep {
            Keep::Newest(count) => format!("{count} releases are kept"),
            Keep::Needed => "only what is needed is kept".to_owned(),
        };
        let go = if old.len() == 1 { "goes" } else { "go" };
        let left = unfinished.iter().map(|version| format!("what an interrupted deploy or removal left of {version} goes"));
        let old = (!old.is_empty()).then(|| format!("{} {go}: {why}", list(&old)));
        old.into_iter().chain(left).collect()
    }
}

fn list(versions: &[&Version]) -> String {
    versions.iter().map(|version| version.as_str()).collect::<Vec<_>>().join(", ")
}
