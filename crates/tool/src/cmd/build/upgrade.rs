//! `edeliver build upgrade`: from two releases, stored or built now, to the relup between them.

use edeliver_core::{
    choose::{StoredKind, archive_name},
    event::{EventKind, HostOutcome, Outcome},
    hint::Hint,
    name::{AppName, Revision, Version},
    release::{Manifest, Upgrade},
    upgrade::{Policy, Verdict},
};

use super::{How, modification, modify};
use crate::{
    build::{Build, BuildError, Ended},
    cli::options::{PlanArgs, RelupArgs},
    cmd::diff,
    ctx::Ctx,
    error::{Error, Kind},
    git::Wanted,
    relup::{self, Edited, Judgements, Prepared},
    store::{Store, blocking},
};

/// Arguments of `build upgrade`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Compares the two releases' compiled code, says what will be done with every module and why, and keeps the relup in the store. Where a restart \
is needed, it says so, and makes none. Several releases may be named to upgrade from; ways that the store has already stay.

  edeliver build upgrade --with=0.1.0                    # from a release of the store to the commit that is checked out
  edeliver build upgrade --with=0.1.0,0.1.1 --version=0.2.0   # between releases of the store
  edeliver build upgrade --from=v0.1.0 --to=v0.2.0       # both are built first

Appups in the store that somebody has changed (`edeliver build appups`, `edeliver edit appups`) count as if the applications shipped them. Where \
the release has the mix package `edeliver` and a module that uses `Edeliver.Relup.Modification`, that module changes the new relup, on the \
build host; what it makes of it is checked.

Exits with 4 if no node can go that way without a restart.")]
pub struct Args {
    /// Between which releases.
    #[command(flatten)]
    pub sides: Sides,
    /// Whether a module of the release changes the relup.
    #[command(flatten)]
    pub relup: RelupArgs,
}

/// Two releases, or several and one, stored or built now.
#[derive(Debug, clap::Args)]
pub struct Sides {
    /// Upgrade from this release of the store; several with commas
    #[arg(long, value_name = "VERSION", value_delimiter = ',', required_unless_present = "from")]
    pub with: Vec<Version>,
    /// Upgrade from the release of this revision, which is built first
    #[arg(long, value_name = "REVISION", conflicts_with = "with")]
    pub from: Option<Revision>,
    /// Upgrade to this release of the store
    #[arg(long, value_name = "VERSION", conflicts_with_all = ["to", "branch"])]
    pub version: Option<Version>,
    /// Upgrade to the release of this revision, which is built first; a version that the store has will do too. Default: what `build release` builds
    #[arg(long, value_name = "REVISION")]
    pub to: Option<Revision>,
    /// Build the tip of this branch; with --to: what the build sees as `BRANCH`
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<Revision>,
    /// Show what would be done and stop; nothing is changed
    #[arg(long)]
    pub plan: bool,
    /// How releases are built.
    #[command(flatten)]
    pub how: How,
}

/// A release that takes part: in the store, or to be built.
enum Side {
    Stored(Box<Manifest>),
    Built(Box<Build>),
}

pub(super) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    match gather(ctx, &args.sides, "upgrade").await? {
        Ok((ways, hosts)) => finish(ctx, args, ways, hosts).await,
        Err(code) => Ok(code),
    }
}

/// The releases, built if need be; `Err` with the exit code of a run that has ended with a build.
pub(super) async fn gather(ctx: &Ctx, sides: &Sides, what: &str) -> Result<Result<(Ways, Vec<HostOutcome>), u8>, Error> {
    let store = ctx.store()?;
    let from = from(ctx, &store, sides).await?;
    let to = to(ctx, &store, sides).await?;
    let policy = diff::policy(ctx, None)?;
    let app = &ctx.settings()?.app;
    ctx.begin(format!("build {what} of {app} to {}", to.title()), plan_args(sides).journal())?;
    let mut hosts = Vec::new();
    let mut manifests = Vec::new();
    for side in from.into_iter().chain([to]) {
        match side.manifest(ctx, &mut hosts).await? {
            Ok(manifest) => manifests.push(manifest),
            Err(code) => return Ok(Err(code)),
        }
    }
    let to = manifests.pop().expect("the last one is the release to upgrade to");
    different(&manifests, &to)?;
    Ok(Ok((Ways { store, from: manifests, to, policy }, hosts)))
}

impl Side {
    fn title(&self) -> String {
        match self {
            Self::Stored(manifest) => manifest.version.to_string(),
            Self::Built(build) => build.commit().short().to_owned(),
        }
    }

    /// The release, built if need be; `Err` with the exit code of a run that has ended with the build.
    async fn manifest(self, ctx: &Ctx, hosts: &mut Vec<HostOutcome>) -> Result<Result<Manifest, u8>, Error> {
        match self {
            Self::Stored(manifest) => Ok(Ok(*manifest)),
            Self::Built(build) => Ok(match build.carry_out(ctx).await? {
                Ended::Over(code) => Err(code),
                Ended::Built(built) => {
                    hosts.retain(|host: &HostOutcome| host.host != built.host.host);
                    hosts.push(built.host);
                    Ok(built.manifest)
                }
            }),
        }
    }
}

fn plan_args(args: &Sides) -> PlanArgs {
    PlanArgs { plan: args.plan, ..PlanArgs::default() }
}

async fn stored(store: &Store, version: &Version) -> Result<Side, Error> {
    let (store, version) = (store.clone(), version.clone());
    Ok(Side::Stored(Box::new(blocking(move || diff::stored(&store, &version)).await?)))
}

