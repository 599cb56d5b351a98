//! From two releases of the store to the relup between them, kept in the store with its judgement.
//!
//! Everything here blocks; async callers use [`crate::store::blocking`].

mod appups;

use edeliver_core::{
    name::{AppName, Version},
    release::{Author, Manifest, Origin, UPGRADE_FORMAT, Upgrade},
    upgrade::{self, Judgement, Policy, Verdict},
};
use edeliver_erl::{
    relup::{
        OtherRelease, Relup, RelupError,
        generate::{self, GenerateError},
    },
    term::text::NotConsultable,
};

use crate::{
    image::ImageError,
    store::{Store, StoreError},
};
pub use appups::{AppupProblem, appups, check};

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

/// The ways to a release that were asked for.
#[derive(Debug)]
pub struct Made {
    /// Each release that was asked for, with what is said about the way from it.
    pub ways: Vec<(Origin, Judgement)>,
    /// The relup, as the store has it now, with the ways that can be gone without a restart; `None` if there is no such way.
    pub upgrade: Option<Upgrade>,
    /// Whether the store had it.
    pub already: bool,
    /// Applications whose appups in the store were changed by somebody, so that they decide.
    pub appups: Vec<AppName>,
}

/// What becomes of a relup that somebody has edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It stays, as long as it belongs to the same two releases.
    Stays,
    /// It is made anew.
    Replaced,
}

/// What is said about the way between two releases.
///
/// # Errors
/// A release can't be read.
pub fn judge(store: &Store, from: &Manifest, to: &Manifest, policy: &Policy) -> Result<Judgement, MakeError> {
    Ok(upgrade::judge(&appups::changes(store, from, to)?.0, policy))
}

/// Judges the ways from these releases, makes a relup for those that can be gone without a restart, and keeps it. Ways that the store has
/// already stay beside the new ones.
///
/// # Errors
/// [`MakeError`]; the store is as before.
pub fn make(store: &Store, to: &Manifest, from: &[Manifest], policy: &Policy, edited: Edited) -> Result<Made, MakeError> {
    let stored = there(store, to)?;
    let (mut ways, mut fresh, mut by_users) = (Vec::new(), Vec::new(), Vec::new());
    for before in from {
        let (changes, appups) = appups::changes(store, before, to)?;
        let judgement = upgrade::judge(&changes, policy);
        let origin = Origin { version: before.version.clone(), manifest: before.id() };
        let has = stored.as_ref().is_some_and(|stored| stored.leads_from(&origin.version, origin.manifest));
        // A generated relup with changed appups is made anew: they may have been changed after it was made.
        let stale = !appups.is_empty() && stored.as_ref().is_some_and(|stored| stored.author == Author::Generated);
        by_users.extend(appups);
        if judgement.verdict != Verdict::Restart && (!has || stale || edited == Edited::Replaced) {
            let generated = generate::generate(&changes).map_err(|source| MakeError::Generate {
                from: before.version.clone(),
                to: to.version.clone(),
                source: Box::new(source),
            })?;
            fresh.push((origin.clone(), generated.relup));
        }
        ways.push((origin, judgement));
    }
    let already = fresh.is_empty();
    let upgrade = if already { stored } else { Some(keep(store, to, stored, fresh)?) };
    let upgrade = upgrade.filter(|upgrade| ways.iter().any(|(way, _)| upgrade.leads_from(&way.version, way.manifest)));
    Ok(Made { ways, upgrade, already, appups: by_users })
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
fn keep(store: &Store, to: &Manifest, stored: Option<Upgrade>, fresh: Vec<(Origin, Relup)>) -> Result<Upgrade, MakeError> {
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
    let upgrade = Upgrade { format: UPGRADE_FORMAT, app, to: version, manifest, from, relup, author };
    store.put_upgrade(&upgrade)?;
    Ok(upgrade)
}
