//! What was observed, per host. "Could not ask" is a fact too.
//!
//! Facts are possibly incomplete and already old when they are read; plans carry what they were made from as preconditions,
//! and apply checks those once more before it changes a host.

mod alone;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

pub use alone::{Alone, Came, Unconfirmed, WentBack};

use crate::{
    name::{HostName, NodeName, RunId, Version},
    release::{Digest, Manifest, ManifestId, Platform, RelPath},
    unit::UnitFacts,
};

/// One host's answer, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostFacts {
    /// Who was asked.
    pub host: HostName,
    /// The answer.
    pub seen: Result<Seen, Unseen>,
}

/// Why a host could not be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unseen {
    /// The whole chain of causes in one line.
    pub why: String,
    /// Remedy, where one is known.
    pub hints: Vec<crate::hint::Hint>,
}

/// A host as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Machine and C library.
    pub platform: Platform,
    /// Absolute path of the release root (`DELIVER_TO/APP`), whether or not it exists.
    pub root: String,
    /// The login that was used.
    pub user: String,
    /// Whether this login may create and change files in the root (or create the root).
    pub writable: bool,
    /// Free space there, in KiB.
    pub free_kib: u64,
    /// Programs a deploy needs that are missing (`tar`, `gzip`, a SHA-256 tool).
    pub missing_tools: Vec<String>,
    /// It has `zstd`: what is sent packs better, and can be packed as what makes it of what is there.
    #[serde(default)]
    pub zstd: bool,
    /// What the next start boots: the version in `releases/start_erl.data`, for relx the one written into `bin/APP`.
    pub permanent: Option<Version>,
    /// The release that was permanent before this one, by `.edeliver/previous`.
    pub previous: Option<Version>,
    /// All releases with a directory below `releases/`, the newest on this host first.
    pub installed: Vec<Installed>,
    /// Releases whose deploy or removal was interrupted.
    pub unfinished: Vec<Unfinished>,
    /// Releases that were taken back, whether they are still there or not.
    #[serde(default)]
    pub taken_back: Vec<TakenBack>,
    /// It was taken out of the traffic and never came back, as far as is known: the run that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drained: Option<String>,
    /// A restart that waits to be confirmed, and what the host did by itself.
    #[serde(default)]
    pub alone: Alone,
    /// Directories that exist: `lib/*`, `erts-*`, `releases/*` and `.edeliver/top/*`.
    pub dirs: BTreeSet<RelPath>,
    /// Files below these directories that no complete manifest on the host accounts for, with their digests:
    /// put there by hand, by the original edeliver, or by a deploy that was interrupted. Below `releases/` only those of
    /// releases without a manifest are asked for.
    pub strays: BTreeMap<RelPath, Digest>,
    /// Digests of the files that change at activation: `bin/*`, `releases/COOKIE`, `releases/start_erl.data`.
    pub top: BTreeMap<RelPath, Digest>,
    /// `releases/RELEASES` as it stands there.
    pub releases_file: Option<String>,
    /// The node.
    pub node: NodeFacts,
    /// The systemd unit that is to run it; `None` where the target has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<UnitFacts>,
}

/// A release on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    /// Its version.
    pub version: Version,
    /// Its manifest as edeliver left it on the host; `None` for a release that was put there otherwise.
    pub manifest: Option<ManifestId>,
    /// `.edeliver/manifests/VERSION.dirs`: the `lib/` and `erts-*` directories it uses on this host, where some may be
    /// relocated (see [`crate::delta`]). Empty without a manifest.
    pub dirs: Vec<RelPath>,
    /// Text of its `releases/VERSION/APP.rel`, where it has one.
    pub rel: Option<String>,
    /// Whether its last start failed. Such a release is never kept in place of a good one.
    pub failed: bool,
    /// The manifest itself, where it could be read (from our store or from the host). Hosts share it.
    #[serde(skip)]
    pub files: Option<Arc<Manifest>>,
}

/// A release that was taken back, because it or a rollout with it failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenBack {
    /// Its version.
    pub version: Version,
    /// Its manifest: another build of the version is another release.
    pub manifest: ManifestId,
    /// The run that took it back.
    pub run: RunId,
}

/// What an interrupted deploy or removal has left of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// Its version.
    pub version: Version,
    /// The `lib/` and `erts-*` directories it was to use, or used; some may be there.
    pub dirs: Vec<RelPath>,
}

/// What is known of the node that serves a release root.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeFacts {
    /// Its state.
    pub state: NodeState,
    /// Its full name, where known.
    pub name: Option<NodeName>,
    /// Operating system process.
    pub pid: Option<u32>,
    /// The version it was booted into.
    pub booted: Option<Version>,
    /// The version it runs: another one than it booted after an upgrade in place.
    pub version: Option<Version>,
    /// Where `release_handler` has installed what it runs, and nobody made that permanent: what it would go back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upgraded_from: Option<Version>,
    /// Processes that serve the same root beside it.
    pub others: Vec<u32>,
    /// A hot upgrade that is going on there, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ongoing: Option<Ongoing>,
    /// What it has to do, where it runs and could say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<Load>,
}

/// What a running node has to do, and with whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// Bytes of memory.
    pub memory: u64,
    /// Processes that wait to be run.
    pub run_queue: u64,
    /// Nodes that it is connected to; hidden ones don't count.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub peers: Vec<NodeName>,
}

/// One start of a node. A node that was restarted since has another one, also where it was restarted in its process (`init:restart/0`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Incarnation {
    /// Its process.
    pub pid: u32,
    /// When that began, in clock ticks since the host's boot.
    pub began: u64,
    /// What the node counts its own starts with.
    pub creation: u32,
}

/// A hot upgrade that has not ended: somebody else's, or one whose operator was lost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ongoing {
    /// The run that began it.
    pub run: String,
    /// What ran before.
    pub from: Version,
    /// What it leads to.
    pub to: Version,
    /// Milliseconds until the node takes it back by itself; `None` while it is being carried out.
    pub left_ms: Option<u64>,
}

impl NodeFacts {
    /// No node.
    pub fn down() -> Self {
        Self {
            state: NodeState::Down,
            name: None,
            pid: None,
            booted: None,
            version: None,
            upgraded_from: None,
            others: Vec::new(),
            ongoing: None,
            load: None,
        }
    }
}

/// The state of a node, told truly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NodeState {
    /// No process serves this root.
    Down,
    /// A process is there; its applications are still starting, or it does not listen yet.
    Starting,
    /// `init:get_status()` is `{started, started}`.
    Running,
    /// `init:get_status()` is `{stopping, _}`.
    Stopping,
    /// A process is there and does not answer within the time.
    Hung,
    /// It refuses our cookie.
    WrongCookie,
    /// It runs without distribution, so nothing more can be said.
    NoDistribution,
    /// It runs, and there is no way to ask it (no `erl_call` on the host, or distribution over TLS).
    Unasked,
    /// Its process is there and belongs to another login, and epmd does not know it: it may be up, or not yet.
    Unregistered,
}

impl NodeState {
    /// As it stands in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Hung => "hung",
            Self::WrongCookie => "wrong cookie",
            Self::NoDistribution => "distribution off",
            Self::Unasked => "can't be asked",
            Self::Unregistered => "not in epmd",
        }
    }
}
