//! What a fleet costs: the same change on one host and on many, behind one uplink that all of them share.

use std::{error::Error, fmt::Write as _, path::Path, process::Command};

use super::{cable::Cable, field::Field, measure::Measure, project::Project, report};
use crate::cargo;

/// Between the operator and all hosts together, Mbit/s.
const UPLINK: u32 = 100;
/// Round trip to every host.
const CABLE: Cable = Cable { latency_ms: 40.0, rate_mbit: 0.0 };
/// Larger fleets have no nodes here: each is a virtual machine.
const MOST_NODES: usize = 50;
/// Rivals send everything to every host, which takes its time.
const MOST_RIVALS: usize = 50;

/// One fleet, measured.
struct Row {
    hosts: usize,
    floor: Measure,
    second: Measure,
    ping: Measure,
    rsync: Option<Measure>,
    scp: Option<Measure>,
    upgrade: Option<Measure>,
    /// Most memory of edeliver in the second deploy, MB.
    memory: u64,
}

/// Measures, and gives the page.
pub(super) fn page(edeliver: &Path, sizes: &[usize]) -> Result<String, Box<dyn Error>> {
    let project = Project::small(edeliver.to_owned())?;
    let mut rows = Vec::new();
    for &hosts in sizes {
        eprintln!("xtask: a fleet of {hosts}");
        rows.push(measured(&Field::up(&project, hosts, CABLE)?, hosts)?);
    }
    Ok(text(&rows, project.archive_bytes(), &thousand()?))
}

fn measured(field: &Field<'_>, hosts: usize) -> Result<Row, Box<dyn Error>> {
    field.aim_with("apps", "[upgrade]\nsoak = \"1s\"\n")?;
    field.edeliver("deploy release to production --version=0.1.0 --yes")?;
    let upgrade = if hosts <= MOST_NODES { Some(upgraded(field)?) } else { None };
    field.aim("more")?;
    field.edeliver("deploy release to production --version=0.1.0 --yes")?;
    field.uplink(UPLINK)?;
    let floor = field.floor()?;
    let ping = field.edeliver("ping production").or_else(|_| field.edeliver("releases production"))?;
    let (second, memory) = field.edeliver_and_memory("deploy release to production --version=0.1.1 --yes")?;
    let rivals = hosts <= MOST_RIVALS;
    let rsync = rivals.then(|| rsync(field)).transpose()?;
    let scp = rivals.then(|| field.scp("0.1.1", 0)).transpose()?;
    Ok(Row { hosts, floor, second, ping, rsync, scp, upgrade, memory })
}

/// Nodes that run go from one release to the next.
fn upgraded(field: &Field<'_>) -> Result<Measure, Box<dyn Error>> {
    field.edeliver("start production --yes")?;
    field.uplink(UPLINK)?;
    let upgrade = field.edeliver("deploy upgrade to production --version=0.1.1 --yes")?;
    field.no_uplink()?;
    field.edeliver("stop production --yes")?;
    Ok(upgrade)
}

/// The second release, ten hosts at a time; the first is there already.
fn rsync(field: &Field<'_>) -> Result<Measure, Box<dyn Error>> {
    field.no_uplink()?;
    field.rsync_ten("0.1.0")?;
    field.uplink(UPLINK)?;
    field.rsync_ten("0.1.1")
}

/// Milliseconds and megabytes of planning for a thousand hosts, as `cargo bench` prints them.
fn thousand() -> Result<String, Box<dyn Error>> {
    let output = Command::new(env!("CARGO"))
        .args(["bench", "-q", "-p", "edeliver-core", "--bench", "thousand"])
        .current_dir(cargo::workspace())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("hosts ")).ok_or("the bench of a thousand hosts printed nothing")?;
    Ok(line.to_owned())
}

fn text(rows: &[Row], archive: u64, thousand: &str) -> String {
    let mut out = format!(
        "# Bench of fleets\n\nMade by `cargo xtask bench --fleets --write`: one measurement each, everything (operator, hosts, nodes) on one machine: {}. \
         40 ms to every host, {UPLINK} Mbit/s from the operator to all of them together. The release is the Elixir sample with OTP's ssl, inets, mnesia …; \
         its archive has {} KB. One module differs. The floor is `ssh host true` on all hosts at once; rsync runs on ten hosts at a time. With many \
         hosts the two processors are the limit, for the floor as for everything else: each login alone takes both sides' share of one.\n\n",
        report::machine(),
        archive / 1000
    );
    out.push_str(
        "## The same change on more hosts\n\n| hosts | second deploy | a host | of one host's | of the floor | rsync takes | bytes a host | rsync's | \
         scp's | memory | logins a host |\n|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let one = rows.first().map(|row| row.second.wall.as_secs_f64()).unwrap_or_default();
    for row in rows {
        let seconds = row.second.wall.as_secs_f64();
        let n = row.hosts as u64;
        let times = |other: &Option<Measure>| {
            other.map_or("–".to_owned(), |other| format!("{:.1} × as long", other.wall.as_secs_f64() / seconds))
        };
        let bytes = |other: &Option<Measure>| {
            other.map_or("–".to_owned(), |other| format!("{:.0} ×", other.bytes as f64 / row.second.bytes as f64))
        };
        let _ = writeln!(
            out,
            "| {} | {seconds:.2} s | {:.3} s | {:.1} × | {:.2} × | {} | {} KB | {} | {} | {} MB | {:.1} |",
            row.hosts,
            seconds / row.hosts as f64,
            seconds / one,
            seconds / row.floor.wall.as_secs_f64(),
            times(&row.rsync),
            row.second.bytes / n / 1000,
            bytes(&row.rsync),
            bytes(&row.scp),
            row.memory,
            row.second.logins as f64 / row.hosts as f64,
        );
    }
    out.push_str("\n## Running nodes upgraded: stage, install, verify for 1 s, commit\n\n| hosts | upgrade | a host | of one host's | floor | asked for releases |\n|--:|--:|--:|--:|--:|--:|\n");
    let one = rows.iter().find_map(|row| row.upgrade).map(|upgrade| upgrade.wall.as_secs_f64()).unwrap_or_default();
    for row in rows {
        let seconds = row.upgrade.map(|upgrade| upgrade.wall.as_secs_f64());
        let of = |figure: Option<f64>, unit: &str| figure.map_or("–".to_owned(), |figure| format!("{figure:.2} {unit}"));
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {:.2} s | {:.2} s |",
            row.hosts,
            of(seconds, "s"),
            of(seconds.map(|seconds| seconds / row.hosts as f64), "s"),
            of(seconds.map(|seconds| seconds / one), "×"),
            row.floor.wall.as_secs_f64(),
            row.ping.wall.as_secs_f64(),
        );
    }
    let words: Vec<&str> = thousand.split(' ').collect();
    let figure = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1)).copied().unwrap_or("?");
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
    out
}
