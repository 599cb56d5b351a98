//! What the steps of a hot upgrade need to know. The way: [`PlaceUpgrade`], then preflight, install, soak, [`super::Activate`], commit.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    config::{Engine, HealthCheck, Limits},
    health::Gates,
    name::Version,
    release::{Digest, RelPath},
};

/// Putting beside the releases what a way between two of them takes: relup and agent. Nothing that runs is touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlaceUpgrade {
    /// The release whose `releases/VERSION/relup` it becomes: the newer one, in both directions.
    pub version: Version,
    /// The relup's text, by its digest; the content travels beside the plan.
    pub relup: Digest,
    /// The releases that get `releases/VERSION/edeliver_agent.beam`: both, because a relup loads it from the release it leads to.
    pub agent: Vec<Version>,
    /// The `releases/RELEASES` that knows the release it leads to, as `unpacked` or `old`, with the directories it has on this host.
    pub releases_file: String,
    /// Longest time.
    pub timeout: Duration,
}

/// A way of a running node from one release to another, with all that depends on its host. What depends on the two releases alone
/// (instructions, digests of modules) is found by [`Hot::relup`] and the two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hot {
    /// Which half of the relup.
    pub direction: Direction,
    /// The release that runs.
    pub from: Version,
    /// The release that is to run.
    pub to: Version,
    /// The relup's text, by its digest.
    pub relup: Digest,
    /// What carries it out.
    pub engine: Engine,
    /// Applications of [`Hot::to`] with their directories on this host.
    pub libs: Vec<Lib>,
    /// Applications of [`Hot::from`] with theirs.
    pub old_libs: Vec<Lib>,
    /// Applications whose `start/2` is called once more, to learn which children it lists.
    pub discover: Vec<String>,
    /// Longest waits on the node.
    pub limits: Limits,
    /// Count the errors that are logged from now on, to compare with those after the upgrade.
    #[serde(default)]
    pub count_errors: bool,
    /// Longest time for the step as a whole.
    pub timeout: Duration,
}

/// Which half of a relup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To the release that the relup was made for.
    Up,
    /// Back from it.
    Down,
}

/// An application of a release on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lib {
    /// Its name.
    pub app: String,
    /// Its version.
    pub vsn: String,
    /// Its directory below the release root: `lib/hotapp-0.1.0`, or a moved one (`lib/hotapp-0.1.0~1a2b3c4d`).
    pub dir: RelPath,
}

/// Watching a node after an upgrade: everything is verified at once, then health and restarts until the time is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Soak {
    /// What it must run all the time.
    pub version: Version,
    /// What carried the upgrade out.
    pub engine: Engine,
    /// How long.
    pub time: Duration,
    /// The application's own word.
    pub health: Option<HealthCheck>,
    /// Longest wait for one answer of it.
    pub health_timeout: Duration,
    /// How long the node waits for the next word of edeliver's; it is told every time.
    pub confirm: Duration,
    /// What it is held to, and what it had before.
    #[serde(default)]
    pub gates: Gates,
}

/// Ending an upgrade: for good ([`super::Step::Commit`]), or back ([`super::Step::Revert`]).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// What ran before.
    pub from: Version,
    /// What was upgraded to.
    pub to: Version,
    /// What carries it out.
    pub engine: Engine,
    /// Longest time.
    pub timeout: Duration,
}

impl PlaceUpgrade {
    pub(super) fn describe(&self) -> String {
        format!("put the relup of {} beside it", self.version)
    }
}

impl Hot {
    pub(super) fn describe_preflight(&self) -> String {
        format!("ask the node whether {} can become {}", self.from, self.to)
    }
    pub(super) fn describe(&self) -> String {
        let word = match self.direction {
            Direction::Up => "upgrade",
            Direction::Down => "downgrade",
        };
        let by = match self.engine {
            Engine::Transactional => "",
            Engine::ReleaseHandler => " (by release_handler)",
        };
        format!("{word} the running node from {} to {}{by}", self.from, self.to)
    }
}

impl Soak {
    pub(super) fn describe(&self) -> String {
        let health = self.health.as_ref().map(|health| format!(" and {}", health.describe())).unwrap_or_default();
        let time = crate::config::duration::show(self.time);
        format!("verify {}, watch restarts{health} for {time}{}", self.version, self.gates.describe())
    }
}
