//! Control messages: what a signal between nodes is about. Only those that a caller of functions sends or gets have names here.

use crate::term::{Atom, Pid, Term};

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
    /// Anything else, as it came: links, monitors, exits.
    Other(Term),
}

const SEND: i64 = 2;
const REG_SEND: i64 = 6;
const SEND_TT: i64 = 12;
const SEND_SENDER: i64 = 22;
const SEND_SENDER_TT: i64 = 23;

impl Control {
    pub(super) fn from_term(term: Term) -> Self {
        let parts = term.as_tuple().unwrap_or_default();
        match (parts.first().and_then(Term::as_i64), parts) {
            (Some(SEND | SEND_SENDER | SEND_TT | SEND_SENDER_TT), [_, _, Term::Pid(to), ..]) => Self::Send { to: to.clone() },
            (Some(REG_SEND), [_, Term::Pid(from), _, Term::Atom(to)]) => Self::RegSend { from: from.clone(), to: to.clone() },
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
            Self::Other(term) => term.clone(),
        }
    }
}
