//! `edeliver upgrade TARGET`: from a commit to the running nodes, each from whatever it runs, without a restart.

use std::collections::BTreeSet;

use edeliver_core::{
    event::EventKind,
    facts::HostFacts,
    name::Version,
    release::Manifest,
    upgrade::{Policy, Verdict},
};

use super::{
    deliver,
    deploy::{
        Release,
        upgrade::{How, upgrade_fleet},
    },
    fleet::Fleet,
};
use crate::{
    ctx::Ctx,
    error::Error,
    relup::{self, Edited},
    store::{Store, StoreError, blocking},
};

/// Arguments of `upgrade`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Builds the release, asks each node what it runs, makes the relups from there, and upgrades the nodes; where no node runs, the release is \
deployed. What can't be done without a restart is said with its reasons before anything is touched.

  edeliver upgrade staging
  edeliver upgrade production --version=0.2.0 --plan
  edeliver upgrade production --restart-if-needed")]
pub struct Args {
    /// What, where, and how.
    #[command(flatten)]
    pub deliver: deliver::Delivery,
    /// Restart nodes that can't be upgraded while they run; the state of their processes is lost
    #[arg(long)]
    pub restart_if_needed: bool,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let Args { deliver: args, restart_if_needed } = args;
    let target = ctx.target(&args.target)?;
    let manifest = match deliver::release(ctx, &args, "upgrade").await? {
        Ok(manifest) => manifest,
        Err(code) => return Ok(code),
    };
    let fleet = Fleet::ask(ctx, target).await?;
    make_relups(ctx, &manifest, &fleet).await?;
    let from = ctx.store()?;
    let release = blocking(move || Release::of(&from, manifest)).await?;
    let how = How { restart: restart_if_needed, start: fleet.target.start_deploy, plan: args.plan };
    upgrade_fleet(ctx, fleet, release, how).await
}

/// Makes what the store lacks, from all releases that nodes run, and tells what was judged.
async fn make_relups(ctx: &Ctx, to: &Manifest, fleet: &Fleet) -> Result<(), Error> {
    let running: BTreeSet<Version> = fleet.facts.iter().filter_map(runs).filter(|version| *version != to.version).collect();
    let (store, to, policy) = (ctx.store()?, to.clone(), Policy::from(&fleet.target.upgrade));
    let made = blocking(move || {
        let from = running.iter().filter_map(|version| stored(&store, version).transpose()).collect::<Result<Vec<_>, _>>()?;
        Ok::<_, Error>(relup::make(&store, &to, &from, &policy, Edited::Stays)?)
    });
    for (_, judgement) in made.await?.ways {
        if judgement.verdict != Verdict::Hot {
            ctx.reporter.send(EventKind::Judged { judgement: Box::new(judgement), asked_for: false });
        }
    }
    Ok(())
}

fn runs(facts: &HostFacts) -> Option<Version> {
    facts.seen.as_ref().ok()?.node.version.clone()
}

fn stored(store: &Store, version: &Version) -> Result<Option<Manifest>, StoreError> {
    match store.manifest(version) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(StoreError::Absent { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
