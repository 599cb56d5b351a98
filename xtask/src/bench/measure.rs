//! What is measured, and the middle of it.

use std::time::Duration;

use super::cable::Cable;

/// One command, measured.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Measure {
    /// From start to end.
    pub(super) wall: Duration,
    /// Bytes in and out at all hosts, with headers.
    pub(super) bytes: u64,
    /// Logins at all hosts.
    pub(super) logins: usize,
    /// Connections that a stock sshd refused.
    pub(super) refused: usize,
}

/// One way against two others.
#[derive(Debug, Default)]
pub(super) struct Contest {
    pub(super) ours: Vec<Measure>,
    pub(super) scp: Vec<Measure>,
    pub(super) rsync: Vec<Measure>,
}

/// Everything measured on one field.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) hosts: usize,
    pub(super) cable: Cable,
    pub(super) first: Contest,
    pub(super) second: Contest,
    pub(super) ping: Vec<Measure>,
    pub(super) version: Vec<Measure>,
    /// `ssh host true` on all hosts at once, with its login.
    pub(super) floor: Vec<Measure>,
    /// The same on connections that are open already.
    pub(super) open_floor: Vec<Measure>,
    /// What nodes run, asked by `bin/APP rpc` on all hosts at once.
    pub(super) rpc: Vec<Measure>,
    /// The same, one host after the other.
    pub(super) rpc_in_turn: Vec<Measure>,
}

impl Series {
    pub(super) fn new(hosts: usize, cable: Cable) -> Self {
        Self {
            hosts,
            cable,
            first: Contest::default(),
            second: Contest::default(),
            ping: Vec::new(),
            version: Vec::new(),
            floor: Vec::new(),
            open_floor: Vec::new(),
            rpc: Vec::new(),
            rpc_in_turn: Vec::new(),
        }
    }
}

/// The run with the median time.
pub(super) fn median(measures: &[Measure]) -> Measure {
    let mut sorted = measures.to_vec();
    sorted.sort_by_key(|measure| measure.wall);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
