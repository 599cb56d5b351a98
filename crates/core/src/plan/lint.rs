//! The invariants of every plan that changes hosts, as a function over the plan and the facts it was made from.
//!
//! Run on every plan before it is shown: a plan that breaks one of these is a fault of edeliver's, and nothing is begun.

mod hot;
mod traffic;

use std::{collections::BTreeSet, fmt};

use super::{HostPlan, Plan, Verdict, releases, switch};
use crate::{
    facts::{HostFacts, Seen},
    name::{HostName, Version},
    release::RelPath,
    step::{Activate, Prune, Stage, Step},
};

/// A plan that must not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Breach {
    /// Where; `None`: the plan as a whole.
    pub host: Option<HostName>,
    /// Which invariant, as a sentence.
    pub what: String,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "the plan for {host} is wrong: {}", self.what),
            None => write!(f, "the plan is wrong: {}", self.what),
        }
    }
}

/// All breaches; none for every plan that this crate makes.
///
/// # Errors
/// The first breach.
pub fn lint(plan: &Plan, facts: &[HostFacts]) -> Result<(), Breach> {
    let mut hosts = BTreeSet::new();
    for host in &plan.hosts {
        let breach = |what: String| Breach { host: Some(host.host.clone()), what };
        if !hosts.insert(&host.host) {
            return Err(breach("it is there twice".to_owned()));
        }
        verdict(host).map_err(breach)?;
        let seen = facts.iter().find(|facts| facts.host == host.host).and_then(|facts| facts.seen.as_ref().ok());
        match seen {
            Some(seen) => Checked { host, seen }.check().map_err(breach)?,
            None if host.steps.is_empty() => {}
            None => return Err(breach("it changes a host that could not be asked".to_owned())),
        }
    }
    rollout(plan)?;
    let local = plan.before.iter().chain(&plan.after);
    match local.into_iter().find(|step| !matches!(step, Step::Hook { .. })) {
        Some(step) => Err(Breach { host: None, what: format!("`{}` is no step for this machine", step.describe()) }),
        None => Ok(()),
    }
}

/// Every host that is changed belongs to one wave, and no other does.
fn rollout(plan: &Plan) -> Result<(), Breach> {
    let breach = |what: String| Breach { host: None, what };
    let waves: Vec<&HostName> = plan.rollout.waves.iter().flatten().collect();
    let changed: BTreeSet<&HostName> = plan.hosts.iter().filter(|host| !host.steps.is_empty()).map(|host| &host.host).collect();
    require(waves.iter().copied().collect::<BTreeSet<_>>() == changed, || "its waves have other hosts than it changes".to_owned())
        .map_err(breach)?;
    require(waves.len() == changed.len(), || "a host is in two waves".to_owned()).map_err(breach)?;
    require(plan.rollout.at_once != Some(0), || "no host may be begun".to_owned()).map_err(breach)
}

type Check = Result<(), String>;

fn require(holds: bool, what: impl FnOnce() -> String) -> Check {
    if holds { Ok(()) } else { Err(what()) }
}

fn verdict(host: &HostPlan) -> Check {
    let changes = host.verdict == Verdict::Change;
    require(changes != host.steps.is_empty(), || "steps and verdict disagree".to_owned())?;
    require(changes || host.undo.is_empty(), || "it undoes what it does not do".to_owned())?;
    require(!host.reasons.is_empty(), || "it gives no reason".to_owned())
}

/// One host's steps against what was seen there.
struct Checked<'a> {
    host: &'a HostPlan,
    seen: &'a Seen,
}

