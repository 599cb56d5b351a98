//! `cargo xtask scenarios`: hot upgrades of all kinds, tried on real nodes under load, against what is expected of each.
//!
//! A row (`xtask/scenarios/rows/NAME.row`) has versions of an application. A release with the first version of all rows is deployed and
//! started; each row's second version is a release of its own, to which the node is upgraded by edeliver, down again, and up again. A row that
//! would spoil the node for others has one of its own.

mod base;
mod choice;
mod compose;
mod look;
mod node;
mod report;
mod roads;
mod row;
mod stage;
mod tour;
mod trial;
mod work;
mod workshop;

use std::{
    error::Error,
    fs,
    hash::{DefaultHasher, Hash, Hasher as _},
    path::PathBuf,
    process::ExitCode,
};

use crate::{cargo, packages};
use row::{Engine, Row};

/// Upgrade real nodes in every way we know of, and compare with what is expected
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only these rows
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Only with this engine
    #[arg(long)]
    engine: Option<Engine>,
    /// Only what `cargo xtask test` has time for: all hot ones at once, and one of each other kind
    #[arg(long, conflicts_with_all = ["only", "engine"])]
    short: bool,
    /// This edeliver instead of an optimised one that is built first
    #[arg(long)]
    program: Option<PathBuf>,
    /// Show rows and what is expected of them
    #[arg(long)]
    list: bool,
    /// Write the table to docs/scenarios.md; rows that are not tried now stay as they are there
    #[arg(long)]
    write: bool,
}

/// Tries all rows and prints the table.
///
/// # Errors
/// If something stopped the whole; rows that come out otherwise than expected are told in the table and by the exit code.
pub(crate) fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    let rows: Vec<Row> = Row::all()?.into_iter().filter(|row| args.only.is_empty() || args.only.contains(&row.name)).collect();
    if args.list {
        for row in &rows {
            println!("{:<5} {:<28} {}", row.tool.name(), row.name, row.what);
        }
        return Ok(ExitCode::SUCCESS);
    }
    packages::ensure()?;
    // Each of some thousand commands reads whole releases.
    let edeliver = args.program.map_or_else(|| cargo::build_release_program("edeliver"), |program| Ok(program.canonicalize()?))?;
    fs::create_dir_all(cache())?;
    let engines = args.engine.map_or(Engine::ALL.to_vec(), |engine| vec![engine]);
    let choice = if args.short { choice::short(&rows) } else { choice::all(&rows, &engines) };
    let (table, all) = (cargo::workspace().join("docs/scenarios.md"), Row::all()?);
    let before = fs::read_to_string(&table).unwrap_or_default();
    // Some of them at once are not all of them at once.
    let counts = |(name, _): &(String, Engine)| args.only.is_empty() || args.only.contains(name);
    let write = |found: &work::All| {
        let found = found.iter().filter(|(key, _)| counts(key)).map(|(key, one)| (key.clone(), one.clone())).collect();
        let text = report::Report { rows: &all, found: &found, before: &before }.text();
        // After each row: somebody may have no time for the others.
        if args.write
            && let Err(why) = fs::write(&table, text)
        {
            eprintln!("xtask: {}: {why}", table.display());
        }
    };
    let mut found = work::all(&edeliver, &rows, &engines, &choice, &write)?;
    found.retain(|key, _| counts(key));
    let report = report::Report { rows: &rows, found: &found, before: "" };
    println!("{}", report.text());
    for wrong in report.wrong() {
        eprintln!("{wrong}");
    }
    Ok(if report.wrong().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `xtask/scenarios`.
fn folder() -> PathBuf {
    cargo::workspace().join("xtask/scenarios")
}

/// What can be made again, and need not be.
fn cache() -> PathBuf {
    cargo::target_dir().join("scenarios")
}

/// A name for content.
fn digest(content: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}
