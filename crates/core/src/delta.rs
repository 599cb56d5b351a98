//! Wanted manifest minus what a host has: what to send, what to copy, what is there already.
//!
//! A release is put onto a host directory by directory: each library, the runtime system, `releases/VERSION`, and the top files,
//! which wait in `.edeliver/top/VERSION` until the release is activated. A directory is either there with exactly the wanted content,
//! or it is made in staging and renamed into place as a whole. For each that is to be made:
//!
//! - Nothing has that name: it takes it.
//! - No release on the host uses what has that name (an interrupted deploy left it): it is replaced.
//! - Another release uses it with other content: a library gets a directory of its own, named after its content
//!   (`lib/app-0.1.0~1a2b3c4d`); the boot files that name it must be [rewritten](Delta::rewrite). A runtime system can't have
//!   another name, so that is a [`Conflict`].
//! - The release's own directory is there with other content: a [`Conflict`] that can be forced, unless that release is needed.
//!
//! A release without a manifest (from the original edeliver, or put there by hand) may use any directory that no manifest accounts
//! for, so none of these is replaced as long as it is there.

mod alike;
mod base;
mod conflict;
mod content;
mod host;
mod tree;

use std::collections::BTreeMap;

pub use alike::{Deltas, Known};
pub use conflict::{Conflict, Use};
pub use host::whereabouts;

use crate::{
    facts::Seen,
    name::Version,
    release::{Digest, EntryKind, Manifest, ManifestId, RelPath, layout, layout::Place},
    step::{Base, Copied, Linked, Placed, Placement},
};
use host::Host;
use tree::Tree;

/// What it takes to have a release complete on a host. Empty but for [`Delta::present`] and [`Delta::dirs`] when it is.
#[must_use]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delta {
    /// Files that are there, where they are.
    pub present: Vec<RelPath>,
    /// Files whose content travels.
    pub send: Vec<Placed>,
    /// Files whose content the host has elsewhere. All copies are to be made before anything is placed.
    pub copy: Vec<Copied>,
    /// Files with the same content as one that travels.
    pub twins: Vec<Copied>,
    /// Files on the host that are much like some that travel.
    pub bases: Vec<Base>,
    /// Symbolic links to make.
    pub links: Vec<Linked>,
    /// Empty directories to make.
    pub empty_dirs: Vec<RelPath>,
    /// Directories to rename into place, in this order.
    pub place: Vec<Placement>,
    /// The `lib/` and `erts-*` directories that the release uses on this host, for `.edeliver/manifests/VERSION.dirs`.
    pub dirs: Vec<RelPath>,
    /// Libraries that get another directory than the release was built with.
    pub relocated: Vec<Relocated>,
    /// Where libraries are relocated: the release's files that may name library directories, by their paths in the manifest.
    /// Their rewritten content goes into [`Deltas::against`].
    pub rewrite: Vec<RelPath>,
    /// What stands in the way.
    pub conflicts: Vec<Conflict>,
}

/// A library with a directory of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocated {
    /// Its directory in the release: `lib/app-0.1.0`.
    pub from: RelPath,
    /// Its directory on this host: `lib/app-0.1.0~1a2b3c4d`.
    pub to: RelPath,
}

/// Rewritten content of files of a release, by path: its digest and size in bytes.
pub type Rewritten = BTreeMap<RelPath, (Digest, u64)>;

/// What this host lacks of this release. For the hosts of a fleet [`Deltas`] works it out once for all that look alike.
pub fn against(wanted: &Manifest, seen: &Seen) -> Delta {
    Work::new(wanted, wanted.id(), seen).delta()
}

/// The release with other content for some of its files.
fn changed(wanted: &Manifest, rewritten: &Rewritten) -> Manifest {
    let mut changed = wanted.clone();
    for entry in &mut changed.files {
        if let (Some(new), EntryKind::File { size, sha256, .. }) = (rewritten.get(&entry.path), &mut entry.kind) {
            (*sha256, *size) = *new;
        }
    }
    changed
}

impl Delta {
    /// Whether the host has everything.
    pub fn is_empty(&self) -> bool {
        self.place.is_empty()
    }
    /// Conflicts that stand in the way, given whether the user allows to replace a release that nothing needs.
    pub fn obstacles(&self, force: bool) -> impl Iterator<Item = &Conflict> {
        self.conflicts.iter().filter(move |conflict| !(force && conflict.can_be_forced()))
    }
    /// Bytes that travel, before compression.
    pub fn bytes_sent(&self) -> u64 {
        self.send.iter().map(|file| file.size).sum()
    }
    /// Bytes that the new files take on the host.
    pub fn bytes_written(&self) -> u64 {
        self.bytes_sent() + self.copy.iter().chain(&self.twins).map(|copy| copy.to.size).sum::<u64>()
    }
}

/// One comparison.
struct Work<'a> {
    wanted: &'a Manifest,
    host: Host<'a>,
    delta: Delta,
}

/// What to do with one directory of the release.
enum Decision {
    Present(String),
    Place { dir: String, replaces_leftover: bool },
}

impl<'a> Work<'a> {
    fn new(wanted: &'a Manifest, id: ManifestId, seen: &'a Seen) -> Self {
        Self { wanted, host: Host::new(&wanted.version, id, seen), delta: Delta::default() }
    }

