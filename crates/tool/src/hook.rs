//! Hooks: functions of a bash file that run before and after steps, all in one shell per run, so that what one of them sets the next
//! one sees.
//!
//! [`Session`] runs them. What they do elsewhere comes back to us over a socket (`calls`) and goes to the hosts through [`HookRemote`], so a
//! hook uses the same connections as everything else. Knows nothing of which hook belongs to which step.

mod call;
mod calls;
mod frame;
mod hosts;
mod later;
mod session;
pub mod shell;
pub mod vars;

use std::time::Duration;

use async_trait::async_trait;
use edeliver_core::name::HostName;
use tokio::sync::mpsc;

pub use call::main as call_main;
pub use hosts::Hosts;
pub(crate) use hosts::JOB;
pub use later::Later;
pub use session::{Captured, Options, Session};

use crate::{hook::shell::LastWords, transport::TransportError};

/// Why a hook did not come to a good end.
#[derive(Debug, thiserror::Error)]
pub enum HookError {
    /// The shell could not be started, or the hooks file could not be read.
    #[error("the hooks can't be read")]
    Shell(#[from] shell::ShellError),
    /// It called `error` or `exit`, or something failed under `set -e`.
    #[error("the hook {hook} failed with status {status}")]
    Failed {
        /// The function.
        hook: String,
        /// Exit status.
        status: i32,
        /// What it said at the end.
        #[source]
        said: LastWords,
    },
    /// It called `exit 0`, which ended edeliver 1.x at this point.
    #[error("the hook {hook} ended the run by `exit 0`")]
    Stopped {
        /// The function.
        hook: String,
        /// What it said at the end.
        #[source]
        said: LastWords,
    },
    /// It did not end in time, and was ended.
    #[error("the hook {hook} did not end within {} s", after.as_secs())]
    Timeout {
        /// The function.
        hook: String,
        /// The limit.
        after: Duration,
        /// What it said at the end.
        #[source]
        said: LastWords,
    },
    /// An earlier hook ended the shell.
    #[error("the hook {hook} can't run, because an earlier one ended the shell")]
    Gone {
        /// The function.
        hook: String,
    },
    /// The line to the shell, or the socket for its calls, broke.
    #[error("can't talk to the hook {hook}")]
    Talk {
        /// The function.
        hook: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl HookError {
    /// The last lines that the hook printed.
    pub fn said(&self) -> &[String] {
        match self {
            Self::Failed { said, .. } | Self::Stopped { said, .. } | Self::Timeout { said, .. } => &said.lines,
            Self::Shell(_) | Self::Gone { .. } | Self::Talk { .. } => &[],
        }
    }
}

/// What a hook wants to be run on hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Hosts as the hook names them (`user@host`); empty: those that the step is about.
    pub hosts: Vec<String>,
    /// Whether there may be only one host.
    pub one: bool,
    /// Shell commands, written for the login shell of the host.
    pub text: String,
    /// `$1`, `$2`, … of the commands.
    pub args: Vec<String>,
    /// Their standard input.
    pub stdin: Vec<u8>,
    /// Whether standard error goes where standard output goes.
    pub merge: bool,
}

/// A piece of a job's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Of standard output.
    Out(Vec<u8>),
    /// Of standard error.
    Err(Vec<u8>),
}

/// How a job ended on one host.
#[derive(Debug)]
pub struct JobEnd {
    /// Where.
    pub host: HostName,
    /// The exit status, or why there is none.
    pub status: Result<i32, TransportError>,
}

/// Why a job was not begun anywhere.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// There is nothing it could run on.
    #[error("no host is connected here")]
    NoHost,
    /// The hook names a host that this run has nothing to do with.
    #[error("{name:?} is none of the hosts of this step: {}", known.join(", "))]
    UnknownHost {
        /// What the hook wrote.
        name: String,
        /// The hosts of the step.
        known: Vec<String>,
    },
    /// One of the hosts can't be reached.
    #[error("can't log in to {host}")]
    Connect {
        /// Which.
        host: HostName,
        /// Why.
        #[source]
        source: TransportError,
    },
    /// `__sync_remote` with several hosts.
    #[error("__sync_remote runs on one host, and there are several: {}", hosts.join(", "))]
    SeveralHosts {
        /// The hosts.
        hosts: Vec<String>,
    },
}

/// Where jobs of hooks run: the hosts of the step at hand.
#[async_trait]
pub trait HookRemote: Send + Sync {
    /// Runs a job on its hosts, all at once, and gives each one's end in the order of the hosts.
    async fn job(&self, job: &Job, output: &mpsc::UnboundedSender<Piece>) -> Result<Vec<JobEnd>, JobError>;
}

/// The text with stars for every secret.
pub(crate) fn masked(secrets: &[String], text: &str) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), edeliver_core::config::secret::MASK))
}
