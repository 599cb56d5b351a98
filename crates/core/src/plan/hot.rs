//! Changing the release of a node that runs, in either direction: whether it can be done there, the steps, and the way back.

use std::time::Duration;

use edeliver_erl::rel::{Rel, releases::Releases};

use super::{
    ReleaseRef,
    fit::Obstacle,
    releases,
    switch::{self, Switch},
};
use crate::{
    config::{Engine, duration},
    facts::{NodeState, Seen},
    health::Gates,
    hint::Hint,
    name::{TargetName, Version},
    release::{Digest, RelPath},
    step::{Activate, Direction, Ending, Hot, Lib, PlaceUpgrade, Soak, Step},
    upgrade::{Judgement, Level, Verdict},
};

/// A way of running nodes from one release to another: what was judged about it, and the relup that leads along it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// The release that a node runs.
    pub from: ReleaseRef,
    /// The release that it is to run.
    pub to: ReleaseRef,
    /// Which half of the relup.
    pub direction: Direction,
    /// The relup's text, by its digest; it belongs to the newer of the two.
    pub relup: Digest,
    /// Whether it can be gone.
    pub verdict: Verdict,
    /// Why not, one line each.
    pub restart: Vec<String>,
    /// What the user should know, one line each.
    pub warnings: Vec<String>,
    /// Applications whose `start/2` is called once more.
    pub discover: Vec<String>,
}

impl Way {
    /// What `judgement` says about the way, with the relup that was made for it.
    pub fn new(from: ReleaseRef, to: ReleaseRef, direction: Direction, relup: Digest, judgement: &Judgement) -> Self {
        let (restart, warnings) = (judgement.lines(Level::Restart), judgement.lines(Level::Warning));
        let discover = judgement.discover.clone();
        Self { from, to, direction, relup, verdict: judgement.verdict, restart, warnings, discover }
    }
    /// The release whose `releases/VERSION/relup` it is.
    fn newer(&self) -> &Version {
        match self.direction {
            Direction::Up => &self.to.version,
            Direction::Down => &self.from.version,
        }
    }
}

/// The way that the node of a host can go without a restart.
///
/// # Errors
/// Why there is none, a line each.
pub(super) fn road<'w>(switch: &Switch<'_>, ways: &'w [Way], to: &Version) -> Result<&'w Way, Vec<String>> {
    let seen = switch.seen;
    let no = |why: String| Err(vec![why]);
    if seen.node.state != NodeState::Running {
        return no(format!("the node is {}: it can't be upgraded like that", seen.node.state.word()));
    }
    let Some(runs) = &seen.node.version else { return no("it is not known which release the node runs".to_owned()) };
    if let Some(other) = seen.permanent.as_ref().filter(|permanent| *permanent != runs && *permanent != to) {
        return no(format!("the node runs {runs}, and {other} is to boot next"));
    }
    by_way(switch, ways, runs, to)
}

/// The way that a node has gone whose operator was lost then: `release_handler` knows no deadline, and leaves it there.
pub(super) fn unfinished<'w>(switch: &Switch<'_>, ways: &'w [Way], to: &Version) -> Option<&'w Way> {
    let node = &switch.seen.node;
    let is = node.state == NodeState::Running && node.version.as_ref() == Some(to);
    let from = node.upgraded_from.as_ref().filter(|_| is && switch.settings.upgrade.engine == Engine::ReleaseHandler)?;
    by_way(switch, ways, from, to).ok()
}

fn by_way<'w>(switch: &Switch<'_>, ways: &'w [Way], runs: &Version, to: &Version) -> Result<&'w Way, Vec<String>> {
    let seen = switch.seen;
    let no = |why: String| Err(vec![why]);
    let Some(way) = ways.iter().find(|way| way.from.version == *runs && way.to.version == *to) else {
        return no(format!("there is no relup from {runs} to {to}"));
    };
    let obstacles = [same_builds(seen, way), engine(switch, way)];
    match (way.verdict, obstacles.into_iter().flatten().next()) {
        (_, Some(why)) => no(why),
        (Verdict::Restart, None) => Err(way.restart.clone()),
        (Verdict::Hot | Verdict::HotWithWarnings, None) => Ok(way),
    }
}

/// A relup fits two builds and no others. What was put there by others has no manifest to compare; its loaded code is compared on the
/// node, before anything is done.
fn same_builds(seen: &Seen, way: &Way) -> Option<String> {
    let Some(installed) = switch::installed(seen, &way.from.version) else {
        return Some(format!("{}, which the node runs, is gone from the disk", way.from.version));
    };
    let other = installed.manifest.is_some_and(|manifest| manifest != way.from.manifest);
    other.then(|| format!("the {} that runs is another build than the one that the relup leads from", way.from.version))
}

/// What `release_handler` needs beside the relup.
fn engine(switch: &Switch<'_>, way: &Way) -> Option<String> {
    let Some(rel) = switch::installed(switch.seen, &way.from.version).and_then(releases::rel_of) else {
        return Some(format!("{} has no readable .rel file", way.from.version));
    };
    let has_sasl = rel.applications.iter().any(|app| app.name.as_str() == "sasl");
    let needs = switch.settings.upgrade.engine == Engine::ReleaseHandler;
    (needs && !has_sasl).then(|| format!("{} has no sasl, so there is no release_handler on the node", way.from.version))
}

