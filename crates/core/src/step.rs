//! Steps: the smallest units of change, as data.
//!
//! One [`Step::describe`] serves the plan view, events and the journal, so what was promised and what is reported are the same words.

mod guard;
mod upgrade;
mod watch;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    config::Traffic,
    facts::TakenBack,
    name::{CommitId, Version},
    release::{Digest, ManifestId, RelPath},
    size::size,
    unit::{Scope, Unit},
};

pub use guard::Guard;
pub use upgrade::{Direction, Ending, Hot, Lib, PlaceUpgrade, Soak};
pub use watch::Watch;

/// One unit of work on one host. Every step can be repeated, and leaves the old release serving if it fails.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "step")]
pub enum Step {
    // ---- build host
    /// Make the folders and the bare repository on the build host.
    PrepareBuild,
    /// Send the commit by git, over the transport.
    PushSource {
        /// What is built.
        commit: CommitId,
    },
    /// Check the commit out into a worktree that this build owns.
    Checkout {
        /// What is built.
        commit: CommitId,
    },
    /// Check its submodules out, nested ones too.
    Submodules {
        /// Where they lie in the worktree.
        paths: Vec<RelPath>,
    },
    /// Run one command of the build tool.
    Build(BuildStep),
    /// Read the assembled release: version, platform, digests.
    Describe,
    /// Bring the content that the store lacks, and complete the manifest there.
    Collect,
    // ---- deploy hosts
    /// Send what the host lacks and put the release's files beside the old ones. Nothing that exists is changed.
    Stage(Stage),
    /// Make the staged release the one that boots next.
    Activate(Activate),
    /// Start the node and wait until it is fully up.
    Start {
        /// The version it must come up with.
        version: Version,
        /// Longest wait.
        timeout: Duration,
        /// The systemd unit that runs it; `None`: its own start script does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<Unit>,
    },
    /// Stop the node and wait until its process has gone. Done at once where none runs.
    Stop {
        /// Only a node that was booted into this version; `None`: any.
        version: Option<Version>,
        /// Wait for an orderly stop, before it is killed.
        timeout: Duration,
        /// The systemd unit that runs it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<Unit>,
        /// What the host does by itself, if edeliver is lost before what follows is confirmed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        guard: Option<Guard>,
    },
    // ---- hot upgrades
    /// Put relup and agent beside the releases, and make the node's own list of releases true.
    PlaceUpgrade(PlaceUpgrade),
    /// Ask the node whether it could be upgraded now. Changes nothing.
    Preflight(Hot),
    /// Upgrade the running node. On failure everything is as before, as far as the engine can.
    Install(Hot),
    /// Watch it.
    Soak(Soak),
    /// End the upgrade for good, once what boots is the same release: old code goes, the node knows what it runs.
    Commit(Ending),
    /// Take the upgrade back with the state of now. Done at once where the old release runs.
    Revert(Ending),
    /// Have systemd run the node: write the unit and its environment.
    Setup(Setup),
    /// Watch a node that was started: a release may come up and fall a moment later.
    Watch(Watch),
    /// Take the host out of the traffic: what follows stops or upgrades its node.
    Drain(Traffic),
    /// Bring it back. However the host ends, that is not left out as long as a node serves there.
    Resume(Traffic),
    /// Tell the host, over a new channel, that the release that was started is well: it need not go back by itself.
    Confirm {
        /// That release.
        version: Version,
    },
    /// Remove releases that nothing needs.
    Prune(Prune),
    /// Note that a release was taken back, for later deploys.
    Remember(TakenBack),
    // ---- anywhere
    /// Run a hook on this machine.
    Hook {
        /// Its name (`pre_erlang_clean_compile`).
        name: String,
    },
}

/// A unit to be written. The values of its environment may be secret, so they are no part of this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Which.
    pub unit: Unit,
    /// Its file.
    pub path: String,
    /// Its text.
    pub text: String,
    /// The file with its environment.
    pub environment: String,
    /// The names of its variables.
    pub variables: Vec<String>,
    /// The account that the node runs as: it lingers, if the unit is its own.
    pub user: String,
    /// Write as root by `sudo`, which asks for no password there.
    pub sudo: bool,
}

/// A stage of the build tool's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuildStep {
    /// Which stage.
    pub stage: BuildStage,
    /// The programs to run one after the other, each a list of words.
    pub commands: Vec<Vec<String>>,
}

