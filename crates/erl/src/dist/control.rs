//! Control messages: what a signal between nodes is about. Only those that a caller of functions sends or gets have names here.

use crate::term::{Atom, Pid, Reference, Term};

/// A control message.
#[derive(Debug, Clone, PartialEq)]
pub enum Control {
    /// A message to a process (`SEND`, `SEND_SENDER`, and both with a trace token).
    Send {
        /// The process.
        to: Pid,
    },
    /// A message to a registered name (`REG_SEND`).
    RegSend {
        /// The sender.
        from: Pid,
        /// The name.
        to: Atom,
    },
    /// A process is to be made (`SPAWN_REQUEST`); its arguments are the message. It is watched: its end is told by [`Control::Ended`].
    SpawnRequest {
        /// Names the request, and the watch on the process.
        id: Reference,
        /// Who asks.
        from: Pid,
        /// The group leader of the process.
        leader: Pid,
        /// Module, function and number of arguments.
        function: (Atom, Atom, i64),
    },
    /// What came of a [`Control::SpawnRequest`] (`SPAWN_REPLY`): the process, or an atom that says why there is none.
    SpawnReply {
        /// The request.
        id: Reference,
        /// Who asked.
        to: Pid,
        /// What came of it.
        result: Term,
    },
    /// A watched process has ended (`MONITOR_P_EXIT`); the reason is here, or the message (`PAYLOAD_MONITOR_P_EXIT`).
    Ended {
        /// The watch.
        id: Reference,
        /// Why, where it is not the message.
        reason: Option<Term>,
    },
    /// Anything else, as it came: links, monitors, exits.
    Other(Term),
}

const SEND: i64 = 2;
const REG_SEND: i64 = 6;
const SEND_TT: i64 = 12;
const MONITOR_P_EXIT: i64 = 21;
const SEND_SENDER: i64 = 22;
const SEND_SENDER_TT: i64 = 23;
const PAYLOAD_MONITOR_P_EXIT: i64 = 28;
const SPAWN_REQUEST: i64 = 29;
const SPAWN_REPLY: i64 = 31;

impl Control {
    pub(super) fn from_term(term: Term) -> Self {
        let parts = term.as_tuple().unwrap_or_default();
        match (parts.first().and_then(Term::as_i64), parts) {
            (Some(SEND | SEND_SENDER | SEND_TT | SEND_SENDER_TT), [_, _, Term::Pid(to), ..]) => Self::Send { to: to.clone() },
            (Some(REG_SEND), [_, Term::Pid(from), _, Term::Atom(to)]) => Self::RegSend { from: from.clone(), to: to.clone() },
            (Some(MONITOR_P_EXIT), [_, _, _, Term::Reference(id), reason]) => {
                Self::Ended { id: id.clone(), reason: Some(reason.clone()) }
            }
            (Some(PAYLOAD_MONITOR_P_EXIT), [_, _, _, Term::Reference(id)]) => Self::Ended { id: id.clone(), reason: None },
            (Some(SPAWN_REPLY), [_, Term::Reference(id), Term::Pid(to), _, result]) => {
                Self::SpawnReply { id: id.clone(), to: to.clone(), result: result.clone() }
            }
            (Some(SPAWN_REQUEST), [_, Term::Reference(id), Term::Pid(from), Term::Pid(leader), Term::Tuple(function), _]) => {
                match &function[..] {
                    [Term::Atom(module), Term::Atom(name), arity] => Self::SpawnRequest {
                        id: id.clone(),
                        from: from.clone(),
                        leader: leader.clone(),
                        function: (module.clone(), name.clone(), arity.as_i64().unwrap_or_default()),
                    },
                    _ => Self::Other(term),
                }
            }
            _ => Self::Other(term),
        }
    }

    pub(super) fn to_term(&self) -> Term {
        // The second element was the cookie once.
        let unused = || Term::atom("");
        match self {
            Self::Send { to } => Term::tuple([Term::from(SEND), unused(), Term::Pid(to.clone())]),
            Self::RegSend { from, to } => {
                Term::tuple([Term::from(REG_SEND), Term::Pid(from.clone()), unused(), Term::Atom(to.clone())])
            }
            Self::SpawnRequest { id, from, leader, function: (module, name, arity) } => Term::tuple([
                Term::from(SPAWN_REQUEST),
                Term::Reference(id.clone()),
                Term::Pid(from.clone()),
                Term::Pid(leader.clone()),
                Term::tuple([module.clone().into(), name.clone().into(), Term::from(*arity)]),
                spawn_options(),
            ]),
            Self::SpawnReply { id, to, result } => Term::tuple([
                Term::from(SPAWN_REPLY),
                Term::Reference(id.clone()),
                Term::Pid(to.clone()),
                Term::from(0),
                result.clone(),
            ]),
            Self::Ended { id, reason } => {
                let whom = || Term::atom("");
                let kind = if reason.is_some() { MONITOR_P_EXIT } else { PAYLOAD_MONITOR_P_EXIT };
                let parts = [Term::from(kind), whom(), whom(), Term::Reference(id.clone())];
                Term::tuple(parts.into_iter().chain(reason.clone()))
            }
            Self::Other(term) => term.clone(),
        }
    }
}

/// Watched from its first moment on.
fn spawn_options() -> Term {
    Term::list([Term::atom("monitor")])
}
