//! Why a node can't be called, and why a call gave no value.

use std::time::Duration;

use edeliver_core::hint::Hint;
use edeliver_erl::{
    Term,
    dist::{
        frame::{MAX_LEN, MAX_TERMS},
        guarded::{Class, Raised},
        handshake::HandshakeError,
    },
};

use super::{super::NodeError, Mfa};
use crate::transport::TransportError;

/// Why a node can't be spoken with.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No process serves the release root.
    #[error("no node is running")]
    Down,
    /// It has begun to start and is not ready for calls: it does not listen, or has no server for calls yet.
    #[error("the node is starting")]
    Starting,
    /// Its process is there and does not answer.
    #[error("the node hangs: it does not answer within {} s", after.as_secs_f32())]
    Hung {
        /// How long was waited.
        after: Duration,
    },
    /// Its process is stopped, by SIGSTOP or a debugger.
    #[error("the node hangs: its process is stopped")]
    Stopped,
    /// It refuses the cookie that it was started with.
    #[error("the node refuses the cookie it was started with")]
    WrongCookie,
    /// Its cookie can't be read by this login.
    #[error("the node's cookie can't be read by this login")]
    NoCookie,
    /// It was started without distribution.
    #[error("the node runs without distribution")]
    NoDistribution,
    /// Its distribution is encrypted, and a VM of its own release with its own options is refused.
    #[error("the node speaks TLS with other nodes only, and takes no connection made with its own options")]
    Tls,
    /// It belongs to another login, and epmd does not know it: nobody can tell where it listens.
    #[error("epmd does not know the node, and its sockets can't be seen by this login")]
    Unregistered,
    /// It refuses the connection for another reason.
    #[error("the node refuses the connection")]
    Refused(#[source] HandshakeError),
    /// The connection to it could not be made, or ended before it was of use.
    #[error("the node can't be reached")]
    Unreachable(#[source] Box<TransportError>),
    /// It ended the connection before it was of use.
    #[error("the node ended the connection")]
    Ended,
    /// The host.
    #[error(transparent)]
    Find(NodeError),
}

impl LinkError {
    /// Whether the release's own programs may succeed where distribution did not.
    pub(super) fn leaves_scripts(&self) -> bool {
        matches!(self, Self::Tls | Self::Refused(_) | Self::Unreachable(_) | Self::Ended | Self::Unregistered | Self::NoCookie)
    }
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let text = match self {
            Self::Down => "`edeliver start` starts it",
            Self::Starting => "wait until it is up; its log is in `tmp/log` (mix) or `log` (relx) of the release root",
            Self::Stopped => "`kill -CONT` lets its process go on",
            Self::Hung { .. } => "`edeliver restart` ends it, if need be by SIGKILL",
            Self::WrongCookie => "its cookie was changed after its start: `edeliver restart` makes it the release's again",
            Self::NoCookie | Self::Unregistered => "use the login that started the node",
            Self::NoDistribution => "start it with RELEASE_DISTRIBUTION=sname (mix), or with -sname in vm.args (relx)",
            Self::Tls => "a second node of the release has to be able to connect: look at the files of its `-ssl_dist_optfile`",
            Self::Find(error) => return error.hints(),
            Self::Refused(_) | Self::Unreachable(_) | Self::Ended => return Vec::new(),
        };
        vec![Hint::text(text)]
    }
}

/// Why a call gave no value.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The function does not exist on the node, or not with so many arguments.
    #[error("there is no function {function} on the node")]
    Undefined {
        /// Module, function and number of arguments.
        function: String,
    },
    /// The function raised an exception.
    #[error("the function {}: {reason}", did(*.class))]
    Raised {
        /// How.
        class: Class,
        /// The reason, or what was thrown.
        reason: Term,
        /// Stack trace, innermost first.
        stack: Vec<Term>,
    },
    /// It has returned, and its value is more than is taken.
    #[error("the function returned a value that is too large: {} MB came, and {} MiB or {} million terms are the most that is taken", bytes.div_ceil(1_000_000), MAX_LEN >> 20, MAX_TERMS >> 20)]
    TooLarge {
        /// Bytes of the answer.
        bytes: usize,
    },
    /// It has not returned in time. It runs on, until it prints something.
    #[error("the function did not return within {} s; it is still running on the node", after.as_secs_f32())]
    Timeout {
        /// The limit.
        after: Duration,
    },
    /// The link was lost in the middle: whether the function has run, or still runs, is not known.
    #[error("the link was lost during the call: whether it was carried out is not known")]
    Lost,
    /// The link had ended before; nothing was called.
    #[error("the link has ended; nothing was called")]
    Ended,
    /// It can't be called in this way.
    #[error("the release's own programs can't make the call")]
    Way(#[source] NodeError),
}

fn did(class: Class) -> &'static str {
    match class {
        Class::Error => "failed",
        Class::Exit => "exited",
        Class::Throw => "threw a value",
    }
}

impl CallError {
    /// Tells a function that does not exist from one that calls such a function.
    pub(super) fn of(self, call: &Mfa) -> Self {
        match self {
            Self::Raised { class, reason, stack } => {
                let raised = Raised { class, reason, stack };
                if raised.is_undefined(&call.module, &call.function) {
                    return Self::Undefined { function: call.to_string() };
                }
                Self::Raised { class, reason: raised.reason, stack: raised.stack }
            }
            other => other,
        }
    }
    /// Whether the function may have been carried out although nothing says so: never to be shown as done nor as failed.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Self::Timeout { .. } | Self::Lost)
    }
}
