//! `cargo xtask matrix`: the tests that have to do with nodes once more, with the programs of other Debian releases: those of Erlang's formats
//! and protocols, those with nodes of this machine and of hot upgrades, those of the mix package, and those on lab hosts.
//!
//! Releases are then built and run by another OTP and Elixir, linked with another libc, reached through another sshd. Each system is made
//! once, by debootstrap, in a folder that can be removed at any time.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use crate::{cargo, packages};

/// Where systems come from.
const MIRROR: &str = "http://deb.debian.org/debian";

/// Run the tests with nodes and those on lab hosts with other Debian releases: other OTP, Elixir, libc, sshd
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Debian suites
    #[arg(long, value_delimiter = ',', default_values_t = ["trixie".to_owned(), "sid".to_owned()])]
    suites: Vec<String>,
    /// Where the systems are kept (about 1 GB each)
    #[arg(long, default_value = "/var/tmp/edeliver-matrix")]
    folder: PathBuf,
    /// Only make the systems
    #[arg(long)]
    only_make: bool,
    /// Only tests with this in their name
    filter: Option<String>,
}

/// Makes what is missing, runs the tests on each, and says how it went.
///
/// # Errors
/// A system can't be made, or tests fail on it; the others are tried all the same.
pub(crate) fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    packages::ensure()?;
    let mut failed = Vec::new();
    for suite in &args.suites {
        let system = system(&args.folder, suite)?;
        let versions = versions(&system)?;
        println!("xtask: hosts of {suite} have {versions}");
        if !args.only_make && !test(&system, args.filter.as_deref())? {
            failed.push(suite.as_str());
        }
    }
    match failed.as_slice() {
        [] => Ok(ExitCode::SUCCESS),
        failed => Err(format!("tests failed on {}", failed.join(", ")).into()),
    }
}

/// The folder of a suite's system, made if it is not there or was not finished.
fn system(folder: &Path, suite: &str) -> Result<PathBuf, Box<dyn Error>> {
    let system = folder.join(suite);
    let finished = folder.join(format!("{suite}.finished"));
    if finished.exists() {
        return Ok(system);
    }
    println!("xtask: making a Debian {suite} in {} (some minutes)", system.display());
    fs::create_dir_all(folder)?;
    if system.exists() {
        fs::remove_dir_all(&system)?;
    }
    debootstrap(&system, suite, &packages::packages().collect::<Vec<_>>())?;
    fs::write(finished, "")?;
    Ok(system)
}

/// A Debian in a folder, with these packages beside what none is without.
///
/// # Errors
/// debootstrap is missing, or has failed.
pub(crate) fn debootstrap(system: &Path, suite: &str, packages: &[&str]) -> Result<(), Box<dyn Error>> {
    let mut debootstrap = Command::new("debootstrap");
    debootstrap.arg("--variant=minbase");
    if !packages.is_empty() {
        debootstrap.arg(format!("--include={}", packages.join(",")));
    }
    match debootstrap.arg(suite).arg(system).arg(MIRROR).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(format!("debootstrap {suite} ended with {status}; its log: {}/debootstrap/debootstrap.log", system.display())
                .into())
        }
        Err(error) => {
            Err(format!("debootstrap can't be started: {error} (apt-get install debootstrap; only root can use it)").into())
        }
    }
}

/// OTP and Elixir, as a lab host with this system says itself: what is told is what is tested.
fn versions(system: &Path) -> Result<String, Box<dyn Error>> {
    let lab = cargo::build_program("edeliver-lab")?;
    let state = tempfile::TempDir::with_prefix("edeliver-matrix-")?;
    let ask = |words: &[&str]| {
        let mut command = Command::new(&lab);
        command.args(words).env("LAB_STATE", state.path().join("lab")).env("LAB_USR", system.join("usr")).output()
    };
    ask(&["up", "0"])?;
    let output = ask(&["exec", "build", "env", "LC_ALL=C.UTF-8", "elixir", "--version"])?;
    ask(&["down"])?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<&str> = text.lines().filter(|line| line.starts_with("Erlang") || line.starts_with("Elixir")).collect();
    if lines.is_empty() {
        return Err(format!("{} has no Elixir that runs: {}", system.display(), String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(lines.join(", "))
}

/// Test programs that run within the system, as if they had been started there. Those of the lab run here: their hosts have the system.
const WITHIN: [[&str; 4]; 5] = [
    ["-p", "edeliver-erl", "--lib", "--"],
    ["-p", "edeliver-erl", "--test=mutation", "--"],
    ["-p", "edeliver", "--test=nodes", "--"],
    ["-p", "edeliver", "--test=agent", "--"],
    ["-p", "edeliver", "--test=upgrades", "--"],
];

/// Runs them all; whether all went well.
fn test(system: &Path, filter: Option<&str>) -> Result<bool, Box<dyn Error>> {
    cargo::run(&["build", "--workspace", "--bins"])?;
    let mut well = true;
    for words in WITHIN {
        well &= within(system, &words).args(filter).status()?.success();
    }
    well &= mix_package(system).status()?.success();
    let mut on_hosts = cargo::cargo(&["test", "-p", "edeliver", "--test", "lab", "--"]);
    let on_hosts = on_hosts.args(filter).env("LAB_USR", system.join("usr")).status()?;
    Ok(well && on_hosts.success())
}

/// The tests of the mix package, on a copy: what is compiled there is of no use here.
fn mix_package(system: &Path) -> Command {
    let checkout = cargo::workspace();
    let mut command = Command::new("sh");
    command.current_dir(checkout).arg(checkout.join("xtask/src/matrix/within.sh")).args([system, checkout]);
    command.args(["sh", "-c", "cp -r elixir /tmp/package && cd /tmp/package && rm -rf _build && exec mix test"]);
    command
}

/// `cargo test` with these words, whose programs run within the system.
fn within(system: &Path, words: &[&str]) -> Command {
    let checkout = cargo::workspace();
    let script = checkout.join("xtask/src/matrix/within.sh");
    let runner =
        [Path::new("sh"), script.as_path(), system, checkout].map(|word| format!("{:?}", word.display().to_string())).join(", ");
    let config = format!("target.\"cfg(unix)\".runner = [{runner}]");
    let mut command = cargo::cargo(&["test", "--config", &config]);
    command.args(words);
    command
}