    fn delta(mut self) -> Delta {
        let trees = tree::of_release(self.wanted);
        let mut made = Vec::new();
        for (place, tree) in &trees {
            let decision = match place {
                Place::Lib(dir) => self.library(dir, tree),
                Place::Erts(dir) => self.runtime(dir, tree),
                Place::Top => self.top(),
                Place::Release(dir) => self.release(dir, tree),
            };
            if let Some(dir) = self.decided(*place, decision, tree) {
                made.push((dir, tree));
            }
        }
        content::fill(&mut self.delta, &self.host, &made);
        self.delta.bases = base::like(&self.delta.send, self.host.seen());
        self.delta
    }

    /// Notes the decision; a directory that is to be made is returned.
    fn decided(&mut self, place: Place<'_>, decision: Decision, tree: &Tree<'a>) -> Option<String> {
        let (dir, made) = match decision {
            Decision::Present(dir) => (dir, None),
            Decision::Place { dir, replaces_leftover } => (dir, Some(replaces_leftover)),
        };
        if matches!(place, Place::Lib(_) | Place::Erts(_)) {
            self.delta.dirs.push(rel_path(&dir));
        }
        if let Some(replaces_leftover) = made {
            self.delta.place.push(Placement { dir: rel_path(&dir), replaces_leftover });
            return Some(dir);
        }
        self.delta.present.extend(tree::files(tree).map(|(path, _)| join(&dir, path)));
        None
    }

    fn library(&mut self, dir: &str, tree: &Tree<'a>) -> Decision {
        let other = tree::relocated(dir, tree);
        let own = || self.take(dir, tree, self.host.possible_users(dir));
        // Only edeliver makes such directories, so releases of which nothing is known don't use it.
        let relocated = |_| self.take(&other, tree, self.host.known_users(&other));
        let decision = match self.host.settled(&[dir, &other]) {
            Some(settled) if settled == other => relocated(Vec::new()),
            Some(_) => own(),
            None => own().or_else(relocated),
        };
        if decision.as_ref().is_ok_and(|decision| decision.dir() == other) {
            self.delta.relocated.push(Relocated { from: rel_path(dir), to: rel_path(&other) });
        }
        decision.unwrap_or_else(|used_by| {
            self.delta.conflicts.push(Conflict::Library { dir: rel_path(&other), used_by });
            Decision::Present(other)
        })
    }

    fn runtime(&mut self, dir: &str, tree: &Tree<'a>) -> Decision {
        self.take(dir, tree, self.host.possible_users(dir)).unwrap_or_else(|used_by| {
            self.delta.conflicts.push(Conflict::Runtime { dir: rel_path(dir), used_by });
            Decision::Present(dir.to_owned())
        })
    }

    fn top(&self) -> Decision {
        let dir = top_dir(&self.wanted.version);
        match (self.host.has(&dir), self.host.is_complete()) {
            (true, true) => Decision::Present(dir),
            (replaces_leftover, _) => Decision::Place { dir, replaces_leftover },
        }
    }

    /// The release's own directory. It comes last, so that what happens to the others is known.
    fn release(&mut self, dir: &str, tree: &Tree<'a>) -> Decision {
        let moved = !self.delta.relocated.is_empty();
        let exists = self.host.has(dir);
        let same = exists && (self.host.is_complete() || !moved && self.host.strays_cover(dir, tree));
        let untouched = same && !self.replaces_directories();
        if exists && !untouched && !self.host.is_complete() && !self.host.is_leftover() {
            let in_use = self.host.need_of_wanted();
            self.delta.conflicts.push(Conflict::Release { version: self.wanted.version.clone(), in_use });
        }
        if same {
            return Decision::Present(dir.to_owned());
        }
        if moved {
            self.delta.rewrite = tree.keys().filter(|name| names_libraries(name)).map(|name| join(dir, name)).collect();
        }
        Decision::Place { dir: dir.to_owned(), replaces_leftover: exists }
    }

    /// Whether a library or runtime system is replaced. If the release's directory belongs to a release without a manifest, it
    /// may be that one's.
    fn replaces_directories(&self) -> bool {
        let mut replaced = self.delta.place.iter().filter(|place| place.replaces_leftover);
        replaced.any(|place| place.dir.parts().next() != Some(layout::OWN))
    }

    /// Takes this name for a directory, unless other content with users has it; then these are the error.
    fn take(&self, dir: &str, tree: &Tree<'a>, users: Vec<Version>) -> Result<Decision, Vec<Version>> {
        let dir = dir.to_owned();
        match self.host.has(&dir) {
            true if self.host.is_same(&dir, tree) => Ok(Decision::Present(dir)),
            true if users.is_empty() => Ok(Decision::Place { dir, replaces_leftover: true }),
            true => Err(users),
            false if self.host.is_missed(&dir, tree) => Err(self.host.known_users(&dir)),
            false => Ok(Decision::Place { dir, replaces_leftover: false }),
        }
    }
}

impl Decision {
    fn dir(&self) -> &str {
        match self {
            Self::Present(dir) | Self::Place { dir, .. } => dir,
        }
    }
}

/// Where the top files of a release wait for its activation.
pub fn top_dir(version: &Version) -> String {
    format!("{}/top/{version}", layout::OWN)
}

/// Files of `releases/VERSION` in which directories of libraries are named.
fn names_libraries(name: &str) -> bool {
    !name.contains('/') && [".boot", ".script", ".rel"].iter().any(|end| name.ends_with(end))
}

fn rel_path(path: &str) -> RelPath {
    path.parse().expect("it is made of the parts of a path in a release and of versions")
}

fn join(dir: &str, path: &str) -> RelPath {
    if path.is_empty() { rel_path(dir) } else { rel_path(&format!("{dir}/{path}")) }
}

#[cfg(test)]
mod tests;
