//! `edeliver update TARGET`: build, deploy, and restart the nodes into the new release.

use edeliver_core::plan::{self, DeployRequest, Keep};

use super::{deliver, deploy::Release, fleet::Fleet};
use crate::{
    ctx::Ctx,
    error::Error,
    hook::{Options, Session},
    store::blocking,
};

/// Arguments of `update`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Nodes that run are stopped and started into the new release; hosts on which no node runs get it, and start it. `edeliver upgrade` does it \
without a restart.

  edeliver update staging
  edeliver update production --version=0.2.0")]
pub struct Args {
    /// What, where, and how.
    #[command(flatten)]
    pub deliver: deliver::Delivery,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let args = args.deliver;
    let target = ctx.target(&args.target)?;
    let manifest = match deliver::release(ctx, &args, "update").await? {
        Ok(manifest) => manifest,
        Err(code) => return Ok(code),
    };
    let (store, from) = (ctx.store()?, ctx.store()?);
    let release = blocking(move || Release::of(&from, manifest)).await?;
    let hooks = Session::start(ctx.loaded()?, &Options::new(target.step_timeout, ctx.global.yes), &ctx.reporter).await?;
    let fleet = Fleet::ask(ctx, target).await?;
    let request = DeployRequest {
        app: ctx.settings()?.app.clone(),
        start: true,
        keep: if fleet.target.clean_deploy { Keep::Needed } else { Keep::Newest(fleet.target.keep_releases) },
        force: args.source.how.force,
        hooks: plan::deploy::hooks::ALL.into_iter().filter(|name| hooks.defines(name)).map(str::to_owned).collect(),
    };
    let load = release.load(&store, &fleet.facts).await?;
    let plan = plan::deploy(&request, &fleet.target, &load.wanted(), &fleet.facts);
    fleet.carry_out(ctx, plan, args.plan, Some(load.cargo(store, hooks))).await
}
