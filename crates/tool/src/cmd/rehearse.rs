//! `edeliver rehearse upgrade`, and `--rehearse`: an upgrade is tried on the build host, by the plans and steps of real hosts.

mod play;

use edeliver_core::{
    config::TargetSettings,
    event::{EventKind, HostOutcome, HostResult, Outcome},
    hint::Hint,
    name::{TargetName, Version},
    rehearsal,
    upgrade::{Policy, Verdict},
};

use super::{build, diff};
use crate::{
    cli::options::RelupArgs,
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    rehearsal as stage,
    relup::{self, Edited, Judgements},
    store::blocking,
    transport,
};
use play::Play;

/// What to rehearse.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Try an upgrade of a running node on the build host: up, down, and up again
    Upgrade(Args),
}

/// Arguments of `rehearse upgrade`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Both releases come from the store to a folder of their own on the build host. The old one is started there, with a node name, a cookie and an \
epmd that no other node has, and the environment of builds with `rehearsal_env` of [upgrade] over it (ports come from there alone). It is \
upgraded, asked for its health, taken back, upgraded again, and stopped; everything is removed, however it ends.

  edeliver rehearse upgrade --with=0.1.0 --version=0.2.0
  edeliver deploy upgrade to production --version=0.2.0 --rehearse

Exits with 4 if the upgrade fails there, with 6 if the build host can't be reached.")]
pub struct Args {
    /// The release to upgrade from
    #[arg(long, value_name = "VERSION")]
    pub with: Version,
    /// The release to upgrade to
    #[arg(long, value_name = "VERSION")]
    pub version: Version,
    /// Rehearse by the `[upgrade]` settings of this target; without it, by those of the first one
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetName>,
}

pub(crate) async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let Command::Upgrade(Args { with, version, target }) = command;
    let target = settings_of(ctx, target)?;
    ctx.begin(format!("rehearse the upgrade of {} from {with} to {version}", ctx.settings()?.app), Journal::Kept)?;
    make_relup(ctx, &target, &with, &version).await?;
    let done = rehearse(ctx, &target, &with, &version).await?;
    Ok(ctx.finish(Outcome { hosts: vec![done], exit_code: 0, interrupted: false }).await)
}

fn settings_of(ctx: &Ctx, target: Option<TargetName>) -> Result<TargetSettings, Error> {
    let first = || ctx.settings().map(|settings| settings.targets.keys().next().cloned());
    match target.map_or_else(first, |target| Ok(Some(target)))? {
        Some(target) => ctx.target_settings(&target).cloned(),
        None => Err(Error::new(Kind::Config, "there is no target, whose settings a rehearsal could have")),
    }
}

/// The store has the way afterwards.
async fn make_relup(ctx: &Ctx, target: &TargetSettings, from: &Version, to: &Version) -> Result<(), Error> {
    let (store, mut judged) = (ctx.store()?, Judgements::new(Policy::from(&target.upgrade)));
    let (old, new) = (from.clone(), to.clone());
    let made = blocking(move || {
        let (from, to) = (diff::stored(&store, &old)?, diff::stored(&store, &new)?);
        Ok::<_, Error>(relup::prepare(&store, &to, &[from], &mut judged, Edited::Stays)?)
    });
    let mut prepared = made.await?;
    build::modify(ctx, &mut prepared, build::modification(ctx, &RelupArgs::default())?).await?;
    let store = ctx.store()?;
    let ways = prepared.ways.clone();
    blocking(move || prepared.keep(&store)).await?;
    for (origin, judgement) in ways {
        if judgement.verdict == Verdict::Restart {
            let from = origin.version;
            ctx.reporter.send(EventKind::Judged { judgement: Box::new(judgement), asked_for: false });
            return Err(Error::new(Kind::Blocked, format!("a running node gets from {from} to {to} by a restart only")));
        }
    }
    Ok(())
}

/// Rehearses an upgrade whose relup the store has, as a part of the run that has begun.
///
/// # Errors
/// What the rehearsal has found; nothing but the build host was touched, and nothing is left there.
pub(super) async fn rehearse(ctx: &Ctx, real: &TargetSettings, from: &Version, to: &Version) -> Result<HostOutcome, Error> {
    let build = ctx.loaded()?.build()?;
    let run = ctx.run().expect("whoever rehearses has begun a run");
    let name = format!("{run}-{from}");
    let transport = transport::open_builder(build, ctx.store()?.root(), ctx.limits()?).await?;
    let (guard, stage) = stage::begin(transport.clone(), &build.host, &ctx.settings()?.app, &name).await?;
    let _hand = ctx.step_in_hand();
    let name = "rehearsal".parse().expect("it is a word");
    let target = rehearsal::target(real, &name, build, &stage);
    tell_health(ctx, real);
    let played = Play { ctx, transport: &transport, target, from, to }.play().await;
    let ended = guard.end().await;
    transport.close().await;
    match (played, ended) {
        (Ok(summary), Ok(())) => Ok(HostOutcome { host: build.host.name.clone(), result: HostResult::Done, summary }),
        (Ok(_), Err(left)) => Err(left.into()),
        (Err(why), Ok(())) => Err(why),
        (Err(why), Err(left)) => {
            ctx.reporter.warn(left.to_string(), Vec::new());
            Err(why)
        }
    }
}

fn tell_health(ctx: &Ctx, real: &TargetSettings) {
    if rehearsal::health(real).is_err() {
        let hint = Hint::text("set `rehearsal_health`, or give the rehearsal that port by `rehearsal_env`, in [upgrade]");
        ctx.reporter.warn("the health address is not asked in the rehearsal: another node may answer there", vec![hint]);
    }
}
