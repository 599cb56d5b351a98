//! Why a database was not migrated.

use std::time::Duration;

use edeliver_core::hint::Hint;

use crate::{
    node::{
        NodeError,
        link::{CallError, LinkError},
    },
    transport::TransportError,
};

/// Why a database was not migrated, or nobody knows whether it was.
#[derive(Debug, thiserror::Error)]
pub enum MigrateError {
    /// Somebody else does it.
    #[error("somebody else is migrating by this host: {holder}")]
    Locked {
        /// Who.
        holder: String,
    },
    /// There is nothing to migrate with.
    #[error("no release is deployed there")]
    NothingDeployed,
    /// The release has no Ecto.
    #[error("the release has no Ecto")]
    NoEcto,
    /// No application of it has `ecto_repos`.
    #[error("no application of the release has repositories (`ecto_repos`)")]
    NoRepositories,
    /// Which one is not said.
    #[error("the release has several repositories: {}", repos.join(", "))]
    Several {
        /// All.
        repos: Vec<String>,
    },
    /// A migration raised an error.
    #[error("the migration failed")]
    Migration(#[source] Cause),
    /// Nothing was migrated: already the question failed, which a database has to answer.
    #[error("the migrations can't be listed")]
    NotListed(#[source] Cause),
    /// It ended without saying how.
    #[error("the migrator ended with status {status} before it was done")]
    Ended {
        /// Of `bin/APP eval`.
        status: i32,
        /// The last lines.
        log: Vec<String>,
    },
    /// No node, and no way without.
    #[error("no node runs {version}, and this release can't run code without its node")]
    NoWay {
        /// The release that boots.
        version: String,
    },
    /// The node is not ready for it.
    #[error("the node can't be called")]
    Link(#[source] LinkError),
    /// The call went wrong.
    #[error("the node did not carry it out")]
    Call(#[source] CallError),
    /// Nobody knows.
    #[error("it is not known whether the migration was carried out: nothing was heard for {} s", after.as_secs())]
    Unknown {
        /// How long was waited.
        after: Duration,
    },
    /// Nobody knows either.
    #[error("it is not known whether the migration was carried out")]
    Lost(#[source] TransportError),
    /// The host, or what is known of its node.
    #[error(transparent)]
    Node(#[from] NodeError),
}

/// What the migrator said.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines.join("\n"))]
pub struct Cause {
    /// Its lines.
    pub lines: Vec<String>,
}

impl From<TransportError> for MigrateError {
    fn from(error: TransportError) -> Self {
        Self::Node(error.into())
    }
}

impl MigrateError {
    /// Whether migrations may have been carried out although this error is what came of it.
    pub fn is_unknown(&self) -> bool {
        match self {
            Self::Unknown { .. } | Self::Lost(_) => true,
            Self::Call(error) => error.is_unknown(),
            _ => false,
        }
    }
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let text = match self {
            Self::Locked { .. } => "wait until the other one has finished, then run the same command again",
            Self::NothingDeployed => "deploy a release first, without starting it",
            Self::NoEcto => "set `migrate = \"MyApp.Release.migrate\"` in the target to have a function of yours called",
            Self::NoRepositories => "name them with `ecto_repos` in the target, or `--repo=`",
            Self::Several { .. } => "name the one to roll back with `--repo=`",
            Self::NoWay { .. } => "start it: `edeliver start TARGET`",
            Self::Unknown { .. } | Self::Lost(_) => {
                "look at it with `edeliver show migrations TARGET`; `step_timeout` is how long is waited"
            }
            Self::Link(error) => return error.hints(),
            Self::Node(error) => return error.hints(),
            Self::Migration(_) | Self::NotListed(_) | Self::Ended { .. } | Self::Call(_) => return Vec::new(),
        };
        vec![Hint::text(text)]
    }
}
