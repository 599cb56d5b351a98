//! `cargo xtask test`: everything that has to hold.

mod again;
mod lanes;
mod programs;

use std::{
    env,
    error::Error,
    num::NonZero,
    path::Path,
    process::{Command, ExitCode},
    thread,
};

use edeliver_lab::Lab;

use crate::{cargo, packages};
use lanes::Job;
use programs::Program;

/// Run everything that has to hold: formatting, lints, all tests, those on lab hosts included
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only tests with this in their name, and no lints
    filter: Option<String>,
}

/// Test programs that wait for hosts and nodes most of their time, the longest first.
const WAITING: [&str; 9] = ["lab", "upgrades", "deploys", "nodes", "transport_lab", "migrations", "disks", "ecto", "transport"];

/// Installs what is missing, then formatting, lints, all tests and doctests, the short choice of scenarios, and ten minutes of chaos.
///
/// Tests that need hosts of their own (the lab) are counted as ignored where this account can't make them. A failed test of live nodes
/// is asked once more, alone; if it passes then, it is told as flaky.
///
/// # Errors
/// The first stage that fails.
pub(crate) fn run(Args { filter }: Args) -> Result<ExitCode, Box<dyn Error>> {
    packages::ensure()?;
    let all = filter.is_none();
    if all && has("fmt") {
        cargo::run(&["fmt", "--all", "--check"])?;
    }
    let filter = filter.as_slice();
    let (waiting, busy): (Vec<_>, Vec<_>) = programs::build()?.into_iter().partition(|program| rank(program).is_some());
    let mut jobs = in_order(waiting, filter);
    if all {
        jobs.insert(1.min(jobs.len()), itself("scenarios")?);
    }
    let beside = if all { chaos().transpose()? } else { None };
    jobs.extend(in_order(busy, filter));
    jobs.push(doctests(filter));
    if all {
        jobs.push(elixir());
        jobs.extend(has("clippy").then(clippy));
    }
    again::settle(&lanes::run(jobs, beside)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Its place among those that wait.
fn rank(program: &Program) -> Option<usize> {
    WAITING.iter().position(|name| !program.is_unit() && *name == program.name)
}

fn in_order(mut programs: Vec<Program>, filter: &[String]) -> Vec<Job> {
    programs.sort_by_key(|program| (program.is_unit(), rank(program)));
    programs.into_iter().map(|program| tests(program, filter)).collect()
}

/// Twice as many tests at once as there are processors, where most of them wait for hosts and nodes most of the time.
fn tests(program: Program, filter: &[String]) -> Job {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let at_once = if rank(&program).is_some() { 2 * processors } else { processors };
    let mut command = program.command();
    command.args(filter).arg(format!("--test-threads={at_once}"));
    Job { title: program.title(), command, program: Some(program) }
}

fn doctests(filter: &[String]) -> Job {
    let mut command = cargo::cargo(&["test", "--workspace", "--doc", "--quiet", "--"]);
    command.args(filter);
    Job { title: "doctests".to_owned(), command, program: None }
}

/// The tests of the mix package, which has no dependencies and so needs no network.
fn elixir() -> Job {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("../elixir");
    let mut command = Command::new("mix");
    command.arg("test").current_dir(package).env("MIX_ENV", "test");
    Job { title: "mix test in elixir".to_owned(), command, program: None }
}

/// The short form of another habit, with the edeliver that is tested. Whatever else goes on has the processors first.
fn itself(habit: &str) -> Result<Job, Box<dyn Error>> {
    let mut command = Command::new("nice");
    command.arg(env::current_exe()?).args([habit, "--short", "--program"]).arg(cargo::target_dir().join("debug/edeliver"));
    Ok(Job { title: habit.to_owned(), command, program: None })
}

/// Where there can be hosts for it. It waits so much that it has a lane of its own.
fn chaos() -> Option<Result<Job, Box<dyn Error>>> {
    match Lab::possible() {
        Ok(()) => Some(itself("chaos")),
        Err(why) => {
            println!("chaos is skipped: {why}");
            None
        }
    }
}

fn clippy() -> Job {
    let command = cargo::cargo(&["clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"]);
    Job { title: "clippy".to_owned(), command, program: None }
}

/// Whether the toolchain has this component; told if not.
fn has(component: &str) -> bool {
    let has = cargo::cargo(&[component, "--version"]).output().is_ok_and(|output| output.status.success());
    if !has {
        println!("cargo {component} is not installed here: skipped");
    }
    has
}
