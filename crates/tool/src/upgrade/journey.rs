//! What the way between two releases takes, whatever the host: instructions, and the digests of the modules that change.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Read,
    sync::Arc,
};

use edeliver_core::{
    name::Version,
    release::{Digest, EntryKind, Manifest, Upgrade},
    step::Hot,
};
use edeliver_erl::{
    Vsn,
    beam::{Beam, BeamError, Md5},
    relup::{Direction, Instruction, Relup, RelupError, Way},
    term::Atom,
};

use crate::{
    relup::MakeError,
    store::{Store, StoreError},
};

/// All that a plan's hot steps need, by relup and versions.
#[derive(Debug, Clone, Default)]
pub struct Journeys {
    texts: HashMap<Digest, Arc<str>>,
    ways: HashMap<(Digest, Version, Version), Arc<Journey>>,
}

/// The way from one release to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Journey {
    /// What is done.
    pub script: Vec<Instruction>,
    /// What leads back.
    pub back: Vec<Instruction>,
    /// The code that is loaded afterwards, of all modules that change.
    pub code: BTreeMap<Atom, Md5>,
    /// The code that is loaded before.
    pub old_code: BTreeMap<Atom, Md5>,
    /// Modules that are gone afterwards.
    pub removed: BTreeSet<Atom>,
}

/// Why a relup of the store can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JourneyError {
    /// It can't be read.
    #[error("the relup of {to} can't be read")]
    Relup {
        /// The release it belongs to.
        to: Version,
        /// Why.
        #[source]
        source: Box<RelupError>,
    },
    /// A version that Erlang could not have.
    #[error("{0} can't be the version of a release")]
    Version(Version),
    /// The releases can't be compared.
    #[error(transparent)]
    Judge(Box<MakeError>),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A `.beam` file of a release.
    #[error("{path} can't be read")]
    Beam {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: Box<BeamError>,
    },
    /// The content of a file could not be read to its end.
    #[error("{path} can't be read")]
    Content {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl From<MakeError> for JourneyError {
    fn from(error: MakeError) -> Self {
        Self::Judge(Box::new(error))
    }
}

impl Journeys {
    /// All ways of an upgrade between these releases and `to`, in both directions.
    ///
    /// # Errors
    /// [`JourneyError`].
    pub fn read(store: &Store, upgrade: &Upgrade, to: &Manifest, others: &[Manifest]) -> Result<Self, JourneyError> {
        let relup = Relup::parse(upgrade.relup.as_bytes());
        let relup = relup.map_err(|source| JourneyError::Relup { to: upgrade.to.clone(), source: Box::new(source) })?;
        let digest = upgrade.relup_digest();
        let mut all = Self::default();
        all.texts.insert(digest, upgrade.relup.as_str().into());
        for other in others {
            let vsn = Vsn::new(other.version.as_str()).map_err(|_| JourneyError::Version(other.version.clone()))?;
            let script = |direction| relup.way(direction, &vsn).map(|way: &Way| way.script.clone());
            let (up, down) = (script(Direction::Up), script(Direction::Down));
            let there = Journey::read(store, other, to, up.clone().unwrap_or_default(), down.clone().unwrap_or_default())?;
            let key = |from: &Manifest, to: &Manifest| (digest, from.version.clone(), to.version.clone());
            if down.is_some() {
                all.ways.insert(key(to, other), Arc::new(there.reversed()));
            }
            if up.is_some() {
                all.ways.insert(key(other, to), Arc::new(there));
            }
        }
        Ok(all)
    }
    /// Adds those of another upgrade.
    pub fn extend(&mut self, others: Self) {
        self.texts.extend(others.texts);
        self.ways.extend(others.ways);
    }
    /// The text of a relup.
    pub fn text(&self, relup: &Digest) -> Option<&Arc<str>> {
        self.texts.get(relup)
    }
    /// Whether a relup leads from the one to the other.
    pub fn leads(&self, upgrade: &Upgrade, from: &Manifest, to: &Manifest) -> bool {
        self.ways.contains_key(&(upgrade.relup_digest(), from.version.clone(), to.version.clone()))
    }
    /// The way of a step.
    pub fn of(&self, hot: &Hot) -> Option<&Arc<Journey>> {
        self.ways.get(&(hot.relup, hot.from.clone(), hot.to.clone()))
    }
}

impl Journey {
    fn read(
        store: &Store,
        from: &Manifest,
        to: &Manifest,
        script: Vec<Instruction>,
        back: Vec<Instruction>,
    ) -> Result<Self, JourneyError> {
        let (before, after) = (Code::of(store, from), Code::of(store, to));
        let protocols = before.other_protocols(&after);
        let changing = concerned(&script).chain(concerned(&back)).chain(protocols).collect();
        let (old_code, code) = (before.md5s(&changing)?, after.md5s(&changing)?);
        let removed = changing.into_iter().filter(|module| !code.contains_key(module)).collect();
        Ok(Self { script, back, code, old_code, removed })
    }
    fn reversed(&self) -> Self {
        Self {
            script: self.back.clone(),
            back: self.script.clone(),
            code: self.old_code.clone(),
            old_code: self.code.clone(),
            removed: self.code.keys().filter(|module| !self.old_code.contains_key(module)).cloned().collect(),
        }
    }
}

/// Modules that a script loads or removes.
fn concerned(script: &[Instruction]) -> impl Iterator<Item = Atom> + '_ {
    script.iter().filter_map(|instruction| match instruction {
        Instruction::Load { module, .. } | Instruction::Remove { module, .. } => Some(module.clone()),
        _ => None,
    })
}

