//! `edeliver deploy release [to] TARGET`: the road that every verb on a target takes, in one place to read.

mod release;
mod relups;
pub mod upgrade;

use edeliver_core::{
    name::Version,
    notice::Action,
    plan::{self, DeployRequest, Keep},
};

pub(super) use self::release::Release;
use super::fleet::Fleet;
use crate::{
    cli::options::{PlanArgs, RolloutArgs, TargetArgs, ThenArgs},
    ctx::Ctx,
    error::Error,
    hook::{Options, Session},
};

/// What is deployed.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Deploy a release of the store to the hosts of a target
    Release(Args),
    /// Upgrade the running nodes of a target to a release of the store, without a restart
    Upgrade(upgrade::Args),
}

/// Arguments of `deploy release`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Version of the release; asked for where the store has several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Start the release once it is there, restarting nodes that run; if it does not come up, the old one serves again
    #[arg(long)]
    pub start_deploy: bool,
    /// Remove all other releases but those that run, boot next, or served before
    #[arg(long)]
    pub clean_deploy: bool,
    /// Replace another build of the same version, where nothing needs that one; deploy a release that was taken back before
    #[arg(short = 'F', long)]
    pub force: bool,
    /// Send nothing that a host has already (always so; for scripts that say it)
    #[arg(short = 'S', long)]
    pub skip_existing: bool,
    /// How it goes over the hosts.
    #[command(flatten)]
    pub rollout: RolloutArgs,
    /// What follows.
    #[command(flatten)]
    pub then: ThenArgs,
    /// What to do with the plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

pub(crate) async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    match command {
        Command::Release(args) => deploy(ctx, args).await,
        Command::Upgrade(args) => upgrade::run(ctx, args).await,
    }
}

async fn deploy(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let settings = ctx.settings()?;
    let mut target = ctx.target(&args.target).await?;
    args.rollout.over(&mut target);
    args.then.over(&mut target);
    let store = ctx.store()?;
    let release = Release::choose(ctx, &store, args.version.as_ref()).await?;
    let hooks = Session::start(ctx.loaded()?, &Options::new(target.step_timeout, ctx.global.yes), &ctx.reporter).await?;
    let title = format!("deploy {} to {}", release.manifest.title(), target.name);
    let mut fleet = Fleet::gather(ctx, target, title, args.plan).await?;
    fleet.learn_unconfirmed(ctx).await?;
    let request = DeployRequest {
        app: settings.app.clone(),
        start: args.start_deploy || fleet.target.start_deploy,
        keep: if args.clean_deploy || fleet.target.clean_deploy { Keep::Needed } else { Keep::Newest(fleet.target.keep_releases) },
        force: args.force,
        hooks: plan::deploy::hooks::ALL.into_iter().filter(|name| hooks.defines(name)).map(str::to_owned).collect(),
    };
    let load = release.load(&store, &fleet.facts).await?;
    let plan = plan::deploy(&request, &fleet.target, &load.wanted(), &fleet.facts);
    fleet.doing(Action::Deploy).carry_out(ctx, plan, args.plan, Some(load.cargo(store, hooks))).await
}
