//! Where and with what a build's steps run.

use std::{collections::BTreeSet, fmt, time::Duration};

use indexmap::IndexMap;

use super::{BuildHost, BuildRequest, Caches, ModuleFrom, Source, Submodule, Tag, VersionChange, environment::environment};
use crate::{
    build_tool::Commands,
    config::BuildSettings,
    name::{AppName, CommitId},
    release::{Digest, RelPath},
};

/// Everything that the steps of a build take besides what they say themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workplace {
    /// Release name.
    pub app: AppName,
    /// What is built.
    pub commit: CommitId,
    /// Which kept worktrees this build may use.
    pub key: SlotKey,
    /// The project's folder inside the repository.
    pub folder: Option<RelPath>,
    /// Name of the repository on the build host.
    pub repository: &'static str,
    /// What is sent to the build host.
    pub push: Push,
    /// What would have to be sent if the build host had nothing.
    pub everything: Push,
    /// The commit's submodules, outer ones first.
    pub submodules: Vec<Submodule>,
    /// What becomes of files that git doesn't know in submodules.
    pub clean_submodules: CleanSubmodules,
    /// Whether a new worktree may begin with what another one has.
    pub caches: Caches,
    /// Environment of every build command.
    pub env: IndexMap<String, String>,
    /// Shell start-up file that is sourced before.
    pub profile: String,
    /// With this mark left by an earlier build, dependencies are as wanted already; `None`: fetch them anyhow.
    pub deps_mark: Option<Digest>,
    /// The version it gets; `None`: what the project states.
    pub version: Option<VersionChange>,
    /// Where the release is assembled, below the project or absolute.
    pub release_dir: ReleaseDir,
    /// Longest time for each step.
    pub timeout: Duration,
}

/// What becomes of files that git doesn't know in submodules; the same as in the rest of the worktree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CleanSubmodules {
    /// All of them go.
    All,
    /// All but dependencies and build output.
    AllButBuilt,
    /// None goes: git is not to clean, or only in paths that the user names.
    None,
}

impl CleanSubmodules {
    fn of(caches: Caches, settings: &BuildSettings) -> Self {
        match (caches, &settings.git_clean_paths) {
            _ if settings.skip_git_clean => Self::None,
            (Caches::Removed, _) => Self::All,
            (Caches::Used, Some(_)) => Self::None,
            (Caches::Used, None) => Self::AllButBuilt,
        }
    }
    /// As `submodules.sh` wants it.
    pub fn word(self) -> &'static str {
        match self {
            Self::All => "clean",
            Self::AllButBuilt => "keep",
            Self::None => "leave",
        }
    }
}

/// Where the assembled release lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseDir {
    /// The user says so; looked for nowhere else.
    Fixed(String),
    /// The tool's usual place; if it is not there, the only `APP/releases/start_erl.data` below the project.
    Usual(String),
}

/// What git must send. Empty when the build host has it all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Push {
    /// The commit, unless it is there.
    pub commit: Option<CommitId>,
    /// Tags that are missing there or name something else.
    pub tags: Vec<Tag>,
    /// Submodules whose commits are here and not there.
    pub modules: Vec<Submodule>,
}

impl Push {
    /// Whether there is nothing to send.
    pub fn is_empty(&self) -> bool {
        self.commit.is_none() && self.tags.is_empty() && self.modules.is_empty()
    }
}

/// Names the kept worktrees that builds of one kind share: what was compiled in them is of use to each other. A file name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotKey(String);

impl SlotKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// Joins what a worktree's content depends on: build tool, environment or profile, toolchain.
    fn of(source: &Source, commands: &Commands<'_>, host: &BuildHost) -> Self {
        let profile = &commands.profile;
        let tool = commands.build_program().rsplit('/').next().unwrap_or_default();
        let otp = host.otp.as_deref().map_or(String::new(), |version| format!("-otp{version}"));
        let elixir = host.elixir.as_deref().map_or(String::new(), |version| format!("-elixir{version}"));
        let rebar = profile.rebar_profile.map_or(String::new(), |name| format!("-{name}"));
        // A worktree belongs to one repository.
        let shallow = if source.shallow { "-shallow" } else { "" };
        let text = format!("{tool}-{}{rebar}{otp}{elixir}{shallow}", profile.mix_env);
        let safe = |c: char| if c.is_ascii_alphanumeric() || "._+-".contains(c) { c } else { '_' };
        Self(text.chars().map(safe).take(200).collect())
    }
}

impl fmt::Display for SlotKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Workplace {
    pub(super) fn of(
        request: &BuildRequest,
        settings: &BuildSettings,
        host: &BuildHost,
        commands: &Commands<'_>,
        hooks: &BTreeSet<String>,
    ) -> Self {
        let source = &request.source;
        let env = environment(request, settings, commands);
        let release_dir = match &settings.release_dir {
            Some(dir) => ReleaseDir::Fixed(dir.as_str().to_owned()),
            None => ReleaseDir::Usual(commands.release_dir()),
        };
        Self {
            app: request.app.clone(),
            commit: source.commit.clone(),
            key: SlotKey::of(source, commands, host),
            folder: source.folder.clone(),
            repository: repository(source),
            push: push(source, host),
            everything: push(source, &BuildHost::default()),
            submodules: source.submodules.clone(),
            clean_submodules: CleanSubmodules::of(request.caches, settings),
            caches: request.caches,
            deps_mark: deps_mark(request, commands, &env, hooks),
            env,
            profile: settings.profile.clone(),
            version: request.version.clone(),
            release_dir,
            timeout: settings.timeout,
        }
    }
}

/// The name of the repository on the build host.
pub fn repository(source: &Source) -> &'static str {
    if source.shallow { "shallow.git" } else { "repo.git" }
}

fn push(source: &Source, host: &BuildHost) -> Push {
    let absent = |key: &str| !host.has.contains(key);
    let differs = |tag: &&Tag| host.tags.get(&tag.name) != Some(&tag.object);
    let to_send = |module: &&Submodule| {
        matches!(module.from, ModuleFrom::Here { .. }) && absent(&format!("{} {}", module.module, module.commit))
    };
    Push {
        commit: absent(source.commit.as_str()).then(|| source.commit.clone()),
        tags: source.tags.iter().filter(differs).cloned().collect(),
        modules: source.submodules.iter().filter(to_send).cloned().collect(),
    }
}

/// A mark that changes with everything that decides about dependencies. There is none where a hook might add something that is not
/// in the commit.
fn deps_mark(
    request: &BuildRequest,
    commands: &Commands<'_>,
    env: &IndexMap<String, String>,
    hooks: &BTreeSet<String>,
) -> Option<Digest> {
    let before = ["post_git_push", "pre_git_submodules", "post_git_submodules", "pre_erlang_get_and_update_deps"];
    if before.iter().any(|name| hooks.contains(*name)) {
        return None;
    }
    let told = |(name, value): (&String, &String)| {
        (!["SOURCE_DATE_EPOCH", "BRANCH"].contains(&name.as_str())).then(|| format!("{name}={value}"))
    };
    let env: Vec<String> = env.iter().filter_map(told).collect();
    let parts = (request.source.deps, commands.deps(), env);
    Some(Digest::of(&serde_json::to_vec(&parts).expect("digests and strings have a JSON form")))
}
