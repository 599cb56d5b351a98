//! The I/O protocol, server side (stdlib user's guide, "The Erlang I/O Protocol"): we are the group leader of the processes we
//! start, so what they print comes to us as requests, and they wait for our replies.

use crate::term::{Atom, Pid, Term};

/// `{io_request, From, ReplyAs, Request}`
pub(super) struct IoRequest {
    pub(super) from: Pid,
    pub(super) reply_as: Term,
    pub(super) request: Term,
}

/// What to do about a request.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Show the text, then reply.
    Print(String, Term),
    /// Let the node make characters of `Module:Function(Arguments)`, show those, then reply `ok`.
    Format(Atom, Atom, Vec<Term>),
    /// Only reply.
    Reply(Term),
}

impl IoRequest {
    pub(super) fn from_message(message: &Term) -> Option<Self> {
        match message.as_tuple()? {
            [tag, Term::Pid(from), reply_as, request] if tag.is_atom("io_request") => {
                Some(Self { from: from.clone(), reply_as: reply_as.clone(), request: request.clone() })
            }
            _ => None,
        }
    }

    /// The message that lets the process go on.
    pub(super) fn reply(&self, reply: Term) -> Term {
        self::reply(self.reply_as.clone(), reply)
    }

    pub(super) fn action(&self) -> Action {
        action(&self.request)
    }
}

pub(super) fn reply(reply_as: Term, reply: Term) -> Term {
    Term::tuple([Term::atom("io_reply"), reply_as, reply])
}

fn ok() -> Term {
    Term::atom("ok")
}

/// Nobody reads what is printed any more.
pub(super) fn closed() -> Term {
    error("terminated")
}

fn error(reason: &'static str) -> Term {
    Term::tuple([Term::atom("error"), Term::atom(reason)])
}

fn action(request: &Term) -> Action {
    if request.is_atom("getopts") {
        return Action::Reply(Term::list([Term::tuple([Term::atom("encoding"), Term::atom("unicode")])]));
    }
    let Some([Term::Atom(name), arguments @ ..]) = request.as_tuple() else { return Action::Reply(error("request")) };
    match (name.as_str(), arguments) {
        ("put_chars", [chars] | [_, chars]) => match to_text(chars) {
            Some(text) => Action::Print(text, ok()),
            None => Action::Reply(error("put_chars")),
        },
        ("put_chars", [Term::Atom(module), Term::Atom(function), Term::List(arguments)])
        | ("put_chars", [_, Term::Atom(module), Term::Atom(function), Term::List(arguments)]) => {
            Action::Format(module.clone(), function.clone(), arguments.clone())
        }
        ("requests", [Term::List(requests)]) => several(requests),
        ("setopts", _) => Action::Reply(ok()),
        // There is no terminal behind us to ask for its size or to type into.
        ("get_geometry", _) => Action::Reply(error("enotsup")),
        ("get_until" | "get_chars" | "get_line" | "get_password", _) => Action::Reply(Term::atom("eof")),
        _ => Action::Reply(error("request")),
    }
}

/// Text of all that print, the reply of the last. One that needs the node cannot be among several; no OTP library does that.
fn several(requests: &[Term]) -> Action {
    let mut text = String::new();
    let mut last = ok();
    for request in requests {
        match action(request) {
            Action::Print(part, reply) => {
                text.push_str(&part);
                last = reply;
            }
            Action::Reply(reply) => last = reply,
            Action::Format(..) => last = error("request"),
        }
    }
    Action::Print(text, last)
}

/// Text of `unicode:chardata()`: characters, binaries of UTF-8, lists of both.
pub(super) fn to_text(chars: &Term) -> Option<String> {
    let mut text = String::new();
    append(&mut text, chars).then_some(text)
}

fn append(text: &mut String, chars: &Term) -> bool {
    match chars {
        Term::Binary(bytes) => str::from_utf8(bytes).map(|part| text.push_str(part)).is_ok(),
        Term::Integer(code) => {
            let c = code.to_i64().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32);
            c.map(|c| text.push(c)).is_some()
        }
        Term::List(parts) => parts.iter().all(|part| append(text, part)),
        Term::Improper(parts, tail) => parts.iter().all(|part| append(text, part)) && append(text, tail),
        _ => false,
    }
}