/// The stages every build tool has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BuildStage {
    /// Remove what must not survive from the build before.
    Clean,
    /// Fetch and update dependencies.
    Deps,
    /// Compile.
    Compile,
    /// Assemble the release.
    Release,
    /// Compile and assemble the release by one command.
    CompileAndRelease,
}

/// What staging a release on one host takes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// The release's version.
    pub version: Version,
    /// Its manifest.
    pub manifest: ManifestId,
    /// Content that travels.
    pub send: Vec<Placed>,
    /// Content that the host has under another path.
    pub copy: Vec<Copied>,
    /// Content that is needed more than once and travels once: copies of files in [`Stage::send`], made in staging after unpacking.
    pub twins: Vec<Copied>,
    /// Symbolic links; they travel with the files.
    pub links: Vec<Linked>,
    /// Directories with nothing in them; they travel with the files.
    pub empty_dirs: Vec<RelPath>,
    /// Directories that get renamed into place, in this order: `lib/*`, `erts-*`, `.edeliver/top/VERSION`, `releases/VERSION`.
    /// Before one of these replaces a leftover under `releases/`, the manifest of that version must go.
    pub place: Vec<Placement>,
    /// The `lib/` and `erts-*` directories that the release uses on this host, for `.edeliver/manifests/VERSION.dirs`.
    pub dirs: Vec<RelPath>,
    /// How the stream is packed.
    #[serde(default)]
    pub packing: Packing,
    /// Longest time.
    pub timeout: Duration,
}

/// How a stream to a host is packed: `"gzip"`, or `{"zstd": [BASE, …]}`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// What every host can unpack.
    #[default]
    Gzip,
    /// Smaller, and faster on both sides: as what makes it of these files, which the host has and which are much like what travels. Of none,
    /// by itself.
    Zstd(Vec<Base>),
}

/// A file on the host that is much like one that travels.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Base {
    /// Its path there, below the release root.
    pub path: RelPath,
    /// Its content, as the release has it that it belongs to.
    pub sha256: Digest,
    /// Bytes.
    pub size: u64,
}

/// A file to be written in staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placed {
    /// Its path on the host, below the release root.
    pub path: RelPath,
    /// Its content.
    pub sha256: Digest,
    /// Permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
}

/// A file to be copied from one that is on the host already.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copied {
    /// The file with that content: below the release root, or for [`Stage::twins`] the path of the file that travels.
    pub from: RelPath,
    /// The new one.
    pub to: Placed,
}

/// A symbolic link to be made in staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Linked {
    /// Its path on the host, below the release root.
    pub path: RelPath,
    /// Its text: relative, and inside the release (the manifest was checked for it).
    pub target: String,
}

/// A directory that moves from staging to its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Placement {
    /// Its path below the release root.
    pub dir: RelPath,
    /// What lies there now and may be replaced (left by an interrupted deploy); `false`: nothing does.
    pub replaces_leftover: bool,
}

/// Making a release permanent: the small files that decide what boots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activate {
    /// What boots next.
    pub version: Version,
    /// What boots now; apply stops with "plan is stale" if the host says otherwise.
    pub from: Option<Version>,
    /// What a rollback goes back to from here on; `.edeliver/previous`.
    pub previous: Option<Version>,
    /// The new `releases/start_erl.data`, where the release came without one of its own; `None`: not known.
    pub start_erl: Option<String>,
    /// The new `releases/RELEASES`.
    pub releases_file: String,
    /// The file that decides what boots, put in place last: `releases/start_erl.data`, or `bin/APP` for relx.
    pub decides: RelPath,
}

/// Removal of old releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prune {
    /// Versions whose `releases/VSN` goes.
    pub versions: Vec<Version>,
    /// Library and runtime directories that no remaining release uses.
    pub dirs: Vec<RelPath>,
    /// The `releases/RELEASES` without them.
    pub releases_file: String,
}

