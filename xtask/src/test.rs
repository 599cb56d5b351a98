//! `cargo xtask test`: everything that has to hold.

mod again;

use std::{
    error::Error,
    num::NonZero,
    path::Path,
    process::{Command, ExitCode},
    thread,
};

use crate::{cargo, packages, scenarios};

/// Run everything that has to hold: formatting, lints, all tests, those on lab hosts included
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only tests with this in their name, and no lints
    filter: Option<String>,
}

/// Installs what is missing, then formatting, lints, all tests and doctests, and the short choice of scenarios.
///
/// Tests that need hosts of their own (the lab) are counted as ignored where this account can't make them. A failed test of live nodes
/// is asked once more, alone; if it passes then, it is told as flaky.
///
/// # Errors
/// The first stage that fails.
pub(crate) fn run(Args { filter }: Args) -> Result<ExitCode, Box<dyn Error>> {
    packages::ensure()?;
    if filter.is_none() {
        lint()?;
    }
    // The lab's program is started by tests of other packages, so it has to be there before them.
    cargo::run(&["build", "--workspace", "--bins"])?;
    let at_once = at_once();
    let mut args = vec!["test", "--workspace", "--no-fail-fast"];
    args.extend(filter.as_deref());
    args.extend(["--", &at_once]);
    again::run(&args)?;
    if filter.is_some() {
        return Ok(ExitCode::SUCCESS);
    }
    elixir()?;
    scenarios::run(scenarios::Args::short(cargo::target_dir().join("debug/edeliver")))
}

/// How many tests run at once, as an argument of each test program: twice as many as there are processors, as most of them wait for hosts
/// and nodes most of the time.
fn at_once() -> String {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    format!("--test-threads={}", 2 * processors)
}

/// The tests of the mix package, which has no dependencies and so needs no network.
fn elixir() -> Result<(), Box<dyn Error>> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../elixir");
    let status = Command::new("mix").arg("test").current_dir(package).env("MIX_ENV", "test").status()?;
    if status.success() { Ok(()) } else { Err(format!("mix test in elixir/: {status}").into()) }
}

/// Formatting and clippy, where the toolchain has them.
fn lint() -> Result<(), Box<dyn Error>> {
    for (component, args) in [
        ("fmt", &["fmt", "--all", "--check"][..]),
        ("clippy", &["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"][..]),
    ] {
        match cargo::cargo(&[component, "--version"]).output() {
            Ok(output) if output.status.success() => cargo::run(args)?,
            _ => println!("cargo {component} is not installed here: skipped"),
        }
    }
    Ok(())
}
