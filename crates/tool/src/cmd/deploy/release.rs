//! The release that is deployed, and what it takes on each host.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use edeliver_core::{
    choose::{self, Choice, Stored, StoredKind},
    delta::{Delta, Deltas, Known, Rewritten},
    facts::HostFacts,
    name::{AppName, HostName, Version},
    plan::Wanted,
    release::{Digest, Manifest, RelPath},
};
use edeliver_erl::rel::Rel;

use crate::{
    apply::Contents,
    cmd::fleet::Cargo,
    ctx::Ctx,
    error::{Error, Kind},
    hook::Session,
    relocate::{self, RelocateError, Relocation},
    store::{Store, blocking},
};

/// What is to be deployed.
pub(in crate::cmd) struct Release {
    pub(in crate::cmd) manifest: Manifest,
    rel: Rel,
}

impl Release {
    pub(in crate::cmd) async fn choose(ctx: &Ctx, store: &Store, version: Option<&Version>) -> Result<Self, Error> {
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
        Self::of(store, store.release(stored)?)
    }
    /// A release of the store.
    pub(in crate::cmd) fn of(store: &Store, manifest: Manifest) -> Result<Self, Error> {
        let rel = read_rel(store, &manifest)?;
        Ok(Self { manifest, rel })
    }
    /// With what it takes on these hosts.
    pub(in crate::cmd) async fn load(self, store: &Store, facts: &[HostFacts]) -> Result<Loaded, Error> {
        let (relocations, known) = relocations(store, &self.manifest, facts).await?;
        let rewritten = relocations.iter().map(|(host, relocation)| (host.clone(), relocation.rewritten.clone())).collect();
        let extra = relocations.into_values().flat_map(|relocation| relocation.contents).collect();
        Ok(Loaded { release: self, rewritten, extra, known })
    }
}

/// A release, and what is another on some hosts.
pub(in crate::cmd) struct Loaded {
    release: Release,
    rewritten: BTreeMap<HostName, Rewritten>,
    extra: HashMap<Digest, Arc<[u8]>>,
    /// What hosts lack, as far as it was worked out.
    known: Known,
}

impl Loaded {
    /// For the plan.
    pub(in crate::cmd) fn wanted(&self) -> Wanted<'_> {
        let deltas = Deltas::with(&self.release.manifest, self.known.clone());
        Wanted::of(deltas, &self.release.rel, self.rewritten.clone())
    }
    /// For its steps.
    pub(in crate::cmd) fn cargo(self, store: Store, hooks: Session) -> Cargo {
        Cargo { contents: self.contents(store), hooks }
    }
    /// For its steps, without hooks.
    pub(in crate::cmd) fn contents(self, store: Store) -> Contents {
        Contents { store, manifest: self.release.manifest, extra: self.extra }
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

/// For each host on which a library gets a directory of its own: the boot files that name it. And what else was worked out for that.
async fn relocations(
    store: &Store,
    manifest: &Manifest,
    facts: &[HostFacts],
) -> Result<(BTreeMap<HostName, Relocation>, Known), RelocateError> {
    let deltas = Deltas::of(manifest);
    let moved = |facts: &HostFacts| {
        let delta = deltas.against(facts.seen.as_ref().ok()?, None);
        (!delta.rewrite.is_empty()).then(|| (facts.host.clone(), Delta::clone(&delta)))
    };
    let moved: Vec<_> = facts.iter().filter_map(moved).collect();
    let known = deltas.known();
    let (store, manifest) = (store.clone(), manifest.clone());
    let rewrite = move |(host, delta): (HostName, Delta)| Ok((host, relocate::relocate(&store, &manifest, &delta)?));
    Ok((blocking(move || moved.into_iter().map(rewrite).collect::<Result<_, _>>()).await?, known))
}
