//! Why a node is not as it should be.

use std::time::Duration;

use edeliver_core::{facts::NodeState, hint::Hint, name::Version};

use super::{answer::AnswerError, find::FindError};
use crate::transport::TransportError;

/// Why a node could not be asked, started or stopped. `log`: the last lines of what the release printed.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// Its process ended before it was up.
    #[error("the node ended while it was starting")]
    Died {
        /// What it printed.
        log: Vec<String>,
    },
    /// The time is over.
    #[error("the node is not up after {} s, it is {}", after.as_secs(), state.word())]
    NotUp {
        /// The limit.
        after: Duration,
        /// Its state then.
        state: NodeState,
        /// What it printed.
        log: Vec<String>,
    },
    /// A node runs, and it is another release.
    #[error("a node runs {}, not {wanted}", runs.as_ref().map_or("another version", Version::as_str))]
    OtherVersion {
        /// What it was booted into.
        runs: Option<Version>,
        /// What was to be started.
        wanted: Version,
    },
    /// There is nothing to start it with.
    #[error("the release has no start script")]
    NoScript {
        /// Which path.
        log: Vec<String>,
    },
    /// The configured shell start-up file.
    #[error("the shell start-up file {profile} ended the shell")]
    Profile {
        /// As configured.
        profile: String,
        /// What it printed.
        log: Vec<String>,
    },
    /// The release that boots is not the one that was to be started.
    #[error("{wanted} is not the release that boots")]
    NotPermanent {
        /// What was to be started.
        wanted: Version,
        /// What boots.
        log: Vec<String>,
    },
    /// No right to end it.
    #[error("the node belongs to another user")]
    NotOurs {
        /// Which process.
        log: Vec<String>,
    },
    /// Not even SIGKILL ended it.
    #[error("the node's process does not end")]
    StaysAlive {
        /// Which process.
        log: Vec<String>,
    },
    /// It does not answer, and its process can't be looked for.
    #[error("the node does not answer, and its process can't be seen on this host")]
    Unseen {
        /// What it does instead.
        log: Vec<String>,
    },
    /// The script failed otherwise.
    #[error("{script} failed with status {status}")]
    Script {
        /// Which.
        script: &'static str,
        /// Its status.
        status: i32,
        /// What it printed.
        log: Vec<String>,
    },
    /// The script answered in a way that can't be read.
    #[error("the host's answer about its node can't be read")]
    Answer(#[source] AnswerError),
    /// The script that looks for the node did. Its answer is not quoted: the cookie is in it.
    #[error("the host's answer about its node can't be read")]
    Found(#[source] FindError),
    /// The host.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl NodeError {
    /// What the node or its start script printed, for the user.
    pub fn log(&self) -> &[String] {
        match self {
            Self::Died { log }
            | Self::NotUp { log, .. }
            | Self::NoScript { log }
            | Self::Profile { log, .. }
            | Self::NotPermanent { log, .. }
            | Self::NotOurs { log }
            | Self::StaysAlive { log }
            | Self::Unseen { log }
            | Self::Script { log, .. } => log,
            Self::OtherVersion { .. } | Self::Answer(_) | Self::Found(_) => &[],
            Self::Transport(TransportError::Failed { tail, .. } | TransportError::Timeout { tail, .. }) => tail,
            Self::Transport(_) => &[],
        }
    }
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let text = match self {
            Self::Died { .. } => "the release's log is in `tmp/log` (mix) or `log` (relx) of the release root",
            Self::NotUp { .. } => "if it needs more time, raise `start_timeout`",
            Self::OtherVersion { .. } => "`edeliver restart` changes to the release that boots",
            Self::NoScript { .. } => "deploy a release first",
            Self::Profile { .. } => "it is read by /bin/sh: move what needs another shell elsewhere, or set another `profile`",
            Self::Unseen { .. } => "end it on the host: without /proc only a node that answers tells its process",
            Self::NotOurs { .. } => "use the login that started the node",
            _ => return Vec::new(),
        };
        vec![Hint::text(text)]
    }
}