/// A node on its way.
pub(super) struct HotHost<'a> {
    pub(super) switch: Switch<'a>,
    pub(super) way: &'a Way,
    /// The release that it is to run, with its directories on the host.
    pub(super) rel: &'a Rel,
    pub(super) dirs: &'a [RelPath],
    /// Makes it what boots, once the node has proved well.
    pub(super) activate: Activate,
    /// The releases as they are then.
    pub(super) releases: &'a Releases,
}

impl HotHost<'_> {
    /// From placing the relup to the commit; `None` where a `.rel` can't be used.
    pub(super) fn steps(&self) -> Option<Vec<Step>> {
        let hot = self.hot()?;
        Some(vec![
            Step::PlaceUpgrade(self.place()?),
            Step::Preflight(hot.clone()),
            Step::Install(hot),
            Step::Soak(self.soak()),
            Step::Activate(self.activate.clone()),
            Step::Commit(self.ending()),
        ])
    }
    /// What ran runs again, and boots again; a node that fell meanwhile is started.
    pub(super) fn undo(&self) -> Vec<Step> {
        let boots = self.switch.boots_again(&self.way.to.version, self.releases).map(Step::Activate);
        let start = self.switch.start(&self.way.from.version);
        [Step::Revert(self.ending())].into_iter().chain(boots).chain([start]).collect()
    }
    fn place(&self) -> Option<PlaceUpgrade> {
        let way = self.way;
        let releases = releases::before_upgrade(self.switch.seen, &way.from.version, self.rel, self.dirs)?;
        Some(PlaceUpgrade {
            version: way.newer().clone(),
            relup: way.relup,
            agent: vec![way.from.version.clone(), way.to.version.clone()],
            releases_file: releases.to_file(),
            timeout: self.switch.settings.step_timeout,
        })
    }
    fn hot(&self) -> Option<Hot> {
        let (way, settings) = (self.way, &self.switch.settings.upgrade);
        Some(Hot {
            direction: way.direction,
            from: way.from.version.clone(),
            to: way.to.version.clone(),
            relup: way.relup,
            engine: settings.engine,
            libs: releases::libs(self.rel, self.dirs)?,
            old_libs: self.old_libs()?,
            discover: way.discover.clone(),
            limits: settings.limits,
            count_errors: self.switch.settings.rollout.limits.errors.is_some(),
            timeout: self.switch.settings.step_timeout,
        })
    }
    fn old_libs(&self) -> Option<Vec<Lib>> {
        let installed = switch::installed(self.switch.seen, &self.way.from.version)?;
        releases::libs(&releases::rel_of(installed)?, &installed.dirs)
    }
    fn soak(&self) -> Soak {
        let settings = &self.switch.settings.upgrade;
        Soak {
            version: self.way.to.version.clone(),
            engine: settings.engine,
            time: settings.soak,
            health: settings.health.clone(),
            health_timeout: settings.health_timeout,
            confirm: settings.limits.confirm,
            gates: self.gates(),
        }
    }
    fn gates(&self) -> Gates {
        Gates::of(&self.switch.settings.rollout, &self.switch.seen.node)
    }
    fn ending(&self) -> Ending {
        Ending {
            from: self.way.from.version.clone(),
            to: self.way.to.version.clone(),
            engine: self.switch.settings.upgrade.engine,
            timeout: self.switch.settings.step_timeout,
        }
    }
}

/// Warnings as reasons; a long list is cut, for each host of a fleet would repeat it.
pub(super) fn warnings(way: &Way) -> Vec<String> {
    const SHOWN: usize = 3;
    let more = way.warnings.len().saturating_sub(SHOWN);
    let told = way.warnings.iter().take(SHOWN).map(|warning| format!("careful: {warning}"));
    let more = (more > 0).then(|| format!("careful: {more} more, see `edeliver diff {} {}`", way.from.version, way.to.version));
    told.chain(more).collect()
}

/// Why a plan waits for an upgrade that is going on.
pub(super) fn ongoing(seen: &Seen) -> Option<String> {
    let ongoing = seen.node.ongoing.as_ref()?;
    let (how, until) = match ongoing.left_ms {
        Some(left) => ("is being watched", format!(": the node takes it back in {} if that run does not go on", seconds(left))),
        None => ("is being carried out", String::new()),
    };
    Some(format!("the upgrade from {} to {} {how} (run {}){until}", ongoing.from, ongoing.to, ongoing.run))
}

/// The same as what holds another upgrade up, with what can be done about it.
pub(super) fn in_the_way(seen: &Seen, target: &TargetName) -> Option<Obstacle> {
    let why = ongoing(seen)?;
    let hint = match seen.node.ongoing.as_ref()?.left_ms {
        Some(_) => Hint::command("wait for its end, or take it back", format!("edeliver rollback {target}")),
        None => Hint::command("wait a moment, and look then", format!("edeliver status {target}")),
    };
    Some(Obstacle { why, hint })
}

/// Not less than there is.
fn seconds(millis: u64) -> String {
    duration::show(Duration::from_secs(millis.div_ceil(1000)))
}
