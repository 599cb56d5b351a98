//! What was to be reached, beside what was measured; and what the tables don't say themselves.

use std::fmt::Write as _;

use super::{
    cable::Cable,
    calls::{self, Calls},
    measure::{Measure, Series, median},
    report::ratio,
};

/// What stays true whatever is measured.
const REMARKS: &str = "\
- Without a speed limit on the line the login alone (the floor) is a large part of what scp takes, and of what a second deploy takes.
- All hosts and edeliver share the processors of one machine. With ten hosts times are mostly those of twenty programs of ssh that
  compute keys, and of the hosts' own scripts; hosts with processors of their own do that side by side.
- scp's archive was compressed when it was built, edeliver compresses what a host lacks when it is sent, for each host anew. A first deploy
  also has the hosts digest every file and wait until all is on the disk, which scp and tar do not. What the command before has left to be
  written is written before the next one begins, so that nobody waits for another's.
";

/// One figure that was to be reached.
struct Goal {
    what: &'static str,
    /// The measured value is to be below it.
    below: f64,
    unit: &'static str,
}

const BYTES: Goal = Goal { what: "second deploy: bytes, of the archive", below: 2.0, unit: "%" };
const TIME: Goal = Goal { what: "second deploy at 40 ms: time, of scp's", below: 1.0 / 3.0, unit: "×" };
const SLOW_TIME: Goal = Goal { what: "the same, with a processor for each host", ..TIME };
const PING: Goal = Goal { what: "`ping`: time, of the floor", below: 1.5, unit: "×" };
const VERSION: Goal = Goal { what: "`version`: time, of the floor", below: 1.5, unit: "×" };
const RPC: Goal = Goal { what: "`version`: time, of that of `bin/APP rpc` on each host in turn", below: 0.2, unit: "×" };
const MEMORY: Goal = Goal { what: "`status` of a hundred hosts: most memory of edeliver's own", below: 60.0, unit: "MB" };
const ATOMS: Goal = Goal { what: "ten thousand calls: atoms that they leave on the node", below: 4.0, unit: "" };
const BUILD: Goal = Goal { what: "build: time above the bare commands", below: 1.5, unit: "s" };

/// So many hosts are asked in turn for a comparison: with one there is nothing to be asked at once.
const FLEET: usize = 10;

/// This machine itself.
const HERE: Cable = Cable { latency_ms: 0.0, rate_mbit: 0.0 };

impl Goal {
    fn row(&self, out: &mut String, hosts: usize, cable: Cable, value: f64) {
        let Self { what, below, unit } = self;
        let word = if value < *below { "yes" } else { "**no**" };
        let _ = writeln!(out, "| {what} | {hosts} | {cable} | {below:.2} {unit} | {value:.2} {unit} | {word} |");
    }
}

/// The page's last section.
pub(super) fn table(
    out: &mut String,
    all: &[Series],
    slow: &[(Cable, Series)],
    builds: &[(Cable, Measure, Measure)],
    calls: Option<&Calls>,
    archive: u64,
) {
    out.push_str("\n## What was to be reached\n\n| | hosts | cable | below | measured | reached |\n|--|--:|--:|--:|--:|--|\n");
    for series in all.iter().filter(|series| !series.second.ours.is_empty()) {
        deploy(out, series, archive);
    }
    for (cable, series) in slow {
        SLOW_TIME.row(out, series.hosts, *cable, ratio(median(&series.second.ours), median(&series.second.scp)));
    }
    for (goal, of) in [(PING, ping as fn(&Series) -> &[Measure]), (VERSION, version)] {
        for series in all.iter().filter(|series| !series.floor.is_empty()) {
            goal.row(out, series.hosts, series.cable, ratio(median(of(series)), median(&series.floor)));
        }
    }
    for series in all.iter().filter(|series| !series.rpc_in_turn.is_empty() && series.hosts >= FLEET) {
        RPC.row(out, series.hosts, series.cable, ratio(median(&series.version), median(&series.rpc_in_turn)));
    }
    if let Some(calls) = calls {
        MEMORY.row(out, calls::HUNDRED, HERE, calls.memory_mb());
        ATOMS.row(out, 1, HERE, calls.atoms_left());
    }
    for (cable, ours, by_hand) in builds {
        BUILD.row(out, 1, *cable, ours.wall.as_secs_f64() - by_hand.wall.as_secs_f64());
    }
    let _ = write!(out, "\n## What these say, and what they don't\n\n{REMARKS}");
}

fn ping(series: &Series) -> &[Measure] {
    &series.ping
}

fn version(series: &Series) -> &[Measure] {
    &series.version
}

fn deploy(out: &mut String, series: &Series, archive: u64) {
    let (ours, scp) = (median(&series.second.ours), median(&series.second.scp));
    let bytes = ours.bytes as f64 / series.hosts as f64;
    BYTES.row(out, series.hosts, series.cable, 100.0 * bytes / archive as f64);
    if series.cable.latency_ms >= 40.0 {
        TIME.row(out, series.hosts, series.cable, ratio(ours, scp));
    }
}
