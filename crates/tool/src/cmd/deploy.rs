//! `edeliver deploy release [to] TARGET`: the road that every verb on a target takes, in one place to read.

use std::collections::{BTreeMap, HashMap};

use edeliver_core::{
    choose::{self, Choice, Stored, StoredKind},
    delta::{self, Delta},
    facts::HostFacts,
    name::{AppName, HostName, Version},
    plan::{self, DeployRequest, Keep, Wanted},
    release::{Manifest, RelPath},
};
use edeliver_erl::rel::Rel;

use super::fleet::{Cargo, Fleet};
use crate::{
    apply::Contents,
    cli::options::{PlanArgs, TargetArgs},
    ctx::Ctx,
    error::{Error, Kind},
    hook::{Options, Session},
    relocate::{self, RelocateError, Relocation},
    store::{Store, blocking},
};

/// What is deployed.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Deploy a release of the store to the hosts of a target
    Release(Args),
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
    /// Replace another build of the same version, where nothing needs that one
    #[arg(short = 'F', long)]
    pub force: bool,
    /// Send nothing that a host has already (always so; for scripts that say it)
    #[arg(short = 'S', long)]
    pub skip_existing: bool,
    /// What to do with the plan.
    #[command(flatten)]
    pub plan: PlanArgs,
}

pub(crate) async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let Command::Release(args) = command;
    let settings = ctx.settings()?;
    let target = ctx.target(&args.target)?;
    let store = ctx.store()?;
    let release = Release::choose(ctx, &store, args.version.as_ref()).await?;
    let hooks = Session::start(ctx.loaded()?, &Options::new(target.step_timeout, ctx.global.yes), &ctx.reporter).await?;
    let title = format!("deploy {} to {}", release.manifest.title(), target.name);
    let fleet = Fleet::gather(ctx, target, title, args.plan).await?;
    let relocations = relocations(&store, &release.manifest, &fleet.facts).await?;
    let request = DeployRequest {
        app: settings.app.clone(),
        start: args.start_deploy || fleet.target.start_deploy,
        keep: if args.clean_deploy || fleet.target.clean_deploy { Keep::Needed } else { Keep::Newest(fleet.target.keep_releases) },
        force: args.force,
        hooks: plan::deploy::hooks::ALL.into_iter().filter(|name| hooks.defines(name)).map(str::to_owned).collect(),
    };
    let rewritten = relocations.iter().map(|(host, relocation)| (host.clone(), relocation.rewritten.clone())).collect();
    let wanted = Wanted { manifest: &release.manifest, rel: &release.rel, rewritten };
    let plan = plan::deploy(&request, &fleet.target, &wanted, &fleet.facts);
    let extra: HashMap<_, _> = relocations.into_values().flat_map(|relocation| relocation.contents).collect();
    let contents = Contents { store, manifest: release.manifest, extra };
    fleet.carry_out(ctx, plan, args.plan, Some(Cargo { contents, hooks })).await
}

/// What is to be deployed.
struct Release {
    manifest: Manifest,
    rel: Rel,
}

impl Release {
    async fn choose(ctx: &Ctx, store: &Store, version: Option<&Version>) -> Result<Self, Error> {
        let listed = store.clone();
        let listing = blocking(move || listed.list()).await?;
        let stored = match choose::choose(&listing.stored, store.app(), StoredKind::Release, version)? {
            Choice::Taken(stored) => stored.clone(),
            Choice::Ask(several) => ask(ctx, &several).await?.clone(),
        };
        let store = store.clone();
        blocking(move || Self::read(&store, &stored)).await
    }
    fn read(store: &Store, stored: &Stored) -> Result<Self, Error> {
        let manifest = store.release(stored)?;
        let rel = read_rel(store, &manifest)?;
        Ok(Self { manifest, rel })
    }
}

async fn ask<'a>(ctx: &Ctx, several: &[&'a Stored]) -> Result<&'a Stored, Error> {
    let line = |stored: &&Stored| match stored.revision() {
        Some(revision) => format!("{}  {revision}", stored.version),
        None => stored.version.to_string(),
    };
    let chosen = ctx.ui.choose("Which release?", several.iter().map(line).collect(), "--version=VERSION").await?;
    chosen.map(|at| several[at]).ok_or_else(|| Error::new(Kind::Interrupted, "no release was chosen"))
}

/// `releases/VERSION/APP.rel`: what the release is made of.
fn read_rel(store: &Store, manifest: &Manifest) -> Result<Rel, Error> {
    let path = rel_path(manifest, store.app());
    let path = path.ok_or_else(|| Error::new(Kind::Internal, format!("{} has no .rel file", manifest.title())))?;
    let content = relocate::content(store, manifest, path)?;
    Rel::parse(&content).map_err(|error| Error::new(Kind::Internal, error).context(format!("can't read {path}")))
}

/// The `.rel` named after the release, else the only one that is there (`start_clean.rel` is no release).
fn rel_path<'a>(manifest: &'a Manifest, app: &AppName) -> Option<&'a RelPath> {
    let dir = format!("releases/{}/", manifest.version);
    let name = |path: &'a RelPath| path.as_str().strip_prefix(&dir).filter(|name| name.ends_with(".rel") && !name.contains('/'));
    let paths = || manifest.files.iter().map(|entry| &entry.path);
    let own = paths().find(|path| name(path).is_some_and(|name| name == format!("{app}.rel")));
    own.or_else(|| paths().find(|path| name(path).is_some_and(|name| name != "start_clean.rel")))
}

/// For each host on which a library gets a directory of its own: the boot files that name it.
async fn relocations(
    store: &Store,
    manifest: &Manifest,
    facts: &[HostFacts],
) -> Result<BTreeMap<HostName, Relocation>, RelocateError> {
    let moved = |facts: &HostFacts| {
        let delta = delta::against(manifest, facts.seen.as_ref().ok()?);
        (!delta.rewrite.is_empty()).then(|| (facts.host.clone(), delta))
    };
    let moved: Vec<_> = facts.iter().filter_map(moved).collect();
    let (store, manifest) = (store.clone(), manifest.clone());
    let rewrite = move |(host, delta): (HostName, Delta)| Ok((host, relocate::relocate(&store, &manifest, &delta)?));
    blocking(move || moved.into_iter().map(rewrite).collect()).await
}
