//! From two releases of the store to the relup between them, kept in the store with its judgement.
//!
//! Everything here blocks; async callers use [`crate::store::blocking`].

mod appups;
mod judgements;

use edeliver_core::{
    name::{AppName, Version},
    release::{Author, Manifest, Origin, UPGRADE_FORMAT, Upgrade},
    upgrade::{Judgement, Verdict},
};
use edeliver_erl::{
    relup::{
        OtherRelease, Relup, RelupError, Way,
        generate::{self, GenerateError},
    },
    term::text::NotConsultable,
};

use crate::{
    image::ImageError,
    store::{Store, StoreError},
};
pub use appups::{AppupProblem, appups, check};
pub use judgements::Judgements;

/// The module that carries relups out inside a node, compiled: `edeliver_agent.erl` beside it. It lies beside every relup of ours on a host.
pub const AGENT: &[u8] = include_bytes!("../agent/edeliver_agent.beam");

/// Why there is no relup.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// A release can't be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// It can't be generated.
    #[error("no relup from {from} to {to} can be made")]
    Generate {
        /// The release before.
        from: Version,
        /// The release after.
        to: Version,
        /// Why.
        #[source]
        source: Box<GenerateError>,
    },
    /// What the store has can't be read.
    #[error("the relup of {to} in the store can't be used")]
    Stored {
        /// The release it leads to.
        to: Version,
        /// Why.
        #[source]
        source: Box<RelupError>,
    },
    /// Ways of another release. The store is checked for it, so it never happens.
    #[error(transparent)]
    Other(#[from] OtherRelease),
    /// A term without a written form, which a generated relup never has.
    #[error("the relup can't be written")]
    Write(#[from] NotConsultable),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The ways to a release that were asked for, and what the store lacks of them.
#[derive(Debug)]
pub struct Prepared {
    /// The release.
    to: Manifest,
    /// Each release that was asked for, with what is said about the way from it.
    pub ways: Vec<(Origin, Judgement)>,
    /// Relups that the store does not have yet, each for one way.
    pub fresh: Vec<(Origin, Relup)>,
    stored: Option<Upgrade>,
    /// Applications whose appups in the store were changed by somebody, so that they decide.
    pub appups: Vec<AppName>,
}

/// What becomes of a relup that somebody has edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It stays, as long as it belongs to the same two releases.
    Stays,
    /// It stays, but one that nobody has edited is made anew.
    Renewed,
    /// It is made anew.
    Replaced,
}

/// Judges the ways from these releases, and makes a relup for those that can be gone without a restart, where the store has none. Nothing is
/// written.
///
/// # Errors
/// [`MakeError`].
pub fn prepare(
    store: &Store,
    to: &Manifest,
    from: &[Manifest],
    judged: &mut Judgements,
    edited: Edited,
) -> Result<Prepared, MakeError> {
    let stored = there(store, to)?;
    let (mut ways, mut fresh, mut by_users) = (Vec::new(), Vec::new(), Vec::new());
    for before in from {
        let (changes, appups) = appups::changes(store, before, to)?;
        let judgement = judged.of(before, to, &changes).clone();
        let origin = Origin { version: before.version.clone(), manifest: before.id() };
        let has = stored.as_ref().is_some_and(|stored| stored.leads_from(&origin.version, origin.manifest));
        let generated = stored.as_ref().is_some_and(|stored| stored.author == Author::Generated);
        let again = match edited {
            Edited::Replaced => true,
            Edited::Renewed => generated,
            // Changed appups may have been changed after it was made.
            Edited::Stays => generated && !appups.is_empty(),
        };
        by_users.extend(appups);
        if judgement.verdict != Verdict::Restart && (!has || again) {
            let generated = generate::generate(&changes).map_err(|source| MakeError::Generate {
                from: before.version.clone(),
                to: to.version.clone(),
                source: Box::new(source),
            })?;
            fresh.push((origin.clone(), generated.relup));
        }
        ways.push((origin, judgement));
    }
    Ok(Prepared { to: to.clone(), ways, fresh, stored, appups: by_users })
}

impl Prepared {
    /// The release that the ways lead to.
    pub fn to(&self) -> &Manifest {
        &self.to
    }
    /// What the store lacks, in one relup.
    pub fn fresh_relup(&self) -> Option<Relup> {
        let mut relups = self.fresh.iter().map(|(_, relup)| relup.clone());
        let mut all = relups.next()?;
        for relup in relups {
            all.up.extend(relup.up);
            all.down.extend(relup.down);
        }
        Some(all)
    }
    /// Takes this relup's ways in place of the generated ones.
    pub fn change(&mut self, relup: &Relup) {
        for (origin, fresh) in &mut self.fresh {
            let ways = |ways: &[Way]| ways.iter().filter(|way| way.other.as_str() == origin.version.as_str()).cloned().collect();
            (fresh.up, fresh.down) = (ways(&relup.up), ways(&relup.down));
        }
    }
    /// Whether the store has all that there can be.
    pub fn already(&self) -> bool {
        self.fresh.is_empty()
    }
    /// The relup with all its ways, those that the store has already included; `None` if none of those that were asked for can be gone
    /// without a restart.
    ///
    /// # Errors
    /// What the store has can't be read.
    pub fn upgrade(&self) -> Result<Option<Upgrade>, MakeError> {
        let upgrade = match self.already() {
            true => self.stored.clone(),
            false => Some(merged(&self.to, self.stored.clone(), self.fresh.clone())?),
        };
        let leads = |upgrade: &Upgrade| self.ways.iter().any(|(way, _)| upgrade.leads_from(&way.version, way.manifest));
        Ok(upgrade.filter(leads))
    }
    /// Keeps it in the store.
    ///
    /// # Errors
    /// As [`Prepared::upgrade`], or the store.
    pub fn keep(&self, store: &Store) -> Result<Option<Upgrade>, MakeError> {
        let upgrade = self.upgrade()?;
        if let (false, Some(upgrade)) = (self.already(), &upgrade) {
            store.put_upgrade(upgrade)?;
        }
        Ok(upgrade)
    }
}

/// The upgrade in the store, if it leads to this very build.
fn there(store: &Store, to: &Manifest) -> Result<Option<Upgrade>, StoreError> {
    match store.upgrade(&to.version) {
        Ok(upgrade) => Ok((upgrade.manifest == to.id()).then_some(upgrade)),
        Err(StoreError::NoUpgrade { .. } | StoreError::UpgradeDamaged { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Adds ways to what the store has. A way from another build of the same version takes the place of the one there.
fn merged(to: &Manifest, stored: Option<Upgrade>, fresh: Vec<(Origin, Relup)>) -> Result<Upgrade, MakeError> {
    let mut author = Author::Generated;
    let (mut relup, mut from) = match stored {
        None => (None, Vec::new()),
        Some(stored) => {
            let source = |source| MakeError::Stored { to: to.version.clone(), source: Box::new(source) };
            author = stored.author;
            (Some(Relup::parse(stored.relup.as_bytes()).map_err(source)?), stored.from)
        }
    };
    from.retain(|origin| fresh.iter().all(|(new, _)| new.version != origin.version));
    if from.is_empty() {
        author = Author::Generated;
    }
    for (origin, new) in fresh {
        match &mut relup {
            Some(relup) => relup.merge(new)?,
            None => relup = Some(new),
        }
        from.push(origin);
    }
    let relup = relup.expect("there is at least one new way").to_file()?;
    let (app, version, manifest) = (to.app.clone(), to.version.clone(), to.id());
    Ok(Upgrade { format: UPGRADE_FORMAT, app, to: version, manifest, from, relup, author })
}
