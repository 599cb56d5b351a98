//! The tables of docs/bench-fleets.md.

use std::fmt::Write as _;

use super::{ROUND_TRIP, Row, SOAK, UPLINK};
use crate::bench::{measure::Measure, report};

/// All that was measured.
pub(super) struct Page {
    pub(super) rows: Vec<Row>,
    /// With all that is not done by processors so many times as slow.
    pub(super) slow: Vec<Row>,
    pub(super) slower: u32,
    /// Size of the release's archive, in bytes.
    pub(super) archive: u64,
    /// What planning for a thousand hosts takes, as words NAME FIGURE.
    pub(super) thousand: String,
}

/// The fleet whose figures are to be reached.
const FLEET: usize = 50;

/// Their names, limits, and how they come of one host and the fleet. `at_least`: the limit is not the most.
struct Goal {
    what: &'static str,
    limit: f64,
    at_least: bool,
    of: fn(&Row, &Row) -> Option<f64>,
}

const GOALS: [Goal; 5] = [
    Goal {
        what: "second deploy: time, of one host's",
        limit: 2.0,
        at_least: false,
        of: |one, all| Some(time(&all.second) / time(&one.second)),
    },
    Goal {
        what: "upgrade of running nodes: time, of one host's",
        limit: 3.0,
        at_least: false,
        of: |one, all| Some(time(all.upgrade.as_ref()?) / time(one.upgrade.as_ref()?)),
    },
    Goal {
        what: "time of rsync, ten at a time",
        limit: 4.0,
        at_least: true,
        of: |_, all| Some(time(all.rsync.as_ref()?) / time(&all.second)),
    },
    Goal { what: "bytes of rsync", limit: 5.0, at_least: true, of: |_, all| Some(bytes(all.rsync.as_ref()?) / bytes(&all.second)) },
    Goal { what: "bytes of scp", limit: 20.0, at_least: true, of: |_, all| Some(bytes(all.scp.as_ref()?) / bytes(&all.second)) },
];

fn time(measure: &Measure) -> f64 {
    measure.wall.as_secs_f64()
}

fn bytes(measure: &Measure) -> f64 {
    measure.bytes as f64
}

