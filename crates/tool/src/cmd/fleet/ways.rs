//! How nodes can go from one release to another without a restart, and which of them are on their way.

use std::collections::BTreeSet;

use edeliver_core::{
    facts::{HostFacts, Seen},
    name::Version,
    plan::Way,
    release::Upgrade,
};

use super::Fleet;
use crate::{
    ctx::Ctx,
    error::{Error, chain},
    store::{Store, blocking},
    upgrade::{self, JourneyError, Known, Pair},
};

impl Fleet {
    /// Learns of upgrades that are going on, and of the ways on which the nodes can go to one of these releases; `None`: to any that their
    /// hosts have. `fresh`: an upgrade that the store does not have.
    pub(in crate::cmd) async fn find_ways(
        &mut self,
        ctx: &Ctx,
        to: Option<&Version>,
        fresh: Option<&Upgrade>,
    ) -> Result<Vec<Way>, Error> {
        self.learn_ongoing(ctx).await?;
        let pairs: BTreeSet<Pair> = self.facts.iter().flat_map(|facts| pairs(facts, to)).collect();
        let (store, fresh, mut judged) = (usable_store(ctx).await?, fresh.cloned(), self.judged.clone());
        let explain = to.is_some();
        let known = blocking(move || {
            let mut known = Known::read(&store, &pairs, &mut judged, fresh.as_ref())?;
            if explain {
                known.add_restarts(&store, &pairs, &mut judged)?;
            }
            Ok::<_, JourneyError>((known, judged))
        });
        let (known, judged) = known.await?;
        self.judged = judged;
        self.journeys.extend(known.journeys);
        Ok(known.ways)
    }
    /// Learns of upgrades that are going on, where nodes say that they would go back to another release.
    pub(in crate::cmd) async fn learn_unconfirmed(&mut self, ctx: &Ctx) -> Result<(), Error> {
        let is_unconfirmed = |facts: &HostFacts| facts.seen.as_ref().is_ok_and(|seen| seen.node.upgraded_from.is_some());
        if self.facts.iter().any(is_unconfirmed) { self.learn_ongoing(ctx).await } else { Ok(()) }
    }
    /// Agents are asked after the nodes: one that took its upgrade back in between has made what was said of its node untrue.
    async fn learn_ongoing(&mut self, ctx: &Ctx) -> Result<(), Error> {
        let app = &ctx.settings()?.app;
        upgrade::add_ongoing(app, &self.target, &mut self.facts, &self.open).await;
        let is_odd = |seen: &Seen| seen.node.upgraded_from.is_some() && seen.node.ongoing.is_none();
        if self.facts.iter().any(|facts| facts.seen.as_ref().is_ok_and(is_odd)) {
            self.look_again(ctx).await?;
            upgrade::add_ongoing(app, &self.target, &mut self.facts, &self.open).await;
        }
        Ok(())
    }
}

/// The store, or what this machine has of it: a place elsewhere that can't be used must not keep anybody from going back.
async fn usable_store(ctx: &Ctx) -> Result<Store, Error> {
    let store = ctx.store()?;
    let asked = store.clone();
    let Err(error) = blocking(move || asked.reach()).await else { return Ok(store) };
    ctx.reporter.warn(format!("{}: upgrades of this machine count", chain(&error).join(": ")), Vec::new());
    Ok(store.here())
}

/// From what a host's node runs to this release, or to any that the host has.
fn pairs(facts: &HostFacts, to: Option<&Version>) -> Vec<Pair> {
    let Ok(seen) = &facts.seen else { return Vec::new() };
    let Some(runs) = &seen.node.version else { return Vec::new() };
    let goals: Vec<&Version> = match to {
        Some(to) => vec![to],
        None => seen.installed.iter().map(|installed| &installed.version).collect(),
    };
    let unfinished = seen.node.upgraded_from.iter().filter(|_| to == Some(runs)).map(|from| (from.clone(), runs.clone()));
    goals.into_iter().filter(|goal| *goal != runs).map(|goal| (runs.clone(), goal.clone())).chain(unfinished).collect()
}
