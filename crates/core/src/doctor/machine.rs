//! Of any machine that edeliver logs in to.

use std::collections::BTreeSet;

use super::{Finding, Grade};
use crate::hint::Hint;

/// What a machine shows of itself. What could not be found out is `None`, and nothing is said about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// Seconds by which its clock is ahead of ours; negative: behind.
    pub clock_ahead: Option<i64>,
    /// The first line of what the login's start-up files print where nobody reads.
    pub noise: Option<String>,
    /// Files that can still be made where releases lie.
    pub free_inodes: Option<u64>,
    /// sshd's `MaxSessions`, where its configuration can be read and names it.
    pub max_sessions: Option<u32>,
    /// sshd's `AllowTcpForwarding`, likewise.
    pub forwards: Option<bool>,
    /// TCP ports that take connections on every address.
    pub open_ports: BTreeSet<u16>,
    /// The port of the node's epmd.
    pub epmd_port: Option<u16>,
    /// The ports on which the node takes connections.
    pub node_ports: BTreeSet<u16>,
    /// The node's cookie, as far as it may be told.
    pub cookie: Option<Cookie>,
}

/// About a cookie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie {
    /// Bytes.
    pub length: usize,
    /// Every login of the machine can read its file.
    pub readable_by_all: bool,
}

/// Clocks that differ by more are worth a word: `--auto-version=time`, certificates and signed addresses count on them.
const CLOCK: i64 = 5;
/// A release has about a thousand files.
const INODES: u64 = 10_000;
/// Sessions on a connection that a deploy, a build and git want at the same time.
const SESSIONS: u32 = 4;

/// What is to be said of it.
pub fn machine(vitals: &Vitals) -> Vec<Finding> {
    let all = [clock(vitals), start_up_files(vitals), inodes(vitals), sshd(vitals)];
    all.into_iter().flatten().collect()
}

fn clock(vitals: &Vitals) -> Option<Finding> {
    let ahead = vitals.clock_ahead?;
    let way = if ahead > 0 { "ahead of" } else { "behind" };
    Some(match ahead.abs() {
        0..=CLOCK => Finding::fine("clock", "as ours"),
        seconds => Finding::bad(
            "clock",
            Grade::Warning,
            format!("{} {way} this machine's", span(seconds)),
            Hint::text("have both set by a time server (chrony, systemd-timesyncd)"),
        ),
    })
}

fn span(seconds: i64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        _ => format!("{} h", seconds / 3600),
    }
}

fn start_up_files(vitals: &Vitals) -> Option<Finding> {
    Some(match &vitals.noise {
        None => Finding::fine("start-up files", "the login's start-up files print nothing"),
        Some(line) => Finding::bad(
            "start-up files",
            Grade::Warning,
            format!("the login's start-up files print where nobody reads: {line}"),
            Hint::text(
                "edeliver passes over it; scp, rsync and git may not: print only where there is a terminal, as in `[ -t 1 ] && …`",
            ),
        ),
    })
}

fn inodes(vitals: &Vitals) -> Option<Finding> {
    let free = vitals.free_inodes?;
    Some(match free {
        0..INODES => Finding::bad(
            "files",
            if free == 0 { Grade::Trouble } else { Grade::Warning },
            format!("the file system has room for {free} more files"),
            Hint::text("remove what is not needed; a release has about a thousand"),
        ),
        _ => Finding::fine("files", format!("room for {free} more")),
    })
}

fn sshd(vitals: &Vitals) -> Option<Finding> {
    if let Some(sessions) = vitals.max_sessions.filter(|sessions| *sessions < SESSIONS) {
        let text = format!("sshd allows {sessions} sessions on a connection, so steps wait for each other");
        return Some(Finding::bad("sshd", Grade::Warning, text, Hint::text("set `MaxSessions 10` in sshd_config, its default")));
    }
    if vitals.forwards == Some(false) {
        let text = "sshd forwards no ports, so nodes are called by the release's own programs, which takes longer";
        return Some(Finding::bad("sshd", Grade::Warning, text, Hint::text("set `AllowTcpForwarding local` in sshd_config")));
    }
    Some(Finding::fine("sshd", "its limits are no obstacle"))
}