impl Checked<'_> {
    fn check(&self) -> Check {
        self.order()?;
        self.guard()?;
        self.hot()?;
        self.traffic()?;
        for step in &self.host.steps {
            match step {
                Step::Stage(stage) => self.stage(stage)?,
                Step::Activate(activate) => self.activate(activate)?,
                Step::Start { version, .. } => self.start(version)?,
                Step::Prune(prune) => self.prune(prune)?,
                Step::Revert(ending) => self.revert(ending)?,
                Step::Stop { .. }
                | Step::Hook { .. }
                | Step::Setup(_)
                | Step::Watch(_)
                | Step::Remember(_)
                | Step::Confirm { .. } => {}
                Step::Drain(_) | Step::Resume(_) => {}
                Step::PlaceUpgrade(_) | Step::Preflight(_) | Step::Install(_) | Step::Soak(_) | Step::Commit(_) => {}
                other => return Err(format!("`{}` is a step of builds", other.describe())),
            }
        }
        self.undo()
    }

    /// Each at most once, in the order of [`rank`].
    fn order(&self) -> Check {
        let ranks: Vec<u8> = self.host.steps.iter().filter_map(rank).collect();
        require(ranks.windows(2).all(|pair| pair[0] < pair[1]), || "its steps are out of order".to_owned())
    }

    /// A host that would go back by itself is told that it need not, once the release that it is about was started, and no other is.
    fn guard(&self) -> Check {
        let guard = self.host.steps.iter().find_map(|step| if let Step::Stop { guard, .. } = step { guard.as_ref() } else { None });
        let confirmed =
            self.host.steps.iter().find_map(|step| if let Step::Confirm { version } = step { Some(version) } else { None });
        let waits = self.seen.alone.waits.as_ref().map(|waits| &waits.new);
        require(guard.map(|guard| &guard.new).or(waits.filter(|_| confirmed.is_some())) == confirmed, || {
            "what is guarded is not what is confirmed".to_owned()
        })?;
        require(self.host.undo.iter().all(|step| !matches!(step, Step::Stop { guard: Some(_), .. })), || {
            "its way back is guarded".to_owned()
        })?;
        let there = |version| self.boots() == Some(version) || switch::installed(self.seen, version).is_some();
        require(guard.is_none_or(|guard| there(&guard.back)), || "the host would go back to what is not there".to_owned())
    }

    /// Nothing that an installed release uses is touched; everything that is made lies in a directory that is placed.
    fn stage(&self, stage: &Stage) -> Check {
        let used = used_dirs(self.seen, std::slice::from_ref(&stage.version));
        for placement in &stage.place {
            let dir = &placement.dir;
            require(is_staged_dir(dir, &stage.version), || format!("{dir} is not placed by staging"))?;
            let exists = self.seen.dirs.contains(dir);
            let may_be_used = is_shared(dir) && used.as_ref().is_none_or(|used| used.contains(dir));
            require(!exists || !may_be_used, || format!("{dir} may be used by an installed release"))?;
            require(!exists || placement.replaces_leftover, || format!("{dir} is there already"))?;
        }
        let made = stage.send.iter().map(|file| &file.path);
        let made = made.chain(stage.copy.iter().chain(&stage.twins).map(|copy| &copy.to.path));
        let made = made.chain(stage.links.iter().map(|link| &link.path)).chain(&stage.empty_dirs);
        let placed = |path: &RelPath| stage.place.iter().any(|place| is_in(path, &place.dir));
        made.into_iter().try_for_each(|path| require(placed(path), || format!("{path} lies in no directory that is placed")))
    }

    /// What boots next is complete: staged in this plan, or installed.
    fn activate(&self, activate: &Activate) -> Check {
        let version = &activate.version;
        let staged = self.host.steps.iter().any(|step| matches!(step, Step::Stage(stage) if stage.version == *version));
        require(staged || switch::installed(self.seen, version).is_some(), || format!("{version} is not there to boot"))?;
        require(activate.from == self.seen.permanent, || "it does not expect what boots now".to_owned())?;
        let previous = activate.previous.as_ref();
        require(previous != Some(version), || "it would go back to itself".to_owned())?;
        require(previous.is_none_or(|previous| switch::installed(self.seen, previous).is_some()), || {
            "it would go back to a release that is not installed".to_owned()
        })
    }

    fn boots(&self) -> Option<&Version> {
        let activated = self.host.steps.iter().find_map(|step| match step {
            Step::Activate(activate) => Some(&activate.version),
            _ => None,
        });
        activated.or(self.seen.permanent.as_ref())
    }

    /// A start boots what boots, and no node is there any more.
    fn start(&self, version: &Version) -> Check {
        require(self.boots() == Some(version), || format!("it starts {version}, which is not what boots"))?;
        let stops = self.host.steps.iter().any(|step| matches!(step, Step::Stop { .. }));
        let waits = self.seen.node.booted.as_ref() == Some(version);
        require(stops || waits || !switch::is_up(self.seen), || "it starts a second node".to_owned())
    }

    /// Nothing that runs, boots, or may be gone back to is removed, nor what the releases that stay use.
    fn prune(&self, prune: &Prune) -> Check {
        let previous = self.host.steps.iter().find_map(|step| match step {
            Step::Activate(activate) => Some(activate.previous.as_ref()),
            _ => None,
        });
        let node = &self.seen.node;
        let restarted = self.host.steps.iter().any(|step| matches!(step, Step::Start { .. }));
        let runs = [&node.booted, &node.version].into_iter().filter_map(|it| it.as_ref().filter(|_| !restarted));
        let needed = runs.chain(self.boots()).chain(previous.unwrap_or(self.seen.previous.as_ref()));
        for version in needed {
            require(!prune.versions.contains(version), || format!("it removes {version}, which is needed"))?;
        }
        let staged = self.host.steps.iter().find_map(|step| match step {
            Step::Stage(stage) => Some(&stage.dirs[..]),
            _ => None,
        });
        let used = used_dirs(self.seen, &prune.versions);
        for dir in &prune.dirs {
            require(is_shared(dir), || format!("{dir} is no directory of a release"))?;
            require(used.as_ref().is_some_and(|used| !used.contains(dir)), || format!("it removes {dir}, which may be used"))?;
            require(!staged.unwrap_or_default().contains(dir), || format!("it removes {dir}, which it has staged"))?;
        }
        Ok(())
    }

    /// What changes the boot release or a node that served can be undone.
    fn undo(&self) -> Check {
        let switches = self.host.steps.iter().any(|step| matches!(step, Step::Activate(_)));
        // An upgrade that is taken back served too, and is what nobody wants.
        let reverts = self.host.steps.iter().any(|step| matches!(step, Step::Revert(_)));
        let old = if reverts { self.seen.permanent.as_ref() } else { switch::served(self.seen) };
        let Some(old) = old.filter(|_| switches) else { return Ok(()) };
        let activated = self.host.undo.iter().any(|step| matches!(step, Step::Activate(activate) if activate.version == *old));
        let started = self.host.undo.iter().any(|step| matches!(step, Step::Start { version, .. } if version == old));
        let stops = self.host.steps.iter().any(|step| matches!(step, Step::Stop { .. }));
        require(self.boots() == Some(old) || activated, || format!("there is no way back to {old}"))?;
        require(!stops || self.boots() == Some(old) || started, || format!("{old} would not run again"))
    }
}

