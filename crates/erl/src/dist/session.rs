//! Calls to functions of a connected node, and what the called print.
//!
//! For every call we make up a process of ours; it is named as the group leader, so output is known by its receiver. Functions that
//! print before they return are answered while their call is under way. How the node is asked is [`Protocol`]'s.
//!
//! A node that has only begun to start may not answer at all; that, like a hung node, is for the time limit of the caller. A process
//! that a called function leaves behind loses its group leader when the connection ends, and fails when it prints then.

mod call;
mod output;

use super::control::Control;
use super::frame::{Frame, FrameError, Frames, TICK, encode};
use super::guarded::{self, BadRpc, Raised};
use super::handshake::Connected;
use super::io::{IoRequest, to_text};
use crate::term::{Atom, Pid, Reference, Term};
pub use call::Protocol;
use call::Request;
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
        /// What the function returned, or why there is no value.
        result: Result<Term, NoValue>,
    },
    /// The called function, or a process it started, prints.
    Printed {
        /// Which call.
        call: CallId,
        /// Text, not necessarily whole lines.
        text: String,
    },
}

/// A call is over, and there is no value of it.
#[derive(Debug, Clone, PartialEq)]
pub enum NoValue {
    /// The function did not return.
    Raised(Raised),
    /// It returned, or raised, more than is taken: see [`super::frame::MAX_LEN`] and [`super::frame::MAX_TERMS`].
    TooLarge {
        /// Bytes of the answer.
        len: usize,
    },
}

/// Calls over one connection.
#[derive(Debug)]
pub struct Session {
    local: Atom,
    creation: u32,
    protocol: Protocol,
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
        let protocol = Protocol::of(connected.peer_flags);
        Self::with(connected, protocol)
    }

    /// The same, with a protocol of one's own choice.
    #[must_use]
    pub fn with(connected: Connected, protocol: Protocol) -> Self {
        let mut frames = Frames::default();
        frames.push(&connected.rest);
        Self {
            local: connected.local.as_atom().clone(),
            creation: connected.creation,
            protocol,
            frames,
            output: Vec::new(),
            last: 0,
            waiting: BTreeMap::new(),
            forgotten: BTreeSet::new(),
        }
    }

    /// Calls a function; send [`Session::output`] and wait for [`Event::Returned`].
    pub fn call(&mut self, module: Atom, function: Atom, arguments: Vec<Term>) -> CallId {
        let id = self.next_id();
        let request = self.request(id, id);
        self.output.extend(request.by(self.protocol, (module, function, arguments)));
        self.waiting.insert(id, Waiting::Call);
        id
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
                Frame::Message(control, message) => events.extend(self.signal(control, message)),
                Frame::TooLarge { control, front, len } => events.extend(self.too_large(&control, front, len)),
            }
        }
        Ok(events)
    }

    /// Length of the message that has begun to come, before it is there: whoever has no room for it can leave it to the node. 0 between
    /// messages, and of one that will be dropped.
    #[must_use]
    pub fn coming(&self) -> usize {
        self.frames.coming()
    }

    fn next_id(&mut self) -> u32 {
        self.last = self.last.wrapping_add(1);
        self.last
    }

    fn request(&self, id: u32, leader: CallId) -> Request {
        Request { id: self.reference(id), from: self.pid(id), leader: self.pid(leader) }
    }

    fn pid(&self, id: u32) -> Pid {
        Pid { node: self.local.clone(), id, serial: 0, creation: self.creation }
    }

    /// Nodes check that the first word has no more than 18 bits.
    fn reference(&self, id: u32) -> Reference {
        Reference { node: self.local.clone(), creation: self.creation, ids: vec![id & 0x3_ffff, id, 0] }
    }

    fn signal(&mut self, control: Control, message: Option<Term>) -> Option<Event> {
        match (control, message) {
            (Control::Send { to }, Some(message)) => self.message(&to, message),
            (Control::Ended { id, reason }, message) => {
                let call = self.called(&id)?;
                let reason = reason.or(message).unwrap_or(Term::atom("undefined"));
                Some(Event::Returned { call, result: call::ended(&id, reason).map_err(NoValue::Raised) })
            }
            (Control::SpawnReply { id, result: result @ Term::Atom(_), .. }, _) => {
                let call = self.called(&id)?;
                Some(Event::Returned { call, result: Err(NoValue::Raised(call::not_made(result))) })
            }
            (Control::SpawnRequest { id, from, .. }, _) => {
                // There are no processes here; whoever asks for one shall not wait.
                let refused = Control::SpawnReply { id, to: from, result: Term::atom("notsup") };
                self.output.extend(encode(&refused, None));
                None
            }
            // Monitors and links on processes we made up: they live as long as the connection, so nothing to tell.
            _ => None,
        }
    }

    /// The call that this reference of ours stands for, which is over now.
    fn called(&mut self, id: &Reference) -> Option<CallId> {
        let call = *id.ids.get(1)?;
        let ours = id.node == self.local && matches!(self.waiting.get(&call), Some(Waiting::Call));
        ours.then(|| self.waiting.remove(&call)).flatten().map(|_| call)
    }

    fn message(&mut self, to: &Pid, message: Term) -> Option<Event> {
        if let Some(request) = IoRequest::from_message(&message) {
            return self.io_request(to.id, &request);
        }
        let Term::Tuple(parts) = message else { return None };
        let Ok([Term::Reference(reference), result]) = <[Term; 2]>::try_from(parts) else { return None };
        let id = *reference.ids.get(1)?;
        match self.waiting.remove(&id)? {
            Waiting::Call => {
                let result = guarded::outcome(unwrap(result)).map_err(NoValue::Raised);
                Some(Event::Returned { call: id, result })
            }
            Waiting::Format { call, to, reply } => {
                self.send(to, &reply);
                let text = to_text(&result).unwrap_or_else(|| result.to_string());
                Some(Event::Printed { call, text })
            }
        }
    }
}

fn unwrap(result: Term) -> Result<Term, BadRpc> {
    match result {
        Term::Tuple(mut parts) if parts.len() == 2 && parts[0].is_atom("badrpc") => Err(BadRpc(parts.remove(1))),
        result => Ok(result),
    }
}
