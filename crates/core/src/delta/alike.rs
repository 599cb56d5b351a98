//! Most hosts of a fleet look alike: what one of them lacks is worked out once, for a release has thousands of files.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
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
    id: ManifestId,
    known: RefCell<Vec<(Look, Rc<Delta>)>>,
}

impl<'a> Deltas<'a> {
    /// Of this release; nothing is worked out yet.
    pub fn of(wanted: &'a Manifest) -> Self {
        Self { wanted, id: wanted.id(), known: RefCell::default() }
    }
    /// The release's id, which takes its whole text to be found.
    pub fn id(&self) -> ManifestId {
        self.id
    }
    /// What a host lacks. `rewritten`: other content for some files of the release.
    pub fn against(&self, seen: &Seen, rewritten: Option<&Rewritten>) -> Rc<Delta> {
        let look = Look::of(seen, rewritten);
        if let Some((_, delta)) = self.known.borrow().iter().find(|(known, _)| *known == look) {
            return delta.clone();
        }
        let delta = Rc::new(match rewritten {
            Some(rewritten) => Work::new(&changed(self.wanted, rewritten), self.id, seen).delta(),
            None => Work::new(self.wanted, self.id, seen).delta(),
        });
        self.known.borrow_mut().push((look, delta.clone()));
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
