//! `edeliver update TARGET`: build and deploy, and with `--start-deploy` restart the nodes into the new release.

use edeliver_core::{
    config::TargetSettings,
    notice::Action,
    plan::{self, DeployRequest, Keep},
};

use super::{deliver, deploy::Release, fleet::Fleet, own::Own};
use crate::{
    ctx::Ctx,
    error::Error,
    hook::{Options, Session},
    store::blocking,
};

/// Arguments of `update`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nodes that run go on with the release they have until they are restarted; with --start-deploy they are restarted at once, and those that do \
not run are started. `edeliver upgrade` gets running nodes to the new release without a restart.

  edeliver update staging
  edeliver update production --branch=feature --start-deploy
  edeliver update production --version=0.2.0 --start-deploy")]
pub struct Args {
    /// What, where, and how.
    #[command(flatten)]
    pub deliver: deliver::Delivery,
    /// Remove all other releases but those that run, boot next, or served before
    #[arg(long)]
    pub clean_deploy: bool,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let Args { deliver: args, clean_deploy } = args;
    let mut target = ctx.target(&args.target).await?;
    args.rollout.over(&mut target);
    args.then.over(&mut target);
    if !args.plan.plan {
        before(ctx, &target).await?;
    }
    let manifest = match deliver::release(ctx, &args, "update").await? {
        Ok(manifest) => manifest,
        Err(code) => return Ok(code),
    };
    let title = format!("update {} to {}", target.name, manifest.title());
    let (store, from) = (ctx.store()?, ctx.store()?);
    let release = blocking(move || Release::of(&from, manifest)).await?;
    let hooks = Session::start(ctx.loaded()?, &Options::new(target.step_timeout, ctx.global.yes), &ctx.reporter).await?;
    let mut fleet = Fleet::ask_in_turn(ctx, target, &title, args.plan).await?;
    fleet.learn_unconfirmed(ctx).await?;
    let all = plan::deploy::hooks::ALL.into_iter().chain(plan::deploy::hooks::UPDATED);
    let request = DeployRequest {
        app: ctx.settings()?.app.clone(),
        start: args.start_deploy || fleet.target.start_deploy,
        keep: if clean_deploy || fleet.target.clean_deploy { Keep::Needed } else { Keep::Newest(fleet.target.keep_releases) },
        force: args.source.how.force,
        hooks: all.filter(|name| hooks.defines(name)).map(str::to_owned).collect(),
    };
    let load = release.load(&store, &fleet.facts).await?;
    let plan = plan::deploy(&request, &fleet.target, &load.wanted(), &fleet.facts);
    fleet.doing(Action::Deploy).carry_out(ctx, plan, args.plan, Some(load.cargo(store, hooks))).await
}

/// The hook that stands before everything else of an update.
async fn before(ctx: &Ctx, target: &TargetSettings) -> Result<(), Error> {
    const HOOK: &str = "pre_erlang_update";
    let own = Own::start(ctx, target).await?;
    own.offer(HOOK, &[]).await?;
    own.rest(ctx).await
}
