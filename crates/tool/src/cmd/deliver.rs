//! From a commit to the nodes of a target in one run: what `upgrade` and `update` share.

use edeliver_core::{name::Version, release::Manifest};

use super::build::{self, Source};
use crate::{
    build::{Build, Ended},
    cli::options::{PlanArgs, RolloutArgs, TargetArgs, ThenArgs},
    ctx::Ctx,
    error::Error,
    store::blocking,
};

/// Arguments of both.
#[derive(Debug, Clone, clap::Args)]
pub struct Delivery {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Take this release of the store; nothing is built
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["revision", "tag", "branch"])]
    pub version: Option<Version>,
    /// What is built otherwise.
    #[command(flatten)]
    pub source: Source,
    /// Start the release once it is there: `update` restarts nodes that run, `upgrade` starts those that do not
    #[arg(long)]
    pub start_deploy: bool,
    /// Send nothing that a host has already (always so; for scripts that say it)
    #[arg(short = 'S', long)]
    pub skip_existing: bool,
    /// How it goes over the hosts.
    #[command(flatten)]
    pub rollout: RolloutArgs,
    /// What follows.
    #[command(flatten)]
    pub then: ThenArgs,
    /// What to do with the plan; where something has to be built first, the plan is that of the build.
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// Begins the run, called for `verb` and what it is about, and gives the release, which is built if need be. `Err`: the run has ended with this
/// exit code.
pub(super) async fn release(ctx: &Ctx, args: &Delivery, verb: &str) -> Result<Result<Manifest, u8>, Error> {
    let (app, target) = (&ctx.settings()?.app, &args.target.target);
    if let Some(version) = args.version.clone() {
        let store = ctx.store()?;
        let manifest = blocking(move || super::diff::stored(&store, &version)).await?;
        ctx.begin(format!("{verb} {target} to {}", manifest.title()), args.plan.journal())?;
        return Ok(Ok(manifest));
    }
    let build = Build::choose(ctx, build::request(ctx, &args.source, args.plan)?).await?;
    ctx.begin(format!("{verb} {target} to {app} {}", build.commit().short()), args.plan.journal())?;
    Ok(match build.carry_out(ctx).await? {
        Ended::Over(code) => Err(code),
        Ended::Built(built) => Ok(built.manifest),
    })
}
