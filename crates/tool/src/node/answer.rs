//! What the scripts answer about a node, as facts.

use std::{collections::BTreeMap, io::Read};

use edeliver_core::{
    facts::{Alone, Incarnation, Load, NodeFacts, NodeState},
    name::{NodeName, Version},
    unit::UnitFacts,
};
use edeliver_erl::{Term, term::text};
use flate2::bufread::ZlibDecoder;

use super::base64;

/// The version of the answers' form; first line of each.
const FIRST_LINE: &str = "edeliver-node 1";

/// The answer to [`super::state`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The node.
    pub node: NodeFacts,
    /// What boots next.
    pub permanent: Option<Version>,
    /// A restart that waits to be confirmed, and what the host did by itself.
    pub alone: Alone,
    /// Which start of the node this is, where it could be asked.
    pub incarnation: Option<Incarnation>,
    /// The code that it has loaded, if that was asked for.
    pub code: Option<Modules>,
    /// What systemd says of the unit that is to run it, if that was asked for.
    pub unit: Option<UnitFacts>,
}

/// The first half of the MD5 of modules, by their names.
pub type Modules = BTreeMap<String, u64>;

/// What a node's list of modules may take, unpacked: a release with thousands of them has a tenth of it.
const LONGEST_LIST: u64 = 4 << 20;

/// Why an answer can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    /// It starts or ends otherwise than every answer does.
    #[error("it is not whole: it ends with {last:?}")]
    Torn {
        /// Its last line.
        last: String,
    },
    /// A line that no script of this edeliver writes.
    #[error("it has an unexpected line {0:?}")]
    Line(String),
}

impl Answer {
    /// Reads it.
    ///
    /// # Errors
    /// [`AnswerError`].
    pub fn parse(answer: &str) -> Result<Self, AnswerError> {
        let mut node = NodeLines::default();
        let (mut permanent, mut alone) = (None, Alone::default());
        for line in body(answer, FIRST_LINE)? {
            match line.split_once(' ') {
                Some(("permanent", version)) => permanent = version.parse().ok(),
                Some((word, value)) if alone.take(word, value) => {}
                _ if node.take(line) => {}
                _ => return Err(AnswerError::Line(line.chars().take(80).collect())),
            }
        }
        let said = node.said();
        let incarnation = said.as_ref().and_then(|said| node.incarnation(said));
        let code = said.and_then(|said| said.code);
        Ok(Self { node: node.facts(permanent.as_ref()), permanent, alone, incarnation, code, unit: None })
    }
}

/// The lines between the first and `end`; empty ones carry nothing.
pub(crate) fn body<'a>(answer: &'a str, first: &str) -> Result<impl Iterator<Item = &'a str>, AnswerError> {
    let torn = || AnswerError::Torn { last: answer.lines().last().unwrap_or_default().chars().take(80).collect() };
    let inner = answer.strip_prefix(first).and_then(|rest| rest.strip_prefix('\n')).ok_or_else(torn)?;
    let inner = inner.strip_suffix("end\n").ok_or_else(torn)?;
    Ok(inner.lines().filter(|line| !line.is_empty()))
}

/// What `tell_node` of `process.sh` prints.
#[derive(Debug, Default)]
pub(crate) struct NodeLines {
    pid: Option<u32>,
    booted: Option<Version>,
    name: Option<String>,
    says: Option<String>,
    began: Option<u64>,
    is: String,
    others: Vec<u32>,
}

impl NodeLines {
    /// Takes a line; `false` if it is not about the node.
    pub(crate) fn take(&mut self, line: &str) -> bool {
        let (word, value) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "node-pid" => self.pid = value.parse().ok(),
            "node-boot" => self.booted = value.parse().ok(),
            "node-name" => self.name = Some(value.to_owned()),
            "node-says" => self.says = Some(value.to_owned()),
            "node-began" => self.began = value.parse().ok(),
            "node-is" => value.clone_into(&mut self.is),
            "node-also" => self.others.extend(value.parse::<u32>()),
            _ => return false,
        }
        true
    }
    /// The code that is loaded, if that was asked for.
    pub(crate) fn code(&self) -> Option<Modules> {
        self.said()?.code
    }
    fn said(&self) -> Option<Said> {
        Said::parse(self.says.as_deref()?, self.pid)
    }
    fn incarnation(&self, said: &Said) -> Option<Incarnation> {
        Some(Incarnation { pid: self.pid?, began: self.began?, creation: said.creation? })
    }
    /// The facts. `permanent`: what boots next, which tells an upgrade that was made permanent from an old list of releases.
    pub(crate) fn facts(self, permanent: Option<&Version>) -> NodeFacts {
        let said = self.said();
        let up = said.as_ref().filter(|said| said.state == NodeState::Running);
        let version = up.and_then(|said| upgraded_in(&said.releases, self.booted.as_ref(), permanent));
        let upgraded_from = up.and_then(|said| goes_back_to(&said.releases));
        let load = up.and_then(|said| said.load.clone());
        let state = match (self.is.as_str(), &said) {
            ("answered", Some(said)) => said.state,
            ("starting" | "answered", _) => NodeState::Starting,
            ("hung", _) => NodeState::Hung,
            ("wrong-cookie", _) => NodeState::WrongCookie,
            ("no-distribution", _) => NodeState::NoDistribution,
            ("unasked", _) => NodeState::Unasked,
            ("unregistered", _) => NodeState::Unregistered,
            _ => NodeState::Down,
        };
        NodeFacts {
            state,
            name: said.map(|said| said.name).or_else(|| self.name.as_ref().and_then(|name| name.parse().ok())),
            pid: self.pid,
            version: version.or_else(|| self.booted.clone()),
            booted: self.booted,
            upgraded_from,
            others: self.others,
            ongoing: None,
            load,
        }
    }
}

