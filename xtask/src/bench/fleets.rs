//! What a fleet costs: the same change on one host and on many, behind one uplink that all of them share.

mod page;

use std::{error::Error, path::Path, process::Command};

use self::page::Page;
use super::{cable::Cable, dilation, field::Field, measure::Measure, project::Project};
use crate::cargo;

/// Between the operator and all hosts together, Mbit/s.
const UPLINK: u32 = 100;
/// Round trip to every host, milliseconds.
const ROUND_TRIP: u32 = 40;
/// Seconds that an upgrade is watched.
const SOAK: u32 = 1;
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

/// Measures, and gives the page. `dilated`: only with a processor for each host.
pub(super) fn page(edeliver: &Path, sizes: &[usize], dilated: bool) -> Result<String, Box<dyn Error>> {
    let project = Project::make(edeliver.to_owned())?;
    let small: Vec<usize> = sizes.iter().copied().filter(|hosts| *hosts <= MOST_NODES).collect();
    let slower = dilation(small.iter().copied().max().unwrap_or_default());
    let slow = rows(&project, &small, slower)?;
    let rows = if dilated { Vec::new() } else { rows(&project, sizes, 1)? };
    Ok(Page { rows, slow, slower, archive: project.archive_bytes(), thousand: thousand()? }.text())
}

/// `slower`: so many times as slow as it should be is all that is not done by processors.
fn rows(project: &Project, sizes: &[usize], slower: u32) -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for &hosts in sizes {
        let cable = Cable { latency_ms: f64::from(ROUND_TRIP * slower), rate_mbit: 0.0 };
        eprintln!("xtask: a fleet of {hosts} at {cable}");
        rows.push(measured(&Field::up(project, hosts, cable)?, hosts, slower)?);
    }
    Ok(rows)
}

fn measured(field: &Field<'_>, hosts: usize, slower: u32) -> Result<Row, Box<dyn Error>> {
    field.aim_with("apps", &format!("[upgrade]\nsoak = \"{}s\"\n", SOAK * slower))?;
    field.edeliver("deploy release to production --version=0.1.0 --yes")?;
    let upgrade = if hosts <= MOST_NODES { Some(upgraded(field, slower)?) } else { None };
    field.aim("more")?;
    field.edeliver("deploy release to production --version=0.1.0 --yes")?;
    field.uplink(UPLINK, slower)?;
    let floor = field.floor()?;
    let ping = field.edeliver("ping production").or_else(|_| field.edeliver("releases production"))?;
    let (second, memory) = field.edeliver_and_memory("deploy release to production --version=0.1.1 --yes")?;
    let rivals = hosts <= MOST_RIVALS && slower == 1;
    let rsync = rivals.then(|| rsync(field)).transpose()?;
    let scp = rivals.then(|| field.scp("0.1.1", 0)).transpose()?;
    Ok(Row { hosts, floor, second, ping, rsync, scp, upgrade, memory })
}

/// Nodes that run go from one release to the next.
fn upgraded(field: &Field<'_>, slower: u32) -> Result<Measure, Box<dyn Error>> {
    field.edeliver("start production --yes")?;
    field.uplink(UPLINK, slower)?;
    let upgrade = field.edeliver("deploy upgrade to production --version=0.1.1 --yes")?;
    field.no_uplink()?;
    field.edeliver("stop production --yes")?;
    Ok(upgrade)
}

/// The second release, ten hosts at a time; the first is there already.
fn rsync(field: &Field<'_>) -> Result<Measure, Box<dyn Error>> {
    field.no_uplink()?;
    field.rsync_ten("0.1.0")?;
    field.uplink(UPLINK, 1)?;
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