impl Page {
    pub(super) fn text(&self) -> String {
        let mut out = format!(
            "# Bench of fleets\n\nMade by `cargo xtask bench --fleets --write`: one measurement each, everything (operator, hosts, nodes) on one machine: {}. \
             {ROUND_TRIP} ms to every host, {UPLINK} Mbit/s from the operator to all of them together. The release is that of [the other bench](bench.md) \
             (OTP's ssl, inets, mnesia …; 20 MB of pictures); its archive has {} KB. One module differs. The floor is `ssh host true` on all hosts at once; \
             rsync runs on ten hosts at a time. With many hosts the two processors are the limit, for the floor as for everything else: each login alone \
             takes both sides' share of one.\n\n## The same change on more hosts\n\n",
            report::machine(),
            self.archive / 1000
        );
        deploys(&mut out, &self.rows);
        let slower = self.slower;
        let _ = writeln!(out, "\n## Running nodes upgraded: stage, install, verify for {SOAK} s, commit\n");
        upgrades(&mut out, &self.rows);
        let _ = writeln!(
            out,
            "\n## With a processor for each\n\nOperator and hosts share the processors of one machine here, and hosts have their own. So once more with all else {slower} \
             times as slow ({} ms, {} Mbit/s, nodes watched for {} s): beside that the processors count as {slower} times as fast, one for each host of the largest fleet \
             (time dilation: Gupta et al., *To Infinity and Beyond: Time-Warped Network Emulation*, NSDI 2006). Where there is enough to do at once that is what \
             {slower} times as many would do; what one program does by itself they would not do faster, so one host's time counts as shorter here than it would be, and a fleet's as a larger \
             multiple of it. Times are as measured. The disk is not slower, so it counts as a faster one.\n",
            ROUND_TRIP * slower,
            f64::from(UPLINK) / f64::from(slower),
            SOAK * slower
        );
        deploys(&mut out, &self.slow);
        out.push('\n');
        upgrades(&mut out, &self.slow);
        self.goals(&mut out);
        self.thousand(&mut out);
        out
    }
    fn goals(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "\n## What was to be reached with {FLEET} hosts\n\n| | asked | measured | with a processor for each |\n|--|--:|--:|--:|"
        );
        for goal in GOALS {
            let cell = |rows: &[Row]| {
                let (one, all) = (rows.iter().find(|row| row.hosts == 1), rows.iter().find(|row| row.hosts == FLEET));
                let figure = one.zip(all).and_then(|(one, all)| (goal.of)(one, all));
                figure.map_or("–".to_owned(), |figure| match (figure >= goal.limit) == goal.at_least {
                    true => format!("{figure:.2} ×, reached"),
                    false => format!("{figure:.2} ×, **not reached**"),
                })
            };
            let bound = if goal.at_least { "at least" } else { "at most" };
            let _ = writeln!(out, "| {} | {bound} {} × | {} | {} |", goal.what, goal.limit, cell(&self.rows), cell(&self.slow));
        }
    }
    fn thousand(&self, out: &mut String) {
        let words: Vec<&str> = self.thousand.split(' ').collect();
        let figure =
            |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied().unwrap_or("?");
        let _ = writeln!(
            out,
            "\n## A thousand hosts\n\nReading the configuration of {} hosts takes {} ms; planning a deploy of a release with 1,600 files to them in three \
             waves {} ms, checking that plan {} ms; {} MB of memory at most (`cargo bench -p edeliver-core`; the hosts are simulated facts).",
            figure("hosts"),
            figure("config-ms"),
            figure("plan-ms"),
            figure("lint-ms"),
            figure("peak-mb")
        );
    }
}

fn deploys(out: &mut String, rows: &[Row]) {
    out.push_str(
        "| hosts | second deploy | a host | of one host's | of the floor | rsync takes | bytes a host | rsync's | scp's | memory | logins a host |\n\
         |--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let one = rows.first().map(|row| time(&row.second)).unwrap_or_default();
    for row in rows {
        let seconds = time(&row.second);
        let times = |other: &Option<Measure>| {
            other.as_ref().map_or("–".to_owned(), |other| format!("{:.1} × as long", time(other) / seconds))
        };
        let sent = |other: &Option<Measure>| {
            other.as_ref().map_or("–".to_owned(), |other| format!("{:.0} ×", bytes(other) / bytes(&row.second)))
        };
        let _ = writeln!(
            out,
            "| {} | {seconds:.2} s | {:.3} s | {:.1} × | {:.2} × | {} | {} KB | {} | {} | {} MB | {:.1} |",
            row.hosts,
            seconds / row.hosts as f64,
            seconds / one,
            seconds / time(&row.floor),
            times(&row.rsync),
            row.second.bytes / row.hosts as u64 / 1000,
            sent(&row.rsync),
            sent(&row.scp),
            row.memory,
            row.second.logins as f64 / row.hosts as f64,
        );
    }
}

fn upgrades(out: &mut String, rows: &[Row]) {
    out.push_str("| hosts | upgrade | a host | of one host's | floor | asked for releases |\n|--:|--:|--:|--:|--:|--:|\n");
    let one = rows.iter().find_map(|row| row.upgrade.as_ref()).map(time).unwrap_or_default();
    for row in rows {
        let seconds = row.upgrade.as_ref().map(time);
        let of = |figure: Option<f64>, unit: &str| figure.map_or("–".to_owned(), |figure| format!("{figure:.2} {unit}"));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {:.2} s | {:.2} s |",
            row.hosts,
            of(seconds, "s"),
            of(seconds.map(|seconds| seconds / row.hosts as f64), "s"),
            of(seconds.map(|seconds| seconds / one), "×"),
            time(&row.floor),
            time(&row.ping),
        );
    }
}
