//! The relups that a fleet needs, made where the store lacks them.

use std::collections::BTreeSet;

use edeliver_core::{
    event::EventKind,
    facts::HostFacts,
    hint::Hint,
    name::Version,
    release::{Manifest, Upgrade},
    size::size,
    upgrade::Verdict,
};

use crate::{
    cli::options::RelupArgs,
    cmd::{build, fleet::Fleet},
    ctx::Ctx,
    error::{Error, chain},
    node::Place,
    relup,
    store::{Store, StoreError, blocking},
    transfer,
    ui::words::count,
};

/// Makes what the store lacks, from all releases that nodes run, keeps it there unless it is only planned, and tells what was judged, where it
/// is more than "hot". A release that the store does not have leads nowhere.
pub(super) async fn make(
    ctx: &Ctx,
    to: &Manifest,
    fleet: &mut Fleet,
    how: &RelupArgs,
    plan: bool,
) -> Result<Option<Upgrade>, Error> {
    let running: BTreeSet<Version> = fleet.facts.iter().filter_map(runs).filter(|version| *version != to.version).collect();
    for version in &running {
        learn(ctx, fleet, version).await?;
    }
    let (store, to, mut judged, edited) = (ctx.store()?, to.clone(), fleet.judged.clone(), how.edited());
    let made = blocking(move || {
        let (mut from, mut absent) = (Vec::new(), Vec::new());
        for version in running {
            match stored(&store, &version)? {
                Some(manifest) => from.push(manifest),
                None => absent.push(version),
            }
        }
        let prepared = relup::prepare(&store, &to, &from, &mut judged, edited)?;
        Ok::<_, Error>((prepared, absent, judged))
    });
    let (mut prepared, absent, judged) = made.await?;
    fleet.judged = judged;
    for version in absent {
        let hint =
            Hint::text("build it from its commit, and compare it with what runs: `edeliver build release`, `edeliver version`");
        ctx.reporter.warn(format!("a node runs {version}, and the store has no release {version} to upgrade it from"), vec![hint]);
    }
    for (_, judgement) in &prepared.ways {
        if judgement.verdict != Verdict::Hot {
            ctx.reporter.send(EventKind::Judged { judgement: Box::new(judgement.clone()), asked_for: false });
        }
    }
    if plan {
        let modules = build::candidates(ctx, &prepared, build::modification(ctx, how)?).await?;
        if !modules.is_empty() {
            ctx.reporter.info(format!("the relup is made for this plan only; it will be changed by {}", modules.join(" or ")));
        }
        return Ok(prepared.upgrade()?);
    }
    build::modify(ctx, &mut prepared, build::modification(ctx, how)?).await?;
    let store = ctx.store()?;
    Ok(blocking(move || prepared.keep(&store)).await?)
}

/// Takes a release that the store lacks from a host that has it. Where that can't be done the reason is told, and the store goes on lacking it.
async fn learn(ctx: &Ctx, fleet: &Fleet, version: &Version) -> Result<(), Error> {
    let (store, asked) = (ctx.store()?, version.clone());
    if blocking(move || stored(&store, &asked)).await?.is_some() {
        return Ok(());
    }
    for facts in &fleet.facts {
        let spec = fleet.target.hosts.iter().find(|spec| spec.name == facts.host);
        let (Some(spec), Some(host), Ok(seen)) = (spec, fleet.transport(&facts.host), &facts.seen) else { continue };
        let Some(installed) = seen.installed.iter().find(|installed| installed.version == *version) else { continue };
        let Some(manifest) = &installed.files else { continue };
        let place = Place::on(spec, &ctx.settings()?.app);
        match transfer::learn(&*host, &place, installed, manifest, &ctx.store()?, fleet.target.step_timeout).await {
            Ok(learnt) => {
                let (bytes, files) = (size(learnt.bytes), count(learnt.files, "file"));
                ctx.reporter
                    .info(format!("the store has no release {version}: it was taken from {} ({bytes} in {files})", facts.host));
                return Ok(());
            }
            Err(error) => {
                let why = chain(&error).join(": ");
                ctx.reporter.warn(format!("release {version} can't be taken from {}: {why}", facts.host), Vec::new());
            }
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
