//! What is said to a host about its lease, and what it answers.

use std::time::Duration;

use edeliver_core::lease::{Answer, Holder, LASTS, Token};

use crate::{
    node::Place,
    transport::{Call, Reply, Script, TransportError},
};

/// Everything that is done about leases on a host.
pub(crate) const LEASE: Script =
    Script { name: "lease", text: concat!(include_str!("../apply/root.sh"), include_str!("lease.sh")) };

/// See the file.
pub(super) const FENCE: &str = include_str!("fence.sh");

/// The status of a script that its fence has stopped, and the word in front of who has the lease.
pub(super) const FENCED: i32 = 97;
pub(super) const FENCED_BY: &str = "edeliver-lease ";

/// A holder's words: at most a few seconds, unless earlier steps have to be ended.
pub(crate) const PATIENCE: Duration = Duration::from_secs(45);

/// How long a run waits at its end for hosts to hear that they are free.
pub(super) const PARTING: Duration = Duration::from_secs(5);

/// No run takes longer.
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Who wants the lease.
#[derive(Debug, Clone)]
pub(crate) struct Claimant {
    pub(crate) token: Token,
    /// `ann@laptop`.
    pub(crate) who: String,
    /// The run, or the message, in words.
    pub(crate) what: String,
}

impl Claimant {
    /// The arguments of the script.
    pub(crate) fn args(&self, place: &Place, verb: &str) -> Vec<String> {
        let line = |text: &str| crate::report::printable(text);
        let mut args = args(place, verb, &self.token);
        args.extend([line(&self.who), line(&self.what), LASTS.as_secs().to_string()]);
        args
    }
}

/// The arguments of the script for what needs no description.
pub(crate) fn args(place: &Place, verb: &str, token: &Token) -> Vec<String> {
    vec![place.root.to_string(), verb.to_owned(), token.to_string()]
}

/// A call without input.
pub(crate) fn call(args: Vec<String>) -> Call<'static> {
    Call::new(LEASE, args, PATIENCE)
}

/// Collects the lines of an answer, of which `held` is the last where somebody else has the lease.
#[derive(Debug, Default)]
pub(crate) struct Hearing(Vec<String>);

impl Hearing {
    /// One more line; the answer, if this completes it.
    pub(crate) fn line(&mut self, line: &str) -> Option<Answer> {
        match line {
            "taken" | "renewed" => Some(Answer::Ours),
            "free" | "dropped" => Some(Answer::Nobody),
            "held" => {
                let lines = std::mem::take(&mut self.0);
                Some(Holder::parse(&lines).map_or_else(|error| Answer::Silent(error.to_string()), Answer::Held))
            }
            line => {
                self.0.push(line.to_owned());
                None
            }
        }
    }
}

/// The answer of a call that has ended.
pub(crate) fn answer(ended: Result<Reply, TransportError>) -> Answer {
    let reply = match ended {
        Ok(reply) => reply,
        Err(error) => return Answer::Silent(crate::error::chain(&error).join(": ")),
    };
    let mut hearing = Hearing::default();
    let heard = reply.text().lines().filter_map(|line| hearing.line(line)).last();
    heard.unwrap_or_else(|| failed(&reply))
}

/// A script that could not do it has said why.
pub(super) fn failed(reply: &Reply) -> Answer {
    Answer::Silent(reply.tail.last().cloned().unwrap_or_else(|| format!("the lease script ended with status {}", reply.status)))
}
