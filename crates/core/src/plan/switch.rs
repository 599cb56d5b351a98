//! Changing what boots, and the node with it; and the way back.

use edeliver_erl::{
    Vsn,
    rel::{Rel, releases::Releases, start_erl::StartErl},
};

use super::{Precondition, fit::Obstacle, releases};
use crate::{
    config::TargetSettings,
    facts::{Installed, NodeState, Seen},
    hint::Hint,
    name::{AppName, Version},
    release::{RelPath, ReleaseKind},
    step::{Activate, Step, Watch},
    unit::{Scope, Unit, UnitFacts},
};

/// A host whose boot release changes.
pub(super) struct Switch<'a> {
    pub(super) app: &'a AppName,
    pub(super) settings: &'a TargetSettings,
    pub(super) seen: &'a Seen,
}

impl Switch<'_> {
    /// Makes `version` what boots.
    pub(super) fn activate(
        &self,
        version: &Version,
        previous: Option<Version>,
        releases: &Releases,
        start_erl: Option<String>,
        kind: ReleaseKind,
    ) -> Activate {
        Activate {
            version: version.clone(),
            from: self.seen.permanent.clone(),
            previous,
            start_erl,
            releases_file: releases.to_file(),
            decides: self.decides(kind),
        }
    }
    /// The steps that make the node run `version`: it is stopped if it is there. A restart in place would keep the old environment.
    pub(super) fn restart(&self, version: &Version) -> Vec<Step> {
        let stop = is_there(self.seen).then_some(self.stop(None));
        let watch = Watch::of(self.settings, version, &self.seen.node).map(Step::Watch);
        stop.into_iter().chain([self.start(version)]).chain(watch).collect()
    }
    pub(super) fn start(&self, version: &Version) -> Step {
        Step::Start { version: version.clone(), timeout: self.settings.start_timeout, unit: self.unit() }
    }
    pub(super) fn stop(&self, version: Option<&Version>) -> Step {
        Step::Stop { version: version.cloned(), timeout: self.settings.stop_timeout, unit: self.unit(), guard: None }
    }
    fn unit(&self) -> Option<Unit> {
        Unit::of(self.settings, self.app)
    }
    /// Why the node can't be started by systemd, where that is to be.
    pub(super) fn no_unit(&self) -> Option<Obstacle> {
        let (unit, facts) = (self.unit()?, self.seen.unit.as_ref()?);
        let name = unit.describe();
        let why = match facts.load.as_str() {
            _ if !facts.manager && unit.scope == Scope::User => format!("{} has no systemd of its own to ask", self.seen.user),
            _ if !facts.manager => "systemd does not run this host".to_owned(),
            "loaded" => return None,
            "not-found" | "" => format!("there is no {name}"),
            other => format!("systemd can't use {name}: {other}"),
        };
        let setup = Hint::command("have edeliver write it", format!("edeliver setup {}", self.settings.name));
        let hint = if facts.manager || unit.scope == Scope::User { setup } else { Hint::text("set `service = \"script\"` for it") };
        Some(Obstacle { why, hint })
    }
    /// What is to be known of the unit beside the node's state.
    pub(super) fn unit_reasons(&self) -> Vec<String> {
        let (Some(unit), Some(facts)) = (self.unit(), &self.seen.unit) else { return Vec::new() };
        let mut reasons = if facts.is_loaded() { facts.troubles(&unit) } else { Vec::new() };
        reasons.extend(self.outside());
        reasons
    }
    /// That there is a node which systemd has not started, if so.
    pub(super) fn outside(&self) -> Option<String> {
        let (unit, facts) = (self.unit()?, self.seen.unit.as_ref()?);
        let outside = facts.is_loaded() && is_up(self.seen) && facts.main_pid.is_none();
        outside.then(|| format!("the node runs outside of {}", unit.describe()))
    }
    /// The way back when `new` does not come up: what is left of it is stopped, the release that served before boots again, and runs
    /// again if one did. `releases`: as they are once `new` is active.
    pub(super) fn back_from(&self, new: &Version, releases: &Releases) -> Vec<Step> {
        let mut undo = vec![self.stop(Some(new))];
        let Some(activate) = self.boots_again(new, releases) else { return undo };
        let old = activate.version.clone();
        undo.push(Step::Activate(activate));
        if is_up(self.seen) {
            undo.push(self.start(&old));
        }
        undo
    }
    /// Makes the release that served before `new` the one that boots, if it is another one. `releases`: as they are once `new` is active.
    pub(super) fn boots_again(&self, new: &Version, releases: &Releases) -> Option<Activate> {
        // Where the node runs the new one already, and nobody made that permanent, the one before it served.
        let old = [served(self.seen), self.seen.node.upgraded_from.as_ref()].into_iter().flatten().find(|old| *old != new)?;
        Some(self.boots_after_all(old, new, releases))
    }
    /// Makes `old` what boots, after `new` was. `releases`: as they are once `new` is active.
    pub(super) fn boots_after_all(&self, old: &Version, new: &Version, releases: &Releases) -> Activate {
        let mut releases = releases.clone();
        // A release without a `.rel` is not listed; what boots is decided elsewhere.
        let _ = Vsn::new(old.as_str()).map(|vsn| releases.make_permanent(&vsn));
        let installed = installed(self.seen, old);
        let kind = kind(self.seen, self.app, installed);
        let previous = self.seen.previous.as_ref();
        let previous = if previous == Some(old) { before(self.seen, old) } else { previous };
        let mut activate = self.activate(old, previous.cloned(), &releases, installed.and_then(start_erl), kind);
        activate.from = Some(new.clone());
        activate
    }
    fn decides(&self, kind: ReleaseKind) -> RelPath {
        let path = match kind {
            ReleaseKind::Relx => format!("bin/{}", self.app),
            ReleaseKind::Mix | ReleaseKind::Distillery => "releases/start_erl.data".to_owned(),
        };
        path.parse().expect("an application name is one component of a path")
    }
}

