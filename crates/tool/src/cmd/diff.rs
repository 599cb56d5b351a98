//! `edeliver diff OLD NEW`: what differs between two releases of the store, and whether a running node can go that way.

use edeliver_core::{
    choose::{self, Choice, StoredKind},
    event::EventKind,
    name::{TargetName, Version},
    release::Manifest,
    upgrade::{self, Policy, Verdict},
};

use crate::{
    ctx::Ctx,
    error::{Error, Kind},
    image,
    store::{Store, blocking},
};

/// Arguments of `diff`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Compares the compiled code, the configuration and the runtime system of two releases, and says whether a running node can be upgraded from \
one to the other without a restart, and what would be done. Nothing is asked of any host.

  edeliver diff 0.1.0 0.2.0

Exits with 0 if the upgrade can be hot, with 4 if it takes a restart.")]
pub struct Args {
    /// The release that runs
    #[arg(value_name = "OLD")]
    pub old: Version,
    /// The release that is to run
    #[arg(value_name = "NEW")]
    pub new: Version,
    /// Judge by the `[upgrade]` settings of this target; without it, by those of the first one
    #[arg(long, value_name = "TARGET")]
    pub target: Option<TargetName>,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let store = ctx.store()?;
    let policy = policy(ctx, args.target.as_ref())?;
    let judgement = blocking(move || {
        let (old, new) = (stored(&store, &args.old)?, stored(&store, &args.new)?);
        let changes = image::changes(&store, &old, &new).map_err(Error::from)?;
        Ok::<_, Error>(upgrade::judge(&changes, &policy))
    });
    let judgement = judgement.await?;
    let code = if judgement.verdict == Verdict::Restart { Kind::Blocked.exit_code() } else { 0 };
    ctx.reporter.send(EventKind::Judged { judgement: Box::new(judgement), asked_for: true });
    Ok(code)
}

/// What the user allows, as the target's settings say.
pub(crate) fn policy(ctx: &Ctx, target: Option<&TargetName>) -> Result<Policy, Error> {
    let targets = &ctx.settings()?.targets;
    let settings = match target {
        Some(target) => Some(ctx.target_settings(target)?.upgrade.clone()),
        None => targets.values().next().map(|target| target.upgrade.clone()),
    };
    Ok(settings.map_or(Policy { discover_children: true, ..Policy::default() }, |settings| Policy::from(&settings)))
}

/// The release of exactly this version, in whichever form the store has it. Blocks.
pub(crate) fn stored(store: &Store, version: &Version) -> Result<Manifest, Error> {
    let listing = store.list()?;
    match choose::choose(&listing.stored, store.app(), StoredKind::Release, Some(version))? {
        Choice::Taken(stored) => Ok(store.release(stored)?),
        Choice::Ask(_) => unreachable!("a version was named"),
    }
}
