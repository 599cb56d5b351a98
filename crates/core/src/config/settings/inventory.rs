//! Where hosts come from that do not stand in the configuration.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use crate::config::{problem::Place, secret, settings::HostSpec, settle::hosts::Fallback};

/// Where the hosts of a target come from, in the order in which they were written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// Never empty, and at least one of them is a source.
    pub parts: Vec<HostsFrom>,
    /// Key path of the setting, for messages.
    pub(in crate::config) key: String,
    /// What holds for hosts that do not say otherwise.
    pub(in crate::config) fallback: Fallback,
}

/// A host, or where some come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostsFrom {
    /// One that stands in the configuration.
    Host(HostSpec, Place),
    /// Ask there.
    Source(HostSource),
}

/// A source of hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSource {
    /// Which.
    pub kind: SourceKind,
    /// Only hosts of this group, of those that a command prints.
    pub group: Option<String>,
    /// Longest wait for its answer.
    pub timeout: Duration,
    /// Where it was written.
    pub place: Place,
}

/// What is asked for hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceKind {
    /// A line of shell, run in the project's folder, that prints JSON.
    Command(String),
    /// A folder with a TOML file for each host, relative to the project or absolute.
    Dir(PathBuf),
    /// SRV records of a name.
    Srv {
        /// The name.
        name: String,
        /// The server that is asked; `None`: those of this machine's configuration.
        server: Option<SocketAddr>,
    },
}

impl Inventory {
    /// Its sources.
    pub fn sources(&self) -> impl Iterator<Item = &HostSource> {
        self.parts.iter().filter_map(|part| match part {
            HostsFrom::Source(source) => Some(source),
            HostsFrom::Host(..) => None,
        })
    }
}

impl fmt::Display for Inventory {
    /// `web1, bin/hosts`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.parts.iter().map(|part| match part {
            HostsFrom::Host(host, _) => host.name.to_string(),
            HostsFrom::Source(source) => source.to_string(),
        });
        f.write_str(&shown.collect::<Vec<_>>().join(", "))
    }
}

impl fmt::Display for HostSource {
    /// `the command `bin/hosts`, group web`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SourceKind::Command(line) => write!(f, "the command `{}`", secret::masked_source(line))?,
            SourceKind::Dir(path) => write!(f, "the folder {}", path.display())?,
            SourceKind::Srv { name, server: None } => write!(f, "the SRV records of {name}")?,
            SourceKind::Srv { name, server: Some(server) } => write!(f, "the SRV records of {name} at {server}")?,
        }
        self.group.as_ref().map_or(Ok(()), |group| write!(f, ", group {group}"))
    }
}