async fn build(ctx: &Ctx, args: &Sides, wanted: Option<&Revision>) -> Result<Side, Error> {
    let settings = super::settings(ctx, &args.how)?;
    let branch = args.branch.as_ref().or(settings.branch.as_ref()).cloned();
    let wanted = match (wanted, &branch) {
        (Some(revision), _) => Wanted::Revision(revision.clone()),
        (None, Some(branch)) => Wanted::Branch(branch.clone()),
        (None, None) => Wanted::Head,
    };
    let request = super::build_of(settings, &args.how, wanted, branch.map(|branch| branch.to_string()), plan_args(args));
    Ok(Side::Built(Box::new(Build::choose(ctx, request).await?)))
}

async fn from(ctx: &Ctx, store: &Store, args: &Sides) -> Result<Vec<Side>, Error> {
    if let Some(revision) = &args.from {
        return Ok(vec![build(ctx, args, Some(revision)).await?]);
    }
    let mut sides = Vec::new();
    for version in &args.with {
        sides.push(stored(store, version).await?);
    }
    Ok(sides)
}

/// A revision is looked for in git first: a tag `0.2.0` is more than a release of that name that was built some time ago.
async fn to(ctx: &Ctx, store: &Store, args: &Sides) -> Result<Side, Error> {
    if let Some(version) = &args.version {
        return stored(store, version).await;
    }
    let built = build(ctx, args, args.to.as_ref()).await;
    match (built, args.to.as_ref().and_then(|to| to.as_str().parse::<Version>().ok())) {
        (Err(no_such), Some(version)) => stored(store, &version).await.map_err(|_| no_such),
        (built, _) => built,
    }
}

/// An upgrade to itself is none.
fn different(from: &[Manifest], to: &Manifest) -> Result<(), Error> {
    match from.iter().find(|from| from.version == to.version) {
        None => Ok(()),
        Some(same) => {
            let error = Error::usage(format!("both releases have the version {}", same.version));
            Err(error.hint(Hint::text(
                "a running node tells releases apart by their versions: give the new one another, e.g. by `--auto-version`",
            )))
        }
    }
}

/// The releases, in the store.
pub(super) struct Ways {
    pub(super) store: Store,
    pub(super) from: Vec<Manifest>,
    pub(super) to: Manifest,
    policy: Policy,
}

/// Judges, and makes the relup unless it is only planned.
async fn finish(ctx: &Ctx, args: Args, ways: Ways, hosts: Vec<HostOutcome>) -> Result<u8, Error> {
    if args.sides.plan {
        return judged(ctx, ways).await;
    }
    let edited = if args.sides.how.force { Edited::Replaced } else { args.relup.edited() };
    let Ways { store, from, to, policy } = ways;
    let (title, reading) = (to.title(), store.clone());
    let mut prepared = blocking(move || relup::prepare(&reading, &to, &from, &mut Judgements::new(policy), edited)).await?;
    modify(ctx, &mut prepared, modification(ctx, &args.relup)?).await?;
    let archive = ctx.settings()?.store.archive;
    let kept = blocking(move || {
        let upgrade = prepared.keep(&store)?;
        if let (true, Some(upgrade)) = (archive, &upgrade) {
            let path = store.export_upgrade(prepared.to(), upgrade).map_err(BuildError::from)?;
            store.publish_file(&path, &archive_name(store.app(), &upgrade.to, StoredKind::Upgrade))?;
        }
        Ok::<_, Error>((prepared, upgrade))
    });
    let (prepared, upgrade) = kept.await?;
    tell(ctx, &title, prepared, upgrade, hosts).await
}

async fn judged(ctx: &Ctx, ways: Ways) -> Result<u8, Error> {
    let Ways { store, from, to, policy } = ways;
    let mut judged = Judgements::new(policy);
    let judge = move |from: &Manifest| judged.between(&store, from, &to).cloned();
    let judgements = blocking(move || from.iter().map(judge).collect::<Result<Vec<_>, _>>());
    let judgements = judgements.await?;
    let hot = judgements.iter().any(|judgement| judgement.verdict != Verdict::Restart);
    for judgement in judgements {
        ctx.reporter.send(EventKind::Judged { judgement: Box::new(judgement), asked_for: true });
    }
    let exit_code = if hot { 0 } else { Kind::Blocked.exit_code() };
    Ok(ctx.finish(Outcome { hosts: Vec::new(), exit_code, interrupted: false }).await)
}

async fn tell(ctx: &Ctx, title: &str, made: Prepared, upgrade: Option<Upgrade>, hosts: Vec<HostOutcome>) -> Result<u8, Error> {
    let already = made.already();
    let Prepared { ways, appups, .. } = made;
    let restarts: Vec<String> = ways
        .iter()
        .filter(|(_, judgement)| judgement.verdict == Verdict::Restart)
        .map(|(origin, _)| origin.version.to_string())
        .collect();
    for (_, judgement) in ways {
        ctx.reporter.send(EventKind::Judged { judgement: Box::new(judgement), asked_for: false });
    }
    if !appups.is_empty() {
        let names: Vec<&str> = appups.iter().map(AppName::as_str).collect();
        ctx.reporter.info(format!("changed appups in the store decide about {}", names.join(", ")));
    }
    let Some(upgrade) = upgrade else {
        let error =
            Error::new(Kind::Blocked, format!("from {} a running node gets to {title} by a restart only", restarts.join(", ")));
        return Err(error.hint(Hint::command("with a restart", "edeliver deploy release --start-deploy")));
    };
    let from: Vec<&str> = upgrade.from.iter().map(|origin| origin.version.as_str()).collect();
    let had = if already { "had" } else { "has" };
    ctx.reporter.info(format!("the store {had} the relup to {title}, from {}", from.join(", ")));
    ctx.reporter.info(format!("to see it: edeliver show relup --version={}", upgrade.to));
    Ok(ctx.finish(Outcome { hosts, exit_code: 0, interrupted: false }).await)
}
