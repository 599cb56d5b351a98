//! What the hub says about hosts.

use std::net::Ipv4Addr;

use serde::{Deserialize, Serialize};

use crate::{Base, HostName, Link};

/// What a host does just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HostState {
    /// Runs.
    Up,
    /// Runs, but no packet reaches or leaves it.
    Cut,
    /// Its processes are stopped.
    Frozen,
    /// Powered off; its disk is kept.
    Stopped,
}

/// One host of the lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostStatus {
    /// Its name.
    pub host: HostName,
    /// Its address.
    pub address: Ipv4Addr,
    /// What it does.
    pub state: HostState,
    /// Its PID 1, as the hub's /proc numbers it; none if it is stopped.
    pub pid: Option<i32>,
    /// Which programs it has.
    pub base: Base,
    /// Its cable.
    pub link: Link,
}

/// The whole lab.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// All hosts, in the order in which they were made.
    pub hosts: Vec<HostStatus>,
}

/// What passed over a running host's cable and through its sshd, since it was started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTraffic {
    /// Bytes received, with headers. One segment of a large transfer counts its headers once (offloading).
    pub rx: u64,
    /// Bytes sent, likewise.
    pub tx: u64,
    /// TCP connections accepted by anything on the host.
    pub connections: u64,
    /// TCP connections open now.
    pub open: usize,
    /// Logins that sshd accepted.
    pub logins: usize,
    /// Connections that sshd dropped unheard because of MaxStartups.
    pub dropped: usize,
    /// Sessions that sshd refused on an open connection because of MaxSessions.
    pub sessions_refused: usize,
    /// Processes on the host.
    pub processes: usize,
    /// TCP ports something listens on.
    pub listen: Vec<u16>,
}
