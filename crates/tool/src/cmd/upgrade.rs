//! `edeliver upgrade TARGET`: from a commit to the running nodes, each from whatever it runs, without a restart.

use super::{
    deliver,
    deploy::{
        Release,
        upgrade::{How, upgrade_fleet},
    },
    fleet::Fleet,
};
use crate::{cli::options::RelupArgs, ctx::Ctx, error::Error, store::blocking};

/// Arguments of `upgrade`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Builds the release, asks each node what it runs, makes the relups from there, and upgrades the nodes; where no node runs, the release is \
deployed. What can't be done without a restart is said with its reasons before anything is touched.

  edeliver upgrade staging
  edeliver upgrade production --version=0.2.0 --plan
  edeliver upgrade production --rehearse
  edeliver upgrade production --restart-if-needed")]
pub struct Args {
    /// What, where, and how.
    #[command(flatten)]
    pub deliver: deliver::Delivery,
    /// Restart nodes that can't be upgraded while they run; the state of their processes is lost
    #[arg(long)]
    pub restart_if_needed: bool,
    /// Try it on the build host first, up, down and up again, and touch the hosts only if that goes well
    #[arg(long)]
    pub rehearse: bool,
    /// Whether a module of the release changes relups that are made.
    #[command(flatten)]
    pub relup: RelupArgs,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let Args { deliver: args, restart_if_needed, rehearse, relup } = args;
    let mut target = ctx.target(&args.target).await?;
    args.rollout.over(&mut target);
    args.then.over(&mut target);
    let manifest = match deliver::release(ctx, &args, "upgrade").await? {
        Ok(manifest) => manifest,
        Err(code) => return Ok(code),
    };
    let title = format!("upgrade {} to {}", target.name, manifest.title());
    let fleet = Fleet::ask_in_turn(ctx, target, &title, args.plan).await?;
    let from = ctx.store()?;
    let release = blocking(move || Release::of(&from, manifest)).await?;
    let start = args.start_deploy || fleet.target.start_deploy;
    let how = How { restart: restart_if_needed, start, rehearse, force: args.source.how.force, relup, plan: args.plan };
    upgrade_fleet(ctx, fleet, release, how).await
}
