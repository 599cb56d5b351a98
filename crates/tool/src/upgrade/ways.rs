//! From the upgrades in the store to what planning and applying need of them.

use std::collections::BTreeSet;

use edeliver_core::{
    name::Version,
    plan::{ReleaseRef, Way},
    release::{Digest, Manifest, Upgrade},
    step::Direction,
    upgrade::Verdict,
};

use super::{JourneyError, Journeys};
use crate::{
    relup::Judgements,
    store::{Store, StoreError},
};

/// Ways between releases: judged, for the plan, and carried out, for its steps.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// For the plan.
    pub ways: Vec<Way>,
    /// For its steps.
    pub journeys: Journeys,
}

/// A pair of versions: where a way begins, and where it ends.
pub type Pair = (Version, Version);

impl Known {
    /// Of the upgrades in the store, the ways between these versions. Upgrades that were made for another build of a release lead nowhere.
    /// `fresh` takes the place of the store's to the same release.
    ///
    /// # Errors
    /// [`JourneyError`]: an upgrade or its releases can't be read.
    pub fn read(
        store: &Store,
        pairs: &BTreeSet<Pair>,
        judged: &mut Judgements,
        fresh: Option<&Upgrade>,
    ) -> Result<Self, JourneyError> {
        let mut known = Self::default();
        let newer: BTreeSet<&Version> = pairs.iter().flat_map(|(from, to)| [from, to]).collect();
        for version in newer {
            if let Some(fresh) = fresh.filter(|fresh| fresh.to == *version) {
                known.add(store, fresh, pairs, judged)?;
                continue;
            }
            match store.upgrade(version) {
                Ok(upgrade) => known.add(store, &upgrade, pairs, judged)?,
                Err(StoreError::NoUpgrade { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(known)
    }

    /// Why there is no way between two releases of the store, where the reason is that it takes a restart.
    ///
    /// # Errors
    /// As [`Known::read`].
    pub fn add_restarts(&mut self, store: &Store, pairs: &BTreeSet<Pair>, judged: &mut Judgements) -> Result<(), JourneyError> {
        for (from, to) in pairs {
            if self.ways.iter().any(|way| (&way.from.version, &way.to.version) == (from, to)) {
                continue;
            }
            let (Some(from), Some(to)) = (stored(store, from)?, stored(store, to)?) else { continue };
            let judgement = judged.between(store, &from, &to)?;
            if judgement.verdict == Verdict::Restart {
                let none = Digest::of(b"");
                self.ways.push(Way::new(reference(&from), reference(&to), Direction::Up, none, judgement));
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        store: &Store,
        upgrade: &Upgrade,
        pairs: &BTreeSet<Pair>,
        judged: &mut Judgements,
    ) -> Result<(), JourneyError> {
        let Some(to) = build(store, &upgrade.to, upgrade.manifest)? else { return Ok(()) };
        let wanted = |from: &Version| {
            pairs.contains(&(from.clone(), upgrade.to.clone())) || pairs.contains(&(upgrade.to.clone(), from.clone()))
        };
        let mut others = Vec::new();
        for origin in upgrade.from.iter().filter(|origin| wanted(&origin.version)) {
            others.extend(build(store, &origin.version, origin.manifest)?);
        }
        let journeys = Journeys::read(store, upgrade, &to, &others)?;
        for other in &others {
            let mut way = |from: &Manifest, to: &Manifest, direction| -> Result<(), JourneyError> {
                if pairs.contains(&(from.version.clone(), to.version.clone())) && journeys.leads(upgrade, from, to) {
                    let judgement = judged.between(store, from, to)?;
                    self.ways.push(Way::new(reference(from), reference(to), direction, upgrade.relup_digest(), judgement));
                }
                Ok(())
            };
            way(other, &to, Direction::Up)?;
            way(&to, other, Direction::Down)?;
        }
        self.journeys.extend(journeys);
        Ok(())
    }
}

/// That very build of a release, if the store has it.
fn build(store: &Store, version: &Version, id: Digest) -> Result<Option<Manifest>, StoreError> {
    Ok(stored(store, version)?.filter(|manifest| manifest.id() == id))
}

fn stored(store: &Store, version: &Version) -> Result<Option<Manifest>, StoreError> {
    match store.manifest(version) {
        Ok(manifest) => Ok(Some(manifest)),
        Err(StoreError::Absent { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn reference(manifest: &Manifest) -> ReleaseRef {
    ReleaseRef { version: manifest.version.clone(), manifest: manifest.id() }
}
