//! Whether the hosts of a target are alike and as they were deployed: what differs on each, and what to do about it.
//!
//! What is compared with the other hosts is measured by most of them; of values that are equally frequent, the first host's counts. What
//! edeliver knows better (configuration files, code, the unit) is measured by what was deployed.

mod fold;
mod host;
mod most;

use std::collections::BTreeMap;

pub use fold::{Alike, alike, told};
pub use host::Item;

use crate::{
    config::TargetSettings,
    facts::{NodeState, Seen, Unseen},
    hint::Hint,
    name::{HostName, Version},
    release::{Digest, ManifestId, RelPath},
};

/// The files below `releases/VERSION/` that say how a node is started and configured.
pub const CONFIG: [&str; 7] = ["sys.config", "sys.config.src", "runtime.exs", "vm.args", "vm.args.src", "remote.vm.args", "env.sh"];

/// What no plan needs to know of a host, and a look at a fleet does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Closer {
    /// Digests of the files of [`CONFIG`] of all releases.
    pub config: BTreeMap<RelPath, Digest>,
    /// Digest of the cookie that the node was started with, and of what differs in every run: good for a comparison, and nothing else.
    pub cookie: Option<Digest>,
    /// The same of the cookie in `releases/COOKIE`.
    pub cookie_file: Option<Digest>,
    /// What lies in `.edeliver/staging` although nobody is changing the root.
    pub staging: Vec<String>,
    /// The process that is changing the root right now.
    pub busy: Option<u32>,
}

/// The code in a node, compared with that of the release it says it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// Modules of the release that are loaded.
    pub loaded: usize,
    /// Those of them whose code is another.
    pub others: Vec<String>,
}

/// A host as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// As plans know it.
    pub seen: Seen,
    /// More closely.
    pub closer: Closer,
    /// Its node's code; `None` where there is nothing to compare.
    pub code: Option<Code>,
    /// What `setup` would change about its systemd unit; `None` where the target has none.
    pub unit: Option<Vec<String>>,
}

/// A host, or why it could not be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Which.
    pub host: HostName,
    /// How it is.
    pub observed: Result<Observed, Unseen>,
}

/// What to do about something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remedy {
    /// Deploy what most hosts have, and start it.
    Deploy(Version),
    /// Deploy it.
    Stage(Version),
    /// Start the node.
    Start,
    /// Restart the node.
    Restart,
    /// Write the unit.
    Setup,
    /// As it is said here.
    Hints(Vec<Hint>),
}

/// A host, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostDrift {
    /// Which.
    pub host: HostName,
    /// The node; `None`: the host could not be asked.
    pub state: Option<NodeState>,
    /// What runs.
    pub runs: Option<Version>,
    /// What boots.
    pub permanent: Option<Version>,
    /// The runtime system of what boots.
    pub erts: Option<String>,
    /// What differs, and what is worth knowing, most important first.
    pub items: Vec<Item>,
    /// What was compared: a word for each.
    pub words: Words,
}

/// What is said of a host in a word each; empty where there was nothing to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    /// Its configuration files.
    pub config: String,
    /// Its cookie.
    pub cookie: String,
    /// Its node's code.
    pub code: String,
    /// Its systemd unit.
    pub unit: String,
}

impl HostDrift {
    /// Whether it is not as it should be.
    pub fn drifts(&self) -> bool {
        self.items.iter().any(|item| item.drifts)
    }
    /// Whether it could be looked at.
    pub fn is_reached(&self) -> bool {
        self.state.is_some()
    }
    /// What differs, in a word each.
    pub fn checks(&self) -> Vec<&'static str> {
        let mut checks: Vec<&str> = self.items.iter().filter(|item| item.drifts).map(|item| item.check).collect();
        checks.dedup();
        checks
    }
}

/// What most hosts have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Most {
    /// What boots: version, and which build of it.
    pub permanent: Option<(Version, Option<ManifestId>)>,
    /// What runs.
    pub runs: Option<Version>,
    /// Whether a node is up.
    pub up: bool,
    erts: Option<String>,
    cookie: Option<Digest>,
    cookie_file: Option<Digest>,
    foreign: Vec<Version>,
    config: BTreeMap<Version, BTreeMap<RelPath, Digest>>,
}

/// Judges every host, in their order.
pub fn judge(target: &TargetSettings, looks: &[Look]) -> (Most, Vec<HostDrift>) {
    let most = Most::of(looks);
    let hosts = looks.iter().map(|look| host::judge(target, &most, look)).collect();
    (most, hosts)
}

#[cfg(test)]
mod tests;
