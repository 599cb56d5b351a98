//! `cargo xtask bench`: what edeliver costs beside the tools one would use by hand, measured in one run and told as ratios.
//!
//! Everything happens on hosts of the lab, with and without a delay on their cables: `scp` of the whole archive and `tar`, `rsync -az` of
//! the unpacked release, plain `ssh host true`, and `mix release` over ssh. Bytes are counted at the hosts' network cards.

mod cable;
mod calls;
mod field;
mod fleets;
mod measure;
mod project;
mod remarks;
mod report;
mod rivals;
mod upgrades;

use std::{error::Error, path::PathBuf, process::ExitCode};

use crate::{cargo, packages};
use cable::Cable;
use field::Field;
use measure::{Measure, Series};
use project::Project;
use report::Report;

/// So many times as slow as it should be is all that is not done by processors, where each of so many hosts, and the operator, is to have one (time
/// dilation: Gupta et al., *To Infinity and Beyond: Time-Warped Network Emulation*, NSDI 2006). 1: they have.
fn dilation(hosts: usize) -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    u32::try_from((hosts + 1) / processors).unwrap_or(1).max(1)
}

/// Measure edeliver against scp, rsync and plain ssh on lab hosts, as ratios in one run
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Numbers of production hosts
    #[arg(long, value_delimiter = ',', default_values_t = [1, 3, 10])]
    hosts: Vec<usize>,
    /// Cables: added round trip time in milliseconds, and a speed limit in Mbit/s behind a slash
    #[arg(long, value_delimiter = ',', default_value = "0,40,40/100")]
    cables: Vec<Cable>,
    /// How often everything is measured; the median counts
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure hot upgrades on a node of this machine, and nothing else
    #[arg(long)]
    upgrades: bool,
    /// Measure fleets of these sizes behind one uplink, and nothing else
    #[arg(long, value_delimiter = ',', num_args = 0.., default_missing_value = "1,10,50", conflicts_with = "upgrades")]
    fleets: Vec<usize>,
    /// Of fleets, measure only what they do with a processor for each host
    #[arg(long, requires = "fleets", conflicts_with = "write")]
    dilated: bool,
    /// Measure only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Part>,
    /// This edeliver instead of the one of this checkout
    #[arg(long)]
    program: Option<PathBuf>,
    /// Write the tables to docs/bench.md (docs/bench-upgrades.md, docs/bench-fleets.md)
    #[arg(long, conflicts_with = "only")]
    write: bool,
}

/// A table of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    /// First and second deploys
    Deploys,
    /// ping and version
    Nodes,
    /// Calls to a node of this machine
    Calls,
    /// Builds after a one-line change
    Builds,
}

impl Args {
    fn has(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

/// Measures and prints the tables.
///
/// # Errors
/// If this machine can't hold a lab, or a measured command fails.
pub(crate) fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    packages::ensure()?;
    let edeliver = args.program.clone().map_or_else(|| cargo::build_release_program("edeliver"), Ok)?;
    if args.upgrades {
        return shown(&upgrades::page(&edeliver)?, args.write.then_some("docs/bench-upgrades.md"));
    }
    if !args.fleets.is_empty() {
        return shown(&fleets::page(&edeliver, &args.fleets, args.dilated)?, args.write.then_some("docs/bench-fleets.md"));
    }
    let project = Project::make(edeliver)?;
    let calls = args.has(Part::Calls).then(|| calls::measured(&project, args.rounds)).transpose()?;
    let mut report = Report::new(args.rounds, calls);
    for &cable in &args.cables {
        for &hosts in &args.hosts {
            eprintln!("xtask: {hosts} hosts at {cable}");
            let field = Field::up(&project, hosts, cable)?;
            report.add(measured(&field, &args)?);
        }
        if args.has(Part::Builds) {
            eprintln!("xtask: builds at {cable}");
            report.add_build(cable, builds(&Field::up(&project, 1, cable)?, args.rounds)?);
        }
    }
    for cable in args.cables.iter().filter(|cable| args.has(Part::Deploys) && cable.is_far()) {
        for (hosts, slower) in args.hosts.iter().map(|hosts| (*hosts, dilation(*hosts))).filter(|(_, slower)| *slower > 1) {
            let slow = cable.slower(slower);
            eprintln!("xtask: {hosts} hosts at {slow}");
            let mut series = Series::new(hosts, slow);
            deploys(&Field::up(&project, hosts, slow)?, 0, &mut series)?;
            report.add_slow(*cable, series);
        }
    }
    let text = report.text(project.archive_bytes());
    shown(&text, args.write.then_some("docs/bench.md"))
}

/// Prints a page, and writes it where it belongs.
fn shown(text: &str, page: Option<&str>) -> Result<ExitCode, Box<dyn Error>> {
    println!("{text}");
    if let Some(page) = page {
        std::fs::write(cargo::workspace().join(page), text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Deploys, pings and versions on one field of hosts.
fn measured(field: &Field<'_>, args: &Args) -> Result<Series, Box<dyn Error>> {
    let mut series = Series::new(field.hosts(), field.cable());
    if args.has(Part::Deploys) {
        for round in 0..args.rounds {
            deploys(field, round, &mut series)?;
        }
    }
    if args.has(Part::Nodes) {
        nodes(field, 2 * args.rounds, &mut series)?;
    }
    Ok(series)
}

/// Both versions to hosts that have neither, in all three ways.
fn deploys(field: &Field<'_>, round: usize, series: &mut Series) -> Result<(), Box<dyn Error>> {
    field.aim(&format!("apps{round}"))?;
    series.first.ours.push(field.edeliver("deploy release to production --version=0.1.0 --yes")?);
    series.first.scp.push(field.scp("0.1.0", round)?);
    series.first.rsync.push(field.rsync("0.1.0", round)?);
    series.second.ours.push(field.edeliver("deploy release to production --version=0.1.1 --yes")?);
    series.second.scp.push(field.scp("0.1.1", round)?);
    series.second.rsync.push(field.rsync("0.1.1", round)?);
    Ok(())
}

/// Questions to nodes of a release that is there, or is put there for it.
fn nodes(field: &Field<'_>, rounds: usize, series: &mut Series) -> Result<(), Box<dyn Error>> {
    field.aim("apps0")?;
    field.edeliver("deploy release to production --version=0.1.1 --yes")?;
    field.edeliver("start production --yes")?;
    for round in 0..rounds {
        series.ping.push(field.edeliver("ping production")?);
        series.floor.push(field.floor()?);
        series.version.push(field.edeliver("version production")?);
        series.open_floor.push(field.open_floor()?);
        // Virtual machines start for these, which takes long.
        if round % 2 == 0 {
            series.rpc.push(field.rpc("apps0")?);
            series.rpc_in_turn.push(field.rpc_in_turn("apps0")?);
        }
    }
    field.edeliver("stop production --yes")?;
    Ok(())
}

/// A build after a one-line change: ours, and by hand.
fn builds(field: &Field<'_>, rounds: usize) -> Result<(Vec<Measure>, Vec<Measure>), Box<dyn Error>> {
    field.build_by_hand("warm up", 0)?;
    field.build("warm up", 0)?;
    let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
    for round in 1..=rounds {
        ours.push(field.build("ours", round)?);
        by_hand.push(field.build_by_hand("by hand", round)?);
    }
    Ok((ours, by_hand))
}