impl Step {
    /// Whether it puts something beside what is there, or only looks: nothing that serves or boots is another after it.
    pub fn is_preparation(&self) -> bool {
        matches!(self, Self::Stage(_) | Self::PlaceUpgrade(_) | Self::Preflight(_))
    }
    /// Whether it is about what was started already: an interruption does not come before it.
    pub fn concludes(&self) -> bool {
        matches!(self, Self::Watch(_) | Self::Confirm { .. })
    }
    /// Whether what serves and boots is the same without it.
    pub fn tidies(&self) -> bool {
        matches!(self, Self::Prune(_) | Self::Resume(_))
    }
    /// Whether it changes files of the release root. Others start and stop what is there, by the system's own means perhaps.
    pub fn changes_root(&self) -> bool {
        !matches!(
            self,
            Self::Setup(_) | Self::Start { .. } | Self::Stop { .. } | Self::Watch(_) | Self::Confirm { .. } | Self::Hook { .. }
        )
    }
    /// The step in words: present tense, no full stop. The same in the plan, on the screen and in the journal.
    pub fn describe(&self) -> String {
        match self {
            Self::PrepareBuild => "prepare the build folder".to_owned(),
            Self::PushSource { commit } => format!("push commit {}", commit.short()),
            Self::Checkout { commit } => format!("check out {}", commit.short()),
            Self::Submodules { paths } => {
                format!("check out submodules ({})", paths.iter().map(RelPath::as_str).collect::<Vec<_>>().join(", "))
            }
            Self::Build(build) => build.describe(),
            Self::Describe => "read the release".to_owned(),
            Self::Collect => "bring it to the store".to_owned(),
            Self::Stage(stage) => stage.describe(),
            Self::Activate(activate) => format!("make {} the release that boots", activate.version),
            Self::Start { version, unit, .. } => format!("start {version}{}", by(unit.as_ref())),
            Self::Stop { version, unit, guard, .. } => {
                let what = version.as_ref().map_or("the node", Version::as_str);
                format!("stop {what}{}{}", by(unit.as_ref()), guard.as_ref().map(Guard::describe).unwrap_or_default())
            }
            Self::PlaceUpgrade(place) => place.describe(),
            Self::Preflight(hot) => hot.describe_preflight(),
            Self::Install(hot) => hot.describe(),
            Self::Soak(soak) => soak.describe(),
            Self::Commit(ending) => format!("make the upgrade to {} permanent on the node", ending.to),
            Self::Revert(ending) => format!("take the upgrade from {} to {} back", ending.from, ending.to),
            Self::Setup(setup) => setup.describe(),
            Self::Watch(watch) => watch.describe(),
            Self::Drain(traffic) => format!("drain the host ({})", traffic.drain.describe()),
            Self::Resume(traffic) => format!("resume the host ({})", traffic.resume.describe()),
            Self::Confirm { version } => format!("confirm {version}"),
            Self::Prune(prune) => format!("remove {}", list(&prune.versions)),
            Self::Remember(it) => format!("note that {} was taken back", it.version),
            Self::Hook { name } => format!("hook {name}"),
        }
    }
}

impl BuildStep {
    fn describe(&self) -> String {
        let words = self.commands.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(", ");
        let stage = match self.stage {
            BuildStage::Clean => "clean",
            BuildStage::Deps => "fetch dependencies",
            BuildStage::Compile => "compile",
            BuildStage::Release => "assemble the release",
            BuildStage::CompileAndRelease => "compile and assemble the release",
        };
        format!("{stage} ({words})")
    }
}

/// What travels of a release is much above this, in bytes; and so is what a host copies.
const MUCH: u64 = 1 << 20;
const MUCH_TO_COPY: u64 = 128 << 20;

impl Stage {
    /// Bytes that travel, before compression.
    pub fn bytes(&self) -> u64 {
        self.send.iter().map(|file| file.size).sum()
    }
    /// Whether so much travels that it takes its time.
    pub fn sends_much(&self) -> bool {
        self.bytes() > MUCH
    }
    /// Whether so much is copied on the host that it takes its time.
    pub fn copies_much(&self) -> bool {
        self.copy.iter().map(|copy| copy.to.size).sum::<u64>() > MUCH_TO_COPY
    }
    fn describe(&self) -> String {
        match self.send.len() {
            0 => format!("put {} beside what is there (nothing travels)", self.version),
            files => format!("put {} beside what is there ({files} new files, {})", self.version, size(self.bytes())),
        }
    }
}

impl Setup {
    fn describe(&self) -> String {
        let variables = match &self.variables[..] {
            [] => "no variables".to_owned(),
            names => names.join(", "),
        };
        let linger = match self.unit.scope {
            Scope::System => String::new(),
            Scope::User => format!(", let {} linger", self.user),
        };
        let how = if self.sudo { " by sudo" } else { "" };
        format!("write {}{how} (environment: {variables}), have systemd start it at boot{linger}", self.path)
    }
}

fn by(unit: Option<&Unit>) -> String {
    unit.map(|unit| format!(" ({})", unit.describe())).unwrap_or_default()
}

fn list(versions: &[Version]) -> String {
    versions.iter().map(Version::as_str).collect::<Vec<_>>().join(", ")
}