/// Whether a process is there, in whatever state.
pub(super) fn is_up(seen: &Seen) -> bool {
    seen.node.state != NodeState::Down
}

/// Whether there is something to stop: a process, or a unit that would start one.
pub(super) fn is_there(seen: &Seen) -> bool {
    is_up(seen) || seen.unit.as_ref().is_some_and(UnitFacts::is_on)
}

/// The release that served before: what the node runs, or what it was booted into, or if none runs, what would boot.
pub(super) fn served(seen: &Seen) -> Option<&Version> {
    let there = |version: &&Version| is_up(seen) && installed(seen, version).is_some();
    let node = [&seen.node.version, &seen.node.booted].into_iter().filter_map(|version| version.as_ref().filter(there)).next();
    node.or(seen.permanent.as_ref())
}

/// The newest good release that is older on this host than `version`.
pub(super) fn before<'a>(seen: &'a Seen, version: &Version) -> Option<&'a Version> {
    let at = seen.installed.iter().position(|installed| installed.version == *version)?;
    seen.installed[at + 1..].iter().find(|installed| !installed.failed).map(|installed| &installed.version)
}

pub(super) fn installed<'a>(seen: &'a Seen, version: &Version) -> Option<&'a Installed> {
    seen.installed.iter().find(|installed| installed.version == *version)
}

/// `start_erl.data` for an installed release, from its `.rel`.
pub(super) fn start_erl(installed: &Installed) -> Option<String> {
    releases::rel_of(installed).map(|rel| start_erl_of(&rel))
}

/// The same for any release.
pub(super) fn start_erl_of(rel: &Rel) -> String {
    StartErl { erts: rel.erts.clone(), vsn: rel.vsn.clone() }.to_string()
}

/// Whose layout an installed release has. Without a manifest: relx leaves a start script with the version in its name.
pub(super) fn kind(seen: &Seen, app: &AppName, installed: Option<&Installed>) -> ReleaseKind {
    let manifest = installed.and_then(|installed| installed.files.as_ref());
    let own_script = |version: &Version| seen.top.keys().any(|path| path.as_str() == format!("bin/{app}-{version}"));
    match manifest {
        Some(manifest) => manifest.kind,
        None if installed.is_some_and(|installed| own_script(&installed.version)) => ReleaseKind::Relx,
        None => ReleaseKind::Mix,
    }
}

/// What must be known of the host beside what is done there: what it does by itself, and processes that are left alone.
pub(super) fn remarks(seen: &Seen) -> impl Iterator<Item = String> {
    seen.alone.lines().chain(others(seen))
}

/// Only one node of a root is started and stopped; that there are others must be said.
fn others(seen: &Seen) -> Option<String> {
    let pids: Vec<String> = seen.node.others.iter().map(u32::to_string).collect();
    match &pids[..] {
        [] => None,
        [one] => Some(format!("process {one} serves the same root and is left alone")),
        several => Some(format!("processes {} serve the same root and are left alone", several.join(", "))),
    }
}

/// What was observed, for apply to check again.
pub(super) fn precondition(seen: &Seen) -> Precondition {
    let node = &seen.node;
    let upgraded = node.version.clone().filter(|version| Some(version) != node.booted.as_ref());
    Precondition {
        permanent: seen.permanent.clone(),
        running: node.booted.clone(),
        upgraded,
        node: Some(node.state),
        drained: seen.drained.is_some(),
    }
}
