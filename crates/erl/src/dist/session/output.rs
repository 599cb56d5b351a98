//! What the called print, and what is too large to be taken.

use super::super::{
    control::Control,
    frame::encode,
    io::{self, Action, IoRequest},
};
use super::{CallId, Event, NoValue, Session, Waiting, call::Function};
use crate::term::{Pid, Term};

impl Session {
    /// A message that was dropped: a value, or something to print.
    pub(super) fn too_large(&mut self, control: &Control, front: Vec<Term>, len: usize) -> Option<Event> {
        let left_out = || format!("[{len} bytes at once, which are not shown]\n");
        match control {
            Control::Ended { id, .. } => {
                self.called(id).map(|call| Event::Returned { call, result: Err(NoValue::TooLarge { len }) })
            }
            Control::Send { to } => match &front[..] {
                [tag, Term::Pid(from), reply_as, ..] if tag.is_atom("io_request") => {
                    self.send(from.clone(), &io::reply(reply_as.clone(), Term::atom("ok")));
                    Some(Event::Printed { call: to.id, text: left_out() })
                }
                [Term::Reference(id), ..] => match self.waiting.remove(id.ids.get(1)?)? {
                    Waiting::Call => Some(Event::Returned { call: to.id, result: Err(NoValue::TooLarge { len }) }),
                    Waiting::Format { call, to, reply } => {
                        self.send(to, &reply);
                        Some(Event::Printed { call, text: left_out() })
                    }
                },
                _ => None,
            },
            _ => None,
        }
    }

    pub(super) fn io_request(&mut self, call: CallId, request: &IoRequest) -> Option<Event> {
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
                self.format(call, (module, function, arguments), request.from.clone(), reply);
                None
            }
        }
    }

    /// Has the node make characters. Always by `rex`: there is no output of it, and what it returns is printed whatever it is.
    fn format(&mut self, call: CallId, function: Function, to: Pid, reply: Term) {
        let id = self.next_id();
        let request = self.request(id, call);
        self.output.extend(request.rex(function));
        self.waiting.insert(id, Waiting::Format { call, to, reply });
    }

    pub(super) fn send(&mut self, to: Pid, message: &Term) {
        self.output.extend(encode(&Control::Send { to }, Some(message)));
    }
}
