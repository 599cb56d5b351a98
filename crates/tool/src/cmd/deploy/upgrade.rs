//! `edeliver deploy upgrade [to] TARGET`: running nodes go to another release without a restart.

use edeliver_core::{
    config::OnRestart,
    name::Version,
    notice::Action,
    plan::{self, DeployRequest, Keep, UpgradeRequest, Way},
    rehearsal,
};

use super::{Release, relups};
use crate::{
    cli::options::{PlanArgs, RelupArgs, RolloutArgs, TargetArgs, ThenArgs},
    cmd::{diff, fleet::Fleet, rehearse, show},
    ctx::Ctx,
    error::Error,
    hook::{Options, Session},
    store::{Store, blocking},
};

/// Arguments of `deploy upgrade`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The nodes keep their processes, states and connections. On each host: the release is put beside the one that runs, the node is asked whether \
it could be upgraded now, it is upgraded, and watched for a while; only then the release becomes the one that boots. What fails on the way \
is taken back. On hosts where no node runs the release is deployed. A relup that the store lacks is made first, as `edeliver build upgrade` does.

  edeliver deploy upgrade to production --version=0.2.0 --plan
  edeliver deploy upgrade to production --version=0.2.0")]
pub struct Args {
    /// Which hosts.
    #[command(flatten)]
    pub target: TargetArgs,
    /// The release to upgrade to; asked for where the store has upgrades to several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Restart nodes that can't be upgraded while they run; the state of their processes is lost
    #[arg(long)]
    pub restart_if_needed: bool,
    /// Try it on the build host first, up, down and up again, and touch the hosts only if that goes well
    #[arg(long)]
    pub rehearse: bool,
    /// Upgrade to a release that was taken back before
    #[arg(short = 'F', long)]
    pub force: bool,
    /// Send nothing that a host has already (always so; for scripts that say it)
    #[arg(short = 'S', long)]
    pub skip_existing: bool,
    /// Whether a module of the release changes relups that are made.
    #[command(flatten)]
    pub relup: RelupArgs,
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

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let (store, mut target) = (ctx.store()?, ctx.target(&args.target).await?);
    args.rollout.over(&mut target);
    args.then.over(&mut target);
    let release = chosen(ctx, &store, args.version).await?;
    let title = format!("upgrade {} to {}", target.name, release.manifest.title());
    let fleet = Fleet::gather(ctx, target, title, args.plan).await?;
    let how = How {
        restart: args.restart_if_needed,
        start: false,
        force: args.force,
        rehearse: args.rehearse,
        relup: args.relup,
        plan: args.plan,
    };
    upgrade_fleet(ctx, fleet, release, how).await
}

/// The release of this version; without one, of those that the store has upgrades to, and if there are none, of all.
async fn chosen(ctx: &Ctx, store: &Store, version: Option<Version>) -> Result<Release, Error> {
    let listed = store.clone();
    let version = match version {
        Some(version) => version,
        None if blocking(move || listed.upgrades()).await?.is_empty() => return Release::choose(ctx, store, None).await,
        None => show::relup::choose(ctx, store, None).await?.to,
    };
    let store = store.clone();
    blocking(move || Release::of(&store, diff::stored(&store, &version)?)).await
}

/// How nodes are upgraded.
#[derive(Debug, Clone)]
pub(in crate::cmd) struct How {
    /// Restart those that can't be upgraded while they run.
    pub(in crate::cmd) restart: bool,
    /// Start the release where no node runs.
    pub(in crate::cmd) start: bool,
    /// Try it on the build host first.
    pub(in crate::cmd) rehearse: bool,
    /// Also to a release that was taken back before.
    pub(in crate::cmd) force: bool,
    pub(in crate::cmd) relup: RelupArgs,
    pub(in crate::cmd) plan: PlanArgs,
}

/// Plans, shows, and carries out.
pub(in crate::cmd) async fn upgrade_fleet(ctx: &Ctx, mut fleet: Fleet, release: Release, how: How) -> Result<u8, Error> {
    let hooks = Session::start(ctx.loaded()?, &Options::new(fleet.target.step_timeout, ctx.global.yes), &ctx.reporter).await?;
    let upgrade = relups::make(ctx, &release.manifest, &mut fleet, &how.relup, how.plan.plan).await?;
    let mut ways = fleet.find_ways(ctx, Some(&release.manifest.version), upgrade.as_ref()).await?;
    if how.rehearse && !how.plan.plan {
        rehearse_all(ctx, &fleet, &ways, &release.manifest.version).await?;
        fleet.look_again(ctx).await?; // it has taken its time
        ways = fleet.find_ways(ctx, Some(&release.manifest.version), None).await?;
    }
    let all = plan::deploy::hooks::ALL.into_iter().chain(plan::upgrade::HOOKS);
    let deploy = DeployRequest {
        app: ctx.settings()?.app.clone(),
        start: how.start,
        keep: Keep::Newest(fleet.target.keep_releases),
        force: how.force,
        hooks: all.filter(|name| hooks.defines(name)).map(str::to_owned).collect(),
    };
    let on_restart = if how.restart { OnRestart::Restart } else { fleet.target.upgrade.on_restart };
    let store = ctx.store()?;
    let load = release.load(&store, &fleet.facts).await?;
    let plan = plan::upgrade(&UpgradeRequest { deploy, on_restart }, &fleet.target, &load.wanted(), &ways, &fleet.facts);
    fleet.doing(Action::Upgrade).carry_out(ctx, plan, how.plan, Some(load.cargo(store, hooks))).await
}

/// Rehearses every way that a node of the target would go without a restart.
async fn rehearse_all(ctx: &Ctx, fleet: &Fleet, ways: &[Way], to: &Version) -> Result<(), Error> {
    let origins = rehearsal::origins(ways);
    if origins.is_empty() {
        ctx.reporter.info("there is nothing to rehearse: no node would be upgraded without a restart");
    }
    for from in origins {
        let done = rehearse::rehearse(ctx, &fleet.target, from, to).await;
        let done = done.map_err(|error| error.context("nothing was changed on the hosts"))?;
        ctx.reporter.info(format!("{}: {}", done.host, done.summary));
    }
    Ok(())
}