/// The `.beam` files of a release in the store. A consolidated protocol counts, not the one of its library.
struct Code<'a> {
    store: &'a Store,
    libraries: HashMap<&'a str, (&'a str, Digest)>,
    consolidated: HashMap<&'a str, (&'a str, Digest)>,
}

impl<'a> Code<'a> {
    fn of(store: &'a Store, manifest: &'a Manifest) -> Self {
        let mut code = Self { store, libraries: HashMap::new(), consolidated: HashMap::new() };
        for entry in &manifest.files {
            let EntryKind::File { sha256, .. } = &entry.kind else { continue };
            let path = entry.path.as_str();
            let Some((dir, name)) = path.strip_suffix(".beam").and_then(|path| path.rsplit_once('/')) else { continue };
            match dir.rsplit_once('/').map(|(_, last)| last) {
                Some("consolidated") => _ = code.consolidated.insert(name, (path, *sha256)),
                Some("ebin") if path.starts_with("lib/") => _ = code.libraries.insert(name, (path, *sha256)),
                _ => {}
            }
        }
        code
    }
    /// Consolidated protocols that are not the same in both.
    fn other_protocols(&self, other: &Self) -> Vec<Atom> {
        let names: BTreeSet<&str> = self.consolidated.keys().chain(other.consolidated.keys()).copied().collect();
        let differs = |name: &&str| {
            let digest = |code: &Self| code.consolidated.get(*name).map(|(_, digest)| *digest);
            digest(self) != digest(other)
        };
        names.into_iter().filter(differs).filter_map(|name| Atom::new(name).ok()).collect()
    }
    /// Of these modules, those that the release has.
    fn md5s(&self, modules: &BTreeSet<Atom>) -> Result<BTreeMap<Atom, Md5>, JourneyError> {
        let file = |module: &Atom| self.consolidated.get(module.as_str()).or_else(|| self.libraries.get(module.as_str())).copied();
        let found = modules.iter().filter_map(|module| Some((module, file(module)?)));
        found.map(|(module, (path, digest))| Ok((module.clone(), self.md5(path, &digest)?))).collect()
    }
    fn md5(&self, path: &str, digest: &Digest) -> Result<Md5, JourneyError> {
        let mut content = Vec::new();
        let read = self.store.open_blob(digest)?.read_to_end(&mut content);
        read.map_err(|source| JourneyError::Content { path: path.to_owned(), source })?;
        let md5 = Beam::parse(&content).and_then(|beam| beam.md5());
        md5.map_err(|source| JourneyError::Beam { path: path.to_owned(), source: Box::new(source) })
    }
}
