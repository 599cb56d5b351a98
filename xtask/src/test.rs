//! `cargo xtask test`: everything that has to hold.

use std::{
    error::Error,
    path::Path,
    process::{Command, ExitCode},
};

use crate::{cargo, packages};

/// Run everything that has to hold: formatting, lints, all tests, those on lab hosts included
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only tests with this in their name, and no lints
    filters: Vec<String>,
}

/// Installs what is missing, then formatting, lints, all tests and doctests.
///
/// Tests that need hosts of their own (the lab) are counted as ignored where this account can't make them.
///
/// # Errors
/// The first stage that fails.
pub(crate) fn run(Args { filters }: Args) -> Result<ExitCode, Box<dyn Error>> {
    packages::ensure()?;
    if filters.is_empty() {
        lint()?;
    }
    // The lab's program is started by tests of other packages, so it has to be there before them.
    cargo::run(&["build", "--workspace", "--bins"])?;
    let mut args = vec!["test", "--workspace", "--no-fail-fast"];
    args.extend(filters.iter().map(String::as_str));
    cargo::run(&args)?;
    if filters.is_empty() {
        elixir()?;
    }
    Ok(ExitCode::SUCCESS)
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
