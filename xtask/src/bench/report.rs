//! The tables of docs/bench.md.

use std::{fmt::Write as _, fs, process::Command};

use super::{
    cable::Cable,
    calls::Calls,
    measure::{Contest, Measure, Series, median},
    remarks,
};

/// All that was measured in one run.
pub(super) struct Report {
    rounds: usize,
    calls: Option<Calls>,
    series: Vec<Series>,
    /// Second deploys with all but the processors slower, and the cable that is meant.
    slow: Vec<(Cable, Series)>,
    builds: Vec<(Cable, Measure, Measure)>,
}

impl Report {
    pub(super) fn new(rounds: usize, calls: Option<Calls>) -> Self {
        Self { rounds, calls, series: Vec::new(), slow: Vec::new(), builds: Vec::new() }
    }
    pub(super) fn add(&mut self, series: Series) {
        self.series.push(series);
    }
    pub(super) fn add_slow(&mut self, cable: Cable, series: Series) {
        self.slow.push((cable, series));
    }
    pub(super) fn add_build(&mut self, cable: Cable, (ours, by_hand): (Vec<Measure>, Vec<Measure>)) {
        self.builds.push((cable, median(&ours), median(&by_hand)));
    }
    /// The page.
    pub(super) fn text(&self, archive: u64) -> String {
        let mut out = String::new();
        let _ = writeln!(
            out,
            "# Bench\n\nMade by `cargo xtask bench --rounds {} --write`: medians of so many measurements in one run (of twice as many of `ping`, \
             `version` and their floor), everything on one machine: {}.\nRatios count; times say what this machine was like. Hosts are lab hosts with a stock sshd; bytes are counted at their network cards, both \
             ways, with all headers. The release is the Elixir sample with what a web \
             application brings along (OTP's ssl, inets, mnesia …; 20 MB of pictures); its archive has {} KB.\n",
            self.rounds,
            machine(),
            archive / 1000
        );
        if self.series.iter().any(|series| !series.first.ours.is_empty()) {
            self.transfers(&mut out, "First deploy", archive, |series| &series.first);
            self.transfers(&mut out, "Second deploy, one module changed", archive, |series| &series.second);
        }
        if !self.slow.is_empty() {
            self.more_processors(&mut out);
        }
        if self.series.iter().any(|series| !series.ping.is_empty()) {
            self.questions(&mut out);
        }
        if let Some(calls) = &self.calls {
            calls.table(&mut out);
        }
        self.round_trips(&mut out);
        if !self.builds.is_empty() {
            self.build_table(&mut out);
        }
        remarks::table(&mut out, &self.series, &self.slow, &self.builds, self.calls.as_ref(), archive);
        out
    }
    fn transfers(&self, out: &mut String, title: &str, archive: u64, of: fn(&Series) -> &Contest) {
        let _ = writeln!(
            out,
            "## {title}\n\n| hosts | cable | edeliver | against scp + tar | against rsync -az | bytes a host | of the archive | scp's | rsync's | \
             logins a host | scp's |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        );
        for series in &self.series {
            let contest = of(series);
            let (ours, scp, rsync) = (median(&contest.ours), median(&contest.scp), median(&contest.rsync));
            let n = series.hosts as u64;
            let _ = writeln!(
                out,
                "| {} | {} | {:.2} s | {:.2} × | {:.2} × | {} KB | {:.2} % | {} KB | {} KB | {:.1} | {:.1} |",
                series.hosts,
                series.cable,
                ours.wall.as_secs_f64(),
                ratio(ours, scp),
                ratio(ours, rsync),
                ours.bytes / n / 1000,
                100.0 * (ours.bytes / n) as f64 / archive as f64,
                scp.bytes / n / 1000,
                rsync.bytes / n / 1000,
                ours.logins as f64 / n as f64,
                scp.logins as f64 / n as f64,
            );
        }
        out.push('\n');
    }
    fn more_processors(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "## Second deploy, with a processor for each\n\nOperator and hosts share the processors of one machine here, and hosts have their own. So once more with so \
             many times the delay that beside it these count as one for each (time dilation: Gupta et al., *To Infinity and Beyond: Time-Warped Network \
             Emulation*, NSDI 2006). One measurement each; times are as measured.\n\n| hosts | stands for | measured at | edeliver | against scp + tar | against \
             rsync -az |\n|--:|--:|--:|--:|--:|--:|"
        );
        for (cable, series) in &self.slow {
            let Contest { ours, scp, rsync } = &series.second;
            let (ours, scp, rsync) = (median(ours), median(scp), median(rsync));
            let _ = writeln!(
                out,
                "| {} | {cable} | {} | {:.2} s | {:.2} × | {:.2} × |",
                series.hosts,
                series.cable,
                ours.wall.as_secs_f64(),
                ratio(ours, scp),
                ratio(ours, rsync)
            );
        }
        out.push('\n');
    }
    fn questions(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "## Asking nodes\n\nThe floor is `ssh host true` on all hosts at once, with its login; below it the same on connections that were open \
             already (which edeliver uses too, where the user keeps them). Last what `version` tells, asked by `bin/APP rpc` over ssh on all \
             hosts at once, and one after the other.\n\n| hosts | cable | ping | of the floor | version | of the floor | \
             floor | on open connections | logins a host | refused | rpc takes | in turn |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        );
        for series in &self.series {
            let [ping, version, floor, open] =
                [&series.ping, &series.version, &series.floor, &series.open_floor].map(|s| median(s));
            let _ = writeln!(
                out,
                "| {} | {} | {:.2} s | {:.2} × | {:.2} s | {:.2} × | {:.2} s | {:.2} s | {:.1} | {} | {:.1} × as long | {:.1} × as long |",
                series.hosts,
                series.cable,
                ping.wall.as_secs_f64(),
                ratio(ping, floor),
                version.wall.as_secs_f64(),
                ratio(version, floor),
                floor.wall.as_secs_f64(),
                open.wall.as_secs_f64(),
                ping.logins as f64 / series.hosts as f64,
                ping.refused,
                ratio(median(&series.rpc), version),
                ratio(median(&series.rpc_in_turn), version),
            );
        }
        out.push('\n');
    }
    /// What the delay adds, in delays: everything that waits for an answer, TCP's and ssh's own waiting among it.
    fn round_trips(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "## Round trips\n\nTime with the longer delay less time with the shorter one, in delays: what is waited for one after the other, the \
             handshakes and windows of TCP and ssh among it.\n\n| hosts | ssh host true | ping | version | second deploy | by scp | by rsync | first \
             deploy | by scp | by rsync |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
        );
        for near in &self.series {
            let Some(far) = self.series.iter().find(|far| is_far(far, near)) else { continue };
            let trips = |of: fn(&Series) -> &[Measure]| {
                let added = median(of(far)).wall.as_secs_f64() - median(of(near)).wall.as_secs_f64();
                format!("{:.0}", added.max(0.0) * 1000.0 / (far.cable.latency_ms - near.cable.latency_ms))
            };
            let all = [
                trips(|s| &s.floor),
                trips(|s| &s.ping),
                trips(|s| &s.version),
                trips(|s| &s.second.ours),
                trips(|s| &s.second.scp),
                trips(|s| &s.second.rsync),
                trips(|s| &s.first.ours),
                trips(|s| &s.first.scp),
                trips(|s| &s.first.rsync),
            ];
            let _ = writeln!(out, "| {} | {} |", near.hosts, all.join(" | "));
        }
        out.push('\n');
    }
    fn build_table(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "## Build after a one-line change\n\nBy hand: `git push`, then `git checkout` and `mix release` over ssh. edeliver's time also \
             has the release's digests and what is new of it in the store.\n\n| cable | edeliver | by hand | above it |\n|--:|--:|--:|--:|"
        );
        for (cable, ours, by_hand) in &self.builds {
            let (ours, by_hand) = (ours.wall.as_secs_f64(), by_hand.wall.as_secs_f64());
            let _ = writeln!(out, "| {cable} | {ours:.2} s | {by_hand:.2} s | {:+.2} s |", ours - by_hand);
        }
    }
}

