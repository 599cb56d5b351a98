//! `edeliver setup TARGET`: has systemd run the nodes of a target.

use std::collections::HashMap;

use edeliver_core::{
    name::HostName,
    plan::{self, HostPlan, Plan, SetupFacts, SetupRequest},
    release::ReleaseKind,
    step::{Setup, Step},
    unit::{Unit, diff::diff},
};
use indexmap::IndexMap;

use super::fleet::Fleet;
use crate::{
    cli::options::{PlanArgs, TargetArgs},
    ctx::Ctx,
    error::{Error, Kind},
    service,
};

/// Arguments of `setup`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Where `service` of the target is \"systemd\" or \"systemd-user\", this writes the unit and a file with the target's \
                  environment that only its owner can read, and has systemd start the node at boot. Both are shown before \
                  anything is written, the environment without its values. Nodes that run are left alone.\n\n\
                  Example:\n  edeliver setup production --plan   what would be written, and how it differs from what is there\n  \
                  edeliver setup production\n  edeliver restart production"
)]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Replace a unit that edeliver did not write
    #[arg(short = 'F', long)]
    pub force: bool,
    /// Print a shell script that does it, for root on one host; it has the environment in it
    #[arg(long, conflicts_with_all = ["plan", "exit_code"])]
    pub script: bool,
    /// What to do with the plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let app = ctx.settings()?.app.clone();
    let mut target = ctx.target(&args.target).await?;
    let unit = Unit::of(&target, &app).ok_or_else(|| no_unit(target.name.as_str()))?;
    let how = if args.script { PlanArgs { plan: true, ..args.plan } } else { args.plan };
    // Something is written that root runs, or that runs at every boot.
    target.confirm = true;
    let fleet = Fleet::gather(ctx, target, format!("set up {app} on {}", args.target.target), how).await?;
    let found = fleet.look(ctx, &unit).await?;
    let request = SetupRequest { app, unit, force: args.force, kind: kind_in_store(ctx).await };
    let plan = plan::setup(&request, &fleet.target, &fleet.facts, &|host| found.get(host).cloned());
    if args.script {
        let printed = script(ctx, &fleet, &request, &found);
        fleet.close().await;
        return printed;
    }
    show_units(ctx, &plan, &found);
    fleet.carry_out(ctx, plan, args.plan, None).await
}

fn no_unit(target: &str) -> Error {
    let error = Error::new(Kind::Config, "the release's own start script runs these nodes, so there is nothing to set up");
    error.hint(edeliver_core::hint::Hint::text(format!("write `service = \"systemd\"` into [targets.{target}]")))
}

/// What will be on hosts that have no release yet.
async fn kind_in_store(ctx: &Ctx) -> Option<ReleaseKind> {
    let store = ctx.store().ok()?;
    let newest = move || Some(store.release(store.list().ok()?.stored.last()?).ok()?.kind);
    crate::store::blocking(move || Ok::<_, Error>(newest())).await.ok()?
}

/// The units that are to be written, each text once: whole where there is none, otherwise what changes.
fn show_units(ctx: &Ctx, plan: &Plan, found: &HashMap<HostName, SetupFacts>) {
    let mut texts: IndexMap<String, Vec<&str>> = IndexMap::new();
    for (host, setup) in plan.hosts.iter().filter_map(|host| Some((host, setup_of(host)?))) {
        let installed = found.get(&host.host).and_then(|found| found.installed.as_ref());
        let text = match installed {
            None => setup.text.clone(),
            Some(installed) if *installed == setup.text => continue,
            Some(installed) => diff(installed, &setup.text).join("\n"),
        };
        let text = text.lines().map(|line| format!("    {line}").trim_end().to_owned()).collect::<Vec<_>>().join("\n");
        texts.entry(format!("{}:\n{text}", setup.path)).or_default().push(host.host.as_str());
    }
    for (text, hosts) in texts {
        ctx.reporter.info(format!("{}: {text}", hosts.join(", ")));
    }
}

fn setup_of(host: &HostPlan) -> Option<&Setup> {
    host.steps.iter().find_map(|step| match step {
        Step::Setup(setup) => Some(setup),
        _ => None,
    })
}

/// The script for one host, as root would need it.
fn script(ctx: &Ctx, fleet: &Fleet, request: &SetupRequest, found: &HashMap<HostName, SetupFacts>) -> Result<u8, Error> {
    let [host] = &fleet.facts[..] else {
        return Err(Error::usage("the script is for one host, and the target has several")
            .hint(edeliver_core::hint::Hint::text("name it with `--host`")));
    };
    let as_root = |name: &HostName| found.get(name).map(|found| SetupFacts { rights: plan::setup::Rights::Root, ..found.clone() });
    let plan = plan::setup(&SetupRequest { force: true, ..request.clone() }, &fleet.target, &fleet.facts, &as_root);
    let Some(setup) = setup_of(&plan.hosts[0]) else {
        return Err(Error::new(Kind::Blocked, format!("{}: {}", host.host, plan.hosts[0].reasons.join("; "))));
    };
    ctx.answer_text(service::for_an_administrator(setup, &fleet.environment_file(&host.host)));
    Ok(0)
}
