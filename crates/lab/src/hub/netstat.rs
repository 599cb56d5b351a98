//! What passed over the cables, as the kernel and sshd counted it. Reading changes nothing.

use std::fs;

use indexmap::IndexMap;

use super::Hub;
use crate::{HostName, HostTraffic, process};

impl Hub {
    /// Of every host; none of those that are stopped.
    pub(super) fn netstat(&self) -> IndexMap<HostName, Option<HostTraffic>> {
        let row = |host: &super::Host| host.running.as_ref().map(|running| traffic(running.pid));
        self.hosts.iter().map(|(name, host)| (name.clone(), row(host))).collect()
    }
}

fn traffic(init: i32) -> HostTraffic {
    let read = |file: &str| fs::read_to_string(format!("/proc/{init}/{file}")).unwrap_or_default();
    let (rx, tx) = device_bytes(&read("net/dev"), "eth0").unwrap_or_default();
    let sockets = read("net/tcp") + &read("net/tcp6");
    let log = read("root/run/sshd.log");
    let count = |part: &str| log.lines().filter(|line| line.contains(part)).count();
    HostTraffic {
        rx,
        tx,
        connections: counter(&read("net/snmp"), "Tcp:", "PassiveOpens").unwrap_or_default(),
        open: in_state(&sockets, "01").count(),
        logins: count("Accepted publickey for "),
        dropped: count("drop connection #"),
        sessions_refused: count("no more sessions"),
        processes: process::members(init).len(),
        listen: listening(&sockets),
    }
}

/// Received and sent bytes out of /proc/net/dev.
fn device_bytes(table: &str, device: &str) -> Option<(u64, u64)> {
    let row = table.lines().find_map(|line| line.trim_start().strip_prefix(device)?.strip_prefix(':'))?;
    let mut fields = row.split_ascii_whitespace();
    Some((fields.next()?.parse().ok()?, fields.nth(7)?.parse().ok()?))
}

/// A counter out of /proc/net/snmp, where a line of names stands above each line of values.
fn counter(table: &str, protocol: &str, name: &str) -> Option<u64> {
    let mut lines = table.lines().filter(|line| line.starts_with(protocol));
    let column = lines.next()?.split_ascii_whitespace().position(|field| field == name)?;
    lines.next()?.split_ascii_whitespace().nth(column)?.parse().ok()
}

/// Rows of /proc/net/tcp in that state (01 established, 0A listening).
fn in_state<'a>(table: &'a str, state: &'a str) -> impl Iterator<Item = &'a str> {
    table.lines().filter(move |line| line.split_ascii_whitespace().nth(3) == Some(state))
}

fn listening(table: &str) -> Vec<u16> {
    let port = |line: &str| {
        let local = line.split_ascii_whitespace().nth(1)?;
        u16::from_str_radix(local.rsplit_once(':')?.1, 16).ok()
    };
    let mut ports: Vec<u16> = in_state(table, "0A").filter_map(port).collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_tables_are_read() {
        let dev = "Inter-|   Receive\n    lo: 1 0 0 0 0 0 0 0 2 0\n  eth0: 1500 9 0 0 0 0 0 0 700 8 0 0 0 0 0 0\n";
        assert_eq!(device_bytes(dev, "eth0"), Some((1500, 700)));
        let snmp = "Ip: A\nIp: 1\nTcp: RtoAlgorithm ActiveOpens PassiveOpens\nTcp: 1 5 7\n";
        assert_eq!(counter(snmp, "Tcp:", "PassiveOpens"), Some(7));
        let tcp = "  sl  local_address rem_address   st\n   0: 00000000:0016 00000000:0000 0A 0\n   1: 0A00:0016 0B00:8000 01 0\n";
        assert_eq!(listening(tcp), [22]);
        assert_eq!(in_state(tcp, "01").count(), 1);
    }
}