/// What boots changes after a running node was upgraded and watched, and before one is restarted.
fn rank(step: &Step) -> Option<u8> {
    match step {
        Step::Revert(_) => Some(0),
        Step::Stage(_) => Some(1),
        Step::PlaceUpgrade(_) => Some(2),
        Step::Preflight(_) => Some(3),
        Step::Install(_) => Some(4),
        Step::Soak(_) => Some(5),
        Step::Activate(_) => Some(6),
        Step::Commit(_) => Some(7),
        Step::Stop { .. } => Some(8),
        Step::Start { .. } => Some(9),
        Step::Watch(_) => Some(10),
        Step::Confirm { .. } => Some(11),
        Step::Resume(_) => Some(12),
        Step::Prune(_) => Some(13),
        Step::Remember(_) => Some(14),
        _ => None,
    }
}

/// Directories that installed releases use, without those of some versions; `None`: one of them may use any.
fn used_dirs(seen: &Seen, without: &[Version]) -> Option<BTreeSet<RelPath>> {
    let others = seen.installed.iter().filter(|installed| !without.contains(&installed.version));
    others.map(releases::uses).collect::<Option<Vec<_>>>().map(|dirs| dirs.into_iter().flatten().collect())
}

/// `lib/*` and `erts-*`, which releases share.
fn is_shared(dir: &RelPath) -> bool {
    let mut parts = dir.parts();
    match (parts.next(), parts.next(), parts.next()) {
        (Some("lib"), Some(_), None) => true,
        (Some(erts), None, None) => erts.starts_with("erts-"),
        _ => false,
    }
}

fn is_staged_dir(dir: &RelPath, version: &Version) -> bool {
    let own = [format!("releases/{version}"), crate::delta::top_dir(version)];
    is_shared(dir) || own.iter().any(|own| own == dir.as_str())
}

fn is_in(path: &RelPath, dir: &RelPath) -> bool {
    path.as_str().strip_prefix(dir.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
