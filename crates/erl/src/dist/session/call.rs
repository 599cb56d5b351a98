//! One call: how it is asked for, and what its answer says.
//!
//! By `erpc` a process is made that runs `erpc:execute_call/4`, and its end carries the outcome: no server of the node's is needed, and one
//! that was killed is told from one that exited. By `rex`, the server behind `rpc:call/4`, a message asks and a message answers; what that
//! would not tell apart is told by [`guarded`].

use super::super::{
    control::Control,
    flags,
    frame::encode,
    guarded::{self, Class, Raised},
};
use crate::term::{Atom, Pid, Reference, Term};

/// How a node is asked for calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// By the signal that makes a process.
    Erpc,
    /// By its server for remote calls.
    Rex,
}

impl Protocol {
    /// The better one of those a node with these [`flags`] has.
    #[must_use]
    pub fn of(peer_flags: u64) -> Self {
        if peer_flags & flags::SPAWN == 0 { Self::Rex } else { Self::Erpc }
    }
}

/// Module, function, arguments.
pub(super) type Function = (Atom, Atom, Vec<Term>);

/// A request: who asks, what stands for its output, and what its answer will bear.
pub(super) struct Request {
    pub(super) id: Reference,
    pub(super) from: Pid,
    pub(super) leader: Pid,
}

impl Request {
    /// The frame that asks so.
    pub(super) fn by(self, protocol: Protocol, (module, function, arguments): Function) -> Vec<u8> {
        match protocol {
            Protocol::Erpc => self.erpc(module, function, arguments),
            Protocol::Rex => self.rex(guarded::call(&module, &function, arguments)),
        }
    }

    fn erpc(self, module: Atom, function: Atom, arguments: Vec<Term>) -> Vec<u8> {
        let of_all = [Term::Reference(self.id.clone()), module.into(), function.into(), Term::List(arguments)];
        let execute = (Atom::literal("erpc"), Atom::literal("execute_call"), 4);
        let control = Control::SpawnRequest { id: self.id, from: self.from, leader: self.leader, function: execute };
        encode(&control, Some(&Term::list(of_all)))
    }

    /// Without [`guarded`].
    pub(super) fn rex(self, (module, function, arguments): Function) -> Vec<u8> {
        let call = [Term::atom("call"), module.into(), function.into(), Term::List(arguments), Term::Pid(self.leader)];
        let sender = Term::tuple([Term::Pid(self.from.clone()), Term::Reference(self.id)]);
        let message = Term::tuple([Term::atom("$gen_call"), sender, Term::tuple(call)]);
        encode(&Control::RegSend { from: self.from, to: Atom::literal("rex") }, Some(&message))
    }
}

/// What the end of a process says that `erpc` made for request `id`: `{Id, return, Value}` and the like, or why it was ended.
pub(super) fn ended(id: &Reference, reason: Term) -> Result<Term, Raised> {
    let parts = match reason {
        Term::Tuple(parts) if matches!(parts.first(), Some(Term::Reference(its)) if its == id) => parts,
        signal => return Err(raised(Class::Exit, signal, None)),
    };
    let mut parts = parts.into_iter().skip(1);
    let kind = parts.next();
    let value = parts.next().unwrap_or(Term::atom("undefined"));
    match kind.as_ref().and_then(Term::as_atom).map(Atom::as_str) {
        Some("return") => Ok(value),
        Some("throw") => Err(raised(Class::Throw, value, None)),
        Some("error") => Err(raised(Class::Error, value, parts.next())),
        _ => Err(raised(Class::Exit, value, None)),
    }
}

/// The process could not even be made.
pub(super) fn not_made(why: Term) -> Raised {
    raised(Class::Error, Term::tuple([Term::atom("erpc"), why]), None)
}

fn raised(class: Class, reason: Term, stack: Option<Term>) -> Raised {
    let stack = stack.as_ref().and_then(Term::as_list).unwrap_or_default().to_vec();
    Raised { class, reason, stack }
}
