//! `edeliver rollback TARGET`: back to the release that served before, or to one that is named.

use edeliver_core::{
    name::Version,
    notice::Action,
    plan::{self, RollbackRequest},
};

use super::fleet::Fleet;
use crate::{
    cli::options::{PlanArgs, TargetArgs},
    ctx::Ctx,
    error::Error,
};

/// Arguments of `rollback`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// An installed version; without it, on each host the one that served before
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Change only what boots next; nodes run on until they are restarted
    #[arg(long)]
    pub no_restart: bool,
    /// What to do with the plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let (app, target) = (ctx.settings()?.app.clone(), ctx.target(&args.target).await?);
    let mut request = RollbackRequest { app, to: args.version, restart: !args.no_restart, ways: Vec::new() };
    let title = request.title(&target.name);
    let mut fleet = Fleet::gather(ctx, target, title, args.plan).await?;
    request.ways = fleet.find_ways(ctx, None, None).await?;
    let plan = plan::rollback(&request, &fleet.target, &fleet.facts);
    fleet.doing(Action::Rollback).carry_out(ctx, plan, args.plan, None).await
}