/// Whether two fields differ by their delay alone.
fn is_far(far: &Series, near: &Series) -> bool {
    let (far_cable, near_cable) = (far.cable, near.cable);
    far.hosts == near.hosts && far_cable.rate_mbit == near_cable.rate_mbit && far_cable.latency_ms > near_cable.latency_ms
}

pub(super) fn ratio(ours: Measure, theirs: Measure) -> f64 {
    ours.wall.as_secs_f64() / theirs.wall.as_secs_f64().max(1e-9)
}

/// Cores, processor, memory and kernel, in one line.
pub(super) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let field = |text: &str, key: &str| {
        text.lines().find(|line| line.starts_with(key)).and_then(|line| line.split(':').nth(1)).unwrap_or("?").trim().to_owned()
    };
    let cores = read("/proc/cpuinfo").matches("processor\t").count();
    let kernel =
        Command::new("uname").arg("-r").output().map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default();
    let ssh =
        Command::new("ssh").arg("-V").output().map(|o| String::from_utf8_lossy(&o.stderr).trim().to_owned()).unwrap_or_default();
    format!(
        "{cores} cores of {}, {} of memory, Linux {kernel}, {ssh}",
        field(&read("/proc/cpuinfo"), "model name"),
        field(&read("/proc/meminfo"), "MemTotal")
    )
}