/// The modules' names with a NUL between them, two NULs, and the first halves of their MD5s, by zlib and in base64; `None` where that was
/// not asked for.
fn modules(list: &Term) -> Option<Modules> {
    let packed = base64::decode(list.to_text()?.as_bytes())?;
    let mut list = Vec::new();
    ZlibDecoder::new(&packed[..]).take(LONGEST_LIST).read_to_end(&mut list).ok()?;
    let end = list.windows(2).position(|pair| pair == [0, 0])?;
    let names: Vec<_> = list[..end].split(|&byte| byte == 0).map(String::from_utf8_lossy).collect();
    let (halves, rest) = list[end + 2..].as_chunks();
    let modules = names.iter().zip(halves).map(|(name, half)| (name.clone().into_owned(), u64::from_be_bytes(*half)));
    (rest.is_empty() && names.len() == halves.len()).then(|| modules.collect())
}

/// `{Memory, RunQueue, Peers}`
fn load(term: &Term) -> Option<Load> {
    let [memory, run_queue, peers] = term.as_tuple()? else { return None };
    let number = |term: &Term| u64::try_from(term.as_i64()?).ok();
    let peers = peers.as_list()?.iter().filter_map(|peer| peer.as_atom()?.as_str().parse().ok()).collect();
    Some(Load { memory: number(memory)?, run_queue: number(run_queue)?, peers })
}

/// The node's own words: `{ok, {"PID", Name, {Internal, Provided}, Creation, [{"0.2.0", current}, …, {"0.2.0", loaded}], Code, Load}}`.
struct Said {
    name: NodeName,
    state: NodeState,
    creation: Option<u32>,
    /// release_handler's list.
    releases: Vec<Term>,
    code: Option<Modules>,
    load: Option<Load>,
}

impl Said {
    /// `None` if it is not the answer of process `pid`.
    fn parse(says: &str, pid: Option<u32>) -> Option<Self> {
        let term = text::parse(says).ok()?;
        let [_, said] = term.as_tuple()? else { return None };
        let [its_pid, name, status, creation, releases, code, has] = said.as_tuple()? else { return None };
        if its_pid.to_text()?.parse() != Ok(pid?) {
            return None;
        }
        let [internal, _provided] = status.as_tuple()? else { return None };
        let state = match internal.as_atom()?.as_str() {
            "starting" => NodeState::Starting,
            "stopping" => NodeState::Stopping,
            _ => NodeState::Running,
        };
        let creation = creation.as_i64().and_then(|creation| creation.try_into().ok());
        let name = name.as_atom()?.as_str().parse().ok()?;
        let releases = releases.as_list().map(<[Term]>::to_vec).unwrap_or_default();
        Some(Self { name, state, creation, releases, code: modules(code), load: load(has) })
    }
}

/// The version a node runs after an upgrade in place, from release_handler's list `[{"0.2.0", current}, …, {"0.2.0", loaded}]`. A list that was
/// out of date when the node booted says nothing. So a release that was made permanent counts only if it is what boots next too, or if it alone
/// has all applications that are loaded: then it runs, and another one was made what boots since.
pub(crate) fn upgraded_in(releases: &[Term], booted: Option<&Version>, permanent: Option<&Version>) -> Option<Version> {
    // Earlier upgrades have left old releases of their own.
    let was_booted = || with(releases, "old").any(|old| Some(&old) == booted);
    let current = with(releases, "current").next();
    let runs = |vsn: &Version| Some(vsn) == permanent || with(releases, "loaded").eq([vsn.clone()]);
    current.or_else(|| with(releases, "permanent").find(|vsn| runs(vsn) && Some(vsn) != booted && was_booted()))
}

/// What release_handler would go back to, where it has installed another release and nobody made that permanent. Without release_handler
/// the list has what boots in the node, and nothing else.
fn goes_back_to(releases: &[Term]) -> Option<Version> {
    with(releases, "current").next()?;
    with(releases, "permanent").next()
}

fn with(releases: &[Term], status: &'static str) -> impl Iterator<Item = Version> {
    releases.iter().filter_map(move |release| version_with(release, status))
}

fn version_with(release: &Term, status: &str) -> Option<Version> {
    match release.as_tuple()? {
        [version, its] if its.is_atom(status) => version.to_text()?.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
