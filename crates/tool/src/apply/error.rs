//! Why a step failed.

use std::error::Error;

use crate::{
    node::NodeError,
    service::ServiceError,
    transport::{Reply, TransportError},
    upgrade::{Aftermath, UpgradeError},
};

use super::{hook::HookFailure, traffic::TrafficError};

/// Why a step failed. The host and the step are named by whoever tells.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// The world moved since the plan was made. This step changed nothing.
    #[error("the plan is out of date")]
    Stale(#[source] Remote),
    /// Another process is changing the root. This step changed nothing.
    #[error("somebody else is changing this host")]
    Locked(#[source] Remote),
    /// Content is not what its digest says.
    #[error("content did not arrive as it should")]
    Damaged(#[source] Remote),
    /// The disk is full.
    #[error("there is no room on the host")]
    NoSpace(#[source] Remote),
    /// Some of the files that decide what boots are changed, and some are not.
    #[error("it failed half way")]
    HalfWay(#[source] Remote),
    /// The node that was started did not stay as it should.
    #[error("it is not well")]
    Unwell(#[source] Remote),
    /// The host went back by itself before it was told that all is well.
    #[error("it was not confirmed in time")]
    WentBack(#[source] Remote),
    /// The script failed otherwise.
    #[error("{script} failed with status {status}")]
    Script {
        /// Which.
        script: &'static str,
        /// Its status; 128 and more: it was ended by a signal.
        status: i32,
        /// What it said last.
        #[source]
        why: Remote,
    },
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// systemd, or the node that it runs.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// The node, on its way to another release.
    #[error(transparent)]
    Upgrade(#[from] UpgradeError),
    /// The connection.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// A hook.
    #[error("the hook failed")]
    Hook(#[source] HookError),
    /// The host is not out of the traffic, or not back.
    #[error(transparent)]
    Traffic(#[from] TrafficError),
    /// The user interrupted while the step was in hand.
    #[error("interrupted")]
    Interrupted,
    /// The plan asks for what can't be done there. A fault of edeliver's.
    #[error("the plan has a step that can't be carried out here")]
    Misplanned,
}

/// What the host said: the cause, and the lines before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", lines.last().map_or("it said nothing", String::as_str))]
pub struct Remote {
    /// The last lines; the very last is the cause.
    pub lines: Vec<String>,
}

/// A hook's failure, whatever runs hooks.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct HookError(#[from] HookFailure);

impl StepError {
    /// The reply of one of our scripts, which share their statuses (see root.sh).
    pub(super) fn of(script: &'static str, reply: Reply) -> Self {
        let why = Remote { lines: reply.tail };
        match reply.status {
            40 => Self::Stale(why),
            41 => Self::Locked(why),
            42 => Self::Damaged(why),
            43 => Self::NoSpace(why),
            44 => Self::HalfWay(why),
            status => Self::Script { script, status, why },
        }
    }
    /// Whether nobody can say how far the step came.
    pub(super) fn leaves_unknown(&self) -> bool {
        match self {
            Self::Upgrade(error) => error.aftermath() == Aftermath::Unknown,
            Self::Interrupted => true,
            Self::Script { status, .. } => *status >= 128,
            _ => matches!(
                self.transport(),
                Some(TransportError::LinkLost { .. } | TransportError::Timeout { .. } | TransportError::Interrupted)
            ),
        }
    }
    /// Whether there is no connection any more. The step did nothing; what the host does by now, nobody knows.
    pub(super) fn is_out_of_reach(&self) -> bool {
        let sources = std::iter::successors(self.source(), |error| (*error).source());
        let among = sources.filter_map(|error| error.downcast_ref::<TransportError>());
        self.transport().into_iter().chain(among).any(|error| matches!(error, TransportError::Unreachable { .. }))
    }
    /// Whether the host is somebody else's by now, so that nothing was done there.
    pub(super) fn is_fenced(&self) -> bool {
        matches!(self.transport(), Some(TransportError::Fenced { .. }))
    }
    /// The connection's own error, where a script of the step was ended by it.
    fn transport(&self) -> Option<&TransportError> {
        match self {
            Self::Transport(error)
            | Self::Node(NodeError::Transport(error))
            | Self::Service(ServiceError::Node(NodeError::Transport(error))) => Some(error),
            // The mark is written, or removed, by a script like any other step's.
            Self::Traffic(TrafficError::Mark(error)) => error.transport(),
            _ => None,
        }
    }
    /// Lines that the host printed before it failed, without the cause.
    pub(super) fn output(&self) -> &[String] {
        match self {
            Self::Stale(why)
            | Self::Locked(why)
            | Self::Damaged(why)
            | Self::NoSpace(why)
            | Self::HalfWay(why)
            | Self::Unwell(why)
            | Self::WentBack(why)
            | Self::Script { why, .. } => why.lines.split_last().map_or(&[], |(_, before)| before),
            Self::Node(error) => error.log(),
            Self::Service(error) => error.log(),
            Self::Transport(TransportError::Timeout { tail, .. } | TransportError::Failed { tail, .. }) => tail,
            Self::Upgrade(error) => error.details(),
            Self::Traffic(TrafficError::Command { said, .. }) => said.lines.split_last().map_or(&[], |(_, before)| before),
            Self::Transport(_) | Self::Traffic(_) | Self::Hook(_) | Self::Interrupted | Self::Misplanned => &[],
        }
    }
}
