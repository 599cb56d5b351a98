//! Who serves a release root, and what it takes to speak with it: one script, one round trip.
//!
//! The cookie comes along, over the encrypted link. It is in no event, error or `Debug` text; that is why a line of this answer is
//! never quoted.

use std::{collections::BTreeSet, time::Duration};

use edeliver_core::{
    facts::Alone,
    name::{NodeName, Version},
};
use edeliver_erl::dist::Cookie;

use super::{Incarnation, NodeError, Place, answer};
use crate::transport::{Call, Script, Transport};

const FIND: Script = Script {
    name: "find node",
    text: concat!(include_str!("process.sh"), include_str!("permanent.sh"), include_str!("files.sh"), include_str!("find.sh")),
};

const FIRST_LINE: &str = "edeliver-find 1";

/// Looking through the processes takes milliseconds, on a host that swaps longer.
const PATIENCE: Duration = Duration::from_secs(45);

/// The node that serves a release root.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Its process; none where processes can't be seen, and then epmd and the release's files told the rest.
    pub pid: Option<u32>,
    /// When the process began, in clock ticks since the host's boot. With the pid it names a process for good.
    pub started: Option<u64>,
    /// Number of the login it runs as.
    pub uid: Option<u32>,
    /// That login's name.
    pub user: Option<String>,
    /// Whether SIGSTOP or a debugger holds it.
    pub stopped: bool,
    /// As on its command line, so often without the host part; none: it runs without distribution.
    pub name: Option<NodeName>,
    /// Whether its host part has to be a full domain name.
    pub names: Names,
    /// The version it was booted into.
    pub booted: Option<Version>,
    /// The version that boots next.
    pub permanent: Option<Version>,
    /// Whether its release has Elixir in it.
    pub elixir: bool,
    /// Where it listens.
    pub ports: Ports,
    /// `-proto_dist`, where it is not TCP over IPv4.
    pub proto: Option<String>,
    /// A restart that waits to be confirmed, and what the host did by itself.
    pub alone: Alone,
    /// Processes that serve the same root beside it.
    pub others: Vec<u32>,
    cookie: Option<Cookie>,
}

/// `-sname` or `-name`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Names {
    /// The host part has no dot.
    #[default]
    Short,
    /// The host part has a dot, or is an address.
    Long,
}

/// What is known of the ports of a node.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ports {
    /// The one that epmd has for the node's name.
    pub registered: Option<u16>,
    /// All that its process listens on, the application's own among them; none if its sockets can't be seen (another user's node).
    pub listening: Option<BTreeSet<u16>>,
    /// The one it was told to use (`ERL_DIST_PORT`), and then it may do without epmd.
    pub fixed: Option<u16>,
    /// Where its epmd listens, if not at 4369.
    pub epmd: Option<u16>,
}

impl Ports {
    /// Where to try, best first. What epmd says counts unless the process is known to listen elsewhere: such an entry is stale, or
    /// another node's.
    pub fn candidates(&self) -> Vec<u16> {
        let plausible = |port: &u16| self.listening.as_ref().is_none_or(|seen| seen.contains(port));
        let told: Vec<u16> = self.registered.into_iter().chain(self.fixed).filter(plausible).collect();
        if told.is_empty() { self.listening.iter().flatten().copied().collect() } else { told }
    }
}

impl Found {
    /// What proves to the node that we may speak with it; none if this login can't read it.
    pub(crate) fn cookie(&self) -> Option<&Cookie> {
        self.cookie.as_ref()
    }
    /// Which start of the node this is, with what it counts its starts with.
    pub(crate) fn incarnation(&self, creation: Option<u32>) -> Option<Incarnation> {
        Some(Incarnation { pid: self.pid?, began: self.started?, creation: creation? })
    }
    /// Whether nodes speak TLS with it.
    pub fn is_tls(&self) -> bool {
        self.proto.as_ref().is_some_and(|proto| proto.contains("tls"))
    }
    fn parse(answer: &str) -> Result<Option<Self>, FindError> {
        let mut found = Self::default();
        let mut there = false;
        for line in answer::body(answer, FIRST_LINE).map_err(|_| FindError::Torn)? {
            let (word, value) = line.split_once(' ').unwrap_or((line, ""));
            there |= word == "node";
            found.take(word, value)?;
        }
        Ok(there.then_some(found))
    }
    fn take(&mut self, word: &str, value: &str) -> Result<(), FindError> {
        match word {
            "node" => {}
            "pid" => self.pid = value.parse().ok(),
            "started" => self.started = value.parse().ok(),
            "uid" => self.uid = value.parse().ok(),
            "user" => self.user = Some(value.to_owned()),
            "process" => self.stopped = value == "stopped",
            "also" => self.others.extend(value.parse::<u32>()),
            "name" => self.name = value.parse().ok(),
            "names" => self.names = if value == "long" { Names::Long } else { Names::Short },
            "booted" => self.booted = value.parse().ok(),
            "permanent" => self.permanent = value.parse().ok(),
            "elixir" => self.elixir = true,
            "proto" => self.proto = Some(value.to_owned()),
            "cookie" => self.cookie = Some(Cookie::new(value)),
            _ if self.alone.take(word, value) => {}
            _ => return self.ports.take(word, value),
        }
        Ok(())
    }
}

impl Ports {
    fn take(&mut self, word: &str, value: &str) -> Result<(), FindError> {
        match word {
            "registered" => self.registered = value.parse().ok(),
            "sockets" => _ = self.listening.get_or_insert_default(),
            "listens" => self.listening.get_or_insert_default().extend(value.parse::<u16>()),
            "ERL_DIST_PORT" => self.fixed = value.parse().ok(),
            "ERL_EPMD_PORT" => self.epmd = value.parse().ok(),
            _ => return Err(FindError::Line),
        }
        Ok(())
    }
}

/// Why the answer can't be read. Without its text, in which the cookie may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// It starts or ends otherwise than every answer does.
    #[error("it is not whole")]
    Torn,
    /// A line that no script of this edeliver writes.
    #[error("it has an unexpected line")]
    Line,
}

/// Looks for the node that serves a release root; `None` if there is none.
///
/// # Errors
/// [`NodeError::Transport`], or an answer that can't be read.
pub async fn find(host: &dyn Transport, place: &Place) -> Result<Option<Found>, NodeError> {
    let reply = host.run(Call::new(FIND, place.args(), PATIENCE)).await?.ok(FIND)?;
    Found::parse(&reply.text()).map_err(NodeError::Found)
}

#[cfg(test)]
mod tests;
