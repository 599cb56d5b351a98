//! The way round: a release's own `erl_call`, or a VM of its own runtime system where the distribution is encrypted.
//!
//! Each call is a script of its own on the host. Exit statuses of these programs say nothing about the function, so nothing but a
//! complete result counts; without one the outcome is unknown.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use edeliver_core::event::StdStream;
use edeliver_erl::{
    Term,
    dist::{
        NodeName,
        frame::{MAX_LEN, MAX_TERMS},
        guarded,
    },
    term::etf::{self, DecodeError, DecodeErrorKind},
};

use super::{
    CallError, Link, LinkError, Mfa, Printed, Way, names,
    room::{FREE, Room, Taken},
};
use crate::{
    node::{self, Found, NodeError, Place, base64},
    transport::{Call, Input, Listener, Output, Script, Transport, TransportError},
};

const CALL: Script = node::asking!("call function", "node/link/scripts.sh");

/// What the script may take beyond the call: finding the node, starting a VM.
const GRACE: Duration = Duration::from_secs(15);

/// A node that is spoken with by its release's own programs.
pub(super) struct Scripts {
    host: Arc<dyn Transport>,
    place: Place,
    node: NodeName,
    /// For the last value, as over distribution.
    taken: Option<Taken>,
}

/// What a script call came to, short of a result.
enum Failed {
    /// Nothing was called: the node is not there for it.
    Node(LinkError),
    Call(CallError),
}

/// Asks the node for its name in this way.
pub(super) async fn connect(
    host: &Arc<dyn Transport>,
    place: &Place,
    found: &Found,
    patience: Duration,
) -> Result<Scripts, LinkError> {
    let place = Place { node: found.name.clone().or_else(|| place.node.clone()), ..place.clone() };
    let ask = Mfa::literal("erlang", "node", []);
    let name = match run(&**host, &place, &ask, patience, &mut |_| {}).await {
        Ok((name, _)) => name,
        Err(Failed::Node(error)) => return Err(error),
        Err(Failed::Call(CallError::Timeout { after })) => return Err(LinkError::Hung { after }),
        Err(Failed::Call(_)) => return Err(LinkError::Ended),
    };
    let name = name.as_atom().and_then(|name| NodeName::new(name.as_str()).ok()).ok_or(LinkError::Ended)?;
    Ok(Scripts { host: host.clone(), place, node: name, taken: None })
}

#[async_trait]
impl Link for Scripts {
    fn node(&self) -> &NodeName {
        &self.node
    }
    fn way(&self) -> Way {
        Way::Scripts
    }
    fn creation(&self) -> Option<u32> {
        None
    }
    async fn call(&mut self, call: &Mfa, patience: Duration, printed: Printed<'_>) -> Result<Term, CallError> {
        self.taken = None;
        match run(&*self.host, &self.place, call, patience, printed).await {
            Ok((value, taken)) => {
                self.taken = taken;
                Ok(value)
            }
            Err(Failed::Node(_)) => Err(CallError::Ended),
            Err(Failed::Call(error)) => Err(error.of(call)),
        }
    }
    async fn close(self: Box<Self>) {}
}

/// The value, and the room that is taken for it.
type Kept = (Term, Option<Taken>);

async fn run(host: &dyn Transport, place: &Place, mfa: &Mfa, patience: Duration, printed: Printed<'_>) -> Result<Kept, Failed> {
    let tag = format!("edeliver-{:08x}{:08x}", names::random(), names::random());
    let mut args = place.args();
    args.extend([patience.as_secs().max(1).to_string(), tag.clone()]);
    let mut lines = Lines { tag, held: None, result: Vec::new(), len: 0, taken: None, printed };
    let input = Input::Bytes(base64::encode(&etf::encode(&mfa.to_term())).into_bytes());
    let call = Call { input, output: Output::Heard(&mut lines), ..Call::new(CALL, args, patience + GRACE) };
    let replied = tokio::time::timeout(patience + GRACE / 2, host.run(call)).await;
    let lost = |error| Failed::Call(why(error, patience));
    let status = replied.map_err(|_| Failed::Call(CallError::Timeout { after: patience }))?.map_err(lost)?.status;
    match status {
        0 => {
            let taken = lines.taken.take();
            lines.outcome().map(|value| (value, taken)).map_err(Failed::Call)
        }
        46 => Err(Failed::Call(CallError::Timeout { after: patience })),
        status => Err(Failed::Node(state(status, patience))),
    }
}

