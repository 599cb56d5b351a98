//! Calls to functions of a connected node, and what the called print.
//!
//! A call is a message to `rex`, the server behind `rpc:call/4`, which runs the function in a process of its own and sends one
//! message back. For every call we make up a process of ours; it is named as the group leader, so output is known by its
//! receiver. Functions that print before they return are answered while their call is under way.
//!
//! A node that has only begun to start has no `rex` yet and then nothing answers; that, like a hung node, is for the time limit
//! of the caller. A process that a called function leaves behind loses its group leader when the connection ends, and fails when
//! it prints then.

use super::control::Control;
use super::frame::{Frame, FrameError, Frames, TICK, encode};
use super::handshake::Connected;
use super::io::{self, Action, IoRequest, to_text};
use crate::term::{Atom, Pid, Reference, Term};
use std::collections::{BTreeMap, BTreeSet};

/// Number of a call, unique in its session.
pub type CallId = u32;

/// What came of received bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The call is done.
    Returned {
        /// Which call.
        call: CallId,
        /// What the function returned, or why it did not.
        result: Result<Term, BadRpc>,
    },
    /// The called function, or a process it started, prints.
    Printed {
        /// Which call.
        call: CallId,
        /// Text, not necessarily whole lines.
        text: String,
    },
}

/// The reason in `{badrpc, Reason}`: `{'EXIT', …}` if the function raised or exited.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the call failed: {0}")]
pub struct BadRpc(pub Term);

/// Calls over one connection.
#[derive(Debug)]
pub struct Session {
    local: Atom,
    creation: u32,
    frames: Frames,
    output: Vec<u8>,
    last: u32,
    waiting: BTreeMap<u32, Waiting>,
    forgotten: BTreeSet<CallId>,
}

/// What an answer is for.
#[derive(Debug)]
enum Waiting {
    Call,
    /// Characters to print for `call`; then the process that asked gets its reply.
    Format {
        call: CallId,
        to: Pid,
        reply: Term,
    },
}

impl Session {
    /// The session that follows a handshake.
    #[must_use]
    pub fn new(connected: Connected) -> Self {
        let mut frames = Frames::default();
        frames.push(&connected.rest);
        Self {
            local: connected.local.as_atom().clone(),
            creation: connected.creation,
            frames,
            output: Vec::new(),
            last: 0,
            waiting: BTreeMap::new(),
            forgotten: BTreeSet::new(),
        }
    }

    /// Calls a function; send [`Session::output`] and wait for [`Event::Returned`].
    pub fn call(&mut self, module: Atom, function: Atom, arguments: Vec<Term>) -> CallId {
        let leader = self.last.wrapping_add(1);
        self.request(module, function, arguments, leader, Waiting::Call)
    }

    /// Forgets a call nobody waits for any more. The function runs on until it prints: that fails from now on, as on a terminal that
    /// was closed.
    pub fn forget(&mut self, call: CallId) {
        if self.waiting.remove(&call).is_some() {
            self.forgotten.insert(call);
        }
    }

    /// Bytes to send; they are handed out once.
    #[must_use]
    pub fn output(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.output)
    }

    /// Takes bytes the peer sent, in whatever pieces they come. Afterwards there may be [`Session::output`].
    ///
    /// # Errors
    /// Nothing more can be read from this connection; calls under way have an unknown outcome.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Event>, FrameError> {
        self.frames.push(bytes);
        let mut events = Vec::new();
        while let Some(frame) = self.frames.next_frame()? {
            match frame {
                Frame::Tick => self.output.extend(TICK),
                Frame::Message(Control::Send { to }, Some(message)) => events.extend(self.message(&to, message)),
                // Monitors and links on processes we made up: they live as long as the connection, so nothing to tell.
                Frame::Message(..) => {}
            }
        }
        Ok(events)
    }

    fn request(&mut self, module: Atom, function: Atom, arguments: Vec<Term>, leader: u32, waiting: Waiting) -> u32 {
        self.last = self.last.wrapping_add(1);
        let (id, from) = (self.last, self.pid(self.last));
        let call = [Term::atom("call"), module.into(), function.into(), Term::List(arguments), Term::Pid(self.pid(leader))];
        let sender = Term::tuple([Term::Pid(from.clone()), Term::Reference(self.reference(id))]);
        let message = Term::tuple([Term::atom("$gen_call"), sender, Term::tuple(call)]);
        self.output.extend(encode(&Control::RegSend { from, to: Atom::literal("rex") }, Some(&message)));
        self.waiting.insert(id, waiting);
        id
    }

    fn pid(&self, id: u32) -> Pid {
        Pid { node: self.local.clone(), id, serial: 0, creation: self.creation }
    }

    /// Nodes check that the first word has no more than 18 bits.
    fn reference(&self, id: u32) -> Reference {
        Reference { node: self.local.clone(), creation: self.creation, ids: vec![id & 0x3_ffff, id, 0] }
    }

    fn message(&mut self, to: &Pid, message: Term) -> Option<Event> {
        if let Some(request) = IoRequest::from_message(&message) {
            return self.io_request(to.id, &request);
        }
        let Term::Tuple(parts) = message else { return None };
        let Ok([Term::Reference(reference), result]) = <[Term; 2]>::try_from(parts) else { return None };
        let id = *reference.ids.get(1)?;
        match self.waiting.remove(&id)? {
            Waiting::Call => Some(Event::Returned { call: id, result: unwrap(result) }),
            Waiting::Format { call, to, reply } => {
                self.send(to, &reply);
                let text = to_text(&result).unwrap_or_else(|| result.to_string());
                Some(Event::Printed { call, text })
            }
        }
    }

    fn io_request(&mut self, call: CallId, request: &IoRequest) -> Option<Event> {
        match request.action() {
            _ if self.forgotten.contains(&call) => {
                self.send(request.from.clone(), &request.reply(io::closed()));
                None
            }
            Action::Reply(reply) => {
                self.send(request.from.clone(), &request.reply(reply));
                None
            }
            Action::Print(text, reply) => {
                self.send(request.from.clone(), &request.reply(reply));
                Some(Event::Printed { call, text })
            }
            Action::Format(module, function, arguments) => {
                let reply = request.reply(Term::atom("ok"));
                let waiting = Waiting::Format { call, to: request.from.clone(), reply };
                self.request(module, function, arguments, call, waiting);
                None
            }
        }
    }

    fn send(&mut self, to: Pid, message: &Term) {
        self.output.extend(encode(&Control::Send { to }, Some(message)));
    }
}

fn unwrap(result: Term) -> Result<Term, BadRpc> {
    match result {
        Term::Tuple(mut parts) if parts.len() == 2 && parts[0].is_atom("badrpc") => Err(BadRpc(parts.remove(1))),
        result => Ok(result),
    }
}
