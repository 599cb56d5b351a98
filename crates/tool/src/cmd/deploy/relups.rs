//! The relups that a fleet needs, made where the store lacks them.

use std::collections::BTreeSet;

use edeliver_core::{
    event::EventKind,
    facts::HostFacts,
    name::Version,
    release::Manifest,
    upgrade::{Policy, Verdict},
};

use crate::{
    cmd::fleet::Fleet,
    ctx::Ctx,
    error::Error,
    relup::{self, Edited},
    store::{Store, StoreError, blocking},
};

/// Makes what the store lacks, from all releases that nodes run, and tells what was judged, where it is more than "hot". A release that the
/// store does not have leads nowhere; the plan says so.
pub(super) async fn make(ctx: &Ctx, to: &Manifest, fleet: &Fleet) -> Result<(), Error> {
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