fn state(status: i32, after: Duration) -> LinkError {
    match status {
        40 => LinkError::Down,
        41 => LinkError::Starting,
        42 => LinkError::Hung { after },
        43 => LinkError::WrongCookie,
        44 => LinkError::NoDistribution,
        45 => LinkError::Tls,
        47 => LinkError::Unregistered,
        _ => LinkError::Ended,
    }
}

fn why(error: TransportError, after: Duration) -> CallError {
    match error {
        TransportError::LinkLost { .. } => CallError::Lost,
        TransportError::Timeout { .. } => CallError::Timeout { after },
        error => CallError::Way(NodeError::Transport(error)),
    }
}

/// The output of the script: what the function prints, then the result.
struct Lines<'a> {
    tag: String,
    /// The last line, without its end: the one before the result is ours.
    held: Option<String>,
    result: Vec<u8>,
    /// Bytes that the result had, kept or not.
    len: usize,
    taken: Option<Taken>,
    printed: Printed<'a>,
}

#[async_trait]
impl Listener for Lines<'_> {
    async fn line(&mut self, _: StdStream, line: &str) {
        self.take(line);
        // Nobody says how long it will be.
        if self.taken.is_none() && self.len > FREE {
            self.taken = Room::shared().take(MAX_LEN).await;
        }
    }
}

impl Lines<'_> {
    fn take(&mut self, line: &str) {
        match line.strip_prefix(&self.tag).and_then(|rest| rest.strip_prefix(' ')) {
            Some(piece) => {
                if let Some(last) = self.held.take().filter(|last| !last.is_empty()) {
                    (self.printed)(&last);
                }
                self.len += piece.len();
                // What is too large is counted and not kept.
                if self.len / 4 * 3 <= MAX_LEN {
                    self.result.extend(piece.as_bytes());
                }
            }
            None => {
                if let Some(before) = self.held.replace(line.to_owned()) {
                    (self.printed)(&format!("{before}\n"));
                }
            }
        }
    }
    /// Without a whole result nobody knows what happened.
    fn outcome(self) -> Result<Term, CallError> {
        let bytes = self.len / 4 * 3;
        if bytes > MAX_LEN {
            return Err(CallError::TooLarge { bytes });
        }
        let result = base64::decode(&self.result).ok_or(CallError::Lost)?;
        match etf::decode_within(&result, MAX_TERMS) {
            Ok(outcome) => Ok(guarded::of_outcome(outcome)?),
            Err(DecodeError { kind: DecodeErrorKind::TooMany, .. }) => Err(CallError::TooLarge { bytes }),
            Err(_) => Err(CallError::Lost),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is printed, and the outcome, of these lines of the script.
    fn read(lines: &[&str]) -> (String, Result<Term, CallError>) {
        let mut text = String::new();
        let mut printed = |piece: &str| text.push_str(piece);
        let mut output =
            Lines { tag: "tag".to_owned(), held: None, result: Vec::new(), len: 0, taken: None, printed: &mut printed };
        lines.iter().for_each(|line| output.take(line));
        let outcome = output.outcome();
        (text, outcome)
    }

    #[test]
    fn a_result_counts_only_when_it_is_whole() {
        let result = base64::encode(&etf::encode(&Term::tuple([Term::atom("ok"), Term::from(7)])));
        let (first, second) = result.split_at(8);
        let (printed, outcome) = read(&["one", "", "two", &format!("tag {first}"), &format!("tag {second}")]);
        assert_eq!((printed.as_str(), outcome.unwrap()), ("one\n\ntwo", Term::from(7)));
        for torn in [&["one"][..], &[&format!("tag {first}")], &[]] {
            assert!(matches!(read(torn).1, Err(CallError::Lost)), "{torn:?}");
        }
    }
}
