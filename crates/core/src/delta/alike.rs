//! Most hosts of a fleet look alike: what one of them lacks is worked out once, for a release has thousands of files.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use super::{Delta, Rewritten, Work, changed};
use crate::{
    facts::{Seen, Unfinished},
    name::Version,
    release::{Digest, Manifest, ManifestId, RelPath},
};

/// What hosts lack of one release.
#[derive(Debug, Clone)]
pub struct Deltas<'a> {
    wanted: &'a Manifest,
    known: Known,
}

/// What has been worked out of a release: its id, and what hosts lack. Clones share it.
#[derive(Debug, Clone)]
pub struct Known {
    id: ManifestId,
    deltas: Arc<Mutex<WorkedOut>>,
}

/// What hosts that look like this lack.
type WorkedOut = Vec<(Look, Arc<Delta>)>;

impl<'a> Deltas<'a> {
    /// Of this release; nothing is worked out yet.
    pub fn of(wanted: &'a Manifest) -> Self {
        Self::with(wanted, Known { id: wanted.id(), deltas: Arc::default() })
    }
    /// Of this release, with what was worked out of it before.
    pub fn with(wanted: &'a Manifest, known: Known) -> Self {
        Self { wanted, known }
    }
    /// The release.
    pub fn wanted(&self) -> &'a Manifest {
        self.wanted
    }
    /// What has been worked out so far, and will be.
    pub fn known(&self) -> Known {
        self.known.clone()
    }
    /// The release's id, which takes its whole text to be found.
    pub fn id(&self) -> ManifestId {
        self.known.id
    }
    /// What a host lacks. `rewritten`: other content for some files of the release.
    pub fn against(&self, seen: &Seen, rewritten: Option<&Rewritten>) -> Arc<Delta> {
        let look = Look::of(seen, rewritten);
        let mut known = self.known.deltas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, delta)) = known.iter().find(|(known, _)| *known == look) {
            return delta.clone();
        }
        let delta = Arc::new(match rewritten {
            Some(rewritten) => Work::new(&changed(self.wanted, rewritten), self.id(), seen).delta(),
            None => Work::new(self.wanted, self.id(), seen).delta(),
        });
        known.push((look, delta.clone()));
        delta
    }
}

/// All of a host that a delta depends on.
#[derive(Debug, Clone, PartialEq)]
struct Look {
    installed: Vec<Release>,
    unfinished: Vec<Unfinished>,
    dirs: BTreeSet<RelPath>,
    strays: BTreeMap<RelPath, Digest>,
    top: BTreeMap<RelPath, Digest>,
    needed: [Option<Version>; 4],
    is_down: bool,
    rewritten: Option<Rewritten>,
}

/// An installed release: with the id of a manifest that could be read one has its files.
#[derive(Debug, Clone, PartialEq)]
struct Release {
    version: Version,
    manifest: Option<ManifestId>,
    is_read: bool,
    dirs: Vec<RelPath>,
}

impl Look {
    fn of(seen: &Seen, rewritten: Option<&Rewritten>) -> Self {
        let node = &seen.node;
        let release = |installed: &crate::facts::Installed| Release {
            version: installed.version.clone(),
            manifest: installed
                .files
                .as_ref()
                .filter(|_| installed.manifest.is_none())
                .map(|files| files.id())
                .or(installed.manifest),
            is_read: installed.files.is_some(),
            dirs: installed.dirs.clone(),
        };
        Self {
            installed: seen.installed.iter().map(release).collect(),
            unfinished: seen.unfinished.clone(),
            dirs: seen.dirs.clone(),
            strays: seen.strays.clone(),
            top: seen.top.clone(),
            needed: [&node.booted, &node.version, &seen.permanent, &seen.previous].map(Clone::clone),
            is_down: node.state == crate::facts::NodeState::Down,
            rewritten: rewritten.cloned(),
        }
    }
}
