//! What is known before a build is planned: about the commit, from git on this machine, and about the build host, from one script there.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use crate::{
    build_tool::ProjectFiles,
    name::CommitId,
    release::{Digest, RelPath},
};

/// The commit to build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its id.
    pub commit: CommitId,
    /// Committer's time in seconds since 1970; build tools that honour `SOURCE_DATE_EPOCH` are told it.
    pub unix: u64,
    /// The branch it was chosen by, or that is checked out; hooks and builds see it as `BRANCH`.
    pub branch: Option<String>,
    /// The project's folder inside the repository, where it isn't the top.
    pub folder: Option<RelPath>,
    /// What its files say about how it is built.
    pub files: ProjectFiles,
    /// Digest of everything in the commit that decides which dependencies are fetched: project and lock files, submodules.
    pub deps: Digest,
    /// Submodules, every one before those inside of it.
    pub submodules: Vec<Submodule>,
    /// Whether this machine has only a part of the history. Such a history has a repository of its own on the build host: a whole one
    /// can't be added to it later.
    pub shallow: bool,
    /// Tags whose commits are in this commit's history, for builds that ask `git describe`.
    pub tags: Vec<Tag>,
}

/// A submodule of the commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Submodule {
    /// Where it lies in the worktree.
    pub path: RelPath,
    /// The commit it is pinned to.
    pub commit: CommitId,
    /// Name of its repository on the build host; letters, digits, `.`, `_`, `-`.
    pub module: String,
    /// Where the build host gets it from.
    pub from: ModuleFrom,
}

/// Where a submodule comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModuleFrom {
    /// This machine has the commit: it is pushed.
    Here {
        /// The repository.
        git_dir: PathBuf,
    },
    /// The build host fetches it, with its own access rights.
    Url(String),
}

/// A git tag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag {
    /// Full name: `refs/tags/v1.0`.
    pub name: String,
    /// The object it names.
    pub object: String,
}

/// The build host.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BuildHost {
    /// Absolute path of the folder for builds (`BUILD_AT`), whether or not it exists.
    pub base: String,
    /// Whether the login may create files there.
    pub writable: bool,
    /// OTP version as far as known: `25.2.3`, or `25`.
    pub otp: Option<String>,
    /// Elixir version.
    pub elixir: Option<String>,
    /// Needed programs that are missing; `sha256` stands for any tool that computes SHA-256.
    pub missing: Vec<String>,
    /// Whether mix has Hex.
    pub has_hex: bool,
    /// Whether mix has, or is given, a rebar3 for dependencies.
    pub mix_has_rebar3: bool,
    /// Whether the repositories exist there and are ready to be pushed to.
    pub prepared: bool,
    /// Which of the wanted commits it has: the source's, and submodules' as `MODULE COMMIT`.
    pub has: BTreeSet<String>,
    /// Tags it has: full name → object.
    pub tags: BTreeMap<String, String>,
    /// Free space in KiB.
    pub free_kib: Option<u64>,
}
