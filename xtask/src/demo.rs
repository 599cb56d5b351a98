//! `cargo xtask demo`: the main job, as a user would do and see it, on hosts made for it.
//!
//! With root the hosts are those of the lab: a build host, a staging host and three production hosts, reached by ssh. Without
//! root each host is a folder on this machine, reached by the `local` transport.

mod project;
mod stage;

use std::{error::Error, process::ExitCode, time::Instant};

use crate::packages;
use project::Project;
use stage::Stage;

/// Build edeliver, make two sample applications and five hosts, and take both from a commit to running nodes
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Folders of this machine as hosts, also where real ones are possible
    #[arg(long)]
    local: bool,
}

/// Installs what is missing, builds edeliver, and shows what it does.
///
/// # Errors
/// Whatever stopped it: a missing package, a failed command.
pub(crate) fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    packages::ensure()?;
    let edeliver = crate::cargo::build_program("edeliver")?;
    let began = Instant::now();
    let stage = Stage::up(edeliver, args.local)?;
    let elixir = Project::elixir(&stage)?;
    let erlang = Project::erlang(&stage)?;
    for project in [&elixir, &erlang] {
        first_release(project)?;
        second_release_and_back(project)?;
        without_a_restart(project)?;
    }
    say("Where everything is now");
    for project in [&elixir, &erlang] {
        project.edeliver("releases production")?;
        project.edeliver("version production")?;
    }
    say(&format!("Done in {:.0} s. Nothing is left behind: {}", began.elapsed().as_secs_f64(), stage.farewell()));
    Ok(ExitCode::SUCCESS)
}

fn first_release(project: &Project<'_>) -> Result<(), Box<dyn Error>> {
    say(&format!("{}: from a commit to running nodes", project.title()));
    project.edeliver("build release --tag=v0.1.0")?;
    project.edeliver("show releases")?;
    project.edeliver("deploy release to staging --start-deploy")?;
    project.edeliver("deploy release to production --yes")?;
    project.edeliver("start production --yes")?;
    project.edeliver("ping production")?;
    project.edeliver("version production")
}

fn second_release_and_back(project: &Project<'_>) -> Result<(), Box<dyn Error>> {
    say(&format!("{}: a second version, and back", project.title()));
    project.edeliver("build release --tag=v0.2.0")?;
    project.edeliver("deploy release to production --version=0.2.0 --start-deploy --plan")?;
    project.edeliver("deploy release to production --version=0.2.0 --start-deploy --yes")?;
    project.edeliver("version production")?;
    project.edeliver("rollback production --yes")?;
    project.edeliver("ping production")
}

/// A counter survives an upgrade of the running nodes, a failed one, and the way back.
fn without_a_restart(project: &Project<'_>) -> Result<(), Box<dyn Error>> {
    say(&format!("{}: to the second version without a restart", project.title()));
    project.count("staging", 3)?;
    project.edeliver("diff 0.1.0 0.2.0")?;
    project.edeliver("deploy upgrade to staging --version=0.2.0 --yes")?;
    project.count("staging", 1)?;
    say(&format!("{}: a third version whose code_change fails is taken back, with the state", project.title()));
    project.broken("0.3.0")?;
    project.edeliver("build release --tag=v0.3.0")?;
    project.edeliver_fails("deploy upgrade to staging --version=0.3.0 --yes")?;
    project.count("staging", 1)?;
    say(&format!("{}: and back to the first version, still without a restart", project.title()));
    project.edeliver("rollback staging --yes")?;
    project.count("staging", 1)?;
    project.edeliver("status staging")
}

/// A heading between the commands.
fn say(text: &str) {
    println!("\n=== {text}\n");
}
