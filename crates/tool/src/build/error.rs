//! Why a build does not give a release.

use edeliver_core::{
    build_tool::ToolsError,
    name::{AppName, CommitId, Version},
    release::{FilesError, FoundError, RelPath},
};

use super::describe::ListingError;
use crate::{
    git::GitError,
    hook::HookError,
    store::{StoreError, archive::ArchiveError},
    transfer::UnpackError,
    transport::TransportError,
};

/// Why a build does not give a release.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file of the project can't be given another version.
    #[error("{file} can't be given another version")]
    Version {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: edeliver_core::auto_version::erlang::RewriteError,
    },
    /// The build host, or the way to it.
    #[error("the build host did not do it")]
    Transport(#[from] TransportError),
    /// The repository on this machine.
    #[error("the source could not be prepared")]
    Git(#[from] GitError),
    /// No build tool fits.
    #[error("no build tool can be chosen")]
    Tools(#[from] ToolsError),
    /// A command of the build ended with an error; what it printed is the reason.
    #[error("`{command}` ended with status {status}")]
    Command {
        /// Its words.
        command: String,
        /// Its exit status.
        status: i32,
        /// The last lines it printed.
        tail: Vec<String>,
    },
    /// Somebody else has taken the worktree over.
    #[error("the build folder was taken by another build while ours was cut off")]
    SlotLost,
    /// No free worktree.
    #[error("too many builds of this kind are running on the build host")]
    Busy,
    /// The release is here, and not where releases are published.
    #[error("{app} {version} is built and on this machine, and could not be published")]
    Unpublished {
        /// The application.
        app: AppName,
        /// The version.
        version: Version,
        /// Why.
        source: Box<StoreError>,
    },
    /// The release is not where it was looked for.
    #[error("the assembled release was not found: {}", places.join("; "))]
    NoRelease {
        /// Where it might be, or where it is not.
        places: Vec<String>,
    },
    /// A link out of the release: what it leads to is not part of it.
    #[error("{path} in the release is a link to a place outside of it ({target})")]
    OutsideLink {
        /// The link.
        path: RelPath,
        /// Where it leads.
        target: String,
    },
    /// The build host's description can't be used.
    #[error("the assembled release can't be read")]
    Listing(#[from] ListingError),
    /// It is no release.
    #[error("what was assembled is no release that edeliver knows")]
    Found(#[from] FoundError),
    /// Its files break a rule.
    #[error("what was assembled can't be stored as a release")]
    Files(#[from] FilesError),
    /// The store has that version, and it is something else.
    #[error("the store has another {title}{}", from_commit(.commit.as_ref()))]
    Exists {
        /// Application and version.
        title: String,
        /// What the other one was built from.
        commit: Option<CommitId>,
    },
    /// The store.
    #[error("the release can't be stored")]
    Store(#[from] StoreError),
    /// Its classic archive.
    #[error("the release is in the store, but its archive can't be written")]
    Archive(#[from] ArchiveError),
    /// A hook of the project.
    #[error("a hook stopped the build")]
    Hook(#[from] HookError),
    /// The way into the store.
    #[error("the release did not come into the store")]
    Unpack(#[from] UnpackError),
    /// It is another release.
    #[error("what was assembled is called {found}, not {wanted}")]
    OtherApp {
        /// Its name.
        found: AppName,
        /// What was asked for.
        wanted: AppName,
    },
}

fn from_commit(commit: Option<&CommitId>) -> String {
    commit.map_or(String::new(), |commit| format!(", built from commit {}", commit.short()))
}

impl BuildError {
    /// Whether nobody knows what became of the step.
    pub fn is_lost_link(&self) -> bool {
        matches!(self, Self::Transport(TransportError::LinkLost { .. }))
    }
    /// The last lines that the failed command or script printed, without empty ones around them.
    pub fn output(&self) -> &[String] {
        let lines = self.tail();
        let is_said = |line: &String| !line.trim().is_empty();
        let first = lines.iter().position(is_said).unwrap_or(lines.len());
        let end = lines.iter().rposition(is_said).map_or(first, |last| last + 1);
        &lines[first..end]
    }
    fn tail(&self) -> &[String] {
        match self {
            Self::Command { tail, .. }
            | Self::Transport(TransportError::Failed { tail, .. } | TransportError::Timeout { tail, .. }) => tail,
            Self::Hook(error) => error.said(),
            _ => &[],
        }
    }
}
