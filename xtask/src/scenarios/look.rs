//! What a node looks like, and what differs between two looks.

use std::{collections::BTreeMap, error::Error};

use edeliver_erl::term::Term;

use super::workshop::words;

/// Facts about a node by their names; see `scenarios/probe.erl`.
pub(super) type Portrait = BTreeMap<String, String>;

/// A node at one moment.
#[derive(Debug, Clone)]
pub(super) struct Look {
    pub(super) portrait: Portrait,
    /// Processes of supervisors, by where they are.
    pub(super) pids: BTreeMap<String, String>,
}

/// One start of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) process: i64,
    pub(super) creation: i64,
    pub(super) started: bool,
}

impl Identity {
    /// From `{Pid, Creation, {Status, Progress}}`.
    pub(super) fn read(term: &Term) -> Option<Self> {
        let [process, creation, status] = term.as_tuple()? else { return None };
        let started = status.as_tuple().is_some_and(|both| both.iter().all(|word| word.is_atom("started")));
        Some(Self { process: process.as_i64()?, creation: creation.as_i64()?, started })
    }
    /// Whether nothing has started again in between.
    pub(super) fn is(&self, other: &Self) -> bool {
        (self.process, self.creation) == (other.process, other.creation)
    }
}

/// Pairs of texts.
///
/// # Errors
/// The workshop said something else.
pub(super) fn pairs(term: &Term) -> Result<BTreeMap<String, String>, Box<dyn Error>> {
    let pair = |pair: &Term| match pair.as_tuple() {
        Some([key, value]) => Ok((words(key), words(value))),
        _ => Err(format!("{pair} is no pair").into()),
    };
    term.as_list().ok_or("no list of pairs")?.iter().map(pair).collect()
}

/// What is in one and not the same in the other, but for names with one of these parts.
pub(super) fn differences(was: &BTreeMap<String, String>, is: &BTreeMap<String, String>, but: &[String]) -> Vec<String> {
    let counts = |name: &&String| !but.iter().any(|part| name.contains(part.as_str()));
    let gone = was.keys().filter(counts).filter(|name| !is.contains_key(*name)).map(|name| format!("{name} is gone"));
    let new = is.keys().filter(counts).filter(|name| !was.contains_key(*name)).map(|name| format!("{name} is new"));
    let other = was.iter().filter(|(name, _)| counts(name)).filter_map(|(name, was)| {
        let is = is.get(name).filter(|is| *is != was)?;
        Some(format!("{name} was {was}, is {is}"))
    });
    gone.chain(new).chain(other).collect()
}
